"""All kinds of signals from disk to sinks, as a live mirror gets them."""

import json
import math
from pathlib import Path

import numpy
import pytest
from by_hand import row, write_log
from click.testing import CliRunner
from reading import record
from signals_by_hand import CONTENTS, line, signal, stamp, write_signals

from l2logger import LogWarning, SinkWarning
from l2logger.cli import cli
from l2logger.replay import Replayer, replay
from l2logger.run import RunInfo
from l2logger.signals import KINDS, freeze
from l2logger.sinks import JsonlSink, MemorySink, ProcessSink, Sink
from l2logger.stored import signal_of

EVERY_KIND = sorted(CONTENTS)


@pytest.fixture
def run(tmp_path):
    """A run of two records, and then a signal of each other kind, by two workers."""
    run = write_log(tmp_path, [row(0), row(20)])
    for number, kind in enumerate(EVERY_KIND):
        worker = f"w{number % 2}"
        more = {"worker_id": worker, "clocks": {"exp_num": 0}, "context": {"task_name": "Task_A", "tags": ["a", {}]}}
        write_signals(run, line(kind, number, **more), worker_id=worker)
    return run


def delivered(sink):
    return [(each.kind, each.fields.get("step", each.fields.get("exp_num"))) for each in sink.signals]


class Taker(MemorySink):
    """Takes some kinds only, and remembers that it has."""

    lasting = True

    def __init__(self, *kinds, refuses=()):
        super().__init__()
        self.kinds = frozenset(kinds)
        self.refuses = refuses

    def write(self, signal):
        if signal.fields.get("step") in self.refuses:
            raise ValueError("not this one")
        super().write(signal)


# What sinks get


def test_every_kind_is_written_as_a_live_mirror_writes_it(run, tmp_path):
    """S4-10."""
    records = [{name: str(cell) for name, cell in row(exp_num).items()} for exp_num in (0, 20)]
    logged = [(each["timestamp"], signal_of(each)) for each in records]
    for path in (run / "signals").iterdir():
        for fields in map(json.loads, path.read_text().splitlines()):
            logged.append((fields["timestamp"], freeze(fields.pop("kind"), fields)))
    live = JsonlSink(tmp_path / "live.jsonl")
    live.open(RunInfo(str(run), {}, {}))
    for _, each in sorted(logged, key=lambda pair: pair[0]):
        live.write(each)
    live.close()
    [health] = replay(run, [JsonlSink(tmp_path / "replayed.jsonl")])
    assert (tmp_path / "replayed.jsonl").read_bytes() == (tmp_path / "live.jsonl").read_bytes()
    assert (health.delivered, health.queued) == (len(EVERY_KIND) + 2, 0)


def test_numbers_that_json_lacks_are_numbers_again(tmp_path):
    """F-015, S4-10."""
    run = write_log(tmp_path, [])
    write_signals(run, line(values={"a": "NaN", "b": "Infinity", "c": "-Infinity", "d": 7, "e": 7.0}))
    replay(run, [sink := MemorySink()])
    values = dict(sink.signals[0].fields["values"])
    assert math.isnan(values.pop("a"))
    assert {name: repr(value) for name, value in values.items()} == {"b": "inf", "c": "-inf", "d": "7", "e": "7.0"}


def test_signals_cannot_be_changed(run):
    """F-099."""
    replay(run, [sink := MemorySink()])
    fields = next(each.fields for each in sink.signals if each.kind == "params")
    for inner in (fields, fields["params"], fields["params"]["agent"], fields["context"]):
        with pytest.raises(TypeError):
            inner["x"] = 0
    assert fields["params"]["agent"]["layers"] == (64, 64)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_sink_gets_the_kinds_that_it_takes(run, kind):
    [health] = replay(run, [sink := Taker(kind)])
    assert delivered(sink) == [(kind, EVERY_KIND.index(kind))]
    assert (health.delivered, health.queued, health.state) == (1, 0, "closed")


def test_a_sink_of_records_gets_records_and_remembers_no_other_files(run):
    replay(run, [sink := Taker("record")])
    assert delivered(sink) == [("record", 0), ("record", 20)]
    [kept] = (run / "replay").glob("*.json")
    assert list(json.loads(kept.read_text())["positions"]) == ["w0/0-train/data-log.tsv"]


