"""Kill -9 torture: children log and acknowledge, the parent kills them at random times and goes on in the same run.

Run it as ``python tests/torture.py --kills 1000``. Each child resumes the run, logs for several workers, and
acknowledges every row through a pipe once `log_record` has returned. The parent kills it during the resuming, the first
rows, the change of a block, or the middle of a large write, reads the files with code of its own, and starts the next
child. It prints one line of figures and exits with 1 if a row was lost, duplicated, changed or out of order.
"""

import argparse
import functools
import os
import random
import select
import signal
import statistics
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reading import parse

from l2logger import DataLogger
from l2logger.errors import L2LoggerError, LogWarning

WORKERS = ("w0", "w1", "w2")
KILLS_PER_RUN = 100
PATIENCE_SECS = 60.0
LARGE_BYTES_PER_CHILD = 4_000_000

PHASES = ("resume", "first", "rows")
READY, ACKNOWLEDGED = b"R", b"A"
MESSAGE = struct.Struct("<cBQQ")

# Quotes, tabs and line ends inside of a cell; and lines that look like rows of the log, cell for cell.
PROSE = 'a "quoted"\tword, a line\nand another ☃\r\n'
EXCERPT = "0\t1\tw0\ttrain\twake\tTask_a\t{}\tcomplete\tnow\t1\t2\t\t3\n"


def text_of(serial: int, size: int) -> str:
    """Return the text of a row, which can be told from that of any other row."""
    pattern = PROSE if serial % 8 == 0 else EXCERPT
    return f"{serial}:{repeated(pattern, size)}"


