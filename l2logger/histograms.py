"""How values are distributed."""

import math
import sys
from collections.abc import Mapping
from typing import Any, Final

from l2logger import paths
from l2logger.errors import SignalError
from l2logger.host import to_host

MAX_BINS: Final = 512
"""As many as W&B shows."""

_LARGE: Final = 1e100
_GREATEST: Final = sys.float_info.max


def histogram(name: str, values: Any, bins: Any = 64) -> dict[str, Any]:
    """Return the fields of a histogram.

    Args:
        name: What the values are.
        values: Numbers, in any shape: an array, a tensor, a list. NaN and the infinities are left out and counted.
        bins: How many buckets of one width between the least and the greatest value; or their edges, rising.

    Raises:
        SignalError: There are no finite numbers, or the bins are not what they should be.
    """
    import numpy

    paths.checked_name("a histogram", name)
    try:
        array = numpy.asarray(to_host(values))
    except ValueError:  # lists of several lengths
        array = numpy.empty(0, dtype=object)
    if array.dtype.kind not in "biuf":
        raise SignalError(
            f"a histogram is of numbers, {name!r} has the type {array.dtype} and the shape {array.shape}; "
            "give an array, a tensor or a list of numbers"
        )
    array = array.astype(numpy.float64).ravel()
    finite = array[numpy.isfinite(array)]
    if not finite.size:
        raise SignalError(f"a histogram needs at least one finite number, {name!r} has {array.size} values and none is")
    low, high = float(finite.min()), float(finite.max())
    # The width of the range, and squares, must not be beyond all floats.
    scale = largest if (largest := max(-low, high)) > _LARGE else 1.0
    edges = _edges(numpy, name, bins)
    finest = float(numpy.spacing(largest / scale))
    if isinstance(edges, int) and (high - low) / scale < edges * finest:
        # All are about the same: no finer buckets than there are floats.
        half = max(edges * finest * scale, 0.5)
        edges = numpy.linspace(max(low - half, -_GREATEST), min(high + half, _GREATEST), edges + 1)
    counts, edges = numpy.histogram(finite / scale, edges if isinstance(edges, int) else edges / scale)
    return {
        "name": name,
        "counts": counts.tolist(),
        "edges": (edges * scale).tolist(),
        "count": int(finite.size),
        "min": low,
        "max": high,
        "mean": float((finite / scale).mean() * scale),
        "std": float((finite / scale).std() * scale),
        "nonfinite": int(array.size - finite.size),
    }


def _edges(numpy: Any, name: str, bins: Any) -> Any:
    if isinstance(bins, int) and not isinstance(bins, bool) and 1 <= bins <= MAX_BINS:
        return bins
    if not isinstance(bins, int | float | str | Mapping):
        edges = numpy.asarray(bins, dtype=numpy.float64) if _are_numbers(bins) else numpy.empty(0)
        if edges.ndim == 1 and 2 <= edges.size <= MAX_BINS + 1 and (numpy.diff(edges) > 0).all():
            return edges
    raise SignalError(
        f"bins must be a whole number from 1 to {MAX_BINS}, or 2 to {MAX_BINS + 1} rising edges, got {bins!r} for {name!r}"
    )


def _are_numbers(bins: Any) -> bool:
    try:
        return all(math.isfinite(edge) for edge in bins)
    except (TypeError, ValueError):
        return False
