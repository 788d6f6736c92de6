"""Images, as PNG."""

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from l2logger.errors import SignalError
from l2logger.media.drawing import Drawing, described
from l2logger.media.levels import as_array, to_levels

if TYPE_CHECKING:
    import numpy

CHANNELS: Final = (1, 3, 4)
"""Grey, RGB, RGBA."""

_ALPHA: Final = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
_OPAQUE: Final = {
    **dict.fromkeys(("1", "L"), "L"),
    **dict.fromkeys(("RGB", "RGBX", "P", "CMYK", "YCbCr", "LAB", "HSV"), "RGB"),
}
"""What an image of Pillow without transparency becomes, by its mode."""


def image(name: Any, image: Any, caption: Any = None) -> Drawing:
    """Return what makes a PNG of an image.

    Grey stays grey, and transparency is kept; PNG loses nothing. All channels have 8 bits: ``uint16`` is refused, since
    neither Pillow nor the viewers handle such colours.

    Args:
        name: What it shows.
        image: An array or tensor of shape HxW, HxWxC or CxHxW, with 1 (grey), 3 (RGB) or 4 (RGBA) for C. If both the
            first and the last dimension can be the channels, the last is. ``uint8`` from 0 to 255, ``bool``, or floats
            from 0 to 1, of which the nearest of 256 levels is taken. Or an image of Pillow of 8 bits.
        caption: Words that go with it.

    Raises:
        SignalError: It has another shape, type or range.
        ImportError: Pillow is not installed.
    """
    fields = described("an image", name, caption)
    load_pillow("images")
    levels = pixels("an image", image)
    return Drawing(fields, ".png", levels.nbytes, partial(_write, levels))


def _write(levels: "numpy.ndarray[Any, Any]", path: str) -> Mapping[str, Any]:
    import numpy
    from PIL import Image

    Image.fromarray(numpy.ascontiguousarray(levels)).save(path, "PNG")
    height, width, *channels = levels.shape
    return {"width": width, "height": height, "channels": channels[0] if channels else 1}


def pixels(what: str, image: Any) -> "numpy.ndarray[Any, Any]":
    """Return a copy of an image as levels of shape HxW, HxWx3 or HxWx4.

    Args:
        what: What it is, for the error.
        image: As for `image`.

    Raises:
        SignalError: It has another shape, type or range.
    """
    array = opened(what, image)
    if not array.ndim or array.dtype.kind not in "biufc":
        raise SignalError(
            f"{what} must be an array, a tensor or an image of Pillow, got {image!r:.100} ({type(image).__name__}){_door(image)}"
        )
    axis = channel_axis(array.shape) if array.ndim == 3 else None
    if not array.size or array.ndim not in (2, 3) or (array.ndim == 3 and axis is None):
        raise SignalError(
            f"{what} must have the shape HxW, HxWxC or CxHxW with 1, 3 or 4 channels; got {array.dtype} of shape {array.shape}"
        )
    return channels_last(to_levels(what, array), axis)


def _door(value: Any) -> str:
    """Return which call is meant by who gives this as an image."""
    matplotlib = sys.modules.get("matplotlib.artist")
    if matplotlib is not None and isinstance(value, matplotlib.Artist):
        return "; log_figure takes figures"
    if isinstance(value, str | bytes | os.PathLike):
        return "; PIL.Image.open reads a file, log_artifact keeps one as it is"
    return ""


def opened(what: str, image: Any) -> "numpy.ndarray[Any, Any]":
    """Return an image as an array that may share its memory: of Pillow with its channels last, of others as it is.

    Raises:
        SignalError: It cannot become an array, or is an image of Pillow of more than 8 bits.
    """
    pillow = sys.modules.get("PIL.Image")  # without which it can be none of its images
    if pillow is None or not isinstance(image, pillow.Image):
        return as_array(what, image)
    mode = "RGBA" if image.mode in _ALPHA or "transparency" in image.info else _OPAQUE.get(image.mode)
    if mode is None:
        raise SignalError(
            f"{what} of Pillow must have 8 bits for each channel, got the mode {image.mode!r} and size {image.size}; "
            "convert it, or keep all of it with log_array"
        )
    return as_array(what, image if image.mode == mode else image.convert(mode))


def channel_axis(shape: tuple[int, ...], channels: tuple[int, ...] = CHANNELS) -> int | None:
    """Return which dimension of an image of three, or of a stack of such images, are the channels; None if none can be.

    Args:
        shape: HxWxC or CxHxW, with something before it or not.
        channels: How many there may be.
    """
    if shape[-1] in channels:
        return -1
    return -3 if shape[-3] in channels else None


def channels_last(levels: "numpy.ndarray[Any, Any]", axis: int | None) -> "numpy.ndarray[Any, Any]":
    """Return a view with the channels as the last dimension, or without one if there is one channel."""
    import numpy

    if axis is None:
        return levels
    levels = numpy.moveaxis(levels, axis, -1)
    return levels[..., 0] if levels.shape[-1] == 1 else levels


def load_pillow(what: str) -> None:
    """Import Pillow and its formats, here and not in the thread that needs them.

    So it can be missed in time; and if this process is forked while a thread imports, the child can never import the
    same.

    Raises:
        ImportError: It is not installed.
    """
    try:
        import PIL.Image

        PIL.Image.preinit()
    except ImportError as error:
        raise ImportError(f'{what} need Pillow: pip install "l2logger[media]" ({error})', name="PIL") from error
