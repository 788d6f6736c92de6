"""What TensorBoard shows: by its own library, and by the server that is behind the page."""

import json
import math
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of TensorBoard's own imports
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
    from tensorboard.util.tensor_util import make_ndarray

EVERYTHING = {"scalars": 0, "tensors": 0, "histograms": 0, "images": 0}
START_SECS = 60.0


def runs(directory: str | Path) -> list[str]:
    """Return the names that TensorBoard gives to the runs below a directory."""
    return sorted({str(path.parent.relative_to(directory)) for path in Path(directory).rglob("*.tfevents.*")})


def accumulator(directory: str | Path, run: str = ".") -> EventAccumulator:
    """Return TensorBoard's reader of one run, done with reading."""
    reader = EventAccumulator(str(Path(directory, run)), size_guidance=EVERYTHING)
    reader.Reload()
    return reader


def curves(directory: str | Path, run: str = ".") -> dict[str, list[tuple[int, float]]]:
    """Return the steps and values of each curve of a run."""
    reader = accumulator(directory, run)
    return {tag: [(point.step, point.value) for point in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def points(directory: str | Path, worker_id: str = "worker-default") -> dict[str, list[tuple[int, float]]]:
    """Return all points of a worker, those in its further runs included, by curve and in the order of their steps."""
    found: dict[str, list[tuple[int, float]]] = {}
    for run in runs(directory):
        owner = re.sub(r"(^|/)late \d+$", "", run)
        if owner == worker_id or (owner in ("", ".") and worker_id == "worker-default"):
            for tag, more in curves(directory, run).items():
                found.setdefault(tag, []).extend(more)
    return {tag: sorted(each) for tag, each in found.items()}


def texts(directory: str | Path, run: str = ".") -> dict[str, list[tuple[int, str]]]:
    """Return the steps and words of each text of a run."""
    reader = accumulator(directory, run)
    return {
        tag: [(each.step, make_ndarray(each.tensor_proto).item().decode()) for each in reader.Tensors(tag)]
        for tag in reader.PluginTagToContent("text")
    }


def images(directory: str | Path, run: str = ".") -> dict[str, list[tuple[int, bytes]]]:
    """Return the steps and files of each picture of a run."""
    reader = accumulator(directory, run)
    return {
        tag: [(each.step, each.encoded_image_string) for each in reader.Images(tag)] for tag in reader.Tags()["images"]
    }


def histograms(directory: str | Path, run: str = ".") -> dict[str, list[tuple[int, Any]]]:
    """Return the steps and values of each histogram of a run."""
    reader = accumulator(directory, run)
    return {
        tag: [(each.step, each.histogram_value) for each in reader.Histograms(tag)]
        for tag in reader.Tags()["histograms"]
    }


def hyperparameters(directory: str | Path, run: str = ".") -> dict[str, Any]:
    """Return the row of a run in the table of hyperparameters."""
    content = accumulator(directory, run).PluginTagToContent("hparams")["_hparams_/session_start_info"]
    found = HParamsPluginData.FromString(content).session_start_info.hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in found.items()}


def events(path: str | Path) -> list[Any]:
    """Return all whole events of one file, by the plain description of its format."""
    data = Path(path).read_bytes()
    found, offset = [], 0
    while len(data) >= offset + 12:
        (size,) = struct.unpack_from("<Q", data, offset)
        if len(data) < offset + size + 16:
            break
        found.append(Event.FromString(data[offset + 12 : offset + 12 + size]))
        offset += size + 16
    return found


class Server:
    """The real TensorBoard, on a free port of this machine.

    Args:
        directory: What it shows.
        fast: Use the loader that it uses by default, not the one in Python.

    Attributes:
        directory: As given.
    """

    def __init__(self, directory: str | Path, *, fast: bool = True) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.directory = Path(directory)
        self.fast = fast
        self.url = f"http://127.0.0.1:{port}"
        options = {
            "logdir": directory,
            "host": "127.0.0.1",
            "port": port,
            "load_fast": str(fast).lower(),
            "reload_interval": 1,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", *(f"--{name}={value}" for name, value in options.items())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> "Server":
        try:
            self.wait(lambda: self.ask("/data/environment"), limit_secs=START_SECS)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def ask(self, route: str, body: Any = None, **query: str) -> Any:
        """Return the server's answer to a question that the page asks."""
        return json.loads(self.load(route, body, **query))

    def load(self, route: str, body: Any = None, **query: str) -> bytes:
        """Return what the server sends to the page, such as a picture."""
        request = urllib.request.Request(f"{self.url}{route}?{urlencode(query)}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            data: bytes = answer.read()
        return data

    def wait(self, question: Callable[[], Any], *, limit_secs: float = 30.0) -> Any:
        """Ask until there is an answer that is not empty."""
        give_up_at = time.monotonic() + limit_secs
        while True:
            try:
                if answer := question():
                    return answer
                problem: object = "nothing to show"
            except OSError as error:
                problem = error
            if time.monotonic() > give_up_at or self._process.poll() is not None:
                raise AssertionError(f"TensorBoard does not answer: {problem}")
            time.sleep(0.05)

    def points(self, run: str, tag: str) -> list[tuple[int, float]]:
        """Return the steps and values of a curve, as the page gets them."""
        found = self.ask("/data/plugin/scalars/scalars", run=run, tag=tag)
        return [(step, float(str(value).replace("Infinity", "inf"))) for _, step, value in found]

    def tags(self) -> dict[str, list[str]]:
        """Return the curves of each run."""
        return {run: sorted(tags) for run, tags in self.ask("/data/plugin/scalars/tags").items()}

    def settled(self, question: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
        """Ask until the answer is as it should be, or time is up; return it."""
        answer: Any = None

        def ask() -> bool:
            nonlocal answer
            answer = question()
            return done(answer)

        try:
            self.wait(ask)
        except AssertionError:
            if answer is None:
                raise
        return answer


def same(left: list[tuple[int, float]], right: list[tuple[int, float]]) -> bool:
    """Return whether points are the same, as far as 32 bits tell, NaN included."""
    return len(left) == len(right) and all(
        a == b and (x == y or math.isclose(x, y, rel_tol=1e-6) or (x != x and y != y))
        for (a, x), (b, y) in zip(left, right, strict=True)
    )
