"""The writers of L2Logger 0.1: one directory for each task, regimes numbered by the caller.

Two layouts existed, and each method writes its own:

=============================  ============================  =====================
entered by                     columns are listed in         regimes are listed in
=============================  ============================  =====================
``write_to_blocks_log`` (pre)  ``column_metric_list.json``   ``block-report.tsv``
``write_new_regime`` (0.1.0)   ``column_info.json``          ``block-info.tsv``
=============================  ============================  =====================
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from l2logger import info_files, paths
from l2logger.diagnostics import warn
from l2logger.errors import ConfigError, DirectoryError, RecordError, RecordWarning
from l2logger.pipeline import Pipeline
from l2logger.processors.counts import as_count
from l2logger.processors.scalars import unwrap_scalars
from l2logger.processors.timestamp import TimeStamper
from l2logger.signals import RECORD
from l2logger.sinks.fan_out import FanOut
from l2logger.sinks.task_tree import REGIME, Context, TaskTreeSink, checked_name

_COUNTS = ("block_num", "regime_num", "exp_num")
_NO_WORKER = frozenset({paths.COLUMN_METRIC_LIST, paths.COLUMN_INFO, paths.SCENARIO_INFO})


def get_log_foldername(path: str) -> str:
    """Return ``<stem of path>-<seconds since 1970>``, a name for a scenario directory."""
    return paths.scenario_dir_name(paths.scenario_stem(path), time.time())


class PerformanceLogger:
    """Base of the two writers; use one of them.

    When a method returns, its row is in the hands of the operating system. When it raises, there is no row, and the
    rows that follow go where they went before.

    Args:
        toplevel_dir: Where scenarios are kept; made if it does not exist.
        column_list: Names of the metric columns, or an object whose ``metrics_columns`` lists them.
        scenario_info: Anything JSON can hold, for ``scenario_info.json``.
        column_info: The same as `column_list`, as 0.1.0 called it.

    Raises:
        ConfigError: The columns are not a list of text, or JSON cannot hold an argument; nothing was created.
        DirectoryError: The directory cannot be made.
    """

    strict = False
    _data_columns: tuple[str, ...] = ()

    def __init__(
        self,
        toplevel_dir: str | os.PathLike[str],
        column_list: Sequence[str] | Mapping[str, Any] | None = None,
        scenario_info: Any = None,
        *,
        column_info: Sequence[str] | Mapping[str, Any] | None = None,
    ) -> None:
        if column_list is not None and column_info is not None:
            raise ConfigError("column_list and column_info are two names of one argument, got both; leave one out")
        columns = _checked_column_info(column_list if column_info is None else column_info)
        # Turned into text at once: what JSON cannot hold is refused now, and what the caller changes later stays out.
        self._infos = _encoded_infos(columns, scenario_info or {})
        self._metrics = tuple(columns["metrics_columns"])
        self._toplevel_dir = toplevel_dir
        # Absolute, so that a later chdir does not split the log.
        self._store = TaskTreeSink(_made_directory(toplevel_dir), self._data_columns)
        self._stamps = TimeStamper()
        self._doubts: set[str] = set()
        self._pipeline = Pipeline(self, [self._complete, unwrap_scalars, _CountChecker()], self._store, FanOut(()))

    @property
    def toplevel_dir(self) -> Any:
        """Where scenarios are kept, as it was given."""
        return self._toplevel_dir

    @property
    def logging_dir(self) -> str | None:
        """Directory of the task entered last, below `toplevel_dir`, or None."""
        return self.context and os.path.join(self._toplevel_dir, *self.context.path)

    @property
    def context(self) -> Context | None:
        """Where rows go, or None before the first regime."""
        return self._store.context

    @classmethod
    def get_readable_timestamp(cls) -> str:
        """Return the local time as ``20201020T230415.363982``."""
        return TimeStamper().text()

    def write_to_blocks_log(
        self, record: Mapping[str, Any], directory_info: Mapping[str, Any], update_context_only: bool = False
    ) -> None:
        """Enter a regime: the rows that follow belong to it.

        Args:
            record: ``block_num``, ``regime_num``, ``block_type``, ``worker``, ``task_name`` and ``params``, which is
                JSON text.
            directory_info: ``scenario_dirname``, ``worker_dirname`` and, unless it should be ``<block_num>-<block_type>``,
                ``block_dirname``.
            update_context_only: Go there without writing a row about it; of the record only ``task_name`` is needed.

        Raises:
            SchemaError: It is the first row of its file and has not exactly these columns, or a later one has others.
            RecordError: A name is missing or cannot be that of a directory, or a number is no count.
            LogWriteError: The operating system refused.
            LogLockedError: Another process is writing as this worker.
        """
        record, directories = _mapping("a record", record), _mapping("directory_info", directory_info)
        block = directories.get("block_dirname")
        self._enter(
            _need(directories, "scenario_dirname"),
            _need(directories, "worker_dirname"),
            _numbered_block(record) if block is None else checked_name("block_dirname", block),
            record,
            paths.BLOCK_REPORT,
            update_context_only,
        )

    def write_new_regime(
        self, record: Mapping[str, Any], scenario_dirname: str, update_context_only: bool = False
    ) -> None:
        """Enter a regime, in the layout of 0.1.0: the worker and the block are those of the record.

        Args:
            record: As for `write_to_blocks_log`.
            scenario_dirname: Directory of the scenario, below `toplevel_dir`.
            update_context_only: Go there without writing a row about it; of the record the values that name a
                directory are needed: ``worker``, ``block_num``, ``block_type`` and ``task_name``.

        Raises:
            SchemaError: As `write_to_blocks_log`.
            RecordError: As `write_to_blocks_log`.
            LogWriteError: As `write_to_blocks_log`.
            LogLockedError: As `write_to_blocks_log`.
        """
        record = _mapping("a record", record)
        scenario = checked_name("scenario_dirname", scenario_dirname)
        self._enter(
            scenario, _need(record, "worker"), _numbered_block(record), record, paths.BLOCK_INFO, update_context_only
        )

    def write_to_data_log(self, record: Mapping[str, Any]) -> None:
        """Log one row of the regime entered last.

        Args:
            record: The standard columns and metrics. The first row of a file fixes its columns; what a later one lacks
                stays empty. ``timestamp`` is filled in where it is missing.

        Raises:
            SchemaError: The first row of a file lacks a standard column, or a later one has a new column.
            RecordError: No regime was entered yet, or a number is no count.
            LogWriteError: The operating system refused.
            LogLockedError: Another process is writing as this worker.
        """
        if self.context is None:
            raise RecordError(
                "there is no regime yet that this row could belong to; "
                "call write_to_blocks_log or write_new_regime first"
            )
        self._pipeline.emit(RECORD, _mapping("a record", record))

    write_blocks_to_log = write_to_blocks_log
    write_data_to_log = write_to_data_log

    def close_logs(self) -> None:
        """Close all files; more than once does no harm. A later row opens its file again."""
        self._pipeline.close()

    def doubt(self, kind: str, message: str) -> None:
        """Say, once for each `kind`, that the log can hold a row but tools that read it will stumble."""
        if kind not in self._doubts:
            warn(message, RecordWarning)
            self._doubts.add(kind)

    def _enter(
        self, scenario: str, worker: str, block: str, record: dict[str, Any], regime_log: str, context_only: bool
    ) -> None:
        if worker in _NO_WORKER:
            raise RecordError(f"the directory of a worker cannot be called {worker!r}, that is a file of the scenario")
        path = (scenario, worker, block, _need(record, "task_name"))
        context = Context(path, regime_log, self._infos[regime_log])
        self._pipeline.emit(REGIME, {"context": context, "row": None if context_only else record})

    def _complete(self, logger: Any, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        """Stamp a row that brings no time, and doubt one that lacks announced metrics. A processor."""
        if kind == RECORD:
            event.setdefault("timestamp", self._stamps.text())
            if missing := [name for name in self._metrics if name not in event]:
                self.doubt(
                    "metrics",
                    f"the row lacks {missing}, announced as metric columns; log them with every row, "
                    "because a file keeps the columns of its first row",
                )
        return event


class RLPerformanceLogger(PerformanceLogger):
    """Format 0.1 for reinforcement learning: rows have ``block_num regime_num exp_num status timestamp`` and metrics."""

    _data_columns = ("block_num", "regime_num", "exp_num", "status", "timestamp")


class ClassifPerformanceLogger(PerformanceLogger):
    """Format 0.1 for classification: rows have ``block_num regime_num exp_num timestamp`` and metrics."""

    _data_columns = ("block_num", "regime_num", "exp_num", "timestamp")


class _CountChecker:
    """Refuse numbers that are no counts, and doubt counts that fall for a worker. A processor with a memory."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, ...], int] = {}
        self._new: dict[tuple[str, ...], int] = {}

    def __call__(self, logger: Any, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        context, row = (event["context"], event["row"] or {}) if kind == REGIME else (logger.context, event)
        scenario, worker = context.path[:2]
        self._new = {}
        for name in [name for name in _COUNTS if name in row]:
            row[name] = count = as_count(name, row[name])
            last = self._last.get((scenario, worker, name), 0)
            if count < last:
                logger.doubt(name, f"{name} should never fall for a worker: {worker!r} was at {last}, got {count}")
            self._new[scenario, worker, name] = count
        return event

    def commit(self, event: Mapping[str, Any]) -> None:
        """Remember a row, now that it is stored."""
        self._last |= self._new


def _checked_column_info(given: Any) -> dict[str, Any]:
    """Return the object that 0.1.0 kept, for a list of columns, such an object, or nothing."""
    info = dict(given) if isinstance(given, Mapping) else {"metrics_columns": given}
    columns = info.get("metrics_columns") if given else []
    if not isinstance(columns, list | tuple) or any(not isinstance(name, str) for name in columns):
        raise ConfigError(
            f"the metric columns must be a list of text, or a dict with such a list as 'metrics_columns'; got {given!r}"
        )
    return {**info, "metrics_columns": list(columns)}


def _encoded_infos(column_info: dict[str, Any], scenario_info: Any) -> dict[str, dict[str, bytes]]:
    """Return, for each layout by the name of its file of regimes, the files of a scenario and their content."""
    indented = {
        paths.COLUMN_INFO: info_files.encode("column_info", column_info),
        paths.SCENARIO_INFO: info_files.encode("scenario_info", scenario_info),
    }
    in_one_line = {
        paths.COLUMN_METRIC_LIST: json.dumps(column_info["metrics_columns"]).encode(),
        paths.SCENARIO_INFO: json.dumps(scenario_info).encode(),
    }
    return {paths.BLOCK_INFO: indented, paths.BLOCK_REPORT: in_one_line}


def _made_directory(toplevel_dir: Any) -> str:
    """Return the absolute path of `toplevel_dir`, which is made."""
    try:
        path = os.path.abspath(Path(toplevel_dir))
        os.makedirs(path, exist_ok=True)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"toplevel_dir must be a path, got {toplevel_dir!r}: {error}") from error
    except OSError as error:
        raise DirectoryError(error.errno, f"no log can be kept there: {error.strerror}", toplevel_dir) from error
    return path


def _mapping(what: str, given: Any) -> dict[str, Any]:
    """Return a copy of `given`, which must be a mapping."""
    if not isinstance(given, Mapping):
        raise RecordError(f"{what} must be a dict, got {given!r}")
    return dict(given)


def _need(values: Mapping[str, Any], name: str) -> str:
    """Return the name of a directory, which must be among `values`."""
    if name not in values:
        raise RecordError(f"{name} is missing, it names a directory; got {sorted(map(str, values))}")
    return checked_name(name, values[name])


def _numbered_block(record: Mapping[str, Any]) -> str:
    block_type = _need(record, "block_type")
    if "block_num" not in record:
        raise RecordError(f"block_num is missing, it names a directory; got {sorted(map(str, record))}")
    return f"{as_count('block_num', record['block_num'])}-{block_type}"
