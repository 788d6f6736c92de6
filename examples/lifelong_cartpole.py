"""A learner meets CartPole under changing physics, forgets, sleeps, and remembers; all of it is logged.

Three variants of Gymnasium's CartPole differ in gravity, pole and motor. They are trained one after the other, and
after each of them all three are tested, so the log shows what learning one did to the others. At the end of a round
the learner sleeps: it fits a model of each variant to the transitions it remembers and searches, in dreams of all of
them, for one policy that copes with every variant. A test block of subtype ``sleep`` shows what that was good for.

What it shows of l2logger: `DataLogger.bind` as the style of the loop, one record for each episode, a count of blocks
and a count of experiences over the whole run; with ``--live``, mirrors on the terminal, in TensorBoard and in W&B, which
need nothing but to be named; then `l2logger.read`, and the commands that check and sum up a log.

    pip install "l2logger[examples,tensorboard,wandb]"
    python lifelong_cartpole.py --episodes 600 --seed 0 --dir logs --live
"""

import argparse
import itertools
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import gymnasium
import numpy as np

from l2logger import DataLogger, read
from l2logger.sinks import ConsoleSink, Sink, TensorBoardSink, WandbSink

TASKS = {
    "CartPole_earth": {"gravity": 9.8, "length": 0.5, "force_mag": 10.0},
    "CartPole_longpole": {"gravity": 9.8, "length": 2.5, "force_mag": 10.0},
    "CartPole_strongmotor": {"gravity": 24.8, "length": 0.3, "force_mag": 40.0},
}
ABOUT = {"author": "l2logger", "complexity": "1-low", "difficulty": "1-easy", "scenario_type": "custom"}
ROUNDS = 2
TEST_EPISODES = 10


def curriculum() -> Iterator[tuple[str, str, list[str]]]:
    """Yield type, subtype and tasks of each block: train and test in turn, and a test after sleep in each round."""
    yield "test", "wake", list(TASKS)
    for _ in range(ROUNDS):
        for task in TASKS:
            yield "train", "wake", [task]
            yield "test", "wake", list(TASKS)
        yield "test", "sleep", list(TASKS)


class Episode(NamedTuple):
    """What happened in an episode: n pushes (-1 left, 1 right) lead from the first of n + 1 states to the last."""

    reward: float
    states: np.ndarray
    pushes: np.ndarray


def make_env(task: str, seed: int) -> gymnasium.Env:
    env = gymnasium.make("CartPole-v1")
    physics = env.unwrapped
    for name, value in TASKS[task].items():
        setattr(physics, name, value)
    physics.polemass_length = physics.masspole * physics.length  # CartPole works it out once, from the usual length
    env.reset(seed=seed)
    return env


def play(env: gymnasium.Env, weights: np.ndarray) -> Episode:
    """Play one episode, pushing to the side that the weighted state points to."""
    state, _ = env.reset()
    reward, done, states, pushes = 0.0, False, [state], []
    while not done:
        action = int(weights @ state > 0)
        state, gained, fell, out_of_time, _ = env.step(action)
        reward += float(gained)
        states.append(state)
        pushes.append(2 * action - 1)
        done = fell or out_of_time
    return Episode(reward, np.array(states), np.array(pushes))


