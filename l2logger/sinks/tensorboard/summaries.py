"""What TensorBoard is told of each kind of signal that is no record."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from l2logger import manifest_file, signals
from l2logger.errors import LogFormatError
from l2logger.manifest_file import merged
from l2logger.signals import Signal
from l2logger.sinks.tensorboard import pictures
from l2logger.sinks.tensorboard.contents import Content, Described, Histogram, Text, Value
from l2logger.sinks.tensorboard.texts import clean, escape, grid, table, written

Fields = Mapping[str, Any]

_BETTER = {"min": "lower is better", "max": "higher is better"}


class Summaries:
    """Make values of signals, and remember what signals have said about the run.

    Args:
        scenario_dir: Of the run.
    """

    def __init__(self, scenario_dir: str) -> None:
        self._known: Mapping[str, Any] = {}
        self._scenario_dir = scenario_dir
        self._meanings: dict[str, dict[str, str]] = {}
        self._described: set[tuple[str, str]] = set()
        self._makers: dict[str, Callable[[Fields], Iterator[Value]]] = {
            signals.METRICS: self._metrics,
            signals.PARAMS: self._params,
            signals.HISTOGRAM: _histogram,
            signals.IMAGE: self._image,
            signals.FIGURE: self._figure,
            signals.VIDEO: self._video,
            signals.ARRAY: _array,
            signals.TEXT: _text,
            signals.TABLE: _table,
            signals.NOTE: _note,
            signals.DESCRIPTION: self._description,
            signals.ARTIFACT: _artifact,
        }

    def of(self, signal: Signal) -> list[Value]:
        """Return what is to be shown of a signal.

        Raises:
            FileNotFoundError: Its file is not there.
            ValueError: It cannot be shown.
        """
        maker = self._makers.get(signal.kind)
        if maker is None:
            raise ValueError(f"TensorBoardSink does not know signals of the kind {signal.kind!r}")
        return [(clean(tag), content) for tag, content in maker(signal.fields)]

    def parameters(self, scenario_info: Any) -> dict[str, Any]:
        """Return what runs are compared by: all parameters, and ``scenario_info``."""
        found = scenario_info if isinstance(scenario_info, Mapping) else {"value": scenario_info}
        found = found if scenario_info else {}
        with suppress(OSError, LogFormatError):  # In a replay, the manifest has those to come as well.
            found = merged(found, manifest_file.read(self._scenario_dir).get("params", {}))
        return dict(merged(found, self._known))

    def point(self, worker_id: str, tag: str, metric: str, value: float) -> Content:
        """Return a point of a curve, with the description of the metric if that is new to the curve."""
        if metric not in self._meanings or (worker_id, tag) in self._described:
            return value
        self._described.add((worker_id, tag))
        return Described(value, _in_words(self._meanings[metric]))

    def _metrics(self, fields: Fields) -> Iterator[Value]:
        for name, value in fields["values"].items():
            yield name, self.point(fields["worker_id"], name, name, _number(value))

    def _params(self, fields: Fields) -> Iterator[Value]:
        self._known = merged(self._known, fields["params"])
        yield "params", Text(table(self._known))

    def _image(self, fields: Fields) -> Iterator[Value]:
        yield fields["name"], pictures.image(self._scenario_dir, fields)
        yield from _caption(fields)

    def _figure(self, fields: Fields) -> Iterator[Value]:
        yield fields["name"], pictures.figure(self._scenario_dir, fields)
        yield from _caption(fields)

    def _video(self, fields: Fields) -> Iterator[Value]:
        yield fields["name"], pictures.video(self._scenario_dir, fields)
        yield from _caption(fields)

    def _description(self, fields: Fields) -> Iterator[Value]:
        metric = fields["metric"]
        said = {name: fields[name] for name in ("unit", "better") if fields[name]}
        self._meanings[metric] = {**self._meanings.get(metric, {}), **said}
        yield f"description/{metric}", Text(_in_words(self._meanings[metric]))


def _in_words(meaning: Mapping[str, str]) -> str:
    unit = meaning.get("unit")
    return ", ".join(filter(None, (unit and f"in {escape(unit)}", _BETTER.get(meaning.get("better", "")))))


def _number(value: Any) -> float:
    try:
        return float(value)  # of "NaN", too
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _histogram(fields: Fields) -> Iterator[Value]:
    num, mean, std = fields["count"], fields["mean"], fields["std"]
    squares = num * (std * std + mean * mean)
    yield fields["name"], Histogram(fields["counts"], fields["edges"], num, sum=num * mean, sum_squares=squares)


def _caption(fields: Fields) -> Iterator[Value]:
    if fields.get("caption"):
        yield f"{fields['name']}/caption", Text(written(fields["caption"]))


def _array(fields: Fields) -> Iterator[Value]:
    yield fields["name"], Text(table({name: fields[name] for name in ("name", "shape", "dtype", "path")}))


def _text(fields: Fields) -> Iterator[Value]:
    yield fields["name"], Text(written(fields["text"]))


def _table(fields: Fields) -> Iterator[Value]:
    yield fields["name"], Text(grid(fields["columns"], fields["rows"]))


def _note(fields: Fields) -> Iterator[Value]:
    yield "note", Text(written(fields["text"]))


def _artifact(fields: Fields) -> Iterator[Value]:
    shown = {name: fields[name] for name in ("name", "version", "aliases", "type", "path", "digest")}
    said = {name: fields[name] for name in ("metrics", "metadata") if fields.get(name)}
    size = {"files": len(fields["files"]), "size": f"{fields['nbytes']:,} bytes"}
    yield f"artifact/{fields['name']}", Text(table({**shown, **said, **size}))
