"""What a record must be: every rule of the format, in the order of the original's checks."""

import collections
import itertools
import types

import numpy as np
import pytest
from reading import data_log, files, record, rows, without

from l2logger import RecordError, RecordWarning, SchemaError

FAULTS = [
    ({"timestamp": "20201020T230415.363982"}, "timestamp is filled in by the logger"),
    ({"unexpected": 1}, r"missing=\[\] unexpected=\['unexpected'\]"),
    ({"block_type": "Train"}, "block_type must be 'train' or 'test', got 'Train'"),
    ({"block_subtype": "dream"}, "block_subtype must be 'wake' or 'sleep', got 'dream'"),
    ({"exp_status": "done"}, "exp_status must be 'incomplete' or 'complete', got 'done'"),
    ({"worker_id": "a b"}, "worker_id must consist of letters"),
    ({"task_params": [1]}, "task_params must be a dict, got"),
    ({"block_num": -1}, "block_num must be from 0"),
    ({"exp_num": "7"}, r"exp_num must be an integer, got '7' \(str\)"),
]


@pytest.mark.parametrize(
    ("fields", "message"), FAULTS, ids=lambda fault: next(iter(fault)) if isinstance(fault, dict) else ""
)
def test_a_fault_is_refused_with_one_clear_error_and_leaves_no_trace(logger, fields, message):
    """F-037, F-040, S1-28: what was got, what was expected; the next good record is accepted."""
    logger.log_record(record(3))
    before = data_log(logger).read_bytes()
    with pytest.raises(RuntimeError, match=message):
        logger.log_record({**record(4), **fields})
    assert data_log(logger).read_bytes() == before
    assert files(logger.scenario_dir) == [
        "logger_info.json",
        "scenario_info.json",
        "worker-default/0-train/data-log.tsv",
    ]
    logger.log_record(record(3, exp_status="incomplete"))
    assert logger.progress["worker-default"].exp_num == 3


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(range(len(FAULTS)), 2)))
def test_of_two_faults_the_one_checked_first_is_found(logger, first, second):
    """S1-27."""
    logger.log_record(record(3))
    with pytest.raises(RecordError, match=FAULTS[first][1]):
        logger.log_record({**record(4), **FAULTS[second][0], **FAULTS[first][0]})


@pytest.mark.parametrize("given", [None, 5, "text", [("block_num", 0)], object()])
def test_a_record_must_be_a_mapping(logger, given):
    """S1-27: step 1. None stands for no record at all, so its columns are missing."""
    with pytest.raises(RecordError):
        logger.log_record(given)


@pytest.mark.parametrize("kind", [collections.OrderedDict, types.MappingProxyType, collections.UserDict])
def test_any_mapping_is_a_record(logger, kind):
    """Wider than the original, which took nothing but a plain dict."""
    logger.log_record(kind(record(task_params=kind({"gravity": 9.8}))))
    assert rows(logger.scenario_dir)[0]["task_params"] == '{"gravity": 9.8}'


@pytest.mark.parametrize("name", ["block_num", "exp_num", "block_type", "task_name", "task_params"])
def test_the_first_record_must_have_the_standard_columns(logger, name):
    with pytest.raises(SchemaError, match=rf"lacks the standard columns \['{name}'\]"):
        logger.log_record(without(record(), name))


def test_the_first_record_must_have_all_metrics(make):
    """S1-24."""
    logger = make(logger_info={"metrics_columns": ["reward", "loss", "alpha"]})
    with pytest.raises(SchemaError, match=r"lacks \['alpha', 'loss'\], which logger_info names"):
        logger.log_record(record())


@pytest.mark.parametrize("note", [None, 1, 1.5, "text"])
def test_a_later_record_must_have_the_columns_of_the_first(logger, note):
    """S1-23, F-037."""
    logger.log_record(record(0, note=note))
    with pytest.raises(SchemaError, match=r"missing=\['note'\] unexpected=\['extra', 'more'\]"):
        logger.log_record(record(1, more=1, extra=1))


def test_a_refused_first_record_fixes_no_columns(logger):
    """S1-23."""
    with pytest.raises(RecordError):
        logger.log_record(record(0, note="", block_num=-1))
    logger.log_record(record(0))
    assert logger.columns[-1] == "reward"


