"""What signals are plotted against."""

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from l2logger import checks, paths
from l2logger.run import Run
from l2logger.schema import MAX_COUNT
from l2logger.signal_layout import head_pattern
from l2logger.signals import KINDS, RECORD

_TEXT: Final = r'"(?:[^"\\]|\\.)*"'
_head: Final = re.compile(
    (
        head_pattern(r'"(\w+)"', '([^"]*)', _TEXT, f"(null|{_TEXT})", r"(null|-?\d+)")
        + rf'(?:, "clocks": ?(\{{(?:{_TEXT}: ?-?\d+(?:, ?)?)*\}}))?'
    ).encode()
).match
_BELOW_ALL: Final = -MAX_COUNT - 2
_BOUND: Final = "exp_num"
"""A clock that is there when it is bound to the handle, and otherwise not."""


class Clocks:
    """Give each signal its step, and the present values of all clocks that were moved.

    A step that was not given is the present value of its clock, if `move` has ever moved that. Otherwise it is, of metrics, one
    more than the highest that this worker has logged on that clock, beginning with 0, and of all else that highest one.
    In a run that is gone on with, all clocks are where they were.
    """

    kinds = KINDS - {RECORD}

    def __init__(self) -> None:
        self._moved: dict[str, int] = {}
        self._highest: dict[tuple[str, str], int] = {}
        self._is_restored = False

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        """Complete ``clock``, ``step`` and ``clocks`` of the event.

        Raises:
            SignalError: A clock has no proper name, or a step is no whole number.
        """
        clock, step = event["clock"], event["step"]
        if clock is not None and (not isinstance(clock, str) or (event["worker_id"], clock) not in self._highest):
            paths.checked_name("a clock", clock)
        if type(step) is not int or abs(step) > MAX_COUNT:
            event["step"] = checks.step(step, clock) if step is not None else self._next(logger, event, clock)
        if self._moved:
            event["clocks"] = {**self._moved, **event.get("clocks", {})}
        return event

    def commit(self, event: Mapping[str, Any]) -> None:
        """Count the step of metrics that were stored."""
        step = event.get("step")
        if step is not None and "values" in event:
            key = event["worker_id"], event["clock"]
            if step > self._highest.get(key, _BELOW_ALL):
                self._highest[key] = step

    def move(self, logger: Run, clock: str, n: Any, to: Any) -> int:
        """Move a clock on by `n`, or to a value, and return where it is.

        Raises:
            SignalError: That is no clock, or no whole number.
        """
        paths.checked_name("a clock", clock)
        self._restore(logger)
        moved = self._moved.get(clock, 0) + checks.step(n, clock) if to is None else to
        self._moved[clock] = checks.step(moved, clock)
        return self._moved[clock]

    def _next(self, logger: Run, event: Mapping[str, Any], clock: str | None) -> int | None:
        if clock is None:
            return None
        self._restore(logger)
        if clock in self._moved:
            return self._moved[clock]
        highest = self._highest.get((event["worker_id"], clock))
        if "values" not in event:
            return highest
        return 0 if highest is None else highest + 1

    def _restore(self, logger: Run) -> None:
        """Learn what earlier processes of the run have logged. What was moved here is newer."""
        if self._is_restored:
            return
        self._is_restored = True
        moved: dict[str, tuple[bytes, int]] = {}
        directory = os.path.join(logger.root, paths.SIGNALS)
        with suppress(OSError):
            for name in os.listdir(directory):
                worker_id, extension = os.path.splitext(name)
                if extension == ".jsonl":
                    self._read(os.path.join(directory, name), worker_id, moved)
        self._moved = {clock: step for clock, (_, step) in moved.items()} | self._moved

    def _read(self, path: str, worker_id: str, moved: dict[str, tuple[bytes, int]]) -> None:
        """Take the highest steps from a file, and the latest value of each clock that was moved, with its time."""
        with suppress(OSError), open(path, "rb") as file:
            for line in file:
                # Not json.loads of each line: there may be millions.
                if not (found := _head(line)):
                    continue
                kind, time, clock, step, clocks = found.groups()
                if kind == b"metrics" and step != b"null":
                    key = worker_id, json.loads(clock)
                    self._highest[key] = max(self._highest.get(key, _BELOW_ALL), int(step))
                for name, value in json.loads(clocks or b"{}").items():
                    if name != _BOUND and time >= moved.get(name, (b"",))[0]:
                        moved[name] = time, value
