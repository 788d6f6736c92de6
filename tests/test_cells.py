"""The text of cells and lines."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import parse

from l2logger import RecordError, cells

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(TEXT, st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers()), st.binary())


def with_csv(values: list[object]) -> bytes:
    """What the csv writer of the original makes of it, with every CR quoted, as CPython 3.13 does."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t", lineterminator="\r\n").writerow(values)
    return (buffer.getvalue()[:-2] + "\n").encode()


@given(st.lists(VALUES, min_size=2))
def test_a_line_is_what_the_csv_writer_makes(values):
    """S1-11, S1-12, F-026."""
    names = [str(number) for number in range(len(values))]
    assert cells.line(names, dict(zip(names, values, strict=True))) == with_csv(values)


@given(st.lists(TEXT, min_size=2))
def test_a_csv_reader_gets_back_what_was_written(texts):
    names = [f"column {number}" for number in range(len(texts))]
    data = cells.header(names) + cells.line(names, dict(zip(names, texts, strict=True)))
    assert parse(data) == [dict(zip(names, texts, strict=True))]


@given(st.lists(TEXT, min_size=1))
def test_split_gets_back_what_was_joined(texts):
    assert cells.split("\t".join(map(cells.quote, texts))) == texts


@given(st.floats(allow_nan=False))
def test_a_float_reads_back_as_the_same_double(value):
    """S1-37, F-015."""
    assert float(cells.text(value)) == value


@given(st.floats())
def test_a_numpy_float_has_the_text_of_a_python_float(value):
    assert cells.text(np.float64(value)) == cells.text(value)


def test_a_text_enumeration_stands_for_its_text():
    import enum

    class Color(str, enum.Enum):
        RED = "red"

    assert cells.text(Color.RED) == "red"


def test_a_value_whose_text_fails_is_refused_by_name():
    """F-020."""

    class Broken:
        def __str__(self):
            raise ZeroDivisionError("no text")

    with pytest.raises(RecordError, match=r"note: the value, a Broken, cannot be turned into text \(ZeroDivisionError"):
        cells.line(["a", "note"], {"a": 1, "note": Broken()})


def test_a_lone_surrogate_is_refused_by_name():
    """F-027."""
    with pytest.raises(RecordError, match="note: .* surrogate"):
        cells.line(["a", "note"], {"a": "fine", "note": "\ud800"})


def test_an_integer_too_long_for_python_to_print_is_refused():
    """F-023."""
    with pytest.raises(RecordError, match="steps: .*4300 digits"):
        cells.line(["steps"], {"steps": 10**5000})


def test_a_cell_up_to_the_limit_is_stored_and_one_beyond_refused_with_its_size():
    """F-030."""
    assert cells.line(["note"], {"note": "x" * 2**20}) == b"x" * 2**20 + b"\n"
    with pytest.raises(RecordError, match="note: the value takes 1,048,577 bytes"):
        cells.line(["note"], {"note": "x" * (2**20 + 1)})


def test_a_record_beyond_the_limit_is_refused_with_its_size():
    """F-030."""
    names = [f"note{number}" for number in range(9)]
    with pytest.raises(RecordError, match="the record takes 9,437,193 bytes"):
        cells.line(names, dict.fromkeys(names, "x" * 2**20))
