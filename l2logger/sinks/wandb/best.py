"""The best value of each curve, for the summary of a W&B run.

W&B's own minimum and maximum are NaN from the first NaN on, and are lost when a run is resumed
(https://github.com/wandb/wandb/issues/9684).
"""

import math
from typing import Any, Final

_PREFIX: Final = "best/"


class BestValues:
    """The best value of each curve so far.

    Attributes:
        news: Those that the summary does not have yet, by their names in it.
    """

    def __init__(self) -> None:
        self.news: dict[str, float] = {}
        self._values: dict[str, float] = {}

    def begin(self, *, anew: bool) -> None:
        """Get ready for a summary that is still empty.

        Args:
            anew: Forget all values.
        """
        if anew:
            self._values.clear()
        self.news = dict(self._values)

    def compare(self, run: Any, curve: str, value: float, *, lower_is_better: bool) -> None:
        """Take note of a value of a curve if it is the best.

        Args:
            run: The W&B run, which knows an older best value if it was resumed.
            curve: Its name.
            value: Of the curve.
            lower_is_better: Whether the best is the lowest.
        """
        if not math.isfinite(value):
            return
        name = _PREFIX + curve
        best = self._values.get(name)
        if best is None and run is not None and run.resumed:
            best = run.summary.get(name)
        if best is None or (value < best if lower_is_better else value > best):
            best = self.news[name] = value
        self._values[name] = best
