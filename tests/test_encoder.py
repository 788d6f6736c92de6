"""The thread that makes files: order, memory, errors, ends, forks and interrupts."""

import gc
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from reading import files

from l2logger.errors import LogWarning, LogWriteError
from l2logger.media import encoder as module
from l2logger.media.drawing import Drawing
from l2logger.media.encoder import Encoder

LIMIT_SECS = 30

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def drawing(content: str = "x", nbytes: int = 1, name: str = "a", write=None) -> Drawing:
    def write_content(path: str):
        Path(path).write_text(content)
        return {"size": len(content)}

    return Drawing({"name": name}, ".png", nbytes, write or write_content)


class Gate:
    """Files that are written once they may be."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()

    def drawing(self, nbytes: int = 1) -> Drawing:
        def write(path: str):
            self.reached.set()
            assert self.open.wait(LIMIT_SECS)
            return {}

        return drawing(nbytes=nbytes, write=write)


class Receiver:
    """Keeps what is delivered, and sees for itself that the file is there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.events: list[dict] = []
        self.contents: list[str] = []
        self.threads: set[threading.Thread] = set()

    def __call__(self, kind: str, event: dict) -> None:
        self.threads.add(threading.current_thread())
        self.contents.append((self.root / event["path"]).read_text())
        self.events.append({"kind": kind, **event})

    @property
    def steps(self) -> list[int]:
        return [event["step"] for event in self.events]


@pytest.fixture
def receiver(tmp_path):
    return Receiver(tmp_path)


@pytest.fixture
def encoder(tmp_path, receiver):
    found = Encoder(str(tmp_path), receiver)
    yield found
    with suppress(LogWriteError):
        found.close()


def media_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "l2logger-media"]


def wait_until(is_so, secs: float = LIMIT_SECS) -> None:
    deadline = time.monotonic() + secs
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.001)


# Order and ends -------------------------------------------------------------------------------------------------------


def test_signals_are_delivered_in_their_order_by_one_other_thread(encoder, receiver):
    for step in range(500):
        encoder.put("image", {"step": step}, drawing(str(step), nbytes=step))
    assert encoder.flush()
    assert receiver.steps == list(range(500))
    assert receiver.contents == [str(step) for step in range(500)]
    [thread] = receiver.threads
    assert thread.daemon
    assert thread is not threading.main_thread()


def test_the_signal_has_what_was_known_and_what_came_of_it(encoder, receiver):
    encoder.put("image", {"step": 3, "worker_id": "w"}, drawing("abc"))
    encoder.flush()
    expected = {"step": 3, "worker_id": "w", "name": "a", "path": "media/image/a/3.png", "size": 3}
    assert receiver.events == [{"kind": "image", **expected}]


def test_the_fields_are_those_at_the_time_of_the_call(encoder, receiver):
    event = {"step": 3}
    gate = Gate()
    encoder.put("image", event, gate.drawing())
    event["step"] = 4
    gate.open.set()
    encoder.flush()
    assert receiver.steps == [3]


def test_what_processors_made_of_the_name_counts(encoder, receiver, tmp_path):
    """And it cannot lead out of its directory then, either."""
    encoder.put("image", {"step": 0, "name": "b", "caption": "***"}, drawing())
    encoder.flush()
    assert (receiver.events[0]["path"], receiver.events[0]["caption"]) == ("media/image/b/0.png", "***")
    with pytest.warns(LogWarning, match="name of this image"):
        encoder.put("image", {"step": 0, "name": "../../signals"}, drawing())
        with pytest.raises(LogWriteError):
            encoder.flush()
    assert files(tmp_path) == ["media/image/b/0.png"]


def test_nobody_waits_for_the_file(encoder, receiver):
    gate = Gate()
    encoder.put("image", {"step": 0}, gate.drawing())
    assert gate.reached.wait(LIMIT_SECS)
    assert receiver.events == []
    gate.open.set()


def test_there_is_no_thread_and_no_directory_before_the_first_drawing(encoder, tmp_path):
    assert encoder.flush()
    encoder.close()
    assert media_threads() == []
    assert os.listdir(tmp_path) == []


def test_closing_delivers_everything_and_ends_the_thread(encoder, receiver):
    for step in range(50):
        encoder.put("image", {"step": step}, drawing())
    encoder.close()
    assert receiver.steps == list(range(50))
    assert media_threads() == []


def test_a_closed_encoder_goes_on_with_the_next_drawing(encoder, receiver):
    for step in range(5):
        encoder.put("image", {"step": step}, drawing())
        encoder.close()
        encoder.close()
    assert receiver.steps == list(range(5))
    assert media_threads() == []


