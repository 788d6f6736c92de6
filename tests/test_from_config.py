"""A run from one mapping: S3-1, S4-1, S4-2."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import gymnasium
import numpy as np
import pytest
import wandb_file
from omegaconf import OmegaConf
from reading import rows

import l2logger
from l2logger import ConfigError, from_config
from l2logger.gymnasium import METRICS, LogEpisodes, LogVectorEpisodes
from l2logger.sinks import MemorySink

EXAMPLE = Path(__file__).parents[1] / "examples" / "hydra_config.py"


@pytest.fixture
def build(tmp_path):
    """Make a run below the test's own directory; its logger is closed at the end."""
    loggers = []

    def build(env=None, **more):
        cfg = {"scenario": "cart", "dir": str(tmp_path / "logs"), "metrics": ["reward"], **more}
        found = from_config(cfg) if env is None else from_config(cfg, env)
        loggers.append(found if env is None else found[0])
        return found

    yield build
    for logger in loggers:
        logger.close()


def manifest(logger):
    return json.loads(Path(logger.scenario_dir, "run.json").read_text(encoding="utf-8"))


def mirrors(logger):
    return [each.sink for each in logger.health()]


def test_the_keys_set_up_the_run(build, tmp_path):
    logger = build(scenario_info={"author": "J. Doe"}, format_version=1.0, strict=True, fsync="flush", tags=["a"])
    assert Path(logger.scenario_dir).parent == tmp_path / "logs"
    assert Path(logger.scenario_dir).name.startswith("cart-")
    assert logger.logger_info == {"metrics_columns": ["reward"], "log_format_version": "1.0"}
    assert (logger.scenario_info, logger.strict) == ({"author": "J. Doe"}, True)
    assert manifest(logger)["tags"] == ["a"]


def test_runs_are_kept_in_logs_if_nothing_else_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with from_config({"scenario": "cart", "metrics": ["reward"]}) as logger:
        assert Path(logger.scenario_dir).parent == Path("logs")


def test_the_configuration_is_logged(build):
    """S4-2."""
    memory = MemorySink()
    logger = build(params={"lr": 0.5, "db": {"password": "hunter2"}}, tags=["a"], sinks=[memory])
    params = manifest(logger)["params"]
    assert (params["lr"], params["db"]) == (0.5, {"password": "[redacted]"})
    assert params["logger"]["metrics"] == ["reward"]
    (signal,) = memory.signals
    assert (signal.kind, signal.fields["params"]["lr"]) == ("params", 0.5)


def test_more_parameters_may_come_later(build):
    """S4-2."""
    logger = build(params={"lr": 0.5, "env": {"size": 1}})
    logger.log_params(env={"wind": 2})
    assert manifest(logger)["params"]["env"] == {"size": 1, "wind": 2}


def test_it_may_be_a_section_of_a_configuration(tmp_path):
    """S4-2: what is beside it are the parameters of the experiment."""
    section = {"scenario": "cart", "dir": str(tmp_path), "metrics": ["reward"]}
    with from_config({"seed": 3, "learner": {"lr": 0.5}, "logger": section}) as logger:
        found = manifest(logger)
    assert (found["seed"], found["params"]) == (3, {"seed": 3, "learner": {"lr": 0.5}, "logger": section})


def test_references_of_omegaconf_are_resolved(tmp_path):
    """S4-1, S4-2."""
    cfg = OmegaConf.create(
        {
            "env": {"id": "Ant-v5"},
            "logger": {"scenario": "${env.id}", "dir": str(tmp_path), "metrics": ["reward"], "tags": ["${env.id}"]},
        }
    )
    with from_config(cfg) as logger:
        found = manifest(logger)
    assert (found["scenario"], found["tags"], found["params"]["env"]) == ("Ant-v5", ["Ant-v5"], {"id": "Ant-v5"})


def test_a_section_of_omegaconf_inside_of_a_dict_is_taken(build):
    """S4-1."""
    logger = build(
        wandb=OmegaConf.create({"enabled": False, "project": "x"}), params={"env": OmegaConf.create({"n": 1})}
    )
    assert mirrors(logger) == []
    assert manifest(logger)["params"]["env"] == {"n": 1}


# Sinks.


@pytest.mark.parametrize(
    ("sinks", "names"),
    [
        (None, []),
        ("memory,jsonl", ["MemorySink", "JsonlSink"]),
        ({"memory": None, "jsonl": {"every": 10}}, ["MemorySink", "JsonlSink"]),
        (["memory", {"name": "csv"}], ["MemorySink", "CsvSink"]),
        ([MemorySink(), "csv:every=2"], ["MemorySink", "CsvSink"]),
        (MemorySink(), ["MemorySink"]),
    ],
    ids=repr,
)
def test_sinks_are_given_in_several_ways(build, sinks, names):
    """S3-1."""
    assert mirrors(build(sinks=sinks)) == names


