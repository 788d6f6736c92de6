"""The regimes of a log: stretches of complete records of the same block and task."""

from typing import Final

import duckdb

from l2logger.log import Log
from l2logger.schema import COMPLETE, V1_1
from l2logger.sql import PATH, ROW, create_table, literal, name

KEY: Final = ("block_num", "block_type", "block_subtype", "task_name")
"""Columns that are the same within a regime."""

_STORED: Final = "l2logger stored"
_NEW: Final = "l2logger new"
_FIGURES: Final = """
    arg_min(task_params, exp_num) AS task_params, count(DISTINCT task_params) AS params_count,
    count(DISTINCT worker_id) AS workers, count(*) AS length,
    min(exp_num) AS first_exp_num, max(exp_num) AS last_exp_num, min(timestamp) AS started, max(timestamp) AS ended
"""


def regimes(log: Log) -> duckdb.DuckDBPyRelation:
    """Return the regimes, by run and number; `l2logger.read.regimes` lists the columns."""
    # Records of one block and task are one regime, unless others lie between them. Whether any do is seen from the
    # first and last of them, so that only the records of such runs have to be sorted.
    key = ", ".join(KEY)
    figures = f"{_FIGURES}, {_means(log)} AS means"
    grouped = f"AS SELECT run, {key}, {figures} FROM ({_complete(log)}) GROUP BY run, {key}"
    table = create_table(log.connection, "grouped", grouped)
    number = "row_number() OVER (PARTITION BY run ORDER BY first_exp_num, block_num) - 1"
    found = f"SELECT run, {number} AS regime_num, * EXCLUDE (run) FROM {table}"
    if to_sort := _legacy(log) | _interleaved(log, table):
        runs = f"run IN ({', '.join(map(literal, sorted(to_sort)))})"
        of_key = ", ".join(f"any_value({column}) AS {column}" for column in KEY)
        sorted_out = (
            f"SELECT run, regime_num, {of_key}, {figures} FROM ({numbered(log, runs)}) GROUP BY run, regime_num"
        )
        found += f" WHERE NOT {runs} UNION ALL BY NAME {sorted_out}"
    return log.connection.sql(f"SELECT * FROM ({found}) ORDER BY run, regime_num")


def _legacy(log: Log) -> set[str]:
    return {run.name for run in log.runs if run.legacy}


def _complete(log: Log) -> str:
    """Return the query for the complete records: standard columns, and others under names that are nobody's."""
    columns = {column: column for column in V1_1.columns} | _aliases(log)
    if _legacy(log):
        columns["regime_num"] = _STORED
    return f"SELECT * FROM ({log.unsorted(columns)}) WHERE exp_status = {literal(COMPLETE)}"


def _aliases(log: Log) -> dict[str, str]:
    return {metric: f"l2logger metric {place}" for place, metric in enumerate(log.metrics)}


def _means(log: Log) -> str:
    """Return the expression for the mean of each metric, over those values that are finite numbers."""
    if not log.metrics:
        return "NULL"
    values = {metric: f"try_cast({name(alias)} AS DOUBLE)" for metric, alias in _aliases(log).items()}
    means = (f"{name(log.shown[metric])} := avg({each}) FILTER (isfinite({each}))" for metric, each in values.items())
    return f"struct_pack({', '.join(means)})"


def _interleaved(log: Log, table: str) -> set[str]:
    """Return the runs in which records of other blocks or tasks lie between those of one."""
    before = "PARTITION BY run ORDER BY first_exp_num, block_num ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    found = log.connection.sql(
        f"""
        SELECT DISTINCT run FROM (
            SELECT run, row(first_exp_num, block_num) <= max(row(last_exp_num, block_num)) OVER ({before}) AS inside
            FROM {table}
        ) WHERE inside
        """
    )
    return {run for (run,) in found.fetchall()}


def numbered(log: Log, runs: str) -> str:
    """Return the query for the complete records of some runs with the number of their regime, found by sorting them.

    A new regime begins where block, block type, subtype or task differ from the record before. Format 0.1 has numbers
    of its own.

    Args:
        log: What to read.
        runs: A condition of SQL on ``run``.

    Returns:
        A query with ``run``, the standard columns, ``regime_num``, and the metrics under names of ours.
    """
    order = f"PARTITION BY run ORDER BY exp_num, block_num, {name(PATH)}, {name(ROW)}"
    key = f"row({', '.join(KEY)})"
    number = f"sum({name(_NEW)}) OVER ({order} ROWS UNBOUNDED PRECEDING) - 1"
    if legacy := _legacy(log):
        # In a log that lacks its number, all records of a run are one regime.
        stored = f"coalesce(try_cast({name(_STORED)} AS BIGINT), 0)"
        number = f"CASE WHEN run IN ({', '.join(map(literal, sorted(legacy)))}) THEN {stored} ELSE {number} END"
    return f"""
        SELECT *, ({number})::BIGINT AS regime_num
        FROM (
            SELECT *, ({key} IS DISTINCT FROM lag({key}) OVER ({order}))::INTEGER AS {name(_NEW)}
            FROM ({_complete(log)}) WHERE {runs}
        )
        """