def test_flush_has_a_deadline(encoder, receiver):
    gate = Gate()
    encoder.put("image", {"step": 0}, gate.drawing())
    assert encoder.flush(0.05) is False
    assert encoder.flush(0) is False
    gate.open.set()
    assert encoder.flush(LIMIT_SECS) is True
    assert receiver.steps == [0]


def test_an_encoder_that_nobody_holds_delivers_and_goes(tmp_path, receiver):
    dropped = Encoder(str(tmp_path), receiver)
    gate = Gate()
    dropped.put("image", {"step": 0}, gate.drawing())
    dropped.put("image", {"step": 1}, drawing())
    gone = weakref.ref(dropped)
    del dropped
    gate.open.set()
    wait_until(lambda: gc.collect() >= 0 and gone() is None and not media_threads())
    assert receiver.steps == [0, 1]


def test_what_was_drawn_is_let_go_when_its_file_is_there(encoder):
    class Content(str):
        pass

    content = Content("x" * 1000)
    kept = weakref.ref(content)
    encoder.put("image", {"step": 0}, drawing(content))
    del content
    encoder.flush()
    wait_until(lambda: kept() is None)


@pytest.mark.parametrize("close", [False, True])
def test_many_threads_lose_nothing(encoder, receiver, close):
    """Each keeps its own order, also when the encoder is closed again and again meanwhile."""

    def work(worker: int) -> None:
        for step in range(100):
            encoder.put("image", {"step": step, "worker_id": worker}, drawing(name=f"w{worker}"))
            if close and step % 10 == worker:
                encoder.close()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECS)
    encoder.close()
    for worker in range(8):
        assert [each["step"] for each in receiver.events if each["worker_id"] == worker] == list(range(100))
    assert media_threads() == []


# Memory ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 100)


@pytest.mark.usefixtures("small")
def test_who_comes_when_there_is_no_room_waits_for_it(encoder, receiver):
    gate = Gate()
    encoder.put("image", {"step": 0}, gate.drawing(60))
    encoder.put("image", {"step": 1}, drawing(nbytes=40))
    late = threading.Thread(target=encoder.put, args=("image", {"step": 2}, drawing(nbytes=41)))
    late.start()
    late.join(0.1)
    assert late.is_alive()
    gate.open.set()
    late.join(LIMIT_SECS)
    encoder.flush()
    assert receiver.steps == [0, 1, 2]


@pytest.mark.usefixtures("small")
def test_never_more_than_the_limit_is_held(encoder, receiver):
    """Many threads, each of which finds room at the same time."""
    held = []

    def write(path: str):
        held.append(encoder._put_bytes - encoder._done_bytes)
        return {}

    def work() -> None:
        for step in range(100):
            encoder.put("image", {"step": step}, drawing(nbytes=1 + step % 50, write=write))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECS)
    encoder.flush()
    assert len(receiver.events) == 600
    assert 0 < max(held) <= 100


def test_no_more_than_so_many_wait_however_small_they_are(encoder, receiver, monkeypatch):
    monkeypatch.setattr(module, "MAX_DRAWINGS", 3)
    gate = Gate()
    for step in range(3):
        encoder.put("image", {"step": step}, gate.drawing(0))
    late = threading.Thread(target=encoder.put, args=("image", {"step": 3}, drawing(nbytes=0)))
    late.start()
    late.join(0.1)
    assert late.is_alive()
    gate.open.set()
    late.join(LIMIT_SECS)
    encoder.flush()
    assert receiver.steps == [0, 1, 2, 3]


@pytest.mark.usefixtures("small")
def test_a_drawing_larger_than_the_limit_goes_alone(encoder, receiver):
    for step in range(3):
        encoder.put("image", {"step": step}, drawing(nbytes=1000))
    encoder.flush()
    assert receiver.steps == [0, 1, 2]


# Errors ---------------------------------------------------------------------------------------------------------------


def fail(path: str):
    Path(path).write_text("half")
    raise OSError(28, "No space left on device")


def test_an_error_is_told_at_once_and_raised_by_the_next_flush(encoder, receiver, tmp_path):
    with pytest.warns(LogWarning, match="the image 'eval/frame' of step 7 was not stored: OSError: .*No space left"):
        encoder.put("image", {"step": 7}, drawing(name="eval/frame", write=fail))
        encoder.put("image", {"step": 8}, drawing())
        with pytest.raises(LogWriteError, match="'eval/frame' of step 7 was not stored") as caught:
            encoder.flush()
    assert caught.value.errno == 28
    assert receiver.steps == [8]
    assert files(tmp_path) == ["media/image/a/8.png"]
    assert encoder.flush()


