"""What TensorBoard is told of a record: its metrics as points of curves, and what it is about as texts."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from l2logger.checks import step as checked_step
from l2logger.sinks import numbers
from l2logger.sinks.tensorboard.contents import Text, Value
from l2logger.sinks.tensorboard.summaries import Summaries
from l2logger.sinks.tensorboard.texts import clean, escape, table

Tag = Callable[[Mapping[str, Any], str], str]
"""Takes the fields of a record and the name of a metric, and returns the name of its curve."""

Step = Callable[[Mapping[str, Any]], int]
"""Takes the fields of a record and returns its place on the horizontal axis."""


def exp_num(fields: Mapping[str, Any]) -> int:
    """Return the number of the experience that a record is of."""
    number: int = fields["exp_num"]
    return number


class Records:
    """Make values of records, and remember what was told of blocks and tasks.

    Args:
        tag: Names the curves.
        step: Places the values.
        summaries: Knows what metrics are about.
    """

    def __init__(self, tag: Tag, step: Step, summaries: Summaries) -> None:
        self._tag = tag
        self._step = step
        self._point = summaries.point
        self._told: dict[str, tuple[Any, set[str]]] = {}

    def of(self, fields: Mapping[str, Any]) -> tuple[int, list[Value]]:
        """Return the step of a record, and what is to be shown of it.

        Raises:
            ValueError: Its step is none that TensorBoard can show.
        """
        step = checked_step(self._step(fields))
        worker_id = fields["worker_id"]
        values: list[Value] = []
        for metric, value in numbers.metrics(fields).items():
            tag = clean(self._tag(fields, metric))
            values.append((tag, self._point(worker_id, tag, metric, value)))
        values += self._news(fields)
        return step, values

    def _news(self, fields: Mapping[str, Any]) -> Iterator[Value]:
        """Yield texts about the block and the task of a record, where the worker begins them."""
        block = fields["block_num"], fields["block_type"], fields.get("block_subtype", "")
        task = str(fields["task_name"])
        known, tasks = self._told.get(fields["worker_id"], (None, set()))
        if known == block and task in tasks:
            return
        if known != block:
            tasks = set()
            self._told[fields["worker_id"]] = block, tasks
            yield "block", Text("block {}: {} {}".format(*map(escape, block)).rstrip())
        tasks.add(task)
        parameters = fields["task_params"]
        with suppress(ValueError, TypeError, RecursionError):
            parameters = json.loads(parameters)
        yield "task", Text(f"{escape(task)}\n\n{table(parameters)}")
