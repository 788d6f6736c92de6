"""Stable-Baselines3: callbacks that log what a model does while it learns.

    from l2logger.sb3 import METRICS, callbacks

    with DataLogger("logs", "cartpole", {"metrics_columns": [*METRICS]}) as logger, logger.block("train") as block:
        model = PPO("MlpPolicy", "CartPole-v1")
        model.learn(100_000, callback=callbacks(block, eval_env=gymnasium.make("CartPole-v1"), save_freq=10_000))

Frequencies are as in Stable-Baselines3: so many steps of the vector of environments, whatever its size. Needs
``pip install "l2logger[sb3]"``.
"""

import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from l2logger.episodes import METRICS_WITH_MEAN as METRICS

if TYPE_CHECKING:
    import gymnasium
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecEnv

    from l2logger.blocks import Block
    from l2logger.bound import BoundLogger
    from l2logger.l2logger import DataLogger
    from l2logger.sb3.checkpoints import LogCheckpoints
    from l2logger.sb3.episodes import LogEpisodes, evaluate
    from l2logger.sb3.evaluations import LogEvaluations
    from l2logger.sb3.kv_writer import KVWriter, LogValues
    from l2logger.sb3.videos import LogVideos

_HOMES = {
    "KVWriter": "kv_writer",
    "LogCheckpoints": "checkpoints",
    "LogEpisodes": "episodes",
    "LogEvaluations": "evaluations",
    "LogValues": "kv_writer",
    "LogVideos": "videos",
    "evaluate": "episodes",
}

_EVAL_FREQ = 10_000

__all__ = [
    "KVWriter",
    "LogCheckpoints",
    "LogEpisodes",
    "LogEvaluations",
    "LogValues",
    "LogVideos",
    "METRICS",
    "callbacks",
    "evaluate",
]


def callbacks(
    to: "Block | DataLogger | BoundLogger",
    eval_env: "gymnasium.Env[Any, Any] | VecEnv | None" = None,
    *,
    eval_freq: int | None = None,
    n_eval_episodes: int = 5,
    deterministic: bool = True,
    save_freq: int | None = None,
    keep: int = 3,
    video_freq: int | None = None,
    model_name: str = "model",
    task_name: str | Iterable[str] | None = None,
    task_params: Mapping[str, Any] | Iterable[Mapping[str, Any]] | None = None,
    info_metrics: Iterable[str] = (),
    window: int = 100,
) -> "list[BaseCallback]":
    """Return callbacks for ``model.learn(callback=...)``.

    The first of them is `LogEpisodes`; set its ``block`` to go on with all of them in another block.

    Args:
        to: The block to log to, or a logger, of which a train block begins now.
        eval_env: Where the model is evaluated, apart from the records of the log: its metrics are ``eval/mean_reward``,
            ``eval/std_reward`` and so on, the model with the best mean so far is the version ``"best"`` of the artifact, and all results are in
            ``sb3/evaluations.npz``, as Stable-Baselines3 writes it. For records in a test block, see `evaluate`.
        eval_freq: After how many steps of the vector; 10,000 by default.
        n_eval_episodes: Episodes in each evaluation.
        deterministic: Take the most likely action in evaluations and videos.
        save_freq: After how many steps of the vector to save the model.
        keep: How many of the newest saved models stay, besides the best.
        video_freq: After how many steps of the vector to film an episode in `eval_env`, which must be made with
            ``render_mode="rgb_array"``.
        model_name: Of the artifact.
        task_name: ``<task>_<variant>``, one for all environments or one for each; by default from their ids.
        task_params: What is special about the task, the same for all or a list; by default the ids and the arguments that the
            environments were made with.
        info_metrics: Further columns: names of numbers in the ``info`` of an episode's last step.
        window: Over how many episodes mean and standard deviation are taken.

    Raises:
        ConfigError: An argument is not what it should be.
        ImportError: Stable-Baselines3 is not installed.
    """
    from l2logger.errors import ConfigError

    for what, freq in (("eval_freq", eval_freq), ("video_freq", video_freq)):
        if eval_env is None and freq is not None:
            raise ConfigError(f"{what} is about episodes in eval_env; give that as well")
    for what, freq in (("eval_freq", eval_freq), ("save_freq", save_freq), ("video_freq", video_freq)):
        if freq is not None and (type(freq) is not int or freq < 1):
            raise ConfigError(f"{what} must be a whole number of steps from 1 on, got {freq!r}")
    episodes = _load("LogEpisodes")(
        to, task_name=task_name, task_params=task_params, info_metrics=info_metrics, window=window
    )
    recorded = () if eval_env is None else _load("RECORDED", "evaluations")  # which are logged with more beside them
    made = [episodes, _load("LogValues")(episodes, without=recorded)]
    if eval_env is not None:
        eval_env = _load("vector_of", "vectors")(eval_env)
        options = {
            "eval_freq": eval_freq or _EVAL_FREQ,
            "n_eval_episodes": n_eval_episodes,
            "deterministic": deterministic,
        }
        made.append(_load("LogEvaluations")(episodes, eval_env, model_name=model_name, keep=keep, **options))
    if save_freq is not None:
        made.append(_load("LogCheckpoints")(episodes, save_freq, model_name=model_name, keep=keep))
    if video_freq is not None:
        made.append(_load("LogVideos")(episodes, eval_env, video_freq, deterministic=deterministic))
    return made


def _load(name: str, home: str = "") -> Any:
    try:
        return getattr(importlib.import_module(f"l2logger.sb3.{home or _HOMES[name]}"), name)
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "l2logger":
            raise
        raise ImportError(f'l2logger.sb3 needs Stable-Baselines3: pip install "l2logger[sb3]" ({error})') from error


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return _load(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
