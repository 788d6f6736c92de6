"""JSON lines, as other programs read them."""

import enum
import json
import math
import os
import pickle
import signal as signals_of_the_system
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import kinds
import numpy as np
import pandas as pd
import pytest
import reading
from hypothesis import given
from hypothesis import strategies as st

from l2logger import ConfigError, LogLockedError, LogWarning, SinkWarning
from l2logger.run import RunInfo
from l2logger.signals import KINDS, Signal, freeze
from l2logger.sinks.jsonl import JsonlSink, line

FIELDS = {
    "block_num": 0, "exp_num": 3, "worker_id": "worker-default", "block_type": "train", "block_subtype": "wake",
    "task_name": "Task_a", "task_params": '{"gravity": 9.8}', "exp_status": "complete",
    "timestamp": "20261121T143000.123456", "reward": 1.5,
}  # fmt: skip


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def read(data: bytes) -> dict:
    """Return what a strict reader sees of one line."""
    text = data.decode()
    assert text.endswith("\n")
    assert len(text.splitlines()) == 1
    return json.loads(text, parse_constant=refuse)


def written(**fields):
    return read(line(Signal("record", fields)))


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


def test_a_line_is_the_kind_and_the_fields_in_their_order(run):
    write(JsonlSink(), run, record())
    (row,) = map(json.loads, Path(run.scenario_dir, "mirror.jsonl").read_text().splitlines())
    assert row == {"kind": "record"} | FIELDS | {"task_params": {"gravity": 9.8}}
    assert list(row) == ["kind", *FIELDS]


def test_other_kinds_of_signal_are_lines_like_any_other():
    assert read(line(Signal("note", {"text": "hello", "exp_num": 1}))) == {
        "kind": "note",
        "text": "hello",
        "exp_num": 1,
    }


def test_all_kinds_are_lines(run):
    """S3-8: their fields come back as they were."""

    def thawed(value):
        if hasattr(value, "items"):
            return {name: thawed(item) for name, item in value.items()}
        return [thawed(item) for item in value] if isinstance(value, tuple) else value

    signals = [each for each in kinds.one_of_each() if each.kind != "record"]
    write(JsonlSink(), run, *signals)
    assert {each.kind for each in signals} | {"record"} == JsonlSink.kinds == KINDS
    found = [read(each) for each in Path(run.scenario_dir, "mirror.jsonl").read_bytes().splitlines(keepends=True)]
    assert found == [{"kind": each.kind, **thawed(each.fields)} for each in signals]


def test_metrics_that_are_not_finite_are_null():
    """S3-8."""
    row = read(line(kinds.metrics(3, a=math.nan, b=math.inf, c=0.1, d=2**70)))
    assert row["values"] == {"a": None, "b": None, "c": 0.1, "d": 2**70}


def test_task_params_of_other_kinds_are_not_touched():
    assert read(line(Signal("note", {"task_params": "{}"}))) == {"kind": "note", "task_params": "{}"}


def test_a_field_called_kind_makes_way():
    assert written(kind=1, kind_=2, kinds=3) == {"kind": "record", "kind_": 1, "kind__": 2, "kinds": 3}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        (None, None),
        (True, True),
        (10**40, 10**40),
        (np.float64(0.5), 0.5),
        (np.float64("nan"), None),
        (np.float32(0.1), 0.1),
        (np.float32("inf"), None),
        (np.int64(7), 7),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.array([1, 2]), [1, 2]),
        (np.array([[0.5, np.nan]]), [[0.5, None]]),
        (np.array(0.5), 0.5),
        (np.array([object]), ["<class 'object'>"]),
        ((1, (2, math.nan)), [1, [2, None]]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (MappingProxyType({"a": MappingProxyType({"b": math.inf})}), {"a": {"b": None}}),
        ({(1, 2): 3, 4: 5}, {"(1, 2)": 3, "4": 5}),
        (b"raw", "b'raw'"),
        (1 + 2j, "(1+2j)"),
        (Path("a/b"), "a/b"),
        (enum.IntEnum("Level", "LOW")(1), 1),
        ("half a pair \ud800", "half a pair ?"),
        ({"\udfff": ["\ud800"]}, {"?": ["?"]}),
    ],
    ids=repr,
)
def test_values_become_what_json_has_for_them(value, expected):
    """S3-8."""
    assert written(value=value)["value"] == expected


