"""The wide CSV file, as other programs read it."""

import csv
import math
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import kinds
import numpy as np
import pandas as pd
import pytest
import reading
from hypothesis import given
from hypothesis import strategies as st

from l2logger import ConfigError, LogLockedError, LogWarning
from l2logger.run import RunInfo
from l2logger.signals import Signal, freeze
from l2logger.sinks.csv import CsvSink

FIELDS = {
    "block_num": 0, "exp_num": 3, "worker_id": "worker-default", "block_type": "train", "block_subtype": "wake",
    "task_name": "Task_a", "task_params": '{"gravity": 9.8}', "exp_status": "complete",
    "timestamp": "20261121T143000.123456", "reward": 1.5,
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run").mkdir()
    return RunInfo(str(tmp_path / "run"), {"metrics_columns": ["reward"]}, {})


def record(**fields):
    return freeze("record", FIELDS | fields)


def write(sink, run, *signals):
    sink.open(run)
    for signal in signals:
        sink.write(signal)
    sink.close()


def path_of(run, name="records.csv"):
    return Path(run.scenario_dir, name)


def rows(path):
    """Return the rows of a file, as Python's own reader sees them."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_a_row_has_all_columns_of_the_record_in_their_order(run):
    write(CsvSink(), run, record(), record(exp_num=4, reward=-2))
    first, second = rows(path_of(run))
    assert first == {name: str(value) for name, value in FIELDS.items()}
    assert (second["exp_num"], second["reward"]) == ("4", "-2")
    assert path_of(run).read_bytes().count(b"\n") == 3


@pytest.mark.filterwarnings("ignore:.*a cell of the log holds one number or text")
def test_the_cells_of_a_run_are_those_of_its_log_in_the_same_order(make):
    """S3-8: the same text in every cell."""
    logger = make(sinks=[CsvSink()])
    values = [
        0.1,
        np.float32(0.1),
        math.nan,
        None,
        True,
        10**30,
        "a,b",
        'say "no"',
        "two\nlines",
        (1, "x"),
        np.zeros(2),
    ]
    for exp_num, value in enumerate(values):
        logger.log_record(reading.record(exp_num, value=value, task_params={"größe": [1, None]}))
    logger.close()
    found, logged = rows(Path(logger.scenario_dir, "records.csv")), reading.rows(logger.scenario_dir)
    assert found == logged
    assert list(found[0]) == list(logged[0])


@pytest.mark.parametrize(
    ("value", "cell"),
    [(None, ""), (math.nan, "nan"), (math.inf, "inf"), (True, "True"), (10**40, str(10**40)), (np.float32(0.1), "0.1"),
     ((1, 2), "(1, 2)"), ("", ""), ("half \ud800", "half ?")],
    ids=repr,
)  # fmt: skip
def test_a_cell_is_the_text_of_the_log(run, value, cell):
    write(CsvSink(), run, record(value=value))
    assert rows(path_of(run))[0]["value"] == cell


TEXTS = ["a,b", '"', "a\nb", "a\rb", "a\r\nb", " a ", "'", "日本語", "\t", ";", "=1+1", "#", "\\", "\ufeff"]


@pytest.mark.parametrize("text", TEXTS)
def test_quoting_survives_python_and_pandas_in_names_and_values(run, text):
    """S3-8."""
    write(CsvSink(), run, record(**{text: text, "after": 7}))
    (row,) = rows(path_of(run))
    assert (row[text], row["after"]) == (text, "7")
    frame = pd.read_csv(path_of(run), dtype=str, keep_default_na=False)
    assert (frame[text][0], frame["after"][0]) == (text, "7")


def test_quoting_survives_a_reader_that_guesses_the_dialect(run):
    """S3-8."""
    write(CsvSink(), run, *(record(text=text, after=7) for text in TEXTS))
    found = duckdb.execute("SELECT text, after FROM read_csv($path)", {"path": str(path_of(run))}).fetchall()
    assert found == [(text, 7) for text in TEXTS]


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.dictionaries(names, texts, min_size=1, max_size=4), min_size=1, max_size=3))
def test_any_text_comes_back(records):
    """S3-8: every record is in the last file that was begun before it, under its own columns."""
    with tempfile.TemporaryDirectory() as directory:
        write(CsvSink(), RunInfo(directory, {}, {}), *(Signal("record", fields) for fields in records))
        found = [row for path in sorted(Path(directory).iterdir()) for row in rows(path)]
    assert len(found) == len(records)
    for row in found:
        assert {name: text for name, text in row.items() if text} in [
            {name: text for name, text in fields.items() if text} for fields in records
        ]


def test_a_new_column_goes_on_in_a_further_file_and_nothing_is_rewritten(run):
    """S3-8."""
    sink = CsvSink()
    sink.open(run)
    sink.write(record(exp_num=0))
    before = path_of(run).read_bytes()
    sink.write(record(exp_num=1, loss=0.5))
    sink.write(record(exp_num=2))
    sink.close()
    assert path_of(run).read_bytes() == before
    assert [(row["exp_num"], row["loss"]) for row in rows(path_of(run, "records-2.csv"))] == [("1", "0.5"), ("2", "")]
    assert list(rows(path_of(run, "records-2.csv"))[0]) == [*FIELDS, "loss"]


def test_a_further_file_has_the_columns_of_the_one_before(run):
    write(CsvSink(), run, Signal("record", {"a": 1, "b": 2}), Signal("record", {"c": 3, "a": 4}))
    assert path_of(run, "records-2.csv").read_text() == "a,b,c\n4,,3\n"


def test_a_missing_column_is_left_empty(run):
    write(CsvSink(), run, record(loss=1), record())
    assert [row["loss"] for row in rows(path_of(run))] == ["1", ""]


def test_a_row_of_one_empty_cell_is_a_row(run):
    write(CsvSink(), run, Signal("record", {"a": None}), Signal("record", {"a": None}))
    assert rows(path_of(run)) == [{"a": ""}, {"a": ""}]


def test_a_file_with_the_columns_is_appended_to(run):
    for n in range(3):
        write(CsvSink(), run, record(exp_num=n))
    assert [row["exp_num"] for row in rows(path_of(run))] == ["0", "1", "2"]
    assert os.listdir(run.scenario_dir) == ["records.csv"]


def test_each_record_finds_the_file_with_its_columns_again(run):
    write(CsvSink(), run, record(exp_num=0), record(exp_num=1, loss=0.5))
    write(CsvSink(), run, record(exp_num=2, loss=0.5))
    write(CsvSink(), run, record(exp_num=3))
    assert [row["exp_num"] for row in rows(path_of(run))] == ["0", "3"]
    assert [row["exp_num"] for row in rows(path_of(run, "records-2.csv"))] == ["1", "2"]


def test_the_order_of_the_columns_is_that_of_the_file(run):
    write(CsvSink(), run, Signal("record", {"a": 1, "b": 2}))
    write(CsvSink(), run, Signal("record", {"b": 4, "a": 3}))
    assert path_of(run).read_text() == "a,b\n1,2\n3,4\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_file_that_a_spreadsheet_has_saved_is_appended_to(run, encoding, end):
    path_of(run).write_bytes(f"a,b{end}1,2{end}".encode(encoding))
    write(CsvSink(), run, Signal("record", {"a": 3, "b": 4}))
    frame = pd.read_csv(path_of(run))
    assert frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    assert os.listdir(run.scenario_dir) == ["records.csv"]


@pytest.mark.parametrize(
    "content",
    [b"some text", b"x\ty\n1\t2\n", b"a,a,b\n", b'"', b"\xff\xfe\0", b"\n", b"a" * 200_000 + b"\n"],
    ids=["text", "tsv", "twice", "quote", "binary", "empty line", "long"],
)
def test_a_file_of_something_else_is_left_as_it_is(run, content):
    """S3-8."""
    path_of(run).write_bytes(content)
    write(CsvSink(), run, Signal("record", {"a": 1, "b": 2}))
    assert path_of(run).read_bytes() == content
    assert path_of(run, "records-2.csv").read_text() == "a,b\n1,2\n"


def test_an_empty_file_is_begun(run):
    path_of(run).touch()
    write(CsvSink(), run, Signal("record", {"a": 1}))
    assert path_of(run).read_text() == "a\n1\n"


@pytest.mark.parametrize("torn", ["3,", '3,"a\n3,4\n'], ids=["short", "in quotes"])
def test_a_torn_last_row_is_kept_apart(run, torn):
    """F-059."""
    path_of(run).write_text("a,b\n1,2\n" + torn)
    with pytest.warns(LogWarning, match=r"records\.csv\.torn"):
        write(CsvSink(), run, Signal("record", {"a": 5, "b": 6}))
    assert path_of(run).read_text() == "a,b\n1,2\n5,6\n"
    assert path_of(run, "records.csv.torn").read_text() == torn + "\n"


def test_a_torn_header_is_written_again(run):
    path_of(run).write_text("a,")
    with pytest.warns(LogWarning, match="torn"):
        write(CsvSink(), run, Signal("record", {"a": 5, "b": 6}))
    assert path_of(run).read_text() == "a,b\n5,6\n"


def test_a_file_in_use_by_another_process_is_left_to_it(run):
    script = (
        "import sys\n"
        "from l2logger.run import RunInfo\nfrom l2logger.signals import Signal\nfrom l2logger.sinks.csv import CsvSink\n"
        "sink = CsvSink()\nsink.open(RunInfo(sys.argv[1], {}, {}))\nsink.write(Signal('record', {'a': 1}))\n"
        "print(flush=True)\nsys.stdin.read()\nsink.write(Signal('record', {'a': 2}))\n"
    )
    command = [sys.executable, "-c", script, run.scenario_dir]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        write(CsvSink(), run, Signal("record", {"a": 3}))
    assert path_of(run).read_text() == "a\n1\n2\n"
    assert path_of(run, "records-2.csv").read_text() == "a\n3\n"


def test_a_replay_from_the_beginning_begins_with_new_files(run):
    old = [Signal("record", {"a": 1}), Signal("record", {"b": 2})]
    for _ in range(2):
        sink = CsvSink()
        sink.fresh = True
        write(sink, run, *old)
    write(sink, run, Signal("record", {"a": 3}))
    assert path_of(run).read_text() == "a\n1\n3\n"
    assert path_of(run, "records.csv.superseded").read_text() == "a\n1\n"
    assert path_of(run, "records-2.csv.superseded").read_text() == "a,b\n,2\n"
    sink.fresh = True
    write(sink, run)
    assert os.listdir(run.scenario_dir).count("records.csv.superseded-2") == 1


def test_a_file_that_is_being_written_is_not_superseded(run):
    live, again = CsvSink(), CsvSink()
    live.open(run)
    live.write(record())
    again.fresh = True
    with pytest.raises(LogLockedError, match="being written by the mirror of a run that goes on; give another path"):
        again.open(run)
    live.close()
    assert os.listdir(run.scenario_dir) == ["records.csv"]


def test_a_row_is_there_when_write_returns(run):
    sink = CsvSink()
    sink.open(run)
    for count in range(2, 5):
        sink.write(record())
        assert path_of(run).read_bytes().count(b"\n") == count
    sink.close()


def test_after_a_full_disk_the_file_goes_on_with_whole_rows(run, monkeypatch):
    real = os.write
    full = iter([False, True])

    def write_some(fd, data):
        if next(full):
            raise OSError(28, "No space left on device")
        return real(fd, data[:5])

    sink = CsvSink()
    sink.open(run)
    sink.write(record(exp_num=0))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_some)
        with pytest.raises(OSError, match="No space left"):
            sink.write(record(exp_num=1))
    sink.write(record(exp_num=2))
    sink.close()
    assert [row["exp_num"] for row in rows(path_of(run))] == ["0", "2"]


def test_a_value_without_a_text_leaves_no_trace(run):
    class Mute:
        def __str__(self):
            raise RuntimeError("mute")

    sink = CsvSink()
    sink.open(run)
    with pytest.raises(RuntimeError, match="mute"):
        sink.write(Signal("record", {"a": Mute()}))
    sink.write(Signal("record", {"a": 1}))
    sink.close()
    assert path_of(run).read_text() == "a\n1\n"


# Metrics beside the records.


def metrics_path(run, name="metrics.csv"):
    return path_of(run, name)


def test_a_run_without_metrics_has_no_file_for_them(run):
    write(CsvSink(), run, record())
    assert os.listdir(run.scenario_dir) == ["records.csv"]


def test_a_step_of_metrics_is_a_row(run):
    """S2-1, S3-8."""
    signals = [kinds.metrics(3, loss=0.5, acc=1), kinds.metrics(3, acc=2), kinds.metrics(4, loss=0.1)]
    write(CsvSink(), run, *signals)
    assert metrics_path(run).read_text() == (
        "worker_id,clock,step,timestamp,loss,acc\n"
        "w,step,3,20261121T143000.000000,0.5,2\n"
        "w,step,4,20261121T143000.000000,0.1,\n"
    )
    assert os.listdir(run.scenario_dir) == ["metrics.csv"]


def test_metrics_without_a_step_are_rows_at_once(run):
    """S2-3."""
    sink = CsvSink()
    sink.open(run)
    sink.write(kinds.metrics(None, clock=None, loss=0.5))
    assert [(row["clock"], row["step"], row["loss"]) for row in rows(metrics_path(run))] == [("", "", "0.5")]
    sink.close()


def test_flush_writes_the_step_that_was_begun(run):
    """S2-2: once."""
    sink = CsvSink()
    sink.open(run)
    sink.write(kinds.metrics(3, loss=0.5))
    assert not metrics_path(run).exists()
    sink.flush()
    sink.flush()
    assert len(rows(metrics_path(run))) == 1
    sink.write(kinds.metrics(3, acc=1))
    sink.close()
    assert [(row["step"], row["loss"], row.get("acc")) for row in rows(metrics_path(run, "metrics-2.csv"))] == [
        ("3", "", "1")
    ]


def test_steps_of_workers_and_clocks_are_rows_of_their_own(run):
    """S3-6."""
    signals = [kinds.metrics(1, a=1), kinds.metrics(1, worker_id="v", a=2), kinds.metrics(1, clock="epoch", a=3)]
    write(CsvSink(), run, *signals)
    found = [(row["worker_id"], row["clock"], row["a"]) for row in rows(metrics_path(run))]
    assert found == [("w", "step", "1"), ("v", "step", "2"), ("w", "epoch", "3")]


def test_a_new_metric_goes_on_in_a_further_file_and_nothing_is_rewritten(run):
    """S3-8."""
    sink = CsvSink()
    sink.open(run)
    sink.write(kinds.metrics(0, loss=1))
    sink.write(kinds.metrics(1, loss=2))
    before = metrics_path(run).read_bytes()
    sink.write(kinds.metrics(2, acc=3))
    sink.write(kinds.metrics(3, loss=4))
    sink.close()
    assert metrics_path(run).read_bytes().startswith(before)
    assert [row["loss"] for row in rows(metrics_path(run))] == ["1", "2"]
    further = rows(metrics_path(run, "metrics-2.csv"))
    assert [(row["step"], row["loss"], row["acc"]) for row in further] == [("2", "", "3"), ("3", "4", "")]
    assert list(further[0]) == ["worker_id", "clock", "step", "timestamp", "loss", "acc"]


@pytest.mark.parametrize("text", TEXTS)
def test_quoting_survives_in_names_of_metrics(run, text):
    """S3-8."""
    write(CsvSink(), run, kinds.metrics(1, **{text: 0.5, "after": 7}))
    frame = pd.read_csv(metrics_path(run), dtype=str)
    assert (frame[text][0], frame["after"][0]) == ("0.5", "7")


def test_numbers_of_metrics_come_back(run):
    """S3-8."""
    values = {"a": 0.1, "b": 10**30, "c": math.inf, "d": -math.inf, "e": 5e-324, "f": -(2**63)}
    write(CsvSink(), run, kinds.metrics(-(2**63), **values, g=math.nan))
    (row,) = rows(metrics_path(run))
    assert {name: type(value)(row[name]) for name, value in values.items()} == values
    assert (row["step"], row["g"]) == (str(-(2**63)), "nan")


def test_a_metric_that_is_called_like_a_column_has_a_column_of_its_own(run):
    values = {"step": 5, "step_": 6, "clock": 7, "worker_id": 8, "timestamp": 9, "steps": 10}
    write(CsvSink(), run, kinds.of_kind("metrics", 1, values=values))
    (row,) = rows(metrics_path(run))
    assert (row["step"], row["clock"], row["worker_id"]) == ("1", "step", "w")
    assert list(row)[4:] == ["step_", "step__", "clock_", "worker_id_", "timestamp_", "steps"]
    assert [row[name] for name in list(row)[4:]] == ["5", "6", "7", "8", "9", "10"]


def test_metrics_are_appended_to_what_is_there(run):
    for n in range(3):
        write(CsvSink(), run, kinds.metrics(n, loss=n))
    assert [row["step"] for row in rows(metrics_path(run))] == ["0", "1", "2"]


def test_metrics_go_beside_a_path_that_is_given(run, tmp_path):
    sink = CsvSink(tmp_path / "out" / "run.csv")
    write(sink, run, record(), kinds.metrics(0, loss=1), kinds.metrics(1, acc=1))
    assert sorted(os.listdir(tmp_path / "out")) == ["run-metrics-2.csv", "run-metrics.csv", "run.csv"]


def test_a_replay_from_the_beginning_begins_with_new_files_for_metrics_too(run):
    for n in range(2):
        sink = CsvSink()
        sink.fresh = True
        write(sink, run, record(), kinds.metrics(n, loss=n), kinds.metrics(n + 1, acc=n))
    assert [row["step"] for row in rows(metrics_path(run))] == ["1"]
    assert [row["step"] for row in rows(metrics_path(run, "metrics.csv.superseded"))] == ["0"]
    assert sorted(os.listdir(run.scenario_dir)) == [
        "metrics-2.csv", "metrics-2.csv.superseded", "metrics.csv", "metrics.csv.superseded", "records.csv",
        "records.csv.superseded",
    ]  # fmt: skip


def test_a_step_that_a_full_disk_refuses_is_written_later(run, monkeypatch):
    def refuse(fd, data):
        raise OSError(28, "No space left on device")

    sink = CsvSink()
    sink.open(run)
    sink.write(kinds.metrics(0, loss=0))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        for _ in range(2):  # a replay tries again
            with pytest.raises(OSError, match="No space left"):
                sink.write(kinds.metrics(1, loss=1))
        with pytest.raises(OSError, match="No space left"):
            sink.close()
    sink.open(run)
    sink.write(kinds.metrics(2, loss=2))
    sink.close()
    assert [row["step"] for row in rows(metrics_path(run))] == ["0", "1", "2"]


def test_a_sink_that_was_never_opened_closes():
    CsvSink().close()


# Spreadsheets.


def test_a_text_that_a_spreadsheet_takes_for_a_formula_is_left_as_it_is(run):
    write(CsvSink(), run, record(text="=cmd|' /C calc'!A0"))
    assert rows(path_of(run))[0]["text"] == "=cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1-1", "@SUM(1)", "\t=1", "\r=1", "\n=1"])
def test_a_text_that_a_spreadsheet_takes_for_a_formula_is_kept_from_it_on_demand(run, text):
    """F-154."""
    sink = CsvSink(spreadsheet_safe=True)
    write(sink, run, record(**{text: text}))
    write(sink, run, record(**{text: text}))
    assert [row[f"'{text}"] for row in rows(path_of(run))] == [f"'{text}"] * 2


def test_the_name_of_a_metric_is_kept_from_a_spreadsheet_on_demand(run):
    """F-154."""
    write(CsvSink(spreadsheet_safe=True), run, kinds.metrics(-5, **{"=1+1": -1.5}))
    (row,) = rows(metrics_path(run))
    assert (row["'=1+1"], row["step"]) == ("-1.5", "-5")


def test_a_number_is_no_formula(run):
    """F-154."""
    values = {"a": -1.5, "b": "-1.5", "c": -math.inf, "d": "+2", "e": -(10**40)}
    write(CsvSink(spreadsheet_safe=True), run, record(**values))
    assert {name: rows(path_of(run))[0][name] for name in values} == {name: str(v) for name, v in values.items()}


def test_a_path_is_where_the_files_are_made(run, tmp_path):
    write(CsvSink(tmp_path / "new" / "all.csv"), run, record(), record(loss=1))
    assert sorted(os.listdir(tmp_path / "new")) == ["all-2.csv", "all.csv"]


@pytest.mark.parametrize(
    "options", [{"path": ""}, {"path": 3}, {"path": "data-log.tsv"}, {"spreadsheet_safe": "no"}], ids=str
)
def test_what_the_sink_cannot_use_is_refused_at_once(options):
    with pytest.raises(ConfigError, match="must be|choose another"):
        CsvSink(**options)


def test_a_directory_in_the_place_of_the_file_is_an_error(run):
    path_of(run).mkdir()
    sink = CsvSink()
    sink.open(run)
    with pytest.raises(OSError, match="directory"):
        sink.write(record())
    sink.close()


def test_a_sink_is_pickled_before_it_is_opened(tmp_path):
    sink = pickle.loads(pickle.dumps(CsvSink(tmp_path / "x.csv", spreadsheet_safe=True)))
    assert sink.options() == {"path": str(tmp_path / "x.csv"), "spreadsheet_safe": True}
    assert (CsvSink().name, CsvSink().options()) == ("csv", {})
