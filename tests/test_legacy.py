"""The writers of L2Logger 0.1: both layouts, byte for byte, and what they do better than their ancestors."""

import errno
import fcntl
import json
import os
import re
import resource
import signal
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from reading import files, parse, without

from l2logger import (
    ConfigError,
    DirectoryError,
    LogLockedError,
    LogWarning,
    LogWriteError,
    RecordError,
    RecordWarning,
    SchemaError,
)
from l2logger.legacy import ClassifPerformanceLogger, PerformanceLogger, RLPerformanceLogger, get_log_foldername

TIME = "20200923T115137.150115"
DIRECTORIES = {"scenario_dirname": "simple-1", "worker_dirname": "driver.py-0", "block_dirname": "0-train"}
TASK = "simple-1/driver.py-0/0-train/Env-A-5x5"
REGIME_HEADER = b"block_num\tregime_num\tblock_type\tworker\ttask_name\tparams\n"
REGIME_ROW = b'0\t0\ttrain\tdriver.py-0\tEnv-A-5x5\t"[""-s"", 5]"\n'
DATA_HEADER = b"block_num\tregime_num\texp_num\tstatus\ttimestamp\treward\n"


def regime(**more):
    """Return a record of a regime, as a user would give it."""
    return {
        "block_num": 0,
        "regime_num": 0,
        "block_type": "train",
        "worker": "driver.py-0",
        "task_name": "Env-A-5x5",
        "params": json.dumps(["-s", 5]),
        **more,
    }


def row(exp_num=0, **more):
    """Return a record of an experience, as a user would give it."""
    fixed = {"block_num": 0, "regime_num": 0, "exp_num": exp_num, "status": "Done", "timestamp": TIME, "reward": 1}
    return {**fixed, **more}


def tree(directory):
    """Return the content of all files below a directory."""
    return {name: (Path(directory) / name).read_bytes() for name in files(directory)}


def everything(directory):
    """Return the paths of all files and directories below a directory."""
    return sorted(str(path.relative_to(directory)) for path in Path(directory).rglob("*"))


def fork(task):
    """Run `task` in a child and return its process id; the child ends with 0 if nothing was raised."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            task()
            status = 0
        finally:
            os._exit(status)
    return pid


def is_locked(path):
    """Return whether somebody has the file open for writing."""
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def wait(pid):
    """Return how a child ended: its status, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture
def top(tmp_path):
    """The base directory, which is not there yet."""
    return tmp_path / "logs"


@pytest.fixture
def make(top):
    """Make a writer below the test's own directory; closed at the end."""
    made = []

    def make(*args, kind=RLPerformanceLogger, **options):
        made.append(kind(top, *(args or (["reward"],)), **options))
        return made[-1]

    yield make
    for logger in made:
        logger.close_logs()


@pytest.fixture
def fresh(make):
    """A writer that has not entered a regime."""
    return make()


@pytest.fixture
def entered(fresh):
    """A writer in a regime, without rows."""
    fresh.write_to_blocks_log(regime(), DIRECTORIES)
    return fresh


def test_a_run_of_the_first_layout_has_these_bytes(make, top):
    """V5, S0-5, S0-6, S0-8, S0-9, S0-10."""
    logger = make(["reward"], {"author": "JHU", "v": [1, 2]})
    logger.write_to_blocks_log(regime(), DIRECTORIES)
    logger.write_to_data_log(row())
    assert tree(top) == {
        "simple-1/column_metric_list.json": b'["reward"]',
        "simple-1/scenario_info.json": b'{"author": "JHU", "v": [1, 2]}',
        f"{TASK}/block-report.tsv": REGIME_HEADER + REGIME_ROW,
        f"{TASK}/data-log.tsv": DATA_HEADER + b"0\t0\t0\tDone\t20200923T115137.150115\t1\n",
    }


def test_a_run_of_the_second_layout_has_these_bytes(make, top):
    """S0-5, S0-6, S0-8, S0-9, S0-10: FORMAT 3.2 for 0.1.0."""
    logger = make({"metrics_columns": ["reward"], "note": "é"}, {"author": "JHU"})
    logger.write_new_regime(regime(), "simple-1")
    logger.write_to_data_log(row())
    assert tree(top) == {
        "simple-1/column_info.json": b'{\n  "metrics_columns": [\n    "reward"\n  ],\n  "note": "\\u00e9"\n}',
        "simple-1/scenario_info.json": b'{\n  "author": "JHU"\n}',
        f"{TASK}/block-info.tsv": REGIME_HEADER + REGIME_ROW,
        f"{TASK}/data-log.tsv": DATA_HEADER + b"0\t0\t0\tDone\t20200923T115137.150115\t1\n",
    }


def test_a_run_for_classification_has_no_status(make, top):
    """S0-2, S0-11."""
    logger = make(kind=ClassifPerformanceLogger)
    logger.write_to_blocks_log(regime(), DIRECTORIES)
    logger.write_to_data_log(without(row(), "status"))
    assert tree(top)[f"{TASK}/data-log.tsv"] == (
        b"block_num\tregime_num\texp_num\ttimestamp\treward\n0\t0\t0\t20200923T115137.150115\t1\n"
    )


@pytest.mark.parametrize("kind", [RLPerformanceLogger, ClassifPerformanceLogger])
@pytest.mark.parametrize("name", ["column_list", "column_info"])
def test_arguments_may_be_given_by_name(kind, name, top):
    """S0-1, S0-2: the original took them by position only."""
    logger = kind(toplevel_dir=top, scenario_info={"author": "JHU"}, **{name: ["reward"]})
    logger.write_to_blocks_log(regime(), DIRECTORIES, update_context_only=True)
    assert tree(top) == {
        "simple-1/column_metric_list.json": b'["reward"]',
        "simple-1/scenario_info.json": b'{"author": "JHU"}',
    }


@pytest.mark.parametrize("columns", [["reward"], ("reward",), {"metrics_columns": ["reward"]}], ids=repr)
def test_columns_are_a_list_or_an_object_in_both_layouts(make, top, columns):
    """S0-1."""
    logger = make(columns)
    logger.write_to_blocks_log(regime(), DIRECTORIES, True)
    logger.write_new_regime(regime(), "second", True)
    assert json.loads((top / "simple-1/column_metric_list.json").read_bytes()) == ["reward"]
    assert json.loads((top / "second/column_info.json").read_bytes()) == {"metrics_columns": ["reward"]}


@pytest.mark.parametrize("kind", [RLPerformanceLogger, ClassifPerformanceLogger])
def test_columns_and_scenario_info_default_to_nothing(kind, top):
    """S0-1, S0-2, S0-5, S0-6."""
    logger = kind(top)
    logger.write_to_blocks_log(regime(), DIRECTORIES, True)
    logger.write_new_regime(regime(), "second", True)
    assert tree(top) == {
        "simple-1/column_metric_list.json": b"[]",
        "simple-1/scenario_info.json": b"{}",
        "second/column_info.json": b'{\n  "metrics_columns": []\n}',
        "second/scenario_info.json": b"{}",
    }


