"""The few pieces of SQL that several modules put together."""

import itertools
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb

TABLES: Final = ("records", "regimes", "runs", "metrics", "params", "signals", "media", "artifacts")
"""What SQL over runs finds."""

PATH: Final = "l2logger path"
ROW: Final = "l2logger row"
"""Columns of a source beside those of the log: the file, and a number that rises within it."""

_SCHEMA: Final = "l2logger"
_MAX_LINE_BYTES: Final = 2**25
_serial = itertools.count()


def unique(stem: str) -> str:
    """Return a name for a table or variable of ours that no other has, not even on another connection."""
    return f"l2logger_{stem}_{next(_serial)}"


def hide_tables(connection: "duckdb.DuckDBPyConnection") -> None:
    """Have `create_table` put our tables where SHOW TABLES does not list them. For a connection that nobody else has."""
    connection.execute(f"CREATE SCHEMA {_SCHEMA}; SET VARIABLE {_SCHEMA}_hidden = true")


def create_table(
    connection: "duckdb.DuckDBPyConnection", stem: str, definition: str, parameters: dict[str, Any] | None = None
) -> str:
    """Create a table of ours, which is a temporary one on a connection of the user's; return its name.

    Args:
        connection: The DuckDB connection.
        stem: A word for what it holds.
        definition: Its columns in brackets, or ``AS`` and a query.
        parameters: Of the query.
    """
    [(hidden,)] = connection.execute(f"SELECT getvariable('{_SCHEMA}_hidden')").fetchall()
    table = f"{_SCHEMA}.{unique(stem)}" if hidden else unique(stem)
    connection.execute(f"CREATE {'' if hidden else 'TEMP '}TABLE {table} {definition}", parameters)
    return table


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