def test_a_run_without_a_record_is_replayed(tmp_path):
    run = write_log(tmp_path, [])
    write_signals(run, line("note", 0))
    replay(run, [sink := Taker(*KINDS)])
    assert delivered(sink) == [("note", 0)]


def test_a_kind_of_a_later_version_is_passed_over(tmp_path):
    run = write_log(tmp_path, [])
    write_signals(run, line("hologram", 0), line("note", 1))
    replay(run, [sink := Taker(*KINDS)])
    assert delivered(sink) == [("note", 1)]


def test_the_command_replays_every_kind(run, tmp_path):
    """S4-10."""
    path = tmp_path / "a.jsonl"
    result = CliRunner().invoke(cli, ["replay", str(run), "--to", f"jsonl:path={path}"], prog_name="l2logger")
    assert (result.exit_code, result.stderr) == (0, f"note: jsonl: {len(EVERY_KIND) + 2} signals delivered\n")
    assert sorted(json.loads(each)["kind"] for each in path.read_text().splitlines()) == sorted(
        [*EVERY_KIND, "record", "record"]
    )


def log_everything(logger, directory):
    """Log a record, and something of each other kind, by two workers."""
    (directory / "file.txt").write_text("content")
    other = logger.bind(worker_id="w1", block_num=3, task_name="Task_A")
    logger.log_record(record(0))
    for each in (logger, other):
        each.log_metrics({"a": 1, "b": {"c": math.nan, "d": math.inf}}, x=0.1)
        each.log_metrics(late=-0.0, step=-5, clock="updates")
        each.advance("env steps", 7)
        each.log_params(agent={"lr": 1e-3, "layers": [64, 64], "none": None}, seed=7)
        each.log_histogram("weights", [1.0, 2.0, math.nan], step=2)
        each.log_text("plan", 'go "left"\n☃', step=3)
        each.log_table("episodes", [{"return": 1.5, "task": "a"}, {"return": None, "task": "b"}])
        each.note("lr dropped")
        each.describe("a", unit="points", better="max")
        each.log_image("view", numpy.zeros((2, 4, 3), numpy.uint8), step=3, caption="nothing")
        each.log_array("q", numpy.arange(6.0).reshape(2, 3), step=3)
        each.log_artifact(directory / "file.txt", "data", {"rows": 1})
        logger.flush()  # so that what is encoded by another thread comes before the next
    logger.log_record(record(1))


def test_a_replay_equals_what_a_live_mirror_got(make, tmp_path):
    """S4-10."""
    live = MemorySink()
    with make(sinks=[live, JsonlSink(tmp_path / "live.jsonl")]) as logger:
        log_everything(logger, tmp_path)
    replay(logger.scenario_dir, [replayed := MemorySink(), JsonlSink(tmp_path / "replayed.jsonl")])
    assert {each.kind for each in live.signals} >= KINDS - {"video", "figure"}
    got, wanted = (
        [(each.kind, repr(sorted(each.fields.items()))) for each in sink.signals] for sink in (replayed, live)
    )
    assert sorted(got) == sorted(wanted)
    got, wanted = ((tmp_path / name).read_text().splitlines() for name in ("replayed.jsonl", "live.jsonl"))
    assert sorted(map(in_order, got)) == sorted(map(in_order, wanted))


def in_order(text):
    """Return JSON with its fields sorted."""
    return json.dumps(json.loads(text), sort_keys=True)


def test_a_replay_keeps_the_order_of_each_worker(make, tmp_path):
    live = MemorySink()
    with make(sinks=[live]) as logger:
        log_everything(logger, tmp_path)
    replay(logger.scenario_dir, [replayed := MemorySink()])
    for worker in ("worker-default", "w1"):
        got, wanted = (
            [each.kind for each in sink.signals if each.kind != "record" and each.fields["worker_id"] == worker]
            for sink in (replayed, live)
        )
        assert got == wanted


# From where


def test_a_second_replay_delivers_what_came_since(run):
    """F-108, S4-14."""
    replay(run, [Taker(*KINDS)])
    write_signals(run, line("metrics", 30))
    write_signals(run, line("metrics", 31), worker_id="w7")
    replay(run, [sink := Taker(*KINDS)])
    assert delivered(sink) == [("metrics", 30), ("metrics", 31)]
    [kept] = (run / "replay").glob("*.json")
    stored = json.loads(kept.read_text())
    files = [*run.glob("signals/*.jsonl"), *run.rglob("data-log.tsv")]
    sizes = {str(each.relative_to(run)): each.stat().st_size for each in files}
    assert (stored["positions"], stored["delivered"]) == (sizes, len(EVERY_KIND) + 4)