def test_values_without_a_text_are_named_by_their_type():
    class Mute:
        def __str__(self):
            raise RuntimeError

    assert written(value=Mute(), huge=10**5000, fine=1) == {
        "kind": "record",
        "value": "<Mute>",
        "huge": "<int>",
        "fine": 1,
    }


def test_a_circle_or_an_abyss_is_its_text():
    circle = []
    circle.append(circle)
    assert written(value=circle)["value"] == "[[...]]"
    abyss = []
    for _ in range(100_000):
        abyss = [abyss]
    assert isinstance(written(value=abyss)["value"], str)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ('{"g": NaN, "h": [Infinity, 1e400]}', {"g": None, "h": [None, None]}),
        ("{}", {}),
        ("", ""),
        ("{'g': 1}", "{'g': 1}"),
        ("[" * 100_000, "[" * 100_000),
        ('{"\\ud800": 1}', {"?": 1}),
    ],
    ids=["nan", "empty", "nothing", "not JSON", "abyss", "surrogate"],
)
def test_task_params_are_an_object_where_they_are_json(params, expected):
    assert written(task_params=params)["task_params"] == expected


@pytest.mark.parametrize("text", ["a\nb", "a\u2028b", "a\x85b", "\x9b31m", "\r", "日本語", "🦆", '"\\', "\0", "\ufeff"])
def test_a_text_comes_back_and_stays_on_its_line(text):
    """S3-8, F-121: nor does a terminal that shows the file obey it."""
    assert written(**{text: text}) == {"kind": "record", text: text}
    assert not set(line(Signal("record", {"value": text})).decode()[:-1]) & set("\n\r\x1b\x85\x9b\u2028")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_what_json_has_comes_back_the_same(fields):
    """S3-8."""
    back = read(line(freeze("signal", fields)))
    assert back.pop("kind") == "signal"
    assert {name.removesuffix("_") if name.startswith("kind_") else name: value for name, value in back.items()} == {
        name.removesuffix("_") if name.startswith("kind_") else name: value for name, value in fields.items()
    }


def test_pandas_reads_the_file(run):
    write(JsonlSink(), run, *(record(exp_num=n, reward=n / 2, text="ä,\n") for n in range(3)))
    frame = pd.read_json(os.path.join(run.scenario_dir, "mirror.jsonl"), lines=True)
    assert frame["reward"].tolist() == [0.0, 0.5, 1.0]
    assert frame["text"].tolist() == ["ä,\n"] * 3


def test_the_lines_of_a_run_are_the_records_of_its_log(make):
    logger = make(sinks=[JsonlSink()])
    for exp_num, value in enumerate([0.1, np.float32(0.1), 10**30, -2, "text"]):
        logger.log_record(reading.record(exp_num, value=value))
    logger.close()
    lines = [json.loads(each) for each in Path(logger.scenario_dir, "mirror.jsonl").read_text().splitlines()]
    for row, logged in zip(lines, reading.rows(logger.scenario_dir), strict=True):
        assert row.pop("kind") == "record"
        assert row.pop("task_params") == json.loads(logged.pop("task_params"))
        assert {name: str(value) for name, value in row.items()} == logged


def test_a_line_is_there_when_write_returns(run):
    sink = JsonlSink()
    sink.open(run)
    for count in range(1, 4):
        sink.write(record())
        assert Path(run.scenario_dir, "mirror.jsonl").read_bytes().count(b"\n") == count
    sink.close()


