"""Sinks around sinks."""

import math
import pickle

import kinds
import numpy as np
import pytest

from l2logger import ConfigError
from l2logger.run import RunInfo
from l2logger.signals import KINDS, Signal, freeze
from l2logger.sinks.every import Every
from l2logger.sinks.mean import Mean
from l2logger.sinks.memory import MemorySink
from l2logger.sinks.only import Only, Without
from l2logger.sinks.prefix import Prefix

RUN = RunInfo("/nowhere", {"metrics_columns": ["reward"]}, {})
STANDARD = {
    "block_num": 0, "exp_num": 0, "worker_id": "w", "block_type": "train", "block_subtype": "wake", "task_name": "Task_a",
    "task_params": "{}", "exp_status": "complete", "timestamp": "20261121T143000.000000",
}  # fmt: skip

WRAPPERS = {
    "every": lambda to: Every(2, to),
    "every, by metric": lambda to: Every({"loss": 2}, to),
    "mean": lambda to: Mean(2, to),
    "only": lambda to: Only("loss", to),
    "without": lambda to: Without("loss", to),
    "prefix": lambda to: Prefix("a", to),
}


NAMED = KINDS - {"record", "metrics", "params", "note"}
"""Kinds of which each signal has a name, or is of something that has one."""


def record(exp_num=0, **fields):
    return freeze("record", {**STANDARD, "exp_num": exp_num, **fields})


def at(secs, **fields):
    """Return a record of so many seconds after the first minute."""
    return record(timestamp=f"20261121T14{30 + int(secs) // 60:02}{secs % 60:09.6f}", **fields)


def passed(wrap, *signals):
    """Return what a sink gets through a wrapper."""
    sink = MemorySink()
    outer = wrap(sink)
    outer.open(RUN)
    for signal in signals:
        outer.write(signal)
    outer.close()
    return sink.signals


def steps(signals):
    return [(each.fields["step"], dict(each.fields["values"])) for each in signals]


def metrics(signals):
    return [{name: value for name, value in each.fields.items() if name not in STANDARD} for each in signals]


def numbers(signals):
    return [each.fields["exp_num"] for each in signals]


class Named(MemorySink):
    name = "named"
    kinds = frozenset({"record", "note"})
    isolate = "process"

    def options(self):
        return {"project": "x"}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_wrapper_looks_like_what_is_inside(wrap):
    inner = Named()
    outer = wrap(inner)
    assert outer.to is inner
    assert (outer.name, outer.kinds, outer.isolate) == (inner.name, inner.kinds, inner.isolate)
    assert outer.options().items() > {"project": "x"}.items()


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_wrapper_hands_all_verbs_on(wrap):
    inner = MemorySink()
    outer = wrap(inner)
    outer.open(RUN)
    outer.write(record(loss=1.0))
    outer.flush()
    outer.close()
    assert inner.calls == ["open", "write", "flush", "close"]
    assert inner.run is RUN


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
@pytest.mark.parametrize("kind", ["note", "params", "smell"])
def test_a_signal_without_a_name_is_handed_on_as_it_is(wrap, kind):
    signal = Signal(kind, {"worker_id": "w", "text": "loss"})
    assert passed(wrap, signal)[0] is signal


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_signal_is_never_changed_and_what_takes_its_place_is_frozen(wrap):
    signal = record(loss=1.0, reward=2.0)
    before = dict(signal.fields)
    (through,) = passed(wrap, signal)
    assert dict(signal.fields) == before
    assert through.nbytes == signal.nbytes
    with pytest.raises(TypeError, match="item assignment"):
        through.fields["loss"] = 0


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_the_standard_columns_stay_in_their_order(wrap):
    (through,) = passed(wrap, record(loss=1.0))
    assert list(through.fields)[: len(STANDARD)] == list(STANDARD)
    assert {name: through.fields[name] for name in STANDARD} == STANDARD


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_record_without_metrics_is_handed_on(wrap):
    (through,) = passed(wrap, record())
    assert dict(through.fields) == STANDARD


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_wrapper_is_pickled_before_it_is_opened(wrap):
    copy = pickle.loads(pickle.dumps(wrap(MemorySink())))
    copy.open(RUN)
    copy.write(record(loss=1.0, reward=2.0))
    assert len(copy.to.signals) == 1


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
@pytest.mark.parametrize("inner", [None, MemorySink, "console", 3], ids=str)
def test_what_is_no_sink_cannot_be_wrapped(wrap, inner):
    with pytest.raises(ConfigError, match=r"goes around a sink, as in Every\(10, ConsoleSink\(\)\); got"):
        wrap(inner)


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_an_error_of_the_inner_sink_gets_out(wrap):
    class Broken(MemorySink):
        def write(self, signal):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        passed(lambda to: wrap(Broken()), record(loss=1.0))


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_metrics_are_never_changed_and_what_takes_their_place_is_frozen(wrap):
    signal = kinds.metrics(3, loss=1.0, reward=2.0)
    (through,) = passed(wrap, signal)
    assert dict(signal.fields["values"]) == {"loss": 1.0, "reward": 2.0}
    assert (through.nbytes, list(through.fields), through.fields["step"]) == (signal.nbytes, list(signal.fields), 3)
    with pytest.raises(TypeError, match="item assignment"):
        through.fields["values"]["loss"] = 0
    with pytest.raises(TypeError, match="item assignment"):
        through.fields["step"] = 0


