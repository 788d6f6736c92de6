"""The tables that SQL over runs finds: ``records``, ``regimes`` and ``runs``."""

import json

import duckdb

from l2logger.log import Log
from l2logger.regimes import regimes


def create_views(log: Log) -> duckdb.DuckDBPyConnection:
    """Create them on the connection of the log, and return it; `l2logger.read.connect` lists their columns."""
    connection = log.connection
    log.records().create_view("records")
    regimes(log).create_view("regimes")
    connection.execute(
        "CREATE TEMP TABLE runs (run VARCHAR, path VARCHAR, version VARCHAR, files BIGINT, records BIGINT, "
        "metrics_columns VARCHAR[], logger_info VARCHAR, scenario_info VARCHAR)"
    )
    records = dict(connection.sql(f"SELECT run, count(*) FROM ({log.unsorted(())}) GROUP BY run").fetchall())
    for run in log.runs:
        info = run.info()
        values = [run.name, run.path, run.version, len(run.files), records.get(run.name, 0), run.metrics_columns()]
        texts = [json.dumps(info.logger_info), json.dumps(info.scenario_info)]
        connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values + texts)
    return connection