def test_a_file_is_appended_to(run):
    for n in range(3):
        write(JsonlSink(), run, record(exp_num=n))
    lines = Path(run.scenario_dir, "mirror.jsonl").read_text().splitlines()
    assert [json.loads(each)["exp_num"] for each in lines] == [0, 1, 2]


def test_the_same_sink_opens_again_after_close(run):
    sink = JsonlSink()
    write(sink, run, record())
    write(sink, run, record())
    assert Path(run.scenario_dir, "mirror.jsonl").read_bytes().count(b"\n") == 2


def test_a_replay_from_the_beginning_begins_a_new_file(run):
    write(JsonlSink(), run, record(exp_num=0))
    sink = JsonlSink()
    sink.fresh = True
    write(sink, run, record(exp_num=1))
    write(sink, run, record(exp_num=2))
    path = Path(run.scenario_dir, "mirror.jsonl")
    assert [json.loads(each)["exp_num"] for each in path.read_text().splitlines()] == [1, 2]
    assert Path(f"{path}.superseded").read_bytes() == line(record(exp_num=0))


def test_a_file_that_is_being_written_is_not_superseded(run):
    live, again = JsonlSink(), JsonlSink()
    live.open(run)
    again.fresh = True
    with pytest.raises(LogLockedError, match="being written by the mirror of a run that goes on; give another path"):
        again.open(run)
    live.close()
    again.open(run)
    again.close()


@pytest.mark.parametrize("whole", [b"", b'{"kind": "record"}\n'], ids=["no line", "a line"])
@pytest.mark.parametrize("torn", [b'{"kind": "rec', b'{"text": "' + b"x" * 200_000], ids=["short", "long"])
def test_a_torn_last_line_is_kept_apart(run, whole, torn):
    """F-059."""
    path = Path(run.scenario_dir, "mirror.jsonl")
    path.write_bytes(whole + torn)
    with pytest.warns(LogWarning, match=r"mirror\.jsonl\.torn"):
        write(JsonlSink(), run, record())
    assert path.read_bytes() == whole + line(record())
    assert Path(f"{path}.torn").read_bytes() == torn + b"\n"


def test_nothing_is_lost_to_a_kill(run):
    """F-059: all that was written is there."""
    script = (
        "import os, signal, sys\n"
        "from l2logger.run import RunInfo\nfrom l2logger.signals import Signal\nfrom l2logger.sinks.jsonl import JsonlSink\n"
        "sink = JsonlSink()\nsink.open(RunInfo(sys.argv[1], {}, {}))\n"
        "for n in range(100): sink.write(Signal('record', {'exp_num': n}))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, run.scenario_dir])
    assert killed.returncode == -signals_of_the_system.SIGKILL
    lines = Path(run.scenario_dir, "mirror.jsonl").read_text().splitlines()
    assert [json.loads(each)["exp_num"] for each in lines] == list(range(100))


def test_several_processes_write_whole_lines_to_one_file(run):
    script = (
        "import sys\n"
        "from l2logger.run import RunInfo\nfrom l2logger.signals import Signal\nfrom l2logger.sinks.jsonl import JsonlSink\n"
        "sink = JsonlSink()\nsink.open(RunInfo(sys.argv[1], {}, {}))\n"
        "for n in range(500): sink.write(Signal('record', {'worker': sys.argv[2], 'n': n, 'text': 'x' * 5000}))\n"
    )
    workers = [subprocess.Popen([sys.executable, "-c", script, run.scenario_dir, str(n)]) for n in range(3)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    rows = [json.loads(each) for each in Path(run.scenario_dir, "mirror.jsonl").read_text().splitlines()]
    assert sorted((row["worker"], row["n"]) for row in rows) == [(str(w), n) for w in range(3) for n in range(500)]


def test_a_short_write_is_completed(run, monkeypatch):
    real = os.write
    sink = JsonlSink()
    sink.open(run)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[:7]))
        sink.write(record())
    sink.close()
    assert Path(run.scenario_dir, "mirror.jsonl").read_bytes() == line(record())