# Every


def test_every_hundredth_is_the_first_and_each_hundredth_after_it():
    """S3-5, S4-11: no last one is added."""
    assert numbers(passed(lambda to: Every(100, to), *map(record, range(251)))) == [0, 100, 200]


def test_every_first_is_all():
    assert len(passed(lambda to: Every(1, to), *map(record, range(5)))) == 5


def test_each_worker_and_kind_is_counted_for_itself():
    signals = [record(n, worker_id=worker) for n in range(4) for worker in ("a", "b")]
    notes = [Signal("note", {"exp_num": n, "worker_id": "a"}) for n in range(4)]
    through = passed(lambda to: Every(2, to), *signals, *notes)
    assert [(each.kind, each.fields["worker_id"], each.fields["exp_num"]) for each in through] == [
        ("record", "a", 0), ("record", "b", 0), ("record", "a", 2), ("record", "b", 2), ("note", "a", 0), ("note", "a", 2),
    ]  # fmt: skip


@pytest.mark.parametrize("interval", [2.0, "2s", "2 s", "2000ms", "2.0s"])
def test_every_two_seconds_goes_by_the_time_of_the_records(interval):
    """S4-11: however fast they arrive, as from a replay."""
    signals = [at(n / 4, exp_num=n) for n in range(20)]
    assert numbers(passed(lambda to: Every(interval, to), *signals)) == [0, 8, 16]


def test_every_tenth_of_a_second_is_not_missed_by_rounding():
    signals = [at(n / 10, exp_num=n) for n in range(50)]
    assert numbers(passed(lambda to: Every(0.1, to), *signals)) == list(range(50))


@pytest.mark.parametrize(("interval", "secs"), [("1m", 60), ("0.05h", 180)])
def test_minutes_and_hours_are_intervals(interval, secs):
    signals = [at(n, exp_num=n) for n in range(secs + 1)]
    assert numbers(passed(lambda to: Every(interval, to), *signals)) == [0, secs]


def test_a_clock_that_is_set_back_stops_nothing():
    signals = [at(600, exp_num=0), at(0, exp_num=1), at(1, exp_num=2), at(10, exp_num=3)]
    assert numbers(passed(lambda to: Every("10s", to), *signals)) == [0, 1, 3]


@pytest.mark.parametrize(
    "fields", [{}, {"timestamp": None}, {"timestamp": "yesterday"}, {"timestamp": "2026-11-21T14:30:00Z"}]
)
def test_a_signal_without_a_time_has_the_time_of_its_arrival(fields):
    signals = [Signal("note", {"exp_num": n, **fields}) for n in range(3)]
    assert numbers(passed(lambda to: Every("1h", to), *signals)) == [0]
    assert numbers(passed(lambda to: Every("0.001ms", to), *signals)) == [0, 1, 2]


def test_metrics_have_intervals_of_their_own():
    """S3-5, S4-11."""
    signals = [record(n, **{"grad/a": n, "grad/b": n, "loss": n}) for n in range(5)]
    assert metrics(passed(lambda to: Every({"grad/*": 2}, to), *signals)) == [
        {"grad/a": 0, "grad/b": 0, "loss": 0}, {"loss": 1}, {"grad/a": 2, "grad/b": 2, "loss": 2}, {"loss": 3},
        {"grad/a": 4, "grad/b": 4, "loss": 4},
    ]  # fmt: skip


