"""How often something is shown."""

import math
import re
import time
from collections.abc import Callable
from typing import Any, Final

from l2logger.errors import ConfigError

_UNITS: Final = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_duration: Final = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(_UNITS)})").fullmatch

_SPARE: Final = 50.0
"""So many are shown out of turn at most in quick succession,"""

_SPARE_PER_SEC: Final = 10.0
"""and so many in the long run."""


def parse(every: Any) -> int | float:
    """Return a pace: a whole number of records, or seconds as a float.

    Raises:
        ConfigError: It is none.
    """
    found = _duration(every) if isinstance(every, str) else None
    pace = float(found[1]) * _UNITS[found[2]] if found else every
    if isinstance(pace, int | float) and not isinstance(pace, bool) and 0 < pace < math.inf:
        return pace
    raise ConfigError(
        "every must be a whole number of records, such as 10, or a time, such as 2.5 (seconds) "
        f'or "500ms", "2s", "1m", "1h", got {every!r}'
    )


class Pace:
    """Say whose turn it is to be shown: each n-th, or the first after some seconds. The first of all always is.

    Args:
        every: A whole number of records, or seconds as a float.
        pause_secs: So long it takes from one to the next at least, whatever their number.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, every: int | float, *, pause_secs: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        counts = isinstance(every, int)
        self._number = int(every) if counts else 1
        self._pause_secs = pause_secs if counts else every
        self._untimed = counts and not pause_secs
        self._clock = clock
        self._left = 1
        self._next_at = -math.inf
        self._spare = _SPARE
        self._spare_at = -math.inf

    def due(self) -> bool:
        """Return whether it is the turn of this one."""
        self._left -= 1
        if self._left > 0:
            return False
        if not self._untimed:
            now = self._clock()
            if now < self._next_at:
                return False
            self._next_at = now + self._pause_secs
        self._left = self._number
        return True

    def spare(self) -> bool:
        """Return whether one may be shown out of turn, as the last of something. A flood of such is thinned out."""
        if self._untimed:
            return True
        now = self._clock()
        self._spare = min(_SPARE, self._spare + (now - self._spare_at) * _SPARE_PER_SEC)
        self._spare_at = now
        if self._spare < 1:
            return False
        self._spare -= 1
        return True
