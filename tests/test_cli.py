"""The console script: what each command prints, how it fails, and how it behaves in a pipe."""

import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from reading import data_log, record

import l2logger
from l2logger import read
from l2logger.cli import COMMANDS, cli
from l2logger.legacy import RLPerformanceLogger
from l2logger.rendering import number, sparkline

ROOT = Path(__file__).parent.parent
LIMIT_SECS = 60


def run(*args, **environment):
    """Run a command in this process."""
    return CliRunner().invoke(cli, [str(arg) for arg in args], prog_name="l2logger", env=environment)


def start(*args, **more):
    """Start a command in a process of its own."""
    command = [sys.executable, "-m", "l2logger", *map(str, args)]
    # A shell that starts the tests in the background has them ignore Ctrl-C.
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, preexec_fn=listen, **more)


@pytest.fixture
def logged(make):
    """A closed run: 12 records of two workers in four blocks."""
    logger = make(scenario_info={"complexity": "1-low", "difficulty": "1-easy", "scenario_type": "custom"})
    for exp_num in range(12):
        block_num = exp_num // 3
        logger.log_record(
            record(
                exp_num,
                worker_id=f"w{exp_num % 2}",
                block_num=block_num,
                block_type="test" if block_num % 2 else "train",
                reward=exp_num / 3,
            )
        )
    logger.close()
    return Path(logger.scenario_dir)


def tear(scenario_dir):
    """Append half a line to a file; return its path."""
    path = scenario_dir / "w0" / "0-train" / "data-log.tsv"
    with path.open("ab") as file:
        file.write(b"0\t99")
    return path


def command_of(name):
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


EXAMPLES = [(name, example) for name in COMMANDS for example in command_of(name).examples]


# Help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_examples(name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"  l2logger {name}" in result.output.partition("Example")[2]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_is_a_command_that_can_be_given(name, example):
    program, called, *args = shlex.split(example)
    assert (program, called) == ("l2logger", name)
    command_of(name).make_context(name, args)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name):
    for parameter in command_of(name).params:
        assert isinstance(parameter, click.Argument) or parameter.help


def test_help_lists_all_commands_with_whole_sentences():
    result = run("--help")
    listed = result.output.partition("Commands:")[2]
    assert re.findall(r"^  (\w+)", listed, re.MULTILINE) == list(COMMANDS)
    assert "..." not in listed


def test_the_page_in_the_documentation_is_up_to_date():
    """``python docs/commands.py`` writes it."""
    spec = importlib.util.spec_from_file_location("commands_page", ROOT / "docs" / "commands.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == module.page()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell):
    environment = {
        **os.environ,
        "_L2LOGGER_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "l2logger sum",
        "COMP_CWORD": "1",
    }
    if shell == "fish":
        environment |= {"COMP_WORDS": "l2logger sum", "COMP_CWORD": "sum"}
    process = start(env=environment)
    assert "summary" in process.communicate(timeout=LIMIT_SECS)[0]


@pytest.mark.parametrize("args", [["version"], ["--help"], ["summary", "--help"]])
def test_nothing_heavy_is_loaded_before_it_is_used(args):
    script = f"import sys\nfrom l2logger.cli import cli\ntry: cli({args})\nexcept SystemExit: print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert {"numpy", "pandas", "duckdb", "rich", "structlog"}.isdisjoint(output.splitlines()[-1].split())


# Mistakes and errors


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["summary"], 2, "Missing argument 'RUN'"),
        (["sumary", "x"], 2, "did you mean 'summary'?"),
        (["frobnicate"], 2, "the commands are validate, summary"),
        (["summary", "x", "--jsn"], 2, "No such option"),
        (["summary", "nowhere"], 3, "no run directory"),
        (["validate", "nowhere"], 3, "no run directory"),
        (["tail", "nowhere"], 3, "no run directory"),
        (["repair", "nowhere"], 3, "no run directory"),
        (["convert", "nowhere", "x"], 3, "no run directory"),
        (["query", "nowhere", "SELECT 1"], 3, "no run directory"),
        (["aggregate", "nowhere"], 3, "nowhere"),
        (["query", "RUN", "SELEC 1"], 2, "Parser Error"),
        (["query", "RUN", "SELECT rewrd FROM records"], 2, '"rewrd"'),
        (["query", "RUN", "SELECT 1 FROM record"], 2, "Catalog Error"),
        (["query", "RUN", "SELECT worker_id::INT FROM records"], 2, "Conversion Error"),
        (["query", "RUN", "SELECT 1", "-o", "x.xls"], 2, "does not tell the format"),
        (["query", "RUN", "SELECT 1", "-o", "nowhere/x.csv"], 3, "no such directory"),
        (["query", "RUN", "SELECT 1", "-f", "table", "-o", "x"], 2, "a table is for the terminal"),
        (["aggregate", "RUN", "-o", "nowhere/x"], 3, "no such directory"),
        (["convert", "RUN", "x"], 2, "is of format 1.1 already"),
    ],
)
def test_an_error_is_one_line_and_a_hint(logged, tmp_path, monkeypatch, args, code, says):
    monkeypatch.chdir(tmp_path)
    result = run(*[logged if arg == "RUN" else arg for arg in args])
    first, *rest = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (code, "")
    assert first.startswith("error: ")
    assert says in first
    assert all(line.startswith("hint: ") for line in rest)
    assert len(rest) < 2


