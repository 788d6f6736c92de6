"""What happens to the files while they are written: deleted, replaced, cut, slow, locked, full."""

import errno
import os
import shutil
import threading
from pathlib import Path

import pytest
from reading import data_log, files, record, rows

from l2logger import LogFormatError, LogWarning, LogWriteError, SchemaError
from l2logger.processors import canonical
from l2logger.sinks.l2 import L2Sink


@pytest.fixture
def clock():
    """A time that the test moves on, a second at a time."""

    class Clock:
        seconds = 1_600_000_000.0

        def __call__(self):
            return self.seconds

    return Clock()


@pytest.fixture
def watched(make, clock):
    """A logger with one record, whose clock is then a second on, so that it looks after its file."""
    logger = make(processors=canonical(clock=clock))
    logger.log_record(record(0))
    logger.log_record(record(1))
    clock.seconds += 1
    return logger


def test_a_deleted_file_is_noticed_within_a_second_and_begun_anew(watched):
    """F-048."""
    data_log(watched).unlink()
    with pytest.warns(LogWarning, match="was deleted, replaced or cut"):
        watched.log_record(record(2))
    assert [row["exp_num"] for row in rows(watched.scenario_dir)] == ["2"]


def test_a_renamed_file_is_noticed_and_kept(watched):
    """F-048."""
    path = data_log(watched)
    path.rename(path.with_name("kept.tsv"))
    with pytest.warns(LogWarning):
        watched.log_record(record(2))
    assert len(rows(watched.scenario_dir)) == 1
    assert path.with_name("kept.tsv").read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("size", [0, 20, -5])
def test_a_cut_file_is_noticed_and_repaired(watched, size):
    """F-048: to nothing, into the header, into the last row."""
    path = data_log(watched)
    os.truncate(path, size if size >= 0 else path.stat().st_size + size)
    with pytest.warns(LogWarning):
        watched.log_record(record(2))
    assert [row["exp_num"] for row in rows(watched.scenario_dir)][-1] == "2"
    assert path.read_bytes().count(b"block_num") == 1


def test_a_file_replaced_by_a_link_is_not_written_through(watched, tmp_path):
    """F-048, F-010: the error says so, and what the link points to is untouched."""
    path = data_log(watched)
    path.unlink()
    (tmp_path / "precious").write_text("precious")
    path.symlink_to(tmp_path / "precious")
    with pytest.warns(LogWarning), pytest.raises(LogWriteError, match="symbolic links"):
        watched.log_record(record(2))
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_deleted_run_is_begun_anew_with_its_info_files(watched):
    """F-049."""
    shutil.rmtree(watched.scenario_dir)
    with pytest.warns(LogWarning) as caught:
        watched.log_record(record(2))
    assert "info files are written again" in str(caught[-1].message)
    assert files(watched.scenario_dir) == [
        "logger_info.json",
        "scenario_info.json",
        "worker-default/0-train/data-log.tsv",
    ]


def test_a_directory_that_cannot_be_made_is_an_error_and_the_next_call_may_work(logger):
    """F-049."""
    (Path(logger.scenario_dir) / "w0").write_text("in the way")
    with pytest.raises(LogWriteError, match="the record was not stored"):
        logger.log_record(record(0, worker_id="w0"))
    (Path(logger.scenario_dir) / "w0").unlink()
    logger.log_record(record(0, worker_id="w0"))
    assert len(rows(logger.scenario_dir)) == 1


def test_a_worker_directory_that_leads_outside_is_refused(logger, tmp_path):
    """F-010."""
    (tmp_path / "outside").mkdir()
    (Path(logger.scenario_dir) / "w0").symlink_to(tmp_path / "outside")
    with pytest.raises(LogWriteError, match="outside of the run directory"):
        logger.log_record(record(0, worker_id="w0"))
    assert files(tmp_path / "outside") == []
    assert os.listdir(tmp_path / "outside") == []


