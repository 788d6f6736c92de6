"""All kinds of signals of a run, as they come, beside the records."""

import json
import math
import os
import warnings
from types import MappingProxyType
from unittest import mock

import pytest
from by_hand import row, write_log
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from signals_by_hand import CONTENTS, line, signal, write_signals

from l2logger import LogWarning, followed_file, signal_piece
from l2logger.cli import cli
from l2logger.follow import Follower, NewSignal, SignalFollower
from l2logger.signals import KINDS


@pytest.fixture
def run(tmp_path):
    """A run of two records, and no signals yet."""
    return write_log(tmp_path, [row(0), row(2)])


@pytest.fixture
def follower(run):
    return SignalFollower(run, KINDS)


def shown(found):
    """Return kind and step of each signal, kind and experience of each record."""
    return [
        (each.signal.kind, each.signal.fields["step"])
        if isinstance(each, NewSignal)
        else ("record", int(each.fields["exp_num"]))
        for each in found
    ]


def steps(found):
    return [step for kind, step in shown(found) if kind != "record"]


def test_signals_and_records_come_by_time(run, follower):
    write_signals(run, line("metrics", 0), line("note", 1), line("params", 3))
    write_signals(run, line("text", 1), line("metrics", 2, worker_id="w1"), worker_id="w1")
    assert shown(follower.new()) == [
        ("record", 0),
        ("metrics", 0),
        ("note", 1),
        ("text", 1),
        ("record", 2),
        ("metrics", 2),
        ("params", 3),
    ]
    assert list(follower.new()) == []


def test_a_record_comes_before_other_signals_of_its_time(run):
    write_signals(run, line("metrics", timestamp=row(2)["timestamp"]))
    assert shown(SignalFollower(run, KINDS).new()) == [("record", 0), ("record", 2), ("metrics", 0)]


@pytest.mark.parametrize("kind", sorted(CONTENTS))
def test_a_signal_comes_as_it_was_logged(run, follower, kind):
    write_signals(run, line(kind, 5, clocks={"exp_num": 3}, context={"block_num": 1, "tags": ["a"]}))
    *_, found = follower.new()
    fields = signal(kind, 5, clocks={"exp_num": 3}, context={"block_num": 1, "tags": ["a"]})
    assert (found.signal.kind, thawed(found.signal.fields)) == (fields.pop("kind"), fields)
    with pytest.raises(TypeError):
        found.signal.fields["clocks"]["exp_num"] = 0


def thawed(value):
    if isinstance(value, MappingProxyType):
        return {name: thawed(each) for name, each in value.items()}
    return [thawed(each) for each in value] if isinstance(value, tuple) else value


def test_the_numbers_that_json_lacks_come_as_numbers(run, follower):
    """F-015."""
    write_signals(run, line("metrics", 5, values={"a": "NaN", "b": "-Infinity", "c": 1}))
    *_, found = follower.new()
    values = found.signal.fields["values"]
    assert math.isnan(values["a"])
    assert (values["b"], values["c"], type(values["c"])) == (-math.inf, 1, int)


def test_only_what_is_wanted_is_handed_out(run):
    write_signals(run, line("note", 0), line("metrics", 1), line("image", 2), line("hologram", 3), line("metrics", 4))
    assert shown(SignalFollower(run, {"metrics"}).new()) == [("metrics", 1), ("metrics", 4)]
    assert shown(SignalFollower(run, {"record"}).new()) == [("record", 0), ("record", 2)]
    assert shown(SignalFollower(run, {"record", "image"}).new()) == [("record", 0), ("record", 2), ("image", 2)]


def test_what_is_passed_over_is_not_read_again(run):
    path = write_signals(run, line("note", 0), line("metrics", 1), line("image", 2))
    follower = SignalFollower(run, {"metrics"})
    list(follower.new())
    assert follower.positions == {os.path.join("signals", "w0.jsonl"): path.stat().st_size}
    assert follower.behind() == 0


def test_whoever_wants_records_gets_records(run):
    write_signals(run, line("metrics", 0))
    follower = Follower(run)
    assert [int(each.fields["exp_num"]) for each in follower.new()] == [0, 2]
    assert follower.files == [os.path.join("w0", "0-train", "data-log.tsv")]


def test_signals_come_where_there_are_no_records_yet(tmp_path):
    run = write_log(tmp_path, [])
    write_signals(run, line("metrics", 0))
    assert shown(SignalFollower(run, KINDS).new()) == [("metrics", 0)]


