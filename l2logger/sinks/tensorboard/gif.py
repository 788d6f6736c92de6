"""Videos as animated GIFs."""

import io
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, NamedTuple

from l2logger.media import gif

MAX_PIXELS: Final = 2**25
"""Of all frames together: 140 of 600 x 400, or 4,700 of 84 x 84. Colourful noise makes 24 MB of it, games and plots about 1 MB."""

MIN_SIDE: Final = 128
"""The longer side of a frame is not made smaller than that; frames are left out instead."""


class Size(NamedTuple):
    """How large a video is.

    Attributes:
        width: Of a frame, in pixels.
        height: Of a frame, in pixels.
        frames: How many there are.
    """

    width: int
    height: int
    frames: int


def bounded(size: Size) -> Size:
    """Return the size of what is made of a video: the same, up to `MAX_PIXELS`."""
    width, height, frames = size
    if width * height * frames <= MAX_PIXELS:
        return size
    scale = math.sqrt(MAX_PIXELS / (width * height * frames))
    scale = min(1.0, max(scale, MIN_SIDE / max(width, height)))
    width, height = max(1, int(width * scale)), max(1, int(height * scale))
    return Size(width, height, max(1, min(frames, MAX_PIXELS // (width * height))))


def convert(path: str, size: Size, fps: float) -> tuple[Size, bytes]:
    """Return an animated GIF of a video, and its size.

    It has the frames of the video, or as many as `bounded` allows, evenly spaced, and plays for ever at the same speed, though with at
    most 50 frames a second.

    Args:
        path: A file that PyAV can read.
        size: Of the video.
        fps: Frames a second.

    Raises:
        ValueError: The file cannot be read.
        ImportError: PyAV or Pillow is not installed.
    """
    try:
        from av.error import FFmpegError
        from PIL import Image
    except ImportError as error:
        problem = f'to show videos, TensorBoardSink needs PyAV and Pillow: pip install "l2logger[media]" ({error})'
        raise ImportError(problem, name=error.name) from error
    shown = bounded(size)
    out = io.BytesIO()
    # The octree takes a fraction of the time of the median cut.
    images = (
        frame.quantize(method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        for frame in _evenly(path, size, shown)
    )
    try:
        gif.write(out, images, shown[:2], Fraction(size.frames, shown.frames) / Fraction(fps))
    except FFmpegError as error:
        raise ValueError(f"{path} is no video that can be read: {error}") from error
    return shown, out.getvalue()


def _evenly(path: str, size: Size, shown: Size) -> Iterator[Any]:
    """Yield frames, as images of Pillow, as many as shall be shown."""
    import av

    index = 0
    frame: Any
    with av.open(path) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number * shown.frames >= index * size.frames:
                yield frame.to_image(width=shown.width, height=shown.height, interpolation="AREA")
                index += 1
