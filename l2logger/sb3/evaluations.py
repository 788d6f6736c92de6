"""How good a model is from time to time, apart from what it does to learn."""

import os
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from stable_baselines3.common.callbacks import EvalCallback

from l2logger.sb3.episodes import LogEpisodes, logger_of
from l2logger.sb3.kv_writer import CLOCK
from l2logger.sb3.vectors import vector_of

if TYPE_CHECKING:
    import gymnasium
    from stable_baselines3.common.vec_env import VecEnv

    from l2logger.blocks import Block
    from l2logger.bound import BoundLogger
    from l2logger.l2logger import DataLogger

DIRECTORY: Final = "sb3"
"""Where ``evaluations.npz`` is, in the run."""

BEST: Final = "eval/mean_reward"

RECORDED: Final = ("eval/mean_reward", "eval/mean_ep_length")
"""What `EvalCallback` records itself, without the standard deviations."""


class LogEvaluations(EvalCallback):
    """Evaluate as `EvalCallback` does, log the results as metrics, and save each model that is better than those before.

    Its metrics are ``eval/mean_reward``, ``eval/std_reward``, ``eval/mean_ep_length`` and ``eval/std_ep_length`` on the clock
    ``"timesteps"``. ``sb3/evaluations.npz`` in the run has all results; an evaluation of the same number of episodes goes on with one
    that is there.

    Args:
        to: A logger or block.
        eval_env: Where the model is evaluated.
        eval_freq: After how many steps of the vector.
        n_eval_episodes: Episodes in each evaluation.
        deterministic: Take the most likely action.
        model_name: Of the artifact; its version ``"best"`` is the model with the best mean.
        keep: How many of the newest versions stay, besides the best.
        verbose: 1 prints the results, too.
    """

    def __init__(
        self,
        to: "LogEpisodes | Block | DataLogger | BoundLogger",
        eval_env: "gymnasium.Env[Any, Any] | VecEnv",
        eval_freq: int = 10_000,
        n_eval_episodes: int = 5,
        *,
        deterministic: bool = True,
        model_name: str = "model",
        keep: int | None = 3,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            vector_of(eval_env),
            eval_freq=eval_freq,
            n_eval_episodes=n_eval_episodes,
            log_path=os.path.join(logger_of(to).run.root, DIRECTORY),
            deterministic=deterministic,
            verbose=verbose,
        )
        self._to = to
        self._model_name = model_name
        self._keep = keep
        self._load()

    def _load(self) -> None:
        """Take up the evaluations that are in the run already."""
        try:
            with np.load(f"{self.log_path}.npz") as found:
                if found["results"].shape[1:] == (self.n_eval_episodes,):
                    self.evaluations_timesteps = found["timesteps"].tolist()
                    self.evaluations_results = found["results"].tolist()
                    self.evaluations_length = found["ep_lengths"].tolist()
                    self.evaluations_successes = found["successes"].tolist() if "successes" in found else []
        except (OSError, ValueError, KeyError):  # there are none, or the process died while writing them
            return

    def _on_step(self) -> bool:
        done, best = len(self.evaluations_timesteps), self.best_mean_reward
        goes_on = super()._on_step()
        if len(self.evaluations_timesteps) > done:
            self._log(is_best=self.best_mean_reward > best)
        return goes_on

    def _log(self, *, is_best: bool) -> None:
        rewards, lengths = self.evaluations_results[-1], self.evaluations_length[-1]
        metrics = {
            "eval/mean_reward": float(np.mean(rewards)),
            "eval/std_reward": float(np.std(rewards)),
            "eval/mean_ep_length": float(np.mean(lengths)),
            "eval/std_ep_length": float(np.std(lengths)),
        }
        to = logger_of(self._to)
        to.log_metrics(metrics, self.num_timesteps, clock=CLOCK)
        if is_best:
            to.save_model(
                self.model,
                self._model_name,
                {CLOCK: self.num_timesteps},
                metrics=metrics,
                best=BEST,
                mode="max",
                keep=self._keep,
                step=self.num_timesteps,
                clock=CLOCK,
            )
