"""Episodes of Gymnasium, one environment or a vector of them, as records."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from count_env import LENGTHS, Count
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from reading import rows

from l2logger import ConfigError, LogWarning, read
from l2logger.gymnasium import METRICS, LogEpisodes, LogVectorEpisodes
from l2logger.rules import validate

SCENARIO = {"author": "me", "complexity": "1-low", "difficulty": "1-easy", "scenario_type": "custom"}
VECTORS = [
    pytest.param(kind, mode, id=f"{kind.__name__}-{mode.value}")
    for kind in (SyncVectorEnv, AsyncVectorEnv)
    for mode in AutoresetMode
]


@pytest.fixture
def run(make):
    return make(logger_info={"metrics_columns": [*METRICS]}, scenario_info=SCENARIO)


def play(env, steps):
    """Step on, resetting where an episode is over."""
    env.reset(seed=0)
    for _ in range(steps):
        *_, terminated, truncated, _ = env.step(0)
        if terminated or truncated:
            env.reset()


def play_vector(envs, steps):
    """Step on, resetting where an episode is over if the vector does not do it itself."""
    envs.reset(seed=0)
    for _ in range(steps):
        *_, terminated, truncated, _ = envs.step(np.zeros(envs.num_envs, dtype=int))
        over = terminated | truncated
        if envs.metadata["autoreset_mode"] == AutoresetMode.DISABLED and over.any():
            envs.reset(options={"reset_mask": over})
    envs.close()


def logged(logger, *columns):
    found = sorted(rows(logger.scenario_dir), key=lambda row: int(row["exp_num"]))
    return [tuple(row[column] for column in columns) for row in found]


def expected(first, steps, pause):
    """Return the lengths of the episodes that are over after so many steps, of which `pause` are for a reset."""
    lengths, number = [], first
    while (taken := LENGTHS[number % len(LENGTHS)] + (pause if lengths else 0)) <= steps:
        steps -= taken
        lengths.append(LENGTHS[number % len(LENGTHS)])
        number += 1
    return lengths


# ------------------------------------------------------------------------------------------------------- one environment


def test_every_finished_episode_is_a_record(run):
    with run.block("train") as block:
        play(LogEpisodes(gymnasium.make("l2/Count-v3", reward=0.5), block), steps=sum(LENGTHS) + 2)
    assert logged(run, "exp_num", "length", "return", "terminated", "truncated") == [
        ("0", "3.0", "1.5", "1.0", "0.0"),
        ("1", "1.0", "0.5", "0.0", "1.0"),
        ("2", "4.0", "2.0", "1.0", "0.0"),
        ("3", "2.0", "1.0", "0.0", "1.0"),
    ]
    assert validate(run.scenario_dir, strict=True).findings == ()


def test_there_are_the_columns_that_l2metrics_looks_for(run):
    play(LogEpisodes(gymnasium.make("l2/Count-v3"), run.block("train")), steps=3)
    [row] = rows(run.scenario_dir)
    assert (row["reward"], row["episode_step_count"]) == ("3.0", "3")


def test_the_task_is_what_the_environment_was_made_with(run):
    env = LogEpisodes(gymnasium.make("l2/Count-v3", reward=0.5, render_mode="rgb_array"), run.block("train"))
    play(env, steps=3)
    [(name, params)] = logged(run, "task_name", "task_params")
    assert (name, json.loads(params)) == ("l2Count_v3", {"env": "l2/Count-v3", "reward": 0.5, "max_episode_steps": 50})


@pytest.mark.parametrize(
    ("name", "task_name"),
    [
        ("CartPole-v1", "CartPole_v1"),
        ("ALE/Ms.Pacman-v5", "ALEMsPacman_v5"),
        ("Empty-5x5", "Empty5x5_v0"),
        ("Up-v2-v3", "Upv2_v3"),
    ],
)
def test_the_name_of_a_task_is_valid(run, name, task_name):
    env = gymnasium.make("l2/Count-v3")
    env.spec.id = name
    assert LogEpisodes(env, run.block("train")).task_name == task_name


def test_an_environment_that_is_not_registered_is_named_after_its_class(run):
    from count_env import Count

    env = LogEpisodes(Count(), run.block("train"))
    assert (env.task_name, env.task_params) == ("Count_v0", {})


def test_a_task_can_be_given(run):
    env = LogEpisodes(gymnasium.make("l2/Count-v3"), run.block("train"), task_name="Count_short", task_params={"a": 1})
    play(env, steps=3)
    assert logged(run, "task_name", "task_params") == [("Count_short", '{"a": 1}')]


def test_a_logger_is_a_train_block(run):
    play(LogEpisodes(gymnasium.make("l2/Count-v3"), run.bind(worker_id="w1")), steps=3)
    assert logged(run, "block_num", "block_type", "worker_id") == [("0", "train", "w1")]


def test_anything_else_is_no_block():
    with pytest.raises(ConfigError, match=r"expected a block, as logger.block\('train'\) returns it, or a logger"):
        LogEpisodes(gymnasium.make("l2/Count-v3"), "logs")


def test_an_episode_belongs_to_the_block_it_ends_in(run):
    env = LogEpisodes(gymnasium.make("l2/Count-v3"), run.block("train"))
    play(env, steps=sum(LENGTHS[:2]) + 1)
    env.block = run.block("test")
    for _ in range(3):
        env.step(0)
    assert logged(run, "block_num", "block_type", "length") == [
        ("0", "train", "3.0"), ("0", "train", "1.0"), ("1", "test", "4.0"),
    ]  # fmt: skip
    assert env.block.block_num == 1


def test_an_episode_that_is_broken_off_is_not_logged(run):
    env = LogEpisodes(gymnasium.make("l2/Count-v3"), run.block("train"))
    env.reset()
    env.step(0)
    env.reset()
    env.step(0)
    assert logged(run, "length") == [("1.0",)]


def test_metrics_of_the_info_of_the_last_step(run):
    env = LogEpisodes(gymnasium.make("l2/Count-v3"), run.block("train"), info_metrics=["number", "nothing"])
    play(env, steps=4)
    assert logged(run, "number", "nothing") == [("0", "nan"), ("1", "nan")]


def test_the_step_of_an_automatic_reset_is_not_counted(run):
    env = LogEpisodes(gymnasium.wrappers.Autoreset(gymnasium.make("l2/Count-v3")), run.block("train"))
    env.reset()
    for _ in range(sum(LENGTHS) + 3):
        env.step(0)
    assert logged(run, "length") == [(f"{length}.0",) for length in LENGTHS]


def test_what_the_environment_returns_is_passed_on(run):
    bare, env = gymnasium.make("CartPole-v1"), LogEpisodes(gymnasium.make("CartPole-v1"), run.block("train"))
    for one, other in ((bare.reset(seed=3), env.reset(seed=3)), (bare.step(1), env.step(1))):
        np.testing.assert_array_equal(one[0], other[0])
        assert one[1:] == other[1:]
    assert env.spec.id == "CartPole-v1"


# --------------------------------------------------------------------------------------------------------------- vectors


@pytest.mark.parametrize(("kind", "mode"), VECTORS)
def test_the_episodes_of_a_vector(run, kind, mode):
    """All three autoreset modes: no step of a reset counts, no reward of one environment gets to another."""
    makers = [lambda i=i: gymnasium.make("l2/Count-v3", first=i, reward=10.0**i) for i in range(3)]
    envs = LogVectorEpisodes(
        kind(makers, autoreset_mode=mode), run.block("train"), task_name=[f"Count_e{i}" for i in range(3)]
    )
    play_vector(envs, steps=23)
    for i in range(3):
        lengths = expected(i, 23, pause=mode == AutoresetMode.NEXT_STEP)
        found = [
            row[1:] for row in logged(run, "task_name", "length", "return", "truncated") if row[0] == f"Count_e{i}"
        ]
        assert len(lengths) > 5
        assert found == [
            (f"{length}.0", str(length * 10.0**i), str((i + number) % 2.0)) for number, length in enumerate(lengths)
        ]
    assert [int(number) for (number,) in logged(run, "exp_num")] == list(range(len(rows(run.scenario_dir))))
    params = {name: json.loads(params) for name, params in logged(run, "task_name", "task_params")}
    assert params["Count_e2"] == {"env": "l2/Count-v3", "first": 2, "reward": 100.0, "max_episode_steps": 50}


@pytest.mark.parametrize(("kind", "mode"), VECTORS)
def test_the_info_of_a_last_step_in_a_vector(run, kind, mode):
    """In the same-step mode it is beside the info of the reset."""
    makers = [lambda i=i: gymnasium.make("l2/Count-v3", first=i) for i in range(2)]
    envs = LogVectorEpisodes(
        kind(makers, autoreset_mode=mode),
        run.block("train"),
        task_name=["Count_e0", "Count_e1"],
        info_metrics=["number", "reset", "nothing"],
    )
    play_vector(envs, steps=12)
    for i in range(2):
        found = [row[1:] for row in logged(run, "task_name", "number", "reset", "nothing") if row[0] == f"Count_e{i}"]
        assert len(found) > 2
        assert found == [(str(number), "nan", "nan") for number in range(i, i + len(found))]


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_gymnasiums_own_statistics_are_the_same(run, mode):
    """On CartPole with random actions."""
    envs = gymnasium.make_vec("CartPole-v1", 4, "sync", vector_kwargs={"autoreset_mode": mode})
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(envs)
    envs = LogVectorEpisodes(envs, run.block("train"))
    envs.reset(seed=0)
    envs.action_space.seed(0)
    theirs = []
    for _ in range(200):
        *_, infos = envs.step(envs.action_space.sample())
        if "episode" in infos:
            theirs += [str(float(infos["episode"]["r"][i])) for i in np.flatnonzero(infos["_episode"])]
    assert len(theirs) > 20
    assert [total for (total,) in logged(run, "return")] == theirs


def test_the_task_of_a_vector_that_was_made_as_one(run):
    envs = gymnasium.make_vec("CartPole-v1", 2, "vector_entry_point", sutton_barto_reward=True)
    assert (
        LogVectorEpisodes(envs, run.block("train")).tasks
        == [("CartPole_v1", {"env": "CartPole-v1", "sutton_barto_reward": True, "max_episode_steps": 500})] * 2
    )


def test_the_episodes_of_a_vector_that_was_made_as_one(run):
    """CartPole has one of its own, without environments inside."""
    envs = LogVectorEpisodes(gymnasium.make_vec("CartPole-v1", 3, "vector_entry_point"), run.block("train"))
    play_vector(envs, steps=60)
    lengths = [float(length) for (length,) in logged(run, "length")]
    assert lengths
    assert all(8 <= length <= 11 for length in lengths)  # always to the left, the pole falls soon


def test_the_block_of_a_vector_can_be_switched(run):
    envs = LogVectorEpisodes(SyncVectorEnv([lambda: gymnasium.make("l2/Count-v3")] * 2), run.block("train"))
    envs.reset()
    actions = np.zeros(2, dtype=int)
    for _ in range(3):
        envs.step(actions)
    envs.block = run.block("test")
    for _ in range(2):
        envs.step(actions)
    assert logged(run, "block_type", "length") == [("train", "3.0")] * 2 + [("test", "1.0")] * 2


def test_a_reset_of_some_breaks_off_only_those(run):
    envs = LogVectorEpisodes(
        SyncVectorEnv([lambda: gymnasium.make("l2/Count-v3")] * 2, autoreset_mode=AutoresetMode.DISABLED),
        run.block("train"),
    )
    envs.reset()
    for mask in ([True, False], [True, False], [False, True]):
        envs.step(np.zeros(2, dtype=int))
        envs.reset(options={"reset_mask": np.array(mask)})
    assert logged(run, "length") == [("1.0",), ("3.0",)]


def test_as_many_tasks_as_environments(run):
    with pytest.raises(ConfigError, match="task_name must be one for all or one for each of 2 environments, got 3"):
        LogVectorEpisodes(
            SyncVectorEnv([lambda: gymnasium.make("l2/Count-v3")] * 2), run, task_name=["A_1", "A_2", "A_3"]
        )


# ---------------------------------------------------------------------------------------------------------------- videos


def videos(logger):
    logger.flush()
    path = Path(logger.scenario_dir) / "signals" / "worker-default.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if line["kind"] == "video"]


def test_every_kth_episode_has_a_video(run):
    """Its frames are the first and those after each step; it is found by the number of the experience."""
    env = LogEpisodes(gymnasium.make("l2/Count-v3", render_mode="rgb_array"), run.block("train"), video_every=2)
    play(env, steps=sum(LENGTHS))
    found = videos(run)
    assert [(each["clock"], each["step"], each["frames"], each["fps"]) for each in found] == [
        ("exp_num", 0, LENGTHS[0] + 1, 20),
        ("exp_num", 2, LENGTHS[2] + 1, 20),
    ]
    assert found[0]["context"]["task_name"] == "l2Count_v3"
    assert all((Path(run.scenario_dir) / each["path"]).stat().st_size for each in found)


@pytest.mark.parametrize("mode", AutoresetMode)
def test_a_vector_has_videos_of_its_first_environment(run, mode):
    makers = [lambda: gymnasium.make("l2/Count-v3", render_mode="rgb_array")] * 2
    envs = LogVectorEpisodes(SyncVectorEnv(makers, autoreset_mode=mode), run.block("train"), video_every=2)
    play_vector(envs, steps=sum(LENGTHS) + 3)
    assert [each["frames"] for each in videos(run)][:2] == [LENGTHS[0] + 1, LENGTHS[2] + 1]


def render_of(kind: str):
    def render(self):
        if kind == "none":
            return None
        if kind == "lost" and self.steps == 2:
            raise RuntimeError("gl lost")
        shape = {"resized": (8 + self.steps, 8, 3), "alpha": (8, 8, 4)}.get(kind, (8, 8, 3))
        return np.full(shape, 200.0 if kind == "float" else 200, None if kind == "float" else np.uint8)

    return render


@pytest.mark.parametrize(
    ("kind", "said", "frames"),
    [
        ("none", "could not be rendered: ValueError", []),
        ("lost", "could not be rendered: RuntimeError\\('gl lost'\\)", [2]),
        ("resized", "the video 'episode' at exp_num 0 was left out", []),
        ("alpha", "was left out.*no transparency", []),
        ("float", "was left out", []),
    ],
)
def test_a_film_that_cannot_be_made_does_not_end_the_training(run, monkeypatch, kind, said, frames):
    monkeypatch.setattr(Count, "render", render_of(kind))
    env = LogEpisodes(Count(render_mode="rgb_array"), run.block("train"), video_every=4)
    with pytest.warns(LogWarning, match=said):
        play(env, steps=LENGTHS[0] + LENGTHS[1])
    assert [each["frames"] for each in videos(run)] == frames
    assert len(rows(run.scenario_dir)) == 2


@pytest.mark.parametrize("fps", [2000, 0.0001, -3, 0, "fast", [30], float("nan")])
def test_a_pace_that_no_video_can_have_is_the_usual_one(run, fps):
    env = Count(render_mode="rgb_array")
    env.metadata = {**env.metadata, "render_fps": fps}
    wrapped = LogEpisodes(env, run.block("train"), video_every=4)
    with pytest.warns(LogWarning, match="its videos have 30 frames a second"):
        play(wrapped, steps=LENGTHS[0])
    assert [each["fps"] for each in videos(run)] == [30]


def test_a_long_film_leaves_frames_out(monkeypatch):
    from l2logger import film

    monkeypatch.setattr(film, "MAX_BYTES", 10 * 192)
    reel = film.Film(20.0)
    for number in range(100):
        reel.add(np.full((8, 8, 3), number, dtype=np.uint8))
    shown = [int(frame[0, 0, 0]) for frame in reel.frames]
    assert len(shown) <= 10
    assert (shown[0], {b - a for a, b in pairwise(shown)}) == (0, {16})
    assert reel.fps == 20 / 16


@pytest.mark.parametrize(
    ("every", "mode", "message"), [(0, "rgb_array", "from 1 on, got 0"), (1, None, "render_mode='rgb_array'")]
)
def test_videos_that_cannot_be_made_are_refused(run, every, mode, message):
    with pytest.raises(ConfigError, match=message):
        LogEpisodes(gymnasium.make("l2/Count-v3", render_mode=mode), run, video_every=every)


def test_what_is_logged_is_read_back(run):
    play(LogEpisodes(gymnasium.make("l2/Count-v3"), run.block("train")), steps=4)
    run.close()
    found = read.records(run.scenario_dir).project("length, terminated, reward").fetchall()
    assert found == [(3.0, 1.0, 3.0), (1.0, 0.0, 1.0)]


def test_a_missing_gymnasium_says_what_to_install():
    script = "import sys; sys.modules['gymnasium'] = None\ntry: import l2logger.gymnasium\nexcept ImportError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert 'pip install "l2logger[gymnasium]"' in done.stdout


def test_a_handle_with_a_block_type_begins_such_a_block(make):
    """What is bound is what is meant: tests are no training."""
    logger = make(logger_info={"metrics_columns": [*METRICS]})
    env = LogEpisodes(gymnasium.make("CartPole-v1", max_episode_steps=3), logger.bind(block_type="test"))
    assert env.block.block_type == "test"
    assert LogEpisodes(gymnasium.make("CartPole-v1"), logger).block.block_type == "train"
