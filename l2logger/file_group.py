"""The log files of a run, or of several, that have the same columns, and how DuckDB gets at their records."""

import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import duckdb

from l2logger import legacy_regimes
from l2logger.cells import quote
from l2logger.findings import Finding
from l2logger.rows import Row, RowFile
from l2logger.schema import COUNTS, V1_1
from l2logger.sql import literal, name, read_tsv
from l2logger.triage import Size

PATH: Final = "l2logger path"
ROW: Final = "l2logger row"
"""Columns of a source beside those of the log: the file, and a number that rises within it."""

MISSING: Final = tuple(
    "#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|None|n/a|null".split("|")  # noqa: SIM905
)
"""Words that stand for a missing number, as in pandas (where ``nan`` is one, too). In text they are text."""

_BATCH_ROWS: Final = 2**20
_STANDARD: Final = frozenset(V1_1.columns)
_serial = itertools.count()


class Tally(NamedTuple):
    """How many cells of a column hold a value, and how many of these are no double, no integer, no truth value."""

    values: int = 0
    not_double: int = 0
    not_integer: int = 0
    not_boolean: int = 0

    @classmethod
    def total(cls, tallies: "Iterable[Tally]") -> "Tally":
        """Return the tally of all files together."""
        return cls(*map(sum, zip(cls(), *tallies, strict=True)))

    @property
    def type(self) -> str:
        """The DuckDB type that holds all of these cells."""
        if not self.values:
            return "DOUBLE"
        if not self.not_integer:
            return "BIGINT"
        if not self.not_double:
            return "DOUBLE"
        return "VARCHAR" if self.not_boolean else "BOOLEAN"


def _tally_sql(cell: str) -> str:
    value = f"{cell} NOT IN ({', '.join(map(literal, MISSING))})"
    # DuckDB would take 1.5, 1e3 and 1_000 for integers, and the last one for a double.
    not_double = f"(try_cast({cell} AS DOUBLE) IS NULL OR contains({cell}, '_'))"
    not_integer = f"(try_cast({cell} AS BIGINT) IS NULL OR NOT regexp_full_match({cell}, '[-+]?[0-9]+'))"
    not_boolean = f"lower({cell}) NOT IN ('true', 'false')"
    return ", ".join(
        f"count(*) FILTER ({condition})"
        for condition in (
            value,
            f"{value} AND {not_double}",
            f"{value} AND {not_integer}",
            f"{value} AND {not_boolean}",
        )
    )


class _Count(NamedTuple):
    """What DuckDB sees of a file: its records, how many experiences and their range, the cells of its open columns."""

    size: Size
    experiences: int
    first: int
    last: int
    tallies: list[Tally]


