"""Animated GIFs, of frames that have a palette."""

from collections.abc import Iterable
from fractions import Fraction
from typing import IO, Any, Final

FASTEST_FPS: Final = 50
"""Browsers take a tenth of a second for what is shorter than two hundredths."""

_MAX_HUNDREDTHS: Final = 2**16 - 1


def write(file: IO[bytes], images: Iterable[Any], size: tuple[int, int], secs: Fraction) -> None:
    """Write a GIF that plays for ever. It has all frames: where Pillow writes several by itself, it joins those that are alike.

    Args:
        file: Open for writing.
        images: Of Pillow, each with its palette; none is kept.
        size: Width and height of each, in pixels.
        secs: How long each is shown; at least a fiftieth of a second.

    Raises:
        ImportError: Pillow is not installed.
    """
    from PIL import GifImagePlugin

    secs = max(secs, Fraction(1, FASTEST_FPS))
    width, height = size
    file.write(b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"\x70\0\0")
    file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")  # for ever
    end = 0
    for number, image in enumerate(images, 1):
        begin, end = end, round(100 * secs * number)
        milliseconds = 10 * min(end - begin, _MAX_HUNDREDTHS)
        file.writelines(GifImagePlugin.getdata(image, duration=milliseconds, include_color_table=True))
    file.write(b";")