def test_the_first_pattern_that_fits_counts():
    signals = [record(n, loss=n, reward=n) for n in range(7)]
    through = passed(lambda to: Every({"loss": 3, "*": 2}, to), *signals)
    assert metrics(through) == [
        {"loss": 0, "reward": 0},
        {"reward": 2},
        {"loss": 3},
        {"reward": 4},
        {"loss": 6, "reward": 6},
    ]


def test_a_metric_is_counted_where_it_is():
    signals = [record(n, **({"rare": n} if n % 5 == 0 else {"other": n})) for n in range(11)]
    through = passed(lambda to: Every({"rare": 2}, to), *signals)
    assert [each["rare"] for each in metrics(through) if "rare" in each] == [0, 10]
    assert len(through) == 10


def test_metrics_beside_records_are_counted_by_name():
    """S3-5: however they are spread over calls, so that none is left out for ever."""
    signals = [each for n in range(5) for each in (kinds.metrics(n, a=n, b=n), kinds.metrics(n, c=n))]
    signals.insert(3, kinds.metrics(1, rare=1))
    assert steps(passed(lambda to: Every(2, to), *signals)) == [
        (0, {"a": 0, "b": 0}), (0, {"c": 0}), (1, {"rare": 1}), (2, {"a": 2, "b": 2}), (2, {"c": 2}),
        (4, {"a": 4, "b": 4}), (4, {"c": 4}),
    ]  # fmt: skip


def test_metrics_beside_records_have_intervals_of_their_own():
    """S3-5, S4-11."""
    signals = [kinds.metrics(n, **{"grad/a": n, "loss": n}) for n in range(4)]
    signals += [kinds.metrics(9, **{"grad/a": 9}), kinds.metrics(10, **{"grad/a": 10})]
    assert steps(passed(lambda to: Every({"grad/*": 2}, to), *signals)) == [
        (0, {"grad/a": 0, "loss": 0}), (1, {"loss": 1}), (2, {"grad/a": 2, "loss": 2}), (3, {"loss": 3}),
        (9, {"grad/a": 9}),
    ]  # fmt: skip


@pytest.mark.parametrize("interval", [2, {"debug/*": 2}], ids=str)
def test_what_has_a_name_is_counted_by_it(interval):
    images = [kinds.of_kind("image", n, name=name) for n in range(3) for name in ("debug/a", "debug/b")]
    texts = [kinds.of_kind("text", n, name="debug/a", text="t") for n in range(3)]
    through = passed(lambda to: Every(interval, to), *images, *texts)
    assert [(each.kind, each.fields["name"], each.fields["step"]) for each in through] == [
        ("image", "debug/a", 0), ("image", "debug/b", 0), ("image", "debug/a", 2), ("image", "debug/b", 2),
        ("text", "debug/a", 0), ("text", "debug/a", 2),
    ]  # fmt: skip


def test_parameters_and_descriptions_are_always_handed_on():
    """Each of them says something else."""
    signals = [kinds.of_kind("params", params={"a": n}) for n in range(3)]
    signals += [kinds.of_kind("description", metric="loss", unit=str(n), better=None) for n in range(3)]
    assert passed(lambda to: Every(100, to), *signals) == signals


def test_another_run_is_counted_anew():
    sink = MemorySink()
    outer = Every(10, sink)
    for _ in range(2):
        outer.open(RUN)
        outer.write(record(0))
        outer.write(record(1))
        outer.close()
    assert numbers(sink.signals) == [0, 0]


@pytest.mark.parametrize(
    "interval",
    [
        0,
        -1,
        True,
        None,
        "",
        "2",
        "s",
        "2min",
        "-2s",
        "1e3s",
        0.0,
        -1.0,
        math.nan,
        math.inf,
        [],
        {},
        {"": 1},
        {1: 1},
        {"a": 0},
        {"a": {}},
    ],
    ids=repr,
)
def test_what_is_no_interval_is_refused(interval):
    with pytest.raises(ConfigError, match=r"Every takes|every must be"):
        Every(interval, MemorySink())


# Mean


def test_a_number_becomes_the_mean_of_the_last_records():
    """S3-5."""
    signals = [record(n, reward=float(value)) for n, value in enumerate([1, 2, 6, 4])]
    assert metrics(passed(lambda to: Mean(3, to), *signals)) == [
        {"reward": 1.0},
        {"reward": 1.5},
        {"reward": 3.0},
        {"reward": 4.0},
    ]


