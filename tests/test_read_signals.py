"""`l2logger.read` on what was logged beside the records."""

import json
import math
import os
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path

import duckdb
import numpy
import pytest
from by_hand import write_log
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import record
from signals_by_hand import CONTENTS, line, signal, stamp, write_signals

from l2logger import read, signal_log, signal_table
from l2logger.errors import DirectoryError, LogFormatError, LogWarning
from l2logger.plain_metrics import LINE
from l2logger.rules import validate
from l2logger.signal_lines import parse

WAYS = ["copied", "in place", "in place while it grows"]


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """Each way in which a file may be read; to be called when it is written."""
    if request.param == "in place while it grows":
        monkeypatch.setattr(signal_log, "_SMALL_BYTES", 0)
    return (lambda run: age(run)) if request.param == "in place" else lambda run: run


def age(run):
    for path in Path(run).rglob("*.jsonl"):
        os.utime(path, (1e9, 1e9))
    return run


@pytest.fixture
def run(tmp_path):
    return write_log(tmp_path)


def of(relation, columns):
    return relation.project(columns).fetchall()


def copied_rows(connection):
    """Return how many signals were copied, into all tables of the connection."""
    tables = connection.sql(
        "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'l2logger_signals_%'"
    ).fetchall()
    return sum(connection.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0] for (name,) in tables)


# Metrics ----------------------------------------------------------------------------------------------------------------


def test_metrics_have_a_row_for_each_value(run, way):
    more = {"clocks": {"exp_num": 3}, "context": {"block_num": 1, "task_params": {"a": [1, {"b": None}]}}}
    write_signals(run, line("metrics", 5, values={"a/b": 1, "c": 0.5}, **more))
    context = '{"block_num":1,"task_params":{"a":[1,{"b":null}]}}'
    expected = [
        (name, 5, value, "step", stamp(5), "w0", '{"exp_num":3}', context, "run")
        for name, value in (("a/b", 1.0), ("c", 0.5))
    ]
    found = read.metrics(way(run))
    assert found.columns == ["name", "step", "value", "clock", "timestamp", "worker_id", "clocks", "context", "run"]
    assert found.fetchall() == expected
    types = ["VARCHAR", "BIGINT", "DOUBLE", "VARCHAR", "VARCHAR", "VARCHAR", "JSON", "JSON", "VARCHAR"]
    assert list(map(str, found.types)) == types


def test_the_numbers_that_json_lacks_are_numbers(run, way):
    """F-015."""
    write_signals(run, line(values={"a": "NaN", "b": "Infinity", "c": "-Infinity"}))
    values = dict(of(read.metrics(way(run)), "name, value"))
    assert math.isnan(values["a"])
    assert (values["b"], values["c"]) == (math.inf, -math.inf)


def test_doubles_are_read_exactly(run, way):
    picked = random.Random(1)
    values = [picked.uniform(-1, 1) * 10 ** picked.randint(-300, 289) for _ in range(2000)]
    values += [0.1, -0.0, 5e-324, 1e22, 9007199254740993, 1.7976931348623157e308, 123456789012345678]
    write_signals(run, *(line("metrics", 0, step=step, values={"a": value}) for step, value in enumerate(values)))
    found = [value for (value,) in of(read.metrics(way(run)), "value")]
    assert list(map(repr, found)) == [repr(float(value)) for value in values]


@pytest.mark.parametrize(
    ("text", "value"), [("1e400", math.inf), ("-1e400", -math.inf), ("1" + "0" * 400, math.inf), ("1e-400", 0.0)]
)
def test_numbers_beyond_a_double_are_the_nearest(run, way, text, value):
    """F-023."""
    write_signals(run, line(values={"a": 7}).replace(": 7}", f": {text}}}"))
    assert of(read.metrics(way(run)), "value") == [(value,)]


