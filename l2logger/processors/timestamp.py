"""The time of a record."""

import time
from collections.abc import Callable
from typing import Any, Final

from l2logger.errors import RecordError
from l2logger.run import Run

# Half the time of a format with leading zeros.
_THREE_DIGITS: Final = [f"{number:03}" for number in range(1000)]


class TimeStamper:
    """Add the column ``timestamp``: local time as ``%Y%m%dT%H%M%S.%f``, 22 characters.

    Args:
        clock: Returns seconds since 1970; `time.time` if it is None.

    Attributes:
        second_text: The last time without its fraction.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self.second_text = ""
        self._clock = clock
        self._second = -1

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
        seconds = (self._clock or time.time)()
        second = int(seconds)
        if second != self._second:
            # The local time is worked out once a second; in between only the fraction changes.
            self.second_text = time.strftime("%Y%m%dT%H%M%S", time.localtime(second))
            self._second = second
        micros = int((seconds - second) * 1e6)
        return f"{self.second_text}.{_THREE_DIGITS[micros // 1000]}{_THREE_DIGITS[micros % 1000]}"