def test_each_worker_block_type_and_task_has_a_mean_of_its_own():
    places = [{"worker_id": "b"}, {"block_type": "test"}, {"task_name": "Task_b"}, {}]
    signals = [record(reward=float(n), **place) for n in (0, 10) for place in places]
    assert metrics(passed(lambda to: Mean(2, to), *signals)) == [{"reward": 0.0}] * 4 + [{"reward": 5.0}] * 4


def test_nan_does_not_count():
    """S3-5."""
    signals = [record(reward=value) for value in (math.nan, 1.0, math.nan, 3.0, math.nan, math.nan)]
    means = [each["reward"] for each in metrics(passed(lambda to: Mean(3, to), *signals))]
    assert math.isnan(means[0])
    assert means[1:] == [1.0, 1.0, 2.0, 3.0, 3.0]


def test_a_record_that_lacks_the_metric_takes_a_place_in_the_window():
    signals = [record(reward=1.0), record(), record(reward=None), record(reward=5.0)]
    assert metrics(passed(lambda to: Mean(3, to), *signals)) == [{"reward": 1.0}, {}, {"reward": None}, {"reward": 5.0}]


def test_infinity_passes_and_leaves_with_its_record():
    signals = [record(reward=value) for value in (math.inf, 1.0, -math.inf, 2.0, 4.0)]
    means = [each["reward"] for each in metrics(passed(lambda to: Mean(2, to), *signals))]
    assert means == [math.inf, math.inf, -math.inf, -math.inf, 3.0]


def test_what_is_no_number_stays_as_it_is():
    signals = [record(reward=1, note="a"), record(reward=3, note="b")]
    assert metrics(passed(lambda to: Mean(2, to), *signals))[-1] == {"reward": 2.0, "note": "b"}


@pytest.mark.parametrize("value", [np.float32(0.5), np.int64(3), True, "0.5", 2**70])
def test_whatever_is_a_number_in_the_log_is_averaged(value):
    (through,) = metrics(passed(lambda to: Mean(2, to), record(reward=value)))
    assert type(through["reward"]) is float
    assert through["reward"] == float(value)


def test_metrics_beside_records_become_the_means_of_their_last_values():
    """S3-5: of each worker and clock."""
    signals = [kinds.metrics(n, **({"loss": n} if n % 2 else {"loss": n, "rare": 10 * n})) for n in range(5)]
    signals += [kinds.metrics(9, worker_id="v", loss=7), kinds.metrics(9, clock="epoch", loss=8)]
    assert steps(passed(lambda to: Mean(2, to), *signals)) == [
        (0, {"loss": 0.0, "rare": 0.0}), (1, {"loss": 0.5}), (2, {"loss": 1.5, "rare": 10.0}), (3, {"loss": 2.5}),
        (4, {"loss": 3.5, "rare": 30.0}), (9, {"loss": 7.0}), (9, {"loss": 8.0}),
    ]  # fmt: skip


def test_nan_does_not_count_among_metrics_beside_records_either():
    """S3-5."""
    signals = [kinds.metrics(n, loss=value) for n, value in enumerate([math.nan, 1.0, 10**400, math.nan])]
    means = [values["loss"] for _, values in steps(passed(lambda to: Mean(2, to), *signals))]
    assert math.isnan(means[0])
    assert means[1:] == [1.0, math.inf, math.inf]


def test_a_mean_over_fewer_values_can_be_left_out():
    """S3-5: metrics of which none is left are not handed on."""
    signals = [kinds.metrics(n, loss=n) for n in range(4)]
    assert steps(passed(lambda to: Mean(3, to, full=True), *signals)) == [(2, {"loss": 1.0}), (3, {"loss": 2.0})]


def test_a_mean_over_fewer_records_can_be_left_out():
    """S3-5: only when the window is full."""
    signals = [record(n, reward=float(n), note="x") for n in range(4)]
    assert metrics(passed(lambda to: Mean(3, to, full=True), *signals)) == [
        {"note": "x"}, {"note": "x"}, {"reward": 1.0, "note": "x"}, {"reward": 2.0, "note": "x"},
    ]  # fmt: skip


@pytest.mark.parametrize("window", [0, -1, 2.0, True, "3", None, math.nan], ids=repr)
def test_what_is_no_window_is_refused(window):
    with pytest.raises(ConfigError, match="the window of Mean must be a whole number of records, 1 or more"):
        Mean(window, MemorySink())


# Only, Without


METRICS = {"loss": 1, "loss/actor": 2, "reward": 3, "Loss": 4, "a[0]": 5, "a0": 6}