def test_of_several_values_at_a_step_the_last_is_there(run, way):
    """S2-1: also if its clock was wrong."""
    write_signals(
        run,
        line("metrics", 0, step=1, values={"a": 1, "b": 1}),
        line("metrics", 9, step=1, values={"a": 2}),
        line("metrics", 3, step=1, values={"a": 3}),
        line("metrics", 4, step=1, clock="other", values={"a": 4}),
        line("metrics", 5, step=1, worker_id="w1", values={"a": 5}),
    )
    found = of(read.metrics(way(run)), "worker_id, clock, name, value")
    assert sorted(found) == [
        ("w0", "other", "a", 4.0),
        ("w0", "step", "a", 3.0),
        ("w0", "step", "b", 1.0),
        ("w1", "step", "a", 5.0),
    ]


def test_the_last_value_counts_at_equal_times(run, way):
    """S2-1."""
    write_signals(run, *(line("metrics", 0, step=1, values={"a": value}) for value in range(50)))
    assert of(read.metrics(way(run)), "value") == [(49.0,)]


def test_without_a_step_all_values_are_there(run, way):
    """S2-3."""
    values = [5, 5, 3, 5]
    write_signals(run, *(line("metrics", n, step=None, clock=None, values={"a": v}) for n, v in enumerate(values)))
    assert of(read.metrics(way(run)), "clock, step, value") == [(None, None, value) for value in values]


def test_late_steps_are_in_their_place(run, way):
    """S4-4."""
    write_signals(run, *(line("metrics", number, step=step) for number, step in enumerate([3, 1, -2, 2])))
    assert of(read.metrics(way(run)).filter("name = 'agent/loss'"), "step") == [(-2,), (1,), (2,), (3,)]


def test_names_of_one_call_keep_their_order(run, way):
    names = [f"n{number * 7 % 30}" for number in range(30)]
    write_signals(run, line(values=dict.fromkeys(names, 1)))
    assert of(read.metrics(way(run)), "name") == [(name,) for name in names]


@pytest.mark.parametrize(
    "name", ["ü/é☃", "🙂", 'a"b', "a.b", "*", "$", "a b", "a'b", "values", "", "[0]", "{", "a\\b", "\\x1f"]
)
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_names_may_be_anything(run, way, name, ensure_ascii):
    write_signals(run, json.dumps(signal(values={name: 1, "other": 2}), ensure_ascii=ensure_ascii) + "\n")
    assert of(read.metrics(way(run)), "name, value") == [(name, 1.0), ("other", 2.0)]


def test_many_workers_and_runs(tmp_path, way):
    for name in ("one", "two"):
        run = write_log(tmp_path / name).rename(tmp_path / f"run {name} [*]")
        for worker in range(30):
            more = {"worker_id": f"w{worker}"}
            write_signals(
                run, *(line("metrics", step, **more) for step in range(3)), line("note", 1), worker_id=f"w{worker}"
            )
    found = read.metrics(way(tmp_path)).filter("name = 'agent/loss'")
    counts = found.aggregate("run, worker_id, count(*), max(step)", "run, worker_id").fetchall()
    assert len(counts) == 60
    assert {each[2:] for each in counts} == {(3, 2)}
    assert read.signals(tmp_path).aggregate("count(*)").fetchall() == [(240,)]


def test_no_metrics_are_an_empty_relation(run):
    """F-084."""
    assert read.metrics(run).fetchall() == []
    write_signals(run, line("note"))
    assert (read.metrics(run).fetchall(), len(read.metrics(run).columns)) == ([], 9)
    write_signals(run, line(values={}))
    assert read.metrics(age(run)).fetchall() == []


def test_a_large_file_is_not_copied(run):
    write_signals(run, *(line("metrics", step) for step in range(500)), line("note", 7), '{"kind":"metrics"}\n')
    connection = duckdb.connect()
    with pytest.warns(LogWarning, match=r"w0\.jsonl:502: "):
        found = read.metrics(age(run), connection=connection)
    assert (found.aggregate("count(*)").fetchall(), copied_rows(connection)) == ([(1000,)], 1)


# Everything --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(CONTENTS))
def test_each_kind_has_a_row(run, way, kind):
    write_signals(run, line(kind, 3, clocks={"exp_num": 1}, context={"tags": ["a"]}))
    [found] = read.signals(way(run)).fetchall()
    content = CONTENTS[kind]
    name, (clocks, context) = content.get("metric", content.get("name")), found[-3:-1]
    assert (found[:3], found[4:7], found[9]) == ((kind, name, 3), ("step", stamp(3), "w0"), "run")
    assert list(map(json.loads, (clocks, context, found[3]))) == [{"exp_num": 1}, {"tags": ["a"]}, content]


