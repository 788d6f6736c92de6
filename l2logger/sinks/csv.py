"""A sink that writes wide CSV files: of the records, and of the metrics beside them."""

import os
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import chain
from typing import Any, Final

from l2logger import cells
from l2logger.errors import ConfigError
from l2logger.run import RunInfo
from l2logger.schema import V1_1
from l2logger.signals import METRICS, RECORD, Signal
from l2logger.sinks import mirror_file
from l2logger.sinks.csv_files import CsvFiles
from l2logger.sinks.sink import Sink
from l2logger.sinks.step_buffer import StepBuffer

FILE: Final = "records.csv"
METRICS_FILE: Final = "metrics.csv"

_STEP_COLUMNS: Final = ("worker_id", "clock", "step", "timestamp")
_MAX_LATE: Final = 1000
"""So many whole steps that a full disk did not take are kept for later."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
"""What a text begins with that a spreadsheet may take for a formula (OWASP ASVS 5.0, 1.2.10)."""


class CsvSink(Sink):
    r"""Write all columns of the records to a CSV file: commas, double quotes where needed, ``\n``, UTF-8.

    Cells hold the text that the log has, and the columns are in its order.

    A row is in the file, whole, when `write` returns. What is there is never changed: records are appended to a file that
    has all of their columns, and leave a column empty that they lack. A record with a new column begins a further file,
    ``records-2.csv`` after ``records.csv``, and so does one if another process is writing the file. A replay from the
    beginning begins with new files, and the old ones are renamed to ``<path>.superseded``.

    Metrics beside the records go to a file of their own in the same way, ``metrics.csv``: ``worker_id``, ``clock``, ``step`` and
    ``timestamp``, then a column for each name; one that is called like one of these four has an underscore appended. What a
    worker logs at one step of a clock is one row, which is written when the step changes, or by `flush` and `close`: what is
    logged at the step after that is a further row.

    Args:
        path: The first file; ``records.csv`` in the run directory if it is not given. Metrics go to ``out/run-metrics.csv`` if it
            is ``out/run.csv``.
        spreadsheet_safe: Put an apostrophe before text that a spreadsheet could take for a formula, such as ``=1+1``. All
            other readers would see it as part of the text, so they are given the text as it is if this is not asked for.

    Raises:
        ConfigError: The path is not one of a file.
    """

    name = "csv"
    kinds = frozenset({RECORD, METRICS})

    def __init__(self, path: str | os.PathLike[str] | None = None, *, spreadsheet_safe: bool = False) -> None:
        if not isinstance(spreadsheet_safe, bool):
            raise ConfigError(f"spreadsheet_safe must be true or false, got {spreadsheet_safe!r}")
        self._given = mirror_file.checked(path)
        self._spreadsheet_safe = spreadsheet_safe
        self._files: dict[str, CsvFiles] = {}
        self._steps = StepBuffer()
        self._whole: deque[Signal] = deque(maxlen=_MAX_LATE)

    def open(self, run: RunInfo) -> None:
        path = mirror_file.place(self._given, run, FILE)
        stem, extension = os.path.splitext(path)
        beside = mirror_file.place(None, run, METRICS_FILE) if self._given is None else f"{stem}-metrics{extension}"
        self._files = {RECORD: CsvFiles(path, _as_in_the_log), METRICS: CsvFiles(beside)}
        if self.fresh:
            mirror_file.supersede(chain.from_iterable(files.existing() for files in self._files.values()))
            self.fresh = False

    def write(self, signal: Signal) -> None:
        if signal.kind == RECORD:
            row = {self._cell(name): self._cell(cells.text(value)) for name, value in signal.fields.items()}
            self._files[RECORD].write(row)
            return
        self._write_steps()
        if signal.fields["step"] is None:
            self._write_metrics(signal)
        else:
            self._whole.extend(self._steps.add(signal))
            self._write_steps()

    def flush(self) -> None:
        self._whole.extend(self._steps.flush())
        self._write_steps()

    def close(self) -> None:
        with ExitStack() as ends:
            for files in self._files.values():
                ends.callback(files.close)
            self.flush()

    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {} if self._given is None else {"path": self._given}
        return options | {"spreadsheet_safe": True} if self._spreadsheet_safe else options

    def _write_steps(self) -> None:
        while self._whole:
            self._write_metrics(self._whole[0])
            self._whole.popleft()

    def _write_metrics(self, signal: Signal) -> None:
        row = {name: self._cell(cells.text(signal.fields[name])) for name in _STEP_COLUMNS}
        for name, value in signal.fields["values"].items():
            row[self._cell(name + "_" if name.rstrip("_") in _STEP_COLUMNS else name)] = cells.text(value)
        self._files[METRICS].write(row)

    def _cell(self, text: str) -> str:
        if not text.isascii():
            text = text.encode(errors="replace").decode()  # UTF-8 cannot store half of a surrogate pair
        if self._spreadsheet_safe and text.startswith(_FORMULA) and not isinstance(cells.value(text), int | float):
            return "'" + text
        return text


def _as_in_the_log(names: Iterable[str]) -> tuple[str, ...]:
    return V1_1.order(frozenset(names))
