"""The sink for tests."""

from kinds import one_of_each
from showing import RUN
from signals_by_hand import CONTENTS

from l2logger.signals import KINDS
from l2logger.sinks.memory import MemorySink


def test_all_kinds_are_kept_in_their_order():
    sink = MemorySink()
    sink.open(RUN)
    given = one_of_each()
    for signal in given:
        sink.write(signal)
    sink.close()
    assert sink.signals == given
    assert {signal.kind for signal in given} == sink.kinds == KINDS


def test_the_fields_of_a_kind_can_be_had():
    sink = MemorySink()
    for signal in one_of_each(3):
        sink.write(signal)
    assert [fields["exp_num"] for fields in sink.records] == [3]
    assert [dict(fields["values"]) for fields in sink.metrics] == [CONTENTS["metrics"]["values"]]
    assert [fields["text"] for fields in sink.fields_of("note")] == ["lr dropped"]
