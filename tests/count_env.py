"""An environment whose episodes are known beforehand."""

from typing import Any

import gymnasium
import numpy as np

LENGTHS = (3, 1, 4, 2)


class Count(gymnasium.Env[Any, Any]):
    """Episodes of `LENGTHS` steps, in turn from `first` on, of which every other one is truncated.

    Each step gives `reward`; each reset would give a thousand, if it gave anything. The info of a last step has the
    number of the episode.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012
    observation_space = gymnasium.spaces.Box(0, 100, (1,), np.float64)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, first: int = 0, reward: float = 1.0, render_mode: str | None = None) -> None:
        self.episode = first - 1
        self.gain = reward
        self.render_mode = render_mode
        self.steps = 0

    def _seen(self) -> Any:
        return np.array([self.steps], dtype=np.float64)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.episode += 1
        self.steps = 0
        return self._seen(), {"reset": 1000.0}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        is_over = self.steps == LENGTHS[self.episode % len(LENGTHS)]
        is_odd = self.episode % 2 == 1
        return (
            self._seen(),
            self.gain,
            is_over and not is_odd,
            is_over and is_odd,
            {"number": self.episode} if is_over else {},
        )

    def render(self) -> Any:
        return np.full((8, 8, 3), 10 * self.steps + self.episode, dtype=np.uint8)


gymnasium.register("l2/Count-v3", entry_point="count_env:Count", max_episode_steps=50)
