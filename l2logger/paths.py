"""Names of directories and files of a run, and the one guard against leaving it."""

import errno
import os
import re
import time
import unicodedata
from typing import Any, Final

from l2logger.errors import ConfigError, DirectoryError, LogFormatError, LogWriteError, SignalError

DATA_LOG: Final = "data-log.tsv"
LOGGER_INFO: Final = "logger_info.json"
SCENARIO_INFO: Final = "scenario_info.json"
MANIFEST: Final = "run.json"

COLUMN_METRIC_LIST: Final = "column_metric_list.json"
COLUMN_INFO: Final = "column_info.json"
BLOCK_REPORT: Final = "block-report.tsv"
BLOCK_INFO: Final = "block-info.tsv"

NUMBERING: Final = "numbering.json"

FILES_OF_A_RUN: Final = frozenset({LOGGER_INFO, SCENARIO_INFO, MANIFEST, NUMBERING})
"""Names that no worker directory may have."""

SIGNALS: Final = "signals"
MEDIA: Final = "media"
ARTIFACTS: Final = "artifacts"

MAX_NAME_BYTES: Final = 255
"""Longest file name on every common file system."""

_MAX_NAME_CHARS: Final = 200

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def scenario_stem(scenario_name: Any) -> str:
    """Return the part of the directory name that stands for the scenario.

    This is the last component of `scenario_name` up to its first dot: ``/x/y/z.json`` gives ``z``.

    Args:
        scenario_name: Text or path.

    Raises:
        ConfigError: Nothing is left of the name, or it cannot name a directory.
    """
    if not isinstance(scenario_name, str | os.PathLike) or not isinstance(name := os.fspath(scenario_name), str):
        raise ConfigError(f"scenario_name must be text, got {scenario_name!r}")
    stem = re.split(r"[/\\]" if os.sep == "\\" else "/", name)[-1].split(".", 1)[0]
    stem = unicodedata.normalize("NFC", stem)
    if not stem:
        raise ConfigError(
            f"scenario_name {name!r} leaves an empty directory name: its last component, up to the first dot, is used; "
            "give a name such as 'cartpole'"
        )
    if _CONTROL.search(stem):
        raise ConfigError(f"scenario_name {name!r} holds control characters, which a directory name should not")
    try:
        size = len(stem.encode())
    except UnicodeEncodeError as error:
        raise ConfigError(f"scenario_name {name!r} is not valid Unicode text") from error
    if size > MAX_NAME_BYTES - len("-1234567890-1234567"):
        raise ConfigError(
            f"scenario_name is {size} bytes long, which is more than a directory name can hold: {name[:40]!r}..."
        )
    return stem


def scenario_dir_name(stem: str, seconds: float) -> str:
    """Return ``<stem>-<epoch>``, the epoch being ``str(seconds)`` with a dash for the dot, as l2logger 1.x wrote it."""
    return f"{stem}-{seconds}".replace(".", "-")


def make_scenario_dir(logging_base_dir: Any, stem: str, *, gitignore: bool = False) -> str:
    """Make ``<stem>-<time>``, which must be new, and return its path; with `gitignore`, keep a new base out of git."""
    try:
        base = os.fspath(logging_base_dir)
        new = not os.path.isdir(base or os.curdir)
        os.makedirs(base or os.curdir, exist_ok=True)
        if new and gitignore:
            with open(os.path.join(base, ".gitignore"), "x", encoding="ascii") as file:
                file.write("*\n")
        attempt = 0
        while True:
            # The directory of another run that started at the same instant is left to it.
            path = os.path.join(base, scenario_dir_name(stem, time.time() + attempt * 1e-6))
            try:
                os.mkdir(path)
            except FileExistsError:
                attempt += 1
            else:
                return path
    except (TypeError, ValueError) as error:
        raise ConfigError(f"logging_base_dir must be a path, got {logging_base_dir!r}: {error}") from error
    except OSError as error:
        raise DirectoryError(
            error.errno, f"no run can be kept in {logging_base_dir!r}: {error.strerror}", error.filename
        ) from error


