"""What one pass over a log shows: enough to tell whether the rules are kept, little enough to be asked many times."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from l2logger.findings import Finding
from l2logger.log import Log
from l2logger.rows import Row, RowFile
from l2logger.schema import COUNTS, TIMESTAMP, TIMESTAMP_CHARS, V1_1
from l2logger.sql import PATH, ROW, literal, name, unique
from l2logger.tally import INTEGER, MISSING

KEYS: Final = ("block_num", "block_type", "block_subtype", "worker_id", "task_name", "exp_status")
"""Columns with few values in a file: the same in all records of a part."""


UNLIKE_TIMESTAMP: Final = (
    f"(length(timestamp) IS DISTINCT FROM {TIMESTAMP_CHARS} OR try_strptime(timestamp, {literal(TIMESTAMP)}) IS NULL)"
)
"""Condition that ``timestamp`` is not what the writer stores; to be looked into."""

MAX_FINDINGS: Final = 1_000
"""How many findings are listed of each rule; of the others only the number is told."""

_BATCH_ROWS: Final = 10_000


class Survey:
    """The records of a log, summed up by parts of files.

    A part is what has the same `KEYS` in one file; files usually have one part or two.

    Args:
        log: What to look at.
        metrics: Names of the metrics that any of its runs has.

    Attributes:
        parts: Name of a table with a row for each part: ``run``, ``legacy``, ``path``, the `KEYS`, ``records``,
            ``first_exp`` and ``last_exp``, ``started`` and ``ended``, ``params`` (how many records have any),
            ``low_params`` and ``high_params``, and how many of its records have something to look into: ``negatives``,
            ``unlike_timestamp``, ``exp_falls``, ``block_falls`` (below the record before), ``ties`` (same experience as the record before) and
            ``twins`` (same timestamp, too). For each metric there are ``<alias>_values``, ``_words`` (no numbers) and
            ``_whole`` (whole numbers).
        files: Name of a table with a row for each file: ``path``, ``run``, ``legacy``, ``columns``.
        aliases: What the metrics are called in `records`.
        records: The query for all records in the order of the files, cells as text, with ``path``.
    """

    def __init__(self, log: Log, metrics: tuple[str, ...]) -> None:
        self.log = log
        self.headers = log.headers()
        self.aliases = {metric: f"m{place}" for place, metric in enumerate(metrics) if metric not in V1_1.columns}
        aliases = {column: column for column in V1_1.columns} | self.aliases
        renamed = f"* RENAME ({name(PATH)} AS path, {name(ROW)} AS place)"
        self.records = f"(SELECT {renamed} FROM ({log.texts(aliases)}))"
        self.parts, self.files = unique("parts"), unique("listed")
        self._list_files()
        self._make_parts()

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return what a query gives."""
        return self.log.connection.execute(sql, parameters).fetchall()

    def each(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """Yield what a query gives, a part at a time; to be used up before the next query."""
        result = self.log.connection.execute(sql)
        while batch := result.fetchmany(_BATCH_ROWS):
            yield from batch

    def close(self) -> None:
        """Drop the tables."""
        self.log.connection.execute(f"DROP TABLE IF EXISTS {self.parts}; DROP TABLE IF EXISTS {self.files}")

    def _list_files(self) -> None:
        listed = [
            (path, run.name, run.legacy, list(self.headers.get(path, ())))
            for run in self.log.runs
            for path in run.files
        ]
        paths, runs, legacy, columns = (list(each) for each in zip(*listed, strict=True)) if listed else ([],) * 4
        self.log.connection.execute(
            f"CREATE TEMP TABLE {self.files} AS SELECT unnest($paths::VARCHAR[]) AS path, unnest($runs::VARCHAR[]) AS run, "
            "unnest($legacy::BOOLEAN[]) AS legacy, unnest($columns::VARCHAR[][]) AS columns",
            {"paths": paths, "runs": runs, "legacy": legacy, "columns": columns},
        )

    def _make_parts(self) -> None:
        above = {"path": "path_above", "exp_num": "exp_above", "block_num": "block_above", "timestamp": "stamp_above"}
        # Without an order, lag() goes by the order of the files, which DuckDB keeps for it.
        lags = ", ".join(f"lag({column}) OVER () AS {alias}" for column, alias in above.items())
        counts = {
            "negatives": "exp_num < 0",
            "unlike_timestamp": UNLIKE_TIMESTAMP,
            "exp_falls": "path = path_above AND exp_num < exp_above",
            "block_falls": "path = path_above AND block_num < block_above",
            "ties": "path = path_above AND exp_num = exp_above",
            "twins": "path = path_above AND exp_num = exp_above AND timestamp = stamp_above",
        }
        for cell in self.aliases.values():
            counts[f"{cell}_values"] = is_value(cell)
            counts[f"{cell}_words"] = is_word(cell)
            counts[f"{cell}_whole"] = f"{is_value(cell)} AND regexp_full_match({cell}, {literal(INTEGER)})"
        counted = ", ".join(f"count(*) FILTER ({condition}) AS {alias}" for alias, condition in counts.items())
        self.log.connection.execute(
            f"""
            CREATE TEMP TABLE {self.parts} AS
            SELECT run, legacy, surveyed.* FROM (
                SELECT path, {", ".join(KEYS)}, count(*) AS records, min(exp_num) AS first_exp, max(exp_num) AS last_exp,
                    min(timestamp) AS started, max(timestamp) AS ended,
                    count(task_params) AS params, min(task_params) AS low_params, max(task_params) AS high_params, {counted}
                FROM (SELECT *, {lags} FROM {self.records}) GROUP BY path, {", ".join(KEYS)}
            ) surveyed JOIN {self.files} USING (path)
            """
        )


def first(findings: Iterable[Finding], total: int | None = None) -> Iterator[Finding]:
    """Yield up to `MAX_FINDINGS` findings of one rule, and then one that says how many there are besides.

    Args:
        findings: No more of them are made than are listed, if the `total` is known.
        total: How many there are, None to count.
    """
    rest = iter(findings)
    listed = 0
    for finding in itertools.islice(rest, MAX_FINDINGS):
        listed += 1
        yield finding
    more = total - listed if total is not None else sum(1 for _ in rest)
    if listed == MAX_FINDINGS and more > 0:
        yield finding._replace(problem=f"... and {more:,} more like this, here or in other files", line=None)


def is_value(cell: str) -> str:
    """Return the condition that a cell is not one of the words for a missing number."""
    return f"{cell} NOT IN ({', '.join(map(literal, MISSING))})"


def is_word(cell: str) -> str:
    """Return the condition that a cell holds something else than a number."""
    return f"{is_value(cell)} AND (try_cast({cell} AS DOUBLE) IS NULL OR contains({cell}, '_'))"


def lines(path: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line and cells of each record of a file."""
    try:
        with RowFile(path) as file:
            for row in file:
                if isinstance(row, Row):
                    yield row.line, dict(zip(file.columns or (), row.cells, strict=True))
    except OSError:
        # It was there a moment ago; what was found in it is told without its lines.
        return


def first_lines(path: str, columns: Sequence[str], wanted: set[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    """Return in which line of a file some values first stand in some columns; such that are not found are left out."""
    found: dict[tuple[str, ...], int] = {}
    for line, cells in lines(path):
        values = tuple(cell(cells, column) for column in columns)
        if values in wanted:
            found.setdefault(values, line)
            if len(found) == len(wanted):
                break
    return found


def cell(cells: Mapping[str, str], column: str) -> str:
    """Return a cell as the survey has it, empty if there is none."""
    text = cells.get(column, "")
    if column in COUNTS:
        return str(int(text))
    return text.lower() if column == "task_name" else text
