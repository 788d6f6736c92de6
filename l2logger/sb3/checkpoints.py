"""The model, from time to time."""

from typing import TYPE_CHECKING

from stable_baselines3.common.callbacks import BaseCallback

from l2logger.sb3.episodes import LogEpisodes, logger_of
from l2logger.sb3.kv_writer import CLOCK

if TYPE_CHECKING:
    from l2logger.blocks import Block
    from l2logger.bound import BoundLogger
    from l2logger.l2logger import DataLogger


class LogCheckpoints(BaseCallback):
    """Save the model as the next version of an artifact, with ``model.save``: ``PPO.load`` loads it.

    Args:
        to: A logger or block.
        save_freq: After how many steps of the vector.
        model_name: Of the artifact.
        keep: How many of the newest versions stay, besides the best; None: all.

    Example:
        >>> logger.load_model("model", using=PPO.load)  # doctest: +SKIP
    """

    def __init__(
        self,
        to: "LogEpisodes | Block | DataLogger | BoundLogger",
        save_freq: int,
        *,
        model_name: str = "model",
        keep: int | None = 3,
    ) -> None:
        super().__init__()
        self._to = to
        self._save_freq = save_freq
        self._model_name = model_name
        self._keep = keep

    def _on_step(self) -> bool:
        if self.n_calls % self._save_freq == 0:
            logger_of(self._to).save_model(
                self.model,
                self._model_name,
                {CLOCK: self.num_timesteps},
                keep=self._keep,
                step=self.num_timesteps,
                clock=CLOCK,
            )
        return True
