"""``python -m l2logger.validate``: what it prints, what it returns, and `run` as clients call it."""

import argparse
import json
import logging
import re
import subprocess
import sys
from unittest import mock

import pytest
from by_hand import row, write_log

from l2logger import validate
from l2logger.errors import LogFormatError, LogWarning
from l2logger.tables import psql_table

LONG = '{"param_long_name": "0123456789"}'


@pytest.fixture(autouse=True)
def own_logging():
    """Commands configure the root logger once; a test of pytest has configured it already."""
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers


@pytest.fixture
def run(tmp_path):
    rows = [
        row(0, task_name="A_1", task_params='{"p": 1}'),
        row(1, task_name="A_1", task_params='{"p": 1}'),
        row(2, block_num=1, block_type="test", task_name="A_1", task_params=LONG),
        row(3, block_num=1, block_type="test", task_name="A_1", task_params=LONG, exp_status="incomplete"),
    ]
    return write_log(tmp_path, rows)


def command(*arguments, cwd=None):
    line = [sys.executable, "-m", "l2logger.validate", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, cwd=cwd)


def called(log_dir, **more):
    """Call `run` as clients do: with arguments that were parsed elsewhere."""
    namespace = argparse.Namespace(log_dir=str(log_dir), **more)
    with mock.patch.object(argparse.ArgumentParser, "parse_args", return_value=namespace):
        validate.run()


TABLE = """\
+--------------+-------------+--------------+-----------------+-------------+------------------------------+----------+
|   regime_num |   block_num | block_type   | block_subtype   | task_name   | task_params                  |   length |
|--------------+-------------+--------------+-----------------+-------------+------------------------------+----------|
|            0 |           0 | train        | wake            | a_1         | {"p": 1}                     |        2 |
|            1 |           1 | test         | wake            | a_1         | {"param_long_name": "0123... |        1 |
+--------------+-------------+--------------+-----------------+-------------+------------------------------+----------+
"""


def test_the_table_of_a_valid_log_to_the_byte(run):
    """S1-47, S1-48, S1-52."""
    result = command(run)
    assert (result.returncode, result.stderr) == (0, "")
    blank, sentence, blank_too, heading, table = result.stdout.split("\n", 4)
    assert (blank, blank_too, table) == ("", "", TABLE)
    assert "passed" in sentence
    assert heading


def test_run_prints_what_the_command_prints(run, capsys):
    """S1-47: run() takes a Namespace that has nothing but log_dir."""
    called(run)
    assert capsys.readouterr().out == command(run).stdout


def test_a_bad_log_is_told_in_full_and_exits_with_1(tmp_path):
    """S1-48, F-085: all findings, not only the first, and no word of success."""
    run = write_log(tmp_path, [row(0, task_params="x"), row(1, exp_status="x"), row(2, task_name="x")])
    result = command(run)
    assert (result.returncode, result.stdout) == (1, "")
    path = run / "w0" / "0-train" / "data-log.tsv"
    for severity, place in (
        ("ERROR   ", ":3 (exp_status)"),
        ("ERROR   ", ":2 (task_params)"),
        ("WARNING ", ":4 (task_name)"),
    ):
        assert f" | {severity} | l2logger.validate | {path}{place}: " in result.stderr
    assert "Traceback" not in result.stderr


def test_lines_on_stderr_have_the_form_they_always_had(tmp_path):
    """FORMAT 16.1."""
    result = command(write_log(tmp_path, scenario_info=None))
    pattern = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| WARNING  \| l2logger\.validate \| .*scenario_info\.json: .*\n"
    assert result.returncode == 0
    assert re.fullmatch(pattern, result.stderr)


def test_strict_takes_warnings_for_errors(tmp_path):
    """F-075."""
    run = write_log(tmp_path)
    with open(run / "w0" / "0-train" / "data-log.tsv", "ab") as file:
        file.write(b"0\t2")
    lenient, strict = command(run), command("--strict", run)
    assert (lenient.returncode, strict.returncode) == (0, 1)
    assert "WARNING " in lenient.stderr
    assert "passed" not in strict.stdout


def test_the_report_for_programs(run, tmp_path):
    """F-085."""
    report = json.loads(command("--json", run).stdout)
    assert (report["valid"], report["records"], report["findings"]) == (True, 4, [])
    bad = command("--json", write_log(tmp_path / "bad", [row(0, task_params="x")]))
    assert bad.returncode == 1
    assert json.loads(bad.stdout)["findings"][0]["line"] == 2


@pytest.mark.parametrize("arguments", [(), ("a", "b"), ("--nonsense", "a")])
def test_wrong_arguments_exit_with_2(arguments):
    """S1-48."""
    result = command(*arguments)
    assert result.returncode == 2
    assert "usage" in result.stderr


def test_what_cannot_be_read_exits_with_3(tmp_path):
    """S1-48: nowhere, no log there, a version of the future."""
    future = write_log(tmp_path, logger_info={"metrics_columns": ["reward"], "log_format_version": "2.0"})
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "nowhere", "bare-name-that-is-not-there", tmp_path / "empty", future):
        result = command(place)
        assert (result.returncode, result.stdout) == (3, "")
        assert "Traceback" not in result.stderr
        assert result.stderr.count("\n") == 1


