"""The signals of runs as a relation: the files of all workers, looked at once, then read by DuckDB as often as one likes.

What there may be too many of, metrics as our writer makes them, is read in place, in parallel, and never is all in memory
(`plain_metrics`). All other signals, and files that are damaged or small and still being written, are copied into a table
(`signal_table`).
"""

import os
import time
from collections.abc import Sequence
from typing import Any, Final

import duckdb

from l2logger.findings import Finding
from l2logger.plain_metrics import PlainMetrics
from l2logger.runs import StoredRun
from l2logger.signal_table import COLUMNS, Extent, SignalTable
from l2logger.sources import open_sources, report
from l2logger.sql import create_table

_SMALL_BYTES: Final = 2**17
_SETTLED_SECS: Final = 30.0


class SignalLog:
    """The signals of one or more runs but for the records, ready to be asked.

    Args:
        runs: The runs.
        connection: The DuckDB connection to use.
        on_bad_rows: What to do about lines that are no signals: ``"warn"`` of them and read the rest, ``"skip"`` them
            silently, ``"raise"`` an error.
        findings: What was found wrong before.
        with_metrics: Whether metrics are asked for, which takes longer.

    Attributes:
        runs: The runs.
        connection: The DuckDB connection.
        findings: What is wrong with the files.

    Raises:
        LogFormatError: ``on_bad_rows="raise"``, and something is wrong.
    """

    def __init__(
        self,
        runs: Sequence[StoredRun],
        connection: duckdb.DuckDBPyConnection,
        on_bad_rows: str,
        findings: Sequence[Finding] = (),
        *,
        with_metrics: bool = True,
    ) -> None:
        self.runs = runs
        self.connection = connection
        self._table = SignalTable(connection)
        self._plain = PlainMetrics(connection)
        files = [(path, run) for run in runs for path in run.signal_files()]
        self.findings = [*findings, *self._read([path for path, _ in files], with_metrics=with_metrics)]
        self._files = create_table(connection, "signal_files", "(path VARCHAR, run VARCHAR, directory VARCHAR)")
        connection.execute(
            f"INSERT INTO {self._files} SELECT unnest($paths::VARCHAR[]), unnest($runs::VARCHAR[]), "
            "unnest($directories::VARCHAR[])",
            {
                "paths": [path for path, _ in files],
                "runs": [run.name for _, run in files],
                "directories": [os.path.abspath(run.path) for _, run in files],
            },
        )
        report(self.findings, on_bad_rows, hint="")

    def _read(self, paths: list[str], *, with_metrics: bool) -> list[Finding]:
        """Look at all files, and copy what cannot stay where it is; return what is wrong with them."""
        unreadable = []
        sizes: dict[str, int] = {}
        settled: dict[str, Extent] = {}
        moving: dict[str, Extent] = {}
        for path in paths:
            try:
                status = os.stat(path)
                sizes[path] = status.st_size
                is_old = time.time() - status.st_mtime > _SETTLED_SECS
                leave_plain = not with_metrics or is_old or status.st_size > _SMALL_BYTES
                seen = self._table.read(path, status.st_size, leave_plain=leave_plain)
            except OSError as error:
                unreadable.append(Finding("unreadable", f"cannot be read: {error.strerror}", path))
                continue
            if seen.left and with_metrics:
                (settled if is_old and seen.end == status.st_size else moving)[path] = seen
        for path in self._plain.add(settled, moving):
            self._table.forget(path)
            try:
                self._table.read(path, sizes[path], leave_plain=False)
            except OSError as error:
                unreadable.append(Finding("unreadable", f"cannot be read: {error.strerror}", path))
        found = [*unreadable, *self._table.findings]
        return sorted(found, key=lambda finding: (finding.path, finding.line or 0))

    def rows(self) -> str:
        """Return the query for all signals that are asked for, in no order: ``run``, its ``directory``, and `signal_table.COLUMNS`.

        Of one file, later signals have a higher ``row``, or the same and a later ``timestamp``. The ``body`` may have more in it
        than what its kind has.
        """
        union = "\nUNION ALL\n".join((f"SELECT {', '.join(COLUMNS)} FROM {self._table.name}", *self._plain.selects()))
        return f"SELECT run, directory, signals.* FROM ({union}) signals JOIN {self._files} USING (path)"

    def fetch(self, sql: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return what a query gives."""
        return self.connection.execute(sql, parameters).fetchall()


def open_signals(
    *given: str | os.PathLike[str],
    connection: duckdb.DuckDBPyConnection | None = None,
    on_bad_rows: str = "warn",
    with_metrics: bool = True,
) -> SignalLog:
    """Return the signals of some runs; the other arguments and errors are those of `l2logger.read.records`."""
    sources = open_sources(given, connection, on_bad_rows)
    return SignalLog(sources.runs, sources.connection, on_bad_rows, sources.findings, with_metrics=with_metrics)
