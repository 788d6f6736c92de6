"""The tables that SQL over runs finds: records, regimes and runs, and what was logged beside the records."""

import json
from collections.abc import Iterable

import duckdb

from l2logger import signal_relations
from l2logger.errors import LogFormatError
from l2logger.log import Log
from l2logger.regimes import regimes
from l2logger.signal_log import SignalLog
from l2logger.sources import Sources
from l2logger.sql import TABLES

__all__ = ["TABLES", "create_views"]


def create_views(log: Log, tables: Iterable[str] = TABLES, on_bad_rows: str = "warn") -> duckdb.DuckDBPyConnection:
    """Create them on the connection of the log, and return it; `l2logger.read.connect` lists their columns.

    Args:
        log: What to read.
        tables: Which of `TABLES` are needed; each takes its time.
        on_bad_rows: What to do about what is no signal, as for `SignalLog`.
    """
    wanted = tuple(tables)
    signals: SignalLog | None = None
    for table in wanted:
        if table == "runs":
            _create_runs(log)
        elif table == "records":
            log.records().create_view(table)
        elif table == "regimes":
            regimes(log).create_view(table)
        elif table == "artifacts":
            sources = Sources(log.roots, log.runs, [], log.connection)
            signal_relations.artifacts(sources, on_bad_rows).create_view(table)
        else:
            with_metrics = not {"metrics", "signals"}.isdisjoint(wanted)
            signals = signals or SignalLog(log.runs, log.connection, on_bad_rows, with_metrics=with_metrics)
            getattr(signal_relations, table)(signals).create_view(table)
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
