"""The summary of what was logged beside the records, held against plain Python."""

import json
import math
import statistics

import pytest
from by_hand import row, write_log
from click.testing import CliRunner
from signals_by_hand import CONTENTS, line, stamp, write_signals

from l2logger import read
from l2logger.cli import cli
from l2logger.errors import LogWarning


@pytest.fixture
def run(tmp_path):
    return write_log(tmp_path, [])


def of_values(run, values, **more):
    """Return the summary of one metric with these values, at steps from 0 on."""
    write_signals(run, *(line("metrics", step, values={"a": value}, **more) for step, value in enumerate(values)))
    [metric] = read.summary(run).signals.metrics
    return metric


def told(*args):
    return CliRunner().invoke(cli, ["summary", *map(str, args)], prog_name="l2logger")


def test_a_run_of_records_alone_has_nothing_beside(tmp_path):
    assert read.summary(write_log(tmp_path)).signals is None


@pytest.mark.parametrize("values", [[1.5], [1, 2, 4], [0.1, 0.2, -7.25], [5, 5, 5], [1e9 + 1, 1e9 + 2, 1e9 + 3]])
def test_the_figures_of_a_metric(run, values):
    found = of_values(run, values)
    assert found[:3] == ("a", len(values), values[-1])
    assert found.mean == pytest.approx(statistics.fmean(values))
    assert (found.min, found.max) == (min(values), max(values))
    assert found.course == tuple(map(float, values))


def test_only_finite_numbers_count_but_for_the_last(run):
    """F-015."""
    found = of_values(run, [1.0, "Infinity", 3.0, "NaN"])
    assert (found.values, found.mean, found.min, found.max, found.course) == (2, 2.0, 1.0, 3.0, (1.0, None, 3.0, None))
    assert math.isnan(found.last)


def test_a_metric_without_any_number_is_listed(run):
    found = of_values(run, ["NaN"])
    assert (found.values, found.mean, found.min, found.max) == (0, None, None, None)


def test_the_last_value_is_the_one_that_was_logged_last(run):
    """S4-4: also if its step is an earlier one."""
    write_signals(
        run, line("metrics", 0, step=9, values={"a": 1}), line("metrics", 1, step=2, values={"a": 2}), worker_id="w1"
    )
    write_signals(run, line("metrics", 2, step=None, clock=None, values={"a": 3}), line("metrics", 0, values={"a": 4}))
    assert read.summary(run).signals.metrics[0].last == 3.0


def test_the_course_goes_over_the_steps_of_the_clock(run):
    write_signals(run, *(line("metrics", step % 60, step=step, values={"a": step}) for step in range(64)))
    write_signals(run, *(line("metrics", 0, clock="epoch", step=step, values={"b": step}) for step in (-1, 2)))
    write_signals(run, line("metrics", 0, clock="late", step=None, values={"c": 1}))
    a, b, c = read.summary(run).signals.metrics
    assert a.course == tuple(each + 0.5 for each in range(0, 64, 2))
    assert (b.course, c.course) == ((-1.0, None, None, 2.0), ())


def test_everything_is_counted(run):
    write_signals(run, *(line(kind, number) for number, kind in enumerate(CONTENTS)), line("image", 30))
    write_signals(run, line("note", 40), worker_id="w1")
    found = read.summary(run).signals
    assert found.kinds == {**dict.fromkeys(CONTENTS, 1), "image": 2, "note": 2}
    assert (found.workers, found.started, found.ended) == (("w0",), stamp(0), stamp(40))
    assert found.descriptions == {"agent/loss": ("nats", "min")}
    assert found.params == {"run": CONTENTS["params"]["params"]}


def test_the_manifest_and_the_artifacts_are_told(make, tmp_path):
    """S4-13."""
    logger = make(tags=["ablation", "ä"])
    for content in "ab":
        (tmp_path / "file").write_text(content)
        logger.log_artifact(tmp_path / "file", "data/x")
    logger.close()
    found = read.summary(logger.scenario_dir).signals
    [manifest] = found.manifests.values()
    assert (manifest["status"], manifest["tags"], found.artifacts) == ("complete", ["ablation", "ä"], {"data/x": 2})


def test_of_several_runs_all_are_told(tmp_path):
    for name, status in (("one", "complete"), ("two", "failed")):
        each = write_log(tmp_path / name, []).rename(tmp_path / name / name)
        (each / "run.json").write_text(json.dumps({"status": status, "tags": [name]}))
        write_signals(each, line("metrics", 0, values={"a": 1}))
    found = read.summary(tmp_path)
    assert {run: told["status"] for run, told in found.signals.manifests.items()} == {
        "one": "complete",
        "two": "failed",
    }
    assert found.signals.metrics[0].values == 2
    assert "status     1 complete, 1 failed" in told(tmp_path).stdout


def test_a_damaged_manifest_is_warned_of(run):
    """F-083."""
    (run / "run.json").write_text("{")
    with pytest.warns(LogWarning, match="run.json"):
        assert read.summary(run).signals.manifests == {}


# On the terminal --------------------------------------------------------------------------------------------------------


def test_a_run_without_records_is_no_empty_run(run):
    manifest = {"status": "failed", "tags": ["x", "y"]}
    manifest["git"] = {"commit": "0123456789abcdef", "branch": "main", "dirty": True}
    (run / "run.json").write_text(json.dumps(manifest))
    write_signals(run, *map(line, CONTENTS), line("metrics", 7, values={"agent/loss": 1.5}))
    output = told(run).stdout
    for shown in (
        "records    none",
        "status     failed",
        "tags       x, y",
        "git        0123456789 of main, with changes",
        "params     agent/lr 0.001, agent/layers [64, 64], seed 7",
        "workers    w0",
        "time       2026-11-21 12:00:00 to 2026-11-21 12:00:07",
    ):
        assert shown in output
    assert " 2 metrics, " in output
    assert " 1 image, " in output
    assert "agent/loss (nats) 2 1.500 1 0.5000 1.500" in " ".join(output.split())
    assert "0 blocks" not in output


def test_below_records_stands_what_else_was_logged(tmp_path):
    run = write_log(tmp_path, [row(0), row(1)])
    write_signals(run, line("metrics", 0, values={"a": 1}), line("description", 1, metric="reward", unit="points"))
    lines = told(run).stdout.splitlines()
    begins = [each.split()[0] for each in lines if each.strip()]
    assert begins.count("workers") == 1
    assert begins.index("reward") < begins.index("regime") < begins.index("signals") < begins.index("a")
    assert any(each.startswith("reward (points)") for each in lines)


def test_many_metrics_are_cut(run):
    write_signals(run, line("metrics", 0, values={f"m{number:02}": number for number in range(50)}))
    assert "10 more metrics; --all shows them" in told(run).stdout
    assert "m49" not in told(run).stdout
    assert "m49" in told("--all", run).stdout


def test_the_summary_is_json_for_programs(run):
    write_signals(run, *map(line, CONTENTS))
    found = json.loads(told(run, "--json").stdout)["signals"]
    assert found["metrics"][0]["name"] == "agent/loss"
    assert found["descriptions"] == {"agent/loss": {"unit": "nats", "better": "min"}}