def data_log(scenario_dir: str, worker_id: str, block_num: int, block_type: str) -> str:
    """Return the file of one block of one worker."""
    return f"{scenario_dir}{os.sep}{worker_id}{os.sep}{block_num}-{block_type}{os.sep}{DATA_LOG}"


def leads_out(root: str, path: str) -> str | None:
    """Return where a path really leads if that is outside of a directory, else None."""
    real_root, real = os.path.realpath(root), os.path.realpath(path)
    return None if os.path.commonpath([real_root, real]) == real_root else real


def make_dir_inside(root: str, path: str, what: str = "the record") -> None:
    """Make the directory `path` below `root`, refusing to go through a link that leads out of it.

    Args:
        root: Directory of the run.
        path: In it.
        what: What was to be stored there, for the error.

    Raises:
        LogWriteError: The directory cannot be made, or it is not inside `root`.
    """
    real_root, real_path = os.path.realpath(root), os.path.realpath(path)
    if os.path.commonpath([real_root, real_path]) != real_root:
        raise LogWriteError(None, f"{path} leads to {real_path}, outside of the run directory; {what} was not stored")
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise LogWriteError(error.errno, f"{error.strerror}; {what} was not stored", path) from error


def find_run(scenario_dir: str | os.PathLike[str]) -> str:
    """Return the path of an existing run.

    Args:
        scenario_dir: A path, or the bare name of a directory in ``$L2DATA/logs`` (``~/l2data/logs`` if the
            variable is not set). Nothing is ever created.

    Raises:
        DirectoryError: There is no such directory.
    """
    if not isinstance(scenario_dir, str | os.PathLike):
        raise ConfigError(f"scenario_dir must be a path, got {scenario_dir!r}")
    given = os.fspath(scenario_dir)
    try:
        given.encode()
    except (AttributeError, UnicodeEncodeError) as error:
        raise DirectoryError(f"the path {given!r} is not UTF-8 text") from error
    if os.path.isdir(given):
        return given
    tried = [given]
    if given and os.path.basename(os.path.normpath(given)) == os.path.normpath(given):
        root = os.environ.get("L2DATA") or os.path.join(os.path.expanduser("~"), "l2data")
        tried.append(os.path.join(root, "logs", given))
        if os.path.isdir(tried[-1]):
            return tried[-1]
    raise DirectoryError(
        f"no run directory: tried {' and '.join(map(repr, tried))} (the environment variable L2DATA moves the second place)"
        if len(tried) > 1
        else f"no run directory {given!r}"
    )


def checked_name(what: str, name: Any) -> str:
    """Return the name of something that is logged: one part, or several with slashes, that can name files below a run.

    Args:
        what: What it is the name of, for the error.
        name: Text.

    Raises:
        SignalError: It is not such a name.
    """
    text = str.__str__(name) if isinstance(name, str) else ""  # which no subclass can have changed
    parts = text.split("/")
    bad = any(not part.strip() or part in (".", "..") or not part.isprintable() or "\\" in part for part in parts)
    if bad or len(text) > _MAX_NAME_CHARS or any(len(part.encode()) > _MAX_NAME_CHARS for part in parts):
        raise SignalError(
            f"the name of {what} must be text such as 'agent/loss', of at most {_MAX_NAME_CHARS} characters, "
            f"without empty parts, '..', control characters and backslashes; got {name!r}"
        )
    return text


def file_of_run(scenario_dir: str, path: str) -> str:
    """Return where the file is that a signal points to.

    Args:
        scenario_dir: Directory of the run.
        path: Of the signal, relative to it.

    Raises:
        FileNotFoundError: It is missing.
        LogFormatError: It is not in the run: in one that came from elsewhere, it could be anything.
    """
    root = os.path.realpath(scenario_dir)
    found = os.path.realpath(os.path.join(root, path))
    if os.path.commonpath((root, found)) != root:
        raise LogFormatError(f"the path {path!r} of a signal leads out of the run, to {found}", scenario_dir)
    if not os.path.isfile(found):
        raise FileNotFoundError(errno.ENOENT, "this file of the run is missing", found)
    return found