def test_a_run_reached_through_a_link_is_fine(tmp_path, make):
    """F-010: only what leads out of the run is refused."""
    (tmp_path / "real").mkdir()
    (tmp_path / "logs").symlink_to(tmp_path / "real")
    logger = make()
    logger.log_record(record())
    assert len(rows(tmp_path / "real")) == 1


def test_a_pipe_in_the_place_of_the_file_is_refused(logger):
    """F-082: and nothing hangs."""
    path = data_log(logger)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    with pytest.raises(LogWriteError, match="not a regular file"):
        logger.log_record(record())


@pytest.mark.parametrize("content", [b"a\tb\n1\t2\n", b"\xff\xfe\x00", b"block_num\texp_num\n"])
def test_a_file_of_somebody_else_is_refused_and_untouched(logger, content):
    """F-051, S1-30."""
    path = data_log(logger)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises((SchemaError, LogFormatError)):
        logger.log_record(record())
    assert path.read_bytes() == content


def test_alternating_workers_do_not_reopen_their_files(make, monkeypatch):
    """S1-29."""
    opened = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *args, **more: opened.append(path) or real(path, *args, **more))
    logger = make()
    opened.clear()
    for exp_num in range(50):
        for worker in range(10):
            logger.log_record(record(exp_num, worker_id=f"w{worker}"))
    assert len([path for path in opened if str(path).endswith("data-log.tsv")]) == 10


def test_the_least_recently_used_file_gives_way(make, clock):
    """F-050: a bounded number of descriptors."""
    logger = make(processors=canonical(clock=clock))
    descriptors = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for exp_num in range(3):
        for worker in range(100):
            clock.seconds += 0.001
            logger.log_record(record(exp_num, worker_id=f"w{worker}"))
    assert len(logger._store.records._pool._files) == 64
    assert {Path(path).parts[-3] for path in logger._store.records._pool._files} == {
        f"w{worker}" for worker in range(36, 100)
    }
    if descriptors:
        assert len(os.listdir("/proc/self/fd")) <= descriptors + 64
    assert len(rows(logger.scenario_dir)) == 300


@pytest.mark.parametrize("fsync", ["never", "flush", "always"])
def test_fsync_is_asked_for_when_it_was_asked_for(make, monkeypatch, fsync):
    """S2-2: "always" is each row, and the names of the new file and its two directories."""
    logger = make(fsync=fsync)
    calls = []
    monkeypatch.setattr(os, "fsync", calls.append)
    for exp_num in range(3):
        logger.log_record(record(exp_num))
    during = len(calls)
    logger.flush()
    assert (during, len(calls)) == {"never": (0, 0), "flush": (0, 1), "always": (6, 6)}[fsync]


def test_a_failed_fsync_is_an_error_and_not_asked_again(make, monkeypatch):
    """F-046: the kernel would say "fine" the second time, though the data is gone."""
    logger = make(fsync="flush")
    logger.log_record(record(0))
    calls = []

    def fail(fd):
        calls.append(fd)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(LogWriteError, match="Input/output error; the last rows may not survive"):
            logger.flush()
        logger.flush()
    assert len(calls) == 1
    logger.log_record(record(1))
    assert len(rows(logger.scenario_dir)) == 2


def test_a_row_whose_fsync_fails_is_not_stored(make, monkeypatch):
    """F-046: refused means not stored."""
    logger = make(fsync="always")
    logger.log_record(record(0))

    def fail(fd):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(LogWriteError, match="the record was not stored"):
            logger.log_record(record(1))
    logger.log_record(record(1))
    assert [row["exp_num"] for row in rows(logger.scenario_dir)] == ["0", "1"]


def test_a_slow_disk_holds_up_flush_and_no_record(make, monkeypatch):
    """F-047: other threads log while one waits for the disk."""
    logger = make(fsync="flush")
    logger.log_record(record(0))
    waiting, release = threading.Event(), threading.Event()

    def slow(fd):
        waiting.set()
        assert release.wait(30)

    monkeypatch.setattr(os, "fsync", slow)
    thread = threading.Thread(target=logger.flush)
    thread.start()
    assert waiting.wait(30)
    for exp_num in range(1, 100):
        logger.log_record(record(exp_num))
    assert thread.is_alive()
    release.set()
    thread.join()
    assert len(rows(logger.scenario_dir)) == 100