def test_signals_come_by_time(run, way):
    write_signals(run, line("metrics", 0), line("note", 3), line("metrics", 4), line("text", 1))
    write_signals(run, line("metrics", 2), worker_id="w1")
    found = of(read.signals(way(run)), "kind, step")
    assert found == [("metrics", 0), ("text", 1), ("metrics", 2), ("note", 3), ("metrics", 4)]


def test_a_kind_of_a_later_version_has_a_row(run):
    write_signals(run, line("hologram", 1, depth=[1, 2]))
    assert of(read.signals(run), "kind, fields") == [("hologram", '{"depth":[1,2]}')]


def test_half_a_surrogate_pair_is_replaced(run):
    """F-027."""
    write_signals(run, line("text", 0, text="a\ud800b", name="n"), line("metrics", 0, values={"a\udfff": 1}))
    assert of(read.signals(run), "fields")[0] == ('{"name":"n","text":"a?b"}',)
    assert of(read.metrics(age(run)), "name, value") == [("a?", 1.0)]


def test_odd_text_comes_back(run, way):
    text = 'tab\t quote" \\ \x00 \x1f \x7f \u2028 ☃ 🙂 \r\n'
    write_signals(run, line("text", 0, text=text), line("note", 1, text=line()))
    assert read.text(way(run), "plan") == text


# Parameters, descriptions -----------------------------------------------------------------------------------------------


def test_params_are_merged_and_later_ones_win(run, way):
    """S2-8."""
    write_signals(run, line("params", 0, params={"agent": {"lr": 1, "net": {"layers": [64]}}, "seed": 7}))
    write_signals(run, line("params", 2, params={"agent": {"lr": 3, "net": {"act": "relu"}}}), worker_id="w1")
    write_signals(run, line("params", 1, params={"agent": {"lr": 2}, "seed": {"env": 1}, "x": None}))
    assert read.params(way(run)) == {
        "agent": {"lr": 3, "net": {"layers": [64], "act": "relu"}},
        "seed": {"env": 1},
        "x": None,
    }


def test_a_run_without_params_has_none(run):
    assert read.params(run) == {}


def test_params_are_of_one_run(tmp_path):
    write_log(tmp_path / "a").rename(tmp_path / "one")
    write_log(tmp_path / "b").rename(tmp_path / "two")
    with pytest.raises(DirectoryError, match="expected one run in .*, found 2: one, two"):
        read.params(tmp_path)


def test_descriptions_are_the_last_ones(run):
    """S4-12."""
    write_signals(run, line("description", 0), line("description", 1, metric="agent/loss", unit="bits", better=None))
    write_signals(run, line("description", 2, metric="reward", unit=None, better="max"))
    assert read.descriptions(run).fetchall() == [("run", "agent/loss", "bits", None), ("run", "reward", None, "max")]


# Files ------------------------------------------------------------------------------------------------------------------


def test_media_have_their_absolute_path_and_sizes(run, way, monkeypatch):
    write_signals(
        run, *(line(kind, number) for number, kind in enumerate(("image", "video", "figure", "array", "note")))
    )
    monkeypatch.chdir(run.parent)
    found = read.media(Path(way(run).name))
    columns = "kind, name, step, path, width, height, channels, frames, fps, shape, dtype, caption"
    none = (None,) * 7
    assert of(found, columns) == [
        ("array", "q", 3, f"{run}/media/array/q/3.npy", *none[:5], [2, 3], "float32", None),
        ("figure", "curve", 2, f"{run}/media/figure/curve/none.png", 640, 480, *none[:6]),
        ("image", "eval/view", 0, f"{run}/media/image/eval/view/3.png", 4, 2, 3, *none[:5]),
        (
            "video",
            "eval/episode",
            1,
            f"{run}/media/video/eval/episode/3.mp4",
            8,
            8,
            None,
            5,
            30.0,
            None,
            None,
            "the best one",
        ),
    ]


