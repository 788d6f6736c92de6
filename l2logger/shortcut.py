"""A faster way through the canonical chain into the canonical sink.

Most records differ from an earlier one in nothing but ``exp_num``, the metrics and the time. The long way, through
every processor and `L2Sink`, is taken by the first record of its kind, and by all that are unusual in any way. What it
found out that cannot change while the rest stays equal (the words are valid, this is their text, that is the file) is
remembered here, so that the next such record needs only its numbers.

The short way never refuses a record and never warns: whenever something is new, it steps aside and the long way
decides. ``tests/test_shortcut.py`` holds the two equal, byte for byte and error for error.
"""

import json
import marshal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final

from l2logger import cells
from l2logger.append_file import AppendFile
from l2logger.extras import Writer, number_dumper, writer_for
from l2logger.processors import OrderChecker, Processor, TimeStamper, canonical
from l2logger.processors.order import Position, Span, regime
from l2logger.processors.task_params import encode
from l2logger.run import Run
from l2logger.schema import COMPLETE
from l2logger.signals import BASE_NBYTES, RECORD, Signal
from l2logger.sinks.l2 import L2Sink

_MAX_REMEMBERED: Final = 1024
_MAX_CHARS: Final = 2**17  # Larger records are rare, and have limits that the long way knows.

# The last format of marshal in which equal values have equal bytes, however they are shared. They tell apart what `==` does
# not: 1, 1.0 and True, 0.0 and -0.0, the order of keys, at any depth.
_NO_REFERENCES: Final = 2


class _Context:
    """What stays the same from record to record: block, worker, task, status and, mostly, parameters."""

    __slots__ = (
        "after_params", "before_exp_num", "before_params", "block_num", "block_type", "complete", "event", "file", "middle",
        "params", "regime", "span", "task_params", "worker_id",
    )  # fmt: skip

    file: AppendFile

    def __init__(self, event: Mapping[str, Any], standard: tuple[str, ...], span: Span) -> None:
        self.event = event
        self.block_num: int = event["block_num"]
        self.block_type: str = event["block_type"]
        self.worker_id: str = event["worker_id"]
        self.complete = event["exp_status"] == COMPLETE
        self.regime = regime(event)
        self.span = span
        params = standard.index("task_params")
        self.before_exp_num = f"{self.block_num}\t"
        self.before_params = _cells(event, standard[2:params])
        self.after_params = _cells(event, standard[params + 1 : -1])
        self.set_params(event["task_params"])

    def set_params(self, text: str) -> None:
        """Take `text` for the parameters, not knowing which object it stands for."""
        self.task_params = text
        self.middle = f"\t{self.before_params}\t{cells.quote(text)}\t{self.after_params}\t"
        self.params: bytes | None = None

    def remember_params(self, known: bytes) -> None:
        """Know parameters with these bytes again as what the present text stands for, if they are plain."""
        self.params = b""
        with suppress(TypeError):  # Arrays and numpy's numbers come back as bytes, without their type.
            if json.dumps(marshal.loads(known)) == self.task_params:
                self.params = known


