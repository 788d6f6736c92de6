"""What is in a line of ``signals/<worker_id>.jsonl``."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signals_by_hand import CONTENTS, line, signal

from l2logger.signal_lines import parse
from l2logger.signals import KINDS, RECORD

MARK = b'{"kind": "metrics", "timestamp": "'


def parsed(text):
    return parse(text.encode().removesuffix(b"\n"))


@pytest.mark.parametrize("kind", sorted(KINDS - {RECORD}))
def test_each_kind_comes_back(kind):
    assert parsed(line(kind)) == (signal(kind), 0, "")


def test_texts_stand_for_the_numbers_that_json_lacks():
    """F-015."""
    found = parsed(line(values={"a": "NaN", "b": "Infinity", "c": "-Infinity", "d": -0.0, "e": 2**70}))
    values = found.signal["values"]
    assert math.isnan(values["a"])
    assert (values["b"], values["c"], str(values["d"]), values["e"]) == (math.inf, -math.inf, "-0.0", 2**70)


def test_text_that_looks_so_is_text_where_no_number_is_expected():
    found = parsed(line("params", params={"a": "NaN"}))
    assert found.signal["params"] == {"a": "NaN"}


def test_a_kind_of_a_later_version_is_a_signal():
    assert parsed(line("hologram", depth=3)).signal["depth"] == 3


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"step": True}, "step is True, expected a whole number or null"),
        ({"step": 1.0}, "step is 1.0, expected a whole number or null"),
        ({"step": 2**63}, "expected a whole number of up to 64 bits"),
        ({"clock": 7}, "clock is 7, expected text or null"),
        ({"worker_id": None}, "worker_id is missing, expected text"),
        ({"clocks": {"exp_num": 1.5}}, "expected whole numbers by name"),
        ({"context": []}, "context is [], expected an object"),
        ({"values": [1]}, "values is [1], expected an object"),
        ({"values": {"a": True}}, "a is True, expected a number"),
        ({"values": {"a": "nan"}}, "a is 'nan', expected a number"),
        ({"values": {"a": None}}, "a is missing, expected a number"),
        ({"values": {"a": {"b": 1}}}, "a is {'b': 1}, expected a number"),
    ],
)
def test_fields_that_are_not_what_they_should_be(more, problem):
    found = parsed(line(**more))
    assert found.signal is None
    assert found.problem.startswith("metrics: ")
    assert problem in found.problem


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x.png", "media/../../x.png", "media//x.png", "media", "other/x.png", "media/a\\b", "", 3],
)
@pytest.mark.parametrize("kind", ["image", "array", "artifact"])
def test_a_path_that_leaves_its_directory_is_none(kind, path):
    """DESIGN, rule 8."""
    found = parsed(line(kind, path=path))
    assert found.signal is None
    assert "path is" in found.problem


@pytest.mark.parametrize("kind", sorted(CONTENTS))
def test_every_field_of_its_own_that_a_kind_needs_is_asked_for(kind):
    fields = signal(kind)
    first = next(iter(CONTENTS[kind]))
    del fields[first]
    assert f"{first} is missing" in parsed(json.dumps(fields)).problem


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0\0\0",
        "nonsense",
        "[1]",
        "7",
        "{}",
        '{"kind": 7}',
        '{"kind": "record", "block_num": 0}',
        '{"kind": "metrics"}',
        "[" * 100_000,
        line("table", rows=[[1]]).replace("[[1]]", "[" * 150 + "]" * 150),
        line("params", params={"a": 1}).replace("1}}", '{"a":' * 800 + "1" + "}" * 802),
        line(values={"a": 1}).replace("1}}", "NaN}}"),
        line(values={"a": 1}).replace("1}}", "9" * 5000 + "}}"),
        line().strip() + line().strip() + "x",
        "\ufeff" + line(),
    ],
)
def test_what_is_no_signal_is_told(text):
    found = parsed(text)
    assert found.problem
    assert found.signal is None or text.startswith("\ufeff")


@pytest.mark.parametrize("kind", sorted(CONTENTS))
def test_a_signal_behind_a_torn_one_is_recovered_at_every_cut(kind):
    """F-075: nothing of the torn one is taken for a signal, and nothing of the whole one is lost."""
    torn, whole = line(kind, 1).encode()[:-1], line("metrics", 2).encode()[:-1]
    for cut in range(1, len(torn)):
        found = parse(torn[:cut] + whole)
        assert found.signal == signal("metrics", 2)
        assert found.begin == cut
        assert "not written to its end" in found.problem


def test_the_beginning_of_a_signal_is_none_at_every_cut():
    """F-075: also where a part of it is a whole object."""
    text = line("params", params={"policy": {"kind": "mlp", "timestamp": "x"}, "b": [{"kind": "mlp"}]}).encode()[:-1]
    for cut in range(len(text)):
        assert parse(text[:cut]).signal is None


def test_a_long_table_is_not_deep():
    rows = [[[number], {"a": []}] for number in range(500)]
    assert parsed(line("table", rows=rows)).signal["rows"] == rows


def test_what_looks_like_a_signal_within_one_is_a_part_of_it():
    params = {"inner": signal("metrics"), "text": line()}
    torn = line("note").encode()[:50]
    found = parse(torn + line("params", params=params).encode()[:-1])
    assert found.signal["params"] == params


def test_a_line_of_many_beginnings_takes_no_long_time():
    found = parse(MARK * 20_000)
    assert found.signal is None


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_damage_makes_another_signal_than_there_was(data):
    """A line that was cut or of which something is missing is a whole signal behind the damage, or none."""
    kinds = [data.draw(st.sampled_from(sorted(CONTENTS))) for _ in range(3)]
    whole = [line(kind, number).encode()[:-1] for number, kind in enumerate(kinds)]
    text = b"".join(each[: data.draw(st.integers(0, len(each)))] for each in whole[:2])
    found = parse(text + whole[2])
    expected = signal(kinds[2], 2)
    assert found.signal == expected
    assert bool(found.problem) == bool(text)
