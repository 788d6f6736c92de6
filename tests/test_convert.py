"""Converting runs from one version of the format to another."""

import json
import os
import warnings
from pathlib import Path

import pytest
from reading import files, parse, record, rows

from l2logger import ConfigError, DataLogger, DirectoryError, LogFormatError, artifacts, read, rules
from l2logger.convert import convert
from l2logger.legacy import ClassifPerformanceLogger, RLPerformanceLogger
from l2logger.schema import V1_0

GOLDENS = sorted(path.parent for path in (Path(__file__).parent / "golden" / "runs").rglob("logger_info.json"))


def contents(directory):
    return {name: (Path(directory) / name).read_bytes() for name in files(directory)}


def legacy(tmp_path, layout="0.1.0", workers=("driver.py-0", "driver.py-1"), kind=RLPerformanceLogger, **metrics):
    """Write a run of 0.1: each worker goes through two tasks in a train and in a test block, three rows each."""
    for worker in workers:
        logger = kind(tmp_path / "old", list(metrics or {"reward": 0}), {"author": "JHU"})
        exp_num = 0
        for regime_num, (block_num, block_type, task) in enumerate(
            [(0, "train", "Task_A"), (0, "train", "Task_B"), (1, "test", "Task_A"), (1, "test", "Task_B")]
        ):
            regime = {
                "block_num": block_num,
                "regime_num": regime_num,
                "block_type": block_type,
                "worker": worker,
                "task_name": task,
                "params": json.dumps(["-s", regime_num]),
            }
            if layout == "0.1.0":
                logger.write_new_regime(regime, "simple")
            else:
                directories = {"scenario_dirname": "simple", "worker_dirname": worker}
                logger.write_to_blocks_log(regime, directories)
            for _ in range(3):
                row = {"block_num": block_num, "regime_num": regime_num, "exp_num": exp_num}
                if kind is RLPerformanceLogger:
                    row["status"] = "Done" if exp_num % 4 else "Aborted"
                stamp = {"timestamp": f"20200923T115137.{exp_num:06d}"}
                logger.write_to_data_log({**row, **stamp, **(metrics or {"reward": exp_num / 3})})
                exp_num += 1
        logger.close_logs()
    return tmp_path / "old" / "simple"


@pytest.fixture
def modern(make):
    """A run of 1.1 with two workers, wake and sleep."""
    logger = make(scenario_info={"author": "JHU"})
    for exp_num in range(6):
        logger.log_record(
            record(
                exp_num,
                worker_id=f"w{exp_num % 2}",
                reward=exp_num / 3,
                note=f'{exp_num}\t"x"\r\n',
                block_num=exp_num // 3,
            )
            | {"block_subtype": "sleep" if exp_num == 5 else "wake"}
        )
    logger.close()
    return Path(logger.scenario_dir)


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: path.parent.name)
def test_to_1_0_and_back_gives_the_same_bytes(golden, tmp_path):
    """S1-59: nothing is lost but the subtype, which is wake nearly everywhere."""
    before = contents(golden)
    convert(golden, tmp_path / "a", version="1.0")
    convert(tmp_path / "a", tmp_path / "b")
    after = contents(tmp_path / "b")
    assert {name: data.replace(b"\tsleep\t", b"\twake\t") for name, data in before.items()} == after


def test_1_0_and_back_gives_the_same_bytes(make, tmp_path):
    """S1-59."""
    logger = make(format_version="1.0")
    logger.log_record(record(0, note='a\t"b"'))
    logger.close()
    convert(logger.scenario_dir, tmp_path / "a")
    convert(tmp_path / "a", tmp_path / "b", version="1.0")
    assert contents(tmp_path / "b") == contents(logger.scenario_dir)


def test_1_0_has_the_columns_of_1_0(modern, tmp_path):
    convert(modern, tmp_path / "a", version="1.0")
    (header, *_) = (tmp_path / "a" / "w0" / "0-train" / "data-log.tsv").read_text().splitlines()
    assert header.split("\t") == [*V1_0.columns, "note", "reward"]
    assert json.loads((tmp_path / "a" / "logger_info.json").read_text())["log_format_version"] == "1.0"


def test_a_lost_subtype_is_told_of(modern, tmp_path):
    done = convert(modern, tmp_path / "a", version="1.0")
    (finding,) = done.findings
    assert (finding.severity, finding.column) == ("warning", "block_subtype")
    assert finding.problem.startswith("1 records have another block_subtype than wake")


