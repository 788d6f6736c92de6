"""A faster way through the canonical chain into the canonical sink.

Most records differ from an earlier one in nothing but ``exp_num``, the metrics and the time. The long way, through
every processor and `L2Sink`, is taken by the first record of its kind, and by all that are unusual in any way. What it
found out that cannot change while the rest stays equal (the words are valid, this is their text, that is the file) is
remembered here, so that the next such record needs only its numbers.

The short way never refuses a record and never warns: whenever something is new, it steps aside and the long way
decides. ``tests/test_shortcut.py`` holds the two equal, byte for byte and error for error.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from l2logger import cells
from l2logger.append_file import AppendFile
from l2logger.processors import OrderChecker, Processor, TimeStamper, canonical
from l2logger.processors.order import Position, Span, regime
from l2logger.processors.task_params import encode
from l2logger.run import Run
from l2logger.schema import COMPLETE
from l2logger.sinks.l2 import L2Sink

_MAX_REMEMBERED: Final = 1024
_MAX_TEXT_CHARS: Final = 4096

# Types whose values are remembered by `==`, which tells all of them apart but for 0.0 and -0.0.
_EXACT: Final = (str, int, float, bool, type(None))
_NUMPY_NUMBERS: Final = "biuf"


class _Context:
    """What stays the same from record to record: block, worker, task, parameters, status."""

    __slots__ = (
        "after", "before", "block_num", "block_type", "complete", "file", "param_items", "param_types", "regime", "span", "task_params", "worker_id",
    )  # fmt: skip

    before: str
    after: str
    block_num: int
    block_type: str
    worker_id: str
    complete: bool
    regime: tuple[Any, ...]
    task_params: str
    param_items: list[tuple[str, Any]] | None
    param_types: list[type]
    span: Span
    file: AppendFile


class _Shape:
    """Records with the same set of keys."""

    def __init__(self, given: Mapping[str, Any], run: Run, columns: tuple[str, ...]) -> None:
        schema = run.schema
        fixed = [name for name in schema.columns if name in given and name not in ("exp_num", "task_params")]
        self.names = frozenset(given)
        self.context_of: Callable[[Any], Any] = itemgetter(*fixed)
        # block_num is among the numbers as well, because 1, 1.0 and True are equal and only 1 is right.
        self.numbers_of: Callable[[Any], Any] = itemgetter("block_num", "exp_num", *columns[len(schema.columns) :])
        self.contexts: dict[Any, _Context] = {}
        self.templates: dict[tuple[type, ...], tuple[str, tuple[int, ...]]] = {}


class Shortcut:
    """Write records like earlier ones without going through the chain.

    Args:
        run: The run.
        stamper: The time stamper of the chain.
        order: The order checker of the chain; its memory is kept up to date.
        store: The canonical sink.
    """

    def __init__(self, run: Run, stamper: TimeStamper, order: OrderChecker, store: L2Sink) -> None:
        self._run = run
        self._stamper = stamper
        self._order = order
        self._store = store
        self._shapes: dict[int, _Shape] = {}

    @classmethod
    def for_chain(cls, run: Run, processors: Sequence[Processor], store: L2Sink) -> "Shortcut | None":
        """Return a shortcut through these processors, or None if they are not the canonical ones and nothing else."""
        usual = canonical()
        same = [
            a is b or type(a) is type(b) in (TimeStamper, OrderChecker) for a, b in zip(processors, usual, strict=False)
        ]
        if len(processors) != len(usual) or not all(same):
            return None
        stamper = next(processor for processor in processors if isinstance(processor, TimeStamper))
        order = next(processor for processor in processors if isinstance(processor, OrderChecker))
        return cls(run, stamper, order, store)

    def write(self, record: dict[str, Any]) -> bool:
        """Write a record if there was one like it; return whether it was written.

        Raises:
            LogWriteError, LogLockedError: As the canonical sink; nothing was stored.
        """
        shape = self._shapes.get(len(record))
        if shape is None:
            return False
        try:
            context = shape.contexts.get(shape.context_of(record))
            if context is None:
                return False
            params = record["task_params"]
            known = type(params) is dict and list(map(type, params.values())) == context.param_types
            if not (known and list(params.items()) == context.param_items) and (
                encode(params, strict=self._run.strict) != context.task_params
            ):
                return False
            numbers = shape.numbers_of(record)
            template, texts = shape.templates[tuple(map(type, numbers))]
            if texts:
                numbers = _with_quotes(numbers, texts)
            extras = template % numbers[2:]
            extras_bytes = extras.encode()
        except Exception:
            return False  # Something is unusual; the long way knows the words for it.
        exp_num = numbers[1]
        position = self._order.positions[context.worker_id]
        span = context.span
        if position.regime is not context.regime and not _may_follow(context, position):
            return False
        if (
            exp_num < position.exp_num
            or (exp_num == position.exp_num and position.complete)
            or not span.floor <= exp_num <= span.ceiling
        ):
            return False

        timestamp = self._stamper.text()
        file = context.file
        if file.checked_at != timestamp[:-7]:
            file = context.file = self._store.file(context.worker_id, context.block_num, context.block_type, timestamp)
        self._store.append(file, f"{context.before}{exp_num}{context.after}{timestamp}".encode() + extras_bytes)
        file.used_at = timestamp

        position.block_num = context.block_num
        position.exp_num = exp_num
        position.regime = context.regime
        position.task_params = context.task_params
        position.complete = context.complete
        if exp_num > span.high:
            if span is self._order.newest:
                span.high = exp_num
            else:
                self._order.extend(span, exp_num)
        return True

    def learn(self, given: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        """Remember a record that has taken the long way.

        Args:
            given: The record as the caller gave it.
            event: The same as the processors returned it, and as it is stored now.
        """
        columns = self._store.columns
        standard = self._run.schema.columns
        if columns is None or columns[: len(standard)] != standard or type(given.get("task_params")) is not dict:
            return
        shape = self._shapes.get(len(given))
        if shape is None or shape.names != given.keys():
            shape = self._shapes[len(given)] = _Shape(given, self._run, columns)
        key = shape.context_of(given)
        if any(type(part) is not str for part in key[1:]) or not _learn_template(shape, given):
            return
        if len(shape.contexts) >= _MAX_REMEMBERED:
            shape.contexts.clear()
        shape.contexts[key] = self._context(given, event)

    def _context(self, given: Mapping[str, Any], event: Mapping[str, Any]) -> _Context:
        context = _Context()
        context.block_num = event["block_num"]
        context.block_type = event["block_type"]
        context.worker_id = event["worker_id"]
        context.complete = event["exp_status"] == COMPLETE
        context.regime = regime(event)
        context.task_params = event["task_params"]
        middle = self._run.schema.columns[2:-1]
        context.before = f"{context.block_num}\t"
        context.after = "\t" + "\t".join(cells.quote(cells.text(event[name])) for name in middle) + "\t"
        params = given["task_params"]
        exact = all(type(value) in _EXACT and not (type(value) is float and value == 0) for value in params.values())
        context.param_items = list(params.items()) if exact and all(type(name) is str for name in params) else None
        context.param_types = list(map(type, params.values()))
        context.span = self._order.span(context.block_num, context.block_type)
        context.file = self._store.file(context.worker_id, context.block_num, context.block_type, event["timestamp"])
        return context


def _may_follow(context: _Context, position: Position) -> bool:
    """Return whether a record of `context` may come after `position`, its `exp_num` apart."""
    if position.regime == context.regime:
        return position.task_params == context.task_params
    return context.block_num >= position.block_num


def _learn_template(shape: _Shape, given: Mapping[str, Any]) -> bool:
    """Remember how to write numbers of these types; return False if their text is not that simple."""
    numbers = shape.numbers_of(given)
    types = tuple(map(type, numbers))
    if types in shape.templates:
        return True
    if types[:2] != (int, int):
        return False
    texts = []
    template = ""
    for index, value in enumerate(numbers[2:], 2):
        if type(value) is str:
            texts.append(index)
        elif type(value) not in _EXACT and not _is_numpy_number(value):
            return False
        template += "\t%.0s" if value is None else "\t%s"
    if len(shape.templates) >= _MAX_REMEMBERED:
        shape.templates.clear()
    shape.templates[types] = (template + "\n", tuple(texts))
    return True


def _is_numpy_number(value: Any) -> bool:
    # Of the type, not of this value: an array without dimensions has the type of every other array.
    return (
        type(value).__module__ == "numpy" and type(value).__name__ != "ndarray" and value.dtype.kind in _NUMPY_NUMBERS
    )


def _with_quotes(numbers: tuple[Any, ...], texts: tuple[int, ...]) -> tuple[Any, ...]:
    quoted = list(numbers)
    for index in texts:
        if len(quoted[index]) > _MAX_TEXT_CHARS:
            raise ValueError
        quoted[index] = cells.quote(quoted[index])
    return tuple(quoted)
