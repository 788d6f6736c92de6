"""What the cells of a file look like, as SQL: how much there is, and which type each column has."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from l2logger.schema import COUNTS, V1_1
from l2logger.sql import literal

MISSING: Final = tuple(
    "#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|None|n/a|null".split("|")  # noqa: SIM905
)
"""Words that stand for a missing number, as in pandas (where ``nan`` is one, too). In text they are text."""

INTEGER: Final = "[-+]?[0-9]+"
"""What an integer looks like. DuckDB would take 1.5, 1e3 and 1_000 for integers as well."""

NUMBERS: Final = frozenset({"BIGINT", "DOUBLE", "BOOLEAN"})
"""Types of columns that have a mean."""

_TEXT: Final = frozenset(V1_1.columns) - set(COUNTS)


class Size(NamedTuple):
    """How much is in a file, or was read of it.

    Attributes:
        rows: Number of rows, which is that of newlines if no cell holds one.
        bytes: Bytes of the rows that are not quotes. Each is part of a cell, or stands behind one.
    """

    rows: int
    bytes: int

    @classmethod
    def of_cells(cls, rows: int, length: int, width: int) -> "Size":
        """Return the size of rows of `width` cells, from what is in the cells."""
        return cls(rows, length + rows * width)


def size_sql(cells: Mapping[str, str]) -> str:
    """Return expressions for the number of rows with good counts, and the bytes in all cells that are not quotes."""
    whole = " AND ".join(
        f"regexp_full_match({cells[column]}, '-?[0-9]+') AND try_cast({cells[column]} AS BIGINT) IS NOT NULL"
        for column in COUNTS
    )
    # Of all cells, because DuckDB only looks whether text is UTF-8 in columns that a query needs.
    length = f"strlen(replace(concat({', '.join(cells.values())}), '\"', ''))"
    return f"count(*) FILTER ({whole}), sum({length})"


_SLICE: Final = 30
_INTEGER, _DOUBLE, _BOOLEAN, _WORD = 1, 2, 4, 8


def is_open(column: str) -> bool:
    """Return whether the type of a column is for its cells to say."""
    return column not in V1_1.columns


def kinds_sql(cell: str) -> str:
    """Return the expression for the kinds of values that there are in a column: bits, to be joined by ``|``."""
    # DuckDB would also take 1.5, 1e3 and 1_000 for integers, and the last one for a double.
    return f"""
        coalesce(bit_or(CASE
            WHEN regexp_full_match({cell}, {literal(INTEGER)}) AND try_cast({cell} AS BIGINT) IS NOT NULL THEN {_INTEGER}
            WHEN try_cast({cell} AS DOUBLE) IS NOT NULL AND NOT contains({cell}, '_') THEN {_DOUBLE}
            WHEN {cell} IN ({", ".join(map(literal, MISSING))}) THEN 0
            WHEN lower({cell}) IN ('true', 'false') THEN {_BOOLEAN}
            WHEN {cell} IS NOT NULL THEN {_WORD}
        END), 0)
        """


def in_slices(columns: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield some columns at a time: the time that DuckDB needs to understand a query grows faster than its length."""
    for start in range(0, len(columns), _SLICE):
        yield columns[start : start + _SLICE]


def type_of(column: str, kinds: int) -> str:
    """Return the DuckDB type of a column that holds these kinds of values."""
    if column in COUNTS:
        return "BIGINT"
    if column in _TEXT:
        return "VARCHAR"
    if kinds in (_INTEGER, _BOOLEAN):
        return "BIGINT" if kinds == _INTEGER else "BOOLEAN"
    return "DOUBLE" if kinds | _INTEGER | _DOUBLE == _INTEGER | _DOUBLE else "VARCHAR"


def typed(cell: str, column: str, kind: str) -> str:
    """Return the expression that makes a cell of a column what it is in a relation."""
    if column == "task_name":
        return f"lower({cell})"
    if kind == "VARCHAR":
        return cell
    if column in COUNTS:
        return f"{cell}::BIGINT"
    return f"try_cast({cell} AS {kind})"
