"""Kill -9 torture of media: children log, the parent kills them at random times and goes on in the same run.

Run it as ``python tests/torture_media.py --kills 300``. Each child resumes the run and logs images, videos and arrays;
now and then it flushes and then acknowledges through a pipe all it has logged. The parent kills it during the resuming,
before the first acknowledgement, later, or while a file is being written, and then reads each new line of ``signals/``
and the file that it points to, with code of its own. It prints one line of figures and exits with 1 if a line points to
a file that is missing, half or another one, or if a line that was acknowledged is missing.

``orphans`` are files without a line: the child was killed between the two. ``left`` counts temporary files of killed
children, ``unswept`` those that the next child to write a file did not remove.
"""

import argparse
import json
import os
import random
import select
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import av
import numpy as np
from drawn import frames, png
from torture import remove, start

from l2logger import DataLogger
from l2logger.errors import LogWarning

KILLS_PER_RUN = 50
PATIENCE_SECS = 60.0
READY, FLUSHED = b"R", b"F"
MESSAGE = struct.Struct("<cQ")
KINDS = ("image", "image", "video", "gif", "array")
PHASES = ("resume", "first", "later", "write")

WRONG = ("missing", "half", "changed", "lost", "lost_at_once", "duplicated", "unswept", "failed")


def content(serial: int) -> np.ndarray:
    """Return what is logged under a number: other pixels for each."""
    luck = np.random.default_rng(serial)
    size = int(luck.choice([8, 60, 300]))
    if KINDS[serial % len(KINDS)] in ("video", "gif"):
        levels = luck.integers(0, 256, (int(luck.integers(1, 12)), 1, 1, 3), dtype=np.uint8)
        return np.broadcast_to(levels, (len(levels), 32, 48, 3))
    return luck.integers(0, 256, (size, size, 3), dtype=np.uint8)


def log(logger: Any, serial: int) -> None:
    kind = KINDS[serial % len(KINDS)]
    handle = logger.bind(worker_id=f"w{serial % 2}")
    if kind == "image":
        handle.log_image("eval/frame", content(serial), serial)
    elif kind == "array":
        handle.log_array("weights", content(serial), serial)
    else:
        handle.log_video("episode", content(serial), serial, format="gif" if kind == "gif" else "mp4")


# The child ------------------------------------------------------------------------------------------------------------


def log_until_killed(directory: str, kill: int, pipe: int) -> None:
    """Resume the run and log, acknowledging what was flushed."""
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", LogWarning)  # a line that was cut off
    luck = random.Random(kill)
    logger = DataLogger.resume(directory)
    os.write(pipe, MESSAGE.pack(READY, 0))
    for serial in range(kill << 16, (kill << 16) + 5000):
        log(logger, serial)
        if luck.random() < 0.2:
            logger.flush()
            os.write(pipe, MESSAGE.pack(FLUSHED, serial + 1))
    time.sleep(PATIENCE_SECS)


# The parent -----------------------------------------------------------------------------------------------------------


def kill_one(directory: str, kill: int, luck: random.Random) -> tuple[int, bool]:
    """Run one child to its violent end; return up to which number it has acknowledged, and whether it had to be
    killed."""
    phase = luck.choices(PHASES, [10, 20, 35, 35])[0]
    child, pipe = start(log_until_killed, directory, kill)
    data = b""
    begin = time.monotonic()
    secs = {"resume": 0.01, "first": 0.05, "later": 0.3, "write": 0.1}[phase] * luck.random()
    deadline = begin + (secs if phase == "resume" else PATIENCE_SECS)
    try:
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([pipe], [], [], left)[0]:
                continue
            if not (more := os.read(pipe, 1 << 16)):
                break  # It ended by itself, which it should not.
            if not data and phase != "resume":
                deadline = time.monotonic() + secs
            data += more
        if phase == "write":
            wait_for_a_file_in_the_making(directory, luck)
    finally:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        while more := os.read(pipe, 1 << 16):
            data += more
        os.close(pipe)
    told = [serial for what, serial in MESSAGE.iter_unpack(data) if what == FLUSHED]
    return max(told, default=kill << 16), os.WIFSIGNALED(status) and time.monotonic() < begin + PATIENCE_SECS


def temporaries(directory: str) -> list[Path]:
    return list(Path(directory, "media").glob(".*.tmp"))


def wait_for_a_file_in_the_making(directory: str, luck: random.Random) -> None:
    """Return a moment after there is a new temporary file, or after a while."""
    before = set(temporaries(directory))
    deadline = time.monotonic() + 0.1
    while set(temporaries(directory)) <= before and time.monotonic() < deadline:
        pass
    moment = time.monotonic() + luck.uniform(0, 0.003)
    while time.monotonic() < moment:
        pass


