"""The shortcut against the long way: same bytes, same errors, same warnings, same memory."""

import copy
import itertools
import sys
import tempfile
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from normal import normal_tree
from reading import record

from l2logger import DataLogger, RecordError, extras, shortcut
from l2logger.processors import canonical
from l2logger.sinks import MemorySink

ODD_SCALARS = [
    "",
    'quo"te',
    "tab\t",
    "é☃",
    "cr\r",
    "\ud800",
    "x" * 5000,
    0.0,
    -0.0,
    1,
    1.0,
    True,
    None,
    10**5000,
    2**70,
]
ODD_SCALARS += [
    np.float32(0.1),
    np.float64(0.1),
    np.int64(1),
    np.bool_(True),
    np.array(1.5),
    np.array([1, 2]),
    [1],
    (1,),
]
ODD_SCALARS += [
    np.ones((2, 2)).view(np.matrix),
    np.sin,
    2**63,
    np.str_("a\tb"),
    float("nan"),
    float("inf"),
    b"bytes",
    1e22,
    "plain",
]
SCALARS = st.one_of(st.floats(), st.sampled_from(ODD_SCALARS))
PARAMS = [{}, {"a": 1}, {"a": 1.0}, {"a": True}, {"a": 0.0}, {"a": -0.0}, {1: 2}, {"1": 2}, None, [], "{}", {"a": {1}}]
PARAMS += [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": {"b": 0.0}}, {"a": {"b": -0.0}}, {"a": [1]}, {"a": [1.0]}]
PARAMS += [{"a": np.int64(1)}, {"a": np.float64(1)}, {"a": "1"}, {"a": float("nan")}, {"a": np.array([1, 2])}]
MENU = {
    "exp_num": [True, 1.0, "1", None, 2**63, np.int64(5), -1],
    "block_num": [0, 1, 2, 1, 2, True, 1.0, np.int64(1), -1],
    "block_type": ["train", "test", "test", "Train", None],
    "block_subtype": ["wake", "sleep", "dream"],
    "worker_id": ["w0", "w1", "w2", "W0", "..", "a b", 5, np.str_("w0")],
    "task_name": ["Task_a", "Task_b", "odd name", None, 5, "\ud800"],
    "exp_status": ["complete", "incomplete", "incomplete", "done"],
    "task_params": PARAMS,
    "timestamp": ["now"],
    "unknown": [1],
}
ODD_FIELD = st.sampled_from([(name, value) for name, values in MENU.items() for value in values])
FIELD = st.one_of(
    ODD_FIELD,
    st.tuples(st.just("task_params"), st.sampled_from(PARAMS)),
    st.tuples(st.sampled_from(["reward", "note"]), SCALARS),
)
# Most records differ from the one before in their numbers alone, as in a real loop; what is changed is changed for this
# record or from now on, and the next ones are like it.
STEP = st.tuples(
    st.integers(0, 2),
    st.sampled_from([None, None, 0, 1, 2]),
    st.lists(FIELD, max_size=1),
    st.booleans(),
    st.integers(1, 3),
)
STEPS = st.lists(STEP, min_size=4, max_size=12)


class Both:
    """Two runs given the same records, one of which may not use the shortcut."""

    def __init__(self, base: Path, strict: bool, mirrored: bool = False) -> None:
        ticks = itertools.count(1_600_000_000, 0.125)
        self.now = next(ticks)
        self.ticks = ticks
        short, long = canonical(clock=lambda: self.now), canonical(clock=lambda: self.now)
        long.insert(0, lambda logger, kind, event: event)
        self.bases = base / "short", base / "long"
        self.mirrors = [MemorySink(), MemorySink()]
        self.loggers = [
            DataLogger(
                where,
                "run",
                {"metrics_columns": ["reward"]},
                processors=chain,
                strict=strict,
                sinks=[mirror] * mirrored,
            )
            for where, chain, mirror in zip(self.bases, (short, long), self.mirrors, strict=True)
        ]

    def log(self, fields: dict) -> None:
        self.now = next(self.ticks)
        outcomes = []
        for logger in self.loggers:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                error = None
                try:
                    logger.log_record(fields)
                except Exception as caught_error:
                    error = type(caught_error), str(caught_error)
            outcomes.append((error, [(warning.category, str(warning.message)) for warning in caught]))
        assert outcomes[0] == outcomes[1]

    def compare(self) -> None:
        for logger in self.loggers:
            logger.close()
        assert normal_tree(self.bases[0]) == normal_tree(self.bases[1])
        assert self.loggers[0].progress == self.loggers[1].progress
        assert self.loggers[0].columns == self.loggers[1].columns
        assert repr(self.mirrors[0].records) == repr(self.mirrors[1].records)


@pytest.mark.parametrize("strict", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "orjson", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["without orjson", "with orjson"]
)
@given(steps=STEPS, mirrored=st.booleans())
@settings(max_examples=300, deadline=None)
def test_shortcut_and_long_way_cannot_be_told_apart(strict, orjson, mirrored, steps):
    hidden = {} if orjson else {"orjson": None}
    with tempfile.TemporaryDirectory() as base, mock.patch.dict(sys.modules, hidden):
        both = Both(Path(base), strict, mirrored)
        usual = record(10, note="", worker_id="w0")
        for advance, worker, changes, lasting, times in steps:
            usual["exp_num"] += advance
            if worker is not None:
                usual["worker_id"] = f"w{worker}"
            fields = {**usual, **dict(changes)}
            if lasting and not {"exp_num", "timestamp", "unknown"} & set(dict(changes)):
                usual = fields
            for _ in range(times):
                both.log(fields)
            both.log(usual)
        both.compare()


@pytest.mark.parametrize("names", [(), ("worker_id",), ("worker_id", "block_subtype", "exp_status")])
def test_most_records_take_the_shortcut(make, names, monkeypatch):
    """Otherwise the comparison above would compare the long way with itself."""
    logger = make()
    taken = []
    write = logger._pipeline._shortcut.write
    monkeypatch.setattr(logger._pipeline._shortcut, "write", lambda *args: taken.append(write(*args)) or taken[-1])
    extra = {"worker_id": "w0", "block_subtype": "wake", "exp_status": "complete"}
    for exp_num in range(100):
        logger.log_record(
            {**record(exp_num, steps=exp_num, note="", success=True), **{name: extra[name] for name in names}}
        )
    assert taken == [False] + [True] * 99


@pytest.mark.parametrize(
    "cycle",
    [
        [{"worker_id": "w0"}, {"worker_id": "w1"}],
        [{"task_name": "Task_a", "task_params": {"x": 0.0}}, {"task_name": "Task_b", "task_params": {"x": [1]}}],
        [{"exp_status": "incomplete", "reward": None}, {"exp_status": "complete", "reward": 1.5}],
    ],
    ids=["workers", "tasks", "statuses"],
)
def test_alternating_records_take_the_shortcut(make, cycle):
    logger = make()
    for exp_num in range(20):
        for fields in cycle:
            logger.log_record(
                record(exp_num, **fields)
                if "exp_status" in fields
                else record(exp_num * 2 + cycle.index(fields), **fields)
            )
    shortcut = logger._pipeline._shortcut
    assert shortcut.write(record(99, **cycle[0])) is True
    assert shortcut.write(record(99 if "exp_status" in cycle[0] else 100, **cycle[1])) is True


PAIRS = {**MENU, "reward": ODD_SCALARS, "note": ODD_SCALARS}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_of_values_is_told_apart(name, tmp_path):
    """Each value after each other one: what was learned of the first must not be taken for the second."""
    for number, (first, second) in enumerate(itertools.permutations(PAIRS[name], 2)):
        both = Both(tmp_path / str(number), strict=False)
        for exp_num, value in enumerate([first, first, second, second, first]):
            both.log({**record(exp_num, note="", worker_id="w0"), name: value})
        both.compare()


def test_a_slow_worker_pushes_the_floor_of_later_blocks_up(tmp_path):
    """The late worker w0 takes the shortcut in block 0; block 1 must learn of it."""
    both = Both(tmp_path, strict=True)
    for exp_num, worker, block_num in [
        (1, 0, 0),
        (2, 0, 0),
        (9, 1, 1),
        (10, 1, 1),
        (5, 0, 0),
        (8, 0, 0),
        (7, 2, 1),
        (8, 2, 1),
    ]:
        both.log(record(exp_num, worker_id=f"w{worker}", block_num=block_num))
    both.compare()


@given(st.lists(st.one_of(st.floats(), st.integers(-(2**63), 2**64 - 1)), min_size=1, max_size=5))
@settings(max_examples=2000)
def test_orjson_and_python_write_the_same_numbers(values):
    """It is only used where it does."""
    values = tuple(values)
    write = extras.writer_for(values, extras.number_dumper())
    assert write(values) == "".join(f"\t{value}" for value in values).encode() + b"\n"


@pytest.mark.parametrize(
    "value", [1e15, 1e16, 123456789012345678.0, 1e-4, 9.999e-5, 1e-5, 1.5e-7, 1e22, -0.0, 5e-324, 1.0, 10.00005]
)
def test_orjson_is_not_asked_where_it_writes_another_form(value):
    assert extras.writer_for((value, 1), extras.number_dumper())((value, 1)) == f"\t{value}\t1\n".encode()


@pytest.mark.parametrize("params", [{}, {"length": 0.0}, {"physics": {"gravity": [0.0, -9.8]}, "fast": True}], ids=str)
def test_parameters_that_stay_are_not_encoded_again(make, monkeypatch, params):
    """Not one by one for speed, but because a mistake here shows nowhere else."""
    encoded = []
    encode = shortcut.encode
    monkeypatch.setattr(shortcut, "encode", lambda *args, **more: encoded.append(args) or encode(*args, **more))
    logger = make()
    for exp_num in range(50):
        logger.log_record(record(exp_num, task_params=copy.deepcopy(params), worker_id=f"w{exp_num % 2}"))
    assert len(encoded) == 2


def test_remembered_parameters_are_told_apart_from_arrays_of_the_same_bytes(make):
    """numpy's numbers look like bytes to the one who compares; neither may be taken for the other."""
    logger = make()
    for exp_num in range(4):
        logger.log_record(record(exp_num, task_params={"g": np.float64(1.5)}))
    with pytest.raises(RecordError, match="cannot be written as JSON"):
        logger.log_record(record(9, task_params={"g": np.float64(1.5).tobytes()}))


def test_a_long_record_like_a_short_one_before_it_is_refused(make):
    """F-030: sizes are looked at for each record."""
    logger = make(logger_info={"metrics_columns": ["reward"]})
    notes = {f"note{number}": "" for number in range(600)}
    for exp_num in range(3):
        logger.log_record(record(exp_num, **notes))
    with pytest.raises(RecordError, match="the record takes"):
        logger.log_record(record(9, **dict.fromkeys(notes, "\N{GRINNING FACE}" * 4096)))
    with pytest.raises(RecordError, match="task_params: the value takes"):
        logger.log_record(record(9, task_name="Task_b", task_params={"a": "x" * 2**21}, **notes))
