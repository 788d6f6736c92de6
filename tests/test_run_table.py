"""What a run says of itself in ``run.json``, as `read.info` and the table of runs tell it."""

import json

import pytest
from by_hand import write_log

from l2logger import read
from l2logger.errors import LogFormatError, LogWarning

MANIFEST = {
    **{
        "status": "failed",
        "tags": ["a", "b"],
        "started": "2026-11-21T12:00:00.000+00:00",
        "ended": None,
        "host": "here",
    },
    **{"git": {"commit": "abc", "dirty": False}, "seed": 7, "params": {"agent": {"lr": 0.1}}},
}
COLUMNS = "status, tags, started, ended, host, git_commit, seed, params"


@pytest.fixture
def run(tmp_path):
    run = write_log(tmp_path)
    (run / "run.json").write_text(json.dumps(MANIFEST))
    return run


def row(run, **options):
    [found] = read.connect(run, tables=["runs"], **options).sql(f"SELECT {COLUMNS} FROM runs").fetchall()
    return found


def test_info_tells_the_manifest(run):
    """S4-13."""
    found = read.info(run)
    assert found.manifest["git"] == MANIFEST["git"]
    assert (found.status, found.tags, found.ended, found.host) == ("failed", ("a", "b"), None, "here")
    assert (found.started, found.git_commit, found.seed) == (MANIFEST["started"], "abc", 7)
    assert found.params == MANIFEST["params"]


def test_runs_have_what_the_manifest_tells(run):
    """S4-13."""
    *found, params = row(run)
    assert found == ["failed", ["a", "b"], MANIFEST["started"], None, "here", "abc", 7]
    assert json.loads(params) == MANIFEST["params"]


def test_a_run_of_records_alone_tells_nothing_of_it(tmp_path):
    run = write_log(tmp_path)
    assert row(run) == (None,) * 8
    found = read.info(run)
    assert (found.manifest, found.status, found.tags, found.seed, found.params) == ({}, None, (), None, {})


def test_a_real_run_tells_how_it_ended(make):
    logger = make(tags=["x"])
    logger.log_params(seed=3)
    assert row(logger.scenario_dir)[0] == "running"
    logger.close()
    found = row(logger.scenario_dir)
    assert (found[0], found[1], found[6], found[7]) == ("complete", ["x"], 3, '{"seed": 3}')


def test_a_damaged_manifest_is_told_and_the_rest_is_there(run):
    """F-083."""
    (run / "run.json").write_text("{")
    with pytest.warns(LogWarning, match="run.json"):
        assert row(run) == (None,) * 8
    assert row(run, on_bad_rows="skip")[0] is None
    with pytest.raises(LogFormatError, match="run.json"):
        row(run, on_bad_rows="raise")
    with pytest.raises(LogFormatError, match="run.json"):
        read.info(run)


@pytest.mark.parametrize("change", [{"seed": 2**70}, {"tags": 7, "git": [], "status": 3, "params": []}])
def test_what_a_column_cannot_hold_is_null(run, change):
    (run / "run.json").write_text(json.dumps(MANIFEST | change))
    found = dict(zip(COLUMNS.split(", "), row(run), strict=True))
    assert found["seed"] == (None if "seed" in change else 7)
    assert found["host"] == "here"


def test_sql_of_your_own_connection_is_not_mixed_with_our_tables(run):
    connection = read.connect(run)
    connection.execute("CREATE TABLE mine (a INT)")
    assert "mine" in [name for (name,) in connection.sql("SHOW TABLES").fetchall()]
    assert not [name for (name,) in connection.sql("SHOW TABLES").fetchall() if name.startswith("l2logger")]
