"""The tables that SQL over runs finds: records, regimes and runs, and what was logged beside the records."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import duckdb

from l2logger import signal_relations
from l2logger.errors import LogFormatError
from l2logger.findings import Finding
from l2logger.info import Info
from l2logger.log import Log
from l2logger.regimes import regimes
from l2logger.runs import StoredRun, manifest_of
from l2logger.schema import MAX_COUNT
from l2logger.signal_log import SignalLog
from l2logger.sources import Sources, report
from l2logger.sql import TABLES

__all__ = ["TABLES", "create_views"]

_RUN_COLUMNS: Final = {
    "run": "VARCHAR",
    "status": "VARCHAR",
    "tags": "VARCHAR[]",
    "records": "BIGINT",
    "seed": "BIGINT",
    "path": "VARCHAR",
    "version": "VARCHAR",
    "files": "BIGINT",
    "metrics_columns": "VARCHAR[]",
    "logger_info": "VARCHAR",
    "scenario_info": "VARCHAR",
    "params": "VARCHAR",
    "host": "VARCHAR",
    "git_commit": "VARCHAR",
    "started": "VARCHAR",
    "ended": "VARCHAR",
}
"""What is asked for most stands at the edges: where there is not room for all, the middle is left out."""


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
            _create_runs(log, on_bad_rows)
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


def _create_runs(log: Log, on_bad_rows: str) -> None:
    columns = ", ".join(f"{column} {kind}" for column, kind in _RUN_COLUMNS.items())
    log.connection.execute(f"CREATE TEMP TABLE runs ({columns})")
    records = dict(log.connection.sql(f"SELECT run, count(*) FROM ({log.unsorted(())}) GROUP BY run").fetchall())
    findings: list[Finding] = []
    for run in log.runs:
        row = _row(run, records.get(run.name, 0), findings)
        values = [row.get(column) for column in _RUN_COLUMNS]
        log.connection.execute(f"INSERT INTO runs VALUES ({', '.join('?' * len(values))})", values)
    report(findings, on_bad_rows, hint="")


def _row(run: StoredRun, records: int, findings: list[Finding]) -> dict[str, Any]:
    """Return what the files about a run say, by column; what is wrong with its manifest is added to the findings."""
    row = {"run": run.name, "path": run.path, "version": run.version, "files": len(run.files)}
    row |= {"records": records, "metrics_columns": run.metrics_columns()}
    about = Info(run.name, run.path, run.version, None, None, run.files, manifest_of(run, findings))
    with suppress(LogFormatError, OSError):
        info = run.info()
        row |= {"logger_info": json.dumps(info.logger_info), "scenario_info": json.dumps(info.scenario_info)}
    if about.manifest:
        row |= {name: getattr(about, name) for name in ("status", "started", "ended", "host", "git_commit")}
        seed = about.seed if about.seed is not None and -MAX_COUNT - 1 <= about.seed <= MAX_COUNT else None
        row |= {"tags": list(about.tags), "seed": seed, "params": json.dumps(about.params)}
    return row
