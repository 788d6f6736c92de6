"""``l2logger replay``: what it says, how it ends, and that nothing is lost whatever ends it."""

import json
import select
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from reading import record

from l2logger.cli import cli
from l2logger.sinks import Sink

LIMIT_SECS = 60


class Picky(Sink):
    """Does not take some records."""

    def write(self, signal):
        if signal.fields["exp_num"] % 5 == 0:
            raise ValueError("a multiple of five")


class Sick(Sink):
    def open(self, run):
        raise ConnectionError("nobody there")


def run(*args):
    """Run the command in this process."""
    return CliRunner().invoke(cli, ["replay", *map(str, args)], prog_name="l2logger")


@pytest.fixture
def start():
    """Start the command in a process of its own, which ends with the test."""
    processes = []

    def start(*args):
        listen = partial(
            signal.signal, signal.SIGINT, signal.SIG_DFL
        )  # even if the tests were started in the background
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "l2logger", "replay", *map(str, args)]
        processes.append(process := subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, preexec_fn=listen))
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def exp_nums(path):
    """Return the numbers in the lines of a file that may be growing."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line)["exp_num"] for line in text[: text.rfind("\n") + 1].splitlines()]


def wait_for(condition):
    end = time.monotonic() + LIMIT_SECS
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


@pytest.fixture
def logged(make):
    with make() as logger:
        for exp_num in range(12):
            logger.log_record(record(exp_num, worker_id=f"w{exp_num % 2}"))
    return Path(logger.scenario_dir)


def test_each_sink_has_a_line_at_the_end(logged, tmp_path):
    """S4-10."""
    path = tmp_path / "a.jsonl"
    result = run(logged, "--to", f"jsonl:path={path}", "--to", "csv")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "note: jsonl: 12 signals delivered\nnote: csv: 12 signals delivered\n"
    assert exp_nums(path) == list(range(12))


def test_a_second_replay_says_what_was_there_before(logged, tmp_path):
    arguments = (logged, "--to", f"jsonl:path={tmp_path / 'a.jsonl'}")
    run(*arguments)
    assert run(*arguments).stderr == "note: jsonl: 0 signals delivered, 12 before, --from beginning brings all again\n"


@pytest.mark.parametrize(
    ("place", "count"), [("last", 12), ("beginning", 12), ("4", 8), ("20000101", 0), ("2000-01-01", 12)]
)
def test_it_begins_where_it_is_told_to(logged, tmp_path, place, count):
    run(logged, "--to", f"jsonl:path={tmp_path / 'a.jsonl'}", "--from", place)
    assert len(exp_nums(tmp_path / "a.jsonl")) == count


def test_records_that_fail_are_counted_and_an_error(logged):
    result = run(logged, "--to", f"{__name__}.Picky")
    assert result.exit_code == 1
    [line] = [line for line in result.stderr.splitlines() if line.startswith("error")]
    assert line == "error: Picky: 9 signals delivered, 3 failed (ValueError: a multiple of five)"


def test_a_sink_that_does_not_work_is_an_error_and_the_others_get_everything(logged, tmp_path, monkeypatch):
    monkeypatch.setattr("l2logger.replayer._FIRST_PAUSE_SECS", 0.01)
    result = run(logged, "--to", f"{__name__}.Sick", "--to", f"jsonl:path={tmp_path / 'a.jsonl'}")
    assert result.exit_code == 1
    assert "error: Sick: 0 signals delivered, about 12 to come (ConnectionError: nobody there)" in result.stderr
    assert exp_nums(tmp_path / "a.jsonl") == list(range(12))


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["RUN"], 2, "Missing option '--to'"),
        (["RUN", "--to", ""], 2, "--to names no sink"),
        (["RUN", "--to", "jsnl"], 2, "did you mean 'jsonl'?"),
        (["RUN", "--to", "jsonl:every"], 2, "has no value"),
        (["RUN", "--to", "jsonl", "--from", "noon"], 2, "start must be 'last', 'beginning'"),
        (["nowhere", "--to", "jsonl"], 3, "no run directory"),
        ([".", "--to", "jsonl"], 3, "no run in"),
        (["RUN/w0", "--to", "jsonl"], 2, "a whole run is expected"),
    ],
)
def test_a_mistake_is_one_line_and_a_hint(logged, tmp_path, monkeypatch, args, code, says):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    result = run(*[arg.replace("RUN", str(logged)) for arg in args])
    first, *rest = result.stderr.splitlines()
    assert (result.exit_code, result.stdout, len(rest) < 2) == (code, "", True)
    assert first.startswith("error: ")
    assert says in first
    assert not (logged / "replay").exists()


def test_a_console_whose_reader_has_ended_ends_the_replay(logged, start):
    """F-118."""
    process = start("--follow", "--to", "console:style=line,every=1", logged)
    assert select.select([process.stdout], [], [], LIMIT_SECS)[0]
    process.stdout.close()
    assert process.wait(LIMIT_SECS) == 141
    assert process.stderr.read() == f"note: following {logged} until Ctrl-C\n"


def test_a_second_replay_into_the_same_place_says_who_is_at_it(logged, start, tmp_path):
    arguments = (logged, "--to", f"jsonl:path={tmp_path / 'a.jsonl'}")
    process = start("--follow", *arguments)
    wait_for(lambda: len(exp_nums(tmp_path / "a.jsonl")) == 12)
    result = run(*arguments)
    assert result.exit_code == 3
    assert f"error: process {process.pid} on " in result.stderr
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=LIMIT_SECS)[1].endswith("note: jsonl: 12 signals delivered\n")
    assert process.returncode == 0


# Followed, with writers in processes of their own

WRITER = textwrap.dedent(
    """
    import os, sys, time
    from l2logger import DataLogger

    logger = DataLogger(sys.argv[1], "run", {"metrics_columns": ["reward"]})
    print(logger.scenario_dir, flush=True)
    for part, _ in enumerate(sys.stdin):
        for worker in range(2):
            if not os.fork():
                for number in range(600 * part, 600 * part + 600):
                    logger.log_record(
                        block_num=number // 100, block_type="train", task_name="Task_a", task_params={},
                        exp_num=2 * number + worker, worker_id=f"w{worker}", reward=1.0,
                    )
                    time.sleep(0.0005)
                os._exit(0)
        for worker in range(2):
            os.wait()
    """
)
"""Two forked workers log 600 records each whenever a line comes in."""


@pytest.fixture
def writer(tmp_path):
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path / "logs"], stdin=pipe, stdout=pipe, text=True)
    process.run = process.stdout.readline().rstrip()
    yield process
    process.kill()
    process.communicate()


def write_more(writer):
    writer.stdin.write("\n")
    writer.stdin.flush()


def ended(process, number):
    process.send_signal(number)
    output = process.communicate(timeout=LIMIT_SECS)
    return process.returncode, *output


def test_nothing_is_lost_when_a_replay_is_killed(writer, start, tmp_path):
    """F-108, S4-14."""
    path = tmp_path / "a.jsonl"
    arguments = ("--follow", "--to", f"jsonl:path={path}", writer.run)
    first = start(*arguments)
    write_more(writer)
    wait_for(lambda: len(exp_nums(path)) > 200)
    ended(first, signal.SIGKILL)
    second = start(*arguments)
    wait_for(lambda: set(exp_nums(path)) == set(range(1200)))
    code, _, said = ended(second, signal.SIGINT)
    assert code == 0
    assert said.startswith(f"note: following {writer.run} until Ctrl-C\nnote: jsonl: ")


def test_nothing_comes_twice_after_ctrl_c(writer, start, tmp_path):
    path = tmp_path / "a.jsonl"
    for part in range(3):
        process = start("--follow", "--to", f"jsonl:path={path}", writer.run)
        write_more(writer)
        enough = 1200 * part + (1200 if part == 2 else 200)
        wait_for(lambda enough=enough: len(exp_nums(path)) >= enough)
        assert ended(process, signal.SIGINT)[0] == 0
    assert sorted(exp_nums(path)) == list(range(3600))


def test_ctrl_c_ends_a_replay_that_would_end_by_itself(make, start, tmp_path):
    logger = make()
    for exp_num in range(20_000):
        logger.log_record(record(exp_num))
    path = tmp_path / "a.jsonl"
    process = start("--to", f"jsonl:path={path}", logger.scenario_dir)
    wait_for(lambda: path.exists() and path.stat().st_size)
    code, _, said = ended(process, signal.SIGINT)
    assert code == 130
    assert said.startswith("note: jsonl: ")
    assert said.endswith("error: interrupted\n")
    assert run("--to", f"jsonl:path={path}", logger.scenario_dir).exit_code == 0
    assert exp_nums(path) == list(range(20_000))


def test_importing_the_command_is_cheap():
    script = "import l2logger.commands.replay, sys; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert {"numpy", "rich", "duckdb", "tensorboardX", "wandb"}.isdisjoint(output.split())


def test_the_console_shows_a_run_as_often_as_it_is_asked_to(logged):
    for _ in range(2):
        assert run(logged, "--to", "console").stderr == "note: console: 12 signals delivered\n"
    assert not (logged / "replay").exists()