def test_files_that_come_later_are_found(run, follower):
    list(follower.new())
    write_signals(run, line("metrics", 3))
    assert steps(follower.new()) == [3]
    write_signals(run, line("metrics", 4), worker_id="w1")
    assert steps(follower.new()) == [4]


@pytest.mark.parametrize("name", ["w0.jsonl.torn", "w0.json", ".jsonl~", "w0.JSONL"])
def test_other_files_are_left_alone(run, name):
    write_signals(run, line()).rename(run / "signals" / name)
    assert steps(SignalFollower(run, KINDS).new()) == []


def test_links_and_pipes_are_not_opened(run, tmp_path):
    """F-082."""
    path = write_signals(run, line())
    path.rename(tmp_path / "elsewhere.jsonl")
    path.symlink_to(tmp_path / "elsewhere.jsonl")
    os.mkfifo(path.with_name("w1.jsonl"))
    (path.with_name("w2.jsonl")).mkdir()
    assert steps(SignalFollower(run, KINDS).new()) == []


def test_a_linked_directory_is_not_opened(run, tmp_path):
    """F-082."""
    write_signals(tmp_path / "other", line())
    (run / "signals").symlink_to(tmp_path / "other" / "signals")
    assert steps(SignalFollower(run, KINDS).new()) == []


def test_every_prefix_gives_whole_signals_only(run, follower):
    """F-075, F-088: an unfinished last line is left until it is finished."""
    text = line("text", 0) + line("metrics", 1) + line("params", 2)
    path = write_signals(run)
    found = []
    for byte in text.encode():
        with path.open("ab") as file:
            file.write(bytes([byte]))
        found += steps(follower.new(scan=not found))
    assert found == [0, 1, 2]


def test_a_signal_behind_a_torn_one_is_not_lost(run, follower):
    """F-075, F-076."""
    write_signals(run, line("metrics", 0), line("params", 1)[:70], line("metrics", 2), line("metrics", 3))
    with pytest.warns(LogWarning, match=r"signals/w0\.jsonl:2: a signal was not written to its end") as warned:
        assert steps(follower.new()) == [0, 2, 3]
    assert len(warned) == 1


def test_a_torn_signal_is_left_until_another_one_is_written_behind_it(run, follower):
    write_signals(run, line("metrics", 0)[:70])
    assert steps(follower.new()) == []
    write_signals(run, line("metrics", 1))
    with pytest.warns(LogWarning, match="not written to its end"):
        assert steps(follower.new()) == [1]


def test_lines_that_are_no_signals_are_warned_of_with_their_line(run, follower):
    """F-076."""
    write_signals(
        run, line("metrics", 0), "nonsense\n", "\n", line("metrics", 1), line(values={"a": "b"}), line("note", 2)
    )
    with pytest.warns(LogWarning) as warned:
        assert steps(follower.new()) == [0, 1, 2]
    told = [str(each.message).partition("w0.jsonl:")[2] for each in warned]
    assert told == [
        "2: not a line of JSON: 'nonsense'",
        "3: not a line of JSON: ''",
        "5: metrics: a is 'b', expected a number",
    ]


def test_lines_are_counted_over_all_looks(run, follower):
    write_signals(run, line("metrics", 0), line("metrics", 1))
    list(follower.new())
    write_signals(run, line("metrics", 2), "nonsense\n")
    with pytest.warns(LogWarning, match=r"w0\.jsonl:4: "):
        list(follower.new())


def test_positions_lead_on_in_another_process(run, follower):
    """Also behind a torn signal."""
    write_signals(run, line("metrics", 1), line("note", 1)[:40], line("metrics", 3), line("metrics", 4))
    with pytest.warns(LogWarning, match="not written to its end"):
        for each in follower.new():
            kept = json.dumps(follower.positions)
            if steps([each]) == [3]:
                break
    assert shown(SignalFollower(run, KINDS, json.loads(kept)).new()) == [("metrics", 4)]


def test_a_file_that_was_replaced_is_read_from_its_beginning(run, follower):
    path = write_signals(run, line("metrics", 0), line("metrics", 1))
    list(follower.new())
    write_signals(run, line("metrics", 7), worker_id="other").replace(path)
    with pytest.warns(LogWarning, match="replaced"):
        assert steps(follower.new()) == [7]


