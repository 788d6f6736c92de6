"""What can be said of a record against the ones before it. The only memory of the chain."""

from collections.abc import Iterable, Mapping
from typing import Any

from l2logger.errors import RecordError
from l2logger.processors import doubts
from l2logger.processors.counts import as_count
from l2logger.run import Run
from l2logger.schema import COMPLETE, MAX_COUNT
from l2logger.signals import RECORD

_MAX_SPANS = 64


class Position:
    """The last record of one worker.

    Attributes:
        block_num, exp_num: Its numbers.
        regime: Its ``(block_num, block_type, block_subtype, task_name)``.
        task_params: As JSON text.
        complete: It ended an experience.
    """

    __slots__ = ("block_num", "complete", "exp_num", "regime", "task_params")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.block_num: int = event["block_num"]
        self.exp_num: int = event["exp_num"]
        self.regime = regime(event)
        self.task_params: str = event["task_params"]
        self.complete: bool = event["exp_status"] == COMPLETE


def regime(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what stays the same within a regime."""
    return event["block_num"], event["block_type"], event.get("block_subtype"), event["task_name"]


class Span:
    """The experiences of one block, over all workers.

    Readers sort the whole log by ``exp_num`` and want ``block_num`` never to fall. So the experiences of a block must
    lie between those of the blocks before and those of the blocks after it.

    Attributes:
        block_num, block_type: Of the block.
        low, high: Lowest and highest ``exp_num`` in it.
        floor: Highest ``exp_num`` in lower blocks.
        ceiling: Lowest ``exp_num`` in higher blocks.
    """

    __slots__ = ("block_num", "block_type", "ceiling", "floor", "high", "low")

    def __init__(self, block_num: int, block_type: str, floor: int, ceiling: int) -> None:
        self.block_num = block_num
        self.block_type = block_type
        self.low = MAX_COUNT
        self.high = -1
        self.floor = floor
        self.ceiling = ceiling


class OrderChecker:
    """Refuse a record whose ``block_num`` or ``exp_num`` is no count, or lower than the last of the same worker.

    Order is kept for each worker by itself: workers that run side by side finish their experiences in any order.
    What the log can hold but readers will stumble over is a doubt: a warning, or an error in a strict run (`doubts`).

    Attributes:
        positions: The last record of each worker.
        newest: The highest block.
    """

    kinds = frozenset({RECORD})

    def __init__(self) -> None:
        self.positions: dict[str, Position] = {}
        self.newest: Span | None = None
        self._spans: dict[int, Span] = {}
        self._forgotten_block = -1
        self._forgotten_high = -1

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        """Check one record.

        Raises:
            RecordError: A number is not a count or has fallen.
        """
        last = self.positions.get(event["worker_id"])
        event["block_num"] = _count(event, "block_num", last.block_num if last else 0)
        event["exp_num"] = _count(event, "exp_num", last.exp_num if last else 0)
        if last is None:
            doubts.about_worker(logger, event["worker_id"], self.positions)
        doubts.about_record(logger, event, last, self.span(event["block_num"], event["block_type"]))
        return event

    def commit(self, event: Mapping[str, Any]) -> None:
        """Remember a record, now that it is stored."""
        self.positions[event["worker_id"]] = Position(event)
        self.extend(self.span(event["block_num"], event["block_type"]), event["exp_num"])

    def restore(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Remember records that are in the log already.

        Args:
            events: At least the last record of each worker, and the first and last of each block.
        """
        for event in sorted(events, key=lambda event: (event["block_num"], event["exp_num"])):
            self.commit(event)

    def span(self, block_num: int, block_type: str) -> Span:
        """Return the span of a block; a block never met before has one that nothing is in yet."""
        if span := self._spans.get(block_num):
            return span
        # In practice all workers are in the last few blocks, so the rest may be forgotten and memory stays flat.
        floor = self._forgotten_high if block_num > self._forgotten_block else -1
        ceiling = MAX_COUNT
        for other in self._spans.values():
            if other.block_num < block_num:
                floor = max(floor, other.high)
            else:
                ceiling = min(ceiling, other.low)
        return Span(block_num, block_type, floor, ceiling)

    def extend(self, span: Span, exp_num: int) -> None:
        """Put one more experience into a span."""
        if span.block_num <= self._forgotten_block:
            self._forgotten_high = max(self._forgotten_high, exp_num)
            for other in self._spans.values():
                other.floor = max(other.floor, exp_num)
            return
        self._spans.setdefault(span.block_num, span)
        if self.newest is None or span.block_num > self.newest.block_num:
            self.newest = span
        if exp_num > span.high:
            span.high = exp_num
            if span is not self.newest:
                for other in self._spans.values():
                    if other.block_num > span.block_num:
                        other.floor = max(other.floor, exp_num)
        if exp_num < span.low:
            span.low = exp_num
            for other in self._spans.values():
                if other.block_num < span.block_num:
                    other.ceiling = min(other.ceiling, exp_num)
        if len(self._spans) > _MAX_SPANS:
            oldest = self._spans.pop(min(self._spans))
            self._forgotten_block = oldest.block_num
            self._forgotten_high = max(self._forgotten_high, oldest.high)
            oldest.ceiling = -1  # whoever still holds it finds nothing fits, and asks for a new one


def _count(event: Mapping[str, Any], name: str, last: int) -> int:
    value = event[name]
    if type(value) is int and last <= value <= MAX_COUNT:
        return value
    count = as_count(name, value)
    if count < last:
        raise RecordError(
            f"{name} must never fall for a worker: {event['worker_id']!r} was at {last}, got {count}; "
            "go on counting across blocks"
        )
    return count
