"""A log as a relation: the files of one or more runs, checked once, then read by DuckDB as often as one likes.

    paths ── runs.find ── triage.glance ─┬─ whole files: read in place, in parallel, never all in memory
                                         ├─ small ones: gathered in a table, as opening takes longer than reading
                                         └─ others: rows.RowFile takes the records out, into the same table
                                                            │
    typed, sorted relation  ◄── UNION ALL ◄── types of the columns, from all of their cells

Files may differ in their columns, in the order of them, and in the version of the format.
"""

import itertools
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from typing import Final

import duckdb

from l2logger.diagnostics import warn
from l2logger.errors import ConfigError, LogFormatError, LogWarning
from l2logger.file_group import PATH, ROW, FileGroup, Tally
from l2logger.findings import Finding
from l2logger.paths import find_run
from l2logger.rows import RowFile
from l2logger.runs import find
from l2logger.schema import COMPLETE, COUNTS, V1_1
from l2logger.sql import literal, name
from l2logger.triage import glance

_TEXT: Final = frozenset(V1_1.columns) - set(COUNTS)
RUN: Final = "run"
"""The column that tells the run of a record."""

REGIME: Final = ("block_num", "block_type", "block_subtype", "task_name")
"""Columns that are the same within a regime."""

_OF_REGIME: Final = """
    arg_min(task_params, exp_num) AS task_params, count(DISTINCT task_params) AS params_count,
    count(DISTINCT worker_id) AS workers, count(*) AS length,
    min(exp_num) AS first_exp_num, max(exp_num) AS last_exp_num, min(timestamp) AS started, max(timestamp) AS ended
"""
_SMALL_FILES_BYTES: Final = 2**27
_SHOWN_FINDINGS: Final = 5
_serial = itertools.count()