def test_what_was_done_is_told(modern, tmp_path):
    done = convert(modern, tmp_path / "a", version="1.0")
    assert (done.source_version, done.target_version, done.records, done.files) == ("1.1", "1.0", 6, 4)
    assert (done.source, done.target) == (str(modern), str(tmp_path / "a"))


def test_a_subtype_that_a_1_0_run_has_as_an_extra_goes_to_its_place(modern, tmp_path):
    """FORMAT section 1: its writer put it behind the timestamp, and checked nothing."""
    convert(modern, tmp_path / "a", version="1.0")
    for path in (tmp_path / "a").rglob("data-log.tsv"):
        lines = path.read_bytes().replace(b"\tnote\t", b"\tblock_subtype\t")
        path.write_bytes(lines)
    convert(tmp_path / "a", tmp_path / "b")
    found = rows(tmp_path / "b")
    assert sorted(row["block_subtype"] for row in found) == sorted(f'{exp_num}\t"x"\r\n' for exp_num in range(6))
    assert list(found[0])[4] == "block_subtype"


def test_quotes_that_others_wrote_stay(modern, tmp_path):
    """Cells are kept byte for byte, also those our writer would not quote."""
    path = modern / "w0" / "0-train" / "data-log.tsv"
    path.write_bytes(path.read_bytes().replace(b"\tTask_a\t", b'\t"Task_a"\t'))
    convert(modern, tmp_path / "a", version="1.0")
    assert b'\ttrain\t"Task_a"\t' in (tmp_path / "a" / "w0" / "0-train" / "data-log.tsv").read_bytes()


def test_everything_else_in_the_run_is_copied(modern, tmp_path):
    (modern / "media" / "image").mkdir(parents=True)
    (modern / "media" / "image" / "1.png").write_bytes(b"\x89PNG")
    (modern / "run.json").write_text("{}")
    convert(modern, tmp_path / "a", version="1.0")
    assert (tmp_path / "a" / "media" / "image" / "1.png").read_bytes() == b"\x89PNG"
    assert {"run.json", "scenario_info.json"} <= set(files(tmp_path / "a"))


def test_what_is_no_record_is_left_out_and_told_of(modern, tmp_path):
    """F-075."""
    with (modern / "w0" / "0-train" / "data-log.tsv").open("ab") as file:
        file.write(b"0\t9\tw0")
    done = convert(modern, tmp_path / "a", version="1.0")
    assert [finding.rule for finding in done.findings] == ["torn", "subtype"]
    assert done.records == 6


def test_links_are_not_followed(modern, tmp_path):
    """F-082."""
    (tmp_path / "secret").write_text("x")
    (modern / "link").symlink_to(tmp_path / "secret")
    done = convert(modern, tmp_path / "a", version="1.0")
    assert not (tmp_path / "a" / "link").exists()
    assert "kind" in [finding.rule for finding in done.findings]


def test_the_target_must_not_exist(modern, tmp_path):
    """F-087."""
    (tmp_path / "a").mkdir()
    with pytest.raises(DirectoryError, match="something already"):
        convert(modern, tmp_path / "a", version="1.0")


def test_the_target_must_not_be_inside_of_the_source(modern):
    with pytest.raises(DirectoryError, match="inside of"):
        convert(modern, modern / "a", version="1.0")


