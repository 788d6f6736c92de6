"""``python -m l2logger.aggregate``: the files it writes, and what happens if it cannot."""

import argparse
import logging
import os
import stat
import subprocess
import sys
from unittest import mock

import duckdb
import pytest
from by_hand import COLUMNS, row, write_log

from l2logger import aggregate
from l2logger.errors import ConfigError, DirectoryError

STAMP = "20261121T120000.000001"


@pytest.fixture(autouse=True)
def own_logging():
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers


@pytest.fixture
def run(tmp_path):
    rows = [
        row(0, task_name="Task_A", task_params='{"p": 1}', timestamp=STAMP, reward="1"),
        row(1, timestamp=STAMP, reward="3", exp_status="incomplete"),
        row(2, timestamp=STAMP, block_num=1, block_type="test", block_subtype="sleep", reward="0.1"),
        row(3, timestamp=STAMP, block_num=1, block_type="test", block_subtype="sleep", reward="1e-07"),
        row(4, timestamp=STAMP, block_num=1, block_type="test", worker_id="007", task_params="", reward=""),
    ]
    return write_log(tmp_path, rows)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Work in a directory of its own."""
    directory = tmp_path / "cwd"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


def command(*arguments):
    line = [sys.executable, "-m", "l2logger.aggregate", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120)


def called(log_dir, **more):
    namespace = argparse.Namespace(log_dir=str(log_dir), **more)
    with mock.patch.object(argparse.ArgumentParser, "parse_args", return_value=namespace):
        aggregate.run()


TSV = """\
block_num\tregime_num\texp_num\tworker_id\tblock_type\tblock_subtype\ttask_name\ttask_params\texp_status\ttimestamp\treward
0\t0\t0\tw0\ttrain\twake\ttask_a\t"{""p"": 1}"\tcomplete\t20261121T120000.000001\t1.0
1\t1\t2\tw0\ttest\tsleep\ttask_a\t{}\tcomplete\t20261121T120000.000001\t0.1
1\t1\t3\tw0\ttest\tsleep\ttask_a\t{}\tcomplete\t20261121T120000.000001\t1e-07
1\t2\t4\t007\ttest\twake\ttask_a\t\tcomplete\t20261121T120000.000001\t
"""


def test_tsv_to_the_byte_under_the_default_name(run, elsewhere):
    """S1-49, S1-50, V7."""
    result = command(run)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (elsewhere / "data.tsv").read_bytes() == TSV.encode()
    assert os.listdir() == ["data.tsv"]


def test_csv_to_the_byte(run, elsewhere):
    """S1-49."""
    assert command("-f", "csv", run).returncode == 0
    assert (elsewhere / "data.csv").read_bytes() == TSV.replace("\t", ",").encode()


@pytest.mark.parametrize("format", ["feather", "parquet"])
def test_binary_formats_have_the_same_table(run, elsewhere, format):
    """S1-49."""
    pytest.importorskip("pyarrow")
    import pandas as pd

    called(run, format=format)
    data = {"feather": pd.read_feather, "parquet": pd.read_parquet}[format](f"data.{format}")
    pd.testing.assert_frame_equal(data, aggregate.table(run))
    assert list(data.columns) == ["block_num", "regime_num", "exp_num", *COLUMNS[2:]]
    assert list(data["worker_id"]) == ["w0", "w0", "w0", "007"]


def test_parquet_needs_no_other_package(run, elsewhere):
    script = "import sys; sys.modules['pyarrow'] = None; from l2logger import aggregate; sys.exit(aggregate.main())"
    line = [sys.executable, "-c", script, "-f", "parquet", str(run)]
    result = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stderr) == (0, "")
    assert duckdb.sql("SELECT count(*), sum(reward) FROM 'data.parquet'").fetchall() == [(4, 1.1 + 1e-07)]


def test_run_takes_arguments_that_have_only_the_log(run, elsewhere):
    """S1-50: clients patch parse_args."""
    called(run)
    assert (elsewhere / "data.tsv").read_bytes() == TSV.encode()


def test_the_extension_is_always_added(run, elsewhere, tmp_path):
    """S1-50."""
    (tmp_path / "out").mkdir()
    for output in ("x.y", "a.csv", tmp_path / "out" / "z"):
        assert command("-f", "csv", "-o", output, run).returncode == 0
    assert sorted(os.listdir()) == ["a.csv.csv", "x.y.csv"]
    assert os.listdir(tmp_path / "out") == ["z.csv"]


def test_a_name_in_l2data_and_a_trailing_slash_are_taken(run, elsewhere, tmp_path, monkeypatch):
    """S1-51."""
    (tmp_path / "logs").mkdir()
    run.rename(tmp_path / "logs" / "run")
    monkeypatch.setenv("L2DATA", str(tmp_path))
    for place in ("run", f"{tmp_path}/logs/run/"):
        called(place)
        assert (elsewhere / "data.tsv").read_bytes() == TSV.encode()


def test_an_existing_file_is_replaced(run, elsewhere):
    """F-087: as in the original."""
    (elsewhere / "data.tsv").write_text("old")
    called(run)
    assert (elsewhere / "data.tsv").read_bytes() == TSV.encode()
    umask = os.umask(0o022)
    os.umask(umask)
    assert stat.S_IMODE(os.stat("data.tsv").st_mode) == 0o666 & ~umask


def test_a_link_is_written_through(run, elsewhere, tmp_path):
    (elsewhere / "data.tsv").symlink_to(tmp_path / "target.tsv")
    called(run)
    assert (elsewhere / "data.tsv").is_symlink()
    assert (tmp_path / "target.tsv").read_bytes() == TSV.encode()


def test_a_missing_directory_is_told(run, tmp_path):
    """F-087."""
    with pytest.raises(DirectoryError, match="no such directory to write to"):
        called(run, output=str(tmp_path / "nowhere" / "data"))
    result = command("-o", tmp_path / "nowhere" / "data", run)
    assert result.returncode == 3
    assert str(tmp_path / "nowhere") in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("format", ["tsv", "csv", "feather"])
def test_a_full_disk_leaves_the_old_file_and_nothing_half(run, elsewhere, format):
    """F-087."""
    if format == "feather":
        pytest.importorskip("pyarrow")
    (elsewhere / f"data.{format}").write_text("old")
    script = (
        "import resource, signal, sys\n"
        "from l2logger import aggregate\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "write = aggregate._write\n"
        "def full(*arguments):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "    write(*arguments)\n"
        "aggregate._write = full\n"
        "sys.exit(aggregate.main())\n"
    )
    line = [sys.executable, "-c", script, "-f", format, str(run)]
    result = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert result.returncode == 3
    assert "Traceback" not in result.stderr
    assert os.listdir() == [f"data.{format}"]
    assert (elsewhere / f"data.{format}").read_text() == "old"


def test_feather_without_pyarrow_says_what_to_install(run, monkeypatch):
    """DESIGN: a missing package is named."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install"):
        called(run, format="feather")
    assert os.listdir() == []


