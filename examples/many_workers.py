"""Several processes write one run, each as a worker of its own.

The parent opens the run and forks; the children use its logger as it is. Two things keep the merged log valid, because
readers sort all of it by ``exp_num`` and then want ``block_num`` never to fall:

* all workers take the numbers of their experiences from one shared counter;
* nobody starts the next block before everybody has ended this one.

Run it with ``python many_workers.py --workers 4 --episodes 50 --dir logs``; it needs a system that can fork.
"""

import argparse
import multiprocessing
import random
from multiprocessing.context import ForkContext
from multiprocessing.synchronize import Barrier

from l2logger import BoundLogger, DataLogger, read

BLOCKS = ("train", "test")
TASK = {"task_name": "Walk_ruin", "task_params": {"start": 5, "goal": 10, "p_up": 0.5}}
LONGEST_BLOCK_SECS = 60


class Count:
    """A count that goes on from process to process, so that no two get the same number."""

    def __init__(self, context: ForkContext) -> None:
        self.value = context.Value("q", 0)

    def take(self) -> int:
        with self.value.get_lock():
            number = self.value.value
            self.value.value += 1
        return number


def walk(rng: random.Random, start: int, goal: int, p_up: float) -> tuple[float, int]:
    """Go up or down until at 0 or at the goal; return the reward, 1 at the goal, and the number of steps."""
    place, steps = start, 0
    while 0 < place < goal:
        place += 1 if rng.random() < p_up else -1
        steps += 1
    return float(place == goal), steps


def work(worker: BoundLogger, seed: int, episodes: int, count: Count, block_end: Barrier) -> None:
    """Be one worker, from the first block to the last."""
    rng = random.Random(seed)
    for block_num, block_type in enumerate(BLOCKS):
        log = worker.bind(block_num=block_num, block_type=block_type, **TASK)
        for _ in range(episodes):
            exp_num = count.take()
            reward, steps = walk(rng, **TASK["task_params"])
            log.log_record(exp_num=exp_num, reward=reward, episode_step_count=steps)
        block_end.wait(LONGEST_BLOCK_SECS)


def run(logger: DataLogger, workers: int, episodes: int) -> None:
    """Start the workers and wait for them.

    Raises:
        SystemExit: One of them failed.
    """
    context = multiprocessing.get_context("fork")
    count, block_end = Count(context), context.Barrier(workers)
    processes = []
    for number in range(workers):
        worker = logger.bind(worker_id=f"worker-{number}")
        processes.append(context.Process(target=work, args=(worker, number, episodes, count, block_end)))
        processes[-1].start()
    for process in processes:
        process.join()
    if failed := [process.name for process in processes if process.exitcode]:
        raise SystemExit(f"failed: {', '.join(failed)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Log one run from several forked processes.")
    parser.add_argument("--workers", type=int, default=4, help="number of processes (default: %(default)s)")
    parser.add_argument("--episodes", type=int, default=50, help="of each worker in each block (default: %(default)s)")
    parser.add_argument("--dir", default="logs", help="where the log goes (default: %(default)s)")
    args = parser.parse_args()
    if args.workers < 1:
        parser.error("--workers must be at least 1")

    with DataLogger(args.dir, "many_workers", {"metrics_columns": ["reward"]}, {"scenario_type": "custom"}) as logger:
        run(logger, args.workers, args.episodes)

    print(f"Log: {logger.scenario_dir}")
    records = read.records(logger.scenario_dir)
    print(records.aggregate("worker_id, block_type, count(*) AS rows").order("worker_id, block_type DESC"))
    print(f"{len(records)} rows, {args.workers * args.episodes * len(BLOCKS)} expected")


if __name__ == "__main__":
    main()
