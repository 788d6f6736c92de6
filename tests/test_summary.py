"""The summary of a run, held against plain Python."""

import json
import math
import statistics

import pytest
from by_hand import COLUMNS, row, write_log
from hypothesis import given, settings
from hypothesis import strategies as st
from test_runs import write_legacy

from l2logger import read
from l2logger.summary import BINS


def summary(tmp_path, rows, **options):
    return read.summary(write_log(tmp_path, rows, **options))


def metric(tmp_path, values, **options):
    """Return the summary of one metric with these values."""
    return summary(tmp_path, [row(each, reward=value) for each, value in enumerate(values)], **options).metrics[0]


def test_what_is_in_a_run(tmp_path):
    """S0-27, S1-45."""
    rows = [
        row(0),
        row(1, worker_id="w1", exp_status="incomplete"),
        row(1, worker_id="w1"),
        row(2, block_num=1, block_type="test", task_name="B_b"),
    ]
    found = summary(tmp_path, rows)
    assert (found.runs, found.versions, found.files, found.findings) == (("run",), ("1.1",), 3, 0)
    assert (found.records, found.incomplete, found.blocks, found.workers) == (4, 1, 2, ("w0", "w1"))
    assert (found.started, found.ended) == (rows[0]["timestamp"], rows[3]["timestamp"])
    assert [(each.regime_num, each.task_name, each.length) for each in found.regimes] == [
        (0, "task_a", 2),
        (1, "b_b", 1),
    ]


def test_the_regimes_are_those_of_regimes(tmp_path):
    """S1-45."""
    run = write_log(tmp_path, [row(each, task_name=f"t_{each // 3 % 2}") for each in range(12)])
    assert [tuple(each) for each in read.summary(run).regimes] == read.regimes(run).fetchall()


def test_tasks_are_told_by_name(tmp_path):
    """S1-45: with the means of their evaluation, or of their training where there is none."""
    rows = [
        row(0, task_name="B_b", reward=1.0),
        row(1, task_name="A_a", reward=2.0),
        row(2, task_name="A_a", reward=4.0),
        row(3, task_name="a_A", block_num=1, block_type="test", reward=7.0),
        row(4, task_name="A_a", exp_status="incomplete", block_num=2, reward=100.0),
    ]
    assert [tuple(each) for each in summary(tmp_path, rows).tasks] == [
        ("a_a", 2, 1, {"reward": 7.0}),
        ("b_b", 1, 0, {"reward": 1.0}),
    ]


@pytest.mark.parametrize("values", [[1.5], [1, 2, 4], [0.1, 0.2, -7.25], [5, 5, 5], [1e9 + 1, 1e9 + 2, 1e9 + 3]])
def test_the_figures_of_a_metric(tmp_path, values):
    """S1-45."""
    found = metric(tmp_path, values)
    assert (found.name, found.values, found.min, found.max) == ("reward", len(values), min(values), max(values))
    assert found.mean == pytest.approx(statistics.fmean(values))
    assert found.std == (pytest.approx(statistics.stdev(values)) if len(values) > 1 else None)


def test_only_numbers_count(tmp_path):
    """F-015: neither gaps, nor NaN, nor infinities."""
    found = metric(tmp_path, [1.0, "nan", "", "inf", "-inf", "NA", 3.0])
    assert (found.values, found.mean, found.min, found.max) == (2, 2.0, 1.0, 3.0)


def test_incomplete_records_do_not_count(tmp_path):
    rows = [row(0, reward=100.0, exp_status="incomplete"), row(0, reward=2.0)]
    assert (summary(tmp_path, rows).metrics[0].values, summary(tmp_path, rows).metrics[0].mean) == (1, 2.0)


@pytest.mark.parametrize(
    "values", [["1e308", "1e308"], ["1e308", "-1e308"], ["1.7976931348623157e308"] * 5, ["1e200", "-1e200"]]
)
def test_very_large_numbers_end_in_no_error(tmp_path, values):
    """F-015."""
    found = metric(tmp_path, values)
    assert (found.values, found.max) == (len(values), float(values[0]))


def test_truth_is_counted_as_one_and_nought(tmp_path):
    found = metric(tmp_path, ["True", "False", "True", "True"])
    assert (found.values, found.mean) == (4, 0.75)


def test_text_is_no_metric(tmp_path):
    """F-033."""
    rows = [row(each, note="x") for each in range(2)]
    found = summary(tmp_path, rows, columns=[*COLUMNS, "note"])
    assert [each.name for each in found.metrics] == ["reward"]


def test_metrics_come_in_the_order_of_the_columns(tmp_path):
    found = summary(tmp_path, [row(0, b=1, a=2, B=3)], columns=[*COLUMNS, "b", "a", "B"])
    assert [(each.name, each.mean) for each in found.metrics] == [("reward", 1.0), ("b", 1.0), ("a", 2.0), ("B", 3.0)]


def test_the_course_has_a_point_for_each_stretch(tmp_path):
    found = metric(tmp_path, range(2 * BINS))
    assert found.course == tuple(2 * each + 0.5 for each in range(BINS))


@pytest.mark.parametrize("number", [1, 2, BINS, BINS + 1, 3 * BINS - 1])
def test_the_course_is_never_longer_than_it_says(tmp_path, number):
    found = metric(tmp_path, range(number))
    assert 1 <= len(found.course) <= BINS
    assert [each for each in found.course if each is not None] == sorted(
        each for each in found.course if each is not None
    )


