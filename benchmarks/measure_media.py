"""One slice of the benchmark of media and metrics. Started by ``media.py``: ``measure_media.py CASE N WORK_SECS``."""

import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # Python is started without it.

from measure_write import clock_ns  # noqa: E402
from processes import adopt_orphans, end_processes  # noqa: E402

_WARM_UP = 3
_FPS = 30


class Way(NamedTuple):
    """One way to log.

    Attributes:
        log: Logs something at a step.
        close: Brings everything to where it goes.
        arrived: Returns how much of it is there, if that can be told.
    """

    log: Callable[[Any, int], Any]
    close: Callable[[], Any]
    arrived: Callable[[], int | None] = lambda: None


def images(base: Path) -> list[Any]:
    import numpy

    return list(numpy.random.default_rng(0).integers(0, 256, (16, 84, 84, 3), dtype=numpy.uint8))


def videos(base: Path) -> list[Any]:
    """Return frames as of a game: a smooth background, on which things move."""
    import numpy

    frames = numpy.zeros((200, 84, 84, 3), numpy.uint8)
    frames[..., 2] = numpy.linspace(0, 200, 84)
    for number in range(200):
        frames[number, number % 70 : number % 70 + 10, 30:50] = (200, 40, 40)
    return [frames]


def float_videos(base: Path) -> list[Any]:
    return [(frames / 255).astype("float32") for frames in videos(base)]


def listed_videos(base: Path) -> list[Any]:
    return [list(frames) for frames in videos(base)]


def metrics(base: Path) -> list[Any]:
    return [{f"train/metric_{j}": i * 0.37 + j for j in range(10)} for i in range(1000)]


def ours(base: Path, method: str) -> Way:
    from l2logger import DataLogger

    logger = DataLogger(base, "bench", {"metrics_columns": ["reward"]})
    log = getattr(logger, f"log_{method}")

    def arrived() -> int:
        lines = Path(logger.scenario_dir, "signals", "worker-default.jsonl").read_text().splitlines()
        return sum(Path(logger.scenario_dir, json.loads(line).get("path", "")).exists() for line in lines)

    if method == "metrics":
        return Way(log, logger.close, arrived)
    return Way(lambda what, step: log("eval", what, step), logger.close, arrived)


def tensorboard(base: Path, method: str) -> Way:
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(base))

    def log(what: Any, step: int) -> None:
        if method == "image":
            writer.add_image("eval", what, step, dataformats="HWC")
        else:
            for name, value in what.items():
                writer.add_scalar(name, value, step)

    return Way(log, writer.close)


def wandb(base: Path, method: str) -> Way:
    import wandb

    run = wandb.init(project="bench", mode="offline", dir=base)

    def log(what: Any, step: int) -> None:
        if method == "image":
            run.log({"eval": wandb.Image(what)}, step=step)
        elif method == "video":
            path = str(base / f"{step}.mp4")
            encode(what, path)
            run.log({"eval": wandb.Video(path, format="mp4")}, step=step)
        else:
            run.log(what, step=step)

    return Way(log, run.finish)


def both(base: Path, method: str) -> Way:
    ways = [each(base, method) for each in (tensorboard, wandb)]
    return Way(lambda *what: [way.log(*what) for way in ways], lambda: [way.close() for way in ways])


def pyav(base: Path, method: str) -> Way:
    return Way(lambda what, step: encode(what, str(base / f"{step}.mp4")), lambda: None)


def encode(frames: Any, path: str) -> None:
    """Write a video as it is done by hand."""
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=_FPS)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


class Case(NamedTuple):
    """What is logged, and how.

    Attributes:
        title: For the table.
        method: ``"image"``, ``"video"`` or ``"metrics"``.
        way: How.
        what: Returns what is logged in turn.
        against: The case by hand that it is compared with.
    """

    title: str
    method: str
    way: Callable[[Path, str], Way]
    what: Callable[[Path], list[Any]]
    against: str = ""


CASES = {
    "metrics": Case("log_metrics of 10 values", "metrics", ours, metrics, "metrics_both"),
    "metrics_tensorboard": Case("  tensorboardX add_scalar, 10 times", "metrics", tensorboard, metrics),
    "metrics_wandb": Case("  W&B log, offline", "metrics", wandb, metrics),
    "metrics_both": Case("  both", "metrics", both, metrics),
    "image": Case("log_image 84x84x3", "image", ours, images, "image_both"),
    "image_tensorboard": Case("  tensorboardX add_image", "image", tensorboard, images),
    "image_wandb": Case("  W&B Image, offline", "image", wandb, images),
    "image_both": Case("  both", "image", both, images),
    "video": Case("log_video 200x84x84x3", "video", ours, videos, "video_wandb"),
    "video_list": Case("log_video, a list of frames", "video", ours, listed_videos, "video_wandb"),
    "video_floats": Case("log_video, float32", "video", ours, float_videos, "video_wandb"),
    "video_pyav": Case("  PyAV", "video", pyav, videos),
    "video_wandb": Case("  PyAV and W&B Video, offline", "video", wandb, videos),
}


def measure(case: Case, n: int, work_secs: float) -> dict[str, Any]:
    """Measure calls with computing in between, as of an environment and a network, then the closing."""
    clock = time.perf_counter_ns
    calls = []
    with tempfile.TemporaryDirectory() as directory:
        what = case.what(Path(directory))
        log, close, arrived = case.way(Path(directory), case.method)
        for step in range(_WARM_UP + n):
            until = time.perf_counter() + work_secs
            while time.perf_counter() < until:
                pass
            given = what[step % len(what)]
            start = clock()
            log(given, step)
            calls.append(clock() - start)
        start = clock()
        close()
        closing = (clock() - start) / 1e9
        found = arrived()
        end_processes()
    overhead = clock_ns()
    ordered = sorted((each - overhead) / 1000 for each in calls[_WARM_UP:])
    return {
        "first": calls[0] / 1000,
        "p50": statistics.median(ordered),
        "p99": ordered[int(len(ordered) * 0.99)],
        "max": ordered[-1],
        "close": closing,
        "arrived": found,
        "n": _WARM_UP + n,
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ["WANDB_SILENT"] = "true"
    adopt_orphans()
    name, n, work_secs = sys.argv[1:]
    print(json.dumps(measure(CASES[name], int(n), float(work_secs))))
