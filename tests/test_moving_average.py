"""Statistics over the last values of a metric, in the chain of a real run."""

import math
import os
import pickle
import resource
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import signals
from test_full_disk import limit

from l2logger import ConfigError, DataLogger, LogWriteError, SignalError
from l2logger.processors import canonical
from l2logger.processors.moving_average import MovingAverage


@pytest.fixture
def averaging(make):
    """Make a logger whose chain ends with moving averages."""
    return lambda *averages, **options: make(processors=[*canonical(), *averages], **options)


def values(logger, worker_id="worker-default"):
    return [each["values"] for each in signals(logger.scenario_dir, worker_id)]


def column(logger, name, worker_id="worker-default"):
    return [each.get(name) for each in values(logger, worker_id)]


def log_all(logger, losses, name="loss", **options):
    for loss in losses:
        logger.log_metrics({name: loss}, **options)


def test_it_is_silent_until_the_window_is_full(averaging):
    """S3-5."""
    logger = averaging(MovingAverage(3))
    log_all(logger, [1, 2, 6, 4])
    assert values(logger) == [{"loss": 1}, {"loss": 2}, {"loss": 6, "loss/mean3": 3.0}, {"loss": 4, "loss/mean3": 4.0}]


def test_nan_neither_enters_nor_fills_the_window(averaging):
    """S3-5: really ignored."""
    logger = averaging(MovingAverage(2, ["mean", "min", "max", "latest"]))
    log_all(logger, [math.nan, 1.0, math.nan, math.nan, 3.0, math.nan, 5.0])
    assert column(logger, "loss/mean2") == [None, None, None, None, 2.0, None, 4.0]
    assert column(logger, "loss/latest2") == [None, None, None, None, 3.0, None, 5.0]


def test_all_statistics(averaging):
    """S2-21: latest, mean, min, max over the last N."""
    logger = averaging(MovingAverage(3, ("latest", "mean", "min", "max")))
    log_all(logger, [5, -1, 2, 3])
    assert values(logger)[2:] == [
        {"loss": 2, "loss/latest3": 2, "loss/mean3": 2.0, "loss/min3": -1, "loss/max3": 5},
        {"loss": 3, "loss/latest3": 3, "loss/mean3": 4 / 3, "loss/min3": -1, "loss/max3": 3},
    ]


def test_a_window_of_one_is_the_value(averaging):
    logger = averaging(MovingAverage(1, ["mean", "max"]))
    log_all(logger, [5, -1, 2])
    assert column(logger, "loss/mean1") == column(logger, "loss/max1") == [5, -1, 2]


numbers = st.floats(-1e6, 1e6) | st.integers(-1000, 1000) | st.just(math.nan)


@given(st.lists(numbers, max_size=60), st.integers(1, 9))
def test_it_is_what_a_window_gives(series, size):
    """S3-5, S2-21: against the values themselves."""
    average = MovingAverage(size, ["mean", "min", "max"])
    seen = []
    for value in series:
        event = average(None, "metrics", {"worker_id": "w", "clock": "step", "values": {"x": value}})
        average.commit(event)
        if value == value:
            seen.append(value)
        found = {name: each for name, each in event["values"].items() if name != "x"}
        if value != value or len(seen) < size:
            assert found == {}
        else:
            window = seen[-size:]
            assert found[f"x/mean{size}"] == pytest.approx(statistics.fmean(window), rel=1e-9, abs=1e-6)
            assert (found[f"x/min{size}"], found[f"x/max{size}"]) == (min(window), max(window))


def test_large_and_infinite_values_leave_nothing_behind(averaging):
    logger = averaging(MovingAverage(2))
    log_all(logger, [1.0, 1e300, 0.25, 0.75, math.inf, 1.0, 2.0, -math.inf, 3.0, 4.0])
    assert column(logger, "loss/mean2") == [
        None, 5e299, 5e299, 0.5, "Infinity", "Infinity", 1.5, "-Infinity", "-Infinity", 3.5
    ]  # fmt: skip


