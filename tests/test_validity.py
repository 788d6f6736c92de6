"""The rules of a valid log: what breaks each of them is found, at its place, and nothing else is."""

import json

import pytest
from by_hand import COLUMNS, LOGGER_INFO, SCENARIO_INFO, row, tsv, write_log
from signals_by_hand import line, write_signals

from l2logger import rules, survey, util
from l2logger.errors import DirectoryError, LogFormatError
from l2logger.log import Log
from l2logger.rules import check, validate


def found(run, **options):
    """Return severity, rule, file, line and column of all that was found."""
    short = []
    for finding in validate(run, **options).findings:
        path = finding.path.removeprefix(str(run)).strip("/")
        short.append((finding.severity, finding.rule, path, finding.line, finding.column))
    return short


FILE = "w0/0-train/data-log.tsv"


def test_a_good_log_has_no_findings(tmp_path):
    """S1-42."""
    report = validate(write_log(tmp_path), strict=True)
    assert report.findings == ()
    assert (report.valid, report.files, report.records) == (True, 1, 2)


def test_a_log_that_was_just_written_has_no_findings(make):
    logger = make(scenario_info=SCENARIO_INFO)
    for exp_num in range(40):
        block = {"block_num": exp_num // 10, "block_type": "test" if exp_num // 10 % 2 else "train"}
        fields = {"task_name": "Task_a", "task_params": {"p": exp_num // 10}, "reward": 0.5}
        logger.log_record({**block, **fields, "exp_num": exp_num, "worker_id": f"w{exp_num % 3}"})
    assert validate(logger.scenario_dir, strict=True).findings == ()


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("block_type", "Train"),
        ("block_type", ""),
        ("block_subtype", "nap"),
        ("block_subtype", ""),
        ("exp_status", "done"),
        ("exp_status", ""),
        ("worker_id", "w 0"),
        ("worker_id", "é"),
        ("exp_num", "-1"),
        ("task_params", "{'p': 1}"),
        ("task_params", "{,}"),
        ("task_params", '{"p": 1,}'),
        ("task_params", '{"p": nan}'),
        ("task_params", '{"p": inf}'),
        ("task_params", "{} {}"),
    ],
)
def test_a_cell_that_breaks_a_rule_is_found_at_its_line(tmp_path, column, cell):
    """S1-42: rules 4 to 10 of the original."""
    bad = row(1, directory="w0/0-train", **{column: cell})
    run = write_log(tmp_path, [row(0), bad, row(2)])
    assert [each for each in found(run) if each[0] == "error"] == [("error", column, FILE, 3, column)]


def test_a_negative_block_is_found_at_its_line(tmp_path):
    """S1-42."""
    run = write_log(tmp_path, [row(0, block_num=-1), row(1, block_num=-1), row(2)])
    assert found(run) == [("error", "block_num", "w0/-1-train/data-log.tsv", line, "block_num") for line in (2, 3)]


@pytest.mark.parametrize("cell", ["", "{}", ' {"p": 1}', '{"p": NaN}', '{"p": [Infinity, -Infinity]}', '{"p": "a,}"}'])
def test_parameters_that_python_reads_are_good(tmp_path, cell):
    """S1-42: rule 10."""
    assert found(write_log(tmp_path, [row(0, task_params=cell), row(1, task_params=cell)])) == []


@pytest.mark.parametrize("cell", ["[1]", '"text"', "5", "null", "NaN"])
def test_parameters_that_are_no_object_are_a_warning(tmp_path, cell):
    run = write_log(tmp_path, [row(0, task_params=cell)])
    assert found(run) == [("warning", "task_params", FILE, 2, "task_params")]


def test_parameters_nested_too_deeply_are_found(tmp_path):
    """F-083."""
    run = write_log(tmp_path, [row(0, task_params='{"p": ' + "[" * 50_000 + "]" * 50_000 + "}")])
    assert found(run) == [("error", "task_params", FILE, 2, "task_params")]


def test_lines_are_counted_as_an_editor_does(tmp_path):
    """Cells may hold line breaks."""
    run = write_log(tmp_path, [row(0, task_name='"Task_a\nor "'), row(1, block_type="?", directory="w0/0-train")])
    assert ("error", "block_type", FILE, 4, "block_type") in found(run)


@pytest.mark.parametrize("column", [column for column in COLUMNS if column not in ("block_subtype", "reward")])
def test_a_column_that_is_missing_is_found_once(tmp_path, column):
    """S1-42: rule 1; F-077."""
    run = write_log(tmp_path, columns=[each for each in COLUMNS if each != column])
    counts = column in ("block_num", "exp_num")
    errors = [each for each in found(run) if each[0] == "error"]
    assert errors == [("error", "header" if counts else "column", FILE, 1, None if counts else column)]


def test_a_metric_that_no_file_has_is_an_error(tmp_path):
    """S1-42: rule 2."""
    run = write_log(tmp_path, logger_info=LOGGER_INFO | {"metrics_columns": ["reward", "loss"]})
    assert found(run) == [("error", "metric", "", None, "loss")]


def test_a_metric_that_some_files_lack_is_a_warning(tmp_path):
    run = write_log(tmp_path, [row(0), row(1, block_num=1)])
    (run / FILE).write_text(tsv([row(0)], [*COLUMNS[:-1]]))
    assert found(run) == [("warning", "metric", FILE, 1, "reward")]


def test_blocks_must_not_fall_as_experiences_go_on(tmp_path):
    """S1-42: rule 4, over all workers."""
    late = [row(each, worker_id="w1") for each in (2, 7, 8)]
    run = write_log(tmp_path, [row(0), row(1), row(5, block_num=1), row(9, block_num=1), *late])
    errors = [each for each in found(run) if each[0] == "error"]
    assert errors == [("error", "order", "w1/0-train/data-log.tsv", 3, "block_num")]
    problem = validate(run).errors[0].problem
    assert "experience 7 is of block 0, and 1 more of this block, though block 1 began with experience 5" in problem


def test_blocks_may_share_an_experience(tmp_path):
    """S1-42: within an experience, records are sorted by block."""
    run = write_log(tmp_path, [row(0), row(0, block_num=1), row(1, block_num=1)])
    assert "order" not in [rule for _, rule, *_ in found(run)]


def test_task_names_out_of_the_pattern_are_one_warning_each(tmp_path):
    """S1-43."""
    names = ["taska", "a_b_c", "taska", "a_b", "1_2"]
    run = write_log(tmp_path, [row(place, task_name=name) for place, name in enumerate(names)])
    assert found(run) == [("warning", "task_name", FILE, line, "task_name") for line in (3, 2)]
    assert "'taska' in 2 records" in validate(run).findings[1].problem


def test_more_than_one_complete_row_of_an_experience_is_a_warning(tmp_path):
    rows = [row(0, exp_status="incomplete"), row(0), row(1), row(1, timestamp="20261121T130000.000000"), row(2)]
    assert found(write_log(tmp_path, rows)) == [("warning", "complete", FILE, 5, "exp_status")]


def test_an_experience_that_is_complete_in_two_files_is_a_warning(tmp_path):
    run = write_log(tmp_path, [row(0), row(1), row(1, block_num=1), row(2, block_num=1)])
    assert found(run) == [("warning", "complete", "w0/1-train/data-log.tsv", 2, "exp_status")]


def test_workers_may_complete_the_same_experience(tmp_path):
    assert found(write_log(tmp_path, [row(each, worker_id=worker) for worker in ("w0", "w1") for each in (0, 1)])) == []


def test_a_block_of_two_types_is_a_warning(tmp_path):
    """FORMAT 8: not checked by the original writer."""
    run = write_log(tmp_path, [row(0), row(1, block_type="test")])
    assert found(run) == [("warning", "flip", "w0/0-test/data-log.tsv", None, "block_type")]


def test_parameters_that_change_within_a_regime_are_a_warning_that_names_it(tmp_path):
    """S1-46."""
    run = write_log(tmp_path, [row(0), row(1, block_num=1), row(2, block_num=1, task_params='{"p": 1}')])
    assert found(run) == [("warning", "params", "", None, "task_params")]
    assert "regime 1 (experiences 1 to 2, block 1-train, task task_a)" in validate(run).findings[0].problem


def test_parameters_may_change_from_regime_to_regime_of_a_task(tmp_path):
    rows = [row(0), row(1, task_name="Task_b"), row(2, task_params='{"p": 1}')]
    assert found(write_log(tmp_path, rows)) == []


def test_counts_that_fall_within_a_file_are_warnings(tmp_path):
    """F-081."""
    run = write_log(tmp_path, [row(each) for each in (0, 1, 3, 2, 4)])
    assert found(run) == [("warning", "falls", FILE, 5, "exp_num")]


def test_counts_may_differ_between_workers(tmp_path):
    run = write_log(tmp_path, [row(0, worker_id="w1"), row(1, worker_id="w1"), row(0), row(1)])
    assert found(run) == []


def test_a_restart_of_counts_in_a_later_file_is_a_warning(tmp_path):
    """F-081: the file of block 0 was written after the one of block 1."""
    rows = [row(5, block_num=1), row(6, block_num=1), row(3, timestamp="20261121T235959.000000")]
    run = write_log(tmp_path, rows)
    assert ("warning", "falls", FILE, None, None) in found(run)


def test_rows_that_are_there_twice_are_warnings(tmp_path):
    """F-081."""
    run = write_log(tmp_path, [row(0), row(1), row(1), row(2), row(0)])
    copies = [each for each in found(run) if each[1] == "copy"]
    assert copies == [("warning", "copy", FILE, 4, None), ("warning", "copy", FILE, 6, None)]
    assert "line 2" in validate(run).findings[-1].problem


def test_a_gap_in_the_experiences_of_a_run_is_a_warning(tmp_path):
    """F-081."""
    run = write_log(tmp_path, [row(each, worker_id=f"w{each % 2}") for each in range(20) if each not in (7, 8, 11)])
    assert found(run) == [("warning", "gap", "", None, "exp_num")]
    assert "3 exp_nums are left out: 7 to 8, 11" in validate(run).findings[0].problem


def test_numbers_that_are_mostly_left_out_are_no_gap(tmp_path):
    assert found(write_log(tmp_path, [row(each) for each in range(0, 500, 10)])) == []


def test_experiences_of_many_rows_are_no_gap(tmp_path):
    rows = [row(each // 3, exp_status="complete" if each % 3 == 2 else "incomplete") for each in range(30)]
    for place, each in enumerate(rows):
        each["timestamp"] = row(place)["timestamp"]
    assert found(write_log(tmp_path, rows)) == []


def test_a_metric_that_is_no_number_is_a_warning(tmp_path):
    """Words for a missing number are none; NaN and infinities are numbers."""
    cells = ["1.5", "fast", "nan", "", "NA", "-inf", "True", "1_0", "2e-3"]
    run = write_log(tmp_path, [row(place, reward=cell) for place, cell in enumerate(cells)])
    assert found(run) == [("warning", "metric", FILE, line, "reward") for line in (3, 8, 9)]


def test_a_metric_of_integers_is_a_warning(tmp_path):
    """FORMAT 18: l2metrics on pandas 3."""
    run = write_log(tmp_path, [row(0, reward="1"), row(1, reward="-2"), row(2, reward="")])
    assert found(run) == [("warning", "whole_metric", "", None, "reward")]


def test_a_metric_of_integers_in_one_of_two_runs_is_a_warning_about_that_run(tmp_path):
    write_log(tmp_path / "a")
    run = write_log(tmp_path / "b", [row(0, reward="1")])
    [finding] = validate(tmp_path).findings
    assert (finding.rule, finding.path) == ("whole_metric", str(run))


def test_metrics_that_differ_by_case_are_told_apart(tmp_path):
    rows = [row(0, Reward="word"), row(1, Reward="2.0")]
    info = LOGGER_INFO | {"metrics_columns": ["reward", "Reward", "exp_num"]}
    run = write_log(tmp_path, rows, columns=[*COLUMNS, "Reward"], logger_info=info)
    assert found(run) == [("warning", "metric", FILE, 2, "Reward")]


@pytest.mark.parametrize(
    "cell", ["", "2026-11-21 12:00:00", "20261121T120000", "20261321T120000.000001", "20261121T120000.0001"]
)
def test_a_timestamp_that_l2metrics_cannot_read_is_a_warning(tmp_path, cell):
    run = write_log(tmp_path, [row(0), row(1, timestamp=cell)])
    assert found(run) == [("warning", "timestamp", FILE, 3, "timestamp")]


def test_a_torn_tail_is_a_warning(tmp_path):
    """F-075."""
    run = write_log(tmp_path)
    with open(run / FILE, "ab") as file:
        file.write(b"0\t2\tw")
    assert found(run) == [("warning", "torn", FILE, 4, None)]
    assert not validate(run, strict=True).valid


def test_a_row_of_the_wrong_width_is_an_error(tmp_path):
    """F-076, F-090."""
    run = write_log(tmp_path)
    with open(run / FILE, "ab") as file:
        file.write(b"0\t2\tw0\n")
    assert found(run) == [("error", "cells", FILE, 4, None)]


@pytest.mark.parametrize(
    ("column", "directory"), [("worker_id", "w1/0-train"), ("block_num", "w0/1-train"), ("block_type", "w0/0-test")]
)
def test_a_row_in_the_directory_of_another_is_a_warning(tmp_path, column, directory):
    """F-080."""
    name = f"{directory}/data-log.tsv"
    first = {"worker_id": directory[:2], "block_num": int(directory[3]), "block_type": directory[5:]}
    run = write_log(tmp_path, [row(0, **first), row(1, directory=directory)])
    assert ("warning", "place", name, 3, column) in found(run)


def test_a_file_that_lies_elsewhere_is_a_warning(tmp_path):
    """F-080."""
    run = write_log(tmp_path, [row(0, directory="deep/down/w0/0-train"), row(1, directory="deep/down/w0/0-train")])
    assert found(run) == [("warning", "place", "deep/down/w0/0-train/data-log.tsv", None, None)]


@pytest.mark.parametrize(
    ("info", "severity", "column"),
    [
        (None, "error", None),
        ("{", "error", None),
        ("[]", "error", None),
        ({"log_format_version": "1.1"}, "error", "metrics_columns"),
        (LOGGER_INFO | {"metrics_columns": "reward"}, "error", "metrics_columns"),
        (LOGGER_INFO | {"metrics_columns": [1]}, "error", "metrics_columns"),
        (LOGGER_INFO | {"metrics_columns": []}, "warning", "metrics_columns"),
        ({"metrics_columns": ["reward"]}, "warning", "log_format_version"),
        (LOGGER_INFO | {"log_format_version": "1.7"}, "warning", "log_format_version"),
    ],
)
def test_logger_info_that_is_not_what_it_should_be(tmp_path, info, severity, column):
    """F-083, F-091."""
    run = write_log(tmp_path, logger_info=info)
    assert found(run) == [(severity, "logger_info", "logger_info.json", None, column)] or info == "{"
    assert [each[:3] for each in found(run)] == [(severity, "logger_info", "logger_info.json")]


@pytest.mark.parametrize(
    ("info", "severity", "columns"),
    [
        (None, "warning", [None]),
        ("{", "error", [None]),
        ("[]", "error", [None]),
        ({}, "warning", [None]),
        (SCENARIO_INFO | {"complexity": "low"}, "warning", ["complexity"]),
        (SCENARIO_INFO | {"difficulty": 1}, "warning", ["difficulty"]),
        (SCENARIO_INFO | {"scenario_type": "CUSTOM", "author": "me"}, "warning", []),
    ],
)
def test_scenario_info_that_is_not_what_it_should_be(tmp_path, info, severity, columns):
    """S1-41, F-083: readers do without it, tools do not."""
    run = write_log(tmp_path, scenario_info=info)
    assert found(run) == [(severity, "scenario_info", "scenario_info.json", None, column) for column in columns]


def test_a_version_newer_than_this_reader_cannot_be_read(tmp_path):
    """F-091."""
    with pytest.raises(LogFormatError, match="newer than this reader"):
        validate(write_log(tmp_path, logger_info=LOGGER_INFO | {"log_format_version": "3.0"}))


V1_0 = [column for column in COLUMNS if column != "block_subtype"]


@pytest.mark.parametrize(
    ("version", "columns", "column"),
    [
        ("1.0", V1_0, []),
        ("1.1", COLUMNS, []),
        ("1.1", V1_0, ["block_subtype"]),
        ("1.0", COLUMNS, ["block_subtype"]),
        ("1.0", [*V1_0, "block_subtype"], ["block_subtype"]),
        ("1.1", [*V1_0, "block_subtype"], [None]),
        ("1.1", COLUMNS[::-1], [None]),
        ("1.0", [*V1_0[::-1]], [None]),
    ],
)
def test_columns_that_are_not_of_the_version(tmp_path, version, columns, column):
    """FORMAT 1, F-077."""
    run = write_log(tmp_path, columns=columns, logger_info=LOGGER_INFO | {"log_format_version": version})
    assert found(run) == [("warning", "column", FILE, 1, each) for each in column]


def test_a_run_of_signals_alone_is_told_as_such(tmp_path):
    run = write_log(tmp_path, [], logger_info={"metrics_columns": [], "log_format_version": "1.1"})
    write_signals(run, line("metrics"), line("note"))
    [finding] = [each for each in validate(run).findings if each.severity == "error"]
    assert finding.rule == "no_log"
    assert finding.problem.endswith("; no records were logged, only 2 signals beside them, such as metrics")
    assert not [each for each in validate(run).findings if each.rule == "logger_info"]


def test_no_log_at_all_cannot_be_read(tmp_path):
    with pytest.raises(DirectoryError, match="neither an info file nor a data-log.tsv"):
        validate(tmp_path)
    with pytest.raises(DirectoryError):
        validate(tmp_path / "nowhere")


def test_a_run_without_files_is_not_valid(tmp_path):
    assert found(write_log(tmp_path, [])) == [("error", "no_log", "", None, None)]


def test_a_file_without_rows_is_valid(tmp_path):
    """F-084."""
    run = write_log(tmp_path)
    (run / FILE).write_text(tsv([]))
    assert found(run) == [("warning", "no_rows", FILE, None, None)]


def test_an_empty_file_beside_others_is_valid(tmp_path):
    """F-077, F-060."""
    run = write_log(tmp_path)
    (run / "w0" / "1-test").mkdir()
    (run / "w0" / "1-test" / "data-log.tsv").touch()
    assert found(run) == [("warning", "empty", "w0/1-test/data-log.tsv", None, None)]


def test_one_row_and_no_complete_row_are_valid(tmp_path):
    """F-084."""
    assert found(write_log(tmp_path / "one", [row(0)])) == []
    assert found(write_log(tmp_path / "none", [row(0, exp_status="incomplete")])) == []


def test_a_rule_broken_many_times_is_listed_so_often_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "MAX_FINDINGS", 10)
    rows = [row(each, directory="w0/0-train", block_type="?", exp_status="?", reward="?") for each in range(25)]
    report = validate(write_log(tmp_path, rows))
    assert [finding.rule for finding in report.errors].count("block_type") == 11
    assert [finding.problem for finding in report.errors if "more" in finding.problem] == [
        "... and 15 more like this, here or in other files"
    ] * 2
    assert len(report.warnings) == 12


def test_at_most_a_thousand_findings_are_listed_of_a_rule():
    assert rules.MAX_FINDINGS == survey.MAX_FINDINGS == 1000


def test_errors_come_first(tmp_path):
    run = write_log(tmp_path, [row(0, task_name="x"), row(1, task_params="x")], scenario_info={})
    assert [each[0] for each in found(run)] == ["error"] + ["warning"] * 2


def test_strict_makes_errors_of_warnings(tmp_path):
    run = write_log(tmp_path, scenario_info=None)
    assert validate(run).valid
    report = validate(run, strict=True)
    assert not report.valid
    assert (len(report.errors), report.warnings, report.strict) == (1, (), True)


def test_a_report_is_plain_data(tmp_path):
    """F-085."""
    report = json.loads(json.dumps(validate(write_log(tmp_path, [row(0, task_params="x")])).as_dict()))
    assert report["valid"] is False
    assert (report["files"], report["records"], report["errors"], report["warnings"]) == (1, 1, 1, 0)
    [finding] = report["findings"]
    assert finding.pop("path").endswith(FILE)
    assert finding == {
        "rule": "task_params",
        "problem": "task_params is 'x', expected JSON text such as {}",
        "line": 2,
        "column": "task_params",
        "severity": "error",
    }


def test_an_invalid_report_raises_its_first_error(tmp_path):
    run = write_log(tmp_path, [row(0, task_params="x"), row(1, exp_status="x")])
    with pytest.raises(LogFormatError, match=r"data-log.tsv:3 \(exp_status\): exp_status is 'x'.*1 more error"):
        validate(run).raise_if_invalid()
    validate(write_log(tmp_path / "good")).raise_if_invalid()


def test_each_run_is_checked_on_its_own(tmp_path):
    """Neither blocks nor experiences of one run count in another."""
    write_log(tmp_path / "a", [row(0, block_num=1), row(1, block_num=1)])
    write_log(tmp_path / "b", [row(5), row(6, block_type="test", block_num=1), row(7, block_type="test", block_num=1)])
    report = validate(tmp_path)
    assert (len(report.runs), report.findings) == (2, ())


def test_files_with_other_columns_and_ways_to_be_read_are_one_log(tmp_path):
    """Order within a file is seen in each: small, damaged and large ones."""
    run = write_log(tmp_path)
    for block_num, more in ((1, b""), (2, b"torn")):
        path = run / "w0" / f"{block_num}-train" / "data-log.tsv"
        path.parent.mkdir()
        rows = [row(each, block_num=block_num) for each in (block_num * 5000, block_num * 5000 - 1)]
        path.write_bytes(tsv(rows).encode() + more)
    path = run / "w0" / "3-train" / "data-log.tsv"
    path.parent.mkdir()
    rows = [row(20_000 + each, block_num=3, extra="x" * 50) for each in [*range(2000), 1000, 2000]]
    path.write_text(tsv(rows, [*COLUMNS, "extra"]))
    falls = [each[2:4] for each in found(run) if each[1] == "falls"]
    assert falls == [(f"w0/{block_num}-train/data-log.tsv", line) for block_num, line in ((1, 3), (2, 3), (3, 2002))]


def test_a_log_of_0_1_is_checked_where_rules_apply(tmp_path):
    """FORMAT 3."""
    run = tmp_path / "run"
    directory = run / "w0" / "0-train" / "Env-A"
    directory.mkdir(parents=True)
    (run / "column_info.json").write_text('{"metrics_columns": ["reward"]}')
    (directory / "block-info.tsv").write_text(
        "block_num\tregime_num\tblock_type\tworker\ttask_name\tparams\n0\t0\ttrain\tw0\tEnv-A\t[]\n"
    )
    header = "block_num\tregime_num\texp_num\tstatus\ttimestamp\treward\n"
    (directory / "data-log.tsv").write_text(
        header + "0\t0\t0\tDone\t20200923T115137.150115\t1\n0\t0\t-1\tDone\tnoon\t1\n"
    )
    name = "w0/0-train/Env-A/data-log.tsv"
    assert sorted(found(run), key=str) == [
        ("error", "exp_num", name, 3, "exp_num"),
        ("warning", "task_params", name, None, "task_params"),
        ("warning", "timestamp", name, 3, "timestamp"),
        ("warning", "whole_metric", "", None, "reward"),
    ]


def test_nothing_is_left_behind_in_the_connection(tmp_path):
    log = Log(write_log(tmp_path), on_bad_rows="skip")
    tables = "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '%parts%' OR table_name LIKE '%listed%'"
    check(log)
    assert log.connection.sql(tables).fetchall() == [(0,)]


BAD = [
    {"block_type": "x"},
    {"block_subtype": "x"},
    {"exp_status": "x"},
    {"worker_id": "x y"},
    {"task_params": "x"},
    {"task_params": "[]"},
    {"task_params": ""},
    {"exp_num": -1},
    {"block_num": -1},
    {"block_num": 1},
    {"exp_num": 9},
    {"task_name": "x"},
    {"timestamp": "x"},
    {"reward": "x"},
    {"block_type": "test"},
    {},
]


@pytest.mark.parametrize("change", BAD, ids=str)
def test_errors_are_what_the_rules_of_the_original_refuse(tmp_path, change):
    """S1-42: a log has errors exactly where `validate_log` raises."""
    run = write_log(tmp_path, [row(0), row(1, **{"directory": "w0/0-train", **change}), row(2), row(3, block_num=1)])
    try:
        util.validate_log(util.read_log_data(run), ["reward"])
    except RuntimeError:
        assert not validate(run).valid
    else:
        assert validate(run).valid
