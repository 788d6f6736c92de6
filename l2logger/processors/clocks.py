"""What signals are plotted against."""

import json
import operator
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from l2logger import paths
from l2logger.errors import SignalError
from l2logger.run import Run
from l2logger.schema import MAX_COUNT
from l2logger.signals import KINDS, RECORD

_head: Final = re.compile(
    rb'\{"kind": "(\w+)", "timestamp": "[^"]*", "worker_id": "[^"]*", "clock": (null|"(?:[^"\\]|\\.)*"), "step": (null|-?\d+)'
).match
_clocks: Final = re.compile(rb', "clocks": (\{[^{}]*\})').search


class Clocks:
    """Give each signal its step, and the present values of all clocks that were moved.

    A step that was not given is the present value of its clock, if `move` has ever moved that; of metrics it is one more
    than the highest that this worker has logged on that clock, beginning with 0. In a run that is gone on with, all clocks are where
    they were.
    """

    kinds = KINDS - {RECORD}

    def __init__(self) -> None:
        self._moved: dict[str, int] = {}
        self._highest: dict[tuple[str, str], int] = {}
        self._restored: set[str] = set()

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        """Complete ``clock``, ``step`` and ``clocks`` of the event.

        Raises:
            SignalError: A clock has no proper name, or a step is no whole number.
        """
        clock, step = event["clock"], event["step"]
        if clock is not None and (event["worker_id"], clock) not in self._highest:
            paths.checked_name("a clock", clock)
        if type(step) is not int or abs(step) > MAX_COUNT:
            event["step"] = _checked_step(clock, step) if step is not None else self._next(logger, event, clock)
        if self._moved:
            event["clocks"] = {**self._moved, **event.get("clocks", {})}
        return event

    def commit(self, event: Mapping[str, Any]) -> None:
        """Count the step of metrics that were stored."""
        step = event.get("step")
        if step is not None and "values" in event:
            key = event["worker_id"], event["clock"]
            if step > self._highest.get(key, -1):
                self._highest[key] = step

    def move(self, logger: Run, worker_id: str, clock: str, n: Any, to: Any) -> int:
        """Move a clock on by `n`, or to a value, and return where it is.

        Raises:
            SignalError: That is no clock, or no whole number.
        """
        paths.checked_name("a clock", clock)
        self._restore(logger, worker_id)
        self._moved[clock] = _checked_step(
            clock, self._moved.get(clock, 0) + _checked_step(clock, n) if to is None else to
        )
        return self._moved[clock]

    def _next(self, logger: Run, event: Mapping[str, Any], clock: str | None) -> int | None:
        worker_id = event["worker_id"]
        if clock is None:
            return None
        if worker_id not in self._restored:
            self._restore(logger, worker_id)
        if clock in self._moved:
            return self._moved[clock]
        return self._highest.get((worker_id, clock), -1) + 1 if "values" in event else None

    def _restore(self, logger: Run, worker_id: str) -> None:
        """Learn what an earlier process of the run has logged as this worker."""
        if worker_id in self._restored:
            return
        self._restored.add(worker_id)
        # Not json.loads of each line: there may be millions.
        with (
            suppress(OSError),
            open(os.path.join(logger.scenario_dir, paths.SIGNALS, f"{worker_id}.jsonl"), "rb") as file,
        ):
            for line in file:
                if not (found := _head(line)):
                    continue
                kind, clock, step = found.groups()
                if kind == b"metrics" and step != b"null":
                    key = worker_id, json.loads(clock)
                    self._highest[key] = max(self._highest.get(key, -1), int(step))
                if moved := _clocks(line):
                    self._moved = json.loads(moved[1]) | self._moved


def _checked_step(clock: str | None, step: Any) -> int:
    try:
        number = operator.index(step)
    except TypeError:
        number = None
    if number is None or isinstance(step, bool) or abs(number) > MAX_COUNT:
        raise SignalError(f"a step of the clock {clock!r} must be a whole number of up to 64 bits, got {step!r}")
    return number
