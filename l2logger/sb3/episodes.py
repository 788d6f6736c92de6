"""Finished episodes as records of a block, while a model learns and when it is tested."""

import math
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy

from l2logger.blocks import Block
from l2logger.episode_log import EpisodeLog
from l2logger.episodes import block_of, metrics_of_episode, tasks_of
from l2logger.errors import ConfigError
from l2logger.sb3.vectors import is_monitored, name_of, specs_of, vector_of

if TYPE_CHECKING:
    import gymnasium
    from stable_baselines3.common.type_aliases import PolicyPredictor
    from stable_baselines3.common.vec_env import VecEnv

    from l2logger.bound import BoundLogger
    from l2logger.l2logger import DataLogger

TaskNames = str | Iterable[str] | None
TaskParams = Mapping[str, Any] | Iterable[Mapping[str, Any]] | None


class LogEpisodes(BaseCallback):
    """Log every finished episode of the training environments, with mean and standard deviation of the last returns.

    Where there is a `Monitor` or `VecMonitor`, episodes and returns are those that it sees, before wrappers around it change them.

    Args:
        to: The block to log to, or a logger, of which a train block begins now.
        task_name: ``<task>_<variant>``, one for all environments or one for each; by default from their ids.
        task_params: What is special about the task, the same for all or a list; by default the ids and the arguments that the
            environments were made with.
        info_metrics: Further columns: names of numbers in the ``info`` of an episode's last step, NaN where there is none.
        window: Over how many episodes of a block mean and standard deviation are taken.
    """

    def __init__(
        self,
        to: "Block | DataLogger | BoundLogger",
        *,
        task_name: TaskNames = None,
        task_params: TaskParams = None,
        info_metrics: Iterable[str] = (),
        window: int = 100,
    ) -> None:
        super().__init__()
        self._log = EpisodeLog(to, info_metrics)
        self._task_name = task_name
        self._task_params = task_params
        if type(window) is not int or window < 1:
            raise ConfigError(f"window must be a whole number of episodes from 1 on, got {window!r}")
        self._last: deque[float] = deque(maxlen=window)
        self._env: VecEnv | None = None

    @property
    def block(self) -> Block:
        """The block that episodes are logged to when they end; another one may be set at any time."""
        return self._log.block

    @block.setter
    def block(self, to: "Block | DataLogger | BoundLogger") -> None:
        self._log.block = to
        self._last.clear()

    def attach(self, env: "VecEnv") -> None:
        """Begin with new episodes of these environments."""
        self._env = env
        given = self._task_name is not None and self._task_params is not None
        # Workers of a vector die of what they cannot pickle, so they are not asked without need.
        specs = [None] * env.num_envs if given else specs_of(env)
        self.tasks = tasks_of(specs, self._task_name, self._task_params, name_of(env))
        self._monitored = is_monitored(env)
        self._returns = [0.0] * env.num_envs
        self._lengths = [0] * env.num_envs

    def see(self, index: int, reward: Any, done: Any, info: Mapping[str, Any]) -> float | None:
        """Take note of a step of one environment, and log the episode if it is over; return its return then."""
        self._returns[index] += float(reward)
        self._lengths[index] += 1
        told = info.get("episode") if self._monitored else None
        if not done or (self._monitored and told is None):  # some wrappers say done when a life is lost
            return None
        total, length = (told["r"], told["l"]) if told else (self._returns[index], self._lengths[index])
        self._returns[index], self._lengths[index] = 0.0, 0
        truncated = bool(info.get("TimeLimit.truncated", False))
        metrics = metrics_of_episode(total, length, terminated=not truncated, truncated=truncated)
        last = [*self._last, metrics["return"]][-(self._last.maxlen or 0) :]
        mean = math.fsum(last) / len(last)
        std = math.sqrt(math.fsum((each - mean) ** 2 for each in last) / len(last))
        self._log.log(self.tasks[index], metrics | {"return_mean": mean, "return_std": std}, info)
        self._last.append(metrics["return"])
        return float(total)

    def _on_training_start(self) -> None:
        # Where learning goes on, the environments go on, too.
        if self.training_env is not self._env or self.num_timesteps == 0:
            self.attach(self.training_env)

    def _on_step(self) -> bool:
        steps = zip(self.locals["rewards"], self.locals["dones"], self.locals["infos"], strict=True)
        for index, (reward, done, info) in enumerate(steps):
            self.see(index, reward, done, info)
        return True


def evaluate(
    model: "PolicyPredictor",
    env: "gymnasium.Env[Any, Any] | VecEnv",
    to: "Block | DataLogger | BoundLogger",
    n_episodes: int = 5,
    *,
    deterministic: bool = True,
    task_name: TaskNames = None,
    task_params: TaskParams = None,
    info_metrics: Iterable[str] = (),
    window: int = 100,
) -> list[float]:
    """Let a model play whole episodes and log each as a record, as for a test block.

    Args:
        model: Anything with a method ``predict``.
        env: Where it plays, from a reset on.
        to: The block to log to, or a logger, of which a test block begins now.
        n_episodes: How many episodes.
        deterministic: Take the most likely action.
        task_name: As for `LogEpisodes`.
        task_params: As for `LogEpisodes`.
        info_metrics: As for `LogEpisodes`.
        window: As for `LogEpisodes`.

    Returns:
        The return of each episode.

    Example:
        >>> with logger.block("test") as block:  # doctest: +SKIP
        ...     evaluate(model, env, block, 10)
    """
    vector = vector_of(env)
    block = block_of(to, "test")
    log = LogEpisodes(block, task_name=task_name, task_params=task_params, info_metrics=info_metrics, window=window)
    log.attach(vector)
    returns: list[float] = []

    def see(found: dict[str, Any], _: dict[str, Any]) -> None:
        total = log.see(found["i"], found["reward"], found["done"], found["info"])
        if total is not None:
            returns.append(total)

    evaluate_policy(model, vector, n_episodes, deterministic=deterministic, callback=see, warn=False)
    return returns


def logger_of(to: "LogEpisodes | Block | DataLogger | BoundLogger") -> "DataLogger | BoundLogger":
    """Return what logs other signals beside these records."""
    if isinstance(to, LogEpisodes):
        to = to.block
    return to.logger if isinstance(to, Block) else to