@pytest.mark.filterwarnings("ignore::l2logger.LogWarning")
def test_the_first_of_several_errors_is_raised_with_their_number(encoder):
    for step in range(5):
        encoder.put("image", {"step": step}, drawing(write=fail))
    with pytest.raises(LogWriteError, match="of step 0") as caught:
        encoder.close()
    assert caught.value.__notes__ == ["4 more since the last flush went wrong as well"]
    encoder.close()


def test_where_warnings_are_errors_the_thread_lives_on(encoder, receiver):
    """As in this test, without another word."""
    encoder.put("image", {"step": 0}, drawing(write=fail))
    encoder.put("image", {"step": 1}, drawing())
    with pytest.raises(LogWriteError):
        encoder.flush()
    assert receiver.steps == [1]


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(1), KeyboardInterrupt(), MemoryError()], ids=repr)
def test_whatever_is_raised_the_thread_lives_on(encoder, receiver, error):
    def write(path: str):
        raise error

    with pytest.warns(LogWarning, match=type(error).__name__):
        encoder.put("image", {"step": 0}, drawing(write=write))
        encoder.put("image", {"step": 1}, drawing())
        with pytest.raises(LogWriteError, match=f"was not stored: {type(error).__name__}") as caught:
            encoder.flush()
    assert "in write" in caught.value.__notes__[0]
    assert receiver.steps == [1]


def test_a_signal_that_is_refused_leaves_its_file_and_says_so(tmp_path):
    """Nobody knows whether its line is there: one that points to nothing would be worse."""

    def deliver(kind, event):
        raise LogWriteError(28, "No space left on device")

    encoder = Encoder(str(tmp_path), deliver)
    with pytest.warns(LogWarning, match=r"step 0 is in media/image/a/0\.png, but not in the log: .*No space left"):
        encoder.put("image", {"step": 0}, drawing())
        with pytest.raises(LogWriteError):
            encoder.close()
    assert files(tmp_path) == ["media/image/a/0.png"]


def test_an_error_does_not_hold_what_was_drawn(encoder):
    class Content(str):
        pass

    content = Content("x")
    kept = weakref.ref(content)

    def write(path: str, content=content):
        raise RuntimeError

    with pytest.warns(LogWarning):
        encoder.put("image", {"step": 0}, drawing(write=write))
        del content, write
        with suppress(LogWriteError):
            encoder.flush()
    wait_until(lambda: kept() is None)


FULL = """
import os, resource, signal, sys, warnings
import numpy as np
from matplotlib.figure import Figure
from l2logger.errors import LogWriteError
from l2logger.media.arrays import array
from l2logger.media.encoder import Encoder
from l2logger.media.figures import figure
from l2logger.media.images import image
from l2logger.media.videos import video

warnings.simplefilter("ignore")
root = sys.argv[1]
frames = np.random.default_rng(0).integers(0, 256, (9, 40, 32, 3), dtype=np.uint8)
drawings = {
    "image": lambda: image("x", frames[0]),
    "video": lambda: video("x", frames),
    "gif": lambda: video("x", frames, format="gif"),
    "array": lambda: array("x", frames / 255),
    "figure": lambda: figure("x", Figure()),
}
delivered = []
encoder = Encoder(root, lambda kind, event: delivered.append(event["path"]))
refused = 0
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for kind, draw in drawings.items():
    draw().write(os.path.join(root, "whole"))
    size = os.path.getsize(os.path.join(root, "whole"))
    os.unlink(os.path.join(root, "whole"))
    for limit in [0, 1, 100, size // 2, size - 500, size - 1, size]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        encoder.put(kind, {"step": limit}, draw())
        try:
            encoder.flush()
        except LogWriteError as error:
            refused += 1
            assert error.errno in (27, None), error
            last = None
        else:
            last = delivered[-1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert last, kind
found = sorted(os.path.relpath(os.path.join(place, name), root) for place, _, names in os.walk(root) for name in names)
assert found == sorted(delivered), (found, delivered)
print(refused, len(delivered))
"""


def test_a_file_that_does_not_fit_leaves_no_half_and_no_signal(tmp_path):
    """For each kind, refused at several places: at its beginning, in the middle, at its last byte."""
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    refused, delivered = map(int, done.stdout.split())
    assert refused + delivered == 35
    assert delivered >= 5
    assert refused >= 25