class Learner:
    """Cross-entropy search for four weights: awake on episodes of one task, asleep on dreams of all tasks."""

    POPULATION, DREAMERS, DREAMS, MEMORY = 10, 100, 20, 20
    LIMITS = np.array([2.4, np.inf, np.radians(12), np.inf])  # of CartPole: beyond them the pole has fallen

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.weights = np.zeros(4)
        self.spread = np.ones(4)
        self.trials: list[tuple[np.ndarray, float]] = []
        self.memory: dict[str, list[Episode]] = {}

    def wake(self) -> None:
        """Look further afield again, because what comes next may be new."""
        self.trials = []
        self.spread = np.full(4, 0.5)

    def propose(self, count: int = 1) -> np.ndarray:
        """Return `count` sets of weights to try."""
        return self.rng.normal(self.weights, self.spread, (count, 4))

    def learn(self, task: str, weights: np.ndarray, episode: Episode) -> None:
        """Remember an episode, and move on once enough weights were tried."""
        self.memory[task] = [*self.memory.get(task, []), episode][-self.MEMORY :]
        self.trials.append((weights, episode.reward))
        if len(self.trials) == self.POPULATION:
            tried, rewards = zip(*self.trials, strict=True)
            self.select(np.array(tried), np.array(rewards))
            self.trials = []

    def select(self, tried: np.ndarray, rewards: np.ndarray) -> None:
        """Go to where the best quarter of the weights is."""
        best = tried[np.argsort(rewards)[-len(tried) // 4 :]]
        self.weights = best.mean(axis=0)
        self.spread = best.std(axis=0) + 0.05

    def sleep(self) -> None:
        """Search for weights that do well in the dreams of all remembered tasks."""
        worlds = [fit_world(episodes) for episodes in self.memory.values()]
        self.wake()
        for _ in range(self.DREAMS):
            tried = self.propose(self.DREAMERS)
            self.select(tried, np.mean([self.dream(world, tried) for world in worlds], axis=0))

    def dream(self, world: np.ndarray, tried: np.ndarray) -> np.ndarray:
        """Return for how many steps each of the weights keeps the pole up in a world that was made up."""
        states = self.rng.uniform(-0.05, 0.05, tried.shape)
        rewards = np.zeros(len(tried))
        up = np.full(len(tried), True)
        for _ in range(500):
            pushes = np.where((states * tried).sum(axis=1) > 0, 1, -1)
            states = np.column_stack([states, pushes]) @ world
            up &= (np.abs(states) < self.LIMITS).all(axis=1)
            states[~up] = 0
            rewards += up
        return rewards


def fit_world(episodes: list[Episode]) -> np.ndarray:
    """Return the 5 x 4 matrix that leads from state and push to the next state, by least squares."""
    before = np.concatenate([np.column_stack([episode.states[:-1], episode.pushes]) for episode in episodes])
    after = np.concatenate([episode.states[1:] for episode in episodes])
    return np.linalg.lstsq(before, after, rcond=None)[0]


def run(logger: DataLogger, episodes: int, seed: int) -> None:
    """Go through the curriculum, logging every episode."""
    learner = Learner(np.random.default_rng(seed))
    envs = {task: make_env(task, seed + offset) for offset, task in enumerate(TASKS)}
    exp_nums = itertools.count()
    for block_num, (block_type, block_subtype, tasks) in enumerate(curriculum()):
        training = block_type == "train"
        if block_subtype == "sleep":
            learner.sleep()
        elif training:
            learner.wake()
        rewards = []
        block = logger.bind(block_num=block_num, block_type=block_type, block_subtype=block_subtype)
        for task in tasks:
            log = block.bind(task_name=task, task_params=TASKS[task])
            for _ in range(episodes if training else TEST_EPISODES):
                weights = learner.propose()[0] if training else learner.weights
                episode = play(envs[task], weights)
                log.log_record(exp_num=next(exp_nums), reward=episode.reward, episode_step_count=len(episode.pushes))
                rewards.append(episode.reward)
                if training:
                    learner.learn(task, weights, episode)
        mean = np.mean(rewards)
        what = tasks[0] if training else "all tasks"
        print(
            f"{block_num:5} {block_type:5} {block_subtype:5} {what:20} {mean:6.1f} {'#' * int(mean / 10)}", flush=True
        )


def mirrors(total: int) -> list[Sink]:
    """Return sinks to watch the run with: a table on the terminal, TensorBoard, and W&B without its server."""
    return [ConsoleSink(total=total), TensorBoardSink(), WandbSink(project="lifelong-cartpole", mode="offline")]


def total_experiences(episodes: int) -> int:
    return sum(len(tasks) * (episodes if kind == "train" else TEST_EPISODES) for kind, _, tasks in curriculum())


def mean_rewards_of_tests(scenario_dir: str) -> list[float]:
    """Return the mean reward of each test block, in their order."""
    tests = read.records(scenario_dir).filter("block_type = 'test'")
    return [mean for _, mean in tests.aggregate("block_num, avg(reward)").order("block_num").fetchall()]


def main() -> None:
    parser = argparse.ArgumentParser(description="Log a lifelong-learning run on CartPole with changing physics.")
    parser.add_argument("--episodes", type=int, default=600, help="episodes in each train block (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the learner and the tasks (default: %(default)s)")
    parser.add_argument("--dir", default="logs", help="where the log goes (default: %(default)s)")
    parser.add_argument(
        "--live", action="store_true", help="watch it: on the terminal, in TensorBoard and W&B (offline)"
    )
    args = parser.parse_args()
    if args.episodes < 1:
        parser.error("--episodes must be at least 1")

    about = ABOUT | {"seed": args.seed}
    sinks = mirrors(total_experiences(args.episodes)) if args.live else []
    with DataLogger(args.dir, "lifelong_cartpole", {"metrics_columns": ["reward"]}, about, sinks=sinks) as logger:
        run(logger, args.episodes, args.seed)

    print(f"\nLog: {logger.scenario_dir}")
    for mirror in logger.health():
        print(f"{mirror.sink}: {mirror.delivered:,} records delivered, {mirror.missed:,} missed")
    if args.live:
        print(f"tensorboard --logdir {logger.scenario_dir}/tensorboard")
    first, *_, last = mean_rewards_of_tests(logger.scenario_dir)
    print(f"Mean reward in tests: {first:.1f} in the first block, {last:.1f} in the last ({last / first:.1f} times).")
    for command in ("validate", "summary"):
        print(f"\n$ l2logger {command} {logger.scenario_dir}", flush=True)
        subprocess.run([sys.executable, "-m", "l2logger", command, logger.scenario_dir], check=True)


if __name__ == "__main__":
    main()
