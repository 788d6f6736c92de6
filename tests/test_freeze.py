"""Freezing what goes to sinks, so that nobody can change it for others."""

from collections import OrderedDict
from types import MappingProxyType
from typing import NamedTuple

import numpy
import pytest

from l2logger.signals import BASE_NBYTES, freeze, frozen


class Point(NamedTuple):
    x: int
    y: list


class Text(str):
    pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        ("a", "a"),
        (None, None),
        ([1, [2, {"a": [3]}]], (1, (2, {"a": (3,)}))),
        ({"a": {"b": [1]}}, {"a": {"b": (1,)}}),
        (OrderedDict(a=[1]), {"a": (1,)}),
        (MappingProxyType({"a": [1]}), {"a": (1,)}),
        (Point(1, [2]), (1, (2,))),
        ({1, 2}, frozenset({1, 2})),
        (Text("a"), "a"),
    ],
)
def test_frozen_values_are_equal_and_read_only(value, expected):
    found = frozen(value)
    assert found == expected
    assert not isinstance(found, dict | list | set)


def test_nothing_is_shared_with_what_was_given():
    """DESIGN, rule 6."""
    given = {"values": {"a": 1.0}, "rows": [[1]], "array": numpy.zeros(2)}
    signal = freeze("metrics", given)
    given["values"]["a"] = 2.0
    given["rows"][0].append(2)
    given["array"][0] = 5
    assert (signal.fields["values"], signal.fields["rows"]) == ({"a": 1.0}, ((1,),))
    assert (signal.fields["array"].tolist(), signal.fields["array"].flags.writeable) == ([0.0, 0.0], False)


@pytest.mark.parametrize(
    ("value", "nbytes"),
    [(1.5, 0), ("a" * 50, 50), (b"ab", 2), ([1, "abc"], 103), ({"a": {"b": "abc"}}, 203), (numpy.zeros(8), 64)],
)
def test_the_size_is_about_what_it_takes(value, nbytes):
    assert freeze("note", {"value": value}).nbytes == BASE_NBYTES + nbytes


def test_what_cannot_be_copied_is_its_text():
    values = (each for each in ())
    assert freeze("record", {"a": values}).fields["a"] == str(values)
