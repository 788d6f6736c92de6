"""What a model does, to look at."""

from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import sync_envs_normalization

from l2logger.film import Film, check_pictures, fps_of
from l2logger.sb3.episodes import LogEpisodes, logger_of
from l2logger.sb3.kv_writer import CLOCK
from l2logger.sb3.vectors import vector_of

if TYPE_CHECKING:
    import gymnasium
    from stable_baselines3.common.vec_env import VecEnv

    from l2logger.blocks import Block
    from l2logger.bound import BoundLogger
    from l2logger.l2logger import DataLogger


class LogVideos(BaseCallback):
    """Let the model play an episode from time to time, and log a video of it.

    Args:
        to: A logger or block.
        eval_env: Where it plays; it must be made with ``render_mode="rgb_array"``. Of a vector, the first environment is filmed.
        video_freq: After how many steps of the training vector.
        deterministic: Take the most likely action.
        max_steps: Where an episode is broken off.

    Raises:
        ConfigError: The environment makes no pictures.
    """

    def __init__(
        self,
        to: "LogEpisodes | Block | DataLogger | BoundLogger",
        eval_env: "gymnasium.Env[Any, Any] | VecEnv",
        video_freq: int,
        *,
        deterministic: bool = True,
        max_steps: int = 10_000,
    ) -> None:
        super().__init__()
        self._env = vector_of(eval_env)
        check_pictures("video_freq", self._env)
        self._to = to
        self._video_freq = video_freq
        self._deterministic = deterministic
        self._max_steps = max_steps

    def _on_step(self) -> bool:
        if self.n_calls % self._video_freq == 0:
            self._play().log(logger_of(self._to), "eval/episode", self.num_timesteps, CLOCK)
        return True

    def _play(self) -> Film:
        if self.model.get_vec_normalize_env() is not None:
            sync_envs_normalization(self.training_env, self._env)
        film = Film(fps_of(self._env))
        seen: Any = self._env.reset()
        state, starts = None, np.ones(self._env.num_envs, dtype=bool)
        for _ in range(self._max_steps):
            film.shoot(lambda: self._env.get_images()[0])
            actions, state = self.model.predict(seen, state, starts, deterministic=self._deterministic)
            seen, _, starts, _ = self._env.step(actions)
            if starts[0]:  # the vector has reset it, so its last state cannot be seen any more
                break
        return film