def test_no_arguments_show_the_help():
    result = run()
    assert result.exit_code in (0, 2)
    assert "Commands:" in result.output


@pytest.mark.parametrize("args", [["summary"], ["validate"], ["repair"], ["aggregate"], ["query", "FROM records"]])
def test_a_directory_without_a_log_is_an_error(tmp_path, args):
    """F-084."""
    result = run(args[0], tmp_path, *args[1:])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("error: ")


def test_a_directory_without_a_log_is_named(tmp_path):
    result = run("summary", tmp_path)
    assert str(tmp_path) in result.stderr


def test_a_run_of_the_future_is_an_error(logged):
    """F-091."""
    (logged / "logger_info.json").write_text('{"metrics_columns": ["reward"], "log_format_version": "3.0"}')
    result = run("summary", logged)
    assert result.exit_code == 3
    assert "newer than this reader" in result.stderr


def test_a_mistake_of_ours_is_one_line_too(logged, monkeypatch):
    monkeypatch.setattr("l2logger.rules.validate", lambda *runs, **more: 1 / 0)
    result = run("validate", logged)
    assert result.exit_code == 3
    assert result.stderr.startswith("error: ZeroDivisionError: division by zero\nhint: this is a mistake in l2logger")


@pytest.mark.parametrize(("args", "environment"), [(["--debug"], {}), ([], {"L2LOGGER_DEBUG": "1"})])
def test_the_traceback_can_be_had(args, environment):
    result = run(*args, "summary", "nowhere", **environment)
    assert isinstance(result.exception, l2logger.DirectoryError)


def test_ctrl_c_ends_a_command_with_its_own_code(logged, monkeypatch):
    def interrupted(*runs, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("l2logger.rules.validate", interrupted)
    result = run("validate", logged)
    assert (result.exit_code, result.stderr.strip()) == (130, "error: interrupted")


def test_escapes_in_names_do_not_reach_the_terminal(make):
    """F-121: in results and in errors."""
    logger = make()
    evil = "\x1b]0;gotcha\x07\x9b31m\u202e"
    fields = {"task_name": f"Task_{evil}", "task_params": {"p": evil}, f"m{evil}": 1.5, "note": evil}
    with pytest.warns(l2logger.RecordWarning):
        logger.log_record(record(**fields))
    logger.close()
    path = data_log(logger)
    with path.open("ab") as file:
        file.write(evil.encode() + b"\n")
    commands = [
        ["summary", logger.scenario_dir],
        ["tail", logger.scenario_dir],
        ["validate", logger.scenario_dir],
        ["repair", logger.scenario_dir, "--dry-run"],
        ["query", logger.scenario_dir, "SELECT * FROM records"],
        ["query", logger.scenario_dir, f"SELECT {evil}"],
        ["summary", f"/nowhere/{evil}"],
        [evil],
    ]
    for command in commands:
        result = run(*command)
        assert not re.search("[\x1b\x07\x9b\u202e]", result.output + result.stderr), command
        assert "\\x1b" in result.output + result.stderr, command


# Pipes and terminals


@pytest.mark.parametrize(
    "args", [["tail"], ["query", "FROM records", "-f", "csv"], ["query", "FROM records"], ["summary"], ["validate"]]
)
def test_a_closed_pipe_ends_a_command_quietly(logged, args):
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "l2logger", args[0], logged, *args[1:]]
    result = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=LIMIT_SECS)
    os.close(write_end)
    assert (result.returncode, result.stderr) == (141, "")


