"""Rows that were copied into DuckDB: of small files, of files that are still growing, and of those that need care."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

import duckdb

from l2logger.cells import quote
from l2logger.findings import Finding
from l2logger.rows import Row, RowFile
from l2logger.sql import PATH, ROW, create_table, literal, name, read_tsv
from l2logger.tally import Size, in_slices, is_open, kinds_sql, size_sql
from l2logger.triage import Glance


class RowTable:
    """A table with a column for each column of any of the files, whose cells it keeps as text.

    Args:
        columns: Names of the columns.
        connection: The DuckDB connection.

    Attributes:
        cells: The cell of each column.
        name: Of the table, which has the cells, as text, `PATH`, `ROW`, and ``has_subtype``, whether the file has a
            column ``block_subtype``.
    """

    def __init__(self, columns: tuple[str, ...], connection: duckdb.DuckDBPyConnection) -> None:
        self.cells = {column: f"c{place}" for place, column in enumerate(columns)}
        self._connection = connection
        cells = "".join(f"{cell} VARCHAR, " for cell in self.cells.values())
        columns_of_all = f"({cells}{name(PATH)} VARCHAR, {name(ROW)} BIGINT, has_subtype BOOLEAN)"
        self.name = create_table(connection, "rows", columns_of_all)

    def copy(self, columns: tuple[str, ...], files: Mapping[str, Glance]) -> None:
        """Take over all rows of some files with these columns, as far as they were looked at."""
        self._insert(columns, list(files), _copied(files))

    def remove_missed(self, files: Mapping[str, Glance]) -> set[str]:
        """Remove the rows of those files of which DuckDB missed a byte, and return these."""
        found = self._connection.sql(f"SELECT {name(PATH)}, {size_sql(self.cells)} FROM {self.name} GROUP BY ALL")
        sizes = {path: Size.of_cells(rows, length, len(files[path].columns)) for path, rows, length in found.fetchall()}
        missed = {path for path, seen in files.items() if sizes.get(path) != seen.size}
        if missed:
            self._connection.execute(
                f"DELETE FROM {self.name} WHERE list_contains($missed, {name(PATH)})", {"missed": sorted(missed)}
            )
        return missed

    def pick(self, columns: tuple[str, ...], paths: list[str]) -> list[Finding]:
        """Take over the records of some files, one by one; return what else is in them."""
        findings: list[Finding] = []
        picked = Counter[str]()
        self._insert(columns, paths, _picked(paths, picked, findings))
        found = self._connection.execute(
            f"SELECT {name(PATH)}, count(*) FROM {self.name} WHERE list_contains($paths, {name(PATH)}) GROUP BY ALL",
            {"paths": paths},
        )
        for path, lost in (picked - Counter(dict(found.fetchall()))).items():
            findings.append(Finding("unreadable", f"{lost} records could not be taken over by DuckDB", path))
        return findings

    def kinds(self) -> dict[str, int]:
        """Return which kinds of values there are in each open column."""
        kinds: dict[str, int] = {}
        for columns in in_slices([column for column in self.cells if is_open(column)]):
            figures = ", ".join(kinds_sql(self.cells[column]) for column in columns)
            [found] = self._connection.sql(f"SELECT {figures} FROM {self.name}").fetchall()
            kinds |= zip(columns, found, strict=True)
        return kinds

    def exp_nums(self) -> tuple[int | None, int | None]:
        """Return the least and the greatest ``exp_num``, None if there are no rows."""
        exp_num = f"{self.cells['exp_num']}::BIGINT"
        [(first, last)] = self._connection.sql(f"SELECT min({exp_num}), max({exp_num}) FROM {self.name}").fetchall()
        return first, last

    def _insert(self, columns: tuple[str, ...], paths: list[str], rows: Iterable[bytes]) -> None:
        """Append rows; each begins with the number of its path and a tab."""
        cells = [self.cells[column] for column in columns]
        of_file = {"number": "BIGINT"} | dict.fromkeys(cells, "VARCHAR")
        has_subtype = "block_subtype" in columns
        with tempfile.TemporaryDirectory(prefix="l2logger-") as directory:
            copy = os.path.join(directory, "rows.tsv")
            with open(copy, "wb") as file:
                file.writelines(rows)
            self._connection.execute(
                f"INSERT INTO {self.name} BY NAME SELECT {', '.join(cells)}, $paths[number + 1] AS {name(PATH)}, "
                f"row_number() OVER () AS {name(ROW)}, {has_subtype} AS has_subtype "
                f"FROM {read_tsv(literal(copy), of_file, 'header=false, ignore_errors=true')}",
                {"paths": paths},
            )


def _picked(paths: list[str], picked: Counter[str], findings: list[Finding]) -> Iterator[bytes]:
    for number, path in enumerate(paths):
        try:
            with RowFile(path) as file:
                for row in file:
                    if isinstance(row, Row):
                        picked[path] += 1
                        # Not as in the file: DuckDB would strip blanks before a quote.
                        yield "\t".join([str(number), *map(quote, row.cells)]).encode() + b"\n"
                    else:
                        findings.append(row)
        except OSError as error:
            findings.append(Finding("unreadable", f"cannot be read: {error.strerror}", path))


def _copied(files: Mapping[str, Glance]) -> Iterator[bytes]:
    for number, (path, seen) in enumerate(files.items()):
        # One that cannot be read any more is missed later.
        with suppress(OSError), open(path, "rb") as file:
            file.seek(seen.start)
            prefix = b"%d\t" % number
            yield prefix + file.read(seen.end - seen.start - 1).replace(b"\n", b"\n" + prefix) + b"\n"
