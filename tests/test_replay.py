"""Runs on disk to sinks: the same as live, each record, through failures, once or followed."""

import itertools
import json
import os
import threading
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import files, record

from l2logger import (
    ConfigError,
    DataLogger,
    LogFormatError,
    LogLockedError,
    LogWarning,
    SinkWarning,
    schema,
)
from l2logger.errors import DirectoryError, SinkError
from l2logger.legacy import RLPerformanceLogger
from l2logger.replay import Replayer, replay
from l2logger.sinks import Every, JsonlSink, MemorySink, ProcessSink, Sink
from l2logger.sinks.numbers import metrics

LIMIT_SECS = 60
COLUMNS = schema.V1_1.columns


class Shelf(Sink):
    """Keeps what it gets, and fails as it is told to.

    Args:
        **fail: For each verb what is called before it, with the signal or the run if there is one.
    """

    def __init__(self, place="", **fail):
        self.place = place
        self.fail = fail
        self.exp_nums = []
        self.calls = []
        self.run = None
        self.was_fresh = []

    def _call(self, verb, *args):
        self.calls.append(verb)
        self.fail.get(verb, lambda *args: None)(*args)

    def open(self, run):
        self.was_fresh.append(self.fresh)
        self.run = run
        self._call("open", run)

    def write(self, signal):
        self._call("write", signal)
        self.exp_nums.append(signal.fields["exp_num"])

    def flush(self):
        self._call("flush")

    def close(self):
        self._call("close")

    def options(self):
        return {"place": self.place} if self.place else {}


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def broken(*args):
    raise OSError("out of order")


def refuse(*exp_nums):
    """Return what fails for some records."""

    def write(signal):
        if signal.fields["exp_num"] in exp_nums:
            raise ValueError("not this one")

    return write