def on_a_terminal(*args, columns=80, **environment):
    """Run a command on a terminal of its own; return its exit code and what it wrote."""
    import pty
    import struct
    from fcntl import ioctl
    from termios import TIOCSWINSZ

    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    command = [sys.executable, "-m", "l2logger", *map(str, args)]
    environment = {**kept, "TERM": "xterm-256color", **environment}
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, cwd=ROOT, env=environment)
    os.close(theirs)
    output = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        output += piece
    os.close(ours)
    return process.wait(LIMIT_SECS), output.decode().replace("\r\n", "\n")


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_summary_fits_the_terminal(logged, columns):
    code, output = on_a_terminal("summary", logged, columns=columns)
    assert code == 0
    assert max(map(len, plain(output).splitlines())) <= columns
    assert "\x1b[1m" in output


@pytest.mark.parametrize("args", [["summary"], ["validate"], ["tail"]])
def test_no_color_is_honoured(logged, args):
    _, output = on_a_terminal(*args, logged, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", output)


def test_a_table_leaves_out_columns_that_do_not_fit(logged):
    _, output = on_a_terminal("query", logged, "FROM records", columns=60)
    lines = plain(output).splitlines()
    assert lines[0].split()[:2] == ["block_num", "exp_num"]
    assert max(len(line) for line in lines if not line.startswith("note")) <= 60
    assert "columns not shown, the terminal is too narrow: " in plain(output)


def test_what_says_nothing_is_left_out_first(logged):
    """Empty columns and those that are the same in all rows, which the note tells."""
    sql = "SELECT 'r' || 1 AS run, exp_num, repeat('x', 30) AS same, NULL AS nothing, 'a' || exp_num AS label FROM records"
    _, output = on_a_terminal("query", logged, sql, columns=45)
    lines = plain(output).splitlines()
    assert lines[0].split() == ["run", "exp_num", "label"]
    assert lines[-1].endswith(f"too narrow: same ({'x' * 30}), nothing (empty)")


def test_a_single_row_keeps_its_first_columns(logged):
    sql = "SELECT 1 AS a, repeat('x', 30) AS b, repeat('y', 30) AS c, 2 AS d"
    _, output = on_a_terminal("query", logged, sql, columns=45)
    assert plain(output).splitlines()[0].split() == ["a", "b", "d"]


@pytest.mark.parametrize("columns", [40, 80])
def test_tail_leaves_out_what_is_the_same_in_all_lines_if_they_do_not_fit(make, columns):
    logger = make()
    for exp_num in range(3):
        logger.log_record(record(exp_num, reward=exp_num, other=1.5))
    logger.close()
    _, output = on_a_terminal("tail", logger.scenario_dir, columns=columns)
    *lines, note = plain(output).splitlines()
    assert [line.split()[-1] for line in lines] == ["reward=0", "reward=1", "reward=2"]
    assert max(map(len, lines)) <= columns
    everything = ["worker_id worker-default", "other 1.5", "block 0-train", "task_name Task_a"]
    assert note.partition("in all of them: ")[2].split(", ") == everything[: {40: 4, 80: 1}[columns]]


def test_tail_in_a_pipe_leaves_nothing_out(make):
    logger = make()
    for exp_num in range(3):
        logger.log_record(record(exp_num))
    assert run("tail", logger.scenario_dir, COLUMNS="20").stdout.count("worker-default") == 3


def test_show_tables_lists_what_can_be_asked_and_nothing_else(logged):
    tear(logged)
    found = run("query", logged, "SHOW TABLES", "-f", "csv").stdout.split()[1:]
    assert found == sorted(["records", "regimes", "runs", "metrics", "params", "signals", "media", "artifacts"])


def test_output_that_ascii_cannot_hold_is_escaped(make):
    logger = make()
    logger.log_record(record(note="é"))
    logger.close()
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for args in (["summary", logger.scenario_dir], ["query", logger.scenario_dir, "FROM records"]):
        process = start(*args, env=environment)
        assert process.communicate(timeout=LIMIT_SECS)[1] == ""
        assert process.returncode == 0


# validate


def test_validate_says_so_if_a_run_is_valid(logged):
    result = run("validate", logged)
    assert result.exit_code == 0
    assert result.stdout.endswith("valid: 0 errors and 0 warnings in 12 records of 8 files in 1 run\n")


def test_validate_lists_every_finding_with_its_place(logged):
    """F-076, F-085."""
    path = tear(logged)
    path.write_bytes(path.read_bytes().replace(b"\ttrain\t", b"\ttrial\t"))
    result = run("validate", logged)
    assert result.exit_code == 1
    assert f"{path}:2: error: block_type is " in result.stdout
    assert f"{path}:4: warning: the last 4 bytes" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("not valid: ")


def test_strict_makes_an_error_of_a_torn_line(logged):
    """F-075."""
    tear(logged)
    assert (run("validate", logged).exit_code, run("validate", logged, "--strict").exit_code) == (0, 1)


def test_validate_prints_json(logged):
    """F-085."""
    path = tear(logged)
    result = run("validate", logged, "--json")
    report = json.loads(result.stdout)
    assert (report["valid"], report["records"]) == (True, 12)
    assert [(each["rule"], each["path"], each["line"]) for each in report["findings"]] == [("torn", str(path), 4)]


# summary


def test_summary_shows_what_is_in_a_run(logged):
    output = run("summary", logged).stdout
    for line in ("records  12, in 8 files", "in       4 blocks, 4 regimes, 1 task", "workers  2: w0, w1"):
        assert line in output
    assert re.search(r"^reward +1\.833 +1\.202 +0 +3\.667 +▁.*█ *$", output, re.MULTILINE)
    assert re.search(r"^ +3 +3 +test +task_a +3 +3\.333 +gravity 9\.8 *$", output, re.MULTILINE)


def test_summary_prints_json(logged):
    assert json.loads(run("summary", logged, "--json").stdout) == json.loads(json.dumps(read.summary(logged).as_dict()))


def test_summary_of_a_torn_run_warns_with_the_place(logged):
    """F-075, S1-60."""
    path = tear(logged)
    result = run("summary", logged)
    assert result.exit_code == 0
    assert re.search(rf"^warning: .*\n.*{re.escape(str(path))}:4: the last 4 bytes", result.stderr)
    assert "records  12" in result.stdout


def test_summary_shortens_a_long_list_of_regimes(make):
    logger = make()
    for block_num in range(100):
        logger.log_record(record(block_num, block_num=block_num))
    logger.close()
    short, long = run("summary", logger.scenario_dir).stdout, run("summary", logger.scenario_dir, "--all").stdout
    assert "76 more regimes; --all shows them" in short
    assert len(long.splitlines()) - len(short.splitlines()) == 100 - 24 - 2


@pytest.mark.parametrize("records", [0, 1])
def test_summary_of_next_to_nothing(make, records):
    """F-084."""
    logger = make()
    logger.log_record(record(exp_status="incomplete"))
    for exp_num in range(records):
        logger.log_record(record(exp_num))
    logger.close()
    result = run("summary", logger.scenario_dir)
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"records  {records + 1}, 1 of them incomplete" in result.stdout


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (float("nan"), "-"),
        (float("inf"), "inf"),
        (0, "0"),
        (0.0, "0"),
        (1234567, "1,234,567"),
        (3.0, "3"),
        (1.23456, "1.235"),
        (123.456, "123.5"),
        (-12.3456, "-12.35"),
        (1e-5, "1e-05"),
        (1.5e300, "1.5e+300"),
        (True, "True"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("course", "line"),
    [
        ([], ""),
        ([None], ""),
        ([1.0], "▄"),
        ([1.0, 1.0], "▄▄"),
        ([0.0, 7.0], "▁█"),
        ([0.0, None, 3.5, 7.0], "▁ ▅█"),
        ([-1.7e308, 0.0, 1.7e308], "▁▅█"),
        ([0.0, float("nan"), float("inf"), 1.0], "▁  █"),
        ([0.0, 5e-324], "▁█"),
    ],
)
def test_sparkline(course, line):
    assert sparkline(course) == line


def test_sparkline_of_a_terminal_without_unicode():
    assert sparkline([0.0, 1.0], ascii_only=True).isascii()


# query


def test_query_prints_a_table(logged):
    result = run("query", logged, "SELECT worker_id, count(*) AS records FROM records GROUP BY ALL ORDER BY ALL")
    assert [line.split() for line in result.stdout.splitlines()[::2]] == [["worker_id", "records"], ["w0", "6"]]


@pytest.mark.parametrize("table", ["records", "regimes", "runs"])
def test_query_knows_three_tables(logged, table):
    assert run("query", logged, f"FROM {table}").exit_code == 0


def test_query_says_how_many_rows_it_does_not_show(logged):
    result = run("query", logged, "SELECT exp_num FROM records", "--limit", 5)
    assert len(result.stdout.splitlines()) == 2 + 5
    assert result.stderr.startswith("note: 7 more rows of 12; ")


def test_query_shows_all_rows_if_asked_to(logged):
    result = run("query", logged, "SELECT exp_num FROM records", "--limit", 0)
    assert (len(result.stdout.splitlines()), result.stderr) == (2 + 12, "")


def test_query_prints_csv(logged):
    result = run("query", logged, "SELECT exp_num, 'a,\"b\"' AS t, NULL AS n FROM records LIMIT 1", "-f", "csv")
    assert result.stdout == 'exp_num,t,n\n0,"a,""b""",\n'


def test_query_prints_json_that_is_json(logged):
    sql = "SELECT exp_num, 'nan'::DOUBLE AS x, ['inf'::DOUBLE] AS y, DATE '2020-01-01' AS d FROM records LIMIT 2"
    rows = json.loads(run("query", logged, sql, "-f", "json").stdout, parse_constant=pytest.fail)
    assert rows == [{"exp_num": exp_num, "x": None, "y": [None], "d": "2020-01-01"} for exp_num in (0, 1)]


def test_query_prints_json_of_nothing(logged):
    assert json.loads(run("query", logged, "FROM records WHERE false", "-f", "json").stdout) == []


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "parquet"])
def test_query_writes_a_file_of_the_format_its_name_tells(logged, tmp_path, suffix):
    import duckdb

    path = tmp_path / f"out.{suffix}"
    result = run("query", logged, "SELECT exp_num, reward FROM records", "-o", path)
    assert (result.exit_code, result.output) == (0, "")
    kind = {"tsv": "csv"}.get(suffix, suffix)
    assert duckdb.sql(f"SELECT count(*), sum(reward) FROM read_{kind}('{path}')").fetchall() == [
        (12, pytest.approx(22))
    ]