@pytest.mark.parametrize("info", [None, {}, [], 0, ""], ids=repr)
def test_no_scenario_info_is_an_empty_object(make, top, info):
    """S0-6."""
    make(["reward"], info).write_to_blocks_log(regime(), DIRECTORIES)
    assert tree(top)["simple-1/scenario_info.json"] == b"{}"


def test_info_files_are_ascii(make, top):
    """S0-5, S0-6: FORMAT 3.2."""
    make(["é"], {"uni": "é☃", "nan": float("nan")}).write_to_blocks_log(regime(), DIRECTORIES)
    assert tree(top)["simple-1/column_metric_list.json"] == b'["\\u00e9"]'
    assert tree(top)["simple-1/scenario_info.json"] == b'{"uni": "\\u00e9\\u2603", "nan": NaN}'


def test_a_writer_shares_no_columns_with_the_next_one(top):
    """S0-1, FORMAT 3.6: a default argument was one list for all."""
    first, second = RLPerformanceLogger(top), RLPerformanceLogger(top)
    first.write_to_blocks_log(regime(), DIRECTORIES)
    first.write_to_data_log(row(note="x"))
    second.write_to_blocks_log(regime(), {**DIRECTORIES, "worker_dirname": "w1"})
    second.write_to_data_log(without(row(), "reward"))
    assert second._data_columns == ("block_num", "regime_num", "exp_num", "status", "timestamp")
    assert tree(top)["simple-1/w1/0-train/Env-A-5x5/data-log.tsv"].startswith(DATA_HEADER[: -len("\treward\n")] + b"\n")


def test_what_the_caller_changes_later_is_not_written(make, top):
    """S0-5, S0-6: arguments are read once."""
    columns, info = {"metrics_columns": ["reward"]}, {"author": "JHU"}
    logger = make(columns, info)
    columns["metrics_columns"].append("loss")
    info["author"] = object()
    logger.write_new_regime(regime(), "simple-1")
    logger.write_to_data_log(row())
    assert json.loads(tree(top)["simple-1/column_info.json"]) == {"metrics_columns": ["reward"]}
    assert json.loads(tree(top)["simple-1/scenario_info.json"]) == {"author": "JHU"}


@pytest.mark.parametrize(
    "columns", [["reward", 5], "reward", 5, {"metrics_columns": "reward"}, {"metric_columns": ["reward"]}], ids=repr
)
def test_columns_that_are_no_list_of_text_are_refused(top, columns):
    """S0-1, FORMAT 3.4."""
    with pytest.raises(ConfigError, match="the metric columns must be a list of text, .* got"):
        RLPerformanceLogger(top, columns)
    assert not top.exists()


def test_columns_given_twice_are_refused(top):
    """S0-1."""
    with pytest.raises(ConfigError, match="got both"):
        RLPerformanceLogger(top, ["reward"], column_info={"metrics_columns": ["loss"]})


@pytest.mark.parametrize(
    ("columns", "info", "name"),
    [([], {"a": {1}}, "scenario_info"), ({"metrics_columns": [], "a": {1}}, {}, "column_info")],
)
def test_what_json_cannot_hold_is_refused_before_anything_is_made(top, columns, info, name):
    """S0-5, S0-6, F-012."""
    with pytest.raises(ConfigError, match=f"{name} cannot be written as JSON"):
        RLPerformanceLogger(top, columns, info)
    assert not top.exists()


def test_the_base_directory_is_made_at_once(top):
    """S0-3."""
    RLPerformanceLogger(top / "not" / "there" / "yet")
    assert everything(top) == ["not", "not/there", "not/there/yet"]


def test_the_base_directory_may_be_there(top):
    """S0-3."""
    top.mkdir()
    RLPerformanceLogger(top)
    assert everything(top) == []