def test_one_complete_row_and_none_make_a_file(tmp_path, elsewhere):
    """F-084, S1-52."""
    called(write_log(tmp_path / "one", [row(0)]), output="one")
    called(write_log(tmp_path / "none", [row(0, exp_status="incomplete")]), output="none")
    assert (elsewhere / "one.tsv").read_text().count("\n") == 2
    assert (elsewhere / "none.tsv").read_text() == "\t".join(["block_num", "regime_num", *COLUMNS[1:]]) + "\n"


@pytest.mark.parametrize("arguments", [(), ("-f", "xml", "a"), ("a", "b")])
def test_wrong_arguments_exit_with_2(arguments):
    """FORMAT 16.3."""
    result = command(*arguments)
    assert result.returncode == 2
    assert "usage" in result.stderr


def test_a_log_that_is_not_there_exits_with_3(tmp_path, monkeypatch):
    monkeypatch.setenv("L2DATA", str(tmp_path))
    for place in ("nowhere", tmp_path / "no" / "where", tmp_path):
        result = command(place)
        assert (result.returncode, result.stdout) == (3, "")
        assert result.stderr.count("\n") == 1


def test_a_log_that_cannot_be_aggregated_exits_with_1(tmp_path):
    columns = [column for column in COLUMNS if column != "task_name"]
    result = command(write_log(tmp_path, columns=columns))
    assert result.returncode == 1
    assert "task_name" in result.stderr
    assert "Traceback" not in result.stderr


def test_rows_that_are_none_are_left_out_and_told(run, elsewhere):
    """F-075, F-076."""
    with open(run / "w0" / "0-train" / "data-log.tsv", "ab") as file:
        file.write(b"0\t9\n0\t10\tw")
    result = command(run)
    assert result.returncode == 0
    assert "data-log.tsv:4: 2 cells, expected 10" in result.stderr
    assert (elsewhere / "data.tsv").read_bytes() == TSV.encode()


def test_an_unknown_format_is_refused(run):
    with pytest.raises(ConfigError, match="tsv, csv, feather, parquet"):
        aggregate.aggregate(run, format="xml")
