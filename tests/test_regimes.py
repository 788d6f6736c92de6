"""Regimes where records of several blocks and tasks lie between one another, and metrics with names like ours."""

import os

import pytest
from reading import data_log, record

from l2logger import DataLogger, read
from l2logger.diagnostics import interruptible
from l2logger.errors import ConfigError


def log_tasks(tmp_path, tasks, metric="reward", name="run", **more):
    """Log one experience for each task; the metric counts them."""
    with DataLogger(tmp_path, name, {"metrics_columns": [metric]}) as logger:
        for exp_num, task in enumerate(tasks):
            fields = record(exp_num, task_name=task, task_params={}, **more)
            fields.pop("reward")
            logger.log_record(fields | {metric: float(exp_num)})
    return logger


def means(relation, metric="reward"):
    return [(task, length, of[metric]) for task, length, of in relation.project("task_name, length, means").fetchall()]


def test_a_task_that_comes_again_is_another_regime_with_its_own_mean(tmp_path):
    """S1-44: A-B-A."""
    logger = log_tasks(tmp_path, ["a_1", "a_1", "b_1", "a_1"])
    assert means(read.regimes(logger.scenario_dir)) == [("a_1", 2, 0.5), ("b_1", 1, 2.0), ("a_1", 1, 3.0)]


@pytest.mark.parametrize("metric", ["new", "stored", "regime_num", "run", "length", "l2logger new", "Task_Name", ""])
def test_a_metric_may_have_any_name(tmp_path, metric):
    """S1-44, F-034."""
    logger = log_tasks(tmp_path, ["a_1", "b_1", "a_1"], metric)
    found = read.regimes(logger.scenario_dir).project("regime_num, task_name, length, means").fetchall()
    assert [row[:3] for row in found] == [(0, "a_1", 1), (1, "b_1", 1), (2, "a_1", 1)]
    assert [list(row[3].values()) for row in found] == [[0.0], [1.0], [2.0]]
    assert [each.mean for each in read.summary(logger.scenario_dir).metrics] == [1.0]


def test_metrics_that_differ_by_case_have_means_of_their_own(tmp_path):
    with DataLogger(tmp_path, "run", {"metrics_columns": ["reward", "Reward"]}) as logger:
        logger.log_record(record(0, reward=1.0, Reward=2.0))
    [(of,)] = read.regimes(logger.scenario_dir).project("means").fetchall()
    assert sorted(of.values()) == [1.0, 2.0]


def test_a_word_among_the_values_of_a_metric_leaves_the_others(tmp_path):
    """F-021: one value that is no number."""
    with DataLogger(tmp_path, "run", {"metrics_columns": ["reward"]}) as logger:
        for exp_num, reward in enumerate([1.0, 3.0, "diverged"]):
            logger.log_record(record(exp_num, reward=reward))
    assert means(read.regimes(logger.scenario_dir)) == [("task_a", 3, 2.0)]
    [metric] = read.summary(logger.scenario_dir).metrics
    assert (metric.values, metric.mean) == (2, 2.0)


def test_a_log_that_grows_after_it_was_opened_says_so(tmp_path):
    """F-088: a row that is half written would be taken for a record."""
    logger = log_tasks(tmp_path, ["a_1"] * 3000)
    path = data_log(logger)
    os.utime(path, (1e9, 1e9))
    records = read.records(logger.scenario_dir)
    assert len(records) == 3000
    with path.open("ab") as file:
        file.write(path.read_bytes().splitlines(keepends=True)[-1][:-3])
    with pytest.raises(Exception, match="the log has grown since it was opened"):
        records.fetchall()
    with pytest.warns(UserWarning, match="unfinished row"):
        assert len(read.records(logger.scenario_dir)) == 3000


def test_a_log_that_grows_while_it_is_young_is_read_as_it_was(tmp_path):
    """F-088."""
    logger = log_tasks(tmp_path, ["a_1"] * 3000)
    records = read.records(logger.scenario_dir)
    logger.log_record(record(3000, task_name="a_1", task_params={}))
    assert len(records) == 3000


def test_a_copy_as_parquet_keeps_the_order(tmp_path):
    polars = pytest.importorskip("polars")
    path = tmp_path / "log" / "w" / "0-train" / "data-log.tsv"
    path.parent.mkdir(parents=True)
    header = "block_num\texp_num\tworker_id\tblock_type\ttask_name\ttask_params\texp_status\ttimestamp\treward\n"
    rows = (f"0\t{each}\tw\ttrain\ta_1\t{{}}\tcomplete\t20261121T120000.000001\t1.5\n" for each in range(300_000))
    path.write_text(header + "".join(rows))
    os.utime(path, (1e9, 1e9))
    read.to_parquet(tmp_path / "log", path=tmp_path / "copy")
    numbers = polars.read_parquet(tmp_path / "copy" / "run=log" / "block_type=train" / "*.parquet")["exp_num"]
    assert numbers.to_list() == list(range(300_000))


def test_one_damaged_info_file_does_not_hide_the_other_runs(tmp_path):
    """F-083."""
    log_tasks(tmp_path, ["a_1"], name="good")
    bad = log_tasks(tmp_path, ["a_1"], name="bad")
    with open(os.path.join(bad.scenario_dir, "logger_info.json"), "w") as file:
        file.write("{")
    connection = read.connect(tmp_path, on_bad_rows="skip")
    assert connection.sql("SELECT logger_info IS NULL FROM runs ORDER BY run").fetchall() == [(True,), (False,)]


def test_a_list_of_runs_is_told_how_to_give_them(tmp_path):
    with pytest.raises(ConfigError, match=r"one by one: records\(\*paths\)"):
        read.records([tmp_path])


def test_an_interrupt_that_duckdb_notices_is_told_as_one():
    """Ctrl-C while DuckDB works; it raises a RuntimeError with this text."""
    with pytest.raises(KeyboardInterrupt), interruptible():
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="else"), interruptible():
        raise RuntimeError("something else")