def test_a_base_directory_that_cannot_be_made_is_refused_at_once(tmp_path):
    """S0-3, F-009."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DirectoryError, match="no log can be kept there") as caught:
        RLPerformanceLogger(tmp_path / "file")
    assert isinstance(caught.value.__cause__, FileExistsError)


@pytest.mark.parametrize("path", [None, 5, b"logs", "nul\0"], ids=repr)
def test_a_base_directory_that_is_no_path_is_refused(path):
    """S0-3."""
    with pytest.raises(ConfigError, match="toplevel_dir must be a path, got"):
        RLPerformanceLogger(path)


def test_a_later_chdir_does_not_split_the_log(tmp_path, monkeypatch):
    """S0-4."""
    monkeypatch.chdir(tmp_path)
    logger = RLPerformanceLogger("logs")
    logger.write_to_blocks_log(regime(), DIRECTORIES)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    logger.write_to_data_log(row())
    logger.write_to_blocks_log(regime(regime_num=1), {**DIRECTORIES, "block_dirname": "second"})
    logger.close_logs()
    assert len(files(tmp_path / "logs")) == 5
    assert everything(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("kind", [PerformanceLogger, RLPerformanceLogger, ClassifPerformanceLogger])
def test_the_readable_timestamp_is_local_time(kind, monkeypatch):
    """S0-18."""
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}", kind.get_readable_timestamp())
    monkeypatch.setattr(time, "time", lambda: 1600697775.25)
    expected = time.strftime("%Y%m%dT%H%M%S", time.localtime(1600697775)) + ".250000"
    assert kind.get_readable_timestamp() == expected


@pytest.mark.parametrize("path", ["simple", "/x/y/simple.json", "y/simple.a.b"])
def test_the_scenario_folder_name_is_stem_and_time(monkeypatch, path):
    """S0-19."""
    monkeypatch.setattr(time, "time", lambda: 1600697775.609517)
    assert get_log_foldername(path) == "simple-1600697775-609517"


@pytest.mark.parametrize("name", ["RLPerformanceLogger", "ClassifPerformanceLogger"])
def test_the_writers_are_found_where_the_original_had_them(name):
    """S0-1, S0-2: `from l2logger import l2logger`, then `l2logger.RLPerformanceLogger`."""
    from l2logger import l2logger, legacy

    assert getattr(l2logger, name) is getattr(legacy, name)


def test_toplevel_dir_is_what_was_given(tmp_path, monkeypatch):
    """S0-20."""
    monkeypatch.chdir(tmp_path)
    assert RLPerformanceLogger("logs/./here").toplevel_dir == "logs/./here"
    assert RLPerformanceLogger(tmp_path).toplevel_dir is tmp_path


def test_logging_dir_is_the_context_entered_last(tmp_path, monkeypatch):
    """S0-20."""
    monkeypatch.chdir(tmp_path)
    logger = RLPerformanceLogger("logs")
    assert logger.logging_dir is None
    logger.write_to_blocks_log(regime(), DIRECTORIES)
    assert logger.logging_dir == f"logs/{TASK}"
    logger.write_new_regime(regime(task_name="Env-B", regime_num=1), "simple-1", update_context_only=True)
    assert logger.logging_dir == "logs/simple-1/driver.py-0/0-train/Env-B"


def test_logging_dir_is_text_when_a_path_was_given(entered, top):
    """S0-20."""
    assert entered.logging_dir == f"{top}/{TASK}"


def test_a_scenario_directory_is_made_on_demand(fresh, top):
    """S0-4: the constructor makes none."""
    assert everything(top) == []
    fresh.write_to_blocks_log(regime(), {**DIRECTORIES, "scenario_dirname": "chosen by me"})
    assert [path.name for path in top.iterdir()] == ["chosen by me"]


def test_the_tree_is_scenario_worker_block_task(fresh, top):
    """S0-8: and nothing else."""
    fresh.write_to_blocks_log(regime(), DIRECTORIES, update_context_only=True)
    assert everything(top) == [
        "simple-1",
        "simple-1/column_metric_list.json",
        "simple-1/driver.py-0",
        "simple-1/driver.py-0/0-train",
        "simple-1/driver.py-0/0-train/Env-A-5x5",
        "simple-1/scenario_info.json",
    ]


def test_the_second_layout_takes_worker_and_block_from_the_record(fresh, top):
    """S0-8, S0-22."""
    fresh.write_new_regime(regime(block_num=3, block_type="test", worker="w7", task_name="Env-B"), "simple-1")
    assert "simple-1/w7/3-test/Env-B/block-info.tsv" in files(top)


@pytest.mark.parametrize("block_num", [7, np.int64(7)], ids=["int", "numpy"])
def test_a_block_directory_is_named_by_number_and_type(fresh, top, block_num):
    """S0-22."""
    names = without(DIRECTORIES, "block_dirname")
    fresh.write_to_blocks_log(regime(block_num=block_num, block_type="test"), names)
    assert "simple-1/driver.py-0/7-test/Env-A-5x5/block-report.tsv" in files(top)


def test_a_block_directory_may_be_named_by_the_caller(fresh, top):
    """S0-22: the block of the record is not looked at then."""
    fresh.write_to_blocks_log(regime(), {**DIRECTORIES, "block_dirname": "warm up"})
    assert "simple-1/driver.py-0/warm up/Env-A-5x5/block-report.tsv" in files(top)


def test_existing_info_files_are_left_alone(fresh, top):
    """S0-7."""
    (top / "simple-1").mkdir()
    for name in ("column_metric_list.json", "column_info.json", "scenario_info.json"):
        (top / "simple-1" / name).write_text("mine")
    fresh.write_to_blocks_log(regime(), DIRECTORIES)
    fresh.write_new_regime(regime(regime_num=1), "simple-1")
    assert {(top / "simple-1" / name).read_text() for name in ("column_metric_list.json", "column_info.json")} == {
        "mine"
    }
    assert (top / "simple-1/scenario_info.json").read_text() == "mine"


def test_info_files_that_vanished_are_written_by_the_next_change_of_context(entered, top):
    """S0-7, FORMAT 3.2."""
    (top / "simple-1/scenario_info.json").unlink()
    entered.write_to_blocks_log(regime(task_name="Env-B"), DIRECTORIES, update_context_only=True)
    assert (top / "simple-1/scenario_info.json").read_bytes() == b"{}"


def test_each_regime_entered_is_a_row(entered, top):
    """S0-9."""
    entered.write_to_blocks_log(regime(regime_num=1, params=""), DIRECTORIES)
    assert tree(top)[f"{TASK}/block-report.tsv"] == (
        REGIME_HEADER + REGIME_ROW + b"0\t1\ttrain\tdriver.py-0\tEnv-A-5x5\t\n"
    )


def test_the_order_of_keys_does_not_matter(fresh, top):
    """S0-9."""
    fresh.write_to_blocks_log(dict(reversed(regime().items())), DIRECTORIES)
    assert tree(top)[f"{TASK}/block-report.tsv"] == REGIME_HEADER + REGIME_ROW


def test_a_context_may_be_entered_without_a_row(fresh, top):
    """S0-13: directories and info files, but no TSV; a data row then makes the data log alone."""
    infos = ["simple-1/column_metric_list.json", "simple-1/scenario_info.json"]
    fresh.write_to_blocks_log({"task_name": "Env-A-5x5"}, DIRECTORIES, update_context_only=True)
    assert files(top) == infos
    assert (top / TASK).is_dir()
    fresh.write_to_data_log(row())
    assert files(top) == sorted([*infos, f"{TASK}/data-log.tsv"])


def test_a_context_of_the_second_layout_may_be_entered_without_a_row(fresh, top):
    """S0-13."""
    fresh.write_new_regime(without(regime(), "params", "regime_num"), "simple-1", update_context_only=True)
    assert files(top) == ["simple-1/column_info.json", "simple-1/scenario_info.json"]
    assert (top / TASK).is_dir()


def test_both_spellings_write_the_same(tmp_path):
    """S0-14."""
    first, second = (RLPerformanceLogger(tmp_path / name, ["reward"]) for name in ("first", "second"))
    for number in range(2):
        first.write_to_blocks_log(regime(regime_num=number), DIRECTORIES)
        first.write_to_data_log(row(number, regime_num=number))
        second.write_blocks_to_log(record=regime(regime_num=number), directory_info=DIRECTORIES)
        second.write_data_to_log(record=row(number, regime_num=number))
    second.write_blocks_to_log(regime(task_name="Env-B"), DIRECTORIES, update_context_only=True)
    (tmp_path / "second/simple-1/driver.py-0/0-train/Env-B").rmdir()
    assert tree(tmp_path / "first") == tree(tmp_path / "second")


def test_both_layouts_may_be_mixed(entered, top):
    """Each method writes its own, as the module says."""
    entered.write_new_regime(regime(regime_num=1), "simple-1")
    entered.write_to_data_log(row(regime_num=1))
    assert files(top) == [
        "simple-1/column_info.json",
        "simple-1/column_metric_list.json",
        f"{TASK}/block-info.tsv",
        f"{TASK}/block-report.tsv",
        f"{TASK}/data-log.tsv",
        "simple-1/scenario_info.json",
    ]


@pytest.mark.parametrize(
    ("record", "difference"),
    [
        (without(regime(), "params"), r"missing=\['params'\] unexpected=\[\]"),
        (regime(zz=1, note=""), r"missing=\[\] unexpected=\['note', 'zz'\]"),
        (without(regime(param="[]"), "params"), r"missing=\['params'\] unexpected=\['param'\]"),
    ],
    ids=["missing", "unexpected", "both"],
)
def test_the_first_regime_must_have_six_columns_and_no_others(fresh, top, record, difference):
    """S0-16: nothing is made, and the difference is told."""
    with pytest.raises(SchemaError, match=difference):
        fresh.write_to_blocks_log(record, DIRECTORIES)
    with pytest.raises(SchemaError, match=difference):
        fresh.write_new_regime(record, "simple-1")
    assert everything(top) == []
    assert fresh.logging_dir is None


def test_a_later_regime_may_lack_a_column(entered, top):
    """S0-16, FORMAT 3.4: an empty cell."""
    entered.write_to_blocks_log(without(regime(regime_num=1), "params", "worker"), DIRECTORIES)
    assert tree(top)[f"{TASK}/block-report.tsv"].endswith(b"0\t1\ttrain\t\tEnv-A-5x5\t\n")


def test_a_later_regime_must_not_have_another_column(entered, top):
    """S0-16, FORMAT 3.4."""
    before = tree(top)
    with pytest.raises(SchemaError, match=r"block-report.tsv has the columns .* unexpected=\['note'\]"):
        entered.write_to_blocks_log(regime(regime_num=1, note=""), DIRECTORIES)
    assert tree(top) == before


def test_a_refused_regime_changes_nothing_and_the_next_is_accepted(entered, top):
    """S0-12, S0-16: rows go where they went before."""
    before = everything(top)
    with pytest.raises(SchemaError):
        entered.write_to_blocks_log(regime(note=""), {**DIRECTORIES, "worker_dirname": "w1"})
    with pytest.raises(RecordError):
        entered.write_to_blocks_log(regime(regime_num=-1), {**DIRECTORIES, "scenario_dirname": "second"})
    assert everything(top) == before
    assert entered.logging_dir == f"{top}/{TASK}"
    entered.write_to_data_log(row())
    assert f"{TASK}/data-log.tsv" in files(top)
    entered.write_to_blocks_log(regime(regime_num=1), {**DIRECTORIES, "worker_dirname": "w1"})
    assert "simple-1/w1/0-train/Env-A-5x5/block-report.tsv" in files(top)


@pytest.mark.parametrize("name", ["scenario_dirname", "worker_dirname"])
@pytest.mark.parametrize("context_only", [False, True])
def test_a_directory_that_is_not_named_is_an_error(fresh, top, name, context_only):
    """S0-16, FORMAT 3.4."""
    with pytest.raises(RecordError, match=f"{name} is missing, it names a directory; got "):
        fresh.write_to_blocks_log(regime(), without(DIRECTORIES, name), context_only)
    assert everything(top) == []


@pytest.mark.parametrize("name", ["worker", "block_num", "block_type", "task_name"])
@pytest.mark.parametrize("context_only", [False, True])
def test_a_value_that_names_a_directory_must_be_there(fresh, top, name, context_only):
    """S0-16, FORMAT 3.4."""
    with pytest.raises(RecordError, match=f"{name} is missing, it names a directory; got "):
        fresh.write_new_regime(without(regime(), name), "simple-1", context_only)
    assert everything(top) == []


@pytest.mark.parametrize("given", [None, "simple-1", 5, [("block_num", 0)]], ids=repr)
def test_records_must_be_mappings(entered, given):
    """S0-16: the error says what it got."""
    with pytest.raises(RecordError, match="a record must be a dict, got"):
        entered.write_to_blocks_log(given, DIRECTORIES)
    with pytest.raises(RecordError, match="a record must be a dict, got"):
        entered.write_new_regime(given, "simple-1")
    with pytest.raises(RecordError, match="a record must be a dict, got"):
        entered.write_to_data_log(given)
    with pytest.raises(RecordError, match="directory_info must be a dict, got"):
        entered.write_to_blocks_log(regime(), given)


def test_a_row_before_any_regime_is_an_error(fresh, top):
    """S0-12."""
    with pytest.raises(RecordError, match="call write_to_blocks_log or write_new_regime first"):
        fresh.write_to_data_log(row())
    assert everything(top) == []


def test_rows_go_to_the_context_entered_last(entered, top):
    """S0-12."""
    entered.write_to_data_log(row(0))
    entered.write_to_blocks_log(regime(task_name="Env-B", regime_num=1), DIRECTORIES)
    entered.write_to_data_log(row(1, regime_num=1))
    assert [each["exp_num"] for each in parse(tree(top)[f"{TASK}/data-log.tsv"])] == ["0"]
    assert [each["exp_num"] for each in parse(tree(top)["simple-1/driver.py-0/0-train/Env-B/data-log.tsv"])] == ["1"]


def test_extras_come_after_the_standard_columns_by_code_point(entered, top):
    """S0-10, FORMAT 3.6: the original had them in the order of a set, another one in each process."""
    extras = {"zz": 1, "Aa": 2, "_u": 3, "b": 4, "a_b": 5, "rand-seed": 6}
    entered.write_to_data_log({**extras, **dict(reversed(row().items()))})
    header, values = tree(top)[f"{TASK}/data-log.tsv"].splitlines()
    assert header.split(b"\t")[5:] == [b"Aa", b"_u", b"a_b", b"b", b"rand-seed", b"reward", b"zz"]
    assert values.split(b"\t")[5:] == [b"2", b"3", b"5", b"4", b"6", b"1", b"1"]


@pytest.mark.parametrize("name", ["block_num", "regime_num", "exp_num", "status"])
def test_the_first_row_must_have_the_standard_columns(entered, top, name):
    """S0-17."""
    before = tree(top)
    with pytest.raises(SchemaError, match=rf"the first row of a data-log.tsv must have .* missing=\['{name}'\]"):
        entered.write_to_data_log(without(row(), name))
    assert tree(top) == before


def test_a_later_row_may_lack_columns(entered, top):
    """S0-17, FORMAT 3.4: empty cells."""
    entered.write_to_data_log(row())
    entered.write_to_data_log(without(row(1), "status", "block_num"))
    assert tree(top)[f"{TASK}/data-log.tsv"].endswith(b"\n\t0\t1\t\t20200923T115137.150115\t1\n")


def test_a_later_row_must_not_have_another_column(entered, top):
    """S0-17, FORMAT 3.4."""
    entered.write_to_data_log(row())
    before = tree(top)
    with pytest.raises(SchemaError, match=r"data-log.tsv has the columns .*'reward'\], .* unexpected=\['a', 'b'\]"):
        entered.write_to_data_log(row(1, b=1, a=1))
    assert tree(top) == before


def test_the_columns_of_an_existing_file_stay_in_their_order(make, top):
    """S0-15: also those of a file that the original wrote."""
    (top / TASK).mkdir(parents=True)
    old = (
        b"block_num\tregime_num\texp_num\tstatus\ttimestamp\tzz\treward\n0\t0\t0\tDone\t20200923T115137.150115\tx\t1\n"
    )
    (top / TASK / "data-log.tsv").write_bytes(old)
    logger = make()
    logger.write_to_blocks_log(regime(), DIRECTORIES)
    logger.write_to_data_log(row(1, zz="y"))
    logger.write_to_data_log(row(2))
    assert (top / TASK / "data-log.tsv").read_bytes() == (
        old + b"0\t0\t1\tDone\t20200923T115137.150115\ty\t1\n0\t0\t2\tDone\t20200923T115137.150115\t\t1\n"
    )


def test_each_file_has_the_columns_of_its_own_first_row(entered, top):
    """S0-10."""
    entered.write_to_data_log(row(0))
    entered.write_to_blocks_log(regime(task_name="Env-B"), DIRECTORIES)
    entered.write_to_data_log(row(1, note="x"))
    assert tree(top)["simple-1/driver.py-0/0-train/Env-B/data-log.tsv"].startswith(
        b"block_num\tregime_num\texp_num\tstatus\ttimestamp\tnote\treward\n"
    )


def test_a_missing_timestamp_is_filled_in(entered, top):
    """S0-10, FORMAT 3.3."""
    before = entered.get_readable_timestamp()
    entered.write_to_data_log(without(row(), "timestamp"))
    stamp = parse(tree(top)[f"{TASK}/data-log.tsv"])[0]["timestamp"]
    assert before <= stamp <= entered.get_readable_timestamp()


def test_records_of_the_caller_are_not_changed(entered):
    """FORMAT 3.3: the original put the timestamp into the caller's own dict."""
    record, data, names = regime(block_num=np.int64(0)), without(row(np.int64(0)), "timestamp"), dict(DIRECTORIES)
    entered.write_to_blocks_log(record, names)
    entered.write_to_data_log(data)
    assert record == regime()
    assert type(record["block_num"]) is np.int64
    assert data == without(row(), "timestamp")
    assert type(data["exp_num"]) is np.int64
    assert names == DIRECTORIES


