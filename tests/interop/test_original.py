"""Beside the original 1.8.2, installed from PyPI: it reads what we write, and takes and refuses what we do."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import original
import pytest
import test_numbering as numbering
from reading import record

from l2logger import DataLogger
from l2logger.l2logger import DataLogger as SameDataLogger
from l2logger.sinks import CsvSink, JsonlSink, TensorBoardSink, WandbSink

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"

WIDER = {
    "logger_info: none",
    "block_num = int64",
    "exp_num = int64",
    "task_params = int64 inside",
    "task_params = array inside",
    "task_params = ordered",
    "task_params = user dict",
    "record: ordered",
    "record: user dict",
    "falling exp_num of another worker",
}
NARROWER = {
    "block_num = huge",
    "exp_num = huge",
    "worker_id = dot",
    "worker_id = dots",
    "worker_id = dots3",
    "scenario_name: ",
    "scenario_name: x/",
    "scenario_name: .hidden",
    "scenario_name: ..",
    "scenario_name: a\nb",
}


@pytest.fixture(scope="module")
def python():
    try:
        return original.interpreter()
    except OSError as error:
        pytest.skip(str(error))


def run(*command: object) -> str:
    # From a directory of no package, or the interpreter of the original would import ours.
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, cwd=HERE)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_what_the_original_takes_and_refuses_so_do_we(python):
    """FORMAT 7 and 8 as facts: never narrower but for what damages the log, wider where it does not."""
    theirs, ours = (json.loads(run(each, HERE / "outcomes.py")) for each in (python, sys.executable))
    assert theirs.keys() == ours.keys()
    wider = {case for case in theirs if theirs[case] != "ok" and ours[case] == "ok"}
    narrower = {case for case in theirs if theirs[case] == "ok" and ours[case] != "ok"}
    assert (wider, narrower) == (WIDER, NARROWER)


def test_what_was_a_runtime_error_is_one(python):
    theirs, ours = (json.loads(run(each, HERE / "outcomes.py")) for each in (python, sys.executable))
    changed = {case for case in theirs if theirs[case] == "RuntimeError" != ours[case]}
    assert changed == {case for case in changed if ours[case] == "ok"}


def test_the_original_reads_a_run_of_many_workers_blocks_and_texts(python, make):
    """S1-54, S1-58."""
    logger = make(
        scenario_info={"author": "me", "complexity": "1-low", "difficulty": "1-easy", "scenario_type": "custom"}
    )
    for exp_num in range(200):
        block_num = exp_num // 20
        logger.log_record(
            record(
                exp_num,
                block_num=block_num,
                block_type="test" if block_num % 2 else "train",
                block_subtype="sleep" if block_num % 4 == 3 else "wake",
                worker_id=f"w{exp_num % 3}",
                task_name=f"Task_{'ab'[exp_num // 10 % 2]}",
                note='tab\t, "quote", new\nline, carriage\rreturn, é☃',
                reward=exp_num / 3,
            )
        )
    logger.close()
    assert json.loads(run(python, HERE / "read_with_original.py", logger.scenario_dir)) == [[200, 20, 200]]


def test_the_original_validates_the_examples(python, tmp_path):
    """S1-54, S4-7: real learners, forked workers, a killed and resumed job; exit code and words of its command."""
    examples = [
        ("lifelong_cartpole", "--episodes", 5),
        ("many_workers", "--episodes", 10),
        ("offline",),
        ("gymnasium_vector", "--episodes", 20),
        ("sb3_ppo", "--steps", 512),
    ]
    for name, *options in examples:
        run(sys.executable, EXAMPLES / f"{name}.py", "--dir", tmp_path, *options)
    runs = sorted(tmp_path.iterdir())
    assert len(runs) == len(examples)
    for each in runs:
        command = [python, "-m", "l2logger.validate", each]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=HERE)
        assert result.returncode == 0
        assert "Traceback" not in result.stderr
        assert "| " in result.stdout


def test_the_original_validates_what_many_processes_have_numbered_themselves(python, make):
    """FORMAT 12, rule 4: eight processes, 200 experiences of each in four blocks; then some are killed and the run goes on."""
    logger = make()
    numbering.let_eight_processes_log(logger)
    assert json.loads(run(python, HERE / "read_with_original.py", logger.scenario_dir)) == [[1600, 4, 1600]]
    complete = numbering.kill_and_resume(logger, kills=5, seed=1)
    assert complete > 1600
    [[rows, regimes, length]] = json.loads(run(python, HERE / "read_with_original.py", logger.scenario_dir))
    assert (rows, regimes, length) == (complete, 5, complete)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_original_validates_a_run_with_everything_that_mirrors_leave_there(python, make):
    sinks = [TensorBoardSink(), WandbSink(mode="offline"), JsonlSink(), CsvSink()]
    logger = make(sinks=sinks)
    for exp_num in range(20):
        logger.log_record(record(exp_num))
    logger.close()
    assert [health.delivered for health in logger.health()] == [20] * 4
    assert {"replay", "tensorboard", "wandb"} < {path.name for path in Path(logger.scenario_dir).iterdir()}
    assert "| " in run(python, "-m", "l2logger.validate", logger.scenario_dir)  # which exits with 0 in any case


def test_the_constructor_and_the_method_take_what_the_originals_take(python):
    script = "import inspect, l2logger.l2logger as m; print(*inspect.signature(m.DataLogger).parameters)"
    theirs = run(python, "-c", script).split()
    ours = inspect.signature(DataLogger).parameters
    assert list(ours)[: len(theirs)] == theirs
    assert all(each.kind is inspect.Parameter.KEYWORD_ONLY for each in list(ours.values())[len(theirs) :])
    assert DataLogger is SameDataLogger


def test_every_public_name_of_the_original_is_here(python):
    script = "import l2logger.l2logger as m; print(*(n for n in dir(m.DataLogger) if n[0] != '_'))"
    assert set(run(python, "-c", script).split()) <= set(dir(DataLogger))
