"""What is on disk as it was when it was logged: a run as sinks know it, and records as signals."""

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from l2logger import cells
from l2logger.diagnostics import warn
from l2logger.errors import ConfigError, DirectoryError, LogFormatError, LogWarning
from l2logger.paths import find_run
from l2logger.redaction import redacted
from l2logger.run import RunInfo
from l2logger.runs import StoredRun, find
from l2logger.schema import COUNTS, V1_1
from l2logger.signals import RECORD, Signal

_TEXTS: Final = frozenset(V1_1.columns).difference(COUNTS)

_FILLED: Final = {**dict.fromkeys(V1_1.columns, ""), "task_params": "{}", **V1_1.defaults}
"""What older formats, and other writers, leave out."""

_SHOWN_RUNS: Final = 3


def signal_of(cells_of_record: Mapping[str, str]) -> Signal:
    """Return a record as it was logged, as far as its cells tell."""
    typed = {name: cell if name in _TEXTS else cells.value(cell) for name, cell in cells_of_record.items()}
    return Signal(RECORD, MappingProxyType({**_FILLED, **typed}))


def single_run(path: str | os.PathLike[str]) -> StoredRun:
    """Return the run in a directory.

    Args:
        path: Its directory, or its name in ``$L2DATA/logs``.

    Raises:
        DirectoryError: There is no such directory, or no run in it.
        ConfigError: There are several, or the directory is a part of one.
    """
    directory = os.path.abspath(find_run(path))
    runs, _ = find((directory,))
    if not runs:
        raise DirectoryError(f"no run in {directory}: there is neither an info file nor a data-log.tsv")
    if len(runs) > 1:
        names = ", ".join(run.name for run in runs[:_SHOWN_RUNS]) + ", ..." * (len(runs) > _SHOWN_RUNS)
        raise ConfigError(f"one run is expected, {directory} holds {len(runs):,}: {names}; give one of them")
    [run] = runs
    if os.path.realpath(run.path) != os.path.realpath(directory):
        raise ConfigError(f"a whole run is expected, {directory} is a part of one; give {run.path}")
    return run


def run_info(run: StoredRun) -> RunInfo:
    """Return what sinks learn about a run, without secrets; what cannot be read of it is warned of, and empty."""
    try:
        info = run.info()
    except (LogFormatError, OSError) as error:
        warn(f"{error}; sinks do not learn what it holds", LogWarning)
        return RunInfo(run.path, {}, {})
    listed: Any = info.logger_info
    if isinstance(listed, list):  # format 0.1 before its release
        listed = {"metrics_columns": listed}
    return RunInfo(run.path, redacted(listed) if isinstance(listed, dict) else {}, redacted(info.scenario_info))
