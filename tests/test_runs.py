"""Which runs and files are found below a path, and what a run says about itself."""

import json
import os
import shutil

import pytest
from by_hand import COLUMNS, LOGGER_INFO, row, tsv, write_log
from signals_by_hand import line, write_signals

from l2logger import read
from l2logger.errors import DirectoryError, LogFormatError
from l2logger.log import Log
from l2logger.rules import validate
from l2logger.runs import find


def write_run(path, exp_nums=(0,), version="1.1", worker="w0"):
    """Write a run of one file at `path`."""
    (path / worker / "0-train").mkdir(parents=True)
    (path / "logger_info.json").write_text(json.dumps(LOGGER_INFO | {"log_format_version": version}))
    (path / worker / "0-train" / "data-log.tsv").write_text(tsv([row(each, worker_id=worker) for each in exp_nums]))
    return path


def write_legacy(path, workers=("w0", "w1"), info="column_info.json", blocks="block-info.tsv", status="Done"):
    """Write a run of format 0.1, in which each worker enters the same regimes 0 and 1."""
    path.mkdir(parents=True)
    (path / info).write_text('["reward"]' if info == "column_metric_list.json" else '{"metrics_columns": ["reward"]}')
    for place, worker in enumerate(workers):
        directory = path / worker / "0-train" / "Task_A"
        directory.mkdir(parents=True)
        head = "block_num\tregime_num\tblock_type\tworker\ttask_name\tparams\n"
        (directory / blocks).write_text(
            head + "".join(f'0\t{each}\ttrain\t{worker}\tTask_A\t"[""-s"", {each}]"\n' for each in (0, 1))
        )
        head = "block_num\tregime_num\texp_num\tstatus\ttimestamp\treward\n"
        rows = (f"0\t{each}\t{2 * place + each}\t{status}\t20200923T115137.150115\t{each}.5\n" for each in (0, 1))
        (directory / "data-log.tsv").write_text(head + "".join(rows))
    return path


def names(*given, **options):
    runs, _ = find(tuple(map(str, given)), **options)
    return [run.name for run in runs]


def exp_nums(*given, **options):
    return [each for (each,) in read.records(*given, **options).project("exp_num").fetchall()]


# Finding them -----------------------------------------------------------------------------------------------------------


def test_a_run_is_found_at_any_depth(tmp_path):
    """S1-32."""
    write_run(tmp_path / "a")
    write_run(tmp_path / "deep" / "er" / "b")
    assert names(tmp_path) == ["a", "b"]


def test_files_are_read_at_any_depth_of_a_run(tmp_path):
    """S1-32."""
    run = write_run(tmp_path / "run")
    shutil.copytree(run / "w0", run / "x" / "y" / "z" / "w1")
    assert exp_nums(run) == [0, 0]


def test_only_files_of_that_very_name_are_read(tmp_path):
    """S1-32."""
    run = write_run(tmp_path / "run")
    for name in ("data-log.tsv.torn", "data-log.tsv~", "data-log.csv", "Data-Log.tsv", "old-data-log.tsv"):
        (run / "w0" / name).write_text("junk")
    log = Log(run)
    assert (len(log.runs[0].files), log.findings) == (1, [])


def test_runs_of_all_formats_are_read_together(tmp_path):
    """S1-32, S0-28, S1-55."""
    write_run(tmp_path / "now", [0])
    (write_log(tmp_path / "old", [row(1)], columns=[name for name in tsv([]).split() if name != "block_subtype"]))
    write_legacy(tmp_path / "legacy", ["w0"])
    found = read.records(tmp_path).project("run, exp_num, block_subtype, reward").fetchall()
    assert found == [
        ("legacy", 0, "wake", 0.5),
        ("now", 0, "wake", 1.0),
        ("legacy", 1, "wake", 1.5),
        ("run", 1, "wake", 1.0),
    ]


