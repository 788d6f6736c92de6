"""Names, and glob patterns that stand for several."""

import fnmatch
import re
from collections.abc import Iterable
from typing import Any

from l2logger.errors import ConfigError


def checked_patterns(what: str, keys: Any) -> tuple[str, ...]:
    """Return one or several names or glob patterns as a tuple.

    Raises:
        ConfigError: They are anything else.
    """
    patterns = (keys,) if isinstance(keys, str) else tuple(keys) if isinstance(keys, Iterable) else ()
    if not patterns or not all(isinstance(pattern, str) and pattern for pattern in patterns):
        raise ConfigError(
            f"{what} takes the names of metrics, or patterns such as 'loss*' or ['loss*', 'reward']; got {keys!r}"
        )
    return patterns


class Matcher:
    """Tell whether the name of a metric or of something else is one of some names, or fits one of them taken as glob patterns.

    Args:
        patterns: Names and patterns; letters match in their case only.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        # A metric may well be called loss[0], which as a pattern would not match itself.
        self._names = frozenset(patterns)
        self._pattern = re.compile("|".join(map(fnmatch.translate, patterns)) or "(?!)")

    def __call__(self, name: str) -> bool:
        return name in self._names or self._pattern.match(name) is not None
