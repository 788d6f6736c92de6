r"""Text of the TSV files: values become cells, cells become lines.

The rules are those of Python's ``csv`` writer as l2logger 1.x used it (tab, double quote, ``\n``, quotes only
where needed), with one repair: a bare carriage return is quoted as well. CPython before 3.13 left it bare, and
pandas then takes it for the end of the line.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from l2logger.errors import RecordError, SchemaError

MAX_CELL_BYTES: Final = 2**20
"""Longest cell. Larger things belong into files of their own."""

MAX_LINE_BYTES: Final = 2**23
"""Longest line of a log."""

_NUMBERS: Final = frozenset({int, float})
_WORDS: Final = {"true": True, "false": False}
_needs_quotes = re.compile('[\t"\n\r]').search
_cells = re.compile(r'(?:^|\t)(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<bare>[^\t]*))').finditer


def text(value: Any) -> str:
    """Return what is stored for `value`: nothing for None, text itself, ``str(value)`` for all else."""
    if value is None:
        return ""
    if isinstance(value, str):
        # Not str(value): a text enumeration stands for its text, not for its name.
        return str.__str__(value)
    return str(value)


def value(cell: str) -> Any:
    """Return what a cell of a metric stands for, as far as one cell tells: a number, a truth value, None, or text."""
    if not cell:
        return None
    for kind in (int, float):
        try:
            number = kind(cell)
        except ValueError:
            continue
        # Python would take 1_000 and other scripts' digits for a number; no other reader does.
        return number if cell.isascii() and "_" not in cell else cell
    return _WORDS.get(cell.lower(), cell)


def as_float(number: int | float) -> float:
    """Return a number as a float; of a whole number beyond all floats, which the log may hold, the infinite one."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def quote(cell: str) -> str:
    """Return `cell` as it stands in a line: in quotes if it holds a tab, a quote or a line break."""
    if _needs_quotes(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def split(row: str) -> list[str]:
    """Return the cells of one row, given without its newline: the reverse of joining quoted cells with tabs."""
    if '"' not in row:
        return row.split("\t")
    return [
        found["quoted"].replace('""', '"') if found["quoted"] is not None else found["bare"] for found in _cells(row)
    ]


def header(columns: Iterable[str]) -> bytes:
    """Return the first line of a file with these columns.

    Raises:
        SchemaError: A name is not valid Unicode.
    """
    try:
        return ("\t".join(map(quote, columns)) + "\n").encode()
    except UnicodeEncodeError as error:
        raise SchemaError(f"a column name holds half of a surrogate pair, which UTF-8 cannot store: {error}") from error


def line(columns: Iterable[str], fields: Mapping[str, Any]) -> bytes:
    """Return the line of one record.

    Args:
        columns: Names in the order of the file.
        fields: A value for each of them.

    Raises:
        RecordError: A value has no text, or its text is too long or not valid Unicode.
    """
    cells = []
    name = ""
    try:
        for name in columns:
            value = fields[name]
            kind = type(value)
            # Numbers never need quotes.
            cells.append(quote(value) if kind is str else str(value) if kind in _NUMBERS else quote(text(value)))
    except Exception as error:
        raise RecordError(
            f"{name}: the value, a {type(fields[name]).__name__}, cannot be turned into text ({error!r}); "
            "log text or numbers"
        ) from error
    try:
        data = ("\t".join(cells) + "\n").encode()
    except UnicodeEncodeError as error:
        name = next(name for name, cell in zip(columns, cells, strict=True) if not _is_unicode(cell))
        raise RecordError(
            f"{name}: the text holds half of a surrogate pair, which UTF-8 cannot store; "
            "clean it with text.encode(errors='replace').decode()"
        ) from error
    if len(data) > MAX_CELL_BYTES:
        _check_sizes(columns, cells, len(data))
    return data


def _check_sizes(columns: Iterable[str], cells: list[str], size: int) -> None:
    for name, cell in zip(columns, cells, strict=True):
        if len(cell.encode()) > MAX_CELL_BYTES:
            raise RecordError(
                f"{name}: the value takes {len(cell.encode()):,} bytes, the limit is {MAX_CELL_BYTES:,}; "
                "store it in a file and log the name of the file"
            )
    if size > MAX_LINE_BYTES:
        raise RecordError(
            f"the record takes {size:,} bytes, the limit is {MAX_LINE_BYTES:,}; "
            "store large values in files and log their names"
        )


def _is_unicode(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True