def test_cells_have_the_text_of_later_formats(entered, top):
    """S0-10, FORMAT 6: one rule for all versions."""
    values = {"a": None, "b": True, "c": 1e-7, "d": 'quo"te', "e": "tab\t", "f": "cr\r", "g": np.float32(0.1)}
    entered.write_to_data_log({**without(row(), "reward"), **values, "reward": [1, 2]})
    assert tree(top)[f"{TASK}/data-log.tsv"].endswith(
        b'\tstatus\ttimestamp\ta\tb\tc\td\te\tf\tg\treward\n0\t0\t0\tDone\t20200923T115137.150115\t\tTrue\t1e-07\t"quo""te"\t"tab\t"\t"cr\r"\t0.1\t[1, 2]\n'
    )


def test_column_names_are_quoted_like_cells(entered, top):
    """S0-15, FORMAT 6.1: and read back when the file is opened again."""
    entered.write_to_data_log(row(**{"line\nbreak": 1, 'quo"te': 2, "tab\t": 3}))
    entered.close_logs()
    entered.write_to_data_log(row(1, **{"line\nbreak": 4, 'quo"te': 5, "tab\t": 6}))
    assert [list(each.values())[5:] for each in parse(tree(top)[f"{TASK}/data-log.tsv"])] == [
        ["1", "2", "1", "3"],
        ["4", "5", "1", "6"],
    ]