def test_sizes_that_are_none_are_null(run):
    write_signals(run, line("image", width="wide", height=None, channels=[3]))
    assert of(read.media(run), "width, height, channels") == [(None, None, None)]


def test_artifacts_are_those_that_there_are_now(make, tmp_path):
    """S4-5."""
    logger = make()
    for number in range(3):
        (tmp_path / "file").write_text(f"content {number}")
        logger.log_artifact(
            tmp_path / "file", "data/x", {"n": number}, metrics={"score": -number}, best="score", mode="max"
        )
    logger.close()
    found = read.artifacts(logger.scenario_dir)
    assert of(found, "name, version, type, nbytes, aliases, metadata::VARCHAR, metrics::VARCHAR") == [
        ("data/x", "v0", "artifact", 9, ["best"], '{"n": 0}', '{"score": 0.0}'),
        ("data/x", "v1", "artifact", 9, [], '{"n": 1}', '{"score": -1.0}'),
        ("data/x", "v2", "artifact", 9, ["latest"], '{"n": 2}', '{"score": -2.0}'),
    ]
    [(path, digest)] = of(found.filter("version = 'v1'"), "path, digest")
    assert (Path(path) / "file").read_text() == "content 1"
    assert len(digest) == 64


def test_a_damaged_artifact_is_told_and_the_others_are_there(make, tmp_path):
    logger = make()
    (tmp_path / "file").write_text("content")
    for name in ("a", "b"):
        logger.log_artifact(tmp_path / "file", name)
    logger.close()
    (Path(logger.scenario_dir) / "artifacts" / "a" / "v0" / "metadata.json").write_text("{")
    with pytest.warns(LogWarning, match="metadata.json"):
        assert of(read.artifacts(logger.scenario_dir), "name") == [("b",)]
    with pytest.raises(LogFormatError):
        read.artifacts(logger.scenario_dir, on_bad_rows="raise")


def test_a_run_without_artifacts_has_none(run):
    assert read.artifacts(run).fetchall() == []


# By name ----------------------------------------------------------------------------------------------------------------


def test_everything_can_be_had_by_its_name(make):
    """S2-16, S2-13, S2-14."""
    logger = make()
    values = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)
    logger.log_array("q/values", values, step=3)
    logger.log_array("q/values", values + 1, step=4)
    logger.log_text("plan", "left ☃", step=1)
    logger.log_histogram("weights", [1.0, 2.0, 2.0], bins=[0, 1, 2, 3])
    logger.log_table("episodes", [{"return": 1.5, "task": "a"}])
    logger.log_image("view", numpy.zeros((2, 4, 3), numpy.uint8), step=7)
    logger.close()
    run = logger.scenario_dir
    found = read.array(run, "q/values", 3)
    assert (found.dtype, found.tolist()) == (values.dtype, values.tolist())
    assert read.array(run, "q/values").tolist() == (values + 1).tolist()
    assert read.text(run, "plan") == "left ☃"
    assert read.logged(run, "histogram", "weights")["counts"] == [0, 1, 2]
    assert read.logged(run, "table", "episodes")["rows"] == [[1.5, "a"]]
    image = read.logged(run, "image", "view", step=7)
    assert image["path"] == os.path.join(run, "media", "image", "view", "7.png")
    assert Path(image["path"]).read_bytes().startswith(b"\x89PNG")


def test_of_several_things_of_a_name_the_last_is_had(run):
    write_signals(
        run, line("text", 0, step=5, text="a"), line("text", 9, step=1, text="b"), line("text", 8, step=5, text="c")
    )
    assert (read.text(run, "plan"), read.text(run, "plan", 5), read.text(run, "plan", 1)) == ("b", "c", "b")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda run: read.array(run, "x"), "the run has no array 'x'; of this kind there are: q"),
        (lambda run: read.array(run, "q", 8), "the run has no array 'q' at step 8; of this kind there are: q"),
        (lambda run: read.text(run, "x"), "the run has no text 'x'; of this kind there are: none"),
        (lambda run: read.logged(run, "hologram", "x"), "the run has no hologram 'x'"),
        (lambda run: read.array(run, "q"), "q/3.npy"),
    ],
)
def test_a_missing_thing_is_a_file_not_found(run, call, says):
    """S2-16."""
    write_signals(run, line("array", 3))
    with pytest.raises(FileNotFoundError, match=says):
        call(run)