class Log:
    """The records of one or more runs, ready to be asked.

    Args:
        given: Directories of runs, directories that hold runs, log files, or names of runs in ``$L2DATA/logs``.
        connection: The DuckDB connection to use, so that the relations can be joined with others; a new one in memory
            if there is none.
        on_bad_rows: What to do about rows that are no records and files that are no logs: ``"warn"`` of them and read
            the rest, ``"skip"`` them silently, ``"raise"`` an error. Either way they are in `findings`.
        follow_symlinks: Read what symbolic links lead to as well.

    Attributes:
        runs: The runs, sorted by path.
        findings: What is wrong with the files.
        columns: Names of the columns: those of the first file, then what others have besides.
        shown: The name each column has in a relation. DuckDB does not tell ``a`` from ``A``, so that is ``A_1``.
        types: The DuckDB type of each column.
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
    ) -> None:
        if on_bad_rows not in ("warn", "skip", "raise"):
            raise ConfigError(f"on_bad_rows must be 'warn', 'skip' or 'raise', got {on_bad_rows!r}")
        if not given:
            raise ConfigError("no run was given; give the path of a run, or of a directory that holds runs")
        roots = tuple(os.fspath(path) if os.path.isfile(path) else find_run(path) for path in given)
        self.connection = _connect() if connection is None else _in_order(connection)
        self.runs, self.findings = find(roots, follow_symlinks=follow_symlinks)
        self._groups: dict[tuple[tuple[str, ...], bool], FileGroup] = {}
        room = _SMALL_FILES_BYTES
        for run in self.runs:
            for path in run.files:
                room -= self._sort_in(path, run.legacy, room)
        for group in self._groups.values():
            self.findings += group.load(self.connection)
        self._name_runs()
        self.columns = _united(group.shown for group in self._groups.values())
        self.shown = _shown(self.columns)
        self.types = {column: self._type(column) for column in self.columns}
        ranges = [found.exp_nums for found in self._groups.values() if found.exp_nums]
        self.exp_nums = (min(first for first, _ in ranges), max(last for _, last in ranges)) if ranges else (0, 0)
        self.findings.sort(key=lambda finding: (finding.path, finding.line or 0))
        self._report(on_bad_rows)

    def _sort_in(self, path: str, legacy: bool, room: int) -> int:
        """Decide how a file will be read; return how much of the room for small files it takes."""
        try:
            seen = glance(path)
            if seen.whole and set(COUNTS) <= set(seen.columns):
                group = self._group(seen.columns, legacy)
                if seen.body is not None and len(seen.body) <= room:
                    group.small[path] = seen.size, seen.body
                    return len(seen.body)
                group.whole[path] = seen.size
                return 0
            with RowFile(path) as file:
                if file.columns is not None:
                    self._group(file.columns, legacy).careful.append(path)
                elif file.problem:
                    self.findings.append(file.problem)
        except OSError as error:
            self.findings.append(Finding("unreadable", f"cannot be opened: {error.strerror}", path))
        return 0

    def _group(self, columns: tuple[str, ...], legacy: bool) -> FileGroup:
        if (columns, legacy) not in self._groups:
            self._groups[columns, legacy] = FileGroup(columns, legacy=legacy)
        return self._groups[columns, legacy]

    def _name_runs(self) -> None:
        """Keep which file belongs to which run, where there are several."""
        self._run_table = f"l2logger_runs_{next(_serial)}"
        if len(self.runs) > 1:
            self.connection.execute(f"CREATE TEMP TABLE {self._run_table} (path VARCHAR, run VARCHAR)")
            files = [path for run in self.runs for path in run.files]
            names = [run.name for run in self.runs for _ in run.files]
            self.connection.execute(
                f"INSERT INTO {self._run_table} SELECT unnest($files), unnest($names)", {"files": files, "names": names}
            )

    def _type(self, column: str) -> str:
        if column in COUNTS:
            return "BIGINT"
        if column in _TEXT:
            return "VARCHAR"
        return Tally.total(group.tallies.get(column, Tally()) for group in self._groups.values()).type

    def _report(self, on_bad_rows: str) -> None:
        if not self.findings or on_bad_rows == "skip":
            return
        if on_bad_rows == "raise":
            worst = min(self.findings, key=lambda finding: finding.severity)
            raise LogFormatError(worst.problem, worst.path, worst.line, worst.column)
        more = len(self.findings) - _SHOWN_FINDINGS
        shown = [str(finding) for finding in self.findings[:_SHOWN_FINDINGS]]
        if more > 0:
            shown.append(f"... and {more} more; `l2logger validate` lists all")
        warn("some of the log is not what it should be, the rest was read:\n  " + "\n  ".join(shown), LogWarning)

    def unsorted(self, columns: Iterable[str] | None = None) -> str:
        """Return the query for all records in no order, with `PATH`, `ROW` and ``run`` behind the `columns`.

        Args:
            columns: Names of columns, which the log need not have; all of them by default.
        """
        wanted = self.columns if columns is None else tuple(columns)
        union = self._union([(each, self.shown.get(each, each), self.types.get(each, "VARCHAR")) for each in wanted])
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
        return {path: group.columns for group in self._groups.values() for path in group.files}

    def _union(self, cells: list[tuple[str, str, str]]) -> str:
        selects = [select for group in self._groups.values() for select in group.selects(cells)]
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

    def regimes(self) -> duckdb.DuckDBPyRelation:
        """Return the regimes, by run and number; `l2logger.read.regimes` lists the columns."""
        # Records of one block and task are one regime, unless others lie between them. Whether any do is seen from the
        # first and last of them, so that only the records of such runs have to be sorted.
        table = f"l2logger_grouped_{next(_serial)}"
        key = ", ".join(REGIME)
        self.connection.execute(
            f"CREATE TEMP TABLE {table} AS SELECT run, {key}, {_OF_REGIME} FROM ({self._complete()}) GROUP BY run, {key}"
        )
        number = "row_number() OVER (PARTITION BY run ORDER BY first_exp_num, block_num) - 1"
        regimes = f"SELECT run, {number} AS regime_num, * EXCLUDE (run) FROM {table}"
        sorted_out = {run.name for run in self.runs if run.legacy} | self._interleaved(table)
        if sorted_out:
            runs = f"run IN ({', '.join(map(literal, sorted(sorted_out)))})"
            regimes += f" WHERE NOT {runs} UNION ALL BY NAME {self._numbered(runs)}"
        return self.connection.sql(f"SELECT * FROM ({regimes}) ORDER BY run, regime_num")

    def _complete(self) -> str:
        stored = ("regime_num",) if any(run.legacy for run in self.runs) else ()
        return f"SELECT * FROM ({self.unsorted((*V1_1.columns, *stored))}) WHERE exp_status = {literal(COMPLETE)}"

    def _interleaved(self, table: str) -> set[str]:
        """Return the runs in which records of other blocks or tasks lie between those of one."""
        before = "PARTITION BY run ORDER BY first_exp_num, block_num ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
        found = self.connection.sql(
            f"""
            SELECT DISTINCT run FROM (
                SELECT run, row(first_exp_num, block_num) <= max(row(last_exp_num, block_num)) OVER ({before}) AS inside
                FROM {table}
            ) WHERE inside
            """
        )
        return {run for (run,) in found.fetchall()}

    def _numbered(self, runs: str) -> str:
        """Return the query for the regimes of some runs, found by going through the sorted records.

        A new regime begins where block, block type, subtype or task differ from the record before. Format 0.1 has
        numbers of its own.
        """
        order = f"PARTITION BY run ORDER BY exp_num, block_num, {name(PATH)}, {name(ROW)}"
        key = f"row({', '.join(REGIME)})"
        number = f"sum(new) OVER ({order} ROWS UNBOUNDED PRECEDING) - 1"
        if legacy := [run.name for run in self.runs if run.legacy]:
            number = f"CASE WHEN run IN ({', '.join(map(literal, legacy))}) THEN stored ELSE {number} END"
        stored = "regime_num" if legacy else "NULL"
        of_key = ", ".join(f"any_value({column}) AS {column}" for column in REGIME)
        return f"""
            SELECT run, regime_num, {of_key}, {_OF_REGIME}
            FROM (
                SELECT *, ({number})::BIGINT AS regime_num
                FROM (
                    SELECT run, {", ".join(V1_1.columns)}, {name(PATH)}, {name(ROW)}, {stored} AS stored,
                        ({key} IS DISTINCT FROM lag({key}) OVER ({order}))::INTEGER AS new
                    FROM ({self._complete()}) WHERE {runs}
                )
            )
            GROUP BY run, regime_num
            """

    def runs_table(self, table: str) -> None:
        """Make a table of the runs; `l2logger.read.connect` lists the columns."""
        self.connection.execute(
            f"CREATE TEMP TABLE {name(table)} (run VARCHAR, path VARCHAR, version VARCHAR, files BIGINT, records BIGINT, "
            "metrics_columns VARCHAR[], logger_info VARCHAR, scenario_info VARCHAR)"
        )
        counted = self.connection.sql(f"SELECT run, count(*) FROM ({self.unsorted(())}) GROUP BY run").fetchall()
        records = dict(counted)
        for run in self.runs:
            info = run.info()
            texts = json.dumps(info.logger_info), json.dumps(info.scenario_info)
            values = [
                run.name,
                run.path,
                run.version,
                len(run.files),
                records.get(run.name, 0),
                run.metrics_columns(),
                *texts,
            ]
            self.connection.execute(f"INSERT INTO {name(table)} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def _connect() -> duckdb.DuckDBPyConnection:
    # Extensions would be fetched from the network; what exceeds the memory would go to the working directory.
    return duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": os.path.join(tempfile.gettempdir(), f"l2logger-{os.getpid()}"),
        }
    )


def _in_order(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    [(keeps_order,)] = connection.execute("SELECT current_setting('preserve_insertion_order')").fetchall()
    if not keeps_order:
        raise ConfigError(
            "the connection does not keep rows in their order; SET preserve_insertion_order = true, or give no connection"
        )
    return connection


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
