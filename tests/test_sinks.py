"""Mirrors: what they get, and that nothing they do is felt."""

import itertools
import time
import types

import numpy as np
import pytest
from reading import record, rows

from l2logger import ConfigError, RecordError, SinkWarning
from l2logger.sinks import FanOut, MemorySink, Sink

# What is not expected in a test is asked for by name in another.
pytestmark = pytest.mark.filterwarnings("ignore::l2logger.SinkWarning")

VERBS = ("open", "write", "flush", "close")
ERRORS = (ValueError("broken"), MemoryError(), OSError(28, "full"), RecursionError())


class BrokenSink(MemorySink):
    """Raise an error in one of its methods, a number of times."""

    def __init__(self, verb: str, error: BaseException, times: int = 10**9) -> None:
        super().__init__()
        self.verb, self.error, self.times = verb, error, times

    def _call(self, verb: str) -> None:
        if verb == self.verb and self.times:
            self.times -= 1
            self.calls.append(verb)
            raise self.error

    def open(self, run):
        self._call("open")
        super().open(run)

    def write(self, signal):
        self._call("write")
        super().write(signal)

    def flush(self):
        self._call("flush")
        super().flush()

    def close(self):
        self._call("close")
        super().close()


def test_a_mirror_gets_every_record_in_order_with_its_columns_as_stored(make):
    sink = MemorySink()
    logger = make(sinks=[sink])
    for exp_num in range(5):
        logger.log_record(record(exp_num, steps=exp_num))
    stored = rows(logger.scenario_dir)
    assert [{name: str(value) for name, value in fields.items()} for fields in sink.records] == stored
    assert sink.records[0]["exp_num"] == 0
    assert sink.records[0]["task_params"] == '{"gravity": 9.8}'


def test_a_mirror_is_opened_once_and_closed_once(make):
    sink = MemorySink()
    logger = make(sinks=[sink])
    assert sink.run == (logger.scenario_dir, logger.logger_info, {})
    logger.log_record(record())
    logger.flush()
    logger.close()
    logger.close()
    assert sink.calls == ["open", "write", "flush", "close"]


def test_a_rejected_record_reaches_no_mirror(make):
    """F-040."""
    sink = MemorySink()
    logger = make(sinks=[sink])
    with pytest.raises(RecordError):
        logger.log_record(record(block_type="neither"))
    assert sink.signals == []


def test_a_failed_write_reaches_no_mirror(make, monkeypatch):
    """F-043."""
    import os

    sink = MemorySink()
    logger = make(sinks=[sink])

    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            logger.log_record(record())
    assert sink.signals == []
    logger.log_record(record())
    assert len(sink.records) == 1


@pytest.mark.parametrize(("verb", "error"), list(itertools.product(VERBS, ERRORS)), ids=str)
@pytest.mark.parametrize("times", [1, 10**9], ids=["once", "always"])
@pytest.mark.filterwarnings("ignore::l2logger.SinkWarning")
def test_the_others_get_everything(make, verb, error, times):
    """F-093 to F-096, F-101: whatever one of five does, the four others and the log have every record, in order."""
    healthy = [MemorySink() for _ in range(4)]
    broken = BrokenSink(verb, error, times)
    logger = make(sinks=[*healthy[:2], broken, *healthy[2:]])
    for exp_num in range(25):
        logger.log_record(record(exp_num))
    logger.flush()
    logger.close()
    for sink in healthy:
        assert [fields["exp_num"] for fields in sink.records] == list(range(25))
        assert sink.calls == ["open"] + ["write"] * 25 + ["flush", "close"]
    assert len(rows(logger.scenario_dir)) == 25
    assert broken.calls[-1] == "close"


def test_a_failing_mirror_is_reported_once_and_its_losses_at_the_end(make):
    """F-094."""
    logger = make(sinks=[BrokenSink("write", ValueError("broken"), times=3)])
    with pytest.warns(SinkWarning, match=r"BrokenSink failed to write: ValueError: broken") as caught:
        for exp_num in range(10):
            logger.log_record(record(exp_num))
    assert len(caught) == 1
    with pytest.warns(SinkWarning, match="BrokenSink missed 3 of 10 signals"):
        logger.close()


