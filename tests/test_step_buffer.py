"""Metrics of one step as one signal."""

import pytest

from l2logger.signals import freeze
from l2logger.sinks.step_buffer import StepBuffer


def metrics(step, *, worker_id="w", clock="step", timestamp="20261121T143000.000000", **values):
    fields = {"timestamp": timestamp, "worker_id": worker_id, "clock": clock, "step": step, "values": values}
    return freeze("metrics", fields)


def passed(*signals):
    """Return the steps that come out, those of `flush` included."""
    buffer = StepBuffer()
    found = [each for signal in signals for each in buffer.add(signal)] + buffer.flush()
    assert buffer.flush() == []
    return [(each.fields["step"], dict(each.fields["values"])) for each in found]


def test_metrics_of_one_step_are_merged_until_the_step_changes():
    """S2-1."""
    buffer = StepBuffer()
    assert buffer.add(metrics(3, a=1)) == []
    assert buffer.add(metrics(3, b=2)) == []
    (merged,) = buffer.add(metrics(4, a=3))
    assert (merged.kind, merged.fields["step"], dict(merged.fields["values"])) == ("metrics", 3, {"a": 1, "b": 2})
    assert [each.fields["step"] for each in buffer.flush()] == [4]


def test_a_later_value_wins_in_place():
    """S2-1: the order of the names is kept."""
    ((_, values),) = passed(metrics(3, a=1, b=2), metrics(3, c=3, a=9), metrics(3, b=8, d=4))
    assert list(values.items()) == [("a", 9), ("b", 8), ("c", 3), ("d", 4)]


def test_a_step_that_falls_is_a_step():
    """S4-4."""
    assert passed(metrics(5, a=1), metrics(2, a=2), metrics(5, a=3)) == [(5, {"a": 1}), (2, {"a": 2}), (5, {"a": 3})]


def test_metrics_without_a_step_are_never_merged():
    """S2-3: and merge nothing with each other."""
    buffer = StepBuffer()
    signals = [metrics(None, a=1), metrics(None, a=2)]
    assert [buffer.add(each) for each in signals] == [[signals[0]], [signals[1]]]
    assert buffer.flush() == []


def test_each_worker_and_clock_has_steps_of_its_own():
    """S3-6."""
    signals = [
        metrics(1, a=1),
        metrics(1, worker_id="v", a=2),
        metrics(1, clock="epoch", a=3),
        metrics(1, b=4),
        metrics(1, worker_id="v", b=5),
    ]
    assert passed(*signals) == [(1, {"a": 1, "b": 4}), (1, {"a": 2, "b": 5}), (1, {"a": 3})]


def test_what_is_held_comes_out_in_the_order_in_which_it_began():
    signals = [metrics(1, a=1), metrics(1, worker_id="v", a=2), metrics(2, a=3)]
    assert passed(*signals) == [(1, {"a": 1}), (1, {"a": 2}), (2, {"a": 3})]


def test_other_fields_are_those_of_the_last():
    buffer = StepBuffer()
    buffer.add(freeze("metrics", {**metrics(1, a=1).fields, "clocks": {"epoch": 1}}))
    buffer.add(metrics(1, timestamp="later", b=2))
    (merged,) = buffer.flush()
    assert list(merged.fields) == ["timestamp", "worker_id", "clock", "step", "values", "clocks"]
    assert (merged.fields["timestamp"], merged.fields["clocks"]) == ("later", {"epoch": 1})


def test_what_was_given_is_not_changed_and_what_comes_out_is_frozen():
    buffer = StepBuffer()
    first, second = metrics(1, a=1), metrics(1, a=2)
    buffer.add(first)
    buffer.add(second)
    (merged,) = buffer.flush()
    assert (first.fields["values"], second.fields["values"]) == ({"a": 1}, {"a": 2})
    with pytest.raises(TypeError, match="item assignment"):
        merged.fields["values"]["a"] = 3
    with pytest.raises(TypeError, match="item assignment"):
        merged.fields["step"] = 3


def test_a_single_one_is_handed_on_as_it_is():
    buffer = StepBuffer()
    signal = metrics(1, a=1)
    buffer.add(signal)
    assert buffer.add(metrics(2, a=1))[0] is signal
