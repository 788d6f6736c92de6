"""Configure a run with Hydra: a file of YAML, and what is given on the command line.

``python hydra_config.py`` climbs a hill on CartPole; the log is a new directory below ``logs``. With
``python hydra_config.py learner.noise=0.1 logger.sinks=console`` it is watched, and
``python hydra_config.py --multirun learner.noise=0.1,0.5`` makes two runs. Needs ``pip install hydra-core "l2logger[gymnasium]"``.
"""

from typing import Any

import gymnasium
import hydra
import numpy as np
from omegaconf import DictConfig

import l2logger


def play(env: Any, weights: Any, seed: int) -> float:
    """Return the rewards of one episode, in which the cart is pushed to where the weights say."""
    observation, _ = env.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        observation, reward, terminated, truncated, _ = env.step(int(observation @ weights > 0))
        total += float(reward)
        over = terminated or truncated
    return total


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg: DictConfig) -> None:
    logger, env = l2logger.from_config(cfg, gymnasium.make(**cfg.env))
    with logger:
        random = np.random.default_rng(cfg.seed)
        best, best_return = np.zeros(4), 0.0
        for episode in range(cfg.episodes):
            weights = best + cfg.learner.noise * random.normal(size=4)
            if (found := play(env, weights, cfg.seed + episode)) >= best_return:
                best, best_return = weights, found
            logger.log_metrics(best_return=best_return, size=np.linalg.norm(best), step=episode)
    print(f"a return of {best_return:.0f}: {logger.scenario_dir}")


if __name__ == "__main__":
    main()