def test_column_names_must_be_text(entered):
    """S0-17."""
    with pytest.raises(SchemaError, match=r"column names must be text, got \[5\]"):
        entered.write_to_data_log({**row(), 5: 1})
    entered.write_to_data_log(row())
    with pytest.raises(SchemaError, match=r"unexpected=\[5\]"):
        entered.write_to_data_log({**row(), 5: 1})


def test_a_row_that_lacks_an_announced_metric_is_reported_once(make, top):
    """S0-26: it is stored all the same."""
    logger = make(["reward", "loss"])
    logger.write_to_blocks_log(regime(), DIRECTORIES)
    with pytest.warns(RecordWarning, match=r"the row lacks \['loss'\], announced as metric columns") as caught:
        logger.write_to_data_log(row(0))
        logger.write_to_data_log(row(1))
    assert [warning.filename for warning in caught] == [__file__]
    assert len(parse(tree(top)[f"{TASK}/data-log.tsv"])) == 2


def test_where_warnings_are_errors_every_such_row_is_refused(make, top):
    """S0-26: as in this suite."""
    logger = make(["reward", "loss"])
    logger.write_to_blocks_log(regime(), DIRECTORIES)
    for _ in range(2):
        with pytest.raises(RecordWarning):
            logger.write_to_data_log(row())
    assert f"{TASK}/data-log.tsv" not in files(top)


def test_a_row_with_all_metrics_is_not_reported(make):
    """S0-26."""
    logger = make(["reward", "loss"])
    logger.write_to_blocks_log(regime(), DIRECTORIES)
    logger.write_to_data_log(row(loss=None))


@pytest.mark.parametrize("value", [True, np.bool_(True), 1.0, "1", None], ids=repr)
@pytest.mark.parametrize("name", ["block_num", "regime_num", "exp_num"])
def test_counts_must_be_integers(entered, top, name, value):
    """FORMAT 3.6: the original looked at no number."""
    before = everything(top)
    with pytest.raises(RecordError, match=f"{name} must be an integer, got"):
        entered.write_to_data_log(row(**{name: value}))
    if name != "exp_num":
        with pytest.raises(RecordError, match=f"{name} must be an integer, got"):
            entered.write_to_blocks_log(regime(**{name: value}), {**DIRECTORIES, "worker_dirname": "w1"})
        with pytest.raises(RecordError, match=f"{name} must be an integer, got"):
            entered.write_new_regime(regime(worker="w1", **{name: value}), "simple-1")
    assert everything(top) == before


@pytest.mark.parametrize("value", [-1, 2**63], ids=repr)
def test_counts_must_fit_into_64_bits_and_not_be_negative(entered, value):
    """FORMAT 3.6."""
    with pytest.raises(RecordError, match="exp_num must be from 0 to"):
        entered.write_to_data_log(row(value))


@pytest.mark.parametrize("name", ["block_num", "regime_num", "exp_num"])
def test_a_count_that_falls_is_reported_once_and_stored(entered, top, name):
    """FORMAT 3.6: what is not an error for 0.1 is a doubt."""
    entered.write_to_data_log(row(5, block_num=5, regime_num=5))
    with pytest.warns(
        RecordWarning, match=f"{name} should never fall for a worker: 'driver.py-0' was at 5, got 4"
    ) as c:
        entered.write_to_data_log(row(**{"exp_num": 5, "block_num": 5, "regime_num": 5, name: 4}))
        entered.write_to_data_log(row(**{"exp_num": 5, "block_num": 5, "regime_num": 5, name: 3}))
    assert len(c) == 1
    assert len(parse(tree(top)[f"{TASK}/data-log.tsv"])) == 3


def test_a_regime_that_falls_is_reported(fresh):
    """FORMAT 3.6."""
    fresh.write_to_blocks_log(regime(regime_num=2), DIRECTORIES)
    with pytest.warns(RecordWarning, match="regime_num should never fall for a worker: 'driver.py-0' was at 2, got 1"):
        fresh.write_new_regime(regime(regime_num=1), "simple-1")


def test_workers_and_scenarios_count_each_by_themselves(fresh):
    """S0-21."""
    for number, worker in [(5, "a"), (3, "b"), (6, "a"), (4, "b")]:
        fresh.write_to_blocks_log(regime(regime_num=number), {**DIRECTORIES, "worker_dirname": worker})
        fresh.write_to_data_log(row(number, regime_num=number))
    fresh.write_to_blocks_log(regime(), {**DIRECTORIES, "scenario_dirname": "second", "worker_dirname": "a"})
    fresh.write_to_data_log(row())


def test_a_refused_row_is_not_remembered(entered):
    """FORMAT 3.6: it did not happen."""
    entered.write_to_data_log(row())
    with pytest.raises(SchemaError):
        entered.write_to_data_log(row(9, unexpected=1))
    entered.write_to_data_log(row(1))


NAMED_BY = ["scenario_dirname", "worker_dirname", "block_dirname", "worker", "block_type", "task_name"]


def enter(logger, what, name, **options):
    """Enter a regime of which one directory is called `name`, through the method that takes it."""
    if what in DIRECTORIES:
        return logger.write_to_blocks_log(regime(), {**DIRECTORIES, what: name}, **options)
    return logger.write_new_regime(regime(**{what: name}), "simple-1", **options)