def test_no_file_is_opened_outside_of_the_run(run, tmp_path):
    """DESIGN, rule 8."""
    write_signals(run, line("array", 3))
    (tmp_path / "q").mkdir()
    numpy.save(tmp_path / "q" / "3.npy", numpy.zeros(3))
    (run / "media").mkdir()
    (run / "media" / "array").symlink_to(tmp_path)
    with pytest.warns(LogWarning, match="symbolic link"), pytest.raises(LogFormatError, match="outside of"):
        read.array(run, "q")


def test_no_pickle_is_read(run):
    """F-141."""
    write_signals(run, line("array", 3))
    (run / "media" / "array" / "q").mkdir(parents=True)
    numpy.save(run / "media" / "array" / "q" / "3.npy", numpy.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read.array(run, "q")


# SQL --------------------------------------------------------------------------------------------------------------------


def test_sql_finds_all_tables(tmp_path):
    """S3-13."""
    for name, lr in (("one", 0.1), ("two", 0.2)):
        run = write_log(tmp_path / name).rename(tmp_path / name / name)
        write_signals(run, line("params", 0, params={"agent": {"lr": lr}}), line("metrics", 1), line("image", 2))
    connection = read.connect(tmp_path)
    sql = """
        SELECT run, params.value::DOUBLE AS lr, avg(metrics.value)
        FROM metrics JOIN params USING (run) WHERE metrics.name = 'agent/loss' AND params.name = 'agent/lr' GROUP BY ALL ORDER BY 1
    """
    assert connection.sql(sql).fetchall() == [("one", 0.1, 0.5), ("two", 0.2, 0.5)]
    assert connection.sql("SELECT kind, count(*) FROM signals GROUP BY kind ORDER BY kind").fetchall() == [
        ("image", 2),
        ("metrics", 2),
        ("params", 2),
    ]
    counts = {
        table: connection.sql(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in ("media", "artifacts")
    }
    assert counts == {"media": 2, "artifacts": 0}
    assert connection.sql("SELECT count(*) FROM records").fetchall() == [(4,)]


def test_only_the_tables_that_are_needed_are_made(run):
    write_signals(run, "nonsense\n")
    read.connect(run, tables=["records"])
    with pytest.warns(LogWarning, match="nonsense") as warned:
        read.connect(run, tables=["metrics", "signals", "media", "params"])
    assert len(warned) == 1


def test_a_run_of_signals_alone_can_be_asked(tmp_path):
    """S2-16."""
    from click.testing import CliRunner

    from l2logger.cli import cli

    run = write_log(tmp_path, [])
    write_signals(run, line("metrics", 1))
    sql = "SELECT name, value FROM metrics"
    result = CliRunner().invoke(cli, ["query", str(run), sql, "-f", "csv"], prog_name="l2logger")
    assert (result.exit_code, result.stdout) == (0, "name,value\nagent/loss,0.5\nagent/steps,3.0\n")


def test_a_connection_of_yours_joins_metrics_with_other_things(run):
    write_signals(run, line("metrics", 1))
    connection = duckdb.connect()
    connection.execute("CREATE TABLE labels AS SELECT 'agent/loss' AS name, 'Loss' AS label")
    read.metrics(run, connection=connection).create_view("m")
    assert connection.sql("SELECT label, value FROM m JOIN labels USING (name)").fetchall() == [("Loss", 0.5)]


def test_several_relations_on_one_connection_do_not_mix(tmp_path):
    connection = duckdb.connect()
    runs = [write_log(tmp_path / name) for name in "ab"]
    for value, each in enumerate(runs):
        write_signals(each, line(values={"a": value}))
    relations = [read.metrics(age(each), connection=connection) for each in runs]
    assert [of(each, "value") for each in relations] == [[(0.0,)], [(1.0,)]]


def test_the_log_is_as_it_was(run):
    """DESIGN, rule 4."""

    def log():
        summary = read.summary(run)._replace(signals=None)
        return read.records(run).fetchall(), read.regimes(run).fetchall(), summary, read.info(run), validate(run)

    before = log()
    write_signals(run, *map(line, CONTENTS))
    assert log() == before


# What is wrong ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(run):
    """A run with a torn signal in the middle and one at the end, junk, and a number that is none."""
    write_signals(run, line("metrics", 0), line("params", 1)[:60], line("metrics", 2), "junk\n")
    write_signals(run, line(values={"a": "many"}), line("metrics", 5), line("note", 6)[:-1])
    return run


def test_good_signals_of_a_damaged_file_are_read_all_the_same(damaged, way):
    """F-075, F-076, F-077."""
    found = read.metrics(way(damaged), on_bad_rows="skip")
    assert of(found.filter("name = 'agent/loss'"), "step") == [(0,), (2,), (5,)]
    assert of(read.signals(damaged, on_bad_rows="skip"), "step") == [(0,), (2,), (5,)]


def test_the_warning_tells_path_and_line(damaged, way):
    """F-075, F-076."""
    with pytest.warns(LogWarning) as warned:
        read.signals(way(damaged))
    [warning] = warned
    places = [each.strip().rpartition("signals/")[2][:60] for each in str(warning.message).splitlines()[1:]]
    assert [each.partition(": ")[0] for each in places] == [f"w0.jsonl:{number}" for number in (2, 3, 4, 6)]
    assert warning.filename == __file__


def test_raise_raises(damaged):
    with pytest.raises(LogFormatError, match=r"w0\.jsonl:2: a signal was not written to its end"):
        read.metrics(damaged, on_bad_rows="raise")


def test_another_word_for_on_bad_rows_is_an_error(run):
    with pytest.raises(RuntimeError, match="on_bad_rows must be"):
        read.metrics(run, on_bad_rows="explode")


def test_a_directory_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DirectoryError, match="no run directory"):
        read.signals(tmp_path / "none")


def test_a_file_that_cannot_be_opened_is_told(run):
    path = write_signals(run, line())
    write_signals(run, line("note", 3), worker_id="w1")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.warns(LogWarning, match="cannot be read"):
        assert of(read.signals(run), "kind") == [("note",)]


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "metrics", "timestamp": "20261121T120000.000002", "worker_id": "w0", "clock": "s", "step": 1, "values": {"a": 1,}}',
        '{"kind": "metrics", "timestamp": "20261121T120000.000002", "worker_id": "w0", "clock": "s", "step": 1, "values": {"a": NaN}}',
        '{"kind": "metrics", "timestamp": "20261121T120000.000002", "worker_id": "w0", "clock": "s", "step": 1, "values": {"a": inf}}',
        '{"kind": "metrics", "timestamp": "20261121T120000.000002", "worker_id": "w0", "clock": "s", "step": 1, "values": {"a": "7"}}',
        '{"kind": "metrics", "timestamp": "20261121T120000.000002", "worker_id": "w0", "clock": "s", "step": "1", "values": {"a": 1}}',
        '{"kind": "metrics", "timestamp": "20261121T120000.000002", "worker_id": "w0", "clock": "s", "step": 1.0, "values": {"a": 1}}',
        '{"kind": "metrics", "timestamp": "20261121T120000.000002", "worker_id": "w0", "clock": "s", "values": {"a": 1}}',
    ],
)
def test_what_only_looks_like_metrics_is_none(run, way, text):
    """Whatever DuckDB would make of it."""
    write_signals(run, *(line("metrics", number) for number in range(5)), text + "\n")
    with pytest.warns(LogWarning, match=r"w0\.jsonl:6: "):
        assert read.metrics(way(run)).aggregate("count(*)").fetchall() == [(10,)]


