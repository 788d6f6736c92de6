"""The isolation matrix: whatever one mirror does in whichever of its methods, the others and the log have everything."""

import itertools
import time

import pytest
from reading import record, rows

from l2logger.sinks import BackgroundSink, MemorySink

VERBS = ("open", "write", "flush", "close")
BUDGET_SECS = 0.4
RECORDS = 60

pytestmark = pytest.mark.filterwarnings("ignore::l2logger.SinkWarning")


def always(error):
    def misbehave(sink, *args):
        raise error

    return misbehave


def once(error):
    def misbehave(sink, *args):
        if not sink.misbehaved:
            sink.misbehaved = True
            raise error

    return misbehave


def hang(sink, *args):
    time.sleep(1000)


def slow(sink, *args):
    time.sleep(0.02)


def mutate(sink, *args):
    for each in args:
        if hasattr(each, "fields"):
            each.fields["reward"] = -1.0
        elif hasattr(each, "logger_info"):
            each.logger_info["metrics_columns"] = None
            each.logger_info.clear()


WAYS = {
    "raise once": once(ValueError("broken")),
    "raise always": always(ValueError("broken")),
    "hang": hang,
    "slow 20 ms": slow,
    "SystemExit": always(SystemExit(3)),
    "MemoryError": always(MemoryError()),
    "KeyboardInterrupt": always(KeyboardInterrupt()),
    "mutate": mutate,
}


class Misbehaving(MemorySink):
    """Do something bad in one of its methods, then what it should."""

    isolate = "thread"

    def __init__(self, verb, way):
        super().__init__()
        self.verb, self.way, self.misbehaved = verb, way, False

    def open(self, run):
        self._call("open", run)
        super().open(run)

    def write(self, signal):
        self._call("write", signal)
        super().write(signal)

    def flush(self):
        self._call("flush")
        super().flush()

    def close(self):
        self._call("close")
        super().close()

    def _call(self, verb, *args):
        if verb == self.verb:
            WAYS[self.way](self, *args)


@pytest.mark.parametrize(("way", "verb"), list(itertools.product(WAYS, VERBS)))
def test_the_others_get_everything_and_close_is_back_in_time(make, way, verb):
    """F-093, F-094, F-095, F-096, F-097, F-098, F-099, F-101."""
    bad = Misbehaving(verb, way)
    direct, before, after = MemorySink(), MemorySink(), MemorySink()
    logger = make(
        sinks=[
            direct,
            BackgroundSink(before),
            BackgroundSink(bad, close_timeout_secs=BUDGET_SECS, flush_timeout_secs=BUDGET_SECS),
            BackgroundSink(after),
        ]
    )
    for exp_num in range(RECORDS):
        logger.log_record(record(exp_num))
        if exp_num == RECORDS // 2:
            logger.flush(BUDGET_SECS)
    begun = time.monotonic()
    logger.close()
    took = time.monotonic() - begun
    for healthy in (direct, before, after):
        assert [fields["exp_num"] for fields in healthy.records] == list(range(RECORDS))
        assert {fields["reward"] for fields in healthy.records} == {1.0}
        assert healthy.calls[0] == "open"
        assert healthy.calls[-1] == "close"
        assert healthy.run.logger_info["metrics_columns"] == ["reward"]
    assert len(rows(logger.scenario_dir)) == RECORDS
    assert took < BUDGET_SECS + 2  # the rest is for a busy machine
    health = logger.health()[2]
    assert health.delivered == len(bad.records)
    assert health.delivered + health.missed == RECORDS


def test_no_mirror_changes_what_another_learns_of_the_run(make):
    """F-099."""
    healthy = MemorySink()
    logger = make(sinks=[BackgroundSink(Misbehaving("open", "mutate")), BackgroundSink(healthy)])
    logger.log_record(record())
    logger.close()
    assert healthy.run.logger_info["metrics_columns"] == ["reward"]
    assert logger.logger_info["metrics_columns"] == ["reward"]
