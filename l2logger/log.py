"""A log as a relation: the files of one or more runs, checked once, then read by DuckDB as often as one likes.

    runs.find ── triage.glance ─┬─ whole files: read in place, in parallel, never all in memory     whole_files
                                └─ small, growing and damaged ones: copied into a table               row_table
                                                │
    typed, sorted relation  ◄── UNION ALL ◄── types of the columns, from all of their cells               tally

Files may differ in their columns, in the order of them, and in the version of the format.
"""

import functools
import itertools
import operator
import os
from collections.abc import Iterable, Mapping
from typing import Final

import duckdb

from l2logger.diagnostics import Progress
from l2logger.log_files import LogFiles
from l2logger.schema import COUNTS, V1_1
from l2logger.sources import RUN, open_sources, report
from l2logger.sql import PATH, ROW, create_table, literal, name
from l2logger.tally import NUMBERS, is_open, type_of

_NO_METRICS: Final = frozenset({*V1_1.columns, "regime_num"})


class Log:
    """The records of one or more runs, ready to be asked.

    Args:
        given: Directories of runs, directories that hold runs, log files, or names of runs in ``$L2DATA/logs``.
        connection: The DuckDB connection to use, so that the relations can be joined with others; a new one in memory
            if there is none.
        on_bad_rows: What to do about rows that are no records and files that are no logs: ``"warn"`` of them and read
            the rest, ``"skip"`` them silently, ``"raise"`` an error. Either way they are in `findings`.
        follow_symlinks: Read what symbolic links lead to as well.
        progress: Is told how many files were looked at, and how many there are.

    Attributes:
        roots: The paths that were read from.
        runs: The runs, sorted by path.
        findings: What is wrong with the files.
        columns: Names of the columns: those of the first file, then what others have besides.
        shown: The name each column has in a relation. DuckDB does not tell ``a`` from ``A``, so that is ``A_1``.
        types: The DuckDB type of each column.
        numbers: Columns of numbers that are no counts of blocks, experiences or regimes.
        metrics: Columns that a run lists as its metrics; if none does, `numbers`.
        exp_nums: The least and the greatest ``exp_num``.
        connection: The DuckDB connection.

    Raises:
        ConfigError: No run was given, or the connection does not keep rows in their order.
        DirectoryError: There is no such directory.
        LogFormatError: A run is of a newer version of the format, or ``on_bad_rows="raise"`` and something is wrong.
    """

    def __init__(
        self,
        *given: str | os.PathLike[str],
        connection: duckdb.DuckDBPyConnection | None = None,
        on_bad_rows: str = "warn",
        follow_symlinks: bool = False,
        progress: Progress = lambda done, total: None,
    ) -> None:
        sources = open_sources(given, connection, on_bad_rows, follow_symlinks=follow_symlinks)
        self.roots, self.runs, self.findings, self.connection = sources
        total = sum(len(run.files) for run in self.runs)
        looked_at = itertools.count(1)
        self._files = [
            LogFiles(
                (path for run in self.runs if run.legacy is legacy for path in run.files),
                self.connection,
                legacy=legacy,
                progress=lambda: progress(next(looked_at), total),
            )
            for legacy in sorted({run.legacy for run in self.runs})
        ]
        self.findings += [finding for files in self._files for finding in files.findings]
        self.findings.sort(key=lambda finding: (finding.path, finding.line or 0))
        self.columns = _united(files.columns for files in self._files)
        self.shown = _shown(self.columns)
        self.types = {column: self._type(column) for column in self.columns}
        listed = dict.fromkeys(metric for run in self.runs for metric in run.metrics_columns())
        self.numbers = tuple(each for each in self.columns if self.types[each] in NUMBERS and each not in _NO_METRICS)
        self.metrics = tuple(each for each in listed if is_open(each) and each in self.types) or self.numbers
        exp_nums = [exp_num for files in self._files for exp_num in files.exp_nums]
        self.exp_nums = (min(exp_nums, default=0), max(exp_nums, default=0))
        self._run_table = self._list_runs() if len(self.runs) > 1 else ""
        report(self.findings, on_bad_rows)

    def _type(self, column: str) -> str:
        return type_of(column, functools.reduce(operator.or_, (files.kinds(column) for files in self._files), 0))

    def _list_runs(self) -> str:
        """Make a table of the files and the runs they belong to; return its name."""
        table = create_table(self.connection, "runs", "(path VARCHAR, run VARCHAR)")
        files = [path for run in self.runs for path in run.files]
        names = [run.name for run in self.runs for _ in run.files]
        self.connection.execute(
            f"INSERT INTO {table} SELECT unnest($files), unnest($names)", {"files": files, "names": names}
        )
        return table

    def unsorted(self, columns: Iterable[str] | None = None) -> str:
        """Return the query for all records in no order, with `PATH`, `ROW` and ``run`` behind the `columns`.

        Args:
            columns: Names of columns, which the log need not have; all of them by default. A mapping says what to call
                them.
        """
        wanted = self.columns if columns is None else columns
        called = wanted if isinstance(wanted, Mapping) else {each: self.shown.get(each, each) for each in wanted}
        union = self._union([(each, to, self.types.get(each, "VARCHAR")) for each, to in called.items()])
        if len(self.runs) > 1:
            return f"SELECT records.*, runs.run FROM ({union}) records JOIN {self._run_table} runs ON runs.path = records.{name(PATH)}"
        return f"SELECT *, {literal(self.runs[0].name if self.runs else '')} AS {RUN} FROM ({union})"

    def texts(self, columns: Mapping[str, str]) -> str:
        """Return the query for all records in the order of the files, their cells as text, with `PATH` and `ROW`.

        Args:
            columns: Names of columns, which the log need not have, and what to call them. Counts stay numbers.
        """
        return self._union([(each, to, "BIGINT" if each in COUNTS else "VARCHAR") for each, to in columns.items()])

    def headers(self) -> dict[str, tuple[str, ...]]:
        """Return the columns of each file that has a header, by path."""
        return {path: columns for files in self._files for path, columns in files.headers.items()}

    def _union(self, cells: list[tuple[str, str, str]]) -> str:
        selects = [select for files in self._files for select in files.selects(cells)]
        if not selects:
            nothing = [f"NULL::{kind} AS {name(shown)}" for _, shown, kind in cells]
            nothing += [f"'' AS {name(PATH)}", f"0 AS {name(ROW)}"]
            selects = [f"SELECT {', '.join(nothing)} WHERE false"]
        return "\nUNION ALL\n".join(selects)

    def records(self) -> duckdb.DuckDBPyRelation:
        """Return all records: the columns of the log and ``run``, by ``exp_num``, ``block_num``, path and line."""
        order = ", ".join([*COUNTS[::-1], name(PATH), name(ROW)])
        shown = f"* EXCLUDE ({name(PATH)}, {name(ROW)})"
        return self.connection.sql(f"SELECT {shown} FROM ({self.unsorted()}) ORDER BY {order}")


def _united(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    columns = tuple(dict.fromkeys(column for group in names for column in group)) or V1_1.columns
    return columns if "block_subtype" in columns else (*columns, "block_subtype")


def _shown(columns: tuple[str, ...]) -> dict[str, str]:
    """Return the columns with names that are not empty and differ by more than case."""
    shown = {column: column for column in columns if column in V1_1.columns}
    taken = {RUN, PATH, ROW, *V1_1.columns}
    for column in columns:
        if column not in shown:
            names = itertools.chain([column or "unnamed"], (f"{column or 'unnamed'}_{n}" for n in itertools.count(1)))
            shown[column] = next(each for each in names if each.lower() not in taken)
            taken.add(shown[column].lower())
    return shown