class Examiner:
    """Reads lines, and the files that they point to, from where the last whole line ended."""

    def __init__(self, directory: str) -> None:
        self.directory = Path(directory)
        self.figures: Counter[str] = Counter()
        self.stored: Counter[int] = Counter()
        self.paths: set[str] = set()
        self._ends: dict[Path, int] = {}

    def look(self) -> None:
        """Read what is new."""
        for path in self.directory.glob("signals/*.jsonl"):
            with path.open("rb") as file:
                file.seek(self._ends.get(path, 0))
                data = file.read()
            whole = data.rfind(b"\n") + 1
            self._ends[path] = self._ends.get(path, 0) + whole
            for line in data[:whole].splitlines():
                self._check(line)

    def _check(self, line: bytes) -> None:
        event = parsed(line)
        if event is None:
            self.figures["torn"] += 1
            return
        self.stored[event["step"]] += 1
        self.paths.add(event["path"])
        path = self.directory / event["path"]
        if not path.exists():
            self.figures["missing"] += 1
            return
        try:
            right = is_as_logged(event, path)
        except (OSError, ValueError, SyntaxError, EOFError):
            traceback.print_exc()
            self.figures["half"] += 1
        else:
            self.figures["changed"] += not right

    def finish(self) -> Counter[str]:
        """Resume the run once more, read all of it anew, and return the figures."""
        serial = 1 << 60
        with DataLogger.resume(str(self.directory)) as logger:
            log(logger, serial)
        self.look()
        again = Examiner(str(self.directory))
        again.look()
        for name in ("missing", "half", "changed", "torn"):
            self.figures[name] = max(self.figures[name], again.figures[name])
        there = {
            str(path.relative_to(self.directory)) for path in self.directory.glob("media/*/**/*") if path.is_file()
        }
        self.figures.update(
            lines=len(again.stored),
            lost=sum(serial not in again.stored for serial in self.stored),
            duplicated=sum(count - 1 for count in again.stored.values()),
            orphans=len(there - again.paths),
            unswept=len(temporaries(str(self.directory))),
        )
        return self.figures


def parsed(line: bytes) -> dict[str, Any] | None:
    """Return the signal of a line, or the one behind a piece that a killed process left; None if there is only a
    piece."""
    begin = 0
    while begin >= 0:
        try:
            found: dict[str, Any] = json.loads(line[begin:])
        except ValueError:
            begin = line.find(b'{"kind": "', begin + 1)
        else:
            return found
    return None


def is_as_logged(event: dict[str, Any], path: Path) -> bool:
    given = content(event["step"])
    if event["kind"] == "image":
        return np.array_equal(png(path), given)
    if event["kind"] == "array":
        return np.array_equal(np.load(path, allow_pickle=False), given)
    found = frames(path)
    return found.shape == given.shape and int(np.abs(found.astype(int) - given).max()) <= 6


def torture(kills: int, seed: int, base: str) -> Counter[str]:
    """Kill `kills` children and return what was counted."""
    luck = random.Random(seed)
    names = ["kills", "acknowledged", "lines", *WRONG, "orphans", "torn", "left"]
    figures: Counter[str] = Counter(dict.fromkeys(names, 0))
    for first in range(0, kills, KILLS_PER_RUN):
        with DataLogger(base, "torture", {"metrics_columns": ["reward"]}) as logger:
            directory = logger.scenario_dir
        examiner = Examiner(directory)
        before: set[Path] = set()
        for kill in range(first + 1, min(first + KILLS_PER_RUN, kills) + 1):
            acknowledged, killed = kill_one(directory, kill, luck)
            figures["kills"] += killed
            if not killed:
                figures["failed"] += 1
                break  # It would fail again, and has said why.
            examiner.look()
            told = range(kill << 16, acknowledged)
            figures["acknowledged"] += len(told)
            figures["lost_at_once"] += sum(serial not in examiner.stored for serial in told)
            left = set(temporaries(directory))
            figures["left"] += len(left - before)
            figures["unswept"] += len(left & before) if told else 0
            before = left
        figures.update(examiner.finish())
        remove(directory)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None, help="of the choices; the timing is never the same")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    begin = time.monotonic()
    av.logging.set_level(None)
    with tempfile.TemporaryDirectory(prefix="torture-") as base:
        figures = torture(options.kills, seed, base)
    words = " ".join(f"{name}={count}" for name, count in figures.items())
    print(f"seed={seed} {words} secs={time.monotonic() - begin:.1f}")
    return int(any(figures[name] for name in WRONG))


if __name__ == "__main__":
    sys.exit(main())
