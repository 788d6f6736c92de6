"""``l2logger query``."""

import csv
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from l2logger.commands.options import Command, Mistake, runs_argument
from l2logger.commands.terminal import busy, count, finite, new_file, say
from l2logger.diagnostics import Progress
from l2logger.sql import TABLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FORMATS: Final = ("table", "csv", "tsv", "json", "parquet")
_BATCH: Final = 10_000


@click.command(
    cls=Command,
    examples=(
        'l2logger query logs "SELECT run, task_name, avg(reward) FROM records GROUP BY ALL"',
        "l2logger query logs \"SELECT * FROM records WHERE block_type = 'test'\" -o tests.parquet",
        "l2logger query logs \"SELECT run, step, value FROM metrics WHERE name = 'loss'\" -o loss.csv",
        'l2logger query logs "DESCRIBE records"',
    ),
)
@runs_argument
@click.argument("sql", metavar="SQL")
@click.option("-f", "--format", "form", type=click.Choice(_FORMATS), help="Default: by the name of FILE, else table.")
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(), help="Write to a file; it appears when it is complete."
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=40,
    show_default=True,
    help="Rows of a table that are shown; 0 for all of them.",
)
def command(runs: tuple[str, ...], sql: str, form: str | None, output: str | None, limit: int) -> None:
    """Ask runs a question in SQL.

    The tables are `records`, `regimes` and `runs`, and what was logged beside the records: `metrics`, `params`, `media`,
    `artifacts`, and all of it in `signals`. DESCRIBE tells their columns. The dialect is that of DuckDB. Names of tasks are in
    lower case in all but the last, as everywhere when a log is read.
    """
    if not sql.strip():
        raise Mistake("the SQL is empty", hint='such as "SELECT * FROM regimes"')
    form = form or _format_of(output)
    if form == "parquet" and not output and sys.stdout.isatty():
        raise click.UsageError("Parquet is nothing to read on a terminal; give a file with -o FILE")
    if form == "table" and output:
        raise click.UsageError("a table is for the terminal; give -f csv, json or parquet with -o FILE")
    with busy("reading") as progress:
        connection = _connect(runs, sql, progress)
        with _sql_errors(connection, sql):
            if form == "table":
                columns, rows, total = _rows(connection, sql, limit)
            else:
                with new_file(output, f".{form}") as path:
                    _write(connection, sql, form, path)
                return
    _print_table(columns, rows, total)


def _format_of(output: str | None) -> str:
    suffix = os.path.splitext(output or "")[1][1:].lower()
    if output and suffix not in _FORMATS:
        raise click.UsageError(
            f"the name {output!r} does not tell the format; end it in .csv, .json or .parquet, or give -f"
        )
    return suffix if output else "table"


def _connect(runs: tuple[str, ...], sql: str, progress: Progress) -> "DuckDBPyConnection":
    from l2logger.commands.opening import open_log
    from l2logger.views import create_views

    # The name of a table cannot be asked for without being there.
    named = [table for table in TABLES if table in sql.lower()]
    return create_views(open_log(*runs, progress=progress), named or TABLES)


@contextmanager
def _sql_errors(connection: "DuckDBPyConnection", sql: str) -> Iterator[None]:
    """Turn the errors of DuckDB into mistakes of the user, and say what there is to be asked for."""
    import duckdb

    try:
        yield
    except duckdb.OperationalError:
        raise  # out of memory, say
    except duckdb.Error as error:
        raise Mistake(str(error).splitlines()[0], hint=_hint(connection, sql, error)) from error


def _hint(connection: "DuckDBPyConnection", sql: str, error: Exception) -> str:
    import duckdb

    tables = [table for table in TABLES if table in sql.lower()]
    if isinstance(error, duckdb.BinderException) and tables:
        known = {table: connection.execute(f"SELECT * FROM {table} LIMIT 0").description or [] for table in tables}
        return "; ".join(f"{table} has {', '.join(each[0] for each in known[table])}" for table in tables)
    if isinstance(error, duckdb.CatalogException | duckdb.ParserException | duckdb.BinderException):
        return f'the dialect is that of DuckDB, the tables are {", ".join(TABLES)}; try "DESCRIBE records"'
    return ""


def _rows(connection: "DuckDBPyConnection", sql: str, limit: int) -> tuple[list[str], list[Any], int]:
    """Return columns, the first rows and the number of all rows."""
    result = connection.sql(sql)
    if result is None:  # the statement has no result, such as SET
        return [], [], 0
    if limit <= 0:
        rows = result.fetchall()
        return result.columns, rows, len(rows)
    rows = result.limit(limit).fetchall()
    total = len(rows) if len(rows) < limit else result.aggregate("count(*)").fetchall()[0][0]
    return result.columns, rows, total


def _write(connection: "DuckDBPyConnection", sql: str, form: str, path: str) -> None:
    if form == "parquet":
        connection.sql(sql).write_parquet(path, compression="zstd")
        return
    connection.execute(sql)
    columns = [name for name, *_ in connection.description or []]
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise Mistake(f"the result has columns of the same name: {', '.join(twice)}", hint="give them names with AS")
    with open(path, "w", encoding="utf-8", newline="") as file:
        if form == "json":
            file.writelines(_json(connection, columns))
            return
        writer = csv.writer(file, "excel-tab" if form == "tsv" else "excel", lineterminator="\n")
        writer.writerow(columns)
        while rows := connection.fetchmany(_BATCH):
            writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    """Return what CSV can hold of a value: structs and lists as JSON."""
    return json.dumps(finite(value), default=str) if isinstance(value, dict | list) else value


def _json(connection: "DuckDBPyConnection", columns: list[str]) -> Iterator[str]:
    separator = "[\n"
    while rows := connection.fetchmany(_BATCH):
        for row in rows:
            fields = dict(zip(columns, row, strict=True))
            yield separator + json.dumps(finite(fields), default=str, allow_nan=False)
            separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _print_table(columns: list[str], rows: list[Any], total: int) -> None:
    from l2logger import rendering, result_rendering

    out = rendering.console()
    table, left_out = result_rendering.rows(columns, rows, out)
    out.print(table)
    if total > len(rows):
        say("note", f"{total - len(rows):,} more rows of {total:,}; --limit 0 shows all, -o FILE.csv keeps them")
    if left_out:
        columns_left = f"{count(len(left_out), 'column')} not shown, the terminal is too narrow"
        say("note", f"{columns_left}: {', '.join(left_out)}")
