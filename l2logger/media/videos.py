"""Videos, as H.264 in MP4 or as GIF."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from l2logger.errors import SignalError
from l2logger.media import gif
from l2logger.media.drawing import Drawing, described
from l2logger.media.images import channel_axis, channels_last, load_pillow, opened
from l2logger.media.levels import as_array, fill, to_levels

if TYPE_CHECKING:
    import numpy

CHANNELS: Final = (1, 3)
"""Grey, RGB."""

SLOWEST_FPS: Final = 0.001
FASTEST_FPS: Final = 1000
MAX_SIDE: Final = 16_384
"""Most pixels in width and height that libx264 takes."""

_X264: Final = {"crf": "18", "preset": "veryfast"}
"""Hardly to be told from the original, and not much slower to make than larger files."""

_BT_709: Final = 1
_TV_RANGE: Final = 1


def video(name: Any, frames: Any, fps: Any = 30, format: Any = "mp4", caption: Any = None) -> Drawing:
    """Return what makes a file of frames, all of which are in it.

    MP4 is what every browser plays: H.264, yuv420p, with its index at the front. It is nearly, but not quite, lossless,
    and width and height are even: the last column and row of an odd size are there twice, and `width` and `height` of
    the signal are those of the file. GIF has 256 colours for each frame, which are exact if there are no more, and at
    most 50 frames a second; faster ones are shown at 50.

    Args:
        name: What it shows.
        frames: An array or tensor of shape TxHxW (grey), TxHxWxC or TxCxHxW, with 1 (grey) or 3 (RGB) for C; or a list
            of images of one shape, arrays or of Pillow. Values as of images. There is no transparency.
        fps: Frames a second.
        format: ``"mp4"`` or ``"gif"``.
        caption: Words that go with it.

    Raises:
        SignalError: The frames have another shape, type or range, or there are none; or `fps` or `format` cannot be.
        ImportError: Pillow or PyAV is not installed.
    """
    fields = described("a video", name, caption)
    if not isinstance(format, str) or format not in _FORMATS:
        raise SignalError(f"the format of a video must be one of {', '.join(map(repr, _FORMATS))}, got {format!r:.200}")
    load, write = _FORMATS[format]
    rate = _checked_fps(fps)
    load()
    levels = _stacked(frames)
    return Drawing(fields, f".{format}", levels.nbytes, partial(write, levels, rate))


def _checked_fps(fps: Any) -> float:
    try:
        rate = math.nan if isinstance(fps, bool | str) else float(fps)
    except (TypeError, ValueError, OverflowError):
        rate = math.nan
    if not SLOWEST_FPS <= rate <= FASTEST_FPS:
        raise SignalError(
            f"fps must be a number of frames a second from {SLOWEST_FPS} to {FASTEST_FPS}, got {fps!r:.200}"
        )
    return int(rate) if rate.is_integer() else rate


def _stacked(frames: Any) -> "numpy.ndarray[Any, Any]":
    """Return a copy of the frames as levels of shape TxHxW or TxHxWx3."""
    is_stack = hasattr(frames, "shape")
    array = as_array("a video", frames) if is_stack else _joined(frames)
    shape = array.shape
    axis = channel_axis(shape, CHANNELS) if array.ndim == 4 else None
    advice = ""
    if is_stack and array.ndim == 3 and shape[-1] in (*CHANNELS, 4):
        advice = "; is it one image? a list of one, [image], is a video"
    elif array.ndim == 4 and axis is None and 4 in (shape[-1], shape[-3]):
        advice = "; a video has no transparency, leave the fourth channel out"
    elif not array.size:
        advice = "; there is nothing to be seen"
    if advice or array.ndim not in (3, 4) or (array.ndim == 4 and axis is None):
        raise SignalError(
            "a video must have the shape TxHxW, TxHxWxC or TxCxHxW with 1 or 3 channels; "
            f"got {array.dtype} of shape {shape}{advice}"
        )
    levels = channels_last(to_levels("a video", array) if is_stack else array, axis)
    if max(levels.shape[1:3]) > MAX_SIDE:
        raise SignalError(f"a video can have {MAX_SIDE:,} pixels in width and height, got the shape {shape}")
    return levels


def _joined(frames: Any) -> "numpy.ndarray[Any, Any]":
    """Return a copy of a list of frames as one array of levels."""
    import numpy

    if not isinstance(frames, Iterable) or isinstance(frames, str | bytes | Mapping):
        raise SignalError(
            f"a video must be an array or a list of frames, got {frames!r:.200} ({type(frames).__name__})"
        )
    images = [opened("a frame", frame) for frame in frames]
    if not images:
        raise SignalError("a video must have at least one frame, got none")
    for number, each in enumerate(images):
        if each.shape != images[0].shape:
            raise SignalError(
                f"all frames of a video must have one shape, got {images[0].dtype} of shape {images[0].shape} first "
                f"and {each.dtype} of shape {each.shape} as number {number}"
            )
    levels = numpy.empty((len(images), *images[0].shape), numpy.uint8)
    for target, each in zip(levels, images, strict=True):
        fill(target, each if each.dtype == numpy.uint8 else to_levels("a frame", each))
    return levels


def _write_mp4(levels: "numpy.ndarray[Any, Any]", fps: float, path: str) -> Mapping[str, Any]:
    import av
    from av.video.reformatter import ColorRange, Colorspace

    height, width = (side + side % 2 for side in levels.shape[1:3])
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(10_000), options=_X264)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.thread_count = 1  # The training needs the others.
        context.colorspace = context.color_primaries = context.color_trc = _BT_709
        context.color_range = _TV_RANGE
        for number, pixels in enumerate(_even(levels)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return {"width": width, "height": height, "frames": len(levels), "fps": fps}


def _even(levels: "numpy.ndarray[Any, Any]") -> Iterator["numpy.ndarray[Any, Any]"]:
    """Yield the frames as RGB, with an even width and height."""
    import numpy

    _, height, width, *_ = levels.shape
    for frame in levels:
        rgb = frame if frame.ndim == 3 else numpy.repeat(frame[..., None], 3, axis=2)
        if height % 2 or width % 2:
            rgb = numpy.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        yield numpy.ascontiguousarray(rgb)


def _write_gif(levels: "numpy.ndarray[Any, Any]", fps: float, path: str) -> Mapping[str, Any]:
    frames, height, width, *_ = levels.shape
    with open(path, "wb") as file:
        gif.write(file, map(_indexed, levels), (width, height), 1 / Fraction(fps))
    return {"width": width, "height": height, "frames": frames, "fps": min(fps, gif.FASTEST_FPS)}


def _indexed(frame: "numpy.ndarray[Any, Any]") -> Any:
    """Return a frame as an image of Pillow with a palette."""
    import numpy
    from PIL import Image

    image = Image.fromarray(numpy.ascontiguousarray(frame))
    # The median cut keeps up to 256 colours as they are.
    return image.convert("P") if image.mode == "L" else image.quantize(256, Image.Quantize.MEDIANCUT)


def _load_av() -> None:
    """Import PyAV, here and not in the thread that needs it; see `load_pillow`."""
    try:
        import av.subtitles.stream  # noqa: F401  (which PyAV imports with its first stream)
    except ImportError as error:
        raise ImportError(f'videos need PyAV: pip install "l2logger[media]" ({error})', name="av") from error


_FORMATS: Final[dict[str, tuple[Callable[[], None], Callable[..., Mapping[str, Any]]]]] = {
    "mp4": (_load_av, _write_mp4),
    "gif": (partial(load_pillow, "GIFs"), _write_gif),
}
