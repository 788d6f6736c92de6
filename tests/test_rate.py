"""How fast clocks go, in the chain of a real run whose time is ours."""

import math
import os
import resource

import pytest
from reading import signals
from test_full_disk import limit

from l2logger import ConfigError, LogWriteError
from l2logger.processors import canonical
from l2logger.processors.rate import Rate


class Time:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.secs = 1000.0

    def __call__(self) -> float:
        return self.secs


@pytest.fixture
def now():
    return Time()


@pytest.fixture
def rated(make, now):
    """Make a logger whose chain ends with a rate."""
    return lambda *arguments, **options: make(processors=[*canonical(), Rate(*arguments, clock=now, **options)])


def column(logger, name, worker_id="worker-default"):
    return [each["values"].get(name) for each in signals(logger.scenario_dir, worker_id)]


def log_at(logger, now, *places, **options):
    """Log at pairs of seconds and steps."""
    for secs, step in places:
        now.secs = 1000.0 + secs
        logger.log_metrics({"loss": 0.5}, step=step, **options)


def test_it_is_steps_by_seconds(rated, now):
    """S3-7."""
    logger = rated()
    log_at(logger, now, (0, 0), (2, 100), (4, 400))
    assert column(logger, "step_per_sec") == [None, 50.0, 150.0]


@pytest.mark.parametrize(("per", "expected"), [("sec", 2.0), ("min", 120.0), ("hour", 7200.0)])
def test_it_may_be_per_hour(rated, now, per, expected):
    """S3-7: steps per hour."""
    logger = rated(per)
    log_at(logger, now, (0, 0), (10, 20), clock="env_steps")
    assert column(logger, f"env_steps_per_{per}") == [None, expected]


def test_it_is_over_the_time_since_it_was_added_last(rated, now):
    logger = rated(every_secs=5)
    log_at(logger, now, (0, 0), (1, 1000), (4, 1001), (5, 1005), (6, 1006), (10, 1010))
    assert column(logger, "step_per_sec") == [None, None, None, 201.0, None, 1.0]


def test_late_and_repeated_steps_do_not_count(rated, now):
    logger = rated()
    log_at(logger, now, (0, 10), (2, 10), (4, 3), (10, 30))
    assert column(logger, "step_per_sec") == [None, None, None, 2.0]


def test_a_time_that_stands_still_is_no_division_by_zero(rated, now):
    logger = rated(every_secs=0)
    log_at(logger, now, (0, 1), (0, 2), (-1, 3), (1, 4))
    assert column(logger, "step_per_sec") == [None, None, None, 3.0]


def test_clocks_that_were_moved_have_rates_too(rated, now):
    logger = rated()
    for secs in (0, 2):
        now.secs = 1000.0 + secs
        logger.advance("env_steps", to=100 * secs)
        logger.log_metrics(loss=0.5, step=secs)
    assert column(logger, "step_per_sec") == [None, 1.0]
    assert column(logger, "env_steps_per_sec") == [None, 100.0]


def test_workers_have_rates_of_their_own(rated, now):
    logger = rated()
    log_at(logger.bind(worker_id="w0"), now, (0, 0), (2, 4))
    log_at(logger.bind(worker_id="w1"), now, (2, 1000), (4, 1002))
    assert column(logger, "step_per_sec", "w0") == [None, 2.0]
    assert column(logger, "step_per_sec", "w1") == [None, 1.0]


def test_without_a_clock_there_is_no_rate(rated, now):
    logger = rated()
    log_at(logger, now, (0, None), (5, None), clock=None)
    assert [each["values"] for each in signals(logger.scenario_dir)] == [{"loss": 0.5}] * 2


def test_a_refused_signal_is_never_remembered(rated, now):
    logger = rated()
    log_at(logger, now, (0, 0))
    size = os.path.getsize(os.path.join(logger.scenario_dir, "signals", "worker-default.jsonl"))
    with limit(resource.RLIMIT_FSIZE, size + 5), pytest.raises(LogWriteError):
        log_at(logger, now, (5, 500))
    log_at(logger, now, (10, 1000))
    assert column(logger, "step_per_sec") == [None, 100.0]


def test_by_default_it_is_the_time_that_passes(make):
    logger = make(processors=[*canonical(), Rate(every_secs=0)])
    for step in range(2):
        logger.log_metrics(loss=0.5, step=step)
    assert 0 < column(logger, "step_per_sec")[1] < 1e6


@pytest.mark.parametrize(
    "options",
    [{"per": "day"}, {"every_secs": -1}, {"every_secs": math.nan}, {"every_secs": math.inf}, {"every_secs": "1s"}],
)
def test_arguments_that_make_no_sense(options):
    with pytest.raises(ConfigError, match="Rate"):
        Rate(**options)