@pytest.mark.parametrize(
    ("options", "is_there"),
    [
        ({"isolate": "none"}, True),
        ({"isolate": "none", "enabled": True}, True),
        (False, False),
        (None, False),
        ({"enabled": False, "dir": 5}, False),
        pytest.param(True, True, marks=pytest.mark.slow),
    ],
    ids=repr,
)
def test_a_sink_of_its_own_section_can_be_switched(build, options, is_there):
    assert mirrors(build(tensorboard=options)) == ["TensorBoardSink"] * is_there


def test_the_directory_of_tensorboard(build, tmp_path):
    logger = build(tensorboard={"dir": str(tmp_path / "board"), "isolate": "none"})
    logger.log_metrics(loss=0.5)
    logger.close()
    assert list((tmp_path / "board").rglob("*.tfevents.*"))


@pytest.mark.slow
def test_the_section_of_wandb(build, tmp_path, monkeypatch):
    """S4-1: as read from W&B's own offline file."""
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    options = {
        "project": "lifelong",
        "group": "ablation",
        "mode": "offline",
        "dir": str(tmp_path / "w"),
        "isolate": "thread",
    }
    (tmp_path / "w").mkdir()
    logger = build(wandb=OmegaConf.create(options), tags=["a", "b"], params={"lr": 0.5, "api_key": "hunter2"})
    logger.close()
    run = wandb_file.read(wandb_file.files(tmp_path / "w")[-1])
    assert (run.record.project, run.record.run_group, list(run.record.tags)) == ("lifelong", "ablation", ["a", "b"])
    assert (run.config["lr"], run.config["api_key"]) == (0.5, "[redacted]")


def test_an_unknown_mode_names_the_choices(build):
    """S4-1."""
    with pytest.raises(ConfigError, match="mode must be one of 'online', 'offline', 'disabled', got 'offlin'"):
        build(wandb={"mode": "offlin"})


# Mistakes. No run is begun.


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"scenaro": "x"}, r"no key scenaro, did you mean 'scenario'\?; there are scenario, dir, .*under 'params'"),
        ({"learning_rate": 1}, r"no key learning_rate; there are .*or these keys under 'logger'"),
        ({"scenario": None}, "needs a 'scenario'"),
        ({"scenario": "???"}, "no value for scenario"),
        ({"metrics": None}, "needs 'metrics', a list of the columns"),
        ({"metrics": "reward"}, r"such as \['reward'\]; got 'reward'"),
        ({"strict": "yes"}, "strict must be true or false, got 'yes'"),
        ({"fsync": "often"}, "fsync"),
        ({"tags": "a"}, "tags must be a list"),
        ({"params": 5}, "params must be a mapping of parameters, got 5"),
        ({"sinks": "tensorbord"}, "no sink called 'tensorbord', did you mean 'tensorboard'"),
        ({"sinks": {"console": {"evry": 1}}}, "no option 'evry', did you mean 'every'"),
        ({"wandb": 5}, "'wandb' must be a mapping of options, true or false; got 5"),
        ({"wandb": {"enabled": "no"}}, "wandb.enabled must be true or false, got 'no'"),
        ({"wandb": {}, "sinks": "wandb"}, "'wandb' is configured twice"),
        ({"tensorboard": {"dri": 1}}, "no option 'dri'"),
        ({"system": "often"}, "every_secs must be a number"),
        ({"format_version": 2.0}, "format_version must be one of '1.1', '1.0', got '2.0'|format_version"),
    ],
    ids=repr,
)
def test_a_mistake_is_an_error_at_the_start(build, tmp_path, more, message):
    """S3-1."""
    with pytest.raises(ConfigError, match=message):
        build(**more)
    assert not (tmp_path / "logs").exists()


def test_a_key_of_a_section_is_named_with_it(tmp_path):
    """S3-1."""
    with pytest.raises(ConfigError, match=r"no key logger\.scenaro, did you mean 'scenario'\?; there are [^;]*$"):
        from_config({"lr": 1, "logger": {"scenaro": "x"}})


@pytest.mark.parametrize("cfg", [None, 5, "scenario", ["scenario"], OmegaConf.create(["a"])], ids=repr)
def test_what_is_no_mapping_is_refused(cfg):
    with pytest.raises(ConfigError, match="must be a mapping"):
        from_config(cfg)


def test_a_section_that_is_no_mapping_is_refused():
    with pytest.raises(ConfigError, match="'logger' in the configuration must be a mapping, got 'cart'"):
        from_config({"logger": "cart"})


def test_a_reference_to_nothing_is_refused():
    with pytest.raises(ConfigError, match="cannot be resolved: .*'nothing'"):
        from_config(OmegaConf.create({"scenario": "${nothing}"}))


# The machine.


