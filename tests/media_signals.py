"""Pictures and videos in a run, with their signals."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy
from kinds import of_kind
from PIL import Image

from l2logger.histograms import histogram
from l2logger.signals import Signal

WORKER = "worker-default"


def signal(kind: str, step: int | None = 0, worker_id: str = WORKER, **fields: Any) -> Signal:
    """Return a signal of the usual worker."""
    return of_kind(kind, step, worker_id=worker_id, **fields)


def metrics(step: int | None = 0, worker_id: str = WORKER, **values: Any) -> Signal:
    return signal("metrics", step, worker_id, values=values)


def histogram_of(values: Any, step: int | None = 0, name: str = "actions", bins: Any = 8) -> Signal:
    return signal("histogram", step, **histogram(name, values, bins))


class MediaFiles:
    """Writes files into a run, as the encoder does, and says what they are.

    Args:
        scenario_dir: Of the run.
    """

    def __init__(self, scenario_dir: Path) -> None:
        self._scenario_dir = scenario_dir

    def image(
        self, pixels: Any, step: int | None = 0, name: str = "frame", *, kind: str = "image", **more: Any
    ) -> Signal:
        """Write an array of shape (height, width) or (height, width, channels) as a PNG."""
        image = Image.fromarray(numpy.asarray(pixels))
        path = self.path(kind, name, step, "png")
        image.save(self._scenario_dir / path)
        size: dict[str, Any] = {"width": image.width, "height": image.height}
        if kind == "image":
            size["channels"] = len(image.getbands())
        return signal(kind, step, name=name, path=path, **size, **more)

    def video(
        self,
        frames: Sequence[Image.Image],
        step: int | None = 0,
        name: str = "rollout",
        fps: int = 30,
        suffix: str = "mp4",
    ) -> Signal:
        """Write frames as a video; a GIF if that is what `suffix` says."""
        path = self.path("video", name, step, suffix)
        file = str(self._scenario_dir / path)
        if suffix == "gif":
            frames[0].save(file, save_all=True, append_images=frames[1:], duration=1000 // fps)
        else:
            with av.open(file, "w") as container:
                stream = container.add_stream("libx264", rate=fps, options={"crf": "10"})
                stream.width, stream.height = frames[0].size
                stream.pix_fmt = "yuv420p"
                for frame in frames:
                    container.mux(stream.encode(av.VideoFrame.from_image(frame)))
                container.mux(stream.encode())
        width, height = frames[0].size
        return signal("video", step, name=name, path=path, width=width, height=height, frames=len(frames), fps=fps)

    def path(self, kind: str, name: str, step: int | None, suffix: str) -> str:
        """Return where such a file belongs, relative to the run; the directory is there."""
        path = f"media/{kind}/{name}/{'none' if step is None else step}.{suffix}"
        (self._scenario_dir / path).parent.mkdir(parents=True, exist_ok=True)
        return path