def _cells(event: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return "\t".join(cells.quote(cells.text(event[name])) for name in names)


class _Shape:
    """Records with the same set of keys."""

    def __init__(self, given: Mapping[str, Any], standard: tuple[str, ...], columns: tuple[str, ...]) -> None:
        fixed = [name for name in standard if name in given and name not in ("exp_num", "task_params")]
        self.names = frozenset(given)
        self.extras = columns[len(standard) :]
        # One call takes all values out of the record, so that another thread cannot change it in between.
        self.values_of: Callable[[Any], tuple[Any, ...]] = itemgetter(*(*fixed, "task_params", "exp_num", *self.extras))
        self.fixed = len(fixed)
        self.contexts: dict[tuple[Any, ...], _Context] = {}
        self.writers: dict[tuple[type, ...], Writer] = {}


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
        self._dumper = number_dumper()

    @classmethod
    def for_chain(cls, run: Run, processors: Sequence[Processor], store: L2Sink) -> "Shortcut | None":
        """Return a shortcut through these processors, or None if they are not the canonical ones for records and nothing else."""
        usual = [each for each in canonical() if RECORD in getattr(each, "kinds", (RECORD,))]
        same = [
            a is b or type(a) is type(b) in (TimeStamper, OrderChecker) for a, b in zip(processors, usual, strict=False)
        ]
        if len(processors) != len(usual) or not all(same):
            return None
        stamper = next(processor for processor in processors if isinstance(processor, TimeStamper))
        order = next(processor for processor in processors if isinstance(processor, OrderChecker))
        return cls(run, stamper, order, store)

    def write(self, record: dict[str, Any], wanted: bool = False) -> Signal | bool:
        """Write a record if there was one like it.

        Args:
            record: As the caller gave it; it is read in one instant and not kept.
            wanted: Whether the signal is wanted, for mirrors.

        Returns:
            The signal, or True if it was not wanted; False if the record was not written.

        Raises:
            LogWriteError: As the canonical sink; nothing was stored.
            LogLockedError: As the canonical sink; nothing was stored.
        """
        shape = self._shapes.get(len(record))
        if shape is None:
            return False
        try:
            values = shape.values_of(record)
            fixed = shape.fixed
            context = shape.contexts.get(values[:fixed])
            exp_num = values[fixed + 1]
            # 1, 1.0 and True are equal, and only 1 is a count.
            if context is None or type(values[0]) is not int or type(exp_num) is not int:
                return False
            params = values[fixed]
            text = context.task_params
            known = marshal.dumps(params, _NO_REFERENCES)
            if known != context.params:
                text = encode(params, strict=self._run.strict)
                if text == context.task_params:
                    text = context.task_params
                    if context.params is None:
                        context.remember_params(known)
            extras = values[fixed + 2 :]
            rest = shape.writers[tuple(map(type, extras))](extras)
            if len(text) + len(rest) > _MAX_CHARS:
                return False
        except Exception:
            return False  # Something is unusual; the long way knows the words for it.
        position = self._order.positions[context.worker_id]
        span = context.span
        if (
            exp_num < position.exp_num
            or (exp_num == position.exp_num and position.complete)
            or not span.floor <= exp_num <= span.ceiling
        ):
            return False
        if position.regime is not context.regime or text is not context.task_params:
            if not self._may_follow(context, text, position):
                return False
            if text is not context.task_params:
                context.set_params(text)

        timestamp = self._stamper.text()
        file = context.file
        if file.checked_at != self._stamper.second_text:
            file = context.file = self._store.file(context.worker_id, context.block_num, context.block_type, timestamp)
        file.append(f"{context.before_exp_num}{exp_num}{context.middle}{timestamp}".encode() + rest)
        file.used_at = timestamp

        position.block_num = context.block_num
        position.exp_num = exp_num
        position.regime = context.regime
        position.task_params = text
        position.complete = context.complete
        if exp_num > span.high:
            if span is self._order.newest:
                span.high = exp_num
            else:
                self._order.extend(span, exp_num)
        if wanted:
            changed = dict(
                zip(shape.extras, extras, strict=True), exp_num=exp_num, timestamp=timestamp, task_params=text
            )
            return Signal(RECORD, MappingProxyType({**context.event, **changed}), BASE_NBYTES + len(text) + len(rest))
        return True

    def _may_follow(self, context: _Context, task_params: str, position: Position) -> bool:
        """Return whether a record of `context` may come after `position` without a word, its `exp_num` apart."""
        if position.regime == context.regime:
            return position.task_params == task_params or "task_params" in self._run.doubted
        return context.block_num >= position.block_num

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
            shape = self._shapes[len(given)] = _Shape(given, standard, columns)
        values = shape.values_of(given)
        key, extras = values[: shape.fixed], values[shape.fixed + 2 :]
        if type(key[0]) is not int or any(type(word) is not str for word in key[1:]):
            return
        if sum(map(len, key[1:])) + len(event["task_params"]) > _MAX_CHARS:
            return
        types = tuple(map(type, extras))
        if types not in shape.writers:
            writer = writer_for(extras, self._dumper, strict=self._run.strict)
            if writer is None:
                return
            _remember(shape.writers, types, writer)
        event = {**event, **dict.fromkeys(shape.extras)}  # What changes is not kept.
        context = _Context(event, standard, self._order.span(event["block_num"], event["block_type"]))
        context.file = self._store.file(context.worker_id, context.block_num, context.block_type, event["timestamp"])
        _remember(shape.contexts, key, context)


def _remember(memory: dict[Any, Any], key: Any, value: Any) -> None:
    if len(memory) >= _MAX_REMEMBERED:
        memory.clear()
    memory[key] = value