def test_what_a_sink_got_before_it_took_other_kinds_does_not_come_again(run):
    """A place that was remembered by an earlier version."""
    replay(run, [Taker("record")])
    replay(run, [sink := Taker("record", "note")])
    assert delivered(sink) == [("note", EVERY_KIND.index("note"))]


def test_from_an_experience_on_other_signals_come_from_its_time_on(tmp_path):
    run = write_log(tmp_path, [row(0), row(10), row(20), row(30)])
    write_signals(run, *(line("metrics", number) for number in range(0, 40, 5)))
    replay(run, [sink := Taker(*KINDS)], start=15)
    expected = [("record", 20), ("metrics", 20), ("metrics", 25), ("record", 30), ("metrics", 30), ("metrics", 35)]
    assert delivered(sink) == expected
    replay(run, [sink := Taker("metrics")], start=15)
    assert delivered(sink) == [each for each in expected if each[0] == "metrics"]


def test_from_an_experience_that_is_not_there_nothing_comes(run):
    replay(run, [sink := Taker(*KINDS)], start=99)
    assert delivered(sink) == []


def test_from_a_time_on(run):
    replay(run, [sink := Taker("metrics", "note")], start=stamp(EVERY_KIND.index("note")))
    assert delivered(sink) == [("note", EVERY_KIND.index("note"))]


# Trouble


def test_a_signal_that_fails_alone_is_counted_and_passed_over(run):
    with pytest.warns(SinkWarning, match="failed to write: ValueError"):
        [health] = replay(run, [sink := Taker(*KINDS, refuses=[3])])
    assert (health.delivered, health.failed) == (len(EVERY_KIND) + 1, 1)
    assert (EVERY_KIND[3], 3) not in delivered(sink)


def test_an_outage_loses_no_signal(run):
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    class Sick(Taker):
        def write(self, signal):
            if len(self.signals) >= 4 and clock.now < 100:
                raise OSError("out of order")
            super().write(signal)

    clock = Clock()
    replayer = Replayer(run, sink := Sick(*KINDS), clock=clock)
    with pytest.warns(SinkWarning):
        while not replayer.is_done or clock.now < 200:
            replayer.step()
            clock.now += 1
    replayer.close()
    assert sorted(delivered(sink)) == sorted(
        [("record", 0), ("record", 20), *((kind, place) for place, kind in enumerate(EVERY_KIND))]
    )


def test_a_torn_signal_does_not_keep_the_next_one_from_the_sink(run):
    """F-075."""
    write_signals(run, line("note", 30)[:60], line("metrics", 31))
    with pytest.warns(LogWarning, match="not written to its end"):
        replay(run, [sink := Taker("metrics")])
    assert delivered(sink)[-1] == ("metrics", 31)
    replay(run, [sink := Taker("metrics")])
    assert delivered(sink) == []


def test_health_says_how_much_is_to_come(run):
    replayer = Replayer(run, Taker(*KINDS))
    replayer.step(0)
    assert replayer.health().queued == len(EVERY_KIND) + 1
    replayer.step()
    assert (replayer.health().queued, replayer.progress()[0]) == (0, replayer.progress()[1])
    replayer.close()


# Mirrors in another process


@pytest.mark.slow
def test_a_mirror_in_another_process_gets_all_kinds(make, tmp_path):
    """S4-14."""
    path = tmp_path / "mirror.jsonl"
    with make(sinks=[ProcessSink(JsonlSink(path))]) as logger:
        run = Path(logger.scenario_dir)
        logger.log_record(record(0))
        for number, kind in enumerate(EVERY_KIND):
            write_signals(run, line(kind, number))
        assert logger.flush(60)
        write_signals(run, line("note", 70))
    found = [json.loads(each) for each in path.read_text().splitlines()]
    assert sorted(each["kind"] for each in found) == sorted(["record", "note", *EVERY_KIND])
    assert next(each for each in found if each["kind"] == "params")["params"] == signal("params")["params"]


def test_a_sink_that_says_nothing_gets_records_alone(run):
    class Plain(Sink):
        lasting = False

        def __init__(self):
            self.kinds_got = []

        def write(self, signal):
            self.kinds_got.append(signal.kind)

    replay(run, [sink := Plain()])
    assert sink.kinds_got == ["record", "record"]