def test_a_file_is_known_again_after_a_copy_took_its_place(run, follower):
    """As rsync leaves it."""
    path = write_signals(run, line("metrics", 0))
    list(follower.new())
    write_signals(run, path.read_text(), line("metrics", 7), worker_id="other").replace(path)
    assert steps(follower.new()) == [7]


def test_what_is_appended_to_a_file_that_was_cut_is_new(run, follower):
    path = write_signals(run, line("metrics", 0), line("metrics", 1))
    list(follower.new())
    path.write_text(line("metrics", 0))
    with pytest.warns(LogWarning, match="was cut"):
        assert list(follower.new()) == []
    write_signals(run, line("metrics", 5))
    assert steps(follower.new()) == [5]


def test_a_line_that_is_longer_than_what_is_read_at_once(run, follower):
    write_signals(run, line("text", 0, text="x" * 300_000), line("metrics", 1))
    assert steps(follower.new()) == [0, 1]


def test_a_line_that_is_too_long_is_passed_over(run, follower):
    """F-086."""
    write_signals(run, line("metrics", 0), line("text", 1, text="x" * 300_000), line("metrics", 2))
    with (
        mock.patch.object(signal_piece, "MAX_LINE_BYTES", 1000),
        mock.patch.object(followed_file, "_CHUNK_BYTES", 1000),
        pytest.warns(LogWarning, match=r"w0\.jsonl:2: a line of more than 1,000 bytes is not read"),
    ):
        assert steps(follower.new()) == [0, 2]


def test_what_is_behind_is_told_in_bytes_and_signals(run, follower):
    write_signals(run, line("metrics", 0))
    list(follower.new())
    write_signals(run, line("metrics", 3), line("note", 4))
    assert (follower.behind(), follower.waiting()) == (len(line("metrics", 3) + line("note", 4)), 2)


def test_last_gives_the_last_of_all_files(run):
    write_signals(run, *(line("metrics", number, values={"a": number}) for number in range(40)))
    follower = SignalFollower(run, KINDS)
    assert shown(follower.last(3)) == [("metrics", 37), ("metrics", 38), ("metrics", 39)]
    assert list(follower.new()) == []


def test_more_files_than_are_read_side_by_side_are_merged_by_time(run):
    for number in range(60):
        write_signals(run, line("metrics", 2 * number), line("metrics", 2 * number + 1), worker_id=f"w{number}")
    write_signals(run, *(line("note", number) for number in range(120)), worker_id="beside")
    found = [each.timestamp for each in SignalFollower(run, KINDS).new()]
    assert len(found) == 242
    assert found == sorted(found)


def tail(*args):
    return CliRunner().invoke(cli, ["tail", *map(str, args)], prog_name="l2logger").stdout.splitlines()


def test_tail_shows_records_alone_unless_all_is_asked_for(run):
    write_signals(run, line("metrics", 5, values={"a/b": 0.123456789, "c": "NaN"}), line("note", 6, step=None))
    assert len(tail(run)) == 2
    assert [" ".join(each.split()) for each in tail(run, "--all", "-n", "2")] == [
        "12:00:05.000 w0 metrics step 5 a/b=0.123457 c=nan",
        "12:00:06.000 w0 note text=lr dropped",
    ]


def test_tail_shows_any_kind(run):
    write_signals(run, *(line(kind, 5) for kind in CONTENTS))
    assert len(tail(run, "--all", "-n", "100")) == 2 + len(CONTENTS)
    found = [json.loads(each) for each in tail(run, "--all", "--json", "-n", "100")]
    assert [each for each in found if "kind" in each] == [signal(kind, 5) for kind in CONTENTS]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    run = write_log(tmp_path_factory.mktemp("logs"), [])
    return write_signals(run)


PARTS = st.tuples(st.sampled_from(sorted(CONTENTS)), st.integers(0, 400), st.booleans())


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(PARTS, max_size=12), size=st.integers(1, 500))
def test_whatever_was_cut_off_the_whole_signals_come(scratch, parts, size):
    """F-075: wherever the pieces end that are read at a time."""
    text, expected = b"", []
    for number, (kind, cut, is_whole) in enumerate(parts):
        if is_whole:
            text += line(kind, number).encode()
            expected.append(number)
        else:
            text += line(kind, number).encode()[:-1][:cut]
    scratch.write_bytes(text)
    with mock.patch.object(followed_file, "_CHUNK_BYTES", size), warnings.catch_warnings():
        warnings.simplefilter("ignore", LogWarning)
        found = list(SignalFollower(scratch.parent.parent, KINDS).new())
    assert steps(found) == expected
