"""What a run and its handles can log that becomes a file: pictures, videos and arrays."""

from typing import TYPE_CHECKING, Any

from l2logger.handle import Handle
from l2logger.signals import ARRAY, FIGURE, IMAGE, STEP, VIDEO

if TYPE_CHECKING:
    from l2logger.media.drawing import Drawing


class MediaMethods(Handle):
    """Images, videos, figures and arrays.

    What is given is copied; then a thread writes the file below ``media/<kind>/<name>/`` in the run directory, and when it is whole, the signal
    that points to it goes to ``signals/<worker_id>.jsonl`` and to every sink that takes its kind. `DataLogger.flush` waits for that, and so does
    the end of the script. Needs ``pip install "l2logger[media]"``.
    """

    __slots__ = ()

    def _draw(self, kind: str, drawing: "Drawing", step: int | None, clock: str | None) -> None:
        self._log(kind, drawing.fields, step, clock, drawing)

    def log_image(
        self, name: str, image: Any, step: int | None = None, *, clock: str | None = STEP, caption: str | None = None
    ) -> None:
        """Log an image, as PNG.

        Args:
            name: What it shows, such as ``"eval/frame"``.
            image: An array or tensor of shape HxW, HxWx1, HxWx3 (RGB) or HxWx4 (RGBA), or channels first; ``uint8`` from 0 to 255, ``bool``, or
                floats from 0 to 1. Or an image of Pillow.
            step: Where on the clock it belongs.
            clock: What `step` counts.
            caption: Words that go with it.

        Raises:
            SignalError: It has another shape, type or range.
            ImportError: Pillow is not installed.
        """
        from l2logger.media.images import image as draw

        self._draw(IMAGE, draw(name, image, caption), step, clock)

    def log_video(
        self,
        name: str,
        frames: Any,
        step: int | None = None,
        *,
        clock: str | None = STEP,
        fps: float = 30,
        format: str = "mp4",
        caption: str | None = None,
    ) -> None:
        """Log a video, as H.264 in MP4, which browsers play, or as GIF.

        Args:
            name: What it shows, such as ``"eval/episode"``.
            frames: An array or tensor of shape TxHxWxC or TxCxHxW, or a list of images as `log_image` takes them, all of one size.
            step: Where on the clock it belongs.
            clock: What `step` counts.
            fps: Frames a second.
            format: ``"mp4"`` or ``"gif"``.
            caption: Words that go with it.

        Raises:
            SignalError: The frames have another shape, type or range, or there are none.
            ImportError: Pillow or PyAV is not installed.
        """
        from l2logger.media.videos import video as draw

        self._draw(VIDEO, draw(name, frames, fps, format, caption), step, clock)

    def log_figure(
        self, name: str, figure: Any, step: int | None = None, *, clock: str | None = STEP, caption: str | None = None
    ) -> None:
        """Log a figure of matplotlib, as PNG, transparency included. It is drawn in the calling thread, and not closed.

        Args:
            name: What it shows.
            figure: The figure, or axes of it.
            step: Where on the clock it belongs.
            clock: What `step` counts.
            caption: Words that go with it.

        Raises:
            SignalError: It is no figure.
            ImportError: Pillow is not installed.
        """
        from l2logger.media.figures import figure as draw

        self._draw(FIGURE, draw(name, figure, caption), step, clock)

    def log_array(self, name: str, array: Any, step: int | None = None, *, clock: str | None = STEP) -> None:
        """Log an array or tensor without loss, as a ``.npy`` file.

        Args:
            name: What it holds.
            array: Of numpy, torch or jax, of any shape.
            step: Where on the clock it belongs.
            clock: What `step` counts.

        Raises:
            SignalError: It holds objects instead of numbers.
        """
        from l2logger.media.arrays import array as draw

        self._draw(ARRAY, draw(name, array), step, clock)
