"""What `wandb.init` is given: what was chosen, what the environment says, and what we think best, in this order."""

import hashlib
import inspect
import netrc
import os
import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import urlsplit

from l2logger import checks
from l2logger.diagnostics import visible
from l2logger.errors import ConfigError
from l2logger.plain import resolved
from l2logger.redaction import redacted

MODES: Final = ("online", "offline", "disabled")

_PROJECT: Final = "l2logger"
_ID_CHARS: Final = 64

FLUSH_SECS: Final = 0.1
"""How often W&B's service writes to its file."""

_SETTINGS: Final = {
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "finish_timeout_raises": True,
    "host": "",
    "init_timeout": 60.0,
    "label_disable": True,
    "program": "",
    "reinit": "create_new",
    "save_code": False,
    "silent": True,
    "x_disable_machine_info": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
    "x_transaction_log_flush_interval": FLUSH_SECS,
}
_FINISH_SECS: Final = 60.0
_FINISH_ALONE_SECS: Final = 480.0
"""How long the last uploads may take; in the process of the training, its exit would wait for them."""

_FIELDS: Final = {"project": "project", "dir": "root_dir", "id": "run_id", "name": "run_name", "resume": "resume"}
"""The setting behind each argument of `wandb.init` that has a default of ours."""
_VARIABLES: Final = {"root_dir": "WANDB_DIR", "run_name": "WANDB_NAME"}


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are not None, as plain Python objects, tags and notes without secrets.

    Raises:
        ConfigError: One is not what is expected.
    """
    chosen = {option: resolved(value, ConfigError) for option, value in given.items() if value is not None}
    if "mode" in chosen:
        checks.one_of("mode", chosen["mode"], MODES)
    if "tags" in chosen:
        chosen["tags"] = list(redacted(texts("tags", chosen["tags"])))
    if "notes" in chosen:
        chosen["notes"] = redacted(chosen["notes"])
    if "dir" in chosen:
        if not isinstance(chosen["dir"], str | os.PathLike):
            raise ConfigError(f"dir must be a path, got {chosen['dir']!r}")
        chosen["dir"] = os.path.abspath(chosen["dir"])
    for option in ("config", "settings"):
        value = chosen.get(option, {})
        is_settings = option == "settings" and hasattr(value, "model_fields_set")
        if not isinstance(value, Mapping) and not is_settings:
            raise ConfigError(f"{option} must be a mapping, got {value!r}")
    return chosen


def texts(option: str, value: Any) -> tuple[str, ...]:
    """Return the texts of an option that takes one or several.

    Raises:
        ConfigError: It is something else.
    """
    value = resolved(value, ConfigError)
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, Collection) or not all(isinstance(text, str) for text in found):
        raise ConfigError(f"{option} must be text or a list of texts, got {value!r}")
    return tuple(found)


def check_names(given: Collection[str], init: Callable[..., Any], own: Collection[str]) -> None:
    """Check that `wandb.init` has the arguments given.

    Args:
        given: Their names.
        init: `wandb.init`.
        own: Further names that may be meant.

    Raises:
        ConfigError: It has not.
    """
    parameters = inspect.signature(init).parameters
    for name in given:
        if name not in parameters:
            near = get_close_matches(name, {*parameters, *own}, 3)
            hint = f", did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ConfigError(f"neither WandbSink nor wandb.init has an argument {name!r}{hint}")


def arguments(
    chosen: Mapping[str, Any], shared: Any, scenario_dir: str, isolate: str, *, fresh: bool
) -> dict[str, Any]:
    """Return the arguments for `wandb.init`, but for the config.

    Args:
        chosen: What the user gave.
        shared: The settings that W&B found in the environment and its files.
        scenario_dir: The run.
        isolate: Where the sink works.
        fresh: Whether what W&B has of the run is to be overwritten, which it does with a run that is not resumed.
    """
    settings = chosen.get("settings", {})
    if not isinstance(settings, Mapping):
        settings = {name: getattr(settings, name) for name in settings.model_fields_set}
    known = type(shared).model_fields
    ours = {**_SETTINGS, "finish_timeout": _FINISH_ALONE_SECS if isolate == "process" else _FINISH_SECS}
    settings = {name: ours[name] for name in ours if name in known and not in_environment(name)} | settings
    directory = os.path.basename(scenario_dir)
    defaults = {"project": _PROJECT, "dir": scenario_dir, "id": run_id(directory), "name": visible(directory)}
    if "resume_from" in chosen:
        del defaults["id"]
    elif not fresh and "fork_from" not in chosen:
        defaults["resume"] = "allow"
    for argument, field in _FIELDS.items():
        found = in_environment(field) or (argument != "dir" and getattr(shared, field) is not None)
        if found or field in settings:
            defaults.pop(argument, None)
    result = {**defaults, **chosen, "settings": settings}
    mode = result.get("mode") or settings.get("mode") or shared.mode
    if mode in ("online", "run") and not _has_key(shared, settings, known["base_url"].default):
        result["mode"] = "offline"
    return result


def in_environment(setting: str) -> bool:
    """Return whether an environment variable has a setting of W&B."""
    names = [_VARIABLES.get(setting, f"WANDB_{setting.upper()}")]
    if setting.startswith("x_"):
        names.append(f"WANDB__{setting.removeprefix('x_').upper()}")
    return any(os.environ.get(name) for name in names)


def run_id(directory: str) -> str:
    """Return what W&B knows the run in a directory of this name by: always the same, and valid."""
    return valid_id(directory, _ID_CHARS)


def valid_id(text: str, max_chars: int) -> str:
    """Return a text if W&B can take it for a name, else one that is made of it, and of no other."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-") or "run"
    if plain == text and len(plain) <= max_chars:
        return plain
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
    return f"{plain[: max_chars - 1 - len(digest)]}-{digest}"


def _has_key(shared: Any, settings: Mapping[str, Any], usual_url: str) -> bool:
    """Return whether W&B will find a key, or the like, without asking for one."""
    names = ("api_key", "identity_token_file")
    if any(settings.get(name) or getattr(shared, name, None) or in_environment(name) for name in names):
        return True
    url = settings.get("base_url") or shared.base_url
    # W&B has several names for its own server.
    hosts = {urlsplit(url).netloc, "api.wandb.ai" if url == usual_url else ""}
    paths = map(os.path.expanduser, (os.environ.get("NETRC") or "~/.netrc", "~/_netrc"))
    try:
        known = netrc.netrc(next(filter(os.path.exists, paths), ""))
    except (OSError, netrc.NetrcParseError):
        return False
    return any((entry := known.authenticators(host)) and entry[2] for host in hosts if host)