def test_query_leaves_the_old_file_if_it_fails(logged, tmp_path):
    """F-087."""
    path = tmp_path / "out.csv"
    path.write_text("old")
    result = run("query", logged, "SELECT (exp_num - 5)::UTINYINT FROM records", "-o", path)
    assert (result.exit_code, path.read_text()) == (2, "old")
    assert sorted(os.listdir(tmp_path)) == ["logs", "out.csv"]


def test_a_mistake_in_sql_is_answered_with_the_columns(logged):
    result = run("query", logged, "SELECT rewrd FROM records")
    assert "hint: records has block_num, exp_num," in result.stderr


def test_query_reads_many_runs(make):
    directories = []
    for _ in range(2):
        logger = make()
        logger.log_record(record())
        logger.close()
        directories.append(logger.scenario_dir)
    result = run("query", *directories, "SELECT count(DISTINCT run) AS n FROM records", "-f", "csv")
    assert result.stdout == "n\n2\n"


# aggregate


@pytest.mark.parametrize(
    ("args", "name"), [([], "data.tsv"), (["-f", "csv"], "data.csv"), (["-o", "x.parquet"], "x.parquet")]
)
def test_aggregate_writes_one_file(logged, tmp_path, monkeypatch, args, name):
    """S1-50."""
    monkeypatch.chdir(tmp_path)
    result = run("aggregate", logged, *args)
    assert (result.exit_code, result.stdout) == (0, f"{name}\n")
    assert (tmp_path / name).stat().st_size