# The thread itself ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
def test_deliver_may_do_anything_with_the_encoder(tmp_path):
    """A mirror or a processor in its thread cannot make it wait for itself."""
    steps = []

    def deliver(kind, event):
        steps.append(event["step"])
        if event["step"] < 3:
            encoder.put("image", {"step": event["step"] + 1}, drawing(nbytes=99))
            encoder.put("image", {"step": 9}, drawing(nbytes=99))
            assert encoder.flush() is False
            encoder.close()

    encoder = Encoder(str(tmp_path), deliver)
    encoder.put("image", {"step": 0}, drawing())
    encoder.close()
    assert sorted(steps) == [0, 1, 2, 3, 9, 9, 9]


def test_where_no_thread_can_be_started_the_caller_does_the_work(encoder, receiver, monkeypatch):
    start = threading.Thread.start

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    encoder.put("image", {"step": 0}, drawing())
    assert receiver.steps == [0]
    assert receiver.threads == {threading.current_thread()}
    assert encoder.flush()
    monkeypatch.setattr(threading.Thread, "start", start)
    encoder.put("image", {"step": 1}, drawing())
    encoder.close()
    assert receiver.steps == [0, 1]
    assert len(receiver.threads) == 2


def test_what_killed_processes_left_is_swept_by_the_first_drawing(encoder, tmp_path):
    left = tmp_path / "media" / ".1-1.tmp"
    left.parent.mkdir()
    left.write_text("half")
    encoder.put("image", {"step": 0}, drawing())
    encoder.flush()
    assert files(tmp_path) == ["media/image/a/0.png"]


# Interrupts -----------------------------------------------------------------------------------------------------------


@contextmanager
def alarm(handler, secs: float, again: float = 0.0):
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, secs, again)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def interrupt(*_) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("small")
def test_ctrl_c_ends_the_wait_for_room_and_says_so(encoder, receiver):
    gate = Gate()
    encoder.put("image", {"step": 0}, gate.drawing(100))
    with alarm(interrupt, 0.05), pytest.raises(KeyboardInterrupt):
        encoder.put("image", {"step": 1}, drawing())
    gate.open.set()
    encoder.put("image", {"step": 2}, drawing(nbytes=100))
    encoder.close()
    assert receiver.steps == [0, 2]


@pytest.mark.parametrize("verb", ["flush", "close"])
def test_ctrl_c_ends_the_wait_for_delivery_and_loses_nothing(encoder, receiver, verb):
    gate = Gate()
    encoder.put("image", {"step": 0}, gate.drawing())
    with alarm(interrupt, 0.05), pytest.raises(KeyboardInterrupt):
        getattr(encoder, verb)()
    gate.open.set()
    encoder.put("image", {"step": 1}, drawing())
    encoder.close()
    assert receiver.steps == [0, 1]


@pytest.mark.usefixtures("small")
def test_a_signal_handler_may_log_while_its_thread_waits_for_room(encoder, receiver):
    gate = Gate()

    def handler(*_):
        gate.open.set()
        encoder.put("image", {"step": 100}, drawing(nbytes=50))
        encoder.flush()

    encoder.put("image", {"step": 0}, gate.drawing(100))
    with alarm(handler, 0.05):
        encoder.put("image", {"step": 1}, drawing(nbytes=60))
    encoder.close()
    assert sorted(receiver.steps) == [0, 1, 100]


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("verb", ["put", "flush", "close"])
def test_signal_handlers_at_any_moment_neither_hang_nor_lose(encoder, receiver, verb):
    """Thousands of times, wherever the main thread happens to be, also within another handler."""
    luck = random.Random(0)
    handled = []
    within = []

    def handler(*_):
        within.append(True)
        if len(within) < 3 and luck.random() < 0.2:
            signal.setitimer(signal.ITIMER_REAL, luck.uniform(1e-6, 0.001))
        encoder.put("image", {"step": -1}, drawing(nbytes=10))
        if verb != "put":
            getattr(encoder, verb)()
        within.pop()
        handled.append(True)
        signal.setitimer(signal.ITIMER_REAL, luck.uniform(1e-6, 0.003))

    step = 0
    with alarm(handler, 0.001):
        while len(handled) < 1500:
            encoder.put("image", {"step": step}, drawing(nbytes=step % 30))
            step += 1
            if step % 20 == 0:
                encoder.close()
    encoder.close()
    assert [step for step in receiver.steps if step >= 0] == list(range(step))
    assert receiver.steps.count(-1) == len(handled)
    assert encoder._put_bytes == encoder._done_bytes
    assert media_threads() == []


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_ctrl_c_at_any_moment_loses_nothing_silently(encoder, receiver):
    """What is raised may be delivered or not; what is not raised is."""
    luck = random.Random(0)
    logged = []
    interrupted = 0
    with alarm(interrupt, 0):
        for step in range(4000):
            try:
                signal.setitimer(signal.ITIMER_REAL, luck.uniform(1e-6, 2e-4))
                encoder.put("image", {"step": step}, drawing(nbytes=step % 30))
                logged.append(step)
                if step % 10 == 0:
                    encoder.close()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupted += 1
    encoder.close()
    assert interrupted > 1000
    assert set(logged) <= set(receiver.steps)
    assert receiver.steps == sorted(set(receiver.steps))


