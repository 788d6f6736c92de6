"""Making a run: names, directories, info files, and what is refused before anything is created."""

import json
import os
import re
import stat
import threading
import time
from pathlib import Path

import pytest
from reading import files, record, rows

from l2logger import ConfigError, DataLogger, DirectoryError

METRICS = {"metrics_columns": ["reward"]}
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def test_the_directory_is_named_by_scenario_and_time(make):
    """S1-2."""
    assert re.fullmatch(r"run-\d{10}-\d{1,7}", Path(make().scenario_dir).name)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("/x/y/z.json", "z"),
        ("a.b.c", "a"),
        ("with space", "with space"),
        (Path("/x/y.yaml"), "y"),
        ("é☃", "é☃"),
        ("日本🤖", "日本🤖"),
    ],
)
def test_the_last_component_up_to_the_first_dot_is_used(make, name, stem):
    """S1-2, F-006, F-007."""
    assert Path(make(scenario_name=name).scenario_dir).name.startswith(f"{stem}-1")


def test_a_name_is_stored_composed(make):
    """F-007: the same letters give the same directory, however they were typed."""
    assert Path(make(scenario_name="a\u0301").scenario_dir).name.startswith("á-")


@pytest.mark.parametrize(
    "name", ["", "x/", "/", ".hidden", "..", ".", "a\0b", "a\nb", "x" * 300, "\ud800", None, 5, b"run"], ids=repr
)
def test_a_name_that_cannot_name_a_directory_is_refused(tmp_path, name):
    """F-006: one error, before any directory is made."""
    with pytest.raises(ConfigError, match="scenario_name"):
        DataLogger(tmp_path / "logs", name, METRICS)
    assert not (tmp_path / "logs").exists()


def test_the_base_directory_is_made_with_its_parents(tmp_path):
    """S1-1."""
    DataLogger(tmp_path / "a" / "b", "run", METRICS)
    assert (tmp_path / "a" / "b").is_dir()


def test_two_runs_of_the_same_instant_have_directories_of_their_own(make, monkeypatch):
    """F-008."""
    monkeypatch.setattr(time, "time", lambda: 1795229218.5)
    loggers = [make(scenario_info={"number": number}) for number in range(5)]
    assert len({logger.scenario_dir for logger in loggers}) == 5
    for number, logger in enumerate(loggers):
        assert re.fullmatch(r"run-\d{10}-\d{1,7}", Path(logger.scenario_dir).name)
        assert json.loads((Path(logger.scenario_dir) / "scenario_info.json").read_text()) == {"number": number}


def test_threads_that_start_runs_at_once_do_not_share_a_directory(make, monkeypatch):
    """F-008."""
    monkeypatch.setattr(time, "time", lambda: 1795229218.5)
    loggers = []
    threads = [threading.Thread(target=lambda: loggers.append(make())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({logger.scenario_dir for logger in loggers}) == 16


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "logger_info must be a dict"),
        ({}, "logger_info must be a dict with the key"),
        ({"metrics_columns": "reward"}, "metrics_columns must be a list of text"),
        ({"metrics_columns": ("reward",)}, "metrics_columns must be a list of text"),
        ({"metrics_columns": ["reward", 5]}, "metrics_columns must be a list of text"),
        ({"metrics_columns": []}, "metrics_columns is empty"),
        ({"metrics_columns": ["reward"], "other": {1, 2}}, "logger_info cannot be written as JSON"),
    ],
)
def test_logger_info_is_checked_before_anything_is_created(tmp_path, given, message):
    """S1-25, F-012."""
    with pytest.raises(RuntimeError, match=message):
        DataLogger(tmp_path / "logs", "run", given)
    assert not (tmp_path / "logs").exists()


def test_scenario_info_is_checked_before_anything_is_created(tmp_path):
    """F-012, F-021: no half of a file is left."""
    circle: dict = {}
    circle["again"] = circle
    for wrong in ({"a": object()}, {"a": {1}}, circle):
        with pytest.raises(ConfigError, match="scenario_info cannot be written as JSON"):
            DataLogger(tmp_path / "logs", "run", METRICS, wrong)
    assert not (tmp_path / "logs").exists()


def test_a_strict_run_refuses_nan_in_the_infos(tmp_path):
    """F-016."""
    with pytest.raises(ConfigError, match="JSON"):
        DataLogger(tmp_path, "run", METRICS, {"alpha": float("nan")}, strict=True)