@pytest.mark.parametrize(("system", "measured"), [(True, True), (0, True), (5, True), (False, False), (None, False)])
def test_the_machine_is_measured_if_that_is_wanted(build, system, measured):
    memory = MemorySink()
    logger = build(system=system, sinks=[memory])
    logger.log_metrics(loss=0.5)
    assert ("system/rss_mb" in memory.signals[-1].fields["values"]) is measured


# Environments.


class Corridor(gymnasium.Env):
    """Three steps, and it is over. Its pictures need no library."""

    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 10}
    observation_space = gymnasium.spaces.Discrete(4)
    action_space = gymnasium.spaces.Discrete(2)
    render_mode = "rgb_array"

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = 0
        return self.place, {}

    def step(self, action):
        self.place += 1
        return self.place, 1.0, self.place == 3, False, {}

    def render(self):
        return np.full((16, 16, 3), 60 * self.place, np.uint8)


def play(env, episodes=1):
    for seed in range(episodes):
        env.reset(seed=seed)
        over = False
        while not over:
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            over = terminated or truncated


def test_the_episodes_of_an_environment_are_logged(build):
    logger, env = build(gymnasium.make("CartPole-v1"), scenario=None, metrics=None)
    assert isinstance(env, LogEpisodes)
    play(env, episodes=2)
    assert logger.progress["worker-default"].exp_num == 1
    assert logger.logger_info["metrics_columns"] == [*METRICS]
    assert Path(logger.scenario_dir).name.startswith("CartPole-v1-")
    env.close()


def test_more_metrics_of_an_environment_are_in_its_info(build):
    logger, env = build(
        gymnasium.make("CartPole-v1"), metrics=["reward", "energy"], task_name="Cart_a", task_params={"g": 1}
    )
    assert logger.logger_info["metrics_columns"] == [*METRICS, "energy"]
    play(env)
    (row,) = rows(logger.scenario_dir)
    assert (row["task_name"], row["task_params"], row["energy"]) == ("Cart_a", '{"g": 1}', "nan")
    env.close()


def test_the_episodes_of_a_vector_are_logged(build):
    logger, env = build(gymnasium.make_vec("CartPole-v1", num_envs=2), metrics=None)
    assert isinstance(env, LogVectorEpisodes)
    env.reset(seed=0)
    for _ in range(100):
        env.step(env.action_space.sample())
    assert logger.progress["worker-default"].exp_num > 0
    env.close()


@pytest.mark.slow
@pytest.mark.parametrize("video", [2, {"every": 2}], ids=repr)
def test_videos_of_episodes(build, video):
    logger, env = build(Corridor(), metrics=None, video=video, task_name="Corridor_short")
    play(env, episodes=3)
    logger.close()
    assert len([*Path(logger.scenario_dir).rglob("*.mp4")]) == 2
    env.close()


@pytest.mark.parametrize("video", [None, False, {}, {"every": None}], ids=repr)
def test_no_videos(build, video):
    logger, env = build(gymnasium.make("CartPole-v1"), metrics=None, video=video)
    play(env)
    logger.close()
    assert not [*Path(logger.scenario_dir).rglob("media")]
    env.close()


def test_an_unknown_key_of_video_is_refused(build):
    """S3-1."""
    with pytest.raises(ConfigError, match="video has no key 'evry'; there is 'every'"):
        build(gymnasium.make("CartPole-v1"), metrics=None, video={"evry": 2})


def test_what_is_no_environment_is_refused(build, tmp_path):
    with pytest.raises(ConfigError, match="env must be an environment of Gymnasium"):
        build("CartPole-v1")
    assert not (tmp_path / "logs").exists()


def test_a_run_whose_environment_is_refused_has_failed(build, tmp_path):
    """S4-13."""
    with pytest.raises(ConfigError):
        build(gymnasium.make("CartPole-v1"), metrics=None, video={"every": 2})  # It does not render.
    (path,) = (tmp_path / "logs").rglob("run.json")
    assert json.loads(path.read_text())["status"] == "failed"


# With Hydra.


@pytest.mark.slow
def test_the_example_takes_what_is_said_on_the_command_line(tmp_path):
    """S4-1, S4-2."""
    command = [sys.executable, EXAMPLE, "seed=7", "episodes=3", "learner.noise=0.25", "logger.sinks=jsonl"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)
    (run,) = (tmp_path / "logs").iterdir()
    assert re.fullmatch(rf"a return of \d+: logs/{run.name}\n", done.stdout)
    found = json.loads((run / "run.json").read_text())
    assert (found["status"], found["seed"], found["tags"]) == ("complete", 7, ["example", "CartPole-v1"])
    assert (found["params"]["learner"], found["params"]["logger"]["sinks"]) == ({"noise": 0.25}, "jsonl")
    assert found["packages"].keys() >= {"gymnasium", "hydra", "numpy", "omegaconf"}
    assert (run / "mirror.jsonl").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_it_is_public():
    assert l2logger.from_config is from_config
    assert "from_config" in l2logger.__all__