# Forks ----------------------------------------------------------------------------------------------------------------


def in_child(action) -> int:
    """Run something in a forked child that leaves as multiprocessing's children do; return its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(BaseException):
            action()
            code = 0
        os._exit(code)
    deadline = time.monotonic() + LIMIT_SECS
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("the child hangs")


@needs_fork
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_forked_child_starts_clean_and_the_parent_goes_on(encoder, receiver, tmp_path):
    gate = Gate()
    encoder.put("image", {"step": 0}, gate.drawing())
    encoder.put("image", {"step": 1}, drawing())
    assert gate.reached.wait(LIMIT_SECS)

    def child() -> None:
        encoder.after_fork()
        assert encoder.flush()
        encoder.put("image", {"step": 7}, drawing("child"))
        encoder.close()
        assert receiver.steps == [7]

    assert in_child(child) == 0
    gate.open.set()
    encoder.close()
    assert receiver.steps == [0, 1]
    assert files(tmp_path) == [f"media/image/a/{step}.png" for step in (0, 1, 7)]


@needs_fork
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_forks_in_the_midst_of_encoding_hang_nobody(tmp_path):
    """With libx264 and Pillow at work in the parent, and in the child."""
    import numpy as np

    from l2logger.media.images import image
    from l2logger.media.videos import video

    steps = []
    encoder = Encoder(str(tmp_path), lambda kind, event: steps.append(event["step"]))
    frames = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)

    def child() -> None:
        encoder.after_fork()
        steps.clear()
        encoder.put("image", {"step": 0}, image("child", frames[0]))
        encoder.put("video", {"step": 1}, video("child", frames[:3]))
        encoder.close()
        assert steps == [0, 1]

    for step in range(60):
        encoder.put("video", {"step": step}, video("x", frames))
        assert in_child(child) == 0
    encoder.close()
    assert steps == list(range(60))


def log_images(logger, worker_id: str) -> None:
    import numpy as np

    for step in range(20):
        logger.bind(worker_id=worker_id).log_image("x", np.full((60, 60), step, np.uint8), step)


@needs_fork
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_processes_that_share_a_logger_lose_nothing_when_they_end(make):
    """F-066: children of multiprocessing leave without the hooks of atexit, and none of them closes the logger."""
    logger = make()
    log_images(logger, "parent")
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=log_images, args=(logger, f"child-{number}")) for number in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(LIMIT_SECS)
        assert child.exitcode == 0
    logger.flush()
    for worker in ("parent", "child-0", "child-1", "child-2"):
        lines = Path(logger.scenario_dir, "signals", f"{worker}.jsonl").read_text().splitlines()
        assert [json.loads(line)["step"] for line in lines] == list(range(20))
    assert len(list(Path(logger.scenario_dir, "media", "image", "x").iterdir())) == 80


# The end of the script ------------------------------------------------------------------------------------------------

LOG = """
import sys
import numpy as np
from l2logger import DataLogger
from l2logger.signals import KINDS
from l2logger.sinks import Sink

class Mirror(Sink):
    kinds = KINDS
    isolate = sys.argv[2]
    def open(self, run): self.got = []
    def write(self, signal): self.got.append(signal.fields["step"])
    def close(self): print("mirror", self.got == list(range(30)), flush=True)

logger = DataLogger(sys.argv[1], "run", {"metrics_columns": ["reward"]}, sinks=[Mirror()])
def log():
    for step in range(30):
        logger.log_image("x", np.full((200, 200, 3), step, np.uint8), step)