def test_column_names_must_be_text(logger):
    with pytest.raises(SchemaError, match=r"column names must be text, got \[5\]"):
        logger.log_record({**record(), 5: 1})


@pytest.mark.parametrize("name", ["block_num", "exp_num"])
@pytest.mark.parametrize("value", [True, np.bool_(True), 1.0, np.float64(1), "1", None, [1], 1j], ids=repr)
def test_counts_must_be_integers(logger, name, value):
    """S1-18, S1-19, F-024."""
    with pytest.raises(RecordError, match=f"{name} must be an integer, got"):
        logger.log_record(record(**{name: value}))


@pytest.mark.parametrize("name", ["block_num", "exp_num"])
@pytest.mark.parametrize("value", [-1, 2**63, 10**5000], ids=["negative", "65 bits", "huge"])
def test_counts_must_fit_into_64_bits_and_not_be_negative(logger, name, value):
    """F-023, F-024."""
    with pytest.raises(RecordError, match=f"{name} must be from 0 to"):
        logger.log_record(record(**{name: value}))


def test_numpy_integers_are_counts(logger):
    """F-024; wider than the original."""
    logger.log_record(record(np.int64(7), block_num=np.uint8(0)))
    assert rows(logger.scenario_dir)[0]["exp_num"] == "7"
    assert type(logger.progress["worker-default"].exp_num) is int


@pytest.mark.parametrize("name", ["block_num", "exp_num"])
def test_counts_never_fall_for_a_worker(logger, name):
    """S1-18, S1-19, F-038: the message has the old and the new number."""
    logger.log_record(record(5, block_num=5, worker_id="w0"))
    with pytest.raises(RecordError, match=f"{name} must never fall for a worker: 'w0' was at 5, got 4"):
        logger.log_record(record(**{"exp_num": 5, "block_num": 5, "worker_id": "w0", name: 4}))


def test_equal_counts_are_allowed(logger):
    """S1-19."""
    logger.log_record(record(5, exp_status="incomplete"))
    logger.log_record(record(5))
    assert [row["exp_num"] for row in rows(logger.scenario_dir)] == ["5", "5"]


def test_workers_are_in_order_each_by_itself(logger):
    """F-038: side by side they finish in any order."""
    for exp_num, worker in [(0, "a"), (3, "b"), (1, "a"), (5, "b"), (4, "a")]:
        logger.log_record(record(exp_num, worker_id=worker))
    assert len(rows(logger.scenario_dir)) == 5


@pytest.mark.parametrize("name", ["block_type", "block_subtype", "exp_status"])
@pytest.mark.parametrize("value", [None, 1, [], {}, "", "TRAIN", " train"], ids=repr)
def test_vocabularies_are_exact(logger, name, value):
    """S1-20."""
    with pytest.raises(RecordError, match=f"{name} must be"):
        logger.log_record(record(**{name: value}))


@pytest.mark.parametrize(
    "value", ["", " ", "a b", "a/b", "a\\b", "a\0", "a\n", "w\x1b", "é", "a+b", "a" * 256], ids=repr
)
def test_worker_ids_that_do_not_match_are_refused(logger, value):
    """S1-21, F-002."""
    with pytest.raises(RecordError, match="worker_id"):
        logger.log_record(record(worker_id=value))
    assert files(logger.scenario_dir) == ["logger_info.json", "scenario_info.json"]


@pytest.mark.parametrize("value", [".", "..", "..."])
def test_worker_ids_that_leave_the_run_are_refused(logger, tmp_path, value):
    """S1-21, F-001."""
    before = files(tmp_path)
    with pytest.raises(RecordError, match="cannot be called"):
        logger.log_record(record(worker_id=value))
    assert files(tmp_path) == before


@pytest.mark.parametrize("value", [5, None, b"w0", 1.5, ["w0"]], ids=repr)
def test_worker_ids_must_be_text(logger, value):
    """S1-21, F-003: the error names the type."""
    with pytest.raises(RecordError, match=rf"worker_id must be text, got .*\({type(value).__name__}\)"):
        logger.log_record(record(worker_id=value))


def test_numpy_text_is_text(logger):
    """F-003."""
    logger.log_record(record(worker_id=np.str_("w0"), task_name=np.str_("Task_b")))
    assert rows(logger.scenario_dir)[0]["task_name"] == "Task_b"


