"""l2metrics 3.1.0 on runs that we wrote: the same report through our `l2logger.util` as through the original's."""

import json
import math
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import l2metrics_env
import pytest
from reading import record

from l2logger import DataLogger

SCENARIO = {"author": "me", "complexity": "2-intermediate", "difficulty": "2-medium", "scenario_type": "custom"}
TASKS = ("CartPole_long", "CartPole_short", "Pendulum_1")

DRIVER = """
import runpy, sys
import l2logger.util
print("util:", l2logger.util.__file__)
runpy.run_module("l2metrics", run_name="__main__", alter_sys=True)
"""

# The texts of a pickle are shared or repeated, as the objects were, so its bytes say too much.
COMPARE = """
import pathlib, sys
import pandas as pd
theirs, ours = map(pathlib.Path, sys.argv[1:])
names = sorted(path.name for path in theirs.iterdir())
assert names == sorted(path.name for path in ours.iterdir())
for name in names:
    for one, other in zip(pd.read_pickle(theirs / name), pd.read_pickle(ours / name), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
print(len(names), "files")
"""

# seaborn draws its error bands by chance: this picture is never the same twice, whichever package is under it.
BY_CHANCE = "_evaluation.png"

MODES = {
    "single": ["-l", "{runs}/a", "-P"],
    "agnostic": ["-l", "{runs}/a", "--no-plot", "-r", "agnostic"],
    "steps": ["-l", "{runs}/a", "--no-plot", "-u", "steps", "-m", "both", "-t", "both", "-a", "median"],
    "recursive": ["-l", "{runs}", "-R", "--no-plot"],
    "recursive_agnostic_steps": ["-l", "{runs}", "-R", "--no-plot", "-r", "agnostic", "-u", "steps", "-n", "run"],
}


def lifetime(directory: Path, name: str, tasks: tuple[str, ...], seed: int) -> None:
    """Write a run: every task is learned three times, all are tested in between, awake and asleep; some rows are incomplete."""
    chance = random.Random(seed)
    skill = dict.fromkeys(TASKS, 0.0)
    path = directory / "new"
    with DataLogger(path, name, {"metrics_columns": ["reward"]}, SCENARIO) as logger:
        block, exp = 0, 0

        def log(task: str, block_type: str, subtype: str = "wake") -> None:
            nonlocal exp
            reward = 100 / (1 + math.exp(2 - 4 * skill[task])) + chance.gauss(0, 3)
            # Sixteenths, which the original reads exactly, too: under pandas 2 it is off by one bit in one of three others.
            reward = round(reward * 16) / 16
            more = {
                "block_num": block,
                "block_type": block_type,
                "block_subtype": subtype,
                "task_name": task,
                "task_params": {"length": len(task)},
                "worker_id": f"worker-{exp % 2}",
                "episode_step_count": chance.randrange(1, 200),
            }
            if chance.random() < 0.1:
                logger.log_record(record(exp, **more, reward=reward / 4, exp_status="incomplete"))
            logger.log_record(record(exp, **more, reward=reward))
            exp += 1

        for learned in (None, *tasks * 3):
            if learned is not None:
                # What was learned before is half forgotten when it is taken up again.
                skill[learned] /= 2
                for _ in range(40):
                    log(learned, "train")
                    skill[learned] += 1 / 40
                block += 1
            for subtype in "wake", "sleep":
                for task in tasks:
                    for _ in range(6):
                        log(task, "test", subtype)
                block += 1
    (path / Path(logger.scenario_dir).name).rename(directory / name)


@pytest.fixture(scope="module")
def python():
    try:
        return l2metrics_env.interpreter(l2metrics_env.L2METRICS)
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs")
    for seed, name in enumerate("ab"):
        lifetime(directory, name, TASKS, seed)
    return directory


@pytest.fixture(scope="module")
def experts(tmp_path_factory):
    """Runs of one task each, against which l2metrics measures the others."""
    directory = tmp_path_factory.mktemp("experts")
    for seed, task in enumerate(TASKS[:2]):
        lifetime(directory, task, (task,), 100 + seed)
    return directory


class World:
    """l2metrics on one of the two packages, with a data root of its own.

    Relative paths keep the name of the world out of what l2metrics writes.
    """

    def __init__(self, python: str, directory: Path, package: Path | None) -> None:
        self.python, self.directory, self.package = python, directory, package
        self.environ = {
            **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "L2DATA")},
            "L2DATA": str(directory / "l2data"),
            "MPLBACKEND": "Agg",
            # l2metrics lists tasks in the order of a set.
            "PYTHONHASHSEED": "0",
            "MPLCONFIGDIR": str(l2metrics_env.L2METRICS / "matplotlib"),
        }
        if package is not None:
            self.environ["PYTHONPATH"] = str(package)
        (directory / "l2data" / "taskinfo").mkdir(parents=True)

    def run(self, mode: str, *arguments: str) -> dict[str, bytes]:
        """Run l2metrics, and return what it wrote by the names of the files."""
        cwd = self.directory / mode
        cwd.mkdir()
        command = [self.python, "-c", DRIVER, *arguments]
        result = subprocess.run(
            command, cwd=cwd, env=self.environ, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
        )
        assert result.returncode == 0, result.stderr
        assert "Traceback" not in result.stderr, result.stderr
        util = Path(next(line for line in result.stdout.splitlines() if line.startswith("util: "))[6:])
        assert util.is_relative_to(self.package or l2metrics_env.L2METRICS)
        assert util.parent.name == "l2logger"
        return {str(path.relative_to(cwd)): _read(path) for path in sorted(cwd.rglob("*")) if path.is_file()}


