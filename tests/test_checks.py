"""Checks of arguments."""

import math

import numpy
import pytest

from l2logger import checks
from l2logger.errors import ConfigError, SignalError


@pytest.mark.parametrize("value", [0, 0.5, 3600])
def test_seconds(value):
    assert checks.seconds("every_secs", value) == value


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "1", None, True])
def test_what_are_no_seconds(value):
    with pytest.raises(ConfigError, match="every_secs must be a number of seconds, 0 or more, got"):
        checks.seconds("every_secs", value)


@pytest.mark.parametrize("value", [1, numpy.int64(1)])
def test_a_count_is_of_any_type_of_whole_numbers(value):
    assert type(checks.count("window", value)) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", None, True, numpy.float32(1)])
def test_what_is_no_count(value):
    with pytest.raises(ConfigError, match="window must be a whole number of records, 1 or more, got"):
        checks.count("window", value, "records")


@pytest.mark.parametrize("value", ["c", "", None, ["a"], 7])
def test_what_is_none_of_the_words(value):
    with pytest.raises(ConfigError, match="mode must be one of 'a', 'b', got"):
        checks.one_of("mode", value, ("a", "b"))


@pytest.mark.parametrize("value", [0, -(2**63) + 1, 2**63 - 1, numpy.int32(5)])
def test_a_step(value):
    assert type(checks.step(value)) is int


def test_a_step_that_is_no_whole_number_is_an_error_that_names_the_clock():
    with pytest.raises(
        SignalError, match=r"a step of the clock 'frames' must be a whole number of up to 64 bits, got 1\.5"
    ):
        checks.step(1.5, "frames")


def test_a_step_of_too_many_bits_is_not_written_out():
    """Python refuses to write the digits of a really large number."""
    with pytest.raises(SignalError, match="up to 64 bits, got one of 100001"):
        checks.step(2**100_000)
