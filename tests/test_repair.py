"""Repairing log files: what is cut, what is kept, and what is left alone."""

import os
import stat

import pytest
from reading import data_log, record

from l2logger import DataLogger, read
from l2logger.legacy import RLPerformanceLogger
from l2logger.repair import repair


@pytest.fixture
def file(make):
    """A closed log file of three records, one of them with a line break."""
    logger = make()
    for exp_num, note in enumerate(["a", "b\nc", "d"]):
        logger.log_record(record(exp_num, note=note))
    logger.close()
    return data_log(logger)


def run_of(file):
    return file.parents[2]


def insert(file, bad, line):
    """Put bytes in front of a line, counted from 0."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:line], bad, *lines[line:]]))


def torn(file):
    return file.with_name("data-log.tsv.torn")


def test_a_good_run_needs_no_repair(file):
    before = file.read_bytes()
    assert repair(run_of(file)) == []
    assert file.read_bytes() == before
    assert not torn(file).exists()


@pytest.mark.parametrize("piece", [b"0", b"0\t3\tw", b'0\t3\t"open\nquotes\n', b"0\t3\t\xff", b"\0\0\0"])
def test_an_unfinished_last_line_is_moved_away(file, piece):
    """F-075, F-079, S1-60."""
    before = file.read_bytes()
    insert(file, piece, 99)
    (found,) = repair(run_of(file))
    assert file.read_bytes() == before
    assert torn(file).read_bytes().removesuffix(b"\n") == piece.removesuffix(b"\n")
    assert (found.path, found.cut_bytes, found.kept, found.refused) == (str(file), len(piece), str(torn(file)), "")


@pytest.mark.parametrize("bad", [b"0\t3\n", b"\xff\n", b'"a"b\n', b"x" + b"\ty" * 10 + b"\n", b"\n"])
@pytest.mark.parametrize("line", [1, 2, 4, 5])
def test_a_line_that_is_no_record_is_moved_away(file, bad, line):
    """F-076: in front of, between and behind the records."""
    before = file.read_bytes()
    insert(file, bad, line)
    repair(run_of(file))
    assert (file.read_bytes(), torn(file).read_bytes()) == (before, bad)
    assert read.findings(run_of(file)) == []


def test_all_that_is_cut_is_kept_in_its_order(file):
    before = file.read_bytes()
    for line, bad in [(99, b"torn"), (4, b"2\n"), (1, b"1\n")]:
        insert(file, bad, line)
    (found,) = repair(run_of(file))
    assert torn(file).read_bytes() == b"1\n2\ntorn\n"
    assert file.read_bytes() == before
    assert [finding.line for finding in found.findings] == [2, 6, 8]


def test_a_second_repair_adds_to_what_is_kept(file):
    for bad in (b"1\n", b"2\n"):
        insert(file, bad, 1)
        repair(run_of(file))
    assert torn(file).read_bytes() == b"1\n2\n"


def test_a_dry_run_touches_nothing(file):
    insert(file, b"torn", 99)
    before = file.read_bytes()
    (found,) = repair(run_of(file), dry_run=True)
    assert found.cut_bytes == len(b"torn")
    assert file.read_bytes() == before
    assert not torn(file).exists()


def test_a_file_that_is_being_written_is_left_alone(make):
    logger = make()
    logger.log_record(record(0))
    file = data_log(logger)
    insert(file, b"bad\n", 1)
    before = file.read_bytes()
    (found,) = repair(logger.scenario_dir)
    assert "is being written" in found.refused
    assert file.read_bytes() == before
    assert not torn(file).exists()


def test_the_log_can_be_continued_after_a_repair(file):
    insert(file, b"bad\n", 2)
    repair(run_of(file))
    with DataLogger.resume(run_of(file)) as logger:
        logger.log_record(record(logger.next_exp_num, note=""))
    assert [exp_num for (exp_num,) in read.records(run_of(file)).select("exp_num").fetchall()] == [0, 1, 2, 3]


def test_the_rights_of_the_file_stay(file):
    file.chmod(0o640)
    insert(file, b"bad\n", 1)
    repair(run_of(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_header_that_was_not_finished_is_moved_away(file):
    """F-077."""
    file.write_bytes(b"block_num\texp")
    repair(run_of(file))
    assert (file.read_bytes(), torn(file).read_bytes()) == (b"", b"block_num\texp\n")


@pytest.mark.parametrize("content", [b"a\tb\n1\t2\n", b"block_num\tblock_num\texp_num\n", b"\xff\xfe\0\n"])
def test_a_file_without_a_header_is_left_as_it_is(file, content):
    """F-077, F-079."""
    file.write_bytes(content)
    (found,) = repair(run_of(file))
    assert found.refused
    assert file.read_bytes() == content


def test_an_empty_file_needs_no_repair(file):
    file.write_bytes(b"")
    assert repair(run_of(file)) == []


def test_lines_with_carriage_returns_stay_as_they_are(file):
    """F-078."""
    before = file.read_bytes().replace(b"\n", b"\r\n")
    file.write_bytes(before)
    insert(file, b"bad\r\n", 2)
    repair(run_of(file))
    assert (file.read_bytes(), torn(file).read_bytes()) == (before, b"bad\r\n")


def test_nothing_is_written_through_a_link(file, tmp_path):
    """F-082."""
    insert(file, b"bad\n", 1)
    before = file.read_bytes()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"")
    torn(file).symlink_to(elsewhere)
    (found,) = repair(run_of(file))
    assert found.refused
    assert (file.read_bytes(), elsewhere.read_bytes()) == (before, b"")


def test_nothing_is_cut_if_it_cannot_be_kept(file, monkeypatch):
    """F-087: a full disk."""
    insert(file, b"bad\n", 1)
    before = file.read_bytes()

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (found,) = repair(run_of(file))
    assert found.refused == "No space left on device"
    assert file.read_bytes() == before
    assert [entry for entry in os.listdir(file.parent) if entry.endswith(".tmp")] == []


def test_the_list_of_regimes_of_0_1_is_repaired_too(tmp_path):
    """S0-28."""
    logger = RLPerformanceLogger(tmp_path, ["reward"])
    entered = {"block_num": 0, "regime_num": 0, "block_type": "test", "worker": "w", "task_name": "T_a", "params": "[]"}
    logger.write_new_regime(entered, "old")
    logger.write_to_data_log({"block_num": 0, "regime_num": 0, "exp_num": 5, "status": "Done", "reward": 1})
    logger.close_logs()
    regimes = tmp_path / "old" / "w" / "0-test" / "T_a" / "block-info.tsv"
    before = regimes.read_bytes()
    regimes.write_bytes(before + b"0\t1")
    repair(tmp_path / "old")
    assert regimes.read_bytes() == before


def test_progress_counts_files(file):
    told = []
    repair(run_of(file), progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 1)]