# tail


def test_tail_shows_the_last_records_of_all_workers(logged):
    lines = run("tail", logged, "-n", 3).stdout.splitlines()
    assert [line.split()[1:5] for line in lines] == [
        ["w1", "3-test", "Task_a", "9"],
        ["w0", "3-test", "Task_a", "10"],
        ["w1", "3-test", "Task_a", "11"],
    ]
    assert lines[-1].endswith("  reward=3.66667")


def test_tail_prints_lines_of_json(make):
    logger = make()
    logger.log_record(record(reward=float("nan"), count=3, done=True, note="1_000", empty=None))
    logger.close()
    (line,) = run("tail", logger.scenario_dir, "--json").stdout.splitlines()
    found = json.loads(line, parse_constant=pytest.fail)
    shown = {name: found[name] for name in ("exp_num", "worker_id", "reward", "count", "done", "note", "empty")}
    assert shown == {
        "exp_num": 0,
        "worker_id": "worker-default",
        "reward": None,
        "count": 3,
        "done": True,
        "note": "1_000",
        "empty": None,
    }


def test_tail_follows_new_workers_until_ctrl_c(make):
    """F-088: no row is shown before it is whole."""
    logger = make()
    logger.log_record(record(0))
    process = start("tail", "-f", "--json", logger.scenario_dir)
    try:
        assert json.loads(process.stdout.readline())["exp_num"] == 0
        logger.log_record(record(1, worker_id="new"))
        assert json.loads(process.stdout.readline())["worker_id"] == "new"
        path = data_log(logger, "new")
        lines = path.read_bytes().splitlines(keepends=True)
        with path.open("ab", buffering=0) as file:
            file.write(lines[1][:30])
            logger.log_record(record(2))
            assert json.loads(process.stdout.readline())["exp_num"] == 2
            file.write(lines[1][30:])
        assert json.loads(process.stdout.readline())["worker_id"] == "new"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            output = process.communicate(timeout=LIMIT_SECS)
        finally:
            process.kill()
    assert (process.returncode, *output) == (0, "", "")