def test_a_mirror_that_keeps_failing_is_left_alone_for_a_while_and_still_closed(make):
    """F-094."""
    sink = BrokenSink("write", ValueError("broken"))
    logger = make(sinks=[sink])
    with pytest.warns(SinkWarning, match=r"failed to write.*it is opened again in 1 s"):
        for exp_num in range(30):
            logger.log_record(record(exp_num))
    assert logger.health()[0].state == "failing"
    with pytest.warns(SinkWarning, match="missed 30 of 30"):
        logger.close()
    assert sink.calls == ["open"] + ["write"] * 10 + ["close"]
    (health,) = logger.health()
    assert (health.state, health.delivered, health.failed, health.dropped) == ("closed", 0, 10, 20)


def test_a_mirror_that_failed_for_a_while_is_opened_again_and_gets_what_comes_then(make, monkeypatch):
    """F-094: the pause is a second; here the clock is moved on."""
    sink = BrokenSink("write", ValueError("broken"), times=10)
    logger = make(sinks=[sink])
    with pytest.warns(SinkWarning, match="is opened again in 1 s"):
        for exp_num in range(12):
            logger.log_record(record(exp_num))
    now = time.monotonic()
    monkeypatch.setattr("l2logger.sinks.guard.time.monotonic", lambda: now + 1.1)
    with pytest.warns(SinkWarning, match="works again"):
        logger.log_record(record(12))
    assert sink.calls == ["open"] + ["write"] * 10 + ["close", "open", "write"]
    with pytest.warns(SinkWarning, match="missed 12 of 13"):
        logger.close()


@pytest.mark.parametrize("error", [ImportError("no such library"), ConfigError("no such mode")], ids=repr)
def test_a_mirror_that_can_never_work_gets_nothing_and_is_still_closed(make, error):
    """F-093, F-103."""
    sink = BrokenSink("open", error)
    with pytest.warns(SinkWarning, match="failed to open.*no such.*it gets nothing"):
        logger = make(sinks=[sink])
    logger.log_record(record())
    assert logger.health()[0].state == "given up"
    with pytest.warns(SinkWarning, match="missed 1 of 1"):
        logger.close()
    assert sink.calls == ["open", "close"]


def test_health_counts_what_was_delivered(make):
    logger = make(sinks=[MemorySink(), MemorySink()])
    logger.log_record(record())
    assert [(health.sink, health.state, health.delivered, health.missed) for health in logger.health()] == [
        ("MemorySink", "ok", 1, 0)
    ] * 2


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_ctrl_c_or_an_exit_in_a_mirror_reaches_the_caller_after_the_others_were_served(make, interrupt):
    """F-061, F-062: it comes from a signal handler and is meant for the program, not for the sink."""
    healthy = MemorySink()
    logger = make(sinks=[BrokenSink("write", interrupt(), times=1), healthy])
    with pytest.raises(interrupt):
        logger.log_record(record(0))
    logger.log_record(record(1))
    assert len(healthy.records) == 2
    assert len(rows(logger.scenario_dir)) == 2
    with pytest.warns(SinkWarning, match="missed 1 of 2"):
        logger.close()


def test_a_mirror_that_logs_is_guarded_and_counted(make):
    """F-074."""

    class Chatty(Sink):
        isolate = "none"

        def write(self, signal):
            logger.log_record(record(99))

    logger = make(sinks=[Chatty()])
    with pytest.warns(SinkWarning, match="while another one was being logged"):
        logger.log_record(record(0))
    assert len(rows(logger.scenario_dir)) == 1
    with pytest.warns(SinkWarning, match="missed 1 of 1"):
        logger.close()


def test_a_mirror_cannot_change_a_record(make):
    """F-099."""

    class Rebinder(Sink):
        isolate = "none"

        def write(self, signal):
            signal.fields = {"reward": 0.0}

    class Meddler(Sink):
        isolate = "none"

        def write(self, signal):
            signal.fields["reward"] = 0.0

    sink = MemorySink()
    logger = make(sinks=[Rebinder(), Meddler(), sink])
    with pytest.warns(SinkWarning, match="does not support item assignment"):
        logger.log_record(record(reward=5.0))
    assert sink.records[0]["reward"] == 5.0
    with pytest.warns(SinkWarning):
        logger.close()


