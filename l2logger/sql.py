"""The few pieces of SQL that several modules put together."""

import itertools
from typing import Final

TABLES: Final = ("records", "regimes", "runs", "metrics", "params", "signals", "media", "artifacts")
"""What SQL over runs finds."""

PATH: Final = "l2logger path"
ROW: Final = "l2logger row"
"""Columns of a source beside those of the log: the file, and a number that rises within it."""

_MAX_LINE_BYTES: Final = 2**25
_serial = itertools.count()


def unique(stem: str) -> str:
    """Return a name for a table or variable of ours that no other has, not even on another connection."""
    return f"l2logger_{stem}_{next(_serial)}"


def literal(text: str) -> str:
    """Return `text` as a literal."""
    return "'" + text.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """Return `identifier` as a name."""
    return '"' + identifier.replace('"', '""') + '"'


def read_tsv(files: str, columns: dict[str, str], options: str) -> str:
    """Return the table function that reads log files.

    Args:
        files: An expression for one path or a list of paths.
        columns: Name and type of each column; those in the files do not count.
        options: More options of DuckDB's ``read_csv``.
    """
    kinds = ", ".join(f"{literal(column)}: {literal(kind)}" for column, kind in columns.items())
    return (
        f"read_csv({files}, delim='\t', quote='\"', escape='\"', nullstr='', new_line='\\n', auto_detect=false, strict_mode=true, "
        f"max_line_size={_MAX_LINE_BYTES}, columns={{{kinds}}}, {options})"
    )
