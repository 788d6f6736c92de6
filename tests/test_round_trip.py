"""What was logged is what is read."""

import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import record, rows

from l2logger import DataLogger
from l2logger.sinks import MemorySink

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.one_of(TEXT, st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "reward": st.floats(),
            "note": TEXT,
            "steps": st.integers(-(2**63), 2**63 - 1),
            "task_name": TEXT,
            "task_params": st.dictionaries(TEXT, JSON, max_size=3),
            "worker_id": st.sampled_from(["w0", "w1"]),
            "exp_status": st.sampled_from(["complete", "incomplete"]),
        }
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.filterwarnings("ignore::l2logger.RecordWarning")
@pytest.mark.parametrize("mirrored", [False, True])
@given(records=RECORDS)
def test_every_value_reads_back_equal(mirrored, records):
    """F-015, F-025, F-026, F-028, S1-12, S1-13, S1-37: through Python's csv and json readers."""
    import json
    import math

    with tempfile.TemporaryDirectory() as base:
        logger = DataLogger(base, "run", {"metrics_columns": ["reward"]}, sinks=[MemorySink()] * mirrored)
        for exp_num, fields in enumerate(records):
            logger.log_record(record(exp_num, **fields))
            logger.log_record(record(exp_num, **fields))  # the second one by the shortcut, if there is one
        logger.close()
        found = sorted(rows(base), key=lambda row: int(row["exp_num"]))
    assert len(found) == 2 * len(records)
    for number, row in enumerate(found):
        given_ = records[number // 2]
        reward = float(row["reward"])
        assert reward == given_["reward"] or (math.isnan(reward) and math.isnan(given_["reward"]))
        assert int(row["steps"]) == given_["steps"]
        assert json.loads(row["task_params"]) == given_["task_params"]
        for name in ("note", "task_name", "worker_id", "exp_status"):
            assert row[name] == given_[name]
