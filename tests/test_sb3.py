"""Stable-Baselines3, the real one, with PPO on CartPole and on an environment whose episodes are known."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import count_env
import gymnasium
import numpy as np
import pytest
from count_env import LENGTHS
from reading import rows

pytest.importorskip("stable_baselines3")
from stable_baselines3 import DQN, PPO
from stable_baselines3.common import logger as sb3_logger
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecMonitor, VecNormalize

from l2logger import ConfigError, DataLogger
from l2logger.rules import validate
from l2logger.sb3 import METRICS, KVWriter, LogEpisodes, callbacks, evaluate
from l2logger.sinks import MemorySink

pytestmark = pytest.mark.slow  # It trains.

SCENARIO = {"author": "me", "complexity": "1-low", "difficulty": "1-easy", "scenario_type": "custom"}
COUNT = "l2/Count-v3"


@pytest.fixture
def run(make):
    return make(logger_info={"metrics_columns": [*METRICS]}, scenario_info=SCENARIO)


def ppo(env, **options):
    return PPO(
        "MlpPolicy", env, **{"n_steps": 64, "batch_size": 64, "n_epochs": 1, "seed": 0, "device": "cpu", **options}
    )


def logged(logger, *columns):
    found = sorted(rows(logger.scenario_dir), key=lambda row: int(row["exp_num"]))
    return [tuple(row[column] for column in columns) for row in found]


def signals(logger, kind):
    logger.flush()
    path = Path(logger.scenario_dir) / "signals" / "worker-default.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if line["kind"] == kind]


def metrics(logger):
    """Return all metrics as ``(name, step): value``."""
    lines = signals(logger, "metrics")
    assert {line["clock"] for line in lines} <= {"timesteps"}
    return {(name, line["step"]): value for line in lines for name, value in line["values"].items()}


# --------------------------------------------------------------------------------------------------------------- records


def test_every_finished_episode_is_a_record(run):
    """S4-7: return, length, how it ended, mean and standard deviation; valid for l2metrics."""
    with run.block("train") as block:
        ppo(gymnasium.make(COUNT, reward=0.5)).learn(64, callback=callbacks(block))
    found = logged(
        run, "exp_num", "task_name", "return", "reward", "length", "episode_step_count", "terminated", "truncated"
    )
    assert len(found) == 26
    for number, row in enumerate(found):
        length, odd = LENGTHS[number % 4], number % 2
        assert row == (
            str(number), "l2Count_v3", str(length / 2), str(length / 2), f"{length}.0", str(length), str(1.0 - odd), str(float(odd)),
        )  # fmt: skip
    assert validate(run.scenario_dir, strict=True).findings == ()


def test_mean_and_deviation_of_the_last_returns(run):
    """S4-7: over the window, and only over the present block."""
    block = run.block("train")
    made = callbacks(block, window=3)
    model = ppo(gymnasium.make(COUNT))
    model.learn(64, callback=made)
    first = [float(value) for (value,) in logged(run, "return")]
    made[0].block = run.block("train")
    model.learn(64, callback=made)
    returns = [float(value) for (value,) in logged(run, "return")]
    for number, (mean, std) in enumerate(logged(run, "return_mean", "return_std")):
        begin = len(first) if number >= len(first) else 0
        last = returns[max(begin, number - 2) : number + 1]
        assert float(mean) == pytest.approx(np.mean(last))
        assert float(std) == pytest.approx(np.std(last))


def test_the_task_is_what_the_environments_were_made_with(run):
    env = make_vec_env(COUNT, 2, env_kwargs={"reward": 2.0})
    ppo(env).learn(64, callback=callbacks(run))
    [params] = {params for (params,) in logged(run, "task_params")}
    assert json.loads(params) == {"env": COUNT, "reward": 2.0, "max_episode_steps": 50}


def test_a_task_of_each_environment(run):
    env = make_vec_env(COUNT, 2)
    names, params = ["Count_a", "Count_b"], [{"n": 0}, {"n": 1}]
    ppo(env).learn(32, callback=callbacks(run, task_name=names, task_params=params))
    assert {*logged(run, "task_name", "task_params")} == {("Count_a", '{"n": 0}'), ("Count_b", '{"n": 1}')}


def test_an_environment_that_is_not_registered_is_named_after_its_class(run):
    ppo(DummyVecEnv([lambda: count_env.Count()])).learn(64, callback=callbacks(run))
    assert {*logged(run, "task_name")} == {("Count_v0",)}


@pytest.mark.parametrize("wrap", [lambda env: env, VecMonitor], ids=["no monitor", "VecMonitor"])
def test_episodes_without_a_monitor_inside(run, wrap):
    env = wrap(DummyVecEnv([lambda: gymnasium.make(COUNT, reward=2.0)] * 1))
    ppo(env).learn(64, callback=callbacks(run))
    assert logged(run, "return", "length", "truncated")[:2] == [("6.0", "3.0", "0.0"), ("2.0", "1.0", "1.0")]


def test_returns_are_those_before_normalization(run):
    env = VecNormalize(make_vec_env(COUNT, 1))
    ppo(env).learn(64, callback=callbacks(run))
    assert logged(run, "return")[:2] == [("3.0",), ("1.0",)]


def test_episodes_that_go_on_when_learning_goes_on(run):
    """Without a monitor, which counts by itself."""
    made = callbacks(run)
    model = ppo(DummyVecEnv([lambda: gymnasium.make("CartPole-v1")]), n_steps=4, batch_size=4)
    steps = 0
    for _ in range(10):
        model.learn(4, callback=made, reset_num_timesteps=False)
        steps += 4
    lengths = [float(length) for (length,) in logged(run, "length")]
    assert lengths
    assert all(8 <= length <= steps for length in lengths)
    assert logged(run, "return") == logged(run, "length")


def test_metrics_of_the_info_of_the_last_step(run):
    ppo(gymnasium.make(COUNT)).learn(64, callback=callbacks(run, info_metrics=["number", "nothing"]))
    assert logged(run, "number", "nothing") == [(str(number), "nan") for number in range(26)]


@pytest.mark.slow
def test_environments_in_processes_of_their_own(run):
    env = make_vec_env(COUNT, 2, vec_env_cls=SubprocVecEnv, vec_env_kwargs={"start_method": "fork"})
    ppo(env).learn(128, callback=callbacks(run))
    env.close()
    assert len(logged(run, "length")) == 2 * 26
    assert {*logged(run, "task_name")} == {("l2Count_v3",)}


def test_off_policy_algorithms(run):
    DQN("MlpPolicy", gymnasium.make(COUNT), learning_starts=10, seed=0, device="cpu").learn(50, callback=callbacks(run))
    assert [float(length) for (length,) in logged(run, "length")] == [LENGTHS[number % 4] for number in range(20)]
    assert any(name == "rollout/exploration_rate" for name, _ in metrics(run))


def test_train_and_test_blocks_in_turn(run):
    """S4-7: the same columns in both; all is valid."""
    model = ppo(gymnasium.make("CartPole-v1"))
    for _ in range(2):
        with run.block("train") as block:
            model.learn(64, callback=callbacks(block))
        with run.block("test") as block:
            returns = evaluate(model, gymnasium.make("CartPole-v1"), block, 3)
            assert len(returns) == 3
    blocks = logged(run, "block_num", "block_type")
    assert blocks.count(("1", "test")) == blocks.count(("3", "test")) == 3
    assert [total for block, total in logged(run, "block_num", "return") if block == "3"] == [
        str(each) for each in returns
    ]
    assert validate(run.scenario_dir, strict=True).findings == ()


# ---------------------------------------------------------------------------------------------- what SB3 itself records


def test_all_that_is_recorded_reaches_the_sinks(make):
    """S4-9: each value of each table, at the number of timesteps, on disk and in the mirrors."""
    memory = MemorySink()
    run = make(logger_info={"metrics_columns": [*METRICS]}, sinks=[memory])
    tables = {}

    class Copy(sb3_logger.KVWriter):
        def write(self, key_values, key_excluded, step=0):
            tables.update({(name, step): float(value) for name, value in key_values.items()})

        def close(self):
            pass

    model = ppo(gymnasium.make(COUNT))
    model.set_logger(sb3_logger.Logger(None, [Copy()]))
    model.learn(192, callback=callbacks(run))
    found = metrics(run)
    assert {("train/loss", 128), ("rollout/ep_rew_mean", 64), ("time/total_timesteps", 192)} <= found.keys()
    assert found == pytest.approx(tables)
    mirrored = [signal.fields["values"] for signal in memory.signals if signal.kind == "metrics"]
    assert sum(map(len, mirrored)) == len(found)


def test_what_the_last_update_recorded_is_not_lost(run):
    """S4-9: Stable-Baselines3 shows it in the next table only, which there is not."""
    ppo(gymnasium.make(COUNT)).learn(64, callback=callbacks(run))
    assert ("train/loss", 64) in metrics(run)


def test_learning_again_writes_nothing_twice(run):
    """S4-9: with the same callbacks, with others, and with a writer that is there anyway."""
    model = ppo(gymnasium.make(COUNT))
    model.set_logger(sb3_logger.Logger(None, []))
    made = callbacks(run)
    for _ in range(2):
        model.learn(64, callback=made, reset_num_timesteps=False)
    model.learn(64, callback=callbacks(run), reset_num_timesteps=False)
    assert model.logger.output_formats == []
    model.set_logger(sb3_logger.Logger(None, [KVWriter(run)]))
    model.learn(64, callback=callbacks(run), reset_num_timesteps=False)
    found = [line["step"] for line in signals(run, "metrics") if "time/fps" in line["values"]]
    assert found == [64, 128, 192, 256]


def test_everything_else_that_can_be_recorded(run):
    """S4-9."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import torch

    figure = plt.figure()
    out = sb3_logger.Logger(None, [KVWriter(run, without=["left/out"])])
    image = np.zeros((3, 4, 6), dtype=np.uint8)
    out.record("image", sb3_logger.Image(image, "CHW"))
    out.record("images", sb3_logger.Image(np.stack([image, image]), "NCHW"))
    out.record("grey", sb3_logger.Image(image[0], "HW"))
    out.record("figure", sb3_logger.Figure(figure, close=True))
    out.record("video", sb3_logger.Video(torch.zeros(1, 5, 3, 16, 16, dtype=torch.uint8), fps=40))
    out.record("text", "words")
    out.record("weights", np.arange(10.0))
    out.record("tensor", torch.tensor(0.5))
    out.record("hidden", 1.0, exclude="l2logger")
    out.record("left/out", 1.0)
    out.record("nothing", None)
    out.record("object", {"a": 1})
    out.record("params", sb3_logger.HParam({"lr": 0.1}, {"x": 0}))
    out.dump(7)
    assert metrics(run) == {("tensor", 7): 0.5}
    sizes = [(each["name"], each["height"], each["width"], each["step"]) for each in signals(run, "image")]
    assert sorted(sizes) == [("grey", 4, 6, 7), ("image", 4, 6, 7), ("images", 4, 6, 7), ("images", 4, 6, 7)]
    [video] = signals(run, "video")
    assert (video["frames"], video["fps"], video["clock"]) == (5, 40, "timesteps")
    assert len(signals(run, "figure")) == 1
    assert not plt.fignum_exists(figure.number)
    assert [(each["name"], each["text"]) for each in signals(run, "text")] == [
        ("text", "words"),
        ("object", "{'a': 1}"),
    ]
    assert [each["count"] for each in signals(run, "histogram")] == [10]
    assert signals(run, "params")[0]["params"] == {"lr": 0.1}