def test_workers_and_clocks_have_windows_of_their_own(averaging):
    logger = averaging(MovingAverage(2))
    for number in range(2):
        logger.bind(worker_id="w0").log_metrics(loss=number)
        logger.bind(worker_id="w1").log_metrics(loss=10 + number)
        logger.log_metrics(loss=20 + number, clock="updates")
    assert column(logger, "loss/mean2", "w0") == [None, 0.5]
    assert column(logger, "loss/mean2", "w1") == [None, 10.5]
    assert column(logger, "loss/mean2") == [None, 20.5]
    logger.log_metrics(loss=0, clock="epoch")
    assert column(logger, "loss/mean2")[-1] is None


def test_metrics_need_not_come_together(averaging):
    logger = averaging(MovingAverage(2))
    logger.log_metrics({"a": 1, "group": {"b": 1}})
    logger.log_metrics({"a": 2})
    logger.log_metrics({"group": {"b": 3}})
    assert values(logger)[1:] == [{"a": 2, "a/mean2": 1.5}, {"group/b": 3, "group/b/mean2": 2.0}]


def test_several_windows_do_not_average_one_another(averaging):
    logger = averaging(MovingAverage(2), MovingAverage(3, "max"))
    log_all(logger, [1, 2, 3, 4, 5, 6])
    assert set(values(logger)[-1]) == {"loss", "loss/mean2", "loss/max3"}


def test_a_name_that_looks_like_a_pattern_is_found(averaging):
    logger = averaging(MovingAverage(1, names="loss[0]"))
    logger.log_metrics({"loss[0]": 1, "loss": 2})
    assert values(logger)[0] == {"loss[0]": 1, "loss": 2, "loss[0]/mean1": 1}


def test_only_some_metrics(averaging):
    logger = averaging(MovingAverage(1, names=["loss*", "eval/?"]))
    logger.log_metrics({"loss": 1, "loss_value": 2, "eval/a": 3, "eval/ab": 4, "reward": 5})
    assert set(values(logger)[0]) - {"loss", "loss_value", "eval/a", "eval/ab", "reward"} == {
        "loss/mean1",
        "loss_value/mean1",
        "eval/a/mean1",
    }


def test_what_was_logged_by_its_name_stays(averaging):
    logger = averaging(MovingAverage(1))
    logger.log_metrics({"loss": 1})
    logger.log_metrics({"loss": 2, "loss/mean1": 7})
    assert values(logger)[1] == {"loss": 2, "loss/mean1": 7}


def test_a_refused_signal_is_never_remembered(averaging):
    logger = averaging(MovingAverage(2))
    logger.log_metrics(loss=1)
    with pytest.raises(SignalError):
        logger.log_metrics(loss=1000, step="now")
    size = os.path.getsize(os.path.join(logger.scenario_dir, "signals", "worker-default.jsonl"))
    with limit(resource.RLIMIT_FSIZE, size + 5), pytest.raises(LogWriteError):
        logger.log_metrics(loss=1000)
    logger.log_metrics(loss=2)
    assert column(logger, "loss/mean2") == [None, 1.5]


def test_a_pickled_logger_goes_on(averaging):
    logger = averaging(MovingAverage(2))
    logger.log_metrics(loss=1)
    with pickle.loads(pickle.dumps(logger)) as other:
        assert isinstance(other, DataLogger)
        other.log_metrics(loss=2)
    assert column(logger, "loss/mean2") == [None, 1.5]


@pytest.mark.parametrize(
    "arguments",
    [
        (0,),
        (-1,),
        (True,),
        (2.0,),
        ("3",),
        (2, "median"),
        (2, ()),
        (2, [3]),
        (2, "mean", ()),
        (2, "mean", [""]),
        (2, 7),
    ],
)
def test_arguments_that_make_no_sense(arguments):
    with pytest.raises(ConfigError, match="MovingAverage"):
        MovingAverage(*arguments)
