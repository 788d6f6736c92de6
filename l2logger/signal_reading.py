"""Reading what was logged beside the records; the functions are public in `l2logger.read`."""

import errno
import json
import os
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import duckdb

from l2logger import signal_relations
from l2logger.artifacts.stored import check_inside
from l2logger.signal_log import SignalLog, open_signals
from l2logger.signals import ARRAY, ARTIFACT, MEDIA, TEXT
from l2logger.sources import open_sources, single_run
from l2logger.sql import literal

if TYPE_CHECKING:
    import numpy

OnBadRows = Literal["warn", "skip", "raise"]
Path = str | os.PathLike[str]


def metrics(
    *runs: Path, connection: duckdb.DuckDBPyConnection | None = None, on_bad_rows: OnBadRows = "warn"
) -> duckdb.DuckDBPyRelation:
    """Return what `log_metrics` has logged, a row for each value, sorted by run, worker, clock and step.

    Columns: ``name``, ``step``, ``value`` (a double), ``clock``, ``timestamp``, ``worker_id``, ``clocks`` (what other clocks
    showed, as JSON), ``context`` (what was bound, as JSON) and ``run``. If a name was logged several times at one step, the last
    value is there; values without a step all are.

    The arguments and errors are those of `records`.
    """
    return signal_relations.metrics(open_signals(*runs, connection=connection, on_bad_rows=on_bad_rows))


def signals(
    *runs: Path, connection: duckdb.DuckDBPyConnection | None = None, on_bad_rows: OnBadRows = "warn"
) -> duckdb.DuckDBPyRelation:
    """Return everything that was logged beside the records, a row for each call, by time.

    Columns: ``kind``, ``name`` (of a description: the metric), ``step``, ``fields`` (JSON of what its kind has besides, see
    `l2logger.signals`), ``clock``, ``timestamp``, ``worker_id``, ``clocks``, ``context``, ``run``.

    The arguments and errors are those of `records`.
    """
    return signal_relations.signals(open_signals(*runs, connection=connection, on_bad_rows=on_bad_rows))


def media(
    *runs: Path, connection: duckdb.DuckDBPyConnection | None = None, on_bad_rows: OnBadRows = "warn"
) -> duckdb.DuckDBPyRelation:
    """Return images, videos, figures and arrays, a row for each file, by kind, name and step.

    Columns: ``kind``, ``name``, ``step``, ``path`` (absolute), ``width``, ``height``, ``channels``, ``frames``, ``fps``, ``shape``
    and ``dtype`` of an array, ``caption``, ``clock``, ``timestamp``, ``worker_id``, ``run``.

    The arguments and errors are those of `records`.
    """
    return signal_relations.media(_without_metrics(*runs, connection=connection, on_bad_rows=on_bad_rows))


def artifacts(
    *runs: Path, connection: duckdb.DuckDBPyConnection | None = None, on_bad_rows: OnBadRows = "warn"
) -> duckdb.DuckDBPyRelation:
    """Return the versions of all artifacts that the runs have now, a row for each; `l2logger.artifacts` opens them.

    Columns: ``name``, ``version``, ``aliases``, ``type``, ``nbytes``, ``path`` (absolute), ``digest``, ``metadata`` and
    ``metrics`` (JSON), ``created``, ``run``.

    The arguments and errors are those of `records`.
    """
    return signal_relations.artifacts(open_sources(runs, connection, on_bad_rows), on_bad_rows)


def descriptions(
    *runs: Path, connection: duckdb.DuckDBPyConnection | None = None, on_bad_rows: OnBadRows = "warn"
) -> duckdb.DuckDBPyRelation:
    """Return what `describe` has said of metrics: ``run``, ``metric``, ``unit`` and ``better`` (``"min"`` or ``"max"``).

    The arguments and errors are those of `records`.
    """
    return signal_relations.descriptions(_without_metrics(*runs, connection=connection, on_bad_rows=on_bad_rows))


def params(run: Path, *, on_bad_rows: OnBadRows = "warn") -> dict[str, Any]:
    """Return the parameters of a run: all that were logged, later ones merged into those before.

    For many runs, `connect` has a table of them.

    Raises:
        DirectoryError: There is no run at this path, or more than one.
    """
    [found] = signal_relations.merged_params(_of_one_run(run, on_bad_rows)).values()
    return found


def logged(run: Path, kind: str, name: str, step: int | None = None) -> dict[str, Any]:
    """Return what was logged under a name: the fields of the signal, with an absolute ``path`` if it has a file.

    Args:
        run: The run.
        kind: Such as ``"histogram"``, ``"table"`` or ``"image"``.
        name: What it was called.
        step: At which step; None for the last of all. Of several, the last is returned.

    Raises:
        FileNotFoundError: There is no such thing; the message lists what there is.
        DirectoryError: There is no run at this path, or more than one.
        LogFormatError: A link leads out of the run.
    """
    log = _of_one_run(run, "warn")
    rows = f"SELECT * FROM ({log.rows()}) WHERE kind = {literal(kind)}"
    last = "ORDER BY timestamp DESC, row DESC LIMIT 1"
    at = "" if step is None else f" AND step = {int(step)}"
    found = log.fetch(f"SELECT directory, body FROM ({rows}) WHERE name = $name{at} {last}", {"name": name})
    if not found:
        names = [each for (each,) in log.fetch(f"SELECT DISTINCT name FROM ({rows}) ORDER BY name") if each is not None]
        what = f"{kind} {name!r}" + (f" at step {step}" if step is not None else "")
        problem = f"the run has no {what}; of this kind there are: {', '.join(names) or 'none'}"
        raise FileNotFoundError(errno.ENOENT, problem, log.runs[0].path)
    [(directory, body)] = found
    fields: dict[str, Any] = json.loads(body)
    if kind in MEDIA or kind == ARTIFACT:
        fields["path"] = os.path.join(directory, *fields["path"].split("/"))
        check_inside(directory, fields["path"])
    return fields


def text(run: Path, name: str, step: int | None = None) -> str:
    """Return a text as it was logged; arguments and errors are those of `logged`."""
    found: str = logged(run, TEXT, name, step)["text"]
    return found


def array(run: Path, name: str, step: int | None = None) -> "numpy.ndarray[Any, Any]":
    """Return an array of numpy as it was logged; arguments and errors are those of `logged`."""
    import numpy

    found: numpy.ndarray[Any, Any] = numpy.load(logged(run, ARRAY, name, step)["path"], allow_pickle=False)
    return found


def _of_one_run(run: Path, on_bad_rows: str) -> SignalLog:
    single_run(run)
    return _without_metrics(run, on_bad_rows=on_bad_rows)


_without_metrics: Final = partial(open_signals, with_metrics=False)
