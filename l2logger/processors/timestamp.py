"""The time of a record."""

import time
from collections.abc import Callable
from typing import Any

from l2logger.errors import RecordError
from l2logger.run import Run


def now() -> float:
    """Return the seconds since 1970, asking `time.time` anew so that a test may replace it."""
    return time.time()


class TimeStamper:
    """Add the column ``timestamp``: local time as ``%Y%m%dT%H%M%S.%f``, 22 characters.

    Args:
        clock: Returns seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = now) -> None:
        self._clock = clock
        self._second = -1
        self._second_text = ""

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        """Stamp the event, which must not bring a timestamp of its own."""
        if "timestamp" in event:
            raise RecordError(
                f"timestamp is filled in by the logger, got {event['timestamp']!r}; leave it out, or log it under another name"
            )
        event["timestamp"] = self.text()
        return event

    def text(self) -> str:
        """Return the present time as text."""
        seconds = self._clock()
        second = int(seconds)
        if second != self._second:
            # The local time is worked out once a second; in between only the fraction changes.
            self._second_text = time.strftime("%Y%m%dT%H%M%S", time.localtime(second))
            self._second = second
        return f"{self._second_text}.{int((seconds - second) * 1e6):06}"