@pytest.mark.parametrize(
    ("keys", "kept"),
    [
        ("loss", ["loss"]),
        ("loss*", ["loss", "loss/actor"]),
        (["reward", "l*r"], ["loss/actor", "reward"]),
        (("reward",), ["reward"]),
        ("?oss", ["loss", "Loss"]),
        ("[!l]*", ["reward", "Loss", "a[0]", "a0"]),
        ("a[0]", ["a[0]", "a0"]),
        ("block_num", []),
        ("*", list(METRICS)),
    ],
    ids=str,
)
def test_metrics_are_chosen_by_names_and_patterns(keys, kept):
    """S3-5."""
    assert metrics(passed(lambda to: Only(keys, to), record(**METRICS))) == [{name: METRICS[name] for name in kept}]
    (rest,) = metrics(passed(lambda to: Without(keys, to), record(**METRICS)))
    assert list(rest) == [name for name in METRICS if name not in kept]


def test_metrics_beside_records_are_chosen_as_well():
    """S3-5: those of which none is left are not handed on."""
    signals = [kinds.metrics(1, **{"loss": 1, "debug/x": 2}), kinds.metrics(2, **{"debug/x": 3})]
    assert steps(passed(lambda to: Without("debug/*", to), *signals)) == [(1, {"loss": 1})]
    assert steps(passed(lambda to: Only("debug/*", to), *signals)) == [(1, {"debug/x": 2}), (2, {"debug/x": 3})]


@pytest.mark.parametrize("kind", sorted(NAMED))
def test_what_has_a_name_is_chosen_by_it(kind):
    """S3-5: a description by the metric that it is of."""
    (given,) = (each for each in kinds.one_of_each() if each.kind == kind)
    field = "metric" if kind == "description" else "name"
    debug = Signal(kind, {**given.fields, field: "debug/x"})
    assert passed(lambda to: Without("debug/*", to), given, debug) == [given]
    assert passed(lambda to: Only("debug/*", to), given, debug) == [debug]


@pytest.mark.parametrize("wrap", [Only, Without])
@pytest.mark.parametrize("keys", [None, "", [], [""], ["a", None], 3, b"loss"], ids=repr)
def test_what_is_no_name_is_refused(wrap, keys):
    with pytest.raises(ConfigError, match=f"{wrap.__name__} takes the names of metrics"):
        wrap(keys, MemorySink())


# Prefix


@pytest.mark.parametrize("prefix", ["actor", "agents/0/actor", "日本", ".hidden", "a b", "..."])
def test_metrics_are_put_under_a_prefix(prefix):
    """S2-20."""
    assert metrics(passed(lambda to: Prefix(prefix, to), record(loss=1))) == [{f"{prefix}/loss": 1}]


def test_metrics_beside_records_are_put_under_a_prefix():
    """S2-20."""
    assert steps(passed(lambda to: Prefix("actor", to), kinds.metrics(1, loss=2))) == [(1, {"actor/loss": 2})]


@pytest.mark.parametrize("kind", sorted(NAMED))
def test_names_are_put_under_a_prefix(kind):
    """S2-20: and nothing else is changed, the path of a file least of all."""
    (given,) = (each for each in kinds.one_of_each() if each.kind == kind)
    field = "metric" if kind == "description" else "name"
    (through,) = passed(lambda to: Prefix("actor", to), given)
    assert dict(through.fields) == {**given.fields, field: f"actor/{given.fields[field]}"}
    assert list(through.fields) == list(given.fields)


def test_prefixes_nest():
    """S2-20."""
    assert metrics(passed(lambda to: Prefix("inner", Prefix("outer", to)), record(loss=1))) == [{"outer/inner/loss": 1}]


@pytest.mark.parametrize(
    "prefix", ["", "/", "/a", "a/", "a//b", "..", "a/../b", ".", "a/.", "\\a", "a\\..\\b", " ", "a\n", None, 3]
)
def test_a_prefix_that_is_empty_absolute_or_escapes_is_refused(prefix):
    """S2-20."""
    with pytest.raises(ConfigError, match="a prefix is a name"):
        Prefix(prefix, MemorySink())


def test_wrappers_nest():
    signals = [record(n, loss=float(n), reward=float(n)) for n in range(5)]
    through = passed(lambda to: Only("loss", Mean(2, Every(2, Prefix("a", to)))), *signals)
    assert metrics(through) == [{"a/loss": 0.0}, {"a/loss": 1.5}, {"a/loss": 3.5}]
