"""Wrappers for Gymnasium that log every finished episode.

    with DataLogger("logs", "cartpole", {"metrics_columns": [*METRICS]}) as logger, logger.block("train") as block:
        env = LogEpisodes(gymnasium.make("CartPole-v1"), block)

An episode is counted when it ends, in the block that the wrapper has then, though it may have begun in the one before. What is
broken off by a reset, or not over when the environment is closed, is not logged. Needs ``pip install "l2logger[gymnasium]"``.
"""

import pickle
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, SupportsFloat

from l2logger.episode_log import EpisodeLog
from l2logger.episodes import METRICS, Task, metrics_of_episode, task_of, tasks_of
from l2logger.errors import ConfigError
from l2logger.film import Camera
from l2logger.host import to_host

try:
    import gymnasium
    import numpy as np
    from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv, VectorWrapper
except ImportError as error:
    raise ImportError('l2logger.gymnasium needs Gymnasium 1.1 or newer: pip install "l2logger[gymnasium]"') from error

if TYPE_CHECKING:
    from l2logger.blocks import Block
    from l2logger.bound import BoundLogger
    from l2logger.l2logger import DataLogger

__all__ = ["METRICS", "LogEpisodes", "LogVectorEpisodes"]


class LogEpisodes(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Log every finished episode of an environment as a record of a block.

    Wrap it around all other wrappers, so that it counts what the learner sees.

    Args:
        env: The environment.
        to: The block to log to, or a logger, of which a train block begins now.
        task_name: ``<task>_<variant>``; by default from the environment's id, ``CartPole-v1`` being ``CartPole_v1``.
        task_params: What is special about the task; by default the id and the arguments that the environment was made with.
        info_metrics: Further columns: names of numbers in the ``info`` of an episode's last step, NaN where there is none. They
            belong into ``metrics_columns`` beside `METRICS`.
        video_every: Make a video of the first and then each so many episodes; the environment must be made with
            ``render_mode="rgb_array"``.

    Attributes:
        task_name, task_params: What the episodes that end from now on are logged as.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    def __init__(
        self,
        env: "gymnasium.Env[Any, Any]",
        to: "Block | DataLogger | BoundLogger",
        *,
        task_name: str | None = None,
        task_params: Mapping[str, Any] | None = None,
        info_metrics: Iterable[str] = (),
        video_every: int | None = None,
    ) -> None:
        super().__init__(env)
        task = task_of(env.spec, task_name, task_params, type(env.unwrapped).__name__)
        self.task_name, self.task_params = task
        self._camera = Camera(env, video_every)
        self._log = EpisodeLog(to, info_metrics)
        self._return = 0.0
        self._length = 0
        self._is_over = True

    @property
    def block(self) -> "Block":
        """The block that episodes are logged to when they end; another one may be set at any time."""
        return self._log.block

    @block.setter
    def block(self, to: "Block | DataLogger | BoundLogger") -> None:
        self._log.block = to

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        result = super().reset(seed=seed, options=options)
        self._begin()
        return result

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        result = super().step(action)
        if self._is_over:
            self._begin()  # gymnasium.wrappers.Autoreset resets in the step after the last, which is no step of an episode
            return result
        _, reward, terminated, truncated, info = result
        self._return += float(reward)
        self._length += 1
        self._camera.shoot()
        if terminated or truncated:
            self._is_over = True
            metrics = metrics_of_episode(self._return, self._length, terminated=terminated, truncated=truncated)
            self._log.log(Task(self.task_name, self.task_params), metrics, info, self._camera.end())
        return result

    def _begin(self) -> None:
        self._return, self._length, self._is_over = 0.0, 0, False
        self._camera.begin()


class LogVectorEpisodes(VectorWrapper[Any, Any, Any, Any, Any]):
    """Log every finished episode of each environment of a vector as a record of a block.

    The steps in which environments are reset are not counted, in whichever mode that is done.

    Args:
        env: The vector, of any autoreset mode.
        to: The block to log to, or a logger, of which a train block begins now.
        task_name: ``<task>_<variant>``, one for all environments or one for each; by default from their ids.
        task_params: What is special about the task, the same for all or a list; by default the ids and the arguments that the
            environments were made with.
        info_metrics: As for `LogEpisodes`.
        video_every: The same, for the episodes of the first environment.

    Attributes:
        tasks: The task of each environment.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    def __init__(
        self,
        env: "VectorEnv[Any, Any, Any]",
        to: "Block | DataLogger | BoundLogger",
        *,
        task_name: str | Iterable[str] | None = None,
        task_params: Mapping[str, Any] | Iterable[Mapping[str, Any]] | None = None,
        info_metrics: Iterable[str] = (),
        video_every: int | None = None,
    ) -> None:
        super().__init__(env)
        given = task_name is not None and task_params is not None
        specs = [None] * env.num_envs if given else _specs_of(env)
        self.tasks = tasks_of(specs, task_name, task_params, type(env.unwrapped).__name__)
        self._camera = Camera(env, video_every)
        self._log = EpisodeLog(to, info_metrics)
        self._mode = AutoresetMode(env.metadata.get("autoreset_mode") or AutoresetMode.NEXT_STEP)
        self._returns = np.zeros(env.num_envs)
        self._lengths = np.zeros(env.num_envs, dtype=np.int64)
        self._are_over = np.ones(env.num_envs, dtype=np.bool_)

    @property
    def block(self) -> "Block":
        """The block that episodes are logged to when they end; another one may be set at any time."""
        return self._log.block

    @block.setter
    def block(self, to: "Block | DataLogger | BoundLogger") -> None:
        self._log.block = to

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        mask = None if options is None else options.get("reset_mask")  # which the environments take out of it
        result = super().reset(seed=seed, options=options)
        self._begin(np.ones(self.num_envs, dtype=np.bool_) if mask is None else np.array(mask, dtype=np.bool_))
        return result

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        result = super().step(actions)
        rewards, terminated, truncated = (np.asarray(to_host(each)) for each in result[1:4])
        counted = ~self._are_over
        self._returns[counted] += rewards[counted]
        self._lengths += counted
        if counted[0]:
            self._camera.shoot()
        ended = (terminated | truncated) & counted
        for index in np.flatnonzero(ended):
            self._end(int(index), terminated[index], truncated[index], result[4])
        if self._mode == AutoresetMode.SAME_STEP:
            self._begin(ended)
        elif self._mode == AutoresetMode.NEXT_STEP:
            self._begin(~counted)
            self._are_over = ended
        else:
            self._are_over |= ended
        return result

    def _end(self, index: int, terminated: Any, truncated: Any, infos: dict[str, Any]) -> None:
        metrics = metrics_of_episode(
            self._returns[index], self._lengths[index], terminated=terminated, truncated=truncated
        )
        if self._mode == AutoresetMode.SAME_STEP:
            infos = infos.get("final_info", {})
        info = {
            name: infos[name][index]
            for name in self._log.info_metrics
            if name in infos and (f"_{name}" not in infos or infos[f"_{name}"][index])
        }
        film = self._camera.end() if index == 0 else None
        self._log.log(self.tasks[index], metrics, info, film)

    def _begin(self, which: Any) -> None:
        self._returns[which] = 0
        self._lengths[which] = 0
        self._are_over[which] = False
        if which[0]:
            self._camera.begin()


def _specs_of(env: "VectorEnv[Any, Any, Any]") -> list[Any]:
    """Return the specification of each environment of a vector, None for what has none."""
    unwrapped = env.unwrapped
    if env.spec is not None:  # made by make_vec, all alike
        return [env.spec] * env.num_envs
    if isinstance(unwrapped, SyncVectorEnv):
        return [each.spec for each in unwrapped.envs]
    if isinstance(unwrapped, AsyncVectorEnv):
        # A worker that cannot pickle what it is asked for dies, so one like the first is asked here.
        probe = unwrapped.env_fns[0]()
        spec = probe.spec
        probe.close()
        try:
            pickle.dumps(spec)
        except Exception as error:
            raise ConfigError(
                f"what the environments are cannot be told, so give task_name and task_params: {error}"
            ) from error
        return list(unwrapped.get_attr("spec"))
    return [None] * env.num_envs
