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
from collections.abc import Mapping
from typing import Any

from l2logger import info_files, paths
from l2logger.diagnostics import warn
from l2logger.errors import ConfigError, DirectoryError, RecordError, RecordWarning
from l2logger.pipeline import Pipeline
from l2logger.processors.scalars import unwrap_scalars
from l2logger.processors.timestamp import TimeStamper
from l2logger.signals import RECORD
from l2logger.sinks.fan_out import FanOut
from l2logger.sinks.task_tree import REGIME, TaskTreeSink, checked_component, regime_row

COLUMN_METRIC_LIST = "column_metric_list.json"
COLUMN_INFO = "column_info.json"
BLOCK_REPORT = "block-report.tsv"
BLOCK_INFO = "block-info.tsv"


def get_log_foldername(path: str) -> str:
    """Return ``<stem of path>-<seconds since 1970>``, a name for a scenario directory."""
    return paths.scenario_dir_name(paths.scenario_stem(path), time.time())


class PerformanceLogger:
    """Base of the two writers; use one of them.

    Args:
        toplevel_dir: Where scenarios are kept; made if it does not exist.
        column_list: Names of the metric columns, or an object with ``metrics_columns``.
        scenario_info: Anything JSON can hold, for ``scenario_info.json``.
        column_info: The same as `column_list`, as 0.1.0 called it.

    Raises:
        ConfigError: The columns are not text.
        DirectoryError: The directory cannot be made.
    """

    strict = False
    _data_columns: tuple[str, ...] = ()

    def __init__(
        self,
        toplevel_dir: str | os.PathLike[str],
        column_list: list[str] | Mapping[str, Any] | None = None,
        scenario_info: Any = None,
        *,
        column_info: Mapping[str, Any] | None = None,
    ) -> None:
        given = column_info if column_info is not None else column_list if column_list is not None else []
        self._column_info = dict(given) if isinstance(given, Mapping) else {"metrics_columns": given}
        columns = self._column_info.setdefault("metrics_columns", [])
        if not isinstance(columns, list | tuple) or any(not isinstance(name, str) for name in columns):
            raise ConfigError(f"the metric columns must be a list of text, got {columns!r}")
        self._metrics_columns = list(columns)
        self._scenario_info = scenario_info or {}
        json.dumps(self._scenario_info)  # raises now what would be raised in the middle of the run
        try:
            os.makedirs(toplevel_dir, exist_ok=True)
        except OSError as error:
            raise DirectoryError(error.errno, f"no log can be kept there: {error.strerror}", toplevel_dir) from error
        self._toplevel_dir = toplevel_dir
        self._store = TaskTreeSink(os.path.abspath(toplevel_dir), self._data_columns)
        self._stamps = TimeStamper()
        self._logging_dir: str | None = None
        self._reported = False
        self._pipeline = Pipeline(self, [self._complete, unwrap_scalars], self._store, FanOut(()))

    @property
    def toplevel_dir(self) -> Any:
        """Where scenarios are kept, as it was given."""
        return self._toplevel_dir

    @property
    def logging_dir(self) -> str | None:
        """Directory of the task entered last, or None."""
        return self._logging_dir

    @classmethod
    def get_readable_timestamp(cls) -> str:
        """Return the local time as ``20201020T230415.363982``."""
        return TimeStamper().text()

    def write_to_blocks_log(
        self, record: Mapping[str, Any], directory_info: Mapping[str, Any], update_context_only: bool = False
    ) -> None:
        """Enter a regime: the rows that follow belong to it.

        Args:
            record: ``block_num``, ``regime_num``, ``block_type``, ``worker``, ``task_name`` and ``params``.
            directory_info: ``scenario_dirname``, ``worker_dirname`` and, unless it should be ``<block_num>-<block_type>``,
                ``block_dirname``.
            update_context_only: Go there without writing a row about it.

        Raises:
            SchemaError: The record has other columns; nothing was written.
            RecordError: A directory name is missing.
        """
        block = directory_info.get("block_dirname") or _numbered_block(record)
        self._enter(
            [_need(directory_info, "scenario_dirname"), _need(directory_info, "worker_dirname"), block],
            record,
            BLOCK_REPORT,
            update_context_only,
        )

    def write_new_regime(
        self, record: Mapping[str, Any], scenario_dirname: str, update_context_only: bool = False
    ) -> None:
        """Enter a regime, in the layout of 0.1.0: the worker and the block are those of the record.

        Args:
            record: ``block_num``, ``regime_num``, ``block_type``, ``worker``, ``task_name`` and ``params``.
            scenario_dirname: Directory of the scenario, below `toplevel_dir`.
            update_context_only: Go there without writing a row about it.

        Raises:
            SchemaError: The record has other columns; nothing was written.
            RecordError: A value that names a directory is missing.
        """
        self._enter(
            [scenario_dirname, _need(record, "worker"), _numbered_block(record)],
            record,
            BLOCK_INFO,
            update_context_only,
        )

    def write_to_data_log(self, record: Mapping[str, Any]) -> None:
        """Log one row of the regime entered last.

        Args:
            record: The standard columns and metrics. The first row of a file fixes its columns. ``timestamp`` is filled
                in where it is missing.

        Raises:
            RecordError: No regime was entered yet.
            SchemaError: The first row of a file lacks a standard column, or a later one has a new column.
        """
        if self._logging_dir is None:
            raise RecordError("there is no regime yet that this row could belong to; call write_to_blocks_log first")
        self._pipeline.emit(RECORD, dict(record))

    def _complete(self, logger: Any, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        """Stamp a row that brings no time, and say once if it lacks announced metrics. A processor."""
        if kind == RECORD:
            event.setdefault("timestamp", self._stamps.text())
            missing = sorted(set(self._metrics_columns).difference(event))
            if missing and not self._reported:
                self._reported = True
                warn(
                    f"the row lacks {missing}, which were announced as metric columns; their cells stay empty",
                    RecordWarning,
                )
        return event

    write_blocks_to_log = write_to_blocks_log
    write_data_to_log = write_to_data_log

    def close_logs(self) -> None:
        """Close all files; more than once does no harm."""
        self._pipeline.close()

    def _enter(self, directories: list[Any], record: Mapping[str, Any], regime_log: str, context_only: bool) -> None:
        row = None if context_only else regime_row(record)
        names = [checked_component("a directory", name) for name in directories]
        names.append(checked_component("task_name", _need(record, "task_name")))
        top = os.fspath(self._toplevel_dir)
        self._logging_dir = os.path.join(top, *names)
        self._store.enter(os.path.abspath(self._logging_dir), regime_log)
        self._write_infos(os.path.join(top, names[0]), regime_log)
        if row is not None:
            self._pipeline.emit(REGIME, row)

    def _write_infos(self, scenario_dir: str, regime_log: str) -> None:
        if regime_log == BLOCK_REPORT:
            columns, info = json.dumps(self._metrics_columns), json.dumps(self._scenario_info)
            contents = {COLUMN_METRIC_LIST: columns, paths.SCENARIO_INFO: info}
        else:
            columns, info = json.dumps(self._column_info, indent=2), json.dumps(self._scenario_info, indent=2)
            contents = {COLUMN_INFO: columns, paths.SCENARIO_INFO: info}
        for name, text in contents.items():
            path = os.path.join(scenario_dir, name)
            if not os.path.exists(path):
                info_files.replace(path, text.encode())


class RLPerformanceLogger(PerformanceLogger):
    """Format 0.1 for reinforcement learning: rows have ``block_num regime_num exp_num status timestamp`` and metrics."""

    _data_columns = ("block_num", "regime_num", "exp_num", "status", "timestamp")


class ClassifPerformanceLogger(PerformanceLogger):
    """Format 0.1 for classification: rows have ``block_num regime_num exp_num timestamp`` and metrics."""

    _data_columns = ("block_num", "regime_num", "exp_num", "timestamp")


def _need(values: Mapping[str, Any], name: str) -> Any:
    if name not in values:
        raise RecordError(f"{name} is missing, it names a directory; got {sorted(map(str, values))}")
    return values[name]


def _numbered_block(record: Mapping[str, Any]) -> str:
    return f"{_need(record, 'block_num')}-{_need(record, 'block_type')}"
