"""The best value of each curve, for the summary of a W&B run.

W&B's own minimum and maximum are NaN from the first NaN on, take the place of the last value in the summary, and are lost
when a run is resumed (https://github.com/wandb/wandb/issues/9684).
"""

import math
from collections.abc import Iterable
from typing import Any, Final

_PREFIX: Final = "best/"


class BestValues:
    """The best value of each curve so far.

    Args:
        lower_is_better: Metrics whose best value is the lowest; of others it is the highest, unless `describe` says so.

    Attributes:
        news: Those that the summary does not have yet, by their names in it.
    """

    def __init__(self, lower_is_better: Iterable[str]) -> None:
        self.news: dict[str, float] = {}
        self._given = frozenset(lower_is_better)
        self._lower = set(self._given)
        self._extremes: dict[str, tuple[str, float, float]] = {}

    def begin(self, *, anew: bool) -> None:
        """Get ready for a summary that is still empty.

        Args:
            anew: Forget all values, and what `describe` was told.
        """
        if anew:
            self._lower = set(self._given)
            self._extremes.clear()
        self.news = {curve: self._best(curve) for curve in self._extremes}

    def compare(self, run: Any, curve: str, metric: str, value: float) -> None:
        """Take note of a value of a curve if it is the best.

        Args:
            run: The W&B run, which knows an older best value if it was resumed.
            curve: Its name.
            metric: What it is a curve of.
            value: Of the curve.
        """
        if not math.isfinite(value):
            return
        name = _PREFIX + curve
        known = self._extremes.get(name)
        if known is not None:
            _, lowest, highest = known
            if lowest <= value <= highest:
                return
            self._extremes[name] = metric, min(lowest, value), max(highest, value)
            if self._best(name) == value:
                self.news[name] = value
            return
        older = run.summary.get(name) if run is not None and run.resumed else None
        values = [value] if not isinstance(older, int | float) else [value, older]
        self._extremes[name] = metric, min(values), max(values)
        if (best := self._best(name)) != older:
            self.news[name] = best

    def describe(self, metric: str, better: str | None) -> None:
        """Learn which value of a metric is the best, also of those before: ``"min"``, ``"max"``, or None for no news."""
        if better is None:
            return
        (self._lower.add if better == "min" else self._lower.discard)(metric)
        self.news |= {name: self._best(name) for name, (of, *_) in self._extremes.items() if of == metric}

    def _best(self, name: str) -> float:
        metric, lowest, highest = self._extremes[name]
        return lowest if metric in self._lower else highest
