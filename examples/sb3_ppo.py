"""PPO of Stable-Baselines3 learns two variants of CartPole in turn, and everything worth knowing about it is logged.

The poles of the two are of different length. The model is trained on one and then on the other; after each train block
it is tested on both, so the log shows what it forgets. While it is trained, it is evaluated from time to time: the best
model so far is kept, and so are the newest.

What it shows of l2logger: blocks and experiences that number themselves; `l2logger.sb3.callbacks`, one call that logs
episodes, evaluations, checkpoints and all that Stable-Baselines3 records itself; `l2logger.sb3.evaluate` for test blocks;
and how a model is loaded from a run.

    pip install "l2logger[sb3]"
    python sb3_ppo.py --steps 24576 --dir logs
"""

import argparse
import subprocess
import sys

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

from l2logger import DataLogger
from l2logger.sb3 import METRICS, callbacks, evaluate

TASKS = {"CartPole_short": {"length": 0.25}, "CartPole_long": {"length": 2.0}}
ABOUT = {"author": "l2logger", "complexity": "1-low", "difficulty": "1-easy", "scenario_type": "alternating"}
ENVIRONMENTS = 8
ROUNDS = 2
TEST_EPISODES = 10
PPO_OPTIONS = {"n_steps": 128, "batch_size": 256, "n_epochs": 10, "learning_rate": 1e-3}


def make_env(length: float) -> gymnasium.Env:
    env = gymnasium.make("CartPole-v1")
    physics = env.unwrapped
    physics.length = length
    physics.polemass_length = physics.masspole * length  # CartPole works it out once, from the usual length
    return env


def train(model: PPO, logger: DataLogger, task: str, steps: int, seed: int) -> None:
    """Train on one task for a block."""
    model.set_env(make_vec_env(make_env, ENVIRONMENTS, seed=seed, env_kwargs=TASKS[task]))
    steps_of_vector = steps // ENVIRONMENTS
    with logger.block("train") as block:
        log = callbacks(
            block,
            eval_env=make_env(**TASKS[task]),
            eval_freq=max(steps_of_vector // 3, 1),
            save_freq=max(steps_of_vector // 2, 1),
            model_name=f"model/{task}",
            task_name=task,
            task_params=TASKS[task],
        )
        model.learn(steps, callback=log, reset_num_timesteps=False)
    print(f"{block.block_num:5} train {task}", flush=True)


def test(model: PPO, logger: DataLogger) -> dict[str, float]:
    """Test on all tasks for a block; return the mean return of each."""
    means = {}
    with logger.block("test") as block:
        for task, physics in TASKS.items():
            returns = evaluate(model, make_env(**physics), block, TEST_EPISODES, task_name=task, task_params=physics)
            means[task] = float(np.mean(returns))
            bar = "#" * int(means[task] / 10)
            print(f"{block.block_num:5} test  {task:15} {means[task]:6.1f} {bar}", flush=True)
    return means


def main() -> None:
    parser = argparse.ArgumentParser(description="Log PPO on two variants of CartPole.")
    parser.add_argument("--steps", type=int, default=24576, help="in each train block (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of model and environments (default: %(default)s)")
    parser.add_argument("--dir", default="logs", help="where the log goes (default: %(default)s)")
    args = parser.parse_args()
    if args.steps < ENVIRONMENTS:
        parser.error(f"--steps must be at least {ENVIRONMENTS}, one for each environment")

    torch.set_num_threads(1)  # More of them get in each other's way where networks are this small.
    with DataLogger(args.dir, "sb3_ppo", {"metrics_columns": [*METRICS]}, ABOUT) as logger:
        logger.log_params(ppo=PPO_OPTIONS, seed=args.seed, steps=args.steps)
        first = make_vec_env(make_env, ENVIRONMENTS, env_kwargs=next(iter(TASKS.values())))
        model = PPO("MlpPolicy", first, **PPO_OPTIONS, seed=args.seed, device="cpu")
        before = test(model, logger)
        for _ in range(ROUNDS):
            for task in TASKS:
                train(model, logger, task, args.steps, args.seed)
                after = test(model, logger)
        best = {task: logger.load_model(f"model/{task}", "best", using=PPO.load) for task in TASKS}

    print(f"\nLog: {logger.scenario_dir}")
    for task, loaded in best.items():
        print(f"Mean return of {task} in tests: {before[task]:.1f} in the first block, {after[task]:.1f} in the last.")
        print(f"Best model for {task}: the one after {loaded.num_timesteps:,} steps")
    for command in (["validate", "--strict"], ["summary"]):
        print(f"\n$ l2logger {' '.join(command)} {logger.scenario_dir}", flush=True)
        subprocess.run([sys.executable, "-m", "l2logger", *command, logger.scenario_dir], check=True)


if __name__ == "__main__":
    main()