@pytest.mark.parametrize("wrong", [{"format_version": "2.0"}, {"format_version": None}, {"fsync": "yes"}, {"sinks": 5}])
def test_a_wrong_option_is_refused_naming_the_right_ones(tmp_path, wrong):
    """F-014."""
    with pytest.raises(ConfigError, match="must be"):
        DataLogger(tmp_path / "logs", "run", METRICS, **wrong)
    assert not (tmp_path / "logs").exists()


def test_info_files_are_there_before_the_first_record(make):
    """S1-3, S1-4, S1-5: bytes of the vectors V1 and V2."""
    info = {"author": "JHU", "uni": "é☃", "n": None, "f": 1e-07, "b": True, "nan": float("nan")}
    run = Path(make(scenario_info=info).scenario_dir)
    assert (run / "logger_info.json").read_bytes() == (
        b'{\n  "metrics_columns": [\n    "reward"\n  ],\n  "log_format_version": "1.1"\n}'
    )
    assert (run / "scenario_info.json").read_bytes() == (
        b'{\n  "author": "JHU",\n  "uni": "\\u00e9\\u2603",\n  "n": null,\n  "f": 1e-07,\n  "b": true,\n  "nan": NaN\n}'
    )


@pytest.mark.parametrize("given", [None, {}, [], 0, ""])
def test_an_empty_scenario_info_is_an_empty_object(make, given):
    """S1-4."""
    assert (Path(make(scenario_info=given).scenario_dir) / "scenario_info.json").read_bytes() == b"{}"


def test_the_callers_dicts_are_copied(make):
    """S1-26, F-031: not changed, and later changes to them are not seen."""
    logger_info, scenario_info = {"metrics_columns": ["reward"], "log_format_version": "7"}, {"deep": [1]}
    logger = make(logger_info=logger_info, scenario_info=scenario_info)
    assert logger_info == {"metrics_columns": ["reward"], "log_format_version": "7"}
    assert logger.logger_info == {"metrics_columns": ["reward"], "log_format_version": "1.1"}
    logger_info["metrics_columns"].append("loss")
    scenario_info["deep"].append(2)
    assert logger.logger_info["metrics_columns"] == ["reward"]
    assert logger.scenario_info == {"deep": [1]}


def test_info_files_can_be_changed_and_written_again(make):
    """F-013: by a new file that takes the place of the old one."""
    logger = make()
    path = Path(logger.scenario_dir) / "scenario_info.json"
    before = path.stat().st_ino
    logger.scenario_info["author"] = "me"
    logger.write_info_files()
    assert json.loads(path.read_text()) == {"author": "me"}
    assert path.stat().st_ino != before
    assert files(logger.scenario_dir) == ["logger_info.json", "scenario_info.json"]


def test_infos_that_cannot_be_written_leave_both_files_as_they_were(make):
    """F-012, F-013."""
    logger = make()
    before = [(Path(logger.scenario_dir) / name).read_bytes() for name in files(logger.scenario_dir)]
    logger.logger_info["new"] = 1
    logger.scenario_info["bad"] = object()
    with pytest.raises(ConfigError):
        logger.write_info_files()
    assert [(Path(logger.scenario_dir) / name).read_bytes() for name in files(logger.scenario_dir)] == before


@pytest.mark.parametrize("base", [None, 5, b"\xff\0", "a\0b"], ids=repr)
def test_a_base_directory_must_be_a_path(base):
    """F-009."""
    with pytest.raises(ConfigError, match="logging_base_dir"):
        DataLogger(base, "run", METRICS)


def test_a_base_directory_that_is_a_file_is_refused(tmp_path):
    """F-009: the error names the path, and is an OSError as well."""
    (tmp_path / "file").touch()
    for base in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DirectoryError, match="no run can be kept in"):
            DataLogger(base, "run", METRICS)
    assert issubclass(DirectoryError, OSError)
    assert issubclass(DirectoryError, ConfigError)


@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
def test_a_base_directory_without_permission_is_refused(tmp_path):
    """F-009."""
    tmp_path.chmod(0o500)
    with pytest.raises(DirectoryError, match="Permission denied"):
        DataLogger(tmp_path / "logs", "run", METRICS)