class FileGroup:
    """Files with the same columns.

    Args:
        columns: Their names, as in the header.
        legacy: Whether the files are of format 0.1.

    Attributes:
        shown: Names of the columns that the records have.
        whole: Whole files and what is in them. DuckDB reads them where they are, each time anew.
        small: Whole files that are small, what is in them, and their content. They go to a table.
        careful: Files whose records are picked out one by one, into the same table.
        files: All of them, once they are loaded.
        tallies: Of the columns whose type is not known beforehand, what their cells look like.
        exp_nums: The least and the greatest ``exp_num``, None without records.
    """

    def __init__(self, columns: tuple[str, ...], *, legacy: bool) -> None:
        self.columns = columns
        self.legacy = legacy
        self.shown = legacy_regimes.columns_of_records(columns) if legacy else columns
        self.whole: dict[str, Size] = {}
        self.small: dict[str, tuple[Size, bytes]] = {}
        self.careful: list[str] = []
        self.files: list[str] = []
        self._open_columns = [column for column in columns if column not in _STANDARD]
        self.tallies = dict.fromkeys(self._open_columns, Tally())
        # By position, because DuckDB does not tell a column ``a`` from a column ``A``.
        self._cells = {column: f"c{place}" for place, column in enumerate(columns)}
        self.exp_nums: tuple[int, int] | None = None
        self._ties = False
        self._table_used = False
        serial = next(_serial)
        self._files = f"l2logger_files_{serial}"
        self._rows = f"l2logger_rows_{serial}"
        self._regimes = f"l2logger_regimes_{serial}"

    def load(self, connection: duckdb.DuckDBPyConnection) -> list[Finding]:
        """Fill the table, count what is in all files, and read those again with care of which DuckDB missed a byte.

        Returns:
            What is wrong with the files.
        """
        findings: list[Finding] = []
        cells = "".join(f"{cell} VARCHAR, " for cell in self._cells.values())
        connection.execute(f"CREATE TEMP TABLE {self._rows} ({cells}{name(PATH)} VARCHAR, {name(ROW)} BIGINT)")
        sizes = self.whole | {path: size for path, (size, _) in self.small.items()}
        self.files = sorted({*sizes, *self.careful})
        bodies = enumerate(body for _, body in self.small.values())
        self._insert(connection, list(self.small), (_numbered(number, body) for number, body in bodies))
        self.small.clear()
        found = self._count(connection, f"FROM {self._rows}")
        for batch in self._batches():
            self._set_files(connection, batch)
            found |= self._count(connection, f"FROM {self._scan()}", distinct=self.whole[batch[0]].rows <= _BATCH_ROWS)
        missed = {path for path, size in sizes.items() if path not in found or found[path].size != size}
        if missed:
            connection.execute(
                f"DELETE FROM {self._rows} WHERE list_contains($missed, {name(PATH)})", {"missed": sorted(missed)}
            )
            self.careful = sorted({*self.careful, *missed})
            self.whole = {path: size for path, size in self.whole.items() if path not in missed}
        self._set_files(connection, list(self.whole))
        if self.careful:
            self._insert(connection, self.careful, self._picked(findings))
            careful = f"FROM {self._rows} WHERE list_contains($careful, {name(PATH)})"
            found = {path: count for path, count in found.items() if path not in missed}
            found |= self._count(connection, careful, {"careful": self.careful})
        for place, column in enumerate(self._open_columns):
            self.tallies[column] = Tally.total(count.tallies[place] for count in found.values())
        self._ties = any(found[path].experiences < found[path].size.rows for path in self.whole)
        self._table_used = len(found) > len(self.whole)
        if found:
            self.exp_nums = min(count.first for count in found.values()), max(count.last for count in found.values())
        if self.legacy:
            findings += legacy_regimes.load(connection, self._regimes, self.files)
        return findings

    def selects(self, columns: Iterable[tuple[str, str, str]]) -> list[str]:
        """Return queries whose union are the records, with `PATH` and `ROW`.

        Args:
            columns: Of each column that is wanted: its name, the name to show and the type. Files need not have it.
        """
        sources = [self._rows] if self._table_used else []
        if self.whole:
            # Numbering the rows keeps DuckDB from using more than one core: only where an experience has several.
            row = "row_number() OVER ()" if self._ties else "0"
            sources.append(f"(SELECT *, {row} AS {name(ROW)} FROM {self._scan()})")
        cells = self._cells
        if self.legacy:
            sources = [legacy_regimes.joined(source, self._regimes, cells, PATH) for source in sources]
            cells = legacy_regimes.cells_of_records(cells)
        shown = [f"{_typed(cells.get(column), column, kind)} AS {name(alias)}" for column, alias, kind in columns]
        return [f"SELECT {', '.join([*shown, name(PATH), name(ROW)])} FROM {source}" for source in sources]

    def _scan(self) -> str:
        columns = dict.fromkeys(self._cells.values(), "VARCHAR")
        return read_tsv(f"getvariable('{self._files}')", columns, f"header=true, filename={literal(PATH)}")

    def _set_files(self, connection: duckdb.DuckDBPyConnection, paths: list[str]) -> None:
        # Brackets, asterisks and question marks would be taken for patterns.
        files = [path.translate(_NO_PATTERN) for path in paths]
        connection.execute(f"SET VARIABLE {self._files} = $files", {"files": files})

    def _batches(self) -> Iterator[list[str]]:
        """Yield the whole files, as many at a time as can be counted in little memory."""
        batch: list[str] = []
        room = _BATCH_ROWS
        for path, size in self.whole.items():
            if batch and size.rows > room:
                yield batch
                batch, room = [], _BATCH_ROWS
            batch.append(path)
            room -= size.rows
        if batch:
            yield batch

    def _insert(self, connection: duckdb.DuckDBPyConnection, paths: list[str], rows: Iterable[bytes]) -> None:
        """Append rows to the table; each begins with the number of its path and a tab."""
        if not paths:
            return
        columns = {"number": "BIGINT"} | dict.fromkeys(self._cells.values(), "VARCHAR")
        cells = "".join(f"{cell}, " for cell in self._cells.values())
        with tempfile.TemporaryDirectory(prefix="l2logger-") as directory:
            copy = os.path.join(directory, "rows.tsv")
            with open(copy, "wb") as file:
                file.writelines(rows)
            source = read_tsv(literal(copy), columns, "header=false")
            connection.execute(
                f"INSERT INTO {self._rows} SELECT {cells}$paths[number + 1], row_number() OVER () FROM {source}",
                {"paths": paths},
            )

    def _picked(self, findings: list[Finding]) -> Iterator[bytes]:
        """Yield the records of files that need care, and note what is wrong with them."""
        for number, path in enumerate(self.careful):
            with RowFile(path) as file:
                for row in file:
                    if isinstance(row, Row):
                        # Not as in the file: DuckDB would strip blanks before a quote.
                        yield "\t".join([str(number), *map(quote, row.cells)]).encode() + b"\n"
                    else:
                        findings.append(row)

    def _count(
        self,
        connection: duckdb.DuckDBPyConnection,
        source: str,
        parameters: dict[str, list[str]] | None = None,
        *,
        distinct: bool = True,
    ) -> dict[str, "_Count"]:
        """Return what DuckDB sees of each file; without `distinct`, experiences are not told apart."""
        whole_numbers = " AND ".join(
            f"regexp_full_match({cell}, '-?[0-9]+') AND try_cast({cell} AS BIGINT) IS NOT NULL"
            for cell in map(self._cells.__getitem__, COUNTS)
        )
        open_cells = "".join(f", {_tally_sql(self._cells[column])}" for column in self._open_columns)
        exp_num = f"try_cast({self._cells['exp_num']} AS BIGINT)"
        experiences = f"count(DISTINCT {exp_num})" if distinct else "0"
        # Over all cells, as DuckDB only looks whether text is UTF-8 in columns that it needs.
        cells = f"strlen(replace(concat({', '.join(self._cells.values())}), '\"', ''))"
        bytes_ = f"sum({cells}) + count(*) * {len(self._cells)}"
        counts = f"count(*) FILTER ({whole_numbers}), {bytes_}, {experiences}, min({exp_num}), max({exp_num})"
        sql = f"SELECT {name(PATH)}, {counts}{open_cells} {source} GROUP BY ALL"
        found = {}
        for path, rows, length, experiences, first, last, *numbers in connection.execute(sql, parameters).fetchall():
            tallies = [Tally(*numbers[place : place + 4]) for place in range(0, len(numbers), 4)]
            found[path] = _Count(Size(rows, length), experiences, first, last, tallies)
        return found


_NO_PATTERN: Final = str.maketrans({"[": "[[]", "*": "[*]", "?": "[?]"})


def _numbered(number: int, body: bytes) -> bytes:
    """Return lines with a number in front of each."""
    prefix = b"%d\t" % number
    return prefix + body[:-1].replace(b"\n", b"\n" + prefix) + b"\n"


def _typed(cell: str | None, column: str, kind: str) -> str:
    """Return the expression for one column of the records."""
    if column == "block_subtype" and cell is None:
        return literal(V1_1.defaults[column])
    if cell is None:
        return f"NULL::{kind}"
    if column == "task_name":
        return f"lower({cell})"
    if kind == "VARCHAR":
        return cell
    return f"{cell}::{kind}" if column in COUNTS else f"try_cast({cell} AS {kind})"
