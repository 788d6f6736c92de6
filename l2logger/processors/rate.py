"""How fast clocks go."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from l2logger import checks
from l2logger.run import Run
from l2logger.signals import METRICS

_SECS: Final = {"sec": 1.0, "min": 60.0, "hour": 3600.0}


class Rate:
    """Add to metrics how fast their clock goes, and each clock that was moved, such as ``step_per_sec``.

    It is taken over the time since it was added last. Late steps, which lie before others of the same worker, do not
    count. It goes to the end of the chain: ``[*canonical(), Rate()]``.

    Args:
        per: ``"sec"``, ``"min"`` or ``"hour"``.
        every_secs: How long to wait before it is added again; a longer time makes a smoother curve.
        clock: Returns seconds.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    kinds = frozenset({METRICS})

    def __init__(
        self, per: str = "sec", *, every_secs: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per = checks.one_of("per of Rate", per, _SECS)
        self._every_secs = checks.seconds("every_secs of Rate", every_secs)
        self._clock = clock
        self._now = 0.0
        self._began: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        self._now = self._clock()
        found = {}
        for clock, step in _steps(event):
            began = self._began.get((event["worker_id"], clock))
            if began is not None:
                secs = self._now - began[0]
                if secs > 0 and secs >= self._every_secs and step > began[1]:
                    found[self._name(clock)] = (step - began[1]) / secs * _SECS[self._per]
        if found:
            event["values"] = event["values"] | found
        return event

    def commit(self, event: Mapping[str, Any]) -> None:
        """Measure from here on, if the rate was stored or there was none before."""
        for clock, step in _steps(event):
            key = event["worker_id"], clock
            if key not in self._began or self._name(clock) in event["values"]:
                self._began[key] = self._now, step

    def _name(self, clock: str) -> str:
        return f"{clock}_per_{self._per}"


def _steps(event: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the name and the value of each clock of an event."""
    if event["clock"] is not None and event["step"] is not None:
        yield event["clock"], event["step"]
    for clock, step in event.get("clocks", {}).items():
        if clock != event["clock"]:
            yield clock, step