@pytest.mark.parametrize("what", NAMED_BY)
@pytest.mark.parametrize("context_only", [False, True])
@pytest.mark.parametrize(
    "name", ["", ".", "..", "nul\0", "line\nbreak", "\x1b[2J", "\ud800", 5, b"w0", ["w0"]], ids=repr
)
def test_names_that_no_directory_can_have_are_refused(fresh, top, what, context_only, name):
    """S0-23: for all four levels, in both layouts."""
    with pytest.raises(RecordError, match=f"{what} names a directory, so it must be text other than"):
        enter(fresh, what, name, update_context_only=context_only)
    assert everything(top) == []
    assert fresh.logging_dir is None


@pytest.mark.parametrize("what", NAMED_BY)
@pytest.mark.parametrize("name", ["a/b", "../../out", "/out", "a\\b", "..\\out"])
def test_slashes_in_names_become_underscores(fresh, top, tmp_path, what, name):
    """S0-23: no name makes another level, or leaves its own."""
    enter(fresh, what, name)
    fresh.write_to_data_log(row())
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert [len(Path(path).parts) for path in files(top) if path.endswith("data-log.tsv")] == [5]
    assert re.sub(r"[/\\]", "_", name) in Path(fresh.logging_dir).relative_to(top).as_posix()


@pytest.mark.parametrize("name", ["ALE/Pong-v5", "é☃", "Env A", "a.b", "..."])
def test_the_row_keeps_the_name_of_the_task_as_it_is(fresh, name):
    """S0-23: only the directory is renamed."""
    enter(fresh, "task_name", name)
    assert parse((Path(fresh.logging_dir) / "block-info.tsv").read_bytes())[0]["task_name"] == name


@pytest.mark.parametrize("what", NAMED_BY)
def test_names_that_are_too_long_are_refused_before_anything_is_made(fresh, top, what):
    """S0-23: bytes count, not characters."""
    with pytest.raises(RecordError, match=f"{what} takes 256 bytes, more than the 255"):
        enter(fresh, what, "é" * 128)
    assert everything(top) == []


@pytest.mark.parametrize("name", ["scenario_info.json", "column_info.json", "column_metric_list.json"])
def test_a_worker_cannot_have_the_name_of_an_info_file(fresh, top, name):
    """S0-21, F-005: the file would never be written."""
    with pytest.raises(RecordError, match="the directory of a worker cannot be called"):
        enter(fresh, "worker", name)
    with pytest.raises(RecordError, match="the directory of a worker cannot be called"):
        enter(fresh, "worker_dirname", name)
    assert everything(top) == []


@pytest.mark.parametrize("level", range(1, 5))
def test_links_that_lead_outside_are_not_followed(fresh, top, tmp_path, level):
    """S0-23, F-010: a link in the place of the scenario, the worker, the block or the task."""
    outside = tmp_path / "outside"
    outside.mkdir()
    link = top.joinpath(*Path(TASK).parts[:level])
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside)
    with pytest.raises(LogWriteError, match="outside of the run directory"):
        fresh.write_to_blocks_log(regime(), DIRECTORIES)
    assert everything(outside) == []
    assert fresh.logging_dir is None


@pytest.mark.parametrize("opened", [False, True])
def test_a_task_directory_that_becomes_a_link_is_not_followed(entered, top, tmp_path, opened):
    """S0-23: after it was entered, with its file open and not yet open."""
    outside = tmp_path / "outside"
    outside.mkdir()
    if opened:
        entered.write_to_data_log(row())
    (top / TASK).rename(top / "moved")
    (top / TASK).symlink_to(outside)
    if opened:
        with pytest.warns(LogWarning, match="replaced"), pytest.raises(LogWriteError, match="outside"):
            entered.write_to_data_log(row())
    with pytest.raises(LogWriteError, match="outside"):
        entered.write_to_data_log(row())
    assert everything(outside) == []


@pytest.mark.parametrize("name", ["block-report.tsv", "data-log.tsv"])
def test_a_file_that_is_a_link_is_not_followed(fresh, top, tmp_path, name):
    """S0-23."""
    (tmp_path / "outside.tsv").write_bytes(b"")
    (top / TASK).mkdir(parents=True)
    (top / TASK / name).symlink_to(tmp_path / "outside.tsv")
    with pytest.raises(LogWriteError):
        fresh.write_to_blocks_log(regime(), DIRECTORIES)
        fresh.write_to_data_log(row())
    assert (tmp_path / "outside.tsv").read_bytes() == b""


def test_a_pipe_in_the_place_of_a_file_does_not_block(fresh, top):
    """F-051: nor does a directory."""
    (top / TASK).mkdir(parents=True)
    os.mkfifo(top / TASK / "block-report.tsv")
    (top / TASK / "data-log.tsv").mkdir()
    with pytest.raises(LogWriteError, match="not a regular file"):
        fresh.write_to_blocks_log(regime(), DIRECTORIES)
    fresh.write_to_blocks_log(regime(), DIRECTORIES, update_context_only=True)
    with pytest.raises(LogWriteError):
        fresh.write_to_data_log(row())


def test_re_entry_appends_under_the_one_header(entered, top):
    """S0-15."""
    entered.write_to_data_log(row(0))
    entered.write_to_blocks_log(regime(task_name="Env-B", regime_num=1), DIRECTORIES)
    entered.write_to_data_log(row(1, regime_num=1))
    entered.write_to_blocks_log(regime(regime_num=2), DIRECTORIES)
    entered.write_to_data_log(row(2, regime_num=2))
    assert tree(top)[f"{TASK}/data-log.tsv"].count(b"block_num") == 1
    assert [each["regime_num"] for each in parse(tree(top)[f"{TASK}/data-log.tsv"])] == ["0", "2"]
    assert [each["regime_num"] for each in parse(tree(top)[f"{TASK}/block-report.tsv"])] == ["0", "2"]


def test_another_writer_goes_on_where_one_stopped(entered, make, top):
    """S0-15."""
    entered.write_to_data_log(row(0))
    entered.close_logs()
    second = make()
    second.write_to_blocks_log(regime(regime_num=1), DIRECTORIES)
    second.write_to_data_log(row(1, regime_num=1))
    assert tree(top)[f"{TASK}/data-log.tsv"].count(b"block_num") == 1
    assert [each["exp_num"] for each in parse(tree(top)[f"{TASK}/data-log.tsv"])] == ["0", "1"]


def test_closing_twice_does_no_harm_and_files_are_whole(entered, top):
    """S0-24."""
    entered.write_to_data_log(row())
    entered.close_logs()
    before = tree(top)
    entered.close_logs()
    assert tree(top) == before
    assert len(parse(before[f"{TASK}/data-log.tsv"])) == 1


def test_closing_before_the_first_regime_does_no_harm(fresh):
    """S0-24."""
    fresh.close_logs()
    fresh.close_logs()


def test_a_row_after_closing_opens_its_file_again(entered, top):
    """S0-24: the context is still there."""
    entered.write_to_data_log(row(0))
    entered.close_logs()
    entered.write_to_data_log(row(1))
    assert [each["exp_num"] for each in parse(tree(top)[f"{TASK}/data-log.tsv"])] == ["0", "1"]