# --------------------------------------------------------------------------------- evaluations, checkpoints, videos


def test_evaluations(run):
    """S4-7: metrics, the best model, and the file of Stable-Baselines3."""
    env = gymnasium.make("CartPole-v1")
    ppo(env).learn(192, callback=callbacks(run, gymnasium.make("CartPole-v1"), eval_freq=64, n_eval_episodes=4))
    with np.load(Path(run.scenario_dir) / "sb3" / "evaluations.npz") as found:
        results = {name: found[name] for name in found}
    assert results["timesteps"].tolist() == [64, 128, 192]
    assert results["results"].shape == results["ep_lengths"].shape == (3, 4)
    told = metrics(run)
    assert sum("eval/mean_reward" in line["values"] for line in signals(run, "metrics")) == 3
    for step, rewards, lengths in zip(results["timesteps"], results["results"], results["ep_lengths"], strict=True):
        assert told["eval/mean_reward", step] == pytest.approx(np.mean(rewards))
        assert told["eval/std_reward", step] == pytest.approx(np.std(rewards))
        assert told["eval/mean_ep_length", step] == pytest.approx(np.mean(lengths))
        assert told["eval/std_ep_length", step] == pytest.approx(np.std(lengths))


def test_the_best_model_is_kept(run, monkeypatch):
    """S4-7: the artifact's version ``best`` is the model as it was at the best evaluation."""
    from stable_baselines3.common import callbacks as sb3_callbacks

    results = iter([1.0, 5.0, 3.0])
    monkeypatch.setattr(sb3_callbacks, "evaluate_policy", lambda *_, **__: ([next(results)] * 2, [9, 9]))
    env = gymnasium.make("CartPole-v1")
    model = ppo(env)
    model.learn(192, callback=callbacks(run, env, eval_freq=64, n_eval_episodes=2, save_freq=64))
    best = run.load_model("model", "best", using=PPO.load)
    latest = run.load_model("model", using=PPO.load)
    assert (best.num_timesteps, latest.num_timesteps) == (128, 192)
    assert latest.predict(np.zeros(4), deterministic=True)[0] == model.predict(np.zeros(4), deterministic=True)[0]


