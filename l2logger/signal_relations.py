"""What was logged beside the records, as relations; `l2logger.read` lists their columns."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import duckdb

from l2logger import artifacts as stored_artifacts
from l2logger.artifacts import Artifact
from l2logger.errors import LogFormatError
from l2logger.findings import Finding
from l2logger.manifest_file import merged
from l2logger.runs import StoredRun
from l2logger.signal_log import SignalLog
from l2logger.signals import DESCRIPTION, MEDIA, METRICS, PARAMS
from l2logger.sources import Sources, report
from l2logger.sql import create_table, literal

_TIME_ORDER: Final = "run, timestamp, path, row"

_MEDIA_COLUMNS: Final = {
    "width": "BIGINT",
    "height": "BIGINT",
    "channels": "BIGINT",
    "frames": "BIGINT",
    "fps": "DOUBLE",
    "shape": "BIGINT[]",
    "dtype": "VARCHAR",
    "caption": "VARCHAR",
}
"""What is told of a file, where its kind has it."""

_ARTIFACT_COLUMNS: Final = {
    "name": "VARCHAR",
    "version": "VARCHAR",
    "aliases": "VARCHAR[]",
    "type": "VARCHAR",
    "nbytes": "BIGINT",
    "path": "VARCHAR",
    "digest": "VARCHAR",
    "metadata": "JSON",
    "metrics": "JSON",
    "created": "VARCHAR",
    "run": "VARCHAR",
}


def metrics(log: SignalLog) -> duckdb.DuckDBPyRelation:
    """Return the metrics, a row for each value."""
    columns = "name, step, value, clock, timestamp, worker_id, clocks::JSON AS clocks, context::JSON AS context, run"
    order = "run, worker_id, clock, step, timestamp, row, place"
    return log.connection.sql(f"SELECT {columns} FROM ({values_of_metrics(log)}) ORDER BY {order}")


def values_of_metrics(log: SignalLog) -> str:
    """Return the query for the values of all metrics, in no order; a later one has a higher ``timestamp``, ``row`` or ``place``."""
    rows = f"SELECT * FROM ({log.rows()}) WHERE kind = {literal(METRICS)}"
    key = "run, worker_id, clock, step"
    keys, values = "json_keys(body, '$.values')", "json_extract_string(body, '$.values.*')::DOUBLE[]"
    long = (
        f"SELECT {key}, timestamp, unnest({keys}) AS name, unnest({values}) AS value, clocks, context, row, "
        f"unnest(range(len({keys}))) AS place FROM ({rows})"
    )
    several = f"SELECT 1 FROM ({rows}) WHERE step IS NOT NULL GROUP BY {key} HAVING count(*) > 1 LIMIT 1"
    if log.fetch(several):
        place_from_last = f"row_number() OVER (PARTITION BY {key}, name ORDER BY row DESC, timestamp DESC, place DESC)"
        long = f"SELECT * FROM ({long}) QUALIFY step IS NULL OR {place_from_last} = 1"
    return long


def signals(log: SignalLog) -> duckdb.DuckDBPyRelation:
    """Return all signals but the records, a row for each."""
    fields = (
        f"CASE WHEN kind = {literal(METRICS)} THEN concat('{{\"values\":', json_extract(body, '$.values'), '}}') "
        "ELSE body END::JSON AS fields"
    )
    columns = f"kind, name, step, {fields}, clock, timestamp, worker_id, clocks::JSON AS clocks, context::JSON AS context, run"
    return log.connection.sql(f"SELECT {columns} FROM ({log.rows()}) ORDER BY {_TIME_ORDER}")


def media(log: SignalLog) -> duckdb.DuckDBPyRelation:
    """Return the images, videos, figures and arrays, a row for each."""
    kinds = ", ".join(map(literal, sorted(MEDIA)))
    told = "".join(
        f", try_cast(json_extract_string(body, {literal(f'$.{name}')}) AS {kind}) AS {name}"
        for name, kind in _MEDIA_COLUMNS.items()
    )
    path = f"concat(directory, {literal(os.sep)}, json_extract_string(body, '$.path')) AS file"
    rows = f"SELECT *, {path}{told} FROM ({log.rows()}) WHERE kind IN ({kinds})"
    columns = f"kind, name, step, file AS path, {', '.join(_MEDIA_COLUMNS)}, clock, timestamp, worker_id, run"
    return log.connection.sql(f"SELECT {columns} FROM ({rows}) ORDER BY run, kind, name, step, timestamp, row")


def descriptions(log: SignalLog) -> duckdb.DuckDBPyRelation:
    """Return what was said of metrics last."""
    rows = f"SELECT * FROM ({log.rows()}) WHERE kind = {literal(DESCRIPTION)}"
    last = "QUALIFY row_number() OVER (PARTITION BY run, name ORDER BY timestamp DESC, row DESC) = 1"
    told = "json_extract_string(body, '$.unit') AS unit, json_extract_string(body, '$.better') AS better"
    return log.connection.sql(f"SELECT run, name AS metric, {told} FROM ({rows}) {last} ORDER BY run, metric")


def merged_params(log: SignalLog) -> dict[str, dict[str, Any]]:
    """Return the parameters of each run, by its name: all that were logged, later ones merged into those before."""
    found: dict[str, dict[str, Any]] = {run.name: {} for run in log.runs}
    sql = f"SELECT run, body FROM ({log.rows()}) WHERE kind = {literal(PARAMS)} ORDER BY {_TIME_ORDER}"
    for run, body in log.fetch(sql):
        found[run] = merged(found[run], json.loads(body)["params"])
    return found


def params(log: SignalLog) -> duckdb.DuckDBPyRelation:
    """Return the parameters, a row for each that holds no others."""
    rows = [(run, *pair) for run, params in merged_params(log).items() for pair in flat(params)]
    return _relation(log.connection, {"run": "VARCHAR", "name": "VARCHAR", "value": "JSON"}, rows)


def artifacts(sources: Sources, on_bad_rows: str) -> duckdb.DuckDBPyRelation:
    """Return the versions of all artifacts that there are, with the aliases that they have now."""
    rows, findings = [], list(sources.findings)
    for run, each in artifacts_of(sources.runs, findings):
        found = (each.name, each.version, list(each.aliases), each.type, each.nbytes, each.path, each.digest)
        rows.append((*found, json.dumps(dict(each.metadata)), json.dumps(dict(each.metrics)), each.created, run.name))
    report(findings, on_bad_rows, hint="")
    return _relation(sources.connection, _ARTIFACT_COLUMNS, rows)


def artifacts_of(runs: Iterable[StoredRun], findings: list[Finding]) -> Iterator[tuple[StoredRun, Artifact]]:
    """Yield the versions of all artifacts of some runs; what is damaged is added to the findings."""
    for run in runs:
        for name in stored_artifacts.names(run.path):
            try:
                versions = stored_artifacts.versions(run.path, name)
            except (LogFormatError, OSError) as error:
                problem, path = getattr(error, "problem", str(error)), getattr(error, "path", run.path)
                findings.append(Finding("artifact", problem, os.fspath(path)))
                continue
            yield from ((run, each) for each in versions)


def _relation(
    connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str], rows: list[tuple[Any, ...]]
) -> duckdb.DuckDBPyRelation:
    """Return a relation of these rows, in their order."""
    table = create_table(connection, "table", f"({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
    if rows:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
    return connection.sql(f"SELECT * FROM {table}")


def flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the names of parameters, with those of their groups and slashes, and their values as JSON."""
    for name, value in params.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", json.dumps(value)
