"""A job on a cluster without network is killed, submitted again, and goes on where it was.

The job writes nothing but the log directory. It is killed for real, by SIGKILL in the middle of an episode, with the
run open; no handler runs and nothing is flushed. Every episode that was logged is on disk all the same. The second
job opens the run with `DataLogger.resume`, rebuilds its learner from the log, and asks `DataLogger.next_exp_num` where
to go on.

Run it with ``python offline.py --episodes 100 --dir logs``.
"""

import argparse
import multiprocessing
import os
import random
import signal
from multiprocessing.connection import Connection

from l2logger import DataLogger, read

BLOCKS = ("train", "test", "train", "test")
PAYOUTS = {"left": 0.2, "middle": 0.5, "right": 0.8}
TASK = {"task_name": "Bandit_three", "task_params": PAYOUTS}


class Learner:
    """Know the mean reward of each arm, and mostly pull the best one."""

    def __init__(self) -> None:
        self.pulls = dict.fromkeys(PAYOUTS, 0)
        self.means = dict.fromkeys(PAYOUTS, 1.0)

    def choose(self, rng: random.Random, *, explore: bool) -> str:
        if explore and rng.random() < 0.2:
            return rng.choice(list(PAYOUTS))
        return max(self.means, key=self.means.__getitem__)

    def learn(self, arm: str, reward: float) -> None:
        self.pulls[arm] += 1
        self.means[arm] += (reward - self.means[arm]) / self.pulls[arm]


def play(logger: DataLogger, learner: Learner, first: int, episodes: int, kill_at: int | None = None) -> None:
    """Play the experiences from `first` to the end of the last block; die in the middle of `kill_at`."""
    for exp_num in range(first, episodes * len(BLOCKS)):
        block_num = exp_num // episodes
        block_type = BLOCKS[block_num]
        rng = random.Random(exp_num)
        arm = learner.choose(rng, explore=block_type == "train")
        if exp_num == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        reward = float(rng.random() < PAYOUTS[arm])
        logger.log_record(TASK, block_num=block_num, block_type=block_type, exp_num=exp_num, arm=arm, reward=reward)
        if block_type == "train":
            learner.learn(arm, reward)


def first_job(directory: str, episodes: int, kill_at: int, started: Connection) -> None:
    """Begin the run; this job does not see its end."""
    logger = DataLogger(directory, "offline", {"metrics_columns": ["reward"]}, {"scenario_type": "custom"})
    started.send(logger.scenario_dir)
    play(logger, Learner(), 0, episodes, kill_at)


def second_job(scenario_dir: str, episodes: int) -> None:
    """Go on with the run and end it."""
    learner = Learner()
    with DataLogger.resume(scenario_dir) as logger:  # before reading: it cuts off a row that was left unfinished
        trained = read.records(scenario_dir).filter("block_type = 'train'").project("arm, reward")
        for arm, reward in trained.fetchall():
            learner.learn(arm, reward)
        print(f"Resume:  experience {logger.next_exp_num} comes next")
        play(logger, learner, logger.next_exp_num, episodes)


def report(when: str, scenario_dir: str) -> None:
    """Say what is on disk."""
    records = read.records(scenario_dir).project("exp_num, block_num").fetchall()
    whole = (
        "none missing, none twice" if [exp_num for exp_num, _ in records] == list(range(len(records))) else "NOT WHOLE"
    )
    blocks = len({block_num for _, block_num in records})
    print(f"{when:8} {len(records)} experiences in {blocks} blocks, {whole}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill a job in the middle of a run, and resume the run.")
    parser.add_argument("--episodes", type=int, default=100, help="episodes in each block (default: %(default)s)")
    parser.add_argument("--kill-at", type=int, help="experience to die in (default: in the middle of the third block)")
    parser.add_argument("--dir", default="logs", help="where the log goes (default: %(default)s)")
    args = parser.parse_args()
    kill_at = args.episodes * 5 // 2 if args.kill_at is None else args.kill_at
    if not 0 <= kill_at < args.episodes * len(BLOCKS):
        parser.error("--kill-at must be an experience of the run")

    receiver, sender = multiprocessing.Pipe(duplex=False)
    job = multiprocessing.Process(target=first_job, args=(args.dir, args.episodes, kill_at, sender))
    job.start()
    sender.close()
    scenario_dir = receiver.recv()
    job.join()
    if job.exitcode != -signal.SIGKILL:
        raise SystemExit(f"the first job should have been killed, but ended with {job.exitcode}")
    print(f"Log:     {scenario_dir}")
    print(f"Job 1:   killed in experience {kill_at}")
    report("On disk:", scenario_dir)
    second_job(scenario_dir, args.episodes)
    report("Job 2:", scenario_dir)


if __name__ == "__main__":
    main()
