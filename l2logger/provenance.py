"""Where a run comes from: the machine, the packages, the command line, the state of the code."""

import getpass
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

from l2logger import __version__
from l2logger.redaction import redacted, redacted_text

_GIT_SECS: Final = 2.0

# What decides the results of an experiment, by the name of its module.
_PACKAGES: Final = (
    "accelerate ale_py brax dm_control flax gym gymnasium haiku hydra jax jaxlib keras l2metrics lightning minigrid mujoco "
    "nle numpy omegaconf optax optuna pandas pettingzoo procgen pytorch_lightning ray safetensors sb3_contrib scipy skrl "
    "stable_baselines3 supersuit tella tensordict tensorflow tianshou torch torchrl torchvision transformers"
)

_user_info: Final = re.compile(r"(?<=://)[^/?#\s]*@").sub


def provenance() -> dict[str, Any]:
    """Return what there is to know of this process, without secrets; None for what cannot be found out."""
    return {
        "host": host(),
        "user": user(),
        "pid": os.getpid(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "l2logger": __version__,
        "packages": packages(),
        "argv": list(redacted(sys.argv)),
        "git": git(code_directory()),
    }


def host() -> str:
    """Return the name of this machine."""
    return platform.node()


def user() -> str | None:
    """Return who runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # in a container, a number may have no name
        return None


def packages() -> dict[str, str]:
    """Return the versions of those usual packages that this process has imported."""
    found = {}
    for name in _PACKAGES.split():
        module = sys.modules.get(name)
        if module is not None and (version := _version(name, module)):
            found[name] = version
    return found


def _version(name: str, module: Any) -> str | None:
    # Not by getattr, which may warn, or import something.
    version = getattr(module, "__dict__", {}).get("__version__")
    if isinstance(version, str):
        return str(version)
    from importlib import metadata

    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, ValueError):
        return None


def code_directory() -> str | None:
    """Return where the code of this process is: next to its script if that is under version control, or else where it runs."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    beside = os.path.dirname(os.path.abspath(script)) if isinstance(script, str) else None
    if beside is not None and _is_versioned(beside):
        return beside
    try:
        return os.getcwd()
    except OSError:
        return beside


def _is_versioned(directory: str) -> bool:
    while not os.path.exists(os.path.join(directory, ".git")):
        directory, before = os.path.dirname(directory), directory
        if directory == before:
            return False
    return True


def git(directory: str | None) -> dict[str, Any] | None:
    """Return the state of the repository that a directory is in, or None if there is none, or no git.

    Returns:
        ``commit``, ``branch`` (None if no branch is checked out), ``dirty`` (whether tracked files were changed; None if
        that took too long to find out) and ``remote``, without the name and password of a user.
    """
    if directory is None or not _is_versioned(directory):
        return None
    end = time.monotonic() + _GIT_SECS
    arguments = ["status", "--porcelain=v2", "--branch", "--untracked-files=no", "--ignore-submodules=dirty"]
    status = _git(directory, arguments, end)
    head = dict(line[2:].split(" ", 1) for line in status.splitlines() if re.match(r"# \S+ ", line)) if status else {}
    commit = head.get("branch.oid") or (_git(directory, ["rev-parse", "HEAD"], end + _GIT_SECS / 4) or "").strip()
    if not commit:
        return None
    branch = head.get("branch.head")
    return {
        "commit": None if commit == "(initial)" else commit,
        "branch": None if branch in (None, "(detached)") else redacted_text(str(branch)),
        "dirty": None if status is None else any(not line.startswith("#") for line in status.splitlines()),
        "remote": _remote(directory, end + _GIT_SECS / 4),
    }


def _remote(directory: str, end: float) -> str | None:
    listed = _git(directory, ["config", "--get-regexp", r"^remote\..*\.url$"], end)
    urls: Mapping[str, str] = dict(line.split(" ", 1) for line in (listed or "").splitlines() if " " in line)
    url = urls.get("remote.origin.url") or next(iter(urls.values()), None)
    return None if url is None else redacted_text(_user_info("", url))


def _git(directory: str, arguments: list[str], end: float) -> str | None:
    """Return what git says, or None if it fails, is not there, or takes too long; it changes nothing and asks nothing."""
    # A hook of git, which this process may be, is told of a repository of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-C", directory, "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=max(0.0, end - time.monotonic()),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