def test_a_run_in_a_run_is_one_of_its_own(tmp_path):
    write_run(tmp_path / "outer")
    write_run(tmp_path / "outer" / "sub" / "inner")
    found = read.records(tmp_path).project("run").fetchall()
    assert sorted(found) == [("inner",), ("outer",)]


def test_files_without_any_info_are_a_run_of_the_given_directory(tmp_path):
    """F-083: the infos may be missing."""
    run = write_log(tmp_path, logger_info=None, scenario_info=None)
    assert read.records(run).project("run").distinct().fetchall() == [("run",)]


def test_a_file_can_be_given(tmp_path):
    """S1-32: its run is known from above it."""
    run = write_run(tmp_path / "run", [0, 1])
    write_run(tmp_path / "run" / "other", [5])
    file = run / "w0" / "0-train" / "data-log.tsv"
    assert read.records(file).project("exp_num, run").fetchall() == [(0, "run"), (1, "run")]


def test_a_name_can_be_given(tmp_path, monkeypatch):
    """In $L2DATA/logs, as everywhere."""
    monkeypatch.setenv("L2DATA", str(tmp_path))
    write_run(tmp_path / "logs" / "cartpole-1-2", [3])
    assert exp_nums("cartpole-1-2") == [3]


def test_text_and_path_objects_are_the_same(tmp_path):
    run = write_run(tmp_path / "run")
    assert exp_nums(run) == exp_nums(str(run)) == exp_nums(os.path.relpath(run))


