"""How long things took."""

from collections.abc import Mapping
from typing import Any

from l2logger.run import Run
from l2logger.signals import METRICS


class Timings:
    """Add what was timed since the last metrics of a worker to its next ones, as ``time/<name>``: seconds, in total."""

    kinds = frozenset({METRICS})

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, float]] = {}

    def add(self, worker_id: str, name: str, secs: float) -> None:
        """Note that something took so long."""
        waiting = self._waiting.setdefault(worker_id, {})
        waiting[f"time/{name}"] = waiting.get(f"time/{name}", 0.0) + secs

    def workers(self) -> list[str]:
        """Return the workers for which something waits."""
        return list(self._waiting)

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        if waiting := self._waiting.get(event["worker_id"]):
            event["values"] = {**waiting, **event["values"]}
        return event

    def commit(self, event: Mapping[str, Any]) -> None:
        """Begin anew: what waited was stored."""
        if self._waiting:
            self._waiting.pop(event["worker_id"], None)