@pytest.mark.filterwarnings("ignore:.*a cell of the log holds one number or text")
def test_what_a_mirror_keeps_is_a_snapshot(make):
    """F-031: the caller reuses the dict, and what is inside of it."""
    sink = MemorySink()
    logger = make(sinks=[sink])
    reused = record(0, path=[1, {"deep": [2]}], frame=np.zeros(2))
    logger.log_record(reused)
    reused["path"][1]["deep"].append(3)
    reused["frame"][:] = 7
    reused["task_params"]["gravity"] = 0
    (kept,) = sink.records
    assert kept["path"] == (1, {"deep": (2,)})
    assert kept["frame"].tolist() == [0, 0]
    assert kept["task_params"] == '{"gravity": 9.8}'
    assert isinstance(kept, types.MappingProxyType)
    with pytest.raises(ValueError, match="read-only"):
        kept["frame"][0] = 1


@pytest.mark.filterwarnings("ignore:.*a cell of the log holds one number or text")
def test_the_log_stores_the_text_of_the_callers_own_values(make):
    """A frozen list would be a tuple, whose text is another."""
    logger = make(sinks=[MemorySink()])
    logger.log_record(record(path=[1, 2], names={"a"}))
    assert rows(logger.scenario_dir)[0]["path"] == "[1, 2]"
    assert rows(logger.scenario_dir)[0]["names"] == "{'a'}"


@pytest.mark.filterwarnings("ignore:.*a cell of the log holds one number or text")
def test_a_value_that_cannot_be_copied_is_mirrored_as_its_text(make):
    class Stubborn:
        def __deepcopy__(self, memo):
            raise TypeError

        def __str__(self):
            return "stubborn"

    sink = MemorySink()
    make(sinks=[sink]).log_record(record(value=Stubborn()))
    assert sink.records[0]["value"] == "stubborn"


def test_a_fan_out_is_a_sink(make):
    inner = [MemorySink(), MemorySink()]
    logger = make(sinks=[FanOut(inner), MemorySink()])
    logger.log_record(record())
    assert logger.flush()
    assert [len(sink.records) for sink in inner] == [1, 1]


def test_a_sink_gets_the_kinds_it_takes(make):
    class Deaf(MemorySink):
        kinds = frozenset({"image"})

    deaf = Deaf()
    make(sinks=[deaf]).log_record(record())
    assert deaf.signals == []


def test_a_record_after_close_is_stored_and_counted_as_missed_by_mirrors(make):
    """F-041: the log opens again, as clients of the original expect; a closed mirror does not."""
    sink = MemorySink()
    logger = make(sinks=[sink])
    logger.close()
    logger.log_record(record())
    assert len(rows(logger.scenario_dir)) == 1
    assert (len(sink.records), logger.health()[0].missed) == (0, 1)


@pytest.mark.parametrize("sinks", [MemorySink(), [print], "console", [None]], ids=["one", "function", "name", "none"])
def test_what_is_no_list_of_sinks_is_refused_at_once(make, sinks):
    """F-014."""
    with pytest.raises(ConfigError, match="sinks must be a list"):
        make(sinks=sinks)


def test_a_sink_that_forgot_to_write_says_so(make):
    logger = make(sinks=[Sink()])
    with pytest.warns(SinkWarning, match="Sink does not say how to write a signal"):
        logger.log_record(record())
        logger.close()


@pytest.mark.filterwarnings("ignore:.*a cell of the log holds one number or text")
def test_a_circle_is_mirrored_as_its_text(make):
    """F-021: a mirror does not change what the log accepts."""
    circle: list = []
    circle.append(circle)
    sink = MemorySink()
    make(sinks=[sink]).log_record(record(value=circle))
    assert sink.records[0]["value"] == "[[...]]"


def test_a_handler_that_closes_while_closing_closes_no_mirror_twice(make):
    """F-061."""

    class Reentrant(MemorySink):
        def close(self):
            super().close()
            logger.close()

    sink = Reentrant()
    logger = make(sinks=[sink])
    logger.close()
    assert sink.calls == ["open", "close"]