def test_the_course_has_gaps_where_there_is_nothing(tmp_path):
    rows = [row(0, reward=1.0), row(1000, reward=2.0)]
    assert summary(tmp_path, rows).metrics[0].course == (1.0, *[None] * (BINS - 2), 2.0)


@pytest.mark.parametrize("last", [2**58, 2**63 - 1])
def test_far_away_experiences_end_in_no_error(tmp_path, last):
    """F-023."""
    found = summary(tmp_path, [row(0), {**row(0), "exp_num": last}])
    assert (found.records, len(found.metrics[0].course)) == (2, BINS)


@settings(max_examples=15, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 100),
            st.sampled_from(["w0", "w1"]),
            st.sampled_from(["a_1", "b_1"]),
            st.sampled_from(["train", "test"]),
            st.sampled_from(["complete", "complete", "incomplete"]),
            st.one_of(st.floats(-1e6, 1e6), st.sampled_from(["", "nan", "inf"])),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_any_run_is_summed_up_as_plain_python_does(tmp_path_factory, rows):
    """S1-45."""
    names = ("worker_id", "task_name", "block_type", "exp_status", "reward")
    made = [row(number, **dict(zip(names, rest, strict=True))) for number, *rest in rows]
    # One number in each file, so that the column holds numbers whatever else is in it.
    made.append(row(50, reward=0.5))
    found = summary(tmp_path_factory.mktemp("summary"), made)
    complete = [each for each in made if each["exp_status"] == "complete"]
    numbers = [
        float(each["reward"]) for each in complete if each["reward"] != "" and math.isfinite(float(each["reward"]))
    ]
    assert (found.records, found.incomplete) == (len(made), len(made) - len(complete))
    assert found.workers == tuple(sorted({each["worker_id"] for each in made}))
    [reward] = found.metrics
    assert (reward.values, reward.min, reward.max) == (len(numbers), min(numbers), max(numbers))
    assert reward.mean == pytest.approx(statistics.fmean(numbers), abs=1e-6)
    assert reward.std == (pytest.approx(statistics.stdev(numbers), rel=1e-6, abs=1e-6) if len(numbers) > 1 else None)
    for task in found.tasks:
        of_task = [each for each in complete if each["task_name"].lower() == task.name]
        assert task.train == sum(each["block_type"] == "train" for each in of_task)
        assert task.test == sum(each["block_type"] == "test" for each in of_task)
    assert sum(each.length for each in found.regimes) == len(complete)


@pytest.mark.parametrize("rows", [[], [row(exp_status="incomplete")]])
def test_a_run_without_complete_records(tmp_path, rows):
    """F-042, F-084: nothing is made up."""
    run = write_log(tmp_path, rows)
    found = read.summary(run)
    assert (found.records, found.incomplete, found.regimes) == (len(rows), len(rows), ())
    assert all(each.mean is None and each.min is None and each.values == 0 for each in found.metrics)


def test_one_record(tmp_path):
    """F-084."""
    found = summary(tmp_path, [row(7)])
    assert (found.records, found.regimes[0].first_exp_num, found.metrics[0].std, found.metrics[0].course) == (
        1,
        7,
        None,
        (1.0,),
    )


@pytest.mark.parametrize("missing", [name for name in COLUMNS if name not in ("block_num", "exp_num")])
def test_a_column_may_be_missing(tmp_path, missing):
    """F-077."""
    found = summary(tmp_path, [row(0), row(1)], columns=[name for name in COLUMNS if name != missing])
    assert found.records == 2


@pytest.mark.parametrize("empty", [name for name in COLUMNS if name not in ("block_num", "exp_num")])
def test_cells_may_be_empty_in_some_rows(tmp_path, empty):
    """F-077."""
    found = summary(tmp_path, [row(0), row(1, **{empty: "", "directory": "w0/0-train"}), row(2)])
    assert found.records == 3


def test_what_is_wrong_is_counted(tmp_path):
    """F-075."""
    run = write_log(tmp_path)
    with (run / "w0" / "0-train" / "data-log.tsv").open("a") as file:
        file.write("junk\n0\t1")
    found = read.summary(run, on_bad_rows="skip")
    assert (found.records, found.findings) == (2, 2)


def test_a_run_of_0_1(tmp_path):
    """S0-28."""
    found = read.summary(write_legacy(tmp_path / "run"))
    assert (found.versions, found.records, found.workers) == (("0.1.0",), 4, ("w0", "w1"))
    assert [(each.regime_num, each.length) for each in found.regimes] == [(0, 2), (1, 2)]
    assert {each.name: each.mean for each in found.metrics}["reward"] == 1.0


def test_it_is_ready_for_json(tmp_path):
    """As the command line needs it."""
    found = summary(tmp_path, [row(0), row(1, reward="nan")])
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert told["regimes"][0]["length"] == 2
    assert told["metrics"][0]["name"] == "reward"
    assert told["tasks"][0] == {"name": "task_a", "train": 2, "test": 0, "metrics": {"reward": 1.0}}


def test_nothing_is_printed(tmp_path, capfd):
    """Not even a bar while a query takes long: the output belongs to the caller."""
    names = [f"m{each}" for each in range(60)]
    summary(tmp_path, [row(0, **dict.fromkeys(names, 1))], columns=[*COLUMNS, *names])
    assert capfd.readouterr() == ("", "")
