"""Fields bound to a run."""

import pytest
from reading import record, rows, without

from l2logger import BoundLogger, RecordError


def test_bound_fields_are_added_to_each_record(logger):
    block = logger.bind(**without(record(), "exp_num", "reward"), worker_id="w0")
    for exp_num in range(3):
        block.log_record(exp_num=exp_num, reward=0.5)
    assert [(row["exp_num"], row["worker_id"]) for row in rows(logger.scenario_dir)] == [
        (str(n), "w0") for n in range(3)
    ]


def test_a_binding_never_changes(logger):
    """structlog's bind: a new handle each time."""
    outer = logger.bind(**record(), seed=1)
    inner = outer.bind(seed=2)
    outer.log_record(exp_num=0)
    inner.log_record(exp_num=1)
    inner.log_record(exp_num=2, seed=3)
    outer.log_record(exp_num=3)
    assert [row["seed"] for row in rows(logger.scenario_dir)] == ["1", "2", "3", "1"]


def test_the_nearest_value_wins(logger):
    bound = logger.bind(**record(), note="bound")
    bound.log_record({"exp_num": 0, "note": "record"})
    bound.log_record({"exp_num": 1, "note": "record"}, note="keyword")
    assert [row["note"] for row in rows(logger.scenario_dir)] == ["record", "keyword"]


def test_fields_can_be_unbound(logger):
    bound = logger.bind(**record(), extra=1).unbind("extra")
    bound.log_record()
    assert "extra" not in rows(logger.scenario_dir)[0]
    with pytest.raises(KeyError, match="extra"):
        bound.unbind("extra")


def test_what_is_bound_is_a_snapshot(logger):
    """F-031."""
    params = {"physics": {"g": 9.8}}
    bound = logger.bind(**{**record(), "task_params": params})
    params["physics"]["g"] = 1.6
    bound.log_record()
    assert rows(logger.scenario_dir)[0]["task_params"] == '{"physics": {"g": 9.8}}'


def test_a_timestamp_cannot_be_bound(logger):
    with pytest.raises(RecordError, match="timestamp is filled in by the logger"):
        logger.bind(timestamp="now")


def test_a_bound_record_must_be_a_mapping(logger):
    with pytest.raises(RecordError, match="a record must be a dict"):
        logger.bind(**record()).log_record([1])


def test_a_handle_knows_its_run(logger):
    bound = logger.bind(worker_id="w0")
    assert isinstance(bound, BoundLogger)
    assert bound.run is logger
    assert repr(bound) == f"<BoundLogger {logger.scenario_dir!r} {{'worker_id': 'w0'}}>"


def test_the_callers_dict_is_copied(logger):
    """F-031: it is neither changed nor kept."""
    given = record()
    before = dict(given)
    logger.log_record(given)
    assert given == before
    given["reward"] = 7.0
    given["exp_num"] = 1
    logger.log_record(given)
    assert [row["reward"] for row in rows(logger.scenario_dir)] == ["1.0", "7.0"]


def test_records_may_come_as_keywords(logger):
    logger.log_record(**record(0))
    logger.log_record(record(1), reward=2.0)
    assert [row["reward"] for row in rows(logger.scenario_dir)] == ["1.0", "2.0"]


def test_a_with_block_closes(make):
    from l2logger import DataLogger

    first = make()
    with DataLogger(first.logging_base_dir, "other", {"metrics_columns": ["reward"]}) as logger:
        logger.log_record(record())
        assert logger._store.records._pool._files
    assert not logger._store.records._pool._files
