"""Log files that DuckDB reads where they are, each time they are asked for."""

import functools
import operator
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import duckdb

from l2logger.sql import PATH, ROW, literal, name, read_tsv, unique
from l2logger.tally import Size, in_slices, is_open, kinds_sql, size_sql
from l2logger.triage import Glance

_BATCH_ROWS: Final = 2**18
_NO_PATTERN: Final = str.maketrans({"[": "[[]", "*": "[*]", "?": "[?]"})


class _Count(NamedTuple):
    """What DuckDB sees of a file: how much, how many experiences and their range, what is in its open columns."""

    size: Size
    experiences: int
    first: int
    last: int
    kinds: list[int]


class WholeFiles:
    """Whole files with the same columns.

    Args:
        columns: Their names, as in the header.
        connection: The DuckDB connection.

    Attributes:
        files: The files, and what was seen of each.
        cells: The cell of each column in the `source`.
        counts: What DuckDB sees of them, once they were counted.
    """

    def __init__(self, columns: tuple[str, ...], connection: duckdb.DuckDBPyConnection) -> None:
        self.columns = columns
        self.files: dict[str, Glance] = {}
        self.counts: dict[str, _Count] = {}
        # By position, because DuckDB does not tell a column ``a`` from a column ``A``.
        self.cells: Mapping[str, str] = {column: f"c{place}" for place, column in enumerate(columns)}
        self._open = [column for column in columns if is_open(column)]
        self._connection = connection
        self._variable = unique("files")

    def count(self) -> list[str]:
        """Let DuckDB count what is in the files; return those of which it missed a byte, which are read here no more."""
        for batch in self._batches():
            self._set_files(batch)
            # Telling all experiences of a very large file apart would take a lot of memory.
            self._count(distinct=self.files[batch[0]].size.rows <= _BATCH_ROWS)
        missed = [
            path for path, seen in self.files.items() if path not in self.counts or self.counts[path].size != seen.size
        ]
        for path in missed:
            del self.files[path]
            self.counts.pop(path, None)
        self._set_files(list(self.files))
        return missed

    def kinds(self, column: str) -> int:
        """Return which kinds of values there are in an open column."""
        if column not in self._open:
            return 0
        place = self._open.index(column)
        return functools.reduce(operator.or_, (count.kinds[place] for count in self.counts.values()), 0)

    def source(self) -> str:
        """Return the query for all rows: the cells as text, with `PATH` and `ROW`."""
        # Numbering the rows keeps DuckDB from using more than one core: only where an experience has several.
        ties = any(count.experiences < count.size.rows for count in self.counts.values())
        row = "row_number() OVER ()" if ties else "0"
        # What is appended later was not looked at, and its last row may be unfinished.
        end = sum(seen.end for seen in self.files.values())
        grown = literal("the log has grown since it was opened; open it again")
        check = f"CASE WHEN sum(size) IS DISTINCT FROM {end} THEN error({grown}) ELSE true END"
        unchanged = f"(SELECT {check} FROM read_blob(getvariable({literal(self._variable)})))"
        return f"(SELECT *, {row} AS {name(ROW)} FROM {self._scan(strict=True)} WHERE {unchanged})"

    def _scan(self, *, strict: bool) -> str:
        columns = dict.fromkeys(self.cells.values(), "VARCHAR")
        options = f"header=true, filename={literal(PATH)}, ignore_errors={'false' if strict else 'true'}"
        return read_tsv(f"getvariable({literal(self._variable)})", columns, options)

    def _set_files(self, paths: list[str]) -> None:
        # Brackets, asterisks and question marks would be taken for patterns.
        files = [path.translate(_NO_PATTERN) for path in paths]
        self._connection.execute(f"SET VARIABLE {self._variable} = $files", {"files": files})

    def _batches(self) -> Iterator[list[str]]:
        """Yield the files, as many at a time as can be counted in little memory."""
        batch: list[str] = []
        room = _BATCH_ROWS
        for path, seen in self.files.items():
            if batch and seen.size.rows > room:
                yield batch
                batch, room = [], _BATCH_ROWS
            batch.append(path)
            room -= seen.size.rows
        if batch:
            yield batch

    def _count(self, *, distinct: bool) -> None:
        exp_num = f"try_cast({self.cells['exp_num']} AS BIGINT)"
        experiences = f"count(DISTINCT {exp_num})" if distinct else "0"
        figures = [size_sql(self.cells), experiences, f"min({exp_num})", f"max({exp_num})"]
        for columns in in_slices(self._open) if self._open else [[]]:
            figures += [kinds_sql(self.cells[column]) for column in columns]
            sql = f"SELECT {name(PATH)}, {', '.join(figures)} FROM {self._scan(strict=False)} GROUP BY ALL"
            for path, *numbers in self._connection.execute(sql).fetchall():
                if path not in self.counts:
                    rows, length, different, first, last = numbers[:5]
                    size = Size.of_cells(rows, length, len(self.columns))
                    self.counts[path] = _Count(size, different, first, last, [])
                self.counts[path].kinds.extend(numbers[len(numbers) - len(columns) :])
            figures = []
