"""Runs that are written by the original and by us, to compare the bytes.

Each function gets the class to write with and a base directory. Nothing here needs more than what both have.
"""

import numpy as np


def record(exp_num, **more):
    return {
        "block_num": 0,
        "exp_num": exp_num,
        "block_type": "train",
        "task_name": "A_1",
        "task_params": {"param1": "str1", "param2": 2},
        "reward": 1.0,
        **more,
    }


def _run(logger_class, base, records, metrics=("reward",), scenario_info=None, name="run"):
    logger = logger_class(base, name, {"metrics_columns": list(metrics)}, scenario_info)
    for each in records:
        logger.log_record(each)
    logger.close()


def quoting(logger_class, base):
    texts = ["", " lead", "trail ", "a,b", "#x", "it's", "a;b", "back\\slash", "=1+1", "tab\there", 'quo"te', '"all"']
    texts += [
        "line\nbreak",
        "crlf\r\nbreak",
        "nul\0",
        "u\u2028x",
        '"',
        '""',
        "\t",
        "\n",
        "\ufeffbom",
        "NA",
        "nan",
        "007",
    ]
    _run(logger_class, base, [record(i, note=text, task_name=text or "A_1") for i, text in enumerate(texts)])


def unicode(logger_class, base):
    texts = ["é☃", "日本語", "🤖", "İı ß", "עברית", "a\u0301"]
    records = [record(i, task_name=text, task_params={text: text, "e": "é"}) for i, text in enumerate(texts)]
    _run(logger_class, base, records, scenario_info={"uni": "é☃", "日本語": ["🤖"]})


def values(logger_class, base):
    values = [1, -1, 2**70, True, False, None, "", 1.0, 0.1, 1e-7, 1e16, 1e22, 123456789.123456789, -0.0]
    values += [float("nan"), float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308, 3 + 4j, b"bytes"]
    values += [[1, 2], (1, 2), {1}, {"a": 1}, "5", "True", 0.1 + 0.2, 1 / 3]
    _run(logger_class, base, [record(i, value=value) for i, value in enumerate(values)])


def numpy_values(logger_class, base):
    values = [np.int64(3), np.float64(0.1), np.float32(0.1), np.float16(0.1), np.bool_(True), np.uint8(255)]
    values += [np.float64("nan"), np.float64(1e16), np.float64(1e-7), np.float32(1e10), np.float32(16777216.0)]
    values += [np.array(1.5), np.array([1, 2, 3]), np.array([1.0, 2.0]), np.str_("text"), np.int64(-(2**63))]
    _run(logger_class, base, [record(i, value=value, reward=np.float64(i)) for i, value in enumerate(values)])


def task_params(logger_class, base):
    params = [
        {},
        {"p": 1},
        {"t": float("nan"), "u": "é", "k": {1: 2}, "tab": "a\tb"},
        {"inf": [float("inf"), float("-inf")], "n": None, "b": [True, False], "nested": {"a": [{"b": "c"}]}},
        {1: "int", 1.5: "float", None: "none", "z": 0, "a": 0},
        {"f": np.float64(0.1), "quote": '"', "newline": "\n", "zero": 0.0, "minus": -0.0},
    ]
    _run(logger_class, base, [record(i, block_num=i, task_params=each) for i, each in enumerate(params)])


def column_order(logger_class, base):
    extras = {"zz": 1, "Aa": 2, "a_b": 3, "_u": 4, "b": 5, "é": 6, "has space": 7, 'q"t': 8, "t\tb": 9}
    _run(logger_class, base, [record(0, **extras), dict(reversed(record(1, **extras).items()))])


def standard_metric(logger_class, base):
    _run(logger_class, base, [record(0), record(1)], metrics=("exp_num", "reward", "reward", "block_num"))


def defaults(logger_class, base):
    given = {"worker_id": "w-1.x_Y", "block_subtype": "sleep", "exp_status": "incomplete"}
    records = [
        record(0),
        record(0, worker_id="w0"),
        record(1, block_subtype="sleep"),
        record(1, exp_status="incomplete"),
    ]
    _run(logger_class, base, [*records, record(2, **given), record(2)])


def many_workers_and_blocks(logger_class, base):
    records = []
    for exp_num in range(60):
        block_num = exp_num // 10
        kind = {
            "block_type": "test" if block_num % 2 else "train",
            "block_subtype": "sleep" if block_num == 3 else "wake",
        }
        task = {"task_name": f"Task_{'ab'[exp_num % 2]}", "task_params": {"gravity": 9.8, "length": block_num}}
        records += [
            record(exp_num, block_num=block_num, worker_id=f"w{worker}", reward=exp_num * 0.1 + worker, **kind, **task)
            for worker in range(4)
        ]
    _run(logger_class, base, records)


def several_rows_per_experience(logger_class, base):
    records = []
    for exp_num in range(8):
        records += [record(exp_num, exp_status="incomplete", reward=float(step)) for step in range(3)]
        records.append(record(exp_num, reward=3.0))
    _run(logger_class, base, records)


def changing_types(logger_class, base):
    rewards = [1, 1.5, None, "text", True, np.float32(2.5), 3, "tab\t", 4.25, np.int64(7), "", 8]
    _run(logger_class, base, [record(i, reward=reward) for i, reward in enumerate(rewards)])


def infos(logger_class, base):
    info = {"author": "JHU", "uni": "é☃", "n": None, "f": 1e-07, "b": True, "nan": float("nan"), "deep": {"a": [1, {}]}}
    logger = logger_class(
        base, "/x/y/z.tar.gz", {"extra": [1], "log_format_version": "9", "metrics_columns": ["reward", "b"]}, info
    )
    logger.close()


def no_scenario_info(logger_class, base):
    _run(logger_class, base, [], scenario_info=[])


def list_scenario_info(logger_class, base):
    _run(logger_class, base, [], scenario_info=["bare", "list"])


def reopened(logger_class, base):
    logger = logger_class(base, "run", {"metrics_columns": ["reward"]})
    logger.log_record(record(0))
    logger.close()
    logger.close()
    logger.log_record(record(1))
    logger.close()


def rejected_first(logger_class, base):
    logger = logger_class(base, "run", {"metrics_columns": ["reward"]})
    for wrong in (record(0, block_type="Train", other=1), record(0, worker_id="a b", other=1)):
        try:
            logger.log_record(wrong)
        except RuntimeError:
            pass
    logger.log_record(record(0))
    logger.close()


SCENARIOS = [
    quoting,
    unicode,
    values,
    numpy_values,
    task_params,
    column_order,
    standard_metric,
    defaults,
    many_workers_and_blocks,
    several_rows_per_experience,
    changing_types,
    infos,
    no_scenario_info,
    list_scenario_info,
    reopened,
    rejected_first,
]
