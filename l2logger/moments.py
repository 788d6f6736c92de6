"""Number, mean, spread and range of values, which can be put together from those of parts."""

import functools
import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

BINS: Final = 32
"""Number of points in the course of a metric."""


class Moments(NamedTuple):
    """Number, mean, sum of squared distances from the mean, least and greatest of some values."""

    values: int
    mean: float
    squares: float
    min: float
    max: float

    def with_(self, other: "Moments") -> "Moments":
        """Return the moments of both together (Chan, Golub and LeVeque, 1979)."""
        if not self.values or not other.values:
            return other if other.values else self
        values = self.values + other.values
        distance = other.mean - self.mean
        return Moments(
            values,
            self.mean + distance * other.values / values,
            self.squares + other.squares + distance * distance * self.values * other.values / values,
            min(self.min, other.min),
            max(self.max, other.max),
        )

    @property
    def std(self) -> float | None:
        """The standard deviation, with ``n - 1`` in the denominator; None for fewer than two values."""
        return math.sqrt(self.squares / (self.values - 1)) if self.values > 1 else None


NONE: Final = Moments(0, 0.0, 0.0, 0.0, 0.0)
"""Those of no values."""


def moments(values: int, mean: float, variance: float, least: float, greatest: float) -> Moments:
    """Return moments from what a query gives, which is NULL where there are no values."""
    return Moments(values, mean, variance * values, least, greatest) if values else NONE


def moments_sql(value: str, condition: str = "true") -> str:
    """Return the expressions whose values `moments` takes: of the finite ones of a column, where a condition holds."""
    functions = ("count", "avg", "var_pop", "min", "max")
    return ", ".join(f"{function}({value}) FILTER ({condition} AND isfinite({value}))" for function in functions)


def stretch_sql(column: str, first: int, last: int) -> str:
    """Return the expression for the stretch, of up to `BINS` equal ones, that a whole number from `first` to `last` is in."""
    bins = min(BINS, last - first + 1)
    return f"(({column}::HUGEINT - {first}) * {bins} // {last - first + 1})::INTEGER"


def together(parts: Iterable[Moments]) -> Moments:
    """Return the moments of all parts together."""
    return functools.reduce(Moments.with_, parts, NONE)


def mean(parts: Iterable[Moments]) -> float | None:
    """Return the mean of all parts together, None if there are no values."""
    found = together(parts)
    return found.mean if found.values else None


def course(stretches: Iterable[Sequence[Moments]]) -> tuple[float | None, ...]:
    """Return the mean of each stretch."""
    return tuple(map(mean, stretches))
