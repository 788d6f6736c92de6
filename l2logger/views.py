"""The tables that SQL over runs finds: ``records``, ``regimes`` and ``runs``."""

import json
from collections.abc import Iterable
from typing import Final

import duckdb

from l2logger.errors import LogFormatError
from l2logger.log import Log
from l2logger.regimes import regimes

TABLES: Final = ("records", "regimes", "runs")


def create_views(log: Log, tables: Iterable[str] = TABLES) -> duckdb.DuckDBPyConnection:
    """Create them on the connection of the log, and return it; `l2logger.read.connect` lists their columns.

    Args:
        log: What to read.
        tables: Which of `TABLES` are needed; each takes its time.
    """
    for table in tables:
        if table == "runs":
            _create_runs(log)
        else:
            (log.records() if table == "records" else regimes(log)).create_view(table)
    return log.connection


def _create_runs(log: Log) -> None:
    log.connection.execute(
        "CREATE TEMP TABLE runs (run VARCHAR, path VARCHAR, version VARCHAR, files BIGINT, records BIGINT, "
        "metrics_columns VARCHAR[], logger_info VARCHAR, scenario_info VARCHAR)"
    )
    records = dict(log.connection.sql(f"SELECT run, count(*) FROM ({log.unsorted(())}) GROUP BY run").fetchall())
    for run in log.runs:
        values = [run.name, run.path, run.version, len(run.files), records.get(run.name, 0), run.metrics_columns()]
        try:
            info = run.info()
            texts: list[str | None] = [json.dumps(info.logger_info), json.dumps(info.scenario_info)]
        except (LogFormatError, OSError):
            texts = [None, None]
        log.connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values + texts)
