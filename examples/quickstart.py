"""The least there is to do: open a run, bind what stays the same, log every episode.

Run it with ``python quickstart.py``; the log is a new directory below ``logs``.
"""

import random

from l2logger import DataLogger

with DataLogger("logs", "quickstart", {"metrics_columns": ["reward"]}) as logger:
    train = logger.bind(block_num=0, block_type="train", task_name="Coins_fair", task_params={"heads": 0.5})
    for exp_num in range(5):
        flips = [random.random() < 0.5 for _ in range(10)]
        train.log_record(exp_num=exp_num, reward=float(sum(flips)))

print(logger.scenario_dir)