@functools.cache
def repeated(pattern: str, size: int) -> str:
    return (pattern * (size // len(pattern) + 1))[:size]


@dataclass(frozen=True)
class Plan:
    """What one child does and when it is killed.

    Attributes:
        kill: Number of the child.
        size: Characters of the text of its large rows.
        large: Part of its rows that are large.
        switches: How often it moves to a new block.
        phase: What it is killed in: "resume", the "first" row, "rows" after it, or a "write" that is under way.
        wait: When it is killed, as a part of the usual length of this phase.
        luck: Seed of its own choices.
    """

    kill: int
    size: int
    large: float
    switches: int
    phase: str
    wait: float
    luck: int


def plan(kill: int, luck: random.Random) -> Plan:
    phase = luck.choices(["resume", "first", "rows", "write"], [20, 20, 45, 15])[0]
    return Plan(
        kill=kill,
        size=500_000 if phase == "write" else luck.choices([0, 20_000, 500_000], [40, 40, 20])[0],
        large=1.0 if phase == "write" else luck.choice([0.3, 1.0]),
        switches=luck.choices([0, 1, 3], [70, 20, 10])[0],
        phase=phase,
        wait=luck.uniform(0, 1.2),
        luck=luck.getrandbits(32),
    )


# The child ------------------------------------------------------------------------------------------------------------


def log_until_killed(directory: str, todo: Plan, pipe: int) -> None:
    """Resume the run and log rows, each acknowledged once it counts as logged."""
    warnings.simplefilter("error")
    repairs = []
    warnings.filterwarnings("always", category=LogWarning)
    warnings.showwarning = lambda *about, **_: repairs.append(about)
    luck = random.Random(todo.luck)
    logger = DataLogger.resume(directory)
    exp_num = logger.next_exp_num
    block_num = max((each.block_num for each in logger.progress.values()), default=0)
    os.write(pipe, MESSAGE.pack(READY, len(repairs), exp_num, 0))
    switch_at = {luck.randrange(12) for _ in range(todo.switches)}
    serial = todo.kill << 32
    written = 0
    for number in range(20_000):
        if number in switch_at:
            block_num += 1
        worker = number % len(WORKERS) if luck.random() < 0.8 else luck.randrange(len(WORKERS))
        size = todo.size if written < LARGE_BYTES_PER_CHILD and luck.random() < todo.large else luck.choice([0, 0, 80])
        for status in ["incomplete", "complete"] if luck.random() < 0.2 else ["complete"]:
            logger.log_record(
                block_num=block_num,
                exp_num=exp_num,
                worker_id=WORKERS[worker],
                block_type="train",
                task_name="Task_a",
                task_params={"gravity": 9.8} if block_num % 2 else {},
                exp_status=status,
                reward=serial / 8,
                serial=serial,
                size=size,
                text=text_of(serial, size),
            )
            os.write(pipe, MESSAGE.pack(ACKNOWLEDGED, worker, exp_num, serial))
            serial += 1
            written += size
        exp_num += 1
    time.sleep(PATIENCE_SECS)


def start(work: Callable[..., None], *todo: Any) -> tuple[int, int]:
    """Fork a child that works until it is killed; return its process and the end of its pipe to read from.

    Args:
        work: What it does; gets the end of the pipe to write to as its last argument.
        todo: The arguments before.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        os.close(reading)
        work(*todo, writing)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(3)


# The parent -----------------------------------------------------------------------------------------------------------


@dataclass
class Told:
    """What a child has told before its end."""

    next_exp_num: int | None = None
    serials: list[int] = field(default_factory=list)
    phase_secs: dict[str, float] = field(default_factory=dict)
    killed: bool = False

    @property
    def phase(self) -> str:
        """The phase it was in at its end."""
        return "rows" if self.serials else "resume" if self.next_exp_num is None else "first"

    def understand(self, data: bytes) -> bytes:
        """Take whole messages from `data`; return the rest."""
        whole = len(data) - len(data) % MESSAGE.size
        for kind, _, exp_num, serial in MESSAGE.iter_unpack(data[:whole]):
            if kind == READY:
                self.next_exp_num = exp_num
            else:
                self.serials.append(serial)
        return data[whole:]


def kill_one(directory: str, todo: Plan, usual_secs: dict[str, float]) -> Told:
    """Run one child to its violent end."""
    told = Told()
    rest = b""
    child, pipe = start(log_until_killed, directory, todo)
    begin = time.monotonic()
    phase = "resume"
    deadline = begin + (usual_secs[phase] * todo.wait if todo.phase == phase else PATIENCE_SECS)
    try:
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([pipe], [], [], left)[0]:
                continue
            if not (data := os.read(pipe, 1 << 16)):
                break  # It ended by itself, which it should not.
            rest = told.understand(rest + data)
            if told.phase != phase:
                now = time.monotonic()
                told.phase_secs[phase], begin, phase = now - begin, now, told.phase
                if phase == "rows" or phase == todo.phase:
                    deadline = now + usual_secs[phase] * todo.wait * (todo.phase != "write")
        if todo.phase == "write":
            wait_for_growth(directory)
    finally:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        while data := os.read(pipe, 1 << 16):
            rest = told.understand(rest + data)
        os.close(pipe)
    told.killed = os.WIFSIGNALED(status) and time.monotonic() < begin + PATIENCE_SECS
    return told


def wait_for_growth(directory: str) -> None:
    """Return when a file of the run has just become longer, or after a while."""
    paths = sorted(Path(directory).glob("*/*/data-log.tsv"), key=os.path.getmtime)[-len(WORKERS) :]
    before = [path.stat().st_size for path in paths]
    deadline = time.monotonic() + 0.01
    while before == [os.stat(path).st_size for path in paths] and time.monotonic() < deadline:
        pass


def end_of_rows(data: bytes) -> int:
    """Return where the last whole row ends: behind the last newline that is not in quotes."""
    end = position = 0
    for number, piece in enumerate(data.split(b'"')):
        if number % 2 == 0 and b"\n" in piece:
            end = position + piece.rindex(b"\n") + 1
        position += len(piece) + 1
    return end


class Examiner:
    """Reads the files of a run after each kill, from where the last whole row ended."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.figures: Counter[str] = Counter()
        self.stored: Counter[int] = Counter()
        self.acknowledged: set[int] = set()
        self._headers: dict[Path, bytes] = {}
        self._ends: dict[Path, int] = {}
        self._pieces: dict[Path, bytes] = {}
        self._last: dict[str, dict[str, str]] = {}

    @property
    def next_exp_num(self) -> int:
        return max((int(row["exp_num"]) + (row["exp_status"] == "complete") for row in self._last.values()), default=0)

    def look(self) -> None:
        """Read what is new."""
        new = []
        for path in Path(self.directory).glob("*/*/data-log.tsv"):
            end = self._ends.get(path, 0)
            if (size := path.stat().st_size) < end:
                self.figures["changed"] += 1  # More than a torn piece was cut off.
            data = b""
            if size > end:
                with path.open("rb") as file:
                    file.seek(end)
                    data = file.read()
            if (piece := self._pieces.get(path)) is not None and piece != data:
                # It is gone from the file, so it must have been kept beside it.
                kept = path.with_name("data-log.tsv.torn")
                self.figures["repaired"] += kept.exists() and piece in kept.read_bytes()
                del self._pieces[path]
            if whole := end_of_rows(data):
                header = self._headers.setdefault(path, data[: data.index(b"\n") + 1])
                new += parse((header if end else b"") + data[:whole])
                self._ends[path] = end + whole
            if data[whole:] and path not in self._pieces:
                self.figures["torn"] += 1
                self._pieces[path] = data[whole:]
        self._add(new)

    def _add(self, rows: list[dict[str, str]]) -> None:
        whole = [row for row in rows if is_as_logged(row)]
        self.figures["changed"] += len(rows) - len(whole)
        for row in sorted(whole, key=lambda row: int(row["block_num"])):
            self.stored[int(row["serial"])] += 1
            last = self._last.get(row["worker_id"])
            self.figures["out_of_order"] += last is not None and not follows(row, last)
            self._last[row["worker_id"]] = row

    def compare(self, told: Told) -> None:
        """Hold what a child said against what is in the files."""
        self.acknowledged.update(told.serials)
        self.figures["lost_at_once"] += sum(serial not in self.stored for serial in told.serials)

    def finish(self) -> Counter[str]:
        """Repair the run by resuming it once more, read all of it anew, and return the figures."""
        self.look()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LogWarning)
            try:
                DataLogger.resume(self.directory).close()
            except L2LoggerError:
                traceback.print_exc()
                self.figures["failed"] += 1
        self.look()
        again = Examiner(self.directory)
        again.look()
        for name in ("out_of_order", "changed"):
            self.figures[name] = max(self.figures[name], again.figures[name])
        self.figures.update(
            acknowledged=len(self.acknowledged),
            lost=sum(serial not in again.stored for serial in self.acknowledged),
            duplicated=sum(count - 1 for count in again.stored.values()),
            unacknowledged=sum(serial not in self.acknowledged for serial in again.stored),
            unrepaired=again.figures["torn"] + len(self._pieces),
            files=len(again._ends),
        )
        return self.figures


def is_as_logged(row: dict[str, str]) -> bool:
    if None in row or None in row.values() or not all(row[name].isdigit() for name in ("block_num", "serial", "size")):
        return False
    serial = int(row["serial"])
    return (
        row["text"] == text_of(serial, int(row["size"]))
        and float(row["reward"]) == serial / 8
        and row["task_params"] == ('{"gravity": 9.8}' if int(row["block_num"]) % 2 else "{}")
    )


def follows(row: dict[str, str], last: dict[str, str]) -> bool:
    """Return whether a row may come after the `last` one of the same worker."""
    if int(row["serial"]) <= int(last["serial"]) or int(row["block_num"]) < int(last["block_num"]):
        return False
    gap = int(row["exp_num"]) - int(last["exp_num"])
    return gap > 0 or (gap == 0 and last["exp_status"] == "incomplete")


WRONG = ("lost", "lost_at_once", "duplicated", "out_of_order", "changed", "misplaced", "unrepaired", "failed")


def torture(kills: int, seed: int, base: str) -> Counter[str]:
    """Kill `kills` children and return what was counted."""
    luck = random.Random(seed)
    figures: Counter[str] = Counter(dict.fromkeys(["kills", "acknowledged", *WRONG, "torn", "repaired"], 0))
    lately = {phase: deque([0.003], maxlen=15) for phase in PHASES}
    for first in range(0, kills, KILLS_PER_RUN):
        with DataLogger(base, "torture", {"metrics_columns": ["reward", "serial", "size", "text"]}) as logger:
            directory = logger.scenario_dir
        examiner = Examiner(directory)
        for kill in range(first, min(first + KILLS_PER_RUN, kills)):
            usual_secs = {phase: statistics.median(secs) for phase, secs in lately.items()}
            told = kill_one(directory, plan(kill, luck), usual_secs)
            for phase, secs in told.phase_secs.items():
                lately[phase].append(secs)
            figures["misplaced"] += told.next_exp_num not in (None, examiner.next_exp_num)
            figures["kills"] += told.killed
            if not told.killed:
                figures["failed"] += 1
                break  # It would fail again, and has said why.
            figures[f"killed_in_{told.phase}"] += 1
            examiner.look()
            examiner.compare(told)
        figures.update(examiner.finish())
        remove(directory)
    figures["unrepaired"] += figures["torn"] - figures["repaired"]
    return figures


def remove(directory: str) -> None:
    """Delete a run that has been counted, so that the disk is not filled with them."""
    for path in sorted(Path(directory).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    Path(directory).rmdir()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None, help="of the choices; the timing is never the same")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torture-") as base:
        figures = torture(options.kills, seed, base)
    words = " ".join(f"{name}={count}" for name, count in figures.items())
    print(f"seed={seed} {words} secs={time.monotonic() - begin:.1f}")
    return int(any(figures[name] for name in WRONG))


if __name__ == "__main__":
    sys.exit(main())
