"""Every file in examples/ runs as a user would run it, and leaves a valid log."""

import csv
import functools
import importlib.util
import itertools
import json
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

EXAMPLES = sorted(path.stem for path in (Path(__file__).parents[1] / "examples").glob("*.py"))
ARGUMENTS = {
    "gymnasium_vector": ["--episodes", "24", "--rounds", "1"],
    "lifelong_cartpole": ["--episodes", "30"],
    "many_workers": ["--workers", "3", "--episodes", "20"],
    "offline": ["--episodes", "10", "--kill-at", "25"],
    "sb3_ppo": ["--steps", "1024"],
}
NEEDS = {
    "gymnasium_vector": ["gymnasium", "numpy", "rich"],
    "hydra_config": ["hydra"],
    "lifelong_cartpole": ["gymnasium", "numpy", "rich"],
    "many_workers": ["rich"],
    "sb3_ppo": ["stable_baselines3", "rich"],
}
SLOW = {"sb3_ppo"}
PARAMETERS = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in EXAMPLES]
OTHER_FILES = {
    "gymnasium_vector": ["numbering.json"],
    "hydra_config": ["numbering.json", "run.json", "worker-default.jsonl"],
    "sb3_ppo": [
        *("numbering.json", "run.json", "worker-default.jsonl", "evaluations.npz"),
        *("CartPole_short.zip", "CartPole_long.zip", "metadata.json", "aliases.json", ".lock"),
    ],
}
STANDARD = [
    "block_num", "exp_num", "worker_id", "block_type", "block_subtype", "task_name", "task_params", "exp_status", "timestamp",
]  # fmt: skip
LIMIT_SECS = 120

Row = dict[str, str]


class Ended(NamedTuple):
    """An example that was run.

    Attributes:
        cwd: Where it was run, empty before.
        process: How it ended and what it said.
    """

    cwd: Path
    process: "subprocess.CompletedProcess[str]"

    @property
    def runs(self) -> list[Path]:
        return sorted(path.parent for path in self.cwd.rglob("logger_info.json"))

    @property
    def rows(self) -> list[Row]:
        """The rows of its only run, as readers sort them."""
        (run,) = self.runs
        return read(run)


def read(run: Path) -> list[Row]:
    rows: list[Row] = []
    for path in sorted(run.rglob("data-log.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file, dialect="excel-tab", strict=True)
    return sorted(rows, key=lambda row: (int(row["exp_num"]), int(row["block_num"])))


def blocks(rows: list[Row]) -> list[list[Row]]:
    return [list(block) for _, block in itertools.groupby(rows, key=lambda row: row["block_num"])]


def mean_reward(rows: list[Row]) -> float:
    return statistics.mean(float(row["reward"]) for row in rows)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ended]:
    """Return a function that runs an example, once."""

    @functools.cache
    def run(name: str) -> Ended:
        cwd = tmp_path_factory.mktemp(name)
        path = Path(__file__).parents[1] / "examples" / f"{name}.py"
        command = [sys.executable, str(path), *ARGUMENTS.get(name, [])]
        return Ended(cwd, subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=LIMIT_SECS))

    def run_or_skip(name: str) -> Ended:
        for package in NEEDS.get(name, []):
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"{name}.py needs {package}")
        return run(name)

    return run_or_skip


def test_there_are_examples() -> None:
    assert EXAMPLES


def test_arguments_are_for_examples_that_exist() -> None:
    assert {*ARGUMENTS, *NEEDS, *SLOW, *OTHER_FILES} <= {*EXAMPLES}


@pytest.mark.parametrize("name", PARAMETERS)
def test_ends_well_and_has_nothing_to_complain_about(name: str, ended: Callable[[str], Ended]) -> None:
    process = ended(name).process
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize("name", PARAMETERS)
def test_says_where_the_log_is(name: str, ended: Callable[[str], Ended]) -> None:
    example = ended(name)
    assert example.runs
    for run in example.runs:
        assert str(run.relative_to(example.cwd)) in example.process.stdout


