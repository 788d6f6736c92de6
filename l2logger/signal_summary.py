"""What was logged in runs beside the records, in numbers, and how the runs are doing."""

import itertools
import operator
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import duckdb

from l2logger import signal_relations
from l2logger.findings import Finding
from l2logger.moments import Moments, course, moments, moments_sql, stretch_sql, together
from l2logger.runs import StoredRun, manifest_of
from l2logger.signal_log import SignalLog
from l2logger.signals import METRICS
from l2logger.sql import literal

_TOLD: Final = ("status", "tags", "git", "started", "ended", "host")
"""What of a manifest goes into a summary."""


class LoggedMetric(NamedTuple):
    """The values of one metric that was logged beside the records.

    Attributes:
        name: What it is called.
        values: How many of them are finite numbers; only these are looked at, but for the last.
        last: The one that was logged last, NaN and the infinities among them.
        mean: Their mean.
        min: The least of them.
        max: The greatest of them.
        course: Means over up to `l2logger.moments.BINS` equal stretches of the steps of its clock, None where there is no value.
    """

    name: str
    values: int
    last: float
    mean: float | None
    min: float | None
    max: float | None
    course: tuple[float | None, ...]


class Description(NamedTuple):
    """What was said of a metric: its unit, and whether ``"min"`` or ``"max"`` is better; None where nothing was said."""

    unit: str | None
    better: str | None


class SignalSummary(NamedTuple):
    """What was logged beside the records.

    Attributes:
        manifests: By run, what ``run.json`` says: ``status``, ``tags``, ``git``, ``started``, ``ended``, ``host``.
        params: By run, its parameters.
        kinds: How many signals there are of each kind.
        workers: Names of the workers who logged them, sorted.
        started: First timestamp, None if there is no signal.
        ended: Last timestamp.
        metrics: By name.
        descriptions: What was said of metrics, those in records among them.
        artifacts: How many versions there are of each artifact.
    """

    manifests: dict[str, dict[str, Any]]
    params: dict[str, dict[str, Any]]
    kinds: dict[str, int]
    workers: tuple[str, ...]
    started: str | None
    ended: str | None
    metrics: tuple[LoggedMetric, ...]
    descriptions: dict[str, Description]
    artifacts: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as dicts and lists, for JSON."""
        return self._asdict() | {
            "metrics": [each._asdict() for each in self.metrics],
            "descriptions": {name: each._asdict() for name, each in self.descriptions.items()},
        }


def summarise_signals(
    runs: Sequence[StoredRun], connection: duckdb.DuckDBPyConnection, on_bad_rows: str
) -> SignalSummary | None:
    """Return what was logged beside the records, None if that is nothing; the arguments are those of `SignalLog`."""
    findings: list[Finding] = []
    manifests = {run.name: manifest for run in runs if (manifest := manifest_of(run, findings))}
    stored = Counter(artifact.name for _, artifact in signal_relations.artifacts_of(runs, findings))
    if not (manifests or stored or findings or any(run.signal_files() for run in runs)):
        return None
    log = SignalLog(runs, connection, on_bad_rows, findings)
    columns = "kind, clock, count(*), min(step), max(step), min(timestamp), max(timestamp)"
    parts = [_Part(*row) for row in log.fetch(f"SELECT {columns} FROM ({log.rows()}) GROUP BY ALL ORDER BY ALL")]
    kinds: Counter[str] = Counter()
    for part in parts:
        kinds[part.kind] += part.signals
    workers = log.fetch(f"SELECT DISTINCT worker_id FROM ({log.rows()}) ORDER BY 1")
    descriptions = signal_relations.descriptions(log).fetchall()
    return SignalSummary(
        manifests={run: {name: told.get(name) for name in _TOLD} for run, told in manifests.items()},
        params={run: params for run, params in signal_relations.merged_params(log).items() if params},
        kinds=dict(kinds),
        workers=tuple(worker for (worker,) in workers),
        started=min((part.started for part in parts), default=None),
        ended=max((part.ended for part in parts), default=None),
        metrics=tuple(_metrics(log, [part for part in parts if part.kind == METRICS])),
        descriptions={metric: Description(unit, better) for _, metric, unit, better in descriptions},
        artifacts=dict(stored),
    )


class _Part(NamedTuple):
    """The signals of one kind and clock."""

    kind: str
    clock: str | None
    signals: int
    first: int | None
    last: int | None
    started: str
    ended: str


def _metrics(log: SignalLog, parts: Sequence[_Part]) -> Iterator[LoggedMetric]:
    """Yield the figures of all metrics, by name.

    Args:
        log: The signals.
        parts: The metrics of each clock.
    """
    cases = "".join(
        f" WHEN clock IS NOT DISTINCT FROM {'NULL' if clock is None else literal(clock)} "
        f"THEN {stretch_sql('step', first, last)}"
        for _, clock, _, first, last, *_ in parts
        if first is not None and last is not None
    )
    stretch = f"CASE{cases} END" if cases else "NULL::INTEGER"
    time = "{'timestamp': timestamp, 'row': row, 'place': place}"
    figures = f"max({time}), arg_max(value, {time}), {moments_sql('value')}"
    rows = log.fetch(
        f"SELECT name, {stretch} AS stretch, {figures} FROM ({signal_relations.values_of_metrics(log)}) "
        "GROUP BY name, stretch ORDER BY name, stretch"
        if parts
        else "SELECT 1 WHERE false"
    )
    for name, of_name in itertools.groupby(rows, key=operator.itemgetter(0)):
        found = list(of_name)
        latest = max(found, key=lambda row: tuple(row[2].values()))
        stretches: defaultdict[int, list[Moments]] = defaultdict(list)
        for _, place, _, _, *figures_of_part in found:
            stretches[-1 if place is None else place].append(moments(*figures_of_part))
        all_of_them = together(itertools.chain.from_iterable(stretches.values()))
        points = course(stretches.get(place, []) for place in range(1 + max(stretches)))
        values, mean, _, least, greatest = all_of_them
        if values:
            yield LoggedMetric(name, values, latest[3], mean, least, greatest, points)
        else:
            yield LoggedMetric(name, 0, latest[3], None, None, None, points)