def test_trailing_slashes_relative_paths_and_names_in_l2data_are_taken(run, tmp_path, monkeypatch):
    """S1-51."""
    (tmp_path / "logs").mkdir()
    run.rename(tmp_path / "logs" / "run")
    monkeypatch.setenv("L2DATA", str(tmp_path))
    for place, cwd in ((f"{tmp_path}/logs/run/", None), ("./logs/run", tmp_path), ("run", tmp_path)):
        assert command(place, cwd=cwd).stdout.endswith(TABLE)


def rows_of(text):
    lines = [line for line in text.splitlines() if line.startswith("| ") and "regime_num" not in line]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_one_row_and_no_row_make_a_table(tmp_path, capsys):
    """F-084."""
    one = write_log(tmp_path / "one", [row(0)])
    none = write_log(tmp_path / "none", [row(0, exp_status="incomplete")])
    assert rows_of(command(one).stdout) == [["0", "0", "train", "wake", "task_a", "{}", "1"]]
    assert rows_of(command(none).stdout) == []
    for each in (one, none):
        called(each)
        assert capsys.readouterr().out == command(each).stdout


def test_parameters_that_change_in_a_regime_take_a_row_each(tmp_path, capsys):
    """S1-46; FORMAT 15."""
    changes = {1: '{"p": 1}', 3: '{"p": "a"}', 4: ""}
    rows = [row(each, task_params=changes.get(each, "{}"), block_num=each // 5) for each in range(7)]
    run = write_log(tmp_path, rows)
    called(run)
    result = command(run)
    assert capsys.readouterr().out == result.stdout
    assert [each[5:] for each in rows_of(result.stdout)] == [
        ['{"p": "a"}', "1"],
        ['{"p": 1}', "1"],
        ["{}", "2"],
        ["", "1"],
        ["{}", "2"],
    ]


def test_without_any_parameters_the_column_is_left_out(tmp_path, capsys):
    """FORMAT 16.1."""
    run = write_log(tmp_path, [row(0, task_params=""), row(1, task_params="")])
    called(run)
    result = command(run)
    assert capsys.readouterr().out == result.stdout
    assert rows_of(result.stdout) == [["0", "0", "train", "wake", "task_a", "2"]]


def test_each_of_several_runs_has_its_table(tmp_path):
    write_log(tmp_path / "a").rename(tmp_path / "first")
    write_log(tmp_path / "b", [row(0), row(1), row(2)]).rename(tmp_path / "second")
    result = command(tmp_path)
    assert result.returncode == 0
    assert result.stdout.index("first") < result.stdout.index("second")
    assert [each[-1] for each in rows_of(result.stdout)] == ["2", "3"]


def test_run_raises_runtime_errors_about_rules(tmp_path, capsys):
    """S1-42; DESIGN: run() raises on a bad log."""
    with pytest.raises(RuntimeError, match="exp_status"):
        called(write_log(tmp_path, [row(0, exp_status="x")]))
    assert capsys.readouterr().out == ""


def test_run_raises_about_rows_that_are_none(tmp_path, capsys):
    """F-076: what cannot be read speaks against the log, too."""
    run = write_log(tmp_path)
    with open(run / "w0" / "0-train" / "data-log.tsv", "ab") as file:
        file.write(b"0\t2\n")
    with pytest.warns(LogWarning), pytest.raises(LogFormatError, match=":4: 2 cells, expected 10"):
        called(run)
    assert capsys.readouterr().out == ""


def test_run_raises_about_warnings_if_asked_to(tmp_path):
    run = write_log(tmp_path, [row(0, reward="1")])
    called(run)
    with pytest.raises(LogFormatError, match="reward"):
        called(run, strict=True)


@pytest.mark.parametrize("name", ["logger_info.json", "scenario_info.json"])
def test_run_raises_file_not_found_without_an_info_file(run, name):
    """S1-40."""
    (run / name).unlink()
    with pytest.raises(FileNotFoundError):
        called(run)


def test_run_raises_file_not_found_without_a_log(tmp_path, monkeypatch):
    monkeypatch.setenv("L2DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        called("nowhere")


def test_run_raises_key_error_without_metrics(tmp_path):
    """FORMAT 16.3."""
    with pytest.raises(KeyError, match="metrics_columns"):
        called(write_log(tmp_path, logger_info={"log_format_version": "1.1"}))
    with pytest.raises(LogFormatError, match="expected an object"):
        called(write_log(tmp_path / "list", logger_info="[]"))


def test_a_psql_table_of_wide_letters_lines_and_blanks():
    """The first column as tabulate draws it; wide letters take two places."""
    table = psql_table(["n", "text"], [[5, "日本"], [-12, " a\nbb"], [123456, None]])
    assert table.splitlines() == [
        "+--------+--------+",
        "|      n | text   |",
        "|--------+--------|",
        "|      5 | 日本   |",
        "|    -12 | a      |",
        "|        | bb     |",
        "| 123456 |        |",
        "+--------+--------+",
    ]


def test_a_psql_table_without_rows():
    assert psql_table(["n"], []) == "+-----+\n| n   |\n|-----|\n+-----+"