def test_a_base_directory_in_a_loop_of_links_is_refused(tmp_path):
    """F-010."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(DirectoryError, match="loop"):
        DataLogger(tmp_path / "loop", "run", METRICS)


def test_files_and_directories_follow_the_umask(tmp_path):
    """F-057, F-153."""
    before = os.umask(0o077)
    try:
        logger = DataLogger(tmp_path / "logs", "run", METRICS)
        logger.log_record(record())
        logger.close()
    finally:
        os.umask(before)
    for path in (tmp_path / "logs").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_properties_are_those_of_the_original(tmp_path):
    """The base directory as it was given, the run directory as text without a trailing slash."""
    logger = DataLogger(tmp_path / "logs", "run", METRICS, {"author": "me"})
    assert logger.logging_base_dir == tmp_path / "logs"
    assert isinstance(logger.scenario_dir, str)
    assert os.path.dirname(logger.scenario_dir) == str(tmp_path / "logs")
    assert logger.scenario_info == {"author": "me"}
    with pytest.raises(AttributeError):
        logger.scenario_dir = "elsewhere"


def test_a_relative_run_stays_where_it_is_when_the_process_moves(tmp_path, monkeypatch):
    """Otherwise the log would be split in two."""
    monkeypatch.chdir(tmp_path)
    logger = DataLogger("", "run", METRICS)
    assert logger.scenario_dir.startswith("run-")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    logger.log_record(record(0))
    logger.write_info_files()
    assert files(tmp_path / "elsewhere") == []
    assert len(rows(tmp_path / logger.scenario_dir)) == 1


def test_a_run_without_records_is_a_directory_with_two_files(make):
    """F-042: classic use writes no other file."""
    logger = make()
    logger.close()
    assert files(logger.logging_base_dir) == [
        f"{Path(logger.scenario_dir).name}/{name}" for name in ("logger_info.json", "scenario_info.json")
    ]


def test_classic_use_writes_no_other_file(make):
    logger = make()
    for exp_num in range(5):
        logger.log_record(record(exp_num, worker_id=f"w{exp_num}"))
    logger.close()
    assert set(map(os.path.basename, files(logger.scenario_dir))) == {
        "logger_info.json",
        "scenario_info.json",
        "data-log.tsv",
    }


def test_format_1_0_has_no_subtype(make):
    """S1-7, S1-9: bytes of the vector V4."""
    logger = make(format_version="1.0")
    logger.log_record(record(debug_info="mock"))
    (path,) = Path(logger.scenario_dir).rglob("data-log.tsv")
    header = "block_num exp_num worker_id block_type task_name task_params exp_status timestamp debug_info reward"
    assert path.read_text().splitlines()[0] == header.replace(" ", "\t")
    assert json.loads((Path(logger.scenario_dir) / "logger_info.json").read_text())["log_format_version"] == "1.0"


def test_in_format_1_0_a_subtype_is_an_ordinary_extra_column(make):
    """S1-7: as the writers of that format did."""
    logger = make(format_version="1.0")
    logger.log_record(record(block_subtype="zzz"))
    assert logger.columns[-3:] == ("timestamp", "block_subtype", "reward")


def test_a_column_one_letter_off_is_doubtful(make):
    from l2logger import RecordWarning

    with pytest.warns(RecordWarning, match="'block_subtyp' looks like 'block_subtype' misspelt"):
        make().log_record(record(block_subtyp="sleep"))


@pytest.mark.parametrize("names", [["reward", "reward"], [""], ["a\nb"], ["exp_num", "exp_num"]], ids=repr)
def test_odd_names_of_metrics_are_taken_as_the_original_does_but_not_in_a_strict_run(make, names):
    """F-036."""
    make(logger_info={"metrics_columns": names})
    with pytest.raises(ConfigError, match="names that are empty, there twice or not to be printed"):
        make(logger_info={"metrics_columns": names}, strict=True)


def test_a_new_base_directory_is_kept_out_of_git_if_asked_for(tmp_path):
    """S0-30."""
    DataLogger(tmp_path / "logs", "run", {"metrics_columns": ["reward"]}, gitignore=True)
    assert (tmp_path / "logs" / ".gitignore").read_text() == "*\n"


def test_a_base_directory_that_was_there_is_left_as_it_is(tmp_path):
    """S0-30."""
    DataLogger(tmp_path, "run", {"metrics_columns": ["reward"]}, gitignore=True)
    assert not (tmp_path / ".gitignore").exists()


def test_the_environment_adds_sinks(make, monkeypatch):
    """Watch a run without touching its code."""
    monkeypatch.setenv("L2LOGGER_SINKS", "memory")
    logger = make()
    assert [health.sink for health in logger.health()] == ["MemorySink"]
    resumed = DataLogger.join(logger.scenario_dir)
    assert [health.sink for health in resumed.health()] == ["MemorySink"]


def test_a_mistake_in_the_environment_is_told_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("L2LOGGER_SINKS", "consolle")
    with pytest.raises(ConfigError, match="L2LOGGER_SINKS.*consolle"):
        DataLogger(tmp_path / "logs", "run", {"metrics_columns": ["reward"]})
    assert not (tmp_path / "logs").exists()
