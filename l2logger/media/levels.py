"""Values of pixels as levels from 0 to 255."""

from typing import TYPE_CHECKING, Any, Final

from l2logger.errors import SignalError
from l2logger.host import to_host

if TYPE_CHECKING:
    import numpy

_PIECE: Final = 131_072
"""So many values are converted at once: few enough to stay in the processor's cache."""


def as_array(what: str, value: Any) -> "numpy.ndarray[Any, Any]":
    """Return an array, tensor or nested list as an array of numpy, without a copy where there need not be one.

    Args:
        what: What it is, for the error.
        value: Of numpy, torch, jax or Python.

    Raises:
        SignalError: It cannot become an array.
    """
    import numpy

    if isinstance(value, numpy.ma.MaskedArray):
        raise SignalError(f"{what} cannot be a masked array: fill what is masked, with array.filled(...)")
    try:
        return numpy.asarray(to_host(value))
    except Exception as error:  # whatever a library raises for its sparse, quantized or ragged things
        raise SignalError(f"{what} must be an array or a tensor, got {_kind_of(value)}: {error}") from error


def to_levels(what: str, array: "numpy.ndarray[Any, Any]") -> "numpy.ndarray[Any, Any]":
    """Return a copy as ``uint8``: as it is, ``bool`` as 0 and 255, floats from 0 to 1 scaled and rounded.

    The copy has the order of the original in memory, which is the quickest.

    Args:
        what: What it is, for the error.
        array: Of any shape.

    Raises:
        SignalError: It is of another type, holds NaN, or floats that round to no level.
    """
    import numpy

    if array.dtype == numpy.uint8:
        return _copy(array)
    if array.dtype.kind == "b":
        return numpy.where(array, numpy.uint8(255), numpy.uint8(0))
    if array.dtype.kind != "f":
        raise SignalError(
            f"{what} must be uint8 from 0 to 255, bool, or float from 0 to 1; got {array.dtype} of shape {array.shape}"
            f"{_range(array)}; {_advice(array)}, or keep all of it with log_array"
        )
    levels = numpy.empty_like(array, dtype=numpy.uint8, subok=False)
    if not _scale(array, levels):
        raise SignalError(_out_of_range(what, array))
    return levels


def _copy(array: "numpy.ndarray[Any, Any]") -> "numpy.ndarray[Any, Any]":
    import numpy

    axes = _axes_in_memory(array)
    dense = array.transpose(axes)
    copy = numpy.empty(dense.shape, numpy.uint8)
    fill(copy, dense)
    return copy.transpose(numpy.argsort(axes))


def fill(target: "numpy.ndarray[Any, Any]", levels: "numpy.ndarray[Any, Any]") -> None:
    """Copy bytes into an array without gaps, if possible without letting go of the interpreter lock.

    numpy lets go of it, and then the thread that encodes takes it, for longer than the copying takes.
    """
    if levels.flags.c_contiguous:
        target.reshape(-1).data[:] = levels.reshape(-1).data
    else:
        target[...] = levels


def _axes_in_memory(array: "numpy.ndarray[Any, Any]") -> list[int]:
    return sorted(range(array.ndim), key=lambda axis: -array.strides[axis])


def _scale(array: "numpy.ndarray[Any, Any]", levels: "numpy.ndarray[Any, Any]") -> bool:
    """Fill `levels`; return False if a value has none."""
    import numpy

    # Both as they lie in memory, which for `levels` is without gaps.
    axes = _axes_in_memory(levels)
    values, out = (each.transpose(axes).reshape(-1) for each in (array, levels))
    piece = numpy.empty(min(_PIECE, len(values)), numpy.float32)
    beyond = numpy.float32(256).view(numpy.uint32)
    with numpy.errstate(all="ignore"):
        for start in range(0, len(values), _PIECE):
            scaled = piece[: len(values) - start]
            numpy.copyto(scaled, values[start : start + _PIECE], casting="unsafe")
            scaled *= numpy.float32(255)
            scaled += numpy.float32(0.5)
            # As whole numbers, the bits of floats from 0 on have the same order; those of negative ones and of NaN are
            # above.
            if scaled.view(numpy.uint32).max() >= beyond:
                return False
            numpy.copyto(out[start : start + _PIECE], scaled, casting="unsafe")
    return True


def _out_of_range(what: str, array: "numpy.ndarray[Any, Any]") -> str:
    import numpy

    found = f"got {array.dtype} of shape {array.shape}"
    if count := int(numpy.isnan(array).sum()):
        return f"{what} of floats must lie between 0 and 1, {found} with {count:,} NaN; numpy.nan_to_num replaces them"
    return f"{what} of floats must lie between 0 and 1, {found}{_range(array)}; {_advice(array)}"


def _range(array: "numpy.ndarray[Any, Any]") -> str:
    return f" from {array.min():g} to {array.max():g}" if array.size and array.dtype.kind in "iuf" else ""


def _advice(array: "numpy.ndarray[Any, Any]") -> str:
    """Return how to make levels of numbers that are none."""
    if not array.size or array.dtype.kind not in "iuf":
        return "convert it"
    if array.min() < 0 or array.max() > 255:
        return "scale it by a range that is the same for all images, such as with (array - low) / (high - low)"
    if array.dtype.kind == "f" and (array % 1).any():
        return "divide it by 255, or by what is the highest for all images"
    return "convert it with .astype('uint8')"


def _kind_of(value: Any) -> str:
    shape = getattr(value, "shape", None)
    words = f"{type(value).__module__}.{type(value).__qualname__}"
    return words if shape is None else f"{words}, {getattr(value, 'dtype', None)} of shape {tuple(shape)}"