"""

ENDS = {
    "by itself": "log()",
    "by an error": "log(); raise RuntimeError('expected')",
    "by sys.exit": "log(); sys.exit(3)",
    "by Ctrl-C": "log(); import os, signal; os.kill(os.getpid(), signal.SIGINT)",
    "while a thread logs": "import threading; threading.Thread(target=log).start()",
    "while a pool logs": "import concurrent.futures as f; f.ThreadPoolExecutor().submit(log)",
    "with the logger deleted": "log(); del logger",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("isolate", ["thread", "none"])
def test_a_script_that_ends_without_closing_has_delivered_everything(end, isolate, tmp_path):
    """And mirrors, which are closed then, get it before."""
    done = subprocess.run(
        [sys.executable, "-c", LOG + end, str(tmp_path), isolate], capture_output=True, text=True, timeout=60
    )
    [run] = tmp_path.iterdir()
    lines = (run / "signals" / "worker-default.jsonl").read_text().splitlines()
    assert len(lines) == 30, done.stderr
    assert len(list((run / "media" / "image" / "x").iterdir())) == 30
    if "del logger" not in end or isolate == "thread":
        assert done.stdout == "mirror True\n", done.stderr
    assert "Exception ignored" not in done.stderr


AT_EXIT = """
import atexit, sys
from pathlib import Path
from l2logger.media.drawing import Drawing
from l2logger.media.encoder import Encoder

encoder = Encoder(sys.argv[1], lambda kind, event: print(event["step"], flush=True))
def log(step):
    encoder.put("image", {"step": step}, Drawing({"name": "a"}, ".png", 1, lambda path: {}))
atexit.register(log, 2)
log(1)
"""


def test_what_is_logged_by_a_hook_of_the_end_is_delivered_too(tmp_path):
    """From Python 3.12 on no thread can be started then, and before it would be cut off."""
    done = subprocess.run([sys.executable, "-c", AT_EXIT, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("1\n2\n", "")


HOOKS = """
from l2logger import exits

def say(word):
    def hook():
        print(word, flush=True)
        raise RuntimeError(word)
    return hook

def stop():
    print(exits.has_begun(), flush=True)
    raise KeyboardInterrupt

exits.register(say("late"))
exits.register(stop, early=True)
exits.register(say("later"))
exits.register(say("early"), early=True)
exits.register(stop, early=True)
print(exits.has_begun(), flush=True)
"""


def test_hooks_of_the_end_are_called_once_in_their_order_whatever_one_does():
    done = subprocess.run([sys.executable, "-c", HOOKS], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "True", "early", "late", "later"], done.stderr


# Without end ----------------------------------------------------------------------------------------------------------

CAMERA = """
import sys, threading
import numpy as np
from l2logger import DataLogger

logger = DataLogger(sys.argv[1], "run", {"metrics_columns": ["reward"]})
frame = np.zeros((64, 64, 3), np.uint8)
logger.log_image("first", frame)
begun = threading.Event()
def film():
    step = 0
    while True:
        logger.log_image("camera", frame, step)
        begun.set()
        step += 1
threading.Thread(target=film, daemon=True).start()
begun.wait()
logger.log_image("last", frame)
"""


@pytest.mark.slow
@pytest.mark.parametrize("end", ["", "logger.close()", "logger.flush()", "logger.close(); logger.close()"])
def test_a_daemon_thread_that_never_stops_logging_keeps_no_script_from_ending(end, tmp_path):
    """What was put before the end is delivered."""
    done = subprocess.run([sys.executable, "-c", CAMERA + end, str(tmp_path)], capture_output=True, timeout=LIMIT_SECS)
    assert done.returncode == 0, done.stderr
    [run] = tmp_path.iterdir()
    names = {json.loads(line)["name"] for line in (run / "signals" / "worker-default.jsonl").read_text().splitlines()}
    assert names == {"first", "camera", "last"}


@pytest.mark.usefixtures("small")
def test_closing_while_others_go_on_delivers_what_was_there(encoder, receiver):
    stop, going = threading.Event(), threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            encoder.put("image", {"step": -1}, drawing(name="b"))
            going.set()

    other = threading.Thread(target=go_on)
    other.start()
    try:
        assert going.wait(LIMIT_SECS)
        for step in range(5):
            encoder.put("image", {"step": step}, drawing())
            encoder.close()
            assert step in receiver.steps
    finally:
        stop.set()
        other.join(LIMIT_SECS)
    encoder.close()
    assert len(receiver.steps) == encoder._done_count
    assert [step for step in receiver.steps if step >= 0] == list(range(5))
    assert media_threads() == []