@pytest.fixture
def logged(make):
    """A closed run of 30 records of three workers."""
    with make(scenario_info={"input": "a"}) as logger:
        for exp_num in range(30):
            logger.log_record(record(exp_num, worker_id=f"w{exp_num % 3}", block_num=exp_num // 12))
    return Path(logger.scenario_dir)


# What sinks get

CLEAN = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.one_of(
    st.floats(),
    st.sampled_from([1e308, -0.0, 5e-324, 1e16]),
    st.integers(),
    st.integers(-(2**200), 2**200),
    st.booleans(),
    st.floats(width=32).map(numpy.float32),
    st.floats(width=16).map(numpy.float16),
    st.integers(-(2**63), 2**63 - 1).map(numpy.int64),
    st.booleans().map(numpy.bool_),
    st.none(),
)
VALUES = (
    NUMBERS
    | CLEAN
    | st.sampled_from(["a\tb", 'say "x"', "a\nb", "\r", "x\r\ny", " ", "NaN", "1_000", "٣", "5", "True"])
)


@st.composite
def logs(draw):
    """Records of some workers, each of which goes on to later blocks and experiences only."""
    at = {f"w{number}": [0, 0] for number in range(3)}
    records = []
    for _ in range(draw(st.integers(1, 12))):
        worker_id = draw(st.sampled_from(sorted(at)))
        at[worker_id][0] += draw(st.integers(0, 1))
        at[worker_id][1] += draw(st.integers(0, 2))
        block_num, exp_num = at[worker_id]
        records.append(
            {
                "block_num": block_num,
                "exp_num": exp_num,
                "worker_id": worker_id,
                "block_type": draw(st.sampled_from(["train", "test"])),
                "block_subtype": draw(st.sampled_from(["wake", "sleep"])),
                "task_name": draw(CLEAN),
                "task_params": draw(st.dictionaries(CLEAN, CLEAN | st.floats(), max_size=2)),
                "reward": draw(NUMBERS),
                "note": draw(VALUES),
            }
        )
    return records


@settings(max_examples=100, deadline=None)
@given(records=logs())
@pytest.mark.filterwarnings("ignore::l2logger.RecordWarning")
def test_values_order_and_steps_are_those_of_a_live_mirror(tmp_path_factory, records):
    """S4-10."""
    live, replayed = MemorySink(), MemorySink()
    with DataLogger(tmp_path_factory.mktemp("logs"), "run", {"metrics_columns": ["reward"]}, sinks=[live]) as logger:
        for each in records:
            logger.log_record(each)
    replay(logger.scenario_dir, [replayed])
    assert [facts(each) for each in replayed.records] == [facts(each) for each in live.records]


def facts(fields):
    """Return what is compared of a record: standard columns with their types, and the numbers, NaN and -0.0 too."""
    standard = [(type(fields[name]), fields[name]) for name in COLUMNS]
    return standard, {name: repr(value) for name, value in metrics(fields).items()}


def test_text_that_says_something_else_is_text_again(make):
    logger = make()
    texts = {"a": "a\tb\n", "b": "1_000", "c": 'x"y', "d": "half", "e": "["}
    logger.log_record(record(**texts))
    replay(logger.scenario_dir, [sink := MemorySink()])
    assert {name: sink.records[0][name] for name in texts} == texts


@pytest.mark.filterwarnings("ignore:.*a cell of the log holds one number or text")
def test_what_a_cell_cannot_tell_comes_as_what_it_looks_like(make):
    logger = make()
    logger.log_record(record(a="5", b="", c="true", d=[1, 2]))
    replay(logger.scenario_dir, [sink := MemorySink()])
    assert [sink.records[0][name] for name in "abcd"] == [5, None, True, "[1, 2]"]


def test_signals_cannot_be_changed(logged):
    """F-099."""
    replay(logged, [sink := MemorySink()])
    with pytest.raises(TypeError):
        sink.records[0]["reward"] = 0


def test_a_sink_learns_what_its_run_is(logged, monkeypatch):
    monkeypatch.chdir(logged.parent)
    replay(logged.name, [sink := MemorySink()])
    assert sink.run.scenario_dir == str(logged)
    assert sink.run.logger_info == {"metrics_columns": ["reward"], "log_format_version": "1.1"}
    assert sink.run.scenario_info == {"input": "a"}


def test_an_info_file_that_cannot_be_read_is_warned_of(logged):
    (logged / "scenario_info.json").write_text("")
    with pytest.warns(LogWarning, match="scenario_info.json"):
        replay(logged, [sink := MemorySink()])
    assert (len(sink.records), sink.run.scenario_info) == (30, {})


def test_records_of_1_0_have_all_columns(make):
    logger = make(format_version="1.0")
    logger.log_record(record())
    replay(logger.scenario_dir, [sink := MemorySink()])
    assert sink.records[0]["block_subtype"] == "wake"
    assert sink.run.logger_info["log_format_version"] == "1.0"


def test_records_of_0_1_have_all_columns(tmp_path):
    """S0-27."""
    logger = RLPerformanceLogger(tmp_path, ["reward"])
    entered = {"block_num": 3, "regime_num": 0, "block_type": "test", "worker": "w", "task_name": "T_a", "params": "[]"}
    logger.write_new_regime(entered, "old")
    logger.write_to_data_log({"block_num": 3, "regime_num": 0, "exp_num": 5, "status": "Done", "reward": 1})
    logger.close_logs()
    replay(tmp_path / "old", [sink := MemorySink()])
    [found] = sink.records
    assert found.keys() >= set(COLUMNS)
    assert (found["exp_num"], found["worker_id"], found["block_type"], found["task_name"]) == (5, "w", "test", "T_a")
    assert (found["exp_status"], found["task_params"], found["reward"]) == ("complete", "{}", 1)


def test_a_list_of_metrics_is_the_logger_info_of_0_1(tmp_path):
    (tmp_path / "column_metric_list.json").write_text('["reward"]')
    path = tmp_path / "w" / "0-train" / "T_a" / "data-log.tsv"
    path.parent.mkdir(parents=True)
    path.write_text(
        "block_num\tregime_num\texp_num\tstatus\ttimestamp\treward\n0\t0\t0\tDone\t20200921T000000.000000\t1\n"
    )
    replay(tmp_path, [sink := MemorySink()])
    assert sink.run.logger_info == {"metrics_columns": ["reward"]}


def test_a_sink_gets_no_kind_of_signal_that_it_does_not_take(logged):
    sink = Shelf()
    sink.kinds = frozenset({"image"})
    [health] = replay(logged, [sink])
    assert (health.delivered, sink.calls) == (0, [])


# Which run


def test_a_directory_without_a_run_is_an_error(tmp_path):
    with pytest.raises(DirectoryError, match="no run in"):
        replay(tmp_path, [Shelf()])


def test_several_runs_are_an_error(make):
    make(scenario_name="a")
    logger = make(scenario_name="b")
    with pytest.raises(ConfigError, match="holds 2: a-"):
        replay(Path(logger.scenario_dir).parent, [Shelf()])


def test_a_part_of_a_run_is_an_error(logged):
    with pytest.raises(ConfigError, match=f"give {logged}"):
        replay(logged / "w1", [Shelf()])


def test_a_run_can_be_given_by_its_name(logged, monkeypatch):
    monkeypatch.setenv("L2DATA", str(logged.parents[1]))
    monkeypatch.chdir("/")
    replay(logged.name, [sink := Shelf()])
    assert len(sink.exp_nums) == 30


def test_a_run_without_records_is_fine_and_opens_nothing(logger):
    [health] = replay(logger.scenario_dir, [sink := Shelf()])
    assert (health.state, health.delivered, sink.calls) == ("closed", 0, [])


@pytest.mark.parametrize("sinks", [[], Shelf(), [Shelf], None, ["jsonl"]])
def test_sinks_must_be_sinks(logged, sinks):
    with pytest.raises(ConfigError, match="sinks must be a list"):
        replay(logged, sinks)


# From where


@pytest.mark.parametrize(
    ("start", "first", "count"),
    [
        ("beginning", 0, 30),
        ("last", 0, 30),
        (0, 0, 30),
        (12, 12, 18),
        (30, None, 0),
        ("20000101", 0, 30),
        ("2999-01-01", None, 0),
    ],
)
def test_it_starts_where_it_is_told_to(logged, start, first, count):
    replay(logged, [sink := Shelf()], start=start)
    assert (next(iter(sink.exp_nums), None), len(sink.exp_nums)) == (first, count)


@pytest.mark.parametrize(
    "form", [str, lambda time: f"{time[:4]}-{time[4:6]}-{time[6:8]} {time[9:11]}:{time[11:13]}:{time[13:]}"]
)
def test_it_starts_at_a_time(logged, form):
    replay(logged, [every := MemorySink()])
    replay(logged, [sink := Shelf()], start=form(every.records[7]["timestamp"]))
    assert sink.exp_nums == list(range(7, 30))


@pytest.mark.parametrize("start", ["", "first", "noon", -1, True, None, 1.5, "2026", "20261121T99:99:99x", [0]])
def test_no_place_to_start_from(logged, start):
    with pytest.raises(ConfigError, match="start must be 'last'"):
        replay(logged, [Shelf()], start=start)


@pytest.mark.parametrize(("start", "fresh"), [("beginning", True), ("last", False), (7, False)])
def test_a_sink_is_told_if_it_gets_everything_anew(logged, start, fresh):
    replay(logged, [sink := Shelf()], start=start)
    assert sink.was_fresh == [fresh]


def test_a_replay_from_the_beginning_that_is_killed_at_once_begins_there_again(logged):
    """What the sink had was thrown away."""
    replay(logged, [Shelf()])

    def kill(run):
        os._exit(0)

    child = os.fork()
    if not child:
        replay(logged, [Shelf(open=kill)], start="beginning")
    os.waitpid(child, 0)
    replay(logged, [sink := Shelf()])
    assert len(sink.exp_nums) == 30


def test_a_sink_does_not_begin_anew_where_it_is_to_go_on(make):
    logger = make()
    for exp_num in range(2):
        logger.log_record(record(exp_num))
        sink = Shelf()
        sink.fresh = True
        replay(logger.scenario_dir, [sink])
    assert (sink.was_fresh, sink.exp_nums) == ([False], [1])


def test_a_sink_is_not_told_so_when_it_is_opened_again(logged):
    sink = Shelf(write=lambda signal: broken() if sink.calls.count("write") in range(5, 15) else None)
    clock = Clock()
    replayer = Replayer(logged, sink, start="beginning", clock=clock)
    while not replayer.is_done:
        replayer.step()
        clock.now += 10
    assert sink.was_fresh == [True, False]
    assert sink.exp_nums == list(range(30))


# What is remembered


def test_a_second_replay_delivers_what_came_since(make):
    """F-108, S4-14."""
    logger = make()
    for exp_num in range(3):
        logger.log_record(record(exp_num))
    replay(logger.scenario_dir, [Shelf()])
    logger.log_record(record(3, worker_id="new"))
    logger.log_record(record(4))
    replay(logger.scenario_dir, [sink := Shelf()])
    assert sink.exp_nums == [3, 4]


def test_what_was_delivered_from_the_beginning_is_remembered(logged):
    replay(logged, [Shelf()], start="beginning")
    replay(logged, [sink := Shelf()])
    assert sink.exp_nums == []


def test_each_destination_has_a_position_of_its_own(logged):
    replay(logged, [a := Shelf("a"), b := Shelf("b")])
    replay(logged, [c := Shelf("c"), again := Shelf("a")])
    assert [len(each.exp_nums) for each in (a, b, c, again)] == [30, 30, 30, 0]


def test_sinks_of_the_same_name_are_told_apart(logged):
    class Other(Shelf):
        pass

    Other.__name__ = Other.__qualname__ = "Shelf"
    Other.__module__ = "elsewhere"
    replay(logged, [Shelf()])
    replay(logged, [sink := Other()])
    assert len(sink.exp_nums) == 30


def test_a_sink_that_does_not_last_is_not_remembered(logged):
    class Screen(Shelf):
        lasting = False

    class Around(Sink):
        def __init__(self, to):
            self.to = to
            self.write = to.write

    for _ in range(2):
        replay(logged, [sink := Screen(), inner := Screen()][:1])
        replay(logged, [Around(inner)])
        assert (len(sink.exp_nums), len(inner.exp_nums)) == (30, 30)
    assert not (logged / "replay").exists()


def test_options_are_not_stored(logged):
    replay(logged, [Shelf(place="hunter2")])
    [stored] = (logged / "replay").glob("*.json")
    assert "hunter2" not in stored.read_text() + stored.name


def test_a_position_is_kept_after_a_flush_only(logged):
    clock = Clock()
    sink = Shelf()
    replayer = Replayer(logged, sink, clock=clock)
    replayer.step()
    assert not list(logged.rglob("Shelf-*.json"))
    clock.now += 6
    replayer.step()
    assert "flush" in sink.calls
    [path] = logged.rglob("Shelf-*.json")
    stored = json.loads(path.read_text())
    assert (stored["delivered"], stored["failed"]) == (30, 0)
    assert stored["positions"] == {
        str(each.relative_to(logged)): each.stat().st_size for each in logged.rglob("data-log.tsv")
    }
    replayer.close()


def test_records_are_counted_over_all_replays(make):
    logger = make()
    for number in range(3):
        logger.log_record(record(number))
        replay(logger.scenario_dir, [Shelf()])
    [path] = Path(logger.scenario_dir).rglob("Shelf-*.json")
    assert json.loads(path.read_text())["delivered"] == 3


def test_nothing_is_remembered_when_the_flush_fails(logged):
    with pytest.raises(SinkError, match="out of order"):
        replay(logged, [Shelf(flush=broken)])
    replay(logged, [sink := Shelf()])
    assert len(sink.exp_nums) == 30


def test_lines_that_are_no_records_are_warned_of_once(logged):
    path = next(logged.rglob("data-log.tsv"))
    with path.open("a") as file:
        file.write("nonsense\n")
    with pytest.warns(LogWarning, match="1 cells"):
        replay(logged, [Shelf()])
    replay(logged, [Shelf()])


def test_a_position_that_cannot_be_read_is_an_error(logged):
    replay(logged, [Shelf()])
    [path] = logged.rglob("Shelf-*.json")
    for text in ("", "[]", "{}", '{"positions": {"a": -1}, "delivered": 0, "failed": 0}'):
        path.write_text(text)
        with pytest.raises(LogFormatError, match="Shelf-"):
            replay(logged, [Shelf()])
    replay(logged, [sink := Shelf()], start="beginning")
    assert len(sink.exp_nums) == 30


def test_where_nothing_can_be_written_nothing_is_remembered_after_one_warning(logged):
    (logged / "replay").write_text("in the way")
    for _ in range(2):
        with pytest.warns(SinkWarning, match="cannot be remembered") as warned:
            replay(logged, [sink := Shelf()])
        assert (len(warned), len(sink.exp_nums)) == (1, 30)


def test_nothing_is_written_through_a_link(logged, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (logged / "replay").symlink_to(tmp_path / "elsewhere")
    with pytest.warns(SinkWarning, match="symbolic link"):
        replay(logged, [Shelf()])
    assert files(tmp_path / "elsewhere") == []


def test_no_reader_minds_what_is_remembered(make):
    from l2logger.validate import validate

    logger = make(scenario_info={"complexity": "1-low", "difficulty": "1-easy", "scenario_type": "custom"})
    with logger:
        logger.log_record(record(episode_step_count=1))
    logged = Path(logger.scenario_dir)
    replay(logged, [Shelf()])
    for name in ("tensorboard", "wandb"):
        (logged / name / "offline-run").mkdir(parents=True)
        (logged / name / "offline-run" / "events.out").write_bytes(b"\0")
    (logged / "wandb" / "latest-run").symlink_to("offline-run")
    assert not validate(logged, strict=True).findings
    with DataLogger.resume(logged) as logger:
        assert logger.progress.keys() == {"worker-default"}


def test_a_worker_may_be_called_replay(make):
    logger = make()
    logger.log_record(record(worker_id="replay"))
    replay(logger.scenario_dir, [Shelf()])
    replay(logger.scenario_dir, [sink := Shelf()])
    assert sink.exp_nums == []


# Two at a time


def test_a_second_replay_into_the_same_place_waits_and_takes_over(make):
    logger = make()
    logger.log_record(record(0))
    first, second = Replayer(logger.scenario_dir, Shelf()), Replayer(logger.scenario_dir, Shelf())
    assert first.step() == 1
    with pytest.warns(SinkWarning, match=f"process {os.getpid()} on .* into the same Shelf"):
        assert second.step() == 0
    assert second.health().state == "waiting"
    first.close()
    logger.log_record(record(1))
    assert second.step() == 1
    assert (second.health().state, second.sink.exp_nums) == ("ok", [1])
    second.close()


def test_a_replay_that_is_to_end_does_not_wait(logged):
    first = Replayer(logged, Shelf())
    first.step()
    with pytest.warns(SinkWarning), pytest.raises(LogLockedError, match=f"process {os.getpid()} "):
        replay(logged, [Shelf()])
    first.close()


def test_replays_into_different_places_do_not_wait(logged):
    first, second = Replayer(logged, Shelf("a")), Replayer(logged, Shelf("b"))
    assert (first.step(), second.step()) == (30, 30)
    first.close()
    second.close()


# Sinks that fail


def test_a_record_that_fails_alone_is_counted_and_passed_over(logged):
    with pytest.warns(SinkWarning, match="failed to write: ValueError") as warned:
        [health] = replay(logged, [sink := Shelf(write=refuse(3, 4, 17))])
    assert (health.delivered, health.failed, health.state, len(warned)) == (27, 3, "closed", 1)
    assert sink.exp_nums == [each for each in range(30) if each not in (3, 4, 17)]
    assert sink.calls.count("open") == 1


def test_records_that_failed_at_the_end_are_tried_again_by_the_next_replay(logged):
    with pytest.warns(SinkWarning):
        [health] = replay(logged, [Shelf(write=refuse(28, 29))])
    assert health.failed == 2
    replay(logged, [sink := Shelf()])
    assert sink.exp_nums == [28, 29]


def outage(sink, clock, *verbs):
    """Have a sink fail, for some verbs, between second 0 and 100."""
    for verb in verbs:
        sink.fail[verb] = lambda *args: broken() if 0 < clock.now < 100 else None


def ridden_through(run, verbs):
    """Return the sink after an outage that began when it had got 10 records."""
    clock = Clock()
    sink = Shelf()
    replayer = Replayer(run, sink, clock=clock)
    while replayer.health().delivered < 10:
        replayer.step(0)
    clock.now = 1.0
    outage(sink, clock, *verbs)
    while not replayer.is_done:
        replayer.step()
        clock.now += 1
    sink.health = replayer.health()
    replayer.close()
    return sink


def test_nothing_is_lost_by_an_outage(logged):
    """F-107, S4-14."""
    with pytest.warns(SinkWarning) as warned:
        sink = ridden_through(logged, ["write", "open"])
    assert sink.exp_nums == list(range(30))
    assert (sink.health.delivered, sink.health.failed) == (30, 0)
    assert [str(each.message).partition(":")[0] for each in warned] == [
        "Shelf failed to write",
        "Shelf keeps failing to write",
        "Shelf works again, and got what it had missed",
    ]


def test_what_may_be_lost_with_a_sink_that_cannot_be_closed_is_delivered_again(logged):
    with pytest.warns(SinkWarning):
        sink = ridden_through(logged, ["write", "close"])
    assert sink.exp_nums == [*range(10), *range(30)]
    assert sink.health.delivered == 30


def test_records_that_come_slowly_are_not_lost_by_an_outage(make):
    """Fewer than ten fail."""
    logger = make()
    clock = Clock()
    replayer = Replayer(logger.scenario_dir, sink := Shelf(), clock=clock)
    with pytest.warns(SinkWarning, match="failed to write"):
        for exp_num in range(8):
            clock.now += 1
            outage(sink, Clock(), "write") if exp_num == 5 else exp_num == 2 and sink.fail.update(write=broken)
            logger.log_record(record(exp_num))
            replayer.step()
        replayer.close()
    assert sink.exp_nums == list(range(8))
    assert replayer.health().failed == 0


def test_the_last_record_is_tried_again_when_nothing_new_comes(logged):
    clock = Clock()
    replayer = Replayer(logged, sink := Shelf(write=refuse(29)), clock=clock)
    with pytest.warns(SinkWarning, match="failed to write"):
        replayer.step()
    sink.fail.clear()
    assert replayer.step() == 0
    clock.now += 60
    assert replayer.step() == 1
    assert sink.exp_nums == list(range(30))
    replayer.close()


def test_pauses_double_up_to_a_minute(logged):
    clock = Clock()
    times = []
    replayer = Replayer(logged, Shelf(open=lambda run: times.append(clock.now) or broken()), clock=clock)
    with pytest.warns(SinkWarning, match="keeps failing to open") as warned:
        while clock.now < 300:
            replayer.step()
            clock.now += 0.5
        replayer.close()
    assert [round(later - earlier) for earlier, later in itertools.pairwise(times)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert len(warned) == 1
    assert replayer.health().state == "given up"


def test_each_opening_has_its_closing(logged):
    sink = ridden_through(logged, ["open", "write"])
    assert sink.calls.count("open") == sink.calls.count("close")


def test_more_than_ten_bad_records_in_a_row_are_passed_over_in_the_end(logged):
    clock = Clock()
    replayer = Replayer(logged, sink := Shelf(write=refuse(*range(5, 27))), clock=clock)
    with pytest.warns(SinkWarning):
        while not replayer.is_done:
            replayer.step()
            clock.now += 100
        replayer.close()
    assert sink.exp_nums == [*range(5), *range(27, 30)]
    assert (replayer.health().delivered, replayer.health().failed) == (8, 22)


@pytest.mark.parametrize("error", [ImportError("pip install it", name="it"), ConfigError("no such project")])
def test_a_sink_that_cannot_work_at_all_is_an_error_at_once(logged, error):
    """F-103, F-104."""

    def fail(run):
        raise error

    healthy, hopeless = Shelf(), Shelf("hopeless", open=fail)
    with pytest.raises(type(error)) as raised:
        replay(logged, [healthy, hopeless], follow=True)
    assert raised.value is error
    assert healthy.calls == ["open", "write", "flush", "close"]
    assert hopeless.calls == ["open", "close"]
    replay(logged, [again := Shelf()])
    assert again.exp_nums == list(range(1, 30))


@pytest.mark.parametrize("verb", ["open", "write"])
def test_a_replay_that_is_to_end_gives_a_sink_up_and_serves_the_others(logged, monkeypatch, verb):
    monkeypatch.setattr("l2logger.replayer._FIRST_PAUSE_SECS", 0.01)
    healthy, sick = Shelf(), Shelf("sick", **{verb: broken})
    with (
        pytest.warns(SinkWarning),
        pytest.raises(SinkError, match="given up: OSError.*out of order.*goes on from there"),
    ):
        replay(logged, [sick, healthy], poll_secs=0.01)
    assert sick.calls.count("open") == sick.calls.count("close") == 3
    assert healthy.exp_nums == list(range(30))
    replay(logged, [well := Shelf("sick")])
    assert well.exp_nums == list(range(30))


def test_an_error_of_close_is_warned_of(logged):
    with pytest.warns(SinkWarning, match="failed to close"):
        [health] = replay(logged, [Shelf(close=broken)])
    assert (health.state, health.delivered) == ("closed", 30)


def test_ctrl_c_in_a_sink_loses_nothing(logged):
    def interrupt(signal):
        if signal.fields["exp_num"] == 12 and not done:
            done.append(True)
            raise KeyboardInterrupt

    done = []
    with pytest.raises(KeyboardInterrupt):
        replay(logged, [sink := Shelf(write=interrupt)])
    assert sink.calls[-2:] == ["flush", "close"]
    replay(logged, [rest := Shelf()])
    assert sink.exp_nums + rest.exp_nums == list(range(30))


def test_close_twice_is_fine(logged):
    replayer = Replayer(logged, sink := Shelf())
    replayer.step()
    replayer.close()
    replayer.close()
    assert (replayer.step(), sink.calls.count("close"), replayer.health().state) == (0, 1, "closed")


def test_health_says_how_much_is_to_come(logged):
    replayer = Replayer(logged, Shelf())
    while replayer.health().delivered < 20:
        replayer.step(0)
    assert replayer.health().queued == 10
    replayer.step()
    assert replayer.health().queued == 0
    replayer.close()


# Followed


def test_following_delivers_what_is_written_until_it_is_stopped(make):
    """S4-14."""
    logger = make()
    done = threading.Event()

    def write():
        for exp_num in range(300):
            logger.log_record(record(exp_num, worker_id=f"w{exp_num % 4}", block_num=exp_num // 100))
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    [health] = replay(logger.scenario_dir, [sink := Shelf()], follow=True, poll_secs=0.01, stop=done.is_set)
    thread.join()
    assert sorted(sink.exp_nums) == list(range(300))
    assert (health.state, health.delivered, health.queued) == ("closed", 300, 0)


def test_a_step_delivers_what_was_written_while_it_was_interrupted(make):
    logger = make()
    for exp_num in range(3):
        logger.log_record(record(exp_num))
    replayer = Replayer(logger.scenario_dir, sink := Shelf())
    replayer.step(0)
    logger.log_record(record(3, worker_id="new"))
    assert replayer.step() == 3
    assert sink.exp_nums == [0, 1, 2, 3]
    replayer.close()


def test_a_run_can_be_followed_before_its_first_record(make):
    logger = make()
    replayer = Replayer(logger.scenario_dir, Shelf())
    assert (replayer.step(), replayer.health().state) == (0, "idle")
    logger.log_record(record())
    assert (replayer.step(), replayer.health().state) == (1, "ok")
    replayer.close()


def test_ctrl_c_while_a_sink_opens_has_it_closed(logged):
    def interrupt(run):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(logged, [sink := Shelf(open=interrupt)])
    assert sink.calls.count("close") == 1
    replay(logged, [rest := Shelf()])
    assert len(rest.exp_nums) == 30


def test_ctrl_c_is_how_following_ends(logged):
    def interrupt():
        if sink.exp_nums:
            raise KeyboardInterrupt
        return False

    [health] = replay(logged, [sink := Shelf()], follow=True, stop=interrupt)
    assert (health.state, sink.calls[-2:]) == ("closed", ["flush", "close"])


def test_progress_is_told_in_bytes(logged):
    told = []
    replay(logged, [Shelf("a"), Shelf("b")], progress=lambda done, total: told.append((done, total)))
    size = 2 * sum(path.stat().st_size for path in logged.rglob("data-log.tsv"))
    assert told[-1] == (size, size)
    assert told[0][0] < size


def test_a_process_around_a_sink_is_refused(logger, tmp_path):
    """It would follow the run by itself, and the replay would deliver nothing."""
    logger.log_record(record())
    sink = JsonlSink(tmp_path / "mirror.jsonl")
    for wrapped in (ProcessSink(sink), Every(2, ProcessSink(sink))):
        with pytest.raises(ConfigError, match="a replay needs no process of its own"):
            replay(logger.scenario_dir, [wrapped])
