"""What a log of format 0.1 keeps beside its records: the regimes, in ``block-info.tsv`` or ``block-report.tsv``.

Records of 0.1 name their block and regime by number. The rest stands in the file of regimes of the same directory,
that is of the same worker, block and task. Joined by directory no record is there twice, however many workers entered
the same regime. Where a regime is not listed, the names of the directories tell worker, block type and task.
"""

import os
from collections.abc import Mapping
from typing import Final

import duckdb

from l2logger import paths
from l2logger.findings import WARNING, Finding
from l2logger.rows import Row, RowFile
from l2logger.schema import COMPLETE, V1_1
from l2logger.sql import create_table, literal, name

FAILED: Final = ("aborted", "cancelled", "crashed", "error", "failed", "failure", "incomplete", "killed", "timeout")
"""Words that, as the free ``status`` of an experience, say that it did not complete; in lower case."""

REGIME_KEY: Final = ("block_num", "regime_num")
"""Columns by which records find their regime."""

_FROM_REGIMES: Final = {
    "worker_id": "regime_worker",
    "block_type": "regime_block_type",
    "task_name": "regime_task",
    "task_params": "regime_params",
}


def files_beside(directory: str) -> list[str]:
    """Return the files of regimes in a directory; links are not followed."""
    listed = [os.path.join(directory, each) for each in (paths.BLOCK_INFO, paths.BLOCK_REPORT)]
    return [path for path in listed if os.path.isfile(path) and not os.path.islink(path)]


def columns_of_records(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of version 1.1, ``regime_num``, and what else the files have."""
    return tuple(dict.fromkeys((*V1_1.columns, *columns)))


def cells_of_records(cells: Mapping[str, str]) -> dict[str, str]:
    """Return, for each column of the records, the expression that a `joined` source has for it."""
    status = literal(COMPLETE)
    if "status" in cells:
        failed = ", ".join(map(literal, FAILED))
        status = f"CASE WHEN lower({cells['status']}) IN ({failed}) THEN 'incomplete' ELSE {status} END"
    return {
        **cells,
        **_FROM_REGIMES,
        "block_subtype": literal(V1_1.defaults["block_subtype"]),
        "exp_status": status,
    }


def joined(source: str, table: str, cells: Mapping[str, str], path: str) -> str:
    """Return `source` with the columns of its regimes beside it."""
    number = f"try_cast(s.{cells['regime_num']} AS BIGINT)" if "regime_num" in cells else "NULL"
    regime = f"AND r.block_num = s.{cells['block_num']}::BIGINT AND r.regime_num = {number}"
    found = ", ".join(f"coalesce(r.{column}, d.{column}) AS {column}" for column in _FROM_REGIMES.values())
    return (
        f"(SELECT s.*, {found} FROM {source} s "
        f"LEFT JOIN {table} r ON r.path = s.{name(path)} {regime} "
        f"LEFT JOIN {table} d ON d.path = s.{name(path)} AND d.regime_num IS NULL)"
    )


def load(connection: duckdb.DuckDBPyConnection, files: list[str]) -> tuple[str, list[Finding]]:
    """Make a table of the regimes beside each of the log `files`, and return its name and what is wrong with them."""
    findings: list[Finding] = []
    rows: list[tuple[str | int | None, ...]] = []
    for file in files:
        directory = os.path.dirname(file)
        worker, block, task = directory.split(os.sep)[-3:] if directory.count(os.sep) > 1 else ("", "", "")
        rows.append((file, None, None, worker, block.partition("-")[2], task, None))
        regimes: dict[tuple[int, int], tuple[str | int | None, ...]] = {}
        for path in files_beside(directory):
            try:
                with RowFile(path, counts=REGIME_KEY) as regime_file:
                    for row in regime_file:
                        if not isinstance(row, Row):
                            findings.append(row)
                            continue
                        cells = dict(zip(regime_file.columns or (), row.cells, strict=True))
                        key = int(cells["block_num"]), int(cells["regime_num"])
                        named = (cells.get(name) or None for name in ("worker", "block_type", "task_name", "params"))
                        regimes.setdefault(key, (file, *key, *named))
            except OSError as error:
                findings.append(Finding("unreadable", f"cannot be read: {error.strerror}", path))
        if not regimes:
            findings.append(
                Finding(
                    "regimes",
                    f"no regimes are listed beside it; the names of its directories are taken for worker {worker!r}, "
                    f"block {block!r} and task {task!r}",
                    file,
                    severity=WARNING,
                )
            )
        rows += regimes.values()
    columns = ", ".join(f"{column} VARCHAR" for column in _FROM_REGIMES.values())
    all_columns = f"(path VARCHAR, block_num BIGINT, regime_num BIGINT, {columns})"
    table = create_table(connection, "regimes", all_columns)
    if rows:
        unnested = ", ".join(f"unnest(${place}::{kind}[])" for place, kind in enumerate(_KINDS, 1))
        connection.execute(f"INSERT INTO {table} SELECT {unnested}", [list(cells) for cells in zip(*rows, strict=True)])
    return table, findings


_KINDS: Final = ("VARCHAR", "BIGINT", "BIGINT", "VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR")