def test_a_directory_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DirectoryError, match="no run directory"):
        read.records(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_nothing_given_is_an_error():
    with pytest.raises(RuntimeError, match="no run was given"):
        read.records()


@pytest.mark.parametrize(
    "again", [".", "run", "run/", "./run", "../{}/run", "run/w0", "run/w0/0-train/data-log.tsv", "../{}-link"]
)
def test_what_is_given_twice_is_read_once(tmp_path, monkeypatch, again):
    """F-081: in whichever spelling."""
    run = write_run(tmp_path / "run", [0, 1])
    (tmp_path.parent / f"{tmp_path.name}-link").symlink_to(run)
    monkeypatch.chdir(tmp_path)
    again = again.format(tmp_path.name)
    assert exp_nums("run", again) == exp_nums(again, run) == [0, 1]


def test_two_runs_with_equal_names_are_told_apart(tmp_path):
    """By their paths."""
    one, other = write_run(tmp_path / "a" / "run", [0]), write_run(tmp_path / "b" / "run", [1])
    assert read.records(tmp_path).project("run, exp_num").fetchall() == [(str(one), 0), (str(other), 1)]


def test_regimes_of_runs_with_equal_names_are_not_mixed(tmp_path):
    """S1-44."""
    write_run(tmp_path / "a" / "run", [0, 2])
    write_run(tmp_path / "b" / "run", [1, 3])
    assert [number for (number,) in read.regimes(tmp_path).project("regime_num").fetchall()] == [0, 0]


ODD_NAMES = [
    *(
        "it's",
        'q"q',
        "a b",
        " lead",
        "back\\slash",
        "[a]",
        "[a",
        "[!a]",
        "a*b",
        "**",
        "?",
        "{a,b}",
        "~",
        "$HOME",
        "%s",
        "a;b",
    ),
    *(
        "lr=0.1",
        "c0=1",
        "run=7",
        "ünï-☃",
        "-dash",
        "#x",
        "http:",
        "run.gz",
        "a\nb",
        "a\tb",
        "1",
        "NULL",
        "'); DROP TABLE x; --",
    ),
]


@pytest.mark.parametrize("large", [False, True])
def test_paths_with_odd_characters(tmp_path, large):
    """S1-32: no pattern, no escape, no SQL in them; where files are copied and where they are read in place."""
    rows = range(3000) if large else [0]
    for name in ODD_NAMES:
        age(write_run(tmp_path / "all" / name, rows))
    found = read.records(tmp_path / "all").aggregate("run, count(*), min(exp_num), max(exp_num)").fetchall()
    assert sorted(found) == sorted((name, len(rows), 0, rows[-1]) for name in ODD_NAMES)


def age(directory):
    """Make files look old, so that DuckDB reads the large ones where they are."""
    for path in directory.rglob("*"):
        os.utime(path, (1e9, 1e9))


@pytest.mark.parametrize("large", [False, True])
def test_odd_names_can_be_given_as_relative_paths(tmp_path, monkeypatch, large):
    monkeypatch.chdir(tmp_path)
    for name in ["~", "[a]", "-x", "s3:", "a b"]:
        age(write_run(tmp_path / name, range(3000) if large else [0], worker="w"))
        assert len(exp_nums(name)) == len(exp_nums(f"./{name}")) == (3000 if large else 1)


def test_a_name_that_is_not_utf8_is_told_and_the_rest_read(tmp_path):
    """F-026: DuckDB cannot be given such a path."""
    write_run(tmp_path / "run")
    try:
        os.makedirs(os.fsencode(tmp_path) + b"/\xff/w/0-train")
    except OSError:
        pytest.skip("the file system does not take such names")
    log = Log(tmp_path, on_bad_rows="skip")
    assert len(log.records().fetchall()) == 1
    [found] = log.findings
    assert "UTF-8" in str(found)


def test_a_given_directory_that_is_not_utf8_gives_an_error_of_ours(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    try:
        os.mkdir(path)
    except OSError:
        pytest.skip("the file system does not take such names")
    os.mkdir(path + "/w")
    with open(path + "/w/data-log.tsv", "w") as file:
        file.write(tsv([row()]))
    with pytest.raises(RuntimeError, match="UTF-8"):
        read.records(path, on_bad_rows="skip")


# What is no file --------------------------------------------------------------------------------------------------------


def kinds(directory, **options):
    log = Log(directory, on_bad_rows="skip", **options)
    return len(log.records().fetchall()), [
        (found.rule, os.path.relpath(found.path, directory)) for found in log.findings
    ]


def test_a_link_to_a_file_is_not_followed(tmp_path):
    """F-082."""
    run = write_run(tmp_path / "run")
    (run / "w1").mkdir()
    (run / "w1" / "data-log.tsv").symlink_to(run / "w0" / "0-train" / "data-log.tsv")
    assert kinds(run) == (1, [("kind", "w1/data-log.tsv")])


def test_a_link_to_a_directory_is_not_followed(tmp_path):
    """F-082."""
    run, other = write_run(tmp_path / "run"), write_run(tmp_path / "other", worker="w1")
    (run / "w1").symlink_to(other / "w1")
    assert kinds(run) == (1, [("kind", "w1")])


def test_links_are_followed_when_asked_for(tmp_path):
    """F-082."""
    run, other = write_run(tmp_path / "run"), write_run(tmp_path / "other", worker="w1")
    (run / "w1").symlink_to(other / "w1")
    assert kinds(run, follow_symlinks=True) == (2, [])


def test_a_loop_of_links_ends(tmp_path):
    """F-082."""
    run = write_run(tmp_path / "run")
    (run / "w0" / "loop").symlink_to(run)
    (run / "self").symlink_to(run / "self")
    assert kinds(run)[0] == kinds(run, follow_symlinks=True)[0] == 1


def test_a_link_to_nowhere_is_told(tmp_path):
    """F-082."""
    run = write_run(tmp_path / "run")
    (run / "w0" / "data-log.tsv").symlink_to(tmp_path / "nowhere")
    assert kinds(run) == (1, [("kind", "w0/data-log.tsv")])
    assert kinds(run, follow_symlinks=True)[0] == 1


def test_a_pipe_is_not_opened(tmp_path):
    """F-082: opening it would wait for a writer for ever."""
    run = write_run(tmp_path / "run")
    os.mkfifo(run / "w0" / "data-log.tsv")
    assert kinds(run) == (1, [("kind", "w0/data-log.tsv")])


def test_a_device_is_not_opened(tmp_path):
    """F-082."""
    run = write_run(tmp_path / "run")
    (run / "w0" / "data-log.tsv").symlink_to("/dev/zero")
    assert kinds(run) == (1, [("kind", "w0/data-log.tsv")])
    assert kinds(run, follow_symlinks=True) == (1, [("kind", "w0/data-log.tsv")])


def test_a_directory_of_that_name_is_told(tmp_path):
    """F-082."""
    run = write_run(tmp_path / "run")
    (run / "w0" / "data-log.tsv").mkdir()
    assert kinds(run) == (1, [("kind", "w0/data-log.tsv")])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told_and_the_rest_read(tmp_path):
    run = write_run(tmp_path / "run")
    for name, path in (("file", "w1"), ("directory", "w2")):
        shutil.copytree(run / "w0", run / path)
        (run / path if name == "directory" else run / path / "0-train" / "data-log.tsv").chmod(0)
    count, found = kinds(run)
    (run / "w2").chmod(0o700)
    assert (count, [rule for rule, _ in found]) == (1, ["unreadable", "unreadable"])


# Versions ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.0", "3.0", "10", 2, 3.0])
def test_a_version_from_the_future_is_refused(tmp_path, version):
    """F-091: what it means is not known."""
    run = write_run(tmp_path / "run", version=version)
    with pytest.raises(LogFormatError, match="is newer than this reader") as caught:
        read.records(run)
    assert caught.value.path == str(run / "logger_info.json")


@pytest.mark.parametrize(
    "version", ["1.2", "1.10", "0.1.0", "0.1-pre", "x", "", None, [], {"a": 1}, True, 1.1, "²", "9" * 5000]
)
def test_an_odd_version_is_read_by_its_columns(tmp_path, version):
    """F-083, F-091."""
    run = write_run(tmp_path / "run", version=version)
    log = Log(run, on_bad_rows="skip")
    assert len(log.records().fetchall()) == 1
    assert [found.rule for found in log.findings] == ([] if version == "" else ["logger_info"])


@pytest.mark.parametrize(
    "text", ["", "{", "[", "\xff", '{"log_format_version"', "[" * 100_000, '{"a": ' + "9" * 5000 + "}", "nul"]
)
def test_an_info_that_is_no_json_is_told_and_the_records_read(tmp_path, text):
    """F-083."""
    run = write_run(tmp_path / "run")
    (run / "logger_info.json").write_text(text, encoding="latin-1")
    log = Log(run, on_bad_rows="skip")
    assert len(log.records().fetchall()) == 1
    assert [(found.rule, found.path) for found in log.findings] == [("logger_info", str(run / "logger_info.json"))]


@pytest.mark.parametrize("text", ["[]", "7", '"x"', "null", "{}"])
def test_an_info_that_is_no_object_says_nothing_of_the_version(tmp_path, text):
    """F-083."""
    run = write_run(tmp_path / "run")
    (run / "logger_info.json").write_text(text)
    assert (len(Log(run, on_bad_rows="skip").records().fetchall()), read.info(run).version) == (1, "")


# info() -----------------------------------------------------------------------------------------------------------------


def test_info_tells_what_the_run_says(tmp_path):
    run = write_run(tmp_path / "run")
    (run / "scenario_info.json").write_text('{"author": "é"}', encoding="utf-8-sig")
    found = read.info(run)
    assert found == (
        "run",
        str(run),
        "1.1",
        LOGGER_INFO,
        {"author": "é"},
        (str(run / "w0" / "0-train" / "data-log.tsv"),),
        {},
    )


def test_info_of_a_run_without_scenario_info_is_empty(tmp_path):
    """F-083: it is optional."""
    assert read.info(write_run(tmp_path / "run")).scenario_info == {}


def test_info_of_more_than_one_run_is_an_error(tmp_path):
    write_run(tmp_path / "a")
    write_run(tmp_path / "b")
    with pytest.raises(DirectoryError, match="expected one run .* found 2: a, b"):
        read.info(tmp_path)


def test_info_of_no_run_is_an_error(tmp_path):
    with pytest.raises(DirectoryError, match="found 0"):
        read.info(tmp_path)


@pytest.mark.parametrize("name", ["logger_info.json", "scenario_info.json"])
def test_info_of_a_broken_file_is_an_error_with_its_path(tmp_path, name):
    """F-083."""
    run = write_run(tmp_path / "run")
    (run / name).write_text("{\n'")
    with pytest.raises(LogFormatError) as caught:
        read.info(run)
    assert (caught.value.path, caught.value.line) == (str(run / name), 2)


@pytest.mark.parametrize(("info", "version"), [("column_info.json", "0.1.0"), ("column_metric_list.json", "0.1-pre")])
def test_info_of_format_0_1(tmp_path, info, version):
    """S0-28."""
    found = read.info(write_legacy(tmp_path / "run", info=info))
    assert (found.version, len(found.files)) == (version, 2)


# Format 0.1 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("info", "blocks"), [("column_info.json", "block-info.tsv"), ("column_metric_list.json", "block-report.tsv")]
)
def test_records_of_0_1_take_the_rest_from_their_regimes(tmp_path, info, blocks):
    """S0-27, S0-28: both of its shapes."""
    run = write_legacy(tmp_path / "run", ["w0"], info, blocks)
    columns = "worker_id, block_num, block_type, block_subtype, task_name, task_params, exp_status, regime_num, reward, status"
    assert read.records(run).project(columns).fetchall() == [
        ("w0", 0, "train", "wake", "task_a", f'["-s", {each}]', "complete", each, each + 0.5, "Done") for each in (0, 1)
    ]


def test_no_record_of_0_1_is_there_twice(tmp_path):
    """S0-28: though several workers list the same regime."""
    run = write_legacy(tmp_path / "run", ["w0", "w1", "w2"])
    found = read.records(run).project("exp_num, worker_id").fetchall()
    assert found == [(each, f"w{each // 2}") for each in range(6)]


def test_a_regime_that_is_listed_twice_does_not_double_its_records(tmp_path):
    """S0-28: a worker that comes back to a regime lists it again."""
    run = write_legacy(tmp_path / "run", ["w0"])
    path = run / "w0" / "0-train" / "Task_A" / "block-info.tsv"
    path.write_text(path.read_text() + path.read_text().split("\n", 1)[1])
    assert exp_nums(run) == [0, 1]


def test_regimes_of_0_1_keep_their_numbers(tmp_path):
    """S0-28, S1-44."""
    run = write_legacy(tmp_path / "run")
    found = read.regimes(run).project("regime_num, length, workers, first_exp_num, last_exp_num").fetchall()
    assert found == [(0, 2, 2, 0, 2), (1, 2, 2, 1, 3)]


@pytest.mark.parametrize(
    ("status", "means"), [("Done", "complete"), ("", "complete"), ("failed", "incomplete"), ("ABORTED", "incomplete")]
)
def test_the_status_of_0_1_tells_whether_an_experience_is_complete(tmp_path, status, means):
    """S0-28."""
    run = write_legacy(tmp_path / "run", ["w0"], status=status)
    assert read.records(run).project("exp_status").distinct().fetchall() == [(means,)]


def test_records_of_0_1_may_have_no_status(tmp_path):
    """S0-28: those of classification have none."""
    run = write_legacy(tmp_path / "run", ["w0"])
    path = run / "w0" / "0-train" / "Task_A" / "data-log.tsv"
    path.write_text("block_num\tregime_num\texp_num\ttimestamp\tacc\n0\t0\t0\t20200923T115137.150115\t0.5\n")
    assert read.records(run).project("exp_status, acc, worker_id").fetchall() == [("complete", 0.5, "w0")]


def test_without_regimes_the_directories_tell(tmp_path):
    """S0-28: and that is said."""
    run = write_legacy(tmp_path / "run", ["w0"])
    (run / "w0" / "0-train" / "Task_A" / "block-info.tsv").unlink()
    log = Log(run, on_bad_rows="skip")
    found = log.records().project("worker_id, block_type, task_name, task_params").distinct().fetchall()
    assert found == [("w0", "train", "task_a", None)]
    assert [each.rule for each in log.findings] == ["regimes"]


def test_damage_in_a_list_of_regimes_is_told(tmp_path):
    """F-077, S0-28."""
    run = write_legacy(tmp_path / "run", ["w0"])
    path = run / "w0" / "0-train" / "Task_A" / "block-info.tsv"
    path.write_text(path.read_text() + "0\t2\ttrain")
    log = Log(run, on_bad_rows="skip")
    assert [(found.rule, found.path, found.line) for found in log.findings] == [("torn", str(path), 4)]
    assert len(log.records().fetchall()) == 2


# What a run keeps beside its log -----------------------------------------------------------------------------------------


def keep_all_sorts(run):
    """Put into a run what there may be beside the log, a copy of another run among the artifacts."""
    write_signals(run, line("metrics", 0), line("artifact", 1))
    for path in (
        "media/image/view/3.png",
        "media/image/data-log.tsv/3.png",
        "artifacts/model/v0/metadata.json",
        "run.json",
    ):
        (run / path).parent.mkdir(parents=True, exist_ok=True)
        (run / path).write_text("{}")
    copied = run / "artifacts" / "agents" / "old" / "v0"
    write_run(copied / "run", [7])
    (copied / "data-log.tsv").write_text("junk")
    (copied / b"\xff".decode(errors="surrogateescape")).write_text("")
    (copied / "link").symlink_to("/")
    return run


def test_what_is_kept_beside_the_log_is_no_part_of_it(tmp_path):
    """DESIGN, rule 4."""
    run = write_log(tmp_path, [row(0, episode_step_count=1)], columns=[*COLUMNS, "episode_step_count"])
    files = find((str(run),))[0][0].files
    keep_all_sorts(run)
    runs, findings = find((str(tmp_path),))
    assert ([each.name for each in runs], runs[0].files, findings) == (["run"], files, [])
    assert validate(run, strict=True).findings == ()


@pytest.mark.parametrize("worker", ["signals", "media", "artifacts"])
def test_a_worker_may_have_the_name_of_what_is_kept_beside_the_log(tmp_path, worker):
    run = keep_all_sorts(write_log(tmp_path, [row(0, worker_id=worker), row(1)]))
    assert exp_nums(run) == [0, 1]
    assert len(find((str(run),))[0][0].signal_files()) == 1


def test_what_is_kept_in_an_artifact_can_be_read_where_it_is(tmp_path):
    run = keep_all_sorts(write_log(tmp_path))
    assert exp_nums(run / "artifacts" / "agents" / "old" / "v0" / "run") == [7]


def test_directories_of_these_names_elsewhere_are_as_any(tmp_path):
    write_run(tmp_path / "logs" / "artifacts" / "deep" / "er" / "a")
    assert names(tmp_path) == ["a"]


def test_files_of_signals_are_listed(tmp_path):
    run = write_log(tmp_path)
    assert find((str(run),))[0][0].signal_files() == []
    write_signals(run, line(), worker_id="w1")
    write_signals(run, line(), worker_id="w0")
    (run / "signals" / "w0.jsonl.torn").write_text("")
    found = find((str(run),))[0][0].signal_files()
    assert [os.path.relpath(each, run) for each in found] == ["signals/w0.jsonl", "signals/w1.jsonl"]
