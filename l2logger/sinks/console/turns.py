"""How often each of several things is shown."""

import time
from collections.abc import Callable, Hashable
from typing import Final

from l2logger.sinks.pace import Pace

_MAX_KEYS: Final = 1000


class Turns:
    """Say whose turn it is to be shown, where each kind of thing has turns of its own.

    Args:
        every: See `l2logger.sinks.pace.Pace`.
        clock: Returns the time in seconds.
    """

    def __init__(self, every: int | float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._paces: dict[Hashable, Pace] = {}
        self._of_all = Pace(every, clock=clock)

    def due(self, key: Hashable) -> bool:
        """Return whether it is the turn of this one, among those with its key."""
        pace = self._paces.get(key)
        if pace is None:
            if len(self._paces) == _MAX_KEYS:
                del self._paces[next(iter(self._paces))]
            pace = self._paces[key] = Pace(self._every, clock=self._clock)
        return pace.due()

    def spare(self) -> bool:
        """Return whether there is room for one more, whatever it is. A flood of all together is thinned out."""
        return self._of_all.spare()