def test_the_file_of_evaluations_goes_on(run):
    """S4-7: from one call of learn to the next, with the same callbacks or others."""
    model, env = ppo(gymnasium.make("CartPole-v1")), gymnasium.make("CartPole-v1")
    for _ in range(2):
        made = callbacks(run.block("train"), env, eval_freq=64, n_eval_episodes=2)
        for _ in range(2):
            model.learn(64, callback=made, reset_num_timesteps=False)
    with np.load(Path(run.scenario_dir) / "sb3" / "evaluations.npz") as found:
        assert found["timesteps"].tolist() == [64, 128, 192, 256]
        assert found["results"].shape == (4, 2)


def test_only_the_newest_checkpoints_stay(run):
    """S4-7."""
    model = ppo(gymnasium.make(COUNT))
    model.learn(320, callback=callbacks(run, save_freq=64, keep=2))
    versions = sorted(path.name for path in (Path(run.scenario_dir) / "artifacts" / "model").glob("v*"))
    assert versions == ["v3", "v4"]
    assert run.load_model("model", "v3", using=PPO.load).num_timesteps == 256
    assert [each["step"] for each in signals(run, "artifact")] == [64, 128, 192, 256, 320]


def test_videos_of_episodes(run):
    """S4-7: of the evaluation environment, from the first state on."""
    env = gymnasium.make(COUNT, render_mode="rgb_array")
    ppo(gymnasium.make(COUNT)).learn(128, callback=callbacks(run, env, eval_freq=10_000, video_freq=64))
    found = signals(run, "video")
    assert [(each["name"], each["clock"], each["step"], each["fps"]) for each in found] == [
        ("eval/episode", "timesteps", 64, 20),
        ("eval/episode", "timesteps", 128, 20),
    ]
    assert [each["frames"] for each in found] == [
        LENGTHS[0],
        LENGTHS[2],
    ]  # the vector has begun the one between on its own