def test_a_line_that_is_not_utf_8_is_told(run, way):
    path = write_signals(run, line("metrics", 0))
    with path.open("ab") as file:
        file.write(line("metrics", 1, values={"a": 1}).encode().replace(b'"a"', b'"\xff"'))
    write_signals(run, line("metrics", 2))
    with pytest.warns(LogWarning, match=r"w0\.jsonl:2: "):
        assert of(read.metrics(way(run)).filter("name = 'agent/loss'"), "step") == [(0,), (2,)]


def test_a_line_that_is_too_long_is_told(run, way, monkeypatch):
    """F-086."""
    monkeypatch.setattr(signal_table, "MAX_LINE_BYTES", 1000)
    write_signals(run, line("metrics", 0), line("text", 1, text="x" * 5000), line("metrics", 2))
    with pytest.warns(LogWarning, match=r"w0\.jsonl:2: a line of more than"):
        assert of(read.signals(way(run)), "step") == [(0,), (2,)]


def test_a_line_that_is_longer_than_duckdb_takes_is_read(run, way):
    """F-086."""
    text = "x" * 10_000_000
    write_signals(run, line("metrics", 0), line("text", 1, text=text), line("metrics", 2))
    assert of(read.metrics(way(run)).filter("name = 'agent/loss'"), "step") == [(0,), (2,)]
    assert read.text(run, "plan") == text


