"""Arrays and tensors, from wherever a computation left them."""

from typing import Any

from l2logger import cells


def number_on_host(value: Any) -> Any:
    """Return a value with one element as the Python number that it holds; any other value as it is."""
    array = to_host(value)
    if getattr(array, "size", 0) == 1 and hasattr(array, "reshape"):
        found = cells.value(cells.text(array.reshape(-1)[0]))
        return found if isinstance(found, int | float) else value
    return value


def to_host(value: Any) -> Any:
    """Return an array or tensor as an array of numpy, off its device and graph; anything else as it is.

    Types that numpy does not have, such as bfloat16, become float32, which holds all of their values.
    """
    module = type(value).__module__.partition(".")[0]
    if module == "torch" and hasattr(value, "detach"):
        tensor = value.detach().cpu()
        try:
            return tensor.numpy()
        except (TypeError, RuntimeError):  # bfloat16; or a lazily conjugated or negated view
            tensor = tensor.resolve_conj().resolve_neg()
            return tensor.numpy() if tensor.is_complex() else tensor.float().numpy()
    if module in ("jax", "jaxlib", "tensorflow") and hasattr(value, "dtype"):
        import numpy

        array = numpy.asarray(value)
        return array if array.dtype.kind in "biufc" else array.astype(numpy.float32)
    return value