def test_flush_with_a_deadline_is_back_before_a_slow_disk(make, monkeypatch):
    """F-047."""
    logger = make(fsync="flush")
    logger.log_record(record(0))
    release = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda fd: release.wait(30))
    assert not logger.flush(timeout_secs=0.05)
    logger.log_record(record(1))
    release.set()
    assert logger.flush(timeout_secs=30)


def test_flush_with_a_deadline_raises_what_the_disk_raises(make, monkeypatch):
    """F-046."""
    logger = make(fsync="flush")
    logger.log_record(record(0))

    def broken(fd):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(LogWriteError, match="Input/output error"):
            logger.flush(timeout_secs=30)


def test_a_file_system_without_locks_is_written_all_the_same(make, monkeypatch):
    """F-053, F-054: as some network file systems are."""
    import fcntl

    def unsupported(fd, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    make().log_record(record())


@pytest.mark.parametrize("names", [("C", "C"), ("POSIX", "0")])
def test_text_is_utf_8_in_every_locale(tmp_path, names):
    """F-007, F-056."""
    import subprocess
    import sys

    script = (
        "import sys; from l2logger import DataLogger\n"
        "logger = DataLogger(sys.argv[1], '\\xe9\\u2603', {'metrics_columns': ['reward']})\n"
        "logger.log_record(block_num=0, block_type='train', task_name='Task_a', task_params={}, exp_num=0, reward='\\u2603')\n"
    )
    locale, utf8 = names
    environment = {
        **os.environ,
        "LC_ALL": locale,
        "PYTHONUTF8": utf8 if utf8 == "0" else "1",
        "PYTHONCOERCECLOCALE": "0",
    }
    environment["PYTHONIOENCODING"] = "utf-8"
    if utf8 == "0":
        script = script.replace("\\xe9\\u2603", "plain")  # such a Python cannot name the directory, whoever asks it to
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=environment, timeout=60)
    assert rows(tmp_path)[0]["reward"] == "☃"


def test_a_row_is_there_for_another_reader_when_the_call_returns(logger):
    """S0-25."""
    for exp_num in range(100):
        logger.log_record(record(exp_num))
        assert len(rows(logger.scenario_dir)) == exp_num + 1


def test_a_reader_beside_the_writer_sees_whole_rows_and_perhaps_the_beginning_of_one(logger):
    """F-088: one call writes a row, yet a read in the same instant may get the first page of it."""
    stop = threading.Event()
    seen = []

    def read():
        while not stop.is_set():
            if data_log(logger).exists():
                seen.append(data_log(logger).read_bytes())

    thread = threading.Thread(target=read)
    thread.start()
    for exp_num in range(1000):
        logger.log_record(record(exp_num))
    stop.set()
    thread.join()
    final = data_log(logger).read_bytes()
    assert all(final.startswith(data) for data in seen)


def test_one_call_writes_header_and_first_row(make, monkeypatch):
    """F-060: there is no moment with a header and no row."""
    logger = make()
    written = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: written.append(data) or real(fd, data))
    logger.log_record(record(0))
    logger.log_record(record(1))
    assert [data.count(b"\n") for data in written] == [2, 1]


def test_options_of_the_sink_are_checked():
    """F-014."""
    with pytest.raises(ValueError, match="max_open_files must be at least 1"):
        L2Sink(max_open_files=0)
    with pytest.raises(ValueError, match="fsync must be one of"):
        L2Sink(fsync="sometimes")


def test_asyncio_logs_in_the_event_loop(logger):
    """F-072: the call does not wait for anything but the kernel."""
    import asyncio

    async def work(worker):
        for exp_num in range(20):
            logger.log_record(record(exp_num, worker_id=worker))
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*(work(f"w{number}") for number in range(5)))

    asyncio.run(main())
    assert len(rows(logger.scenario_dir)) == 100
