"""Tables that are logged."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from l2logger import paths
from l2logger.errors import SignalError
from l2logger.plain import plain

MAX_CELLS: Final = 1_000_000


def table(name: str, rows: Any, columns: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the fields of a table.

    Args:
        name: What it shows.
        rows: A list of dicts or of lists, a dict of columns, or a DataFrame.
        columns: Names of the columns, for rows that are lists; else which columns to keep, in this order.

    Raises:
        SignalError: It is no table, or has more than a million cells.
    """
    paths.checked_name("a table", name)
    try:
        names, cells = _parts(rows, columns)
    except (TypeError, ValueError, KeyError) as error:
        raise SignalError(
            f"the table {name!r} must be a list of dicts, a list of rows and their columns, a dict of columns or a DataFrame, "
            f"got {type(rows).__name__}: {error}"
        ) from error
    if len(names) * len(cells) > MAX_CELLS:
        raise SignalError(
            f"the table {name!r} has {len(cells):,} rows of {len(names)} columns, more than {MAX_CELLS:,} cells; "
            "write a file and use log_artifact"
        )
    return {"name": name, "columns": names, "rows": [list(map(plain, row)) for row in cells]}


def _parts(rows: Any, columns: Sequence[str] | None) -> tuple[list[str], list[Sequence[Any]]]:
    if isinstance(columns, str):
        raise TypeError("columns must be a list of names")
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):  # a DataFrame of pandas or polars
        rows = {name: list(rows[name]) for name in rows.columns}
    if isinstance(rows, Mapping):
        names = list(rows if columns is None else columns)
        return list(map(str, names)), list(zip(*(rows[name] for name in names), strict=True))
    if isinstance(rows, str) or not isinstance(rows, Iterable):
        raise TypeError("these are no rows")
    found = list(rows)
    if found and all(isinstance(row, Mapping) for row in found):
        names = list(dict.fromkeys(name for row in found for name in row) if columns is None else columns)
        return list(map(str, names)), [[row.get(name) for name in names] for row in found]
    if columns is None:
        raise TypeError("rows that are lists need columns=[...]")
    for row in found:
        if isinstance(row, str) or len(row) != len(columns):
            raise ValueError(f"a row must have {len(columns)} cells, as there are columns, got {row!r:.200}")
    return list(map(str, columns)), found