def test_tail_ends_when_nobody_reads_any_more(make):
    logger = make()
    logger.log_record(record(0))
    process = start("tail", "-f", logger.scenario_dir)
    process.stdout.readline()
    process.stdout.close()
    logger.log_record(record(1))
    assert process.wait(LIMIT_SECS) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


def test_tail_of_an_empty_run_says_so(make):
    result = run("tail", make().scenario_dir)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("note: nothing was logged in ")


def test_tail_of_a_run_without_records_tells_of_what_else_was_logged(make):
    logger = make()
    logger.log_metrics(loss=0.5)
    logger.note("well")
    result = run("tail", logger.scenario_dir)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.endswith(" yet, but 2 signals beside them; --all shows them\n")
    assert len(run("tail", "--all", logger.scenario_dir).stdout.splitlines()) == 2


# convert, repair, version


def test_convert_writes_another_version(logged, tmp_path):
    """S1-59."""
    result = run("convert", logged, tmp_path / "a", "--to", "1.0")
    assert result.stdout == f"{tmp_path / 'a'}: 12 records in 8 files, format 1.1 is now 1.0\n"
    assert run("validate", tmp_path / "a").exit_code == 0


def test_convert_of_0_1_takes_words_for_failure(tmp_path):
    """S0-29."""
    logger = RLPerformanceLogger(tmp_path / "old", ["reward"])
    entered = {"block_num": 0, "regime_num": 0, "block_type": "test", "worker": "w", "task_name": "T_a", "params": "{}"}
    logger.write_new_regime(entered, "simple")
    logger.write_to_data_log({"block_num": 0, "regime_num": 0, "exp_num": 0, "status": "fell over", "reward": 1.0})
    logger.close_logs()
    result = run("convert", tmp_path / "old" / "simple", tmp_path / "a", "--failed", "fell over", "--json")
    assert json.loads(result.stdout)["records"] == 1
    assert read.records(tmp_path / "a").select("exp_status").fetchall() == [("incomplete",)]


def test_repair_says_what_it_did(logged):
    """F-075."""
    path = tear(logged)
    result = run("repair", logged)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{path}: 1 line, 4 bytes were moved to {path}.torn\n  line 4: ")
    assert run("repair", logged).stdout == "nothing to repair\n"


def test_repair_can_be_tried(logged):
    path = tear(logged)
    assert "would be moved" in run("repair", logged, "--dry-run").stdout
    assert path.read_bytes().endswith(b"0\t99")


def test_repair_of_a_file_in_use_fails(make):
    logger = make()
    logger.log_record(record())
    with data_log(logger).open("ab") as file:
        file.write(b"torn")
    result = run("repair", logger.scenario_dir)
    assert result.exit_code == 1
    assert "was left as it is" in result.stderr


def test_repair_prints_json(logged):
    tear(logged)
    (found,) = json.loads(run("repair", logged, "--json").stdout)
    assert (found["cut_bytes"], found["findings"][0]["rule"]) == (4, "torn")


def test_version_is_that_of_the_package():
    assert run("version").stdout.startswith(f"l2logger {l2logger.__version__}, ")
    assert json.loads(run("version", "--json").stdout)["version"] == l2logger.__version__
    assert run("--version").stdout == f"l2logger {l2logger.__version__}\n"
