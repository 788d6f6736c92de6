"""Print, as JSON, what becomes of a list of inputs; run with the original and with ours."""

import collections
import json
import math
import sys
import tempfile
import warnings

import numpy as np

from l2logger import l2logger

warnings.simplefilter("ignore")

GOOD = {"block_num": 0, "exp_num": 0, "block_type": "train", "task_name": "A_1", "task_params": {}, "reward": 1.0}
VALUES = {
    "none": None, "true": True, "zero": 0, "one": 1, "minus": -1, "float": 1.0, "half": 0.5, "text": "x", "empty": "",
    "digit": "1", "list": [], "dict": {}, "dict1": {"a": 1}, "set": {1}, "bytes": b"x", "nan": math.nan, "huge": 2**70,
    "int64": np.int64(1), "float64": np.float64(1), "bool_": np.bool_(True), "array": np.array([1, 2]), "str_": np.str_("w"),
    "train": "train", "Train": "Train", "wake": "wake", "complete": "complete", "dot": ".", "dots": "..", "dots3": "...",
    "space": "a b", "slash": "a/b", "plus": "a+b", "unicode": "é", "newline": "a\n", "tab": "a\tb", "long": "a" * 200,
    "info": "logger_info.json", "surrogate": "\ud800", "int64 inside": {"a": np.int64(1)}, "nan inside": {"a": math.nan},
    "set inside": {"a": {1}}, "int key": {1: 2}, "tuple key": {(1,): 2}, "ordered": collections.OrderedDict(a=1),
    "user dict": collections.UserDict(a=1), "array inside": {"a": np.array([1])},
}  # fmt: skip
NAMES = ["block_num", "exp_num", "block_type", "block_subtype", "task_name", "task_params", "exp_status", "worker_id"]
NAMES += ["reward", "timestamp", "extra"]
SEQUENCES = {
    "falling exp_num": [{"exp_num": 5}, {"exp_num": 4}],
    "equal exp_num": [{"exp_num": 5}, {"exp_num": 5}],
    "falling block_num": [{"block_num": 5}, {"block_num": 4}],
    "falling exp_num in a new block": [{"exp_num": 5}, {"exp_num": 4, "block_num": 1}],
    "falling exp_num of another worker": [{"exp_num": 5, "worker_id": "a"}, {"exp_num": 4, "worker_id": "b"}],
    "new column": [{}, {"extra": 1}],
    "missing column": [{"extra": 1}, {}],
    "flipping type": [{}, {"block_type": "test"}],
    "changing parameters": [{}, {"task_params": {"a": 1}}],
}
RECORDS = {
    "none": None, "list": [], "pairs": list(GOOD.items()), "ordered": collections.OrderedDict(GOOD), "empty": {},
    "user dict": collections.UserDict(GOOD), "int name": {**GOOD, 5: 1}, "text": "x",
    **{f"without {name}": {key: value for key, value in GOOD.items() if key != name} for name in GOOD},
}  # fmt: skip
LOGGER_INFOS = {
    "none": None, "empty": {}, "list": ["reward"], "text": {"metrics_columns": "reward"}, "tuple": {"metrics_columns": ("reward",)},
    "no metrics": {"metrics_columns": []}, "number": {"metrics_columns": [1]}, "str_": {"metrics_columns": [np.str_("reward")]},
    "empty name": {"metrics_columns": [""]}, "twice": {"metrics_columns": ["reward", "reward"]},
    "standard": {"metrics_columns": ["exp_num"]}, "set": {"metrics_columns": ["reward"], "a": {1}},
}  # fmt: skip
SCENARIO_INFOS = {"none": None, "text": "x", "list": [1], "set": {1}, "nan": math.nan, "deep": {"a": [{}]}}
SCENARIO_NAMES = {
    name: name
    for name in ["", "x/", ".hidden", "a.b.c", "/x/y.json", "with space", "é", "a\0b", "a\nb", "..", "x" * 300]
}


def outcome(action) -> str:
    try:
        action()
    except Exception as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return "RuntimeError" if "RuntimeError" in kinds else kinds[0]
    return "ok"


def main() -> None:
    results = {}

    def log(*records):
        with tempfile.TemporaryDirectory() as base:
            logger = l2logger.DataLogger(base, "run", {"metrics_columns": ["reward"]})
            try:
                for record in records:
                    logger.log_record(record)
            finally:
                logger.close()

    def make(name="run", info=None, scenario_info=None):
        with tempfile.TemporaryDirectory() as base:
            l2logger.DataLogger(base, name, info, scenario_info).close()

    for name in NAMES:
        for label, value in VALUES.items():
            results[f"{name} = {label}"] = outcome(lambda: log({**GOOD, name: value}))  # noqa: B023
    for label, changes in SEQUENCES.items():
        results[label] = outcome(lambda: log(*({**GOOD, **each} for each in changes)))  # noqa: B023
    for label, record in RECORDS.items():
        results[f"record: {label}"] = outcome(lambda: log(record))  # noqa: B023
    good_info = {"metrics_columns": ["reward"]}
    for label, info in LOGGER_INFOS.items():
        results[f"logger_info: {label}"] = outcome(lambda: make(info=info))  # noqa: B023
    for label, info in SCENARIO_INFOS.items():
        results[f"scenario_info: {label}"] = outcome(lambda: make(info=good_info, scenario_info=info))  # noqa: B023
    for label, name in SCENARIO_NAMES.items():
        results[f"scenario_name: {label}"] = outcome(lambda: make(name, good_info))  # noqa: B023
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
