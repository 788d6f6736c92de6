"""Disks that are really full: a limit on the size of files, a file system of 64 kB, no more file descriptors.

Limits are those of a whole process, so most of these tests run in one of their own: each is a function here, called by
name, and what it returns is held against what there should be.
"""

import contextlib
import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from reading import data_log, files, parse, record, rows

from l2logger import DataLogger
from l2logger.errors import DirectoryError, LogWriteError

METRICS = {"metrics_columns": ["reward"]}
NOTE = 'two\nlines and a "quote" ☃'


def alone(scene: Any, *arguments: Any, within: list[str] = []) -> dict[str, Any]:  # noqa: B006
    """Call a function of this file in a process of its own, where warnings are errors; return what it returns.

    Args:
        scene: The function.
        arguments: For it, as text.
        within: A command that runs the one after it.
    """
    code = f"import json, test_full_disk as t; print(json.dumps(t.{scene.__name__}(*{list(map(str, arguments))!r})))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(
        [*within, sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Attempts:
    """Logs records and keeps count of what became of them."""

    def __init__(self, logger: DataLogger) -> None:
        self.logger = logger
        self.accepted: list[int] = []
        self.refused: list[int] = []
        self.errors: set[str] = set()
        self.exp_num = 0

    def log(self, **more: Any) -> bool:
        """Log the next record; return whether it was accepted."""
        try:
            self.logger.log_record(record(self.exp_num, note=NOTE, **more))
        except LogWriteError as error:
            self.errors.add(errno.errorcode[error.errno or 0])
            self.refused.append(self.exp_num)
            return False
        self.accepted.append(self.exp_num)
        self.exp_num += 1
        return True

    def figures(self) -> dict[str, Any]:
        self.logger.close()
        found = sorted(int(row["exp_num"]) for row in rows(self.logger.scenario_dir))
        return {
            "accepted": len(self.accepted),
            "refused": len(self.refused),
            "errors": sorted(self.errors),
            "as_accepted": found == self.accepted,
            "torn": torn(self.logger.scenario_dir),
        }


def torn(directory: str) -> int:
    """Return how many files do not end with a whole row, or have a piece of one beside them."""
    paths = list(Path(directory).rglob("data-log.tsv"))
    broken = [path for path in paths if path.stat().st_size and not ends_with_a_row(path.read_bytes())]
    return len(broken) + len(list(Path(directory).rglob("*.torn")))


def ends_with_a_row(data: bytes) -> bool:
    return data.endswith(b"\n") and data.count(b'"') % 2 == 0 and None not in parse(data)[-1].values()


@contextlib.contextmanager
def limit(what: int, soft: int):
    before, hard = resource.getrlimit(what)
    resource.setrlimit(what, (soft, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (before, hard))


# A limit on the size of files -----------------------------------------------------------------------------------------


def log_into_growing_limits(base: str, fsync: str) -> dict[str, Any]:
    """Log until it is refused, ten times over; then the limit is raised, and so on."""
    attempts = Attempts(DataLogger(base, "run", METRICS, fsync=fsync))
    sizes = range(10, 6000, 333)
    for number, size in enumerate(sizes):
        with limit(resource.RLIMIT_FSIZE, size):
            refused = 0
            while refused < 10:
                refused += not attempts.log(worker_id=f"w{attempts.exp_num % 2}", block_num=number // 6)
        attempts.log(worker_id="w0", block_num=number // 6)
    return attempts.figures()


@pytest.mark.parametrize("fsync", ["never", "always"])
def test_what_is_refused_for_a_full_file_is_not_stored_and_all_else_is(tmp_path, fsync):
    """F-043, F-044: refused in the header, in a row, and between rows; the next call works once there is room."""
    figures = alone(log_into_growing_limits, tmp_path, fsync)
    print(figures)
    assert figures["refused"] == 180
    assert figures["accepted"] > 50
    assert figures["errors"] == ["EFBIG"]
    assert figures["as_accepted"]
    assert figures["torn"] == 0


def make_a_run_under_limits(base: str) -> dict[str, Any]:
    refusals = []
    for size in range(100):
        with limit(resource.RLIMIT_FSIZE, size):
            try:
                DataLogger(base, "run", METRICS, {"difficulty": "hard"})
            except DirectoryError as error:
                refusals.append(error.errno)
    whole = [json.loads(path.read_bytes()) for path in Path(base).rglob("*") if path.is_file()]
    return {"refusals": refusals, "whole": len(whole)}


def test_info_files_are_whole_or_not_there(tmp_path):
    """F-012, F-013: whatever the byte at which the disk is full, the constructor says so."""
    figures = alone(make_a_run_under_limits, tmp_path)
    assert 20 < len(figures["refusals"]) < 100
    assert set(figures["refusals"]) == {errno.EFBIG}
    assert {Path(name).name for name in files(tmp_path)} <= {"logger_info.json", "scenario_info.json"}
    assert len(files(tmp_path)) == figures["whole"]


def replace_infos_under_limits(base: str) -> dict[str, Any]:
    logger = DataLogger(base, "run", METRICS)
    logger.scenario_info["story"] = "long " * 100
    path = Path(logger.scenario_dir) / "scenario_info.json"
    outcomes = []
    for size in range(0, 700, 50):
        before = path.read_bytes()
        with limit(resource.RLIMIT_FSIZE, size):
            try:
                logger.write_info_files()
            except OSError:
                outcomes.append(path.read_bytes() == before)
            else:
                outcomes.append(json.loads(path.read_bytes()) == logger.scenario_info)
    return {"outcomes": outcomes, "files": files(logger.scenario_dir)}


def test_info_files_that_cannot_be_replaced_stay_as_they_were(tmp_path):
    """F-013."""
    figures = alone(replace_infos_under_limits, tmp_path)
    assert all(figures["outcomes"])
    assert figures["files"] == ["logger_info.json", "scenario_info.json"]


# A full file system ---------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A command to run another one with a file system of 64 kB in the test's directory, which goes away with it."""
    mounting = 'mount -t tmpfs -o size=64k,nr_inodes=30 tmpfs "$0" && exec "$@"'
    within = ["unshare", "--mount", "--map-root-user", "sh", "-c", mounting, str(tmp_path)]
    try:
        done = subprocess.run([*within, "true"], capture_output=True, text=True, timeout=60)
    except OSError as error:
        pytest.skip(f"a small file system takes Linux: {error}")
    if done.returncode:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")
    return within


def fill(path: Path) -> None:
    """Take all the room there is."""
    with contextlib.suppress(OSError), path.open("ab", buffering=0) as file:
        while file.write(bytes(512)):
            pass


def fill_and_free(base: str) -> dict[str, Any]:
    attempts = Attempts(DataLogger(Path(base) / "logs", "run", METRICS, fsync="always"))
    filler = Path(base) / "filler"
    for _ in range(4):
        attempts.log(worker_id="w0")
        fill(filler)
        refused = 0
        while refused < 10:
            refused += not attempts.log(worker_id=f"w{attempts.exp_num % 2}")
        filler.unlink()
    return attempts.figures()


def test_a_full_disk_refuses_rows_and_takes_them_again_when_there_is_room(small_disk, tmp_path):
    """F-043: full in the middle of a row, full for a while, freed; several times."""
    figures = alone(fill_and_free, tmp_path, within=small_disk)
    print(figures)
    assert figures.pop("accepted") >= 4
    assert figures == {"refused": 40, "errors": ["ENOSPC"], "as_accepted": True, "torn": 0}


def make_blocks_until_refused(base: str) -> dict[str, Any]:
    attempts = Attempts(DataLogger(Path(base) / "logs", "run", METRICS))
    others = [Path(base) / name for name in ("another", "and another")]
    for other in others:
        other.touch()
    block_num = 0
    while attempts.log(block_num=block_num):
        block_num += 1
    in_old_block = attempts.log(block_num=block_num - 1)
    for other in others:
        other.unlink()
    in_new_block = attempts.log(block_num=block_num)
    return {**attempts.figures(), "in_old_block": in_old_block, "in_new_block": in_new_block}


def test_a_disk_without_room_for_another_file_refuses_the_new_block(small_disk, tmp_path):
    """F-043: nothing is left for a directory or a file; the block that is open goes on."""
    figures = alone(make_blocks_until_refused, tmp_path, within=small_disk)
    assert (figures["refused"], figures["errors"]) == (1, ["ENOSPC"])
    assert figures["in_old_block"]
    assert figures["in_new_block"]
    assert figures["as_accepted"]
    assert figures["torn"] == 0


def begin_on_a_full_disk(base: str) -> dict[str, Any]:
    fill(Path(base) / "filler")
    try:
        DataLogger(base, "run", METRICS)
    except DirectoryError as error:
        return {"errno": error.errno, "files": files(base)}
    return {}


def test_no_run_is_begun_on_a_full_disk(small_disk, tmp_path):
    """F-009, F-013: and there is no half of an info file."""
    assert alone(begin_on_a_full_disk, tmp_path, within=small_disk) == {"errno": errno.ENOSPC, "files": ["filler"]}


# No more file descriptors ---------------------------------------------------------------------------------------------


def descriptors_in_use() -> int:
    probe = os.open(os.devnull, os.O_RDONLY)
    os.close(probe)
    return probe


@contextlib.contextmanager
def no_descriptors(left: int = 0):
    """Take all file descriptors but `left`."""
    taken = []
    with limit(resource.RLIMIT_NOFILE, descriptors_in_use() + 80):
        try:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.open(os.devnull, os.O_RDONLY))
            for _ in range(left):
                os.close(taken.pop())
            yield
        finally:
            for fd in taken:
                os.close(fd)


def log_with_few_descriptors(base: str, fsync: str) -> dict[str, Any]:
    attempts = Attempts(DataLogger(base, "run", METRICS, fsync=fsync))
    attempts.log(worker_id="w0")
    with no_descriptors(left=8):
        for _ in range(5):
            for worker in range(40):
                attempts.log(worker_id=f"w{worker}")
    return attempts.figures()


@pytest.mark.parametrize("fsync", ["never", "flush", "always"])
def test_more_workers_than_descriptors_are_all_stored(tmp_path, fsync):
    """F-050: files that are idle give way."""
    figures = alone(log_with_few_descriptors, tmp_path, fsync)
    assert figures == {"accepted": 201, "refused": 0, "errors": [], "as_accepted": True, "torn": 0}


def test_without_any_descriptor_the_open_files_give_way(make):
    """F-050: the pool closes what it has, and needs no more than that."""
    attempts = Attempts(make())
    attempts.log(worker_id="w0")
    with no_descriptors():
        assert attempts.log(worker_id="w1")
        assert attempts.log(worker_id="w0")
    assert attempts.figures()["as_accepted"]


def test_without_any_descriptor_and_any_open_file_the_record_is_refused(make):
    """F-050, S1-28: once there is one, the same record is accepted."""
    attempts = Attempts(make())
    attempts.log()
    attempts.logger.close()
    with no_descriptors():
        assert not attempts.log()
    assert attempts.errors == {"EMFILE"}
    assert attempts.log()
    assert attempts.figures()["as_accepted"]


def test_a_first_record_without_descriptors_is_refused_like_any_other(make):
    """F-050: columns are looked for in the files of the run, which takes a descriptor, too."""
    attempts = Attempts(make())
    with no_descriptors():
        assert not attempts.log()
    assert attempts.log()
    assert attempts.figures()["as_accepted"]


def test_no_run_is_begun_without_descriptors(tmp_path):
    """F-050."""
    with no_descriptors(), pytest.raises(DirectoryError) as caught:
        DataLogger(tmp_path, "run", METRICS)
    assert caught.value.errno == errno.EMFILE


def test_files_that_give_way_are_synced_if_that_was_asked_for(make, monkeypatch):
    """F-050: otherwise a later flush would say that all is on the disk."""
    attempts = Attempts(make(fsync="flush"))
    attempts.log(worker_id="w0")
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (fsync(fd), synced.append(os.fstat(fd).st_ino)))
    with no_descriptors():
        attempts.log(worker_id="w1")
    attempts.logger.flush()
    paths = Path(attempts.logger.scenario_dir).rglob("data-log.tsv")
    assert sorted(synced) == sorted(path.stat().st_ino for path in paths)


def test_rows_before_a_refused_one_are_synced_if_that_was_asked_for(make, monkeypatch):
    """F-043: the file is closed and examined after a failure; its earlier rows still wait for the flush."""
    attempts = Attempts(make(fsync="flush"))
    attempts.log()
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (fsync(fd), synced.append(os.fstat(fd).st_ino)))
    with limit(resource.RLIMIT_FSIZE, data_log(attempts.logger).stat().st_size + 5):
        assert not attempts.log()
    attempts.logger.flush()
    assert data_log(attempts.logger).stat().st_ino in synced


def test_a_flush_without_descriptors_does_not_pretend(make, monkeypatch):
    """F-046, F-050: it syncs, or it says that it could not."""
    attempts = Attempts(make(fsync="flush"))
    attempts.log()
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with no_descriptors():
        try:
            attempts.logger.flush()
        except LogWriteError:
            return
    assert synced


def test_a_run_without_descriptors_cannot_be_resumed_until_there_are_some(make):
    """F-050: the error is one of ours, and nothing was touched."""
    attempts = Attempts(make())
    attempts.log()
    attempts.logger.close()
    with no_descriptors(), pytest.raises((LogWriteError, DirectoryError)):
        DataLogger.resume(attempts.logger.scenario_dir)
    with DataLogger.resume(attempts.logger.scenario_dir) as again:
        assert again.next_exp_num == 1