def test_closing_closes_every_file(entered, top):
    """S0-24."""
    entered.write_to_data_log(row())
    names = ("block-report.tsv", "data-log.tsv")
    assert [is_locked(top / TASK / name) for name in names] == [True, True]
    entered.close_logs()
    assert [is_locked(top / TASK / name) for name in names] == [False, False]


def test_a_task_that_is_left_can_be_taken_over(entered, make):
    """FORMAT 3.4: files are closed when the context changes, so nobody holds their lock."""
    entered.write_to_data_log(row())
    entered.write_to_blocks_log(regime(task_name="Env-B"), DIRECTORIES, update_context_only=True)
    second = make()
    second.write_to_blocks_log(regime(), DIRECTORIES)
    second.write_to_data_log(row())


def test_two_writers_of_one_task_do_not_interleave(entered, make, top):
    """S0-21, FORMAT 3.6: the second is told."""
    entered.write_to_data_log(row())
    before = tree(top)
    second = make()
    with pytest.raises(LogLockedError, match="is being written by"):
        second.write_to_blocks_log(regime(), DIRECTORIES)
    assert second.logging_dir is None
    second.write_to_blocks_log(regime(), DIRECTORIES, update_context_only=True)
    with pytest.raises(LogLockedError):
        second.write_to_data_log(row())
    assert tree(top) == before


def test_workers_have_folders_of_their_own(make, top):
    """S0-21: two writers, same block, same task, two files."""
    for name in ("w0", "w1"):
        logger = make()
        logger.write_new_regime(regime(worker=name), "simple-1")
        logger.write_to_data_log(row())
    assert [name for name in files(top) if name.endswith("data-log.tsv")] == [
        "simple-1/w0/0-train/Env-A-5x5/data-log.tsv",
        "simple-1/w1/0-train/Env-A-5x5/data-log.tsv",
    ]


def test_one_writer_may_alternate_between_workers(fresh, top):
    """S0-21, S0-13: without a row for each change."""
    for number in range(12):
        names = {**DIRECTORIES, "worker_dirname": f"w{number % 3}"}
        fresh.write_to_blocks_log({"task_name": "Env-A-5x5"}, names, update_context_only=True)
        fresh.write_to_data_log(row(number))
    for worker in range(3):
        rows = parse(tree(top)[f"simple-1/w{worker}/0-train/Env-A-5x5/data-log.tsv"])
        assert [int(each["exp_num"]) % 3 for each in rows] == [worker] * 4


@pytest.mark.parametrize("name", ["data-log.tsv", "block-report.tsv"])
def test_a_torn_tail_is_repaired_on_re_entry(entered, make, top, name):
    """S0-15, F-059: the piece is kept beside the file."""
    entered.write_to_data_log(row(0))
    entered.close_logs()
    path = top / TASK / name
    whole = path.read_bytes()
    path.write_bytes(whole + b'0\t0\t"torn\n')
    second = make()
    with pytest.warns(LogWarning, match="ended in the middle of a row"):
        second.write_to_blocks_log(regime(regime_num=1), DIRECTORIES)
        second.write_to_data_log(row(1, regime_num=1))
    assert path.read_bytes().startswith(whole)
    assert len(parse(path.read_bytes())) == 2
    assert Path(f"{path}.torn").read_bytes() == b'0\t0\t"torn\n\n'


def test_a_torn_header_is_repaired_on_re_entry(entered, top):
    """S0-15, F-060."""
    (top / TASK / "data-log.tsv").write_bytes(DATA_HEADER[:20])
    with pytest.warns(LogWarning, match="ended in the middle of a row"):
        entered.write_to_data_log(row())
    assert (top / TASK / "data-log.tsv").read_bytes().startswith(DATA_HEADER + b"0\t0\t0")


def test_an_empty_file_gets_its_header(entered, top):
    """S0-15, F-060."""
    (top / TASK / "data-log.tsv").write_bytes(b"")
    entered.write_to_data_log(row())
    assert (top / TASK / "data-log.tsv").read_bytes().startswith(DATA_HEADER + b"0\t0\t0")


def test_a_file_that_is_no_log_is_refused_and_left_alone(entered, top):
    """F-051."""
    (top / TASK / "data-log.tsv").write_bytes(b"something else\n")
    with pytest.raises(SchemaError, match=r"has the columns \['something else'\]"):
        entered.write_to_data_log(row())
    assert (top / TASK / "data-log.tsv").read_bytes() == b"something else\n"


@pytest.mark.parametrize("whole_run", [False, True])
def test_a_log_deleted_while_it_is_written_goes_on_in_a_new_file(entered, top, whole_run):
    """F-048, F-049: with a warning, header and info files."""
    entered.write_to_data_log(row(0))
    before = files(top)
    top.rename(top.with_name("moved")) if whole_run else (top / TASK / "data-log.tsv").unlink()
    with pytest.warns(LogWarning, match="was deleted, replaced or cut") as caught:
        entered.write_to_data_log(row(1))
    assert caught[0].filename == __file__
    assert [each["exp_num"] for each in parse(tree(top)[f"{TASK}/data-log.tsv"])] == ["1"]
    assert files(top) == [name for name in before if not (whole_run and name.endswith("block-report.tsv"))]


@pytest.mark.parametrize(
    "record",
    [
        row(1, unexpected=1),
        row(1, reward="\ud800"),
        row(1, reward="x" * (2**20 + 1)),
        row("1"),
        row(1, reward=type("Broken", (), {"__str__": lambda self: 1 / 0})()),
    ],
    ids=["column", "surrogate", "size", "count", "text"],
)
@pytest.mark.parametrize("first", [False, True])
def test_a_refused_row_leaves_no_trace_and_the_next_is_accepted(entered, top, record, first):
    """S0-17: neither as the first row of a file, nor as a later one."""
    record = without(record, "unexpected", "status") if first and "unexpected" in record else record
    if not first:
        entered.write_to_data_log(row(0))
    before = tree(top)
    with pytest.raises(RecordError):
        entered.write_to_data_log(record)
    assert tree(top) == before
    entered.write_to_data_log(row(0))
    assert len(parse(tree(top)[f"{TASK}/data-log.tsv"])) == 2 - first