@pytest.mark.parametrize("name", PARAMETERS)
def test_leaves_a_valid_log(name: str, ended: Callable[[str], Ended]) -> None:
    for run in ended(name).runs:
        rows = read(run)
        metrics = json.loads((run / "logger_info.json").read_text())["metrics_columns"]
        assert rows
        for row in rows:
            assert list(row)[: len(STANDARD)] == STANDARD
            assert {*metrics} <= {*row}
            assert None not in row.values()
            assert re.fullmatch("[0-9a-zA-Z]+_[0-9a-zA-Z]+", row["task_name"])
            assert row["block_type"] in ("train", "test")
            assert row["block_subtype"] in ("wake", "sleep")
            assert row["exp_status"] in ("complete", "incomplete")
            assert type(json.loads(row["task_params"])) is dict
        block_nums = [int(row["block_num"]) for row in rows]
        assert block_nums == sorted(block_nums)


@pytest.mark.parametrize("name", PARAMETERS)
def test_rewards_are_floats_as_l2metrics_wants_them(name: str, ended: Callable[[str], Ended]) -> None:
    rewards = [row["reward"] for run in ended(name).runs for row in read(run) if "reward" in row]
    assert all("." in reward for reward in rewards)


@pytest.mark.parametrize("name", PARAMETERS)
def test_writes_nothing_but_what_it_uses(name: str, ended: Callable[[str], Ended]) -> None:
    files = {path.name for path in ended(name).cwd.rglob("*") if path.is_file()}
    assert files == {"logger_info.json", "scenario_info.json", "data-log.tsv", *OTHER_FILES.get(name, ())}


def test_quickstart_is_short() -> None:
    path = Path(__file__).parents[1] / "examples" / "quickstart.py"
    code = path.read_text().rpartition('"""')[2]
    assert len([line for line in code.splitlines() if line]) <= 10


def test_quickstart_logs_five_episodes(ended: Callable[[str], Ended]) -> None:
    assert [row["exp_num"] for row in ended("quickstart").rows] == list("01234")


def test_cartpole_has_three_tasks_with_physics_of_their_own(ended: Callable[[str], Ended]) -> None:
    variants = {(row["task_name"], row["task_params"]) for row in ended("lifelong_cartpole").rows}
    names, physics = {name for name, _ in variants}, {params for _, params in variants}
    assert len(names) == len(physics) == len(variants) >= 3
    assert all({*json.loads(params)} == {"gravity", "length", "force_mag"} for params in physics)


def test_cartpole_trains_tests_and_sleeps(ended: Callable[[str], Ended]) -> None:
    rows = ended("lifelong_cartpole").rows
    assert {(row["block_type"], row["block_subtype"]) for row in rows} == {
        ("train", "wake"),
        ("test", "wake"),
        ("test", "sleep"),
    }


def test_cartpole_tests_every_task_in_every_test_block(ended: Callable[[str], Ended]) -> None:
    rows = ended("lifelong_cartpole").rows
    tasks = {row["task_name"] for row in rows}
    assert all(
        {row["task_name"] for row in block} == tasks for block in blocks(rows) if block[0]["block_type"] == "test"
    )


def test_cartpole_counts_experiences_over_the_whole_run(ended: Callable[[str], Ended]) -> None:
    rows = ended("lifelong_cartpole").rows
    assert [int(row["exp_num"]) for row in rows] == list(range(len(rows)))


def test_cartpole_gets_a_reward_for_every_step(ended: Callable[[str], Ended]) -> None:
    rows = ended("lifelong_cartpole").rows
    assert all(float(row["reward"]) == int(row["episode_step_count"]) for row in rows)


def test_cartpole_learns(ended: Callable[[str], Ended]) -> None:
    tests = [block for block in blocks(ended("lifelong_cartpole").rows) if block[0]["block_type"] == "test"]
    assert mean_reward(tests[-1]) > 3 * mean_reward(tests[0])


def test_cartpole_shows_every_regime(ended: Callable[[str], Ended]) -> None:
    example = ended("lifelong_cartpole")
    regimes = {(row["block_num"], row["block_type"], row["block_subtype"], row["task_name"]) for row in example.rows}
    for block_num, block_type, block_subtype, task_name in regimes:
        kind = block_type if block_subtype == "wake" else f"{block_type} {block_subtype}"
        line = rf"^ *\d+ +{block_num} +{kind} +{task_name.lower()} "
        assert re.search(line, example.process.stdout, re.MULTILINE)


def test_cartpole_ends_with_a_valid_log(ended: Callable[[str], Ended]) -> None:
    assert "valid: 0 errors and 0 warnings in 450 records" in ended("lifelong_cartpole").process.stdout


