"""Eight CartPoles side by side are learned with numpy alone, and every episode of each is logged.

Two variants of CartPole, with a short and a long pole, are trained in turn; after each train block both are tested. The
learner looks for four weights by the cross-entropy method: each environment of the vector tries weights of its own, for
one episode.

What it shows of l2logger: blocks and experiences that number themselves, and `LogVectorEpisodes`, which logs the episodes
of a vector of environments as they end, with task, return and length. Nothing else is there to be logged by hand.

    pip install "l2logger[gymnasium]"
    python gymnasium_vector.py --episodes 400 --dir logs
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator

import gymnasium
import numpy as np
from gymnasium.vector import SyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from l2logger import DataLogger
from l2logger.blocks import Block
from l2logger.gymnasium import METRICS, LogVectorEpisodes

TASKS = {"CartPole_short": {"length": 0.25}, "CartPole_long": {"length": 2.0}}
ABOUT = {"author": "l2logger", "complexity": "1-low", "difficulty": "1-easy", "scenario_type": "alternating"}
ENVIRONMENTS = 8
TEST_EPISODES = 16


def make_env(length: float) -> gymnasium.Env:
    env = gymnasium.make("CartPole-v1")
    physics = env.unwrapped
    physics.length = length
    physics.polemass_length = physics.masspole * length  # CartPole works it out once, from the usual length
    return env


class Learner:
    """Look for good weights around the best of those that were tried."""

    TRIALS, BEST = 24, 6

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.weights = np.zeros(4)
        self.spread = np.ones(4)
        self.trials: list[tuple[float, np.ndarray]] = []

    def propose(self) -> np.ndarray:
        return self.rng.normal(self.weights, self.spread)

    def learn(self, weights: np.ndarray, reward: float) -> None:
        self.trials.append((reward, weights))
        if len(self.trials) == self.TRIALS:
            best = np.array([weights for _, weights in sorted(self.trials, key=lambda trial: -trial[0])[: self.BEST]])
            self.weights, self.spread = best.mean(axis=0), best.std(axis=0) + 0.1
            self.trials = []


def episodes(task: str, block: Block, weights: np.ndarray, count: int, seed: int) -> Iterator[tuple[int, float]]:
    """Play and log at least `count` episodes; yield environment and return of each as it ends.

    Args:
        task: Which one.
        block: The block to log to.
        weights: Those of each environment, which may be changed between episodes.
        count: How many.
        seed: Of the environments.
    """
    envs = SyncVectorEnv([lambda: make_env(**TASKS[task])] * ENVIRONMENTS)
    envs = LogVectorEpisodes(RecordEpisodeStatistics(envs), block, task_name=task, task_params=TASKS[task])
    states, _ = envs.reset(seed=seed)
    while count > 0:
        states, _, _, _, infos = envs.step(((states * weights).sum(axis=1) > 0).astype(int))
        for place in np.flatnonzero(infos.get("_episode", ())):
            yield place, float(infos["episode"]["r"][place])
            count -= 1
    envs.close()


def train(learner: Learner, task: str, block: Block, count: int, seed: int) -> list[float]:
    learner.spread = np.ones(4)
    weights = np.array([learner.propose() for _ in range(ENVIRONMENTS)])
    returns = []
    for place, total in episodes(task, block, weights, count, seed):
        learner.learn(weights[place].copy(), total)
        weights[place] = learner.propose()
        returns.append(total)
    return returns


def test(learner: Learner, task: str, block: Block, seed: int) -> list[float]:
    weights = np.tile(learner.weights, (ENVIRONMENTS, 1))
    return [total for _, total in episodes(task, block, weights, TEST_EPISODES, seed)]


def show(block: Block, task: str, returns: list[float]) -> None:
    mean = np.mean(returns)
    print(f"{block.block_num:5} {block.block_type:5} {task:15} {mean:6.1f} {'#' * int(mean / 10)}", flush=True)


def run(logger: DataLogger, rounds: int, count: int, seed: int) -> None:
    """Train the tasks in turn, and test all of them after each."""
    learner = Learner(np.random.default_rng(seed))
    for _ in range(rounds):
        for learned in TASKS:
            with logger.block("train") as block:
                show(block, learned, train(learner, learned, block, count, seed))
            with logger.block("test") as block:
                for task in TASKS:
                    show(block, task, test(learner, task, block, seed))


def main() -> None:
    parser = argparse.ArgumentParser(description="Log a vector of environments.")
    parser.add_argument("--episodes", type=int, default=400, help="in each train block (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each task is trained (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of learner and environments (default: %(default)s)")
    parser.add_argument("--dir", default="logs", help="where the log goes (default: %(default)s)")
    args = parser.parse_args()
    if min(args.episodes, args.rounds) < 1:
        parser.error("--episodes and --rounds must be at least 1")

    with DataLogger(args.dir, "gymnasium_vector", {"metrics_columns": [*METRICS]}, ABOUT) as logger:
        run(logger, args.rounds, args.episodes, args.seed)

    print(f"\nLog: {logger.scenario_dir}")
    for command in (["validate", "--strict"], ["summary"]):
        print(f"\n$ l2logger {' '.join(command)} {logger.scenario_dir}", flush=True)
        subprocess.run([sys.executable, "-m", "l2logger", *command, logger.scenario_dir], check=True)


if __name__ == "__main__":
    main()