PIECES = [line("metrics", 0), line("params", 1), line("note", 2), line("metrics", 3, context={"a": {"b": [1, "x"]}})]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return write_signals(write_log(tmp_path_factory.mktemp("logs"), []))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damage_never_makes_wrong_values(scratch, data):
    """Whatever is done to a file, each way to read it finds the same signals, which are those of a plain reader."""
    text = bytearray("".join(data.draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(text) - 1))
        what = data.draw(st.sampled_from(["flip", "cut", "newline", "insert"]))
        if what == "flip":
            text[place] ^= 1 << data.draw(st.integers(0, 7))
        elif what == "cut":
            del text[place : place + data.draw(st.integers(1, 40))]
        else:
            text[place:place] = (
                b"\n" if what == "newline" else data.draw(st.sampled_from([b"\0", b'"', b",", b"\r", b"\xff"]))
            )
        text = text or bytearray(b"\n")
    expected = []
    for each in bytes(text).split(b"\n")[:-1]:
        found = parse(each).signal
        if found is not None and found["kind"] == "metrics":
            expected.append(
                ((found["step"], found["worker_id"]), {str(k): repr(float(v)) for k, v in found["values"].items()})
            )
    scratch.write_bytes(text)
    run = scratch.parent.parent
    for is_old in (False, True):
        if is_old:
            age(run)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LogWarning)
            rows = of(read.signals(run).filter("kind = 'metrics'"), "step, worker_id, fields")
        found = [((step, worker), values_of(fields)) for step, worker, fields in rows]
        assert sorted(found, key=repr) == sorted(expected, key=repr)


def values_of(fields):
    words = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
    return {name: repr(float(words.get(value, value))) for name, value in json.loads(fields)["values"].items()}


# What is being written --------------------------------------------------------------------------------------------------


def test_what_is_appended_later_is_not_in_a_relation_of_before(run, monkeypatch):
    """F-088."""
    monkeypatch.setattr(signal_log, "_SMALL_BYTES", 0)
    write_signals(run, *(line("metrics", step) for step in range(5)))
    found = read.metrics(run).filter("name = 'agent/loss'")
    write_signals(run, line("metrics", 5), "junk\n", line("metrics", 6)[:50])
    assert of(found, "step") == [(step,) for step in range(5)]


def test_an_old_file_that_is_written_to_after_all_says_so(run):
    write_signals(run, *(line("metrics", step) for step in range(5)))
    found = read.metrics(age(run))
    write_signals(run, line("metrics", 5))
    with pytest.raises(duckdb.Error, match="have grown since they were opened; open them again"):
        found.fetchall()


def test_signals_are_read_while_they_are_written(make, monkeypatch):
    """F-088."""
    import threading

    monkeypatch.setattr(signal_log, "_SMALL_BYTES", 0)
    logger = make()
    logger.log_metrics(a=0.0)
    done = threading.Event()

    def write():
        for step in range(1, 3000):
            logger.log_metrics(a=float(step), b=1.0)
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        steps = [step for step, value in of(read.metrics(logger.scenario_dir).filter("name = 'a'"), "step, value")]
        assert steps == list(range(len(steps)))
    thread.join()
    assert read.metrics(logger.scenario_dir).filter("name = 'a'").aggregate("count(*)").fetchall() == [(3000,)]


