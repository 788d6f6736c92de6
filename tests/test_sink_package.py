"""The example of a package that brings a sink: installed, found by its name, and of use."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "examples" / "sink_package"

TRAIN = """
import sys
from l2logger import DataLogger
from l2logger.sinks import build

with DataLogger("logs", "run", {"metrics_columns": ["reward"]}, sinks=build(sys.argv[1]) if sys.argv[1:] else ()) as logger:
    for exp_num, reward in enumerate([1.0, 5.0, float("nan"), 3.0]):
        logger.log_record(
            block_num=0, block_type="train", task_name=f"Task_{'ab'[exp_num % 2]}", task_params={}, exp_num=exp_num, reward=reward
        )
print(logger.scenario_dir)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return a directory in which the package is installed, as pip does it."""
    directory = tmp_path_factory.mktemp("installed")
    # Built from a copy, so that nothing can be left behind in the sources.
    sources = shutil.copytree(PACKAGE, directory / "sources", ignore=shutil.ignore_patterns("__pycache__"))
    install = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation"]
    result = subprocess.run(
        [*install, "--target", str(directory / "site"), str(sources)], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return directory / "site"


def train(installed, cwd, *arguments, **environment):
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", TRAIN, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(installed)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads((cwd / result.stdout.strip() / "best.json").read_text())


@pytest.mark.slow
def test_an_installed_package_brings_a_sink_to_which_a_run_delivers(installed, tmp_path):
    """S3-1."""
    best = train(installed, tmp_path, "best")
    assert best == {
        "Task_a": {"reward": 1.0, "worker_id": "worker-default", "block_num": 0, "block_type": "train", "exp_num": 0},
        "Task_b": {"reward": 5.0, "worker_id": "worker-default", "block_num": 0, "block_type": "train", "exp_num": 1},
    }


@pytest.mark.slow
def test_its_options_can_be_given_as_text(installed, tmp_path):
    best = train(installed, tmp_path, "best:metric=reward,lowest=true")
    assert best["Task_b"]["reward"] == 3.0


@pytest.mark.slow
def test_the_environment_adds_it_to_a_run_that_does_not_know_it(installed, tmp_path):
    best = train(installed, tmp_path, L2LOGGER_SINKS="best")
    assert best["Task_b"]["reward"] == 5.0


@pytest.mark.slow
def test_the_package_has_the_sink_and_nothing_else(installed):
    modules = {path.name for path in installed.iterdir() if path.name != "__pycache__"}
    assert modules == {"l2logger_best.py", "l2logger_best-1.0.0.dist-info"}