def test_after_a_full_disk_the_file_goes_on_with_whole_lines(run, monkeypatch):
    """F-059."""
    real = os.write
    full = iter([False, True])

    def write_some(fd, data):
        if next(full):
            raise OSError(28, "No space left on device")
        return real(fd, data[:20])

    sink = JsonlSink()
    sink.open(run)
    sink.write(record(exp_num=0))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_some)
        with pytest.raises(OSError, match="No space left"):
            sink.write(record(exp_num=1))
    sink.write(record(exp_num=2))
    sink.close()
    lines = Path(run.scenario_dir, "mirror.jsonl").read_text().splitlines()
    assert [json.loads(each)["exp_num"] for each in lines] == [0, 2]


def test_a_file_that_was_deleted_is_made_anew(run):
    path = Path(run.scenario_dir, "mirror.jsonl")
    sink = JsonlSink()
    sink.open(run)
    sink.write(record(exp_num=0))
    path.unlink()
    with pytest.warns(SinkWarning, match=r"mirror\.jsonl was deleted or replaced"):
        sink.write(record(exp_num=1))
    sink.write(record(exp_num=2))
    sink.close()
    assert path.read_bytes() == line(record(exp_num=1)) + line(record(exp_num=2))


def test_a_path_is_where_the_file_is_made_with_its_directory(run, tmp_path):
    sink = JsonlSink(tmp_path / "a" / "b.jsonl")
    write(sink, run, record())
    assert (tmp_path / "a" / "b.jsonl").read_bytes() == line(record())
    assert os.listdir(run.scenario_dir) == []


def test_a_path_means_the_directory_of_the_time_when_it_was_given(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sink = JsonlSink("out.jsonl")
    monkeypatch.chdir(run.scenario_dir)
    write(sink, run, record())
    assert (tmp_path / "out.jsonl").exists()
    assert sink.options() == {"path": str(tmp_path / "out.jsonl")}


def test_a_link_in_a_run_directory_is_not_followed_but_one_that_was_given_is(run, tmp_path):
    target = tmp_path / "target"
    target.touch()
    os.symlink(target, os.path.join(run.scenario_dir, "mirror.jsonl"))
    with pytest.raises(OSError, match="symbolic"):
        JsonlSink().open(run)
    os.symlink(target, tmp_path / "link")
    write(JsonlSink(tmp_path / "link"), run, record())
    assert target.read_bytes() == line(record())


@pytest.mark.parametrize(
    "path", ["", ".", "a/..", "dir/", 7, b"x", "a\0b", "x/data-log.tsv", "logger_info.json", "run.json"]
)
def test_what_is_no_path_of_a_file_is_refused_at_once(path):
    with pytest.raises(ConfigError, match="path"):
        JsonlSink(path)


def test_what_is_no_regular_file_is_refused(run, tmp_path):
    """F-112."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        JsonlSink(tmp_path / "pipe").open(run)
    (tmp_path / "dir").mkdir()
    with pytest.raises(OSError, match="directory"):
        JsonlSink(tmp_path / "dir").open(run)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"exists|directory"):
        JsonlSink(tmp_path / "file" / "x.jsonl").open(run)


def test_a_sink_that_could_not_be_opened_closes(run, tmp_path):
    sink = JsonlSink(tmp_path)
    with pytest.raises(OSError, match="directory"):
        sink.open(run)
    sink.close()
    sink.close()


def test_a_sink_is_pickled_before_it_is_opened(tmp_path):
    sink = pickle.loads(pickle.dumps(JsonlSink(tmp_path / "x.jsonl")))
    assert sink.options() == {"path": str(tmp_path / "x.jsonl")}
    assert (JsonlSink().name, JsonlSink().options()) == ("jsonl", {})