def _read(path: Path) -> bytes:
    """Return the bytes of a file but for how long it took to compute it."""
    data = path.read_bytes()
    return re.sub(rb'"runtime": [0-9.e-]+', b'"runtime": 0', data) if path.suffix == ".json" else data


@pytest.fixture(scope="module")
def worlds(python, experts, tmp_path_factory):
    """The original and ours, both with the same experts stored."""
    made = [
        World(python, tmp_path_factory.mktemp("original"), None),
        World(python, tmp_path_factory.mktemp("ours"), l2metrics_env.ROOT),
    ]
    for world in made:
        world.run("store", "-l", str(experts), "-R", "-s", "w")
    return made


@pytest.mark.parametrize("mode", MODES)
def test_the_report_is_the_same(worlds, runs, mode):
    """S1-53: metrics, regimes, settings, the feather file of the data, and the plots, byte for byte."""
    theirs, ours = (world.run(mode, *(each.format(runs=runs) for each in MODES[mode])) for world in worlds)
    kinds = {"_settings.json", "_regime.tsv", "_data.feather"}
    assert {kind for kind in kinds if any(name.endswith(kind) for name in ours)} == kinds
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if ours[name] != theirs[name] and not name.endswith(BY_CHANCE)] == []


def test_the_report_has_figures_in_it(worlds, runs):
    """Equal reports of nothing would be equal, too."""
    files = worlds[1].run("figures", "-l", str(runs / "a"), "--no-plot")
    metrics = json.loads(files["results/a_metrics.json"])
    for name in "perf_recovery", "avg_train_perf", "avg_eval_perf", "perf_maintenance_mrlep", "ste_rel_perf":
        assert math.isfinite(metrics[name]), (name, metrics)


@pytest.mark.parametrize(
    ("example", "options"), [("gymnasium_vector", ["--episodes", "60"]), ("sb3_ppo", ["--steps", "1024"])]
)
def test_the_examples_are_taken(worlds, tmp_path, example, options):
    """S1-53, S4-7: with its defaults, and counting steps; both have a report with figures in it."""
    command = [sys.executable, l2metrics_env.ROOT / "examples" / f"{example}.py", "--dir", tmp_path / "logs", *options]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    [run] = (tmp_path / "logs").iterdir()
    for world in worlds:
        for mode, more in ((f"{example}_default", []), (f"{example}_steps", ["-u", "steps"])):
            files = world.run(mode, "-l", str(run), "--no-plot", *more)
            metrics = json.loads(files[f"results/{run.name}_metrics.json"])
            assert math.isfinite(metrics["avg_eval_perf"]), metrics


def test_the_stored_experts_are_the_same(worlds, tmp_path):
    script = tmp_path / "compare.py"
    script.write_text(COMPARE)
    theirs, ours = (world.directory / "l2data" / "taskinfo" for world in worlds)
    assert sorted(path.name for path in ours.iterdir()) == ["cartpole_long.pickle", "cartpole_short.pickle"]
    result = subprocess.run([worlds[0].python, script, theirs, ours], capture_output=True, text=True, cwd=tmp_path)
    assert (result.stdout, result.stderr) == ("2 files\n", "")


@pytest.mark.parametrize(
    ("environment", "version"), [(l2metrics_env.OLD_PANDAS, "1.5.3"), (l2metrics_env.L2METRICS, "2.2.3")], ids=str
)
def test_util_works_on_old_pandas(environment, version, tmp_path):
    """The tests of `l2logger.util` once more, warnings being errors there as well."""
    try:
        python = l2metrics_env.interpreter(environment)
    except OSError as error:
        pytest.skip(str(error))
    root = l2metrics_env.ROOT
    environ = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    which = [python, "-c", "import l2logger.util as u, pandas; print(u.__file__, pandas.__version__)"]
    found = subprocess.run(which, capture_output=True, text=True, cwd=tmp_path, env=environ, check=True).stdout
    assert found.split() == [str(root / "l2logger" / "util.py"), version]
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", root / "tests" / "test_util.py"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=root, env=environ, timeout=300)
    assert result.returncode == 0, result.stdout[-5000:]
