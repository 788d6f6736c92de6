"""Arrays, as ``.npy``."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from l2logger.errors import SignalError
from l2logger.media.drawing import Drawing, described
from l2logger.media.levels import as_array

if TYPE_CHECKING:
    import numpy

_FOREIGN: Final = 2
"""What `numpy.dtype.isbuiltin` is for types of others, such as bfloat16 of ml_dtypes, which cannot be in ``.npy``
files."""


def array(name: Any, array: Any) -> Drawing:
    """Return what makes a file of an array, which ``numpy.load`` reads without pickle.

    Nothing is lost: type, byte order and shape stay, also of arrays without dimensions or elements. Types that numpy
    does not have, such as bfloat16, are stored as float32, which holds each of their values; the ``dtype`` of the
    signal is the original, ``"bfloat16"``.

    Args:
        name: What it holds.
        array: Of numpy, torch or jax, a nested list of numbers, or one number.

    Raises:
        SignalError: It holds objects instead of numbers, or is ragged.
    """
    import numpy

    fields = described("an array", name)
    found = as_array("an array", array)
    if found.dtype.hasobject:
        raise SignalError(
            f"an array must hold numbers, got {found.dtype} of shape {found.shape}; objects would need pickle, which is never read; "
            "convert it to a type such as float64, or use log_table or log_artifact"
        )
    dtype = _dtype(array, found)
    if found.dtype.isbuiltin == _FOREIGN:
        found = found.astype(numpy.float32)
    found = numpy.array(found, order="C", subok=False)
    return Drawing(fields, ".npy", found.nbytes, partial(_write, found, dtype))


def _dtype(given: Any, found: "numpy.ndarray[Any, Any]") -> str:
    """Return the type that something had before numpy had to hold it."""
    import numpy

    if found.dtype.isbuiltin == _FOREIGN:
        return str(found.dtype.name)
    if found.dtype == numpy.float32 and not isinstance(given, numpy.ndarray):
        dtype = getattr(given, "dtype", found.dtype)
        return str(getattr(dtype, "name", dtype)).removeprefix("torch.")
    return str(found.dtype)


def _write(array: "numpy.ndarray[Any, Any]", dtype: str, path: str) -> Mapping[str, Any]:
    import numpy

    with open(path, "wb") as file:
        numpy.save(file, array, allow_pickle=False)
    return {"shape": list(array.shape), "dtype": dtype}