def test_cartpole_describes_the_scenario(ended: Callable[[str], Ended]) -> None:
    (run,) = ended("lifelong_cartpole").runs
    info = json.loads((run / "scenario_info.json").read_text())
    assert info["author"]
    assert (info["complexity"], info["difficulty"], info["scenario_type"]) == ("1-low", "1-easy", "custom")


def test_many_workers_log_every_experience_once(ended: Callable[[str], Ended]) -> None:
    numbers = [int(row["exp_num"]) for row in ended("many_workers").rows]
    assert numbers == list(range(3 * 20 * 2))


def test_many_workers_all_have_their_share(ended: Callable[[str], Ended]) -> None:
    shares = Counter((row["worker_id"], row["block_type"]) for row in ended("many_workers").rows)
    assert shares == {(f"worker-{n}", kind): 20 for n in range(3) for kind in ("train", "test")}


def test_many_workers_shows_what_is_on_disk(ended: Callable[[str], Ended]) -> None:
    assert "120 rows, 120 expected" in ended("many_workers").process.stdout


def test_offline_loses_and_doubles_no_row(ended: Callable[[str], Ended]) -> None:
    assert [int(row["exp_num"]) for row in ended("offline").rows] == list(range(40))


def test_offline_says_what_was_on_disk_at_the_kill_and_after(ended: Callable[[str], Ended]) -> None:
    found = re.findall(r"(\d+) experiences in (\d+) blocks, none missing, none twice", ended("offline").process.stdout)
    assert found == [("25", "3"), ("40", "4")]


def test_vector_trains_and_tests_both_tasks_in_turn(ended: Callable[[str], Ended]) -> None:
    rows = ended("gymnasium_vector").rows
    assert [(block[0]["block_type"], len({row["task_name"] for row in block})) for block in blocks(rows)] == [
        ("train", 1),
        ("test", 2),
        ("train", 1),
        ("test", 2),
    ]


def test_vector_counts_experiences_over_the_whole_run(ended: Callable[[str], Ended]) -> None:
    rows = ended("gymnasium_vector").rows
    assert [int(row["exp_num"]) for row in rows] == list(range(len(rows)))
    assert all(len(block) >= 24 for block in blocks(rows))


def test_vector_gets_a_reward_for_every_step(ended: Callable[[str], Ended]) -> None:
    rows = ended("gymnasium_vector").rows
    assert all(float(row["reward"]) == int(row["episode_step_count"]) <= 500 for row in rows)


def test_vector_ends_with_a_strictly_valid_log(ended: Callable[[str], Ended]) -> None:
    assert "valid: 0 errors and 0 warnings in" in ended("gymnasium_vector").process.stdout


@pytest.mark.slow
def test_ppo_trains_and_tests_in_turn(ended: Callable[[str], Ended]) -> None:
    """S4-7."""
    rows = ended("sb3_ppo").rows
    assert [block[0]["block_type"] for block in blocks(rows)] == ["test", *["train", "test"] * 4]
    assert all(len(block) == 2 * 10 for block in blocks(rows) if block[0]["block_type"] == "test")
    assert [int(row["exp_num"]) for row in rows] == list(range(len(rows)))


@pytest.mark.slow
def test_ppo_ends_with_a_strictly_valid_log(ended: Callable[[str], Ended]) -> None:
    assert "valid: 0 errors and 0 warnings in" in ended("sb3_ppo").process.stdout


@pytest.mark.slow
def test_ppo_keeps_a_best_model_of_each_task(ended: Callable[[str], Ended]) -> None:
    """S4-7."""
    found = re.findall(r"Best model for (\w+): the one after ([\d,]+) steps", ended("sb3_ppo").process.stdout)
    assert [task for task, _ in found] == ["CartPole_short", "CartPole_long"]


@pytest.mark.slow
def test_ppo_logs_what_stable_baselines_records(ended: Callable[[str], Ended]) -> None:
    """S4-9."""
    (run,) = ended("sb3_ppo").runs
    lines = [json.loads(line) for line in (run / "signals" / "worker-default.jsonl").read_text().splitlines()]
    names = {name for line in lines if line["kind"] == "metrics" for name in line["values"]}
    assert {"train/loss", "rollout/ep_rew_mean", "eval/mean_reward", "eval/std_reward", "time/fps"} <= names