def test_nothing_appears_if_it_fails(modern, tmp_path, monkeypatch):
    """F-087: the disk is full when the last file is written."""

    def full(*args, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(DirectoryError, match="No space left on device; nothing was made"):
        convert(modern, tmp_path / "new" / "a", version="1.0")
    assert os.listdir(tmp_path / "new") == []


def test_the_same_version_is_refused(modern, tmp_path):
    with pytest.raises(ConfigError, match=r"is of format 1\.1 already"):
        convert(modern, tmp_path / "a")


def test_an_unknown_version_is_refused(modern, tmp_path):
    with pytest.raises(ConfigError, match=r"1\.0 and 1\.1, got '2\.0'"):
        convert(modern, tmp_path / "a", version="2.0")


def test_only_one_run_can_be_converted(make, tmp_path):
    for _ in range(2):
        make().close()
    with pytest.raises(DirectoryError, match="expected one run, found 2"):
        convert(tmp_path / "logs", tmp_path / "a", version="1.0")


def test_a_run_that_does_not_say_its_version_is_known_by_its_columns(modern, tmp_path):
    (modern / "logger_info.json").write_text('{"metrics_columns": ["reward"]}')
    assert convert(modern, tmp_path / "a", version="1.0").source_version == "1.1"


def test_an_info_file_that_is_no_object_is_refused(modern, tmp_path):
    """F-083."""
    (modern / "logger_info.json").write_text("[]")
    with pytest.raises(LogFormatError, match="expected an object"):
        convert(modern, tmp_path / "a", version="1.0")


def test_the_copy_has_the_rights_of_any_directory(modern, tmp_path):
    convert(modern, tmp_path / "a", version="1.0")
    (tmp_path / "b").mkdir()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_progress_ends_with_all_bytes(tmp_path):
    told = []
    convert(legacy(tmp_path), tmp_path / "a", progress=lambda done, total: told.append((done, total)))
    assert all(done <= total for done, total in told)
    assert told


@pytest.mark.parametrize("layout", ["0.1.0", "0.1-pre"])
def test_0_1_becomes_valid_1_1(tmp_path, layout):
    """S0-29."""
    done = convert(legacy(tmp_path, layout), tmp_path / "a")
    assert (done.source_version, done.target_version, done.findings) == (layout, "1.1", ())
    report = rules.validate(tmp_path / "a")
    assert report.valid, report.findings
    assert report.records == 24


@pytest.mark.parametrize("layout", ["0.1.0", "0.1-pre"])
def test_records_of_0_1_are_mapped(tmp_path, layout):
    """S0-29, FORMAT section 3.7."""
    convert(legacy(tmp_path, layout), tmp_path / "a")
    found = rows(tmp_path / "a")[4]
    assert found == {
        "block_num": "0",
        "exp_num": "4",
        "worker_id": "driver.py-0",
        "block_type": "train",
        "block_subtype": "wake",
        "task_name": "task_b",
        "task_params": '["-s", 1]',
        "exp_status": "incomplete",
        "timestamp": "20200923T115137.000004",
        "reward": "1.3333333333333333",
        "status": "Aborted",
        "stored_regime_num": "1",
    }


@pytest.mark.parametrize("layout", ["0.1.0", "0.1-pre"])
def test_a_copy_of_0_1_reads_as_the_original_does(tmp_path, layout):
    """S0-27, S0-28: no record is doubled by several workers in one regime."""
    source = legacy(tmp_path, layout)
    convert(source, tmp_path / "a")
    columns = "exp_num, block_num, worker_id, block_type, block_subtype, task_name, task_params, exp_status, timestamp, reward"
    before, after = (sorted(read.records(run).select(columns).fetchall()) for run in (source, tmp_path / "a"))
    assert before == after
    assert len(after) == 24


def test_tasks_of_a_block_come_together_in_one_file(tmp_path):
    convert(legacy(tmp_path, workers=["w"]), tmp_path / "a")
    assert files(tmp_path / "a") == [
        "logger_info.json",
        "scenario_info.json",
        "w/0-train/data-log.tsv",
        "w/1-test/data-log.tsv",
    ]
    exp_nums = [int(row["exp_num"]) for row in parse((tmp_path / "a" / "w" / "1-test" / "data-log.tsv").read_bytes())]
    assert exp_nums == list(range(6, 12))


def test_words_for_failure_can_be_chosen(tmp_path):
    convert(legacy(tmp_path, workers=["w"]), tmp_path / "a", failed=["DONE"])
    statuses = {row["status"]: row["exp_status"] for row in rows(tmp_path / "a")}
    assert statuses == {"Done": "incomplete", "Aborted": "complete"}


def test_records_without_a_status_are_complete(tmp_path):
    convert(legacy(tmp_path, kind=ClassifPerformanceLogger), tmp_path / "a")
    assert {row["exp_status"] for row in rows(tmp_path / "a")} == {"complete"}


def test_cells_of_0_1_are_kept_as_text(tmp_path):
    """Numbers are not written anew."""
    source = legacy(tmp_path, workers=["w"], reward="1e5", note='a\t"b"\n', flag="True", count="007")
    convert(source, tmp_path / "a")
    for row in rows(tmp_path / "a"):
        assert (row["reward"], row["note"], row["flag"], row["count"]) == ("1e5", 'a\t"b"\n', "True", "007")


def test_info_of_0_1_is_kept(tmp_path):
    convert(legacy(tmp_path), tmp_path / "a")
    info = json.loads((tmp_path / "a" / "logger_info.json").read_text())
    assert info == {"metrics_columns": ["reward"], "log_format_version": "1.1"}
    assert json.loads((tmp_path / "a" / "scenario_info.json").read_text()) == {"author": "JHU"}


def test_metrics_that_0_1_does_not_list_are_its_numbers(tmp_path):
    source = legacy(tmp_path, workers=["w"], reward=1.5, note="x")
    (source / "column_info.json").write_text('{"metrics_columns": []}')
    convert(source, tmp_path / "a")
    assert json.loads((tmp_path / "a" / "logger_info.json").read_text())["metrics_columns"] == ["reward"]


def test_workers_of_0_1_get_ids_that_are_allowed(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = legacy(tmp_path, workers=["my worker", "my_worker"])
    done = convert(source, tmp_path / "a")
    assert {row["worker_id"] for row in rows(tmp_path / "a")} == {"my_worker", "my_worker-2"}
    assert [finding.rule for finding in done.findings] == ["worker_id"]
    assert rules.validate(tmp_path / "a").valid


def test_regimes_without_records_are_told_of(tmp_path):
    logger = RLPerformanceLogger(tmp_path / "old", ["reward"])
    regime = {"block_num": 0, "block_type": "test", "worker": "w", "task_name": "T_a", "params": "[]"}
    for regime_num in range(2):
        logger.write_new_regime({**regime, "regime_num": regime_num}, "simple")
    logger.write_to_data_log({"block_num": 0, "regime_num": 1, "exp_num": 0, "status": "Done", "reward": 1})
    logger.close_logs()
    done = convert(tmp_path / "old" / "simple", tmp_path / "a")
    assert [finding.problem for finding in done.findings] == ["regimes without records, which are not in the copy: 0"]


def test_0_1_can_become_1_0(tmp_path):
    convert(legacy(tmp_path), tmp_path / "a", version="1.0")
    assert "block_subtype" not in rows(tmp_path / "a")[0]
    assert rules.validate(tmp_path / "a").valid


def test_a_converted_run_can_be_continued(tmp_path):
    convert(legacy(tmp_path, workers=["w"]), tmp_path / "a")
    fields = {"reward": 1.0, "status": "Done", "stored_regime_num": 4}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with DataLogger.resume(tmp_path / "a") as logger:
            logger.log_record(record(12, block_num=2, worker_id="w", **fields))
    assert len(rows(tmp_path / "a")) == 13


def test_the_source_is_not_touched(modern, tmp_path):
    before = contents(modern)
    convert(modern, tmp_path / "a", version="1.0")
    assert contents(modern) == before


def test_what_was_logged_beside_the_records_is_copied(make, tmp_path):
    """S1-59, S2-16: signals, media, artifacts and the manifest, but not how far replays have come."""
    import numpy

    logger = make(scenario_info={"author": "JHU"}, tags=["x"])
    logger.log_record(record(0))
    logger.log_metrics({"agent": {"loss": 0.5}}, step=3)
    logger.log_params(lr=0.1)
    logger.log_image("view", numpy.zeros((2, 2, 3), numpy.uint8), step=1)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "weights.bin").write_bytes(b"\0" * 100)
    logger.log_artifact(tmp_path / "data", "data")
    logger.close()
    source = Path(logger.scenario_dir)
    (source / "replay").mkdir()
    (source / "replay" / "tensorboard-1.json").write_text("{}")
    target = tmp_path / "target"
    convert(source, target, version="1.0")
    same = [name for name in contents(source) if not name.endswith("worker-default/0-train/data-log.tsv")]
    same = [name for name in same if name != "logger_info.json" and not name.startswith("replay/")]
    assert {name: contents(target)[name] for name in same} == {name: contents(source)[name] for name in same}
    assert not (target / "replay").exists()
    assert read.metrics(target).project("name, step, value").fetchall() == [("agent/loss", 3, 0.5)]
    assert (read.params(target), read.info(target).tags, read.info(target).version) == ({"lr": 0.1}, ("x",), "1.0")
    assert Path(read.logged(target, "image", "view")["path"]).read_bytes().startswith(b"\x89PNG")
    assert read.media(target).filter(f"starts_with(path, '{target}')").aggregate("count(*)").fetchall() == [(1,)]
    assert artifacts.verify(target, "data").files == artifacts.verify(source, "data").files
    assert rules.validate(target).errors == ()