def test_videos_with_normalized_environments(run):
    env = VecNormalize(make_vec_env(COUNT, 1, env_kwargs={"render_mode": "rgb_array"}), training=False)
    ppo(VecNormalize(make_vec_env(COUNT, 1))).learn(64, callback=callbacks(run, env, eval_freq=64, video_freq=64))
    assert len(signals(run, "video")) == 1
    assert metrics(run)["eval/mean_reward", 64] > 0


def test_all_signals_belong_to_the_present_block(run):
    made = callbacks(run.bind(worker_id="worker-default", seed=1).block("train"), save_freq=64)
    model = ppo(gymnasium.make(COUNT))
    for block_num in range(2):
        model.learn(64, callback=made)
        assert {each["context"]["block_num"] for each in signals(run, "artifact")[block_num:]} == {block_num}
        made[0].block = run.bind(seed=1).block("train")
    assert signals(run, "metrics")[0]["context"]["seed"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"video_freq": 5}, "video_freq is about episodes in eval_env"),
        ({"save_freq": 0}, "save_freq must be a whole number of steps from 1 on, got 0"),
        ({"window": 0}, "window must be a whole number"),
        ({"eval_env": True, "video_freq": 5}, "video_freq needs an environment made with render_mode='rgb_array'"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(run, options, message):
    if "eval_env" in options:
        options = options | {"eval_env": gymnasium.make(COUNT)}
    with pytest.raises(ConfigError, match=message):
        callbacks(run, **options)


# ------------------------------------------------------------------------------------------------- callbacks of the user


class Custom(BaseCallback):
    """As a user would write it."""

    def __init__(self, run):
        super().__init__()
        self.run = run

    def _on_step(self):
        if self.n_calls % 32 == 0:
            self.run.log_metrics({"custom/calls": self.n_calls}, step=self.num_timesteps, clock="timesteps")
        return True


def test_a_custom_callback_may_hold_the_logger(run):
    """S4-8."""
    ppo(gymnasium.make(COUNT)).learn(64, callback=[Custom(run), *callbacks(run)])
    assert {key: value for key, value in metrics(run).items() if key[0] == "custom/calls"} == {
        ("custom/calls", 32): 32,
        ("custom/calls", 64): 64,
    }


def test_a_model_that_holds_a_logger_is_saved_and_loaded(run, tmp_path):
    """S4-8: pickling takes the run along, without its open files."""
    model = ppo(gymnasium.make(COUNT))
    model.run, model.callback = run, Custom(run)
    model.learn(64, callback=[model.callback, *callbacks(run, save_freq=64)])
    model.save(tmp_path / "model")
    loaded = PPO.load(tmp_path / "model")
    assert loaded.run.scenario_dir == run.scenario_dir
    run.close()
    loaded.run.log_metrics(after=1.0, clock="timesteps", step=1)
    assert metrics(run)["after", 1] == 1.0


def test_callbacks_can_be_pickled(run):
    block = run.block("train")
    callback = pickle.loads(pickle.dumps(LogEpisodes(block)))
    assert callback.block.block_num == block.block_num


def test_nothing_is_imported_before_it_is_used():
    script = "import sys, l2logger.sb3; print('torch' in sys.modules, 'numpy' in sys.modules, dir(l2logger.sb3).count('evaluate'))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "1"]


def test_a_missing_package_says_what_to_install(tmp_path):
    script = (
        "import sys; sys.modules['stable_baselines3'] = None\nimport l2logger.sb3\n"
        "try: l2logger.sb3.callbacks(None)\nexcept ImportError as error: print(error)\n"
        "try: l2logger.sb3.KVWriter\nexcept ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.count('pip install "l2logger[sb3]"') == 2


def test_a_run_can_be_learned_on_after_it_was_resumed(run):
    """S3-11, S4-7: experiences are counted on, in the same block."""
    model = ppo(gymnasium.make(COUNT))
    with run.block("train") as block:
        model.learn(64, callback=callbacks(block))
    run.close()
    with DataLogger.resume(run.scenario_dir) as resumed:
        model.learn(64, callback=callbacks(resumed), reset_num_timesteps=False)
    assert [int(number) for (number,) in logged(run, "exp_num")] == list(range(len(rows(run.scenario_dir))))
    assert {*logged(run, "block_num")} == {("0",)}
    assert validate(run.scenario_dir, strict=True).findings == ()