def test_a_failed_write_leaves_no_trace_and_the_next_succeeds(entered, top, monkeypatch):
    """F-043: a disk that is full for a while."""

    def full(fd, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    entered.write_to_data_log(row(0))
    before = tree(top)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(LogWriteError, match="No space left"):
            entered.write_to_data_log(row(1))
        with pytest.raises(LogWriteError, match="No space left"):
            entered.write_to_blocks_log(regime(regime_num=1), DIRECTORIES)
    assert tree(top) == before
    entered.write_to_data_log(row(1))
    assert [each["exp_num"] for each in parse(tree(top)[f"{TASK}/data-log.tsv"])] == ["0", "1"]


def test_a_writer_without_descriptors_is_told_so_and_the_next_row_is_stored(entered, top):
    """F-050: an existing file whose header cannot be read is not taken for a new one."""
    entered.write_to_data_log(row(0))
    entered.close_logs()

    def work():
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
        with pytest.raises(LogWriteError, match="Too many open files"):
            entered.write_to_data_log(without(row(1), "status"))
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        entered.write_to_data_log(without(row(1), "status"))

    assert wait(fork(work)) == 0
    assert [each["status"] for each in parse(tree(top)[f"{TASK}/data-log.tsv"])] == ["Done", ""]


def test_a_failed_regime_leaves_the_context_alone(entered, top):
    """S0-12, F-009: a file is in the place of the worker's directory."""
    (top / "simple-1" / "w1").write_text("in the way")
    with pytest.raises(LogWriteError, match="the record was not stored"):
        entered.write_to_blocks_log(regime(), {**DIRECTORIES, "worker_dirname": "w1"})
    assert entered.logging_dir == f"{top}/{TASK}"
    entered.write_to_data_log(row())


def test_info_files_that_cannot_be_written_are_an_error(fresh, monkeypatch):
    """F-009: of the kind that all failed writes are."""

    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(LogWriteError, match="No space left"):
            fresh.write_to_blocks_log(regime(), DIRECTORIES)
    assert fresh.logging_dir is None
    fresh.write_to_blocks_log(regime(), DIRECTORIES)


def test_a_row_logged_from_inside_of_another_is_refused(entered, top):
    """F-020, F-071: and so is a regime, so that the outer row goes where it should."""

    class Meddler:
        def __str__(self):
            with pytest.raises(RecordError, match="while another one was being logged"):
                entered.write_to_blocks_log(regime(task_name="Env-B"), DIRECTORIES, update_context_only=True)
            return "1"

    entered.write_to_data_log(row(reward=Meddler()))
    assert entered.logging_dir == f"{top}/{TASK}"
    assert tree(top)[f"{TASK}/data-log.tsv"].endswith(b"\t1\n")


def test_another_process_sees_a_row_once_the_call_has_returned(fresh, top):
    """S0-25: while the writer is alive and its files are open."""
    ours, childs = socket.socketpair()

    def write():
        ours.close()
        fresh.write_to_blocks_log(regime(), DIRECTORIES)
        fresh.write_to_data_log(row())
        childs.send(b"!")
        childs.recv(1)

    pid = fork(write)
    childs.close()
    with ours:
        assert ours.recv(1) == b"!"
        assert tree(top)[f"{TASK}/block-report.tsv"] == REGIME_HEADER + REGIME_ROW
        assert tree(top)[f"{TASK}/data-log.tsv"].endswith(b"0\t0\t0\tDone\t20200923T115137.150115\t1\n")
    assert wait(pid) == 0


def test_a_killed_process_loses_no_row(fresh, top):
    """S0-25."""

    def write():
        fresh.write_to_blocks_log(regime(), DIRECTORIES)
        for number in range(100):
            fresh.write_to_data_log(row(number))
        os.kill(os.getpid(), signal.SIGKILL)

    assert wait(fork(write)) == -signal.SIGKILL
    assert len(parse(tree(top)[f"{TASK}/block-report.tsv"])) == 1
    assert [int(each["exp_num"]) for each in parse(tree(top)[f"{TASK}/data-log.tsv"])] == list(range(100))


def test_a_killed_process_leaves_no_lock(fresh, make):
    """S0-15, S0-25: its task can be entered again."""

    def write():
        fresh.write_to_blocks_log(regime(), DIRECTORIES)
        os.kill(os.getpid(), signal.SIGKILL)

    wait(fork(write))
    make().write_to_blocks_log(regime(), DIRECTORIES)


@pytest.mark.parametrize("inherited", [True, False], ids=["inherited", "own"])
@pytest.mark.parametrize("layout", ["blocks_log", "new_regime"])
def test_forked_workers_write_one_scenario(make, top, inherited, layout):
    """S0-21, S0-31: whether they share the parent's writer or make one each, all rows are there."""
    parents = make()

    def work(worker):
        logger = parents if inherited else RLPerformanceLogger(top, ["reward"])
        for number in range(5):
            record = regime(worker=f"w{worker}", task_name=f"Env-{number % 2}", regime_num=number)
            if layout == "blocks_log":
                logger.write_to_blocks_log(record, {"scenario_dirname": "simple-1", "worker_dirname": f"w{worker}"})
            else:
                logger.write_new_regime(record, "simple-1")
            for step in range(20):
                logger.write_to_data_log(row(number * 20 + step, regime_num=number, reward=worker))

    assert [wait(pid) for pid in [fork(lambda worker=worker: work(worker)) for worker in range(4)]] == [0] * 4
    for worker in range(4):
        logs = {name: data for name, data in tree(top).items() if f"/w{worker}/" in name}
        data = [each for name, data in logs.items() if name.endswith("data-log.tsv") for each in parse(data)]
        assert {each["reward"] for each in data} == {str(worker)}
        assert sorted(int(each["exp_num"]) for each in data) == list(range(100))
        regimes = [each for name, data in logs.items() if "/block-" in name for each in parse(data)]
        assert sorted(each["regime_num"] for each in regimes) == list("01234")
    assert tree(top)["simple-1/scenario_info.json"] == b"{}"
    assert not [name for name in files(top) if name.endswith((".tmp", ".torn"))]


def test_a_forked_child_goes_on_in_the_task_of_its_parent(entered, top):
    """S0-15, S0-31: without another header."""
    entered.write_to_data_log(row(0))
    assert wait(fork(lambda: entered.write_to_data_log(row(1)))) == 0
    entered.write_to_data_log(row(2))
    assert tree(top)[f"{TASK}/data-log.tsv"].count(b"block_num") == 1
    assert [each["exp_num"] for each in parse(tree(top)[f"{TASK}/data-log.tsv"])] == ["0", "1", "2"]


def test_a_forked_child_does_not_keep_the_locks_of_its_parent(entered, top):
    """S0-31: when the parent closes, the file is free, though the child is alive."""
    ours, childs = socket.socketpair()

    def live():
        ours.close()
        childs.send(b"!")
        childs.recv(1)

    pid = fork(live)
    with ours, childs:
        assert ours.recv(1) == b"!"
        entered.close_logs()
        assert not is_locked(top / TASK / "block-report.tsv")
        ours.send(b"!")
    assert wait(pid) == 0


def test_threads_with_writers_of_their_own_share_a_scenario(make, top):
    """S0-21: also while they all make it for the first time."""
    failures = []
    ready = threading.Barrier(8)

    def work(worker):
        try:
            logger = make()
            ready.wait()
            logger.write_new_regime(regime(worker=f"w{worker}"), "simple-1")
            for number in range(20):
                logger.write_to_data_log(row(number))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    logs = [data for name, data in tree(top).items() if name.endswith("data-log.tsv")]
    assert [len(parse(data)) for data in logs] == [20] * 8
    assert json.loads(tree(top)["simple-1/column_info.json"]) == {"metrics_columns": ["reward"]}


def test_threads_may_share_a_writer(entered, top):
    """S0-12: rows are whole, and none is lost."""
    threads = [threading.Thread(target=lambda: [entered.write_to_data_log(row()) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(parse(tree(top)[f"{TASK}/data-log.tsv"])) == 200
