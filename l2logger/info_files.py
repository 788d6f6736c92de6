"""``logger_info.json`` and ``scenario_info.json``: what they hold and how they get to the disk."""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from l2logger.errors import ConfigError, LogFormatError
from l2logger.schema import Schema


def checked_logger_info(logger_info: Any, schema: Schema, *, strict: bool = False) -> dict[str, Any]:
    """Return a copy of `logger_info` that names the version of the format.

    Args:
        logger_info: A dict whose ``metrics_columns`` is a non-empty list of column names; or None, for no names.
        schema: The version of the format that will be written.
        strict: Refuse names that are empty, there twice, or not to be printed.

    Raises:
        ConfigError: It is anything else.
    """
    if logger_info is None:
        return {"metrics_columns": [], "log_format_version": schema.version}
    if not isinstance(logger_info, Mapping) or "metrics_columns" not in logger_info:
        raise ConfigError(
            f"logger_info must be a dict with the key 'metrics_columns', such as {{'metrics_columns': ['reward']}}; got {logger_info!r}"
        )
    metrics = logger_info["metrics_columns"]
    if type(metrics) is not list or any(type(name) is not str for name in metrics):
        raise ConfigError(f"metrics_columns must be a list of text, got {metrics!r}")
    if not metrics:
        raise ConfigError(
            "metrics_columns is empty; name at least one column that each record brings, such as 'reward'"
        )
    if strict:
        odd = [name for name in metrics if not name or not name.isprintable() or metrics.count(name) > 1]
        if odd:
            raise ConfigError(f"metrics_columns has names that are empty, there twice or not to be printed: {odd}")
    return {**logger_info, "log_format_version": schema.version}


def encode(what: str, info: Any, *, strict: bool = False) -> bytes:
    """Return the bytes of an info file.

    Args:
        what: What the information is called, for the error.
        info: Anything JSON can hold.
        strict: Refuse NaN and infinities, which JSON proper does not have.

    Raises:
        ConfigError: JSON cannot hold it.
    """
    try:
        return json.dumps(info, indent=2, allow_nan=not strict).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{what} cannot be written as JSON: {error}") from error


def read(path: str) -> Any:
    """Return what an info file holds.

    Raises:
        FileNotFoundError: It is not there.
        LogFormatError: It is not JSON.
    """
    with open(path, encoding="utf-8-sig") as file:
        try:
            return json.load(file)
        except (ValueError, RecursionError) as error:
            raise LogFormatError(f"not a JSON file: {error}", path, getattr(error, "lineno", None)) from error


def replace(path: str, data: bytes) -> None:
    """Write a file so that, whatever happens, the old or the new content is there, never a part.

    Raises:
        OSError: It cannot be written; the old content is untouched.
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_directory(os.path.dirname(path))


@contextmanager
def replacing(path: str) -> Iterator[str]:
    """Give a path to write to, which takes the place of `path` when that is done, and is removed if it fails."""
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def sync_directory(directory: str) -> None:
    """Wait until the names in a directory are on the disk, where the system has a way to ask for it."""
    # Opening a directory is not possible on Windows, and syncing one not on every file system.
    with suppress(OSError):
        fd = os.open(directory or ".", os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