@pytest.mark.parametrize("value", ["logger_info.json", "scenario_info.json", "run.json"])
def test_worker_ids_that_are_names_of_files_are_refused(logger, value):
    """F-005."""
    with pytest.raises(RecordError, match="cannot be called"):
        logger.log_record(record(worker_id=value))


@pytest.mark.parametrize("value", ["CON", "nul", "com1.txt", "trailing.", "a" * 65])
def test_worker_ids_that_windows_cannot_have_are_doubtful(make, value):
    """F-002, F-004: a warning, and an error in a strict run."""
    with pytest.warns(RecordWarning, match="cannot name a directory on Windows"):
        make().log_record(record(worker_id=value))
    with pytest.raises(RecordError, match="cannot name a directory on Windows"):
        make(strict=True).log_record(record(worker_id=value))


def test_worker_ids_that_differ_in_case_are_doubtful(make):
    """F-004."""
    logger = make()
    logger.log_record(record(0, worker_id="Worker"))
    with pytest.warns(RecordWarning, match="'worker' and 'Worker' differ only in case"):
        logger.log_record(record(1, worker_id="worker"))


def test_a_task_name_off_the_pattern_is_doubtful_once(logger):
    with pytest.warns(RecordWarning, match="task_name should be <task>_<variant>") as caught:
        for exp_num, name in enumerate(["taska", "a_b_c", None, 5]):
            logger.log_record(record(exp_num, task_name=name))
    assert len(caught) == 1
    assert [row["task_name"] for row in rows(logger.scenario_dir)] == ["taska", "a_b_c", "", "5"]


def test_a_doubt_points_at_the_users_line(logger):
    with pytest.warns(RecordWarning) as caught:
        logger.bind(task_name="taska").log_record(without(record(), "task_name"))
    assert caught[0].filename == __file__


DOUBTS = [
    ([record(0), record(1, task_params={"gravity": 1.6})], "task_params of 'Task_a' change within block 0"),
    ([record(0), record(0)], "experience 0 of 'worker-default' is complete for the second time"),
    ([record(0), record(1, block_type="test")], "block 0 was a train block and becomes a test block"),
    ([record(0, worker_id="a"), record(1, worker_id="b", block_type="test")], "block 0 was a train block"),
    ([record(5, block_num=1), record(3, worker_id="b", block_num=2)], "experience 3 is in block 2, but a lower block"),
    (
        [record(5, block_num=1), record(7, worker_id="b")],
        "experience 7 is in block 0, but a higher block has experience 5",
    ),
]


@pytest.mark.parametrize(("records", "message"), DOUBTS, ids=lambda value: value[:20] if isinstance(value, str) else "")
def test_what_readers_stumble_over_is_a_warning(logger, records, message):
    """S1-46, F-039: it is stored all the same."""
    logger.log_record(records[0])
    with pytest.warns(RecordWarning, match=message):
        logger.log_record(records[1])
    assert len(rows(logger.scenario_dir)) == 2


@pytest.mark.parametrize(("records", "message"), DOUBTS, ids=lambda value: value[:20] if isinstance(value, str) else "")
def test_in_a_strict_run_it_is_an_error(make, records, message):
    """S1-46, F-004, F-039."""
    logger = make(strict=True)
    logger.log_record(records[0])
    for _ in range(2):
        with pytest.raises(RecordError, match=message):
            logger.log_record(records[1])
    assert len(rows(logger.scenario_dir)) == 1


def test_a_warning_made_an_error_leaves_no_trace(logger):
    """Where warnings are errors, as in this suite, they come before the write."""
    logger.log_record(record(0))
    with pytest.raises(RecordWarning):
        logger.log_record(record(0))
    assert len(rows(logger.scenario_dir)) == 1


def test_a_task_that_comes_back_may_have_other_parameters(logger):
    """A regime ends when the task changes, so this is no doubt."""
    logger.log_record(record(0))
    logger.log_record(record(1, task_name="Task_b"))
    logger.log_record(record(2, task_params={"gravity": 1.6}))


def test_the_original_accepts_what_we_do_not_doubt_in_many_blocks(logger):
    """More blocks than are remembered, two workers a block apart: no doubt, flat memory."""
    for block_num in range(300):
        for step in range(4):
            logger.log_record(record(block_num * 4 + step, block_num=block_num, worker_id=f"w{step % 2}"))
    assert len(logger._orders()[0]._spans) <= 64