# What the writer writes -------------------------------------------------------------------------------------------------

NAMES = st.text(st.characters(categories=["L", "N", "S", "P"], exclude_characters="/\\."), min_size=1, max_size=6)
NUMBERS = st.floats() | st.integers(-(2**63), 2**63 - 1)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(calls=st.lists(st.dictionaries(NAMES, NUMBERS, min_size=1, max_size=4), max_size=8))
def test_any_metrics_are_read_as_they_were_logged(tmp_path_factory, calls):
    """F-015, S4-3."""
    from l2logger import DataLogger

    with DataLogger(tmp_path_factory.mktemp("logs"), "run", {"metrics_columns": ["reward"]}) as logger:
        logged = []
        for values in calls:
            logger.log_metrics(values)
            step = len(logged)
            logged.append({(step, name): repr(float(value)) for name, value in values.items()})
    for is_old in (False, True):
        run = age(logger.scenario_dir) if is_old else logger.scenario_dir
        found = of(read.metrics(run), "step, name, value")
        assert {(step, name): repr(value) for step, name, value in found} == {
            k: v for each in logged for k, v in each.items()
        }


def test_what_the_writer_makes_is_read_in_place(make):
    """However the numbers are spelled, and whatever is bound."""
    logger = make()
    bound = logger.bind(
        block_num=1, block_type="train", task_name="Täsk_a", task_params={"a": {"b": [1, 2.5, None, True]}}
    )
    for step in range(200):
        logger.log_metrics({"a": 10.0 ** (step * 3 - 300), "b": float("nan"), "c": step, "ü": -(2**60)})
        bound.log_metrics(d=1e-7, e=float("-inf"))
        logger.advance("env steps", 3)
    logger.log_record(record())
    logger.close()
    connection = duckdb.connect()
    found = read.metrics(age(logger.scenario_dir), connection=connection)
    assert (found.aggregate("count(*)").fetchall(), copied_rows(connection)) == ([(1200,)], 0)


def test_a_plain_line_is_one_for_every_reader():
    """The expression matches nothing that Python's reader of JSON would refuse, on samples of both sorts."""
    good = [
        line(),
        line(step=None, clock=None),
        line(values={}),
        line(clocks={"a": -1}, context={"a": [1, {"b": "c"}]}),
    ]
    assert all(re.fullmatch(LINE, each.strip()) for each in good)
    changed = [
        each.strip().replace(old, new, 1)
        for each in good
        for old, new in (("}", ",}"), (": ", ":"), ('"', "'"), ("1", "01"))
    ]
    for each in changed:
        assert not re.fullmatch(LINE, each) or parse(each.encode()).signal is not None


# Size -------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux tells the peak of a process")
@pytest.mark.parametrize("damage", ["", "junk\n"])
def test_memory_stays_bounded(run, damage):
    """F-086: 400,000 metrics signals are opened and summed up within half a gigabyte, with and without damage."""
    path = write_signals(run)
    with path.open("w") as file:
        for start in range(0, 400_000, 10_000):
            lines = (
                f'{{"kind": "metrics", "timestamp": "20261121T12{step // 60_000:02}{step // 1000 % 60:02}.{step % 1000:06}", '
                f'"worker_id": "w0", "clock": "step", "step": {step}, '
                f'"values": {{"agent/loss": {step / 7}, "agent/steps": {step}}}}}\n'
                for step in range(start, start + 10_000)
            )
            file.write("".join(lines))
        file.write(damage)
    age(run)
    code = """
import sys
from l2logger import read
found = read.metrics(sys.argv[1], on_bad_rows="skip").aggregate("count(*), max(step), max(value)").fetchall()
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(*found[0], int(peak) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code, run], capture_output=True, text=True, timeout=300, check=True)
    count, step, value, megabytes = map(float, done.stdout.split())
    assert (count, step, value) == (800_000, 399_999, 399_999)
    print(megabytes)
    assert megabytes < 512
