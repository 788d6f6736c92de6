"""The console sink: what is seen on terminals, in pipes and in files, whatever state they are in."""

import io
import os
import pickle
import pty
import re
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from reading import rows
from rich.cells import cell_len
from showing import RUN, fields, signal
from terminal import on_a_terminal, picture

from l2logger import ConfigError
from l2logger.signals import freeze
from l2logger.sinks.console import ConsoleSink
from l2logger.sinks.console import screen as screen_module
from l2logger.sinks.console.live import Tally
from l2logger.sinks.console.live_table import table
from l2logger.sinks.console.looks import Look


@pytest.fixture(autouse=True)
def no_wishes(monkeypatch):
    """Nobody asks for colors or a width."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


class Clock:
    """Tell the time that it is set to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(*records, run=RUN, **options) -> str:
    """Return what the sink writes for some records."""
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, **options)
    sink.open(run)
    for each in records:
        sink.write(freeze("record", each))
    sink.close()
    return stream.getvalue()


def numbers(text: str) -> list[int]:
    """Return the experiences of which there is a line."""
    return [int(line.split()[2]) for line in text.splitlines() if line.split()[2:3] not in ([], ["exp_num"])]


# Arguments.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": "table"}, "unknown style 'table'; known are frame, line, live"),
        ({"every": 0}, 'every must be a whole number of records.*or "500ms", .*got 0'),
        ({"every": True}, "got True"),
        ({"every": "10"}, "got '10'"),
        ({"every": "2 days"}, "got '2 days'"),
        ({"every": -1.5}, "got -1.5"),
        ({"every": float("nan")}, "got nan"),
        ({"every": float("inf")}, "got inf"),
        ({"formats": {"x": "percnt"}}, "unknown format 'percnt' of 'x'; known are percent, ms, sec, .*functions"),
        ({"formats": {"x": "{:.5q}"}}, "unknown format '{:.5q}'"),
        ({"formats": {"x": "{y}"}}, "unknown format '{y}'"),
        ({"formats": {"x": 5}}, "unknown format 5"),
        ({"formats": ["x"]}, r"formats must map names of columns to formats, got \['x'\]"),
        ({"colors": {"x": "yelow"}}, "unknown color 'yelow' of 'x'; known are black, red, .*#rrggbb"),
        ({"colors": {"x": "#12345"}}, "unknown color '#12345'"),
        ({"colors": {1: "red"}}, "colors must map names"),
        ({"only": 1}, "only must be names of columns, got 1"),
        ({"silent": [1]}, r"silent must be names of columns, got \[1\]"),
        ({"total": 0}, "total must be a whole number of at least 1, got 0"),
        ({"window": 1.5}, "window must be a whole number of at least 1, got 1.5"),
        ({"stream": "stdin"}, "stream must be 'stdout' or 'stderr' or an open text file, got 'stdin'"),
        ({"stream": 1}, "got 1"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_told_at_once(options, message):
    """S2-6: an unknown color or format among them."""
    with pytest.raises(ConfigError, match=message):
        ConsoleSink(**options)


def test_the_options_make_such_a_sink_again():
    options = {
        "every": "2s",
        "style": "line",
        "only": ["loss", "grad/*"],
        "silent": ["block"],
        "formats": {"loss": "{:.5f}"},
        "colors": {"loss": "red"},
        "total": 10,
        "window": 5,
        "params": False,
        "stream": "stderr",
    }
    assert ConsoleSink(**options).options() == options
    assert ConsoleSink().options() == {}
    assert ConsoleSink(formats={"x": str, "y": "ms"}, stream=io.StringIO()).options() == {"formats": {"y": "ms"}}


def test_a_sink_can_be_sent_to_another_process():
    sink = ConsoleSink(every=2, formats={"x": "percent", "y": "{:.3f}"}, colors={"x": "red"}, only="*", silent="y")
    assert pickle.loads(pickle.dumps(sink)).options() == sink.options()


def test_rich_is_loaded_by_those_who_use_it():
    script = (
        "import sys, l2logger.sinks.console as c; c.ConsoleSink(colors={'x': 'red'}); sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# Frames.


def test_a_record_is_shown_in_a_frame():
    """S2-4."""
    assert shown(fields(7000, episode_reward=-120.5), style="frame", silent="reward") == (
        "╒════════════════════╤════════════════════╕\n"
        "│      exp num       │        7000        │\n"
        "├────────────────────┼────────────────────┤\n"
        "│       block        │      0-train       │\n"
        "├────────────────────┼────────────────────┤\n"
        "│     task name      │       Task_a       │\n"
        "├────────────────────┼────────────────────┤\n"
        "│   episode reward   │       -120.5       │\n"
        "╘════════════════════╧════════════════════╛\n"
    )


def test_a_frame_names_the_worker_if_there_are_several():
    text = shown(fields(0), fields(1, worker_id="v"), style="frame", every=1)
    assert text.count("worker id") == 1
    assert "│     worker id      │         v          │" in text


@pytest.mark.parametrize("style", ["frame", "line"])
def test_nothing_visible_is_nothing_written(style):
    """S2-4."""
    silent = ["exp_num", "block_num", "task_name", "reward"]
    assert shown(fields(0), fields(1), style=style, every=1, silent=silent) == ""


# Lines.


def test_records_are_shown_in_aligned_lines_with_a_header_for_each_block():
    text = shown(
        fields(0, loss=0.5, steps=200),
        fields(1, loss=1 / 3, steps=7),
        fields(12345, loss=1e-9, steps=12, block_num=1, block_type="test", task_name="日本_a"),
        fields(12346, loss=None, steps=12, block_num=1, block_type="test", block_subtype="sleep", task_name="日本_a"),
        style="line",
        every=1,
    )
    assert text == (
        "block    task_name     exp_num    reward      loss     steps\n"
        "0-train  Task_a              0     1.000    0.5000       200\n"
        "0-train  Task_a              1     1.000    0.3333         7\n"
        "\n"
        "block    task_name     exp_num    reward      loss     steps\n"
        "1-test   日本_a          12345     1.000     1e-09        12\n"
        "\n"
        "block         task_name     exp_num    reward      loss     steps\n"
        "1-test-sleep  日本_a          12346     1.000      None        12\n"
    )


def test_lines_name_the_worker_once_there_are_several_and_head_each_block_once():
    records = [fields(n, worker_id=w, block_num=n % 2) for n, w in enumerate("ababab")]
    assert shown(*records, style="line", every=1) == (
        "block    task_name     exp_num    reward\n"
        "0-train  Task_a              0     1.000\n"
        "\n"
        "block    task_name     worker_id  exp_num    reward\n"
        "1-train  Task_a        b                1     1.000\n"
        "0-train  Task_a        a                2     1.000\n"
        "1-train  Task_a        b                3     1.000\n"
        "0-train  Task_a        a                4     1.000\n"
        "1-train  Task_a        b                5     1.000\n"
    )


def test_a_new_metric_gets_a_column():
    text = shown(fields(0), fields(1, loss=2.0), fields(2), style="line", every=1)
    assert text.splitlines()[-2:] == [
        "0-train  Task_a              1     1.000     2.000",
        "0-train  Task_a              2     1.000          ",
    ]


@pytest.mark.parametrize("width", [1, 5, 20, 80])
def test_nothing_is_wider_than_the_terminal(width):
    """F-119: down to one column."""
    metrics = {f"metric_with_a_long_name_{n}": n / 3 for n in range(9)}
    script = f"""
from l2logger.sinks.console import ConsoleSink
from showing import RUN, signal
for style in ("frame", "line", "live"):
    sink = ConsoleSink(style=style, every=1, total=10)
    sink.open(RUN._replace(scenario_info={{"author": "me", "lr": {{"actor": 1e-3}}}}))
    for n in range(3):
        sink.write(signal(n, worker_id="w%d" % n, **{metrics}))
    sink.close()
"""
    output = on_a_terminal(script, columns=width)
    if width >= 20:
        assert max(cell_len(line) for line in without_controls(output).splitlines()) <= width


def test_columns_that_do_not_fit_are_counted(monkeypatch):
    """The names are cut first, then the last columns go."""
    each = fields(0, a_metric_with_a_long_name=1, b=2, c=3)
    monkeypatch.setenv("COLUMNS", "67")
    assert shown(each).splitlines() == [
        "block    task_name     exp_num    reward  a_metric_…         b +1",
        "0-train  Task_a              0     1.000           1         2",
    ]
    monkeypatch.setenv("COLUMNS", "6")
    assert shown(each).splitlines() == ["block ", "0-tra…"]


def without_controls(output: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", output)


# Which records are shown.


def test_every_nth_record_is_shown_and_the_last_of_each_block():
    records = [fields(n, block_num=n // 25) for n in range(60)]
    assert numbers(shown(*records, style="line", every=10)) == [0, 10, 20, 24, 30, 40, 49, 50, 59]


def test_a_block_ends_for_each_worker():
    records = [fields(n, worker_id=w, block_num=n // 5) for n in range(8) for w in "ab"]
    lines = shown(*records, style="line", every=1000).splitlines()
    ends = [tuple(line.split()) for line in lines if " Task_a " in line]
    assert [(row[0], *row[2:-1]) for row in ends] == [
        ("0-train", "0"),
        ("0-train", "a", "4"),
        ("0-train", "b", "4"),
        ("1-train", "a", "7"),
        ("1-train", "b", "7"),
    ]


@pytest.mark.parametrize("every", ["500ms", 0.5])
def test_one_record_is_shown_in_so_many_seconds(every):
    clock = Clock()
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, every=every, clock=clock)
    sink.open(RUN)
    for n in range(2000):
        clock.now = n / 1000
        sink.write(signal(n))
    sink.close()
    assert numbers(stream.getvalue()) == [0, 500, 1000, 1500, 1999]


@pytest.mark.parametrize(("per_sec", "at_most"), [(1000, 35), (1 / 60, 3600)])
def test_usually_a_pleasant_number_of_records_is_shown(per_sec, at_most):
    """A minute at a thousand a second, and an hour at one a minute."""
    clock = Clock()
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, clock=clock)
    sink.open(RUN)
    count = 60_000 if per_sec > 1 else 60
    for n in range(count):
        clock.now = n / per_sec
        sink.write(signal(n))
    sink.close()
    found = numbers(stream.getvalue())
    assert found == list(range(60)) if count == 60 else 25 < len(found) < at_most


def test_a_flood_of_blocks_is_thinned_out():
    clock = Clock()
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, every=1.0, clock=clock)
    sink.open(RUN)
    for n in range(20_000):
        clock.now = n / 1000
        sink.write(signal(n, block_num=n))
    sink.close()
    assert 200 < len(numbers(stream.getvalue())) < 300


def test_a_record_that_is_not_shown_costs_microseconds():
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, every=3600.0)
    sink.open(RUN)
    signals = [signal(n, worker_id=f"w{n % 8}") for n in range(20_000)]
    began = time.thread_time()
    for each in signals:
        sink.write(each)
    assert (time.thread_time() - began) / len(signals) < 20e-6


# How values are shown.


@pytest.mark.parametrize(
    ("how", "value", "seen"),
    [
        ("percent", 0.85, "85.0%"),
        ("percent", 1, "100.0%"),
        ("percent", np.float32(0.5), "50.0%"),
        ("percent", "0.5", "50.0%"),
        ("percent", float("nan"), "nan%"),
        ("percent", "text", "text"),
        ("percent", None, "None"),
        ("percent", 10**400, "inf%"),
        ("ms", 0.0123, "12.3ms"),
        ("sec", 1.5, "1.500s"),
        ("{:.5f}", 0.1, "0.10000"),
        ("{:.5f}", None, "None"),
        ("{:,}", 1234567, "1,234,567"),
        (lambda value: f"{value:.5%}", 0.28571, "28.57100%"),
        (lambda value: f"{value:.5%}", "text", "text"),
        (len, "four", "4"),
        (lambda value: "\x1b[2J", 1, "\\x1b[2J"),
    ],
)
@pytest.mark.parametrize("style", ["frame", "line"])
def test_values_are_formatted(style, how, value, seen):
    """S2-6."""
    text = shown(
        fields(0, x=value), style=style, formats={"x": how}, only="x", silent=["exp_num", "block", "task_name"]
    )
    assert [line.strip("│ ").split()[-1] for line in text.splitlines() if line[0] not in "╒╘├"][-1] == seen


def test_what_a_function_raises_by_mistake_is_not_hidden():
    with pytest.raises(NameError):
        shown(fields(0), formats={"reward": lambda value: undefined})  # noqa: F821


def test_the_signal_stays_as_it_was():
    """S2-6: the raw value is what other sinks get."""
    given = fields(0, x=0.28571)
    frozen = freeze("record", given)
    sink = ConsoleSink(stream=io.StringIO(), formats={"x": "percent"}, colors={"x": "red"}, silent=["reward"])
    sink.open(RUN)
    sink.write(frozen)
    sink.close()
    assert dict(frozen.fields) == given


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["block", "task_name", "exp_num", "reward", "loss/a", "loss/b"]),
        ({"silent": "reward"}, ["block", "task_name", "exp_num", "loss/a", "loss/b"]),
        ({"silent": ["loss/*", "block_type"]}, ["task_name", "exp_num", "reward"]),
        (
            {"only": ["loss/b", "reward", "timestamp", "absent"]},
            [*["block", "task_name", "exp_num", "loss/b", "reward", "timestamp"]],
        ),
        ({"only": "*", "silent": ["*_*"]}, ["block", "reward", "loss/a", "loss/b"]),
        ({"only": []}, ["block", "task_name", "exp_num"]),
    ],
    ids=str,
)
def test_columns_are_chosen_and_silenced(options, names):
    """S2-5."""
    text = shown(fields(0, **{"loss/a": 1, "loss/b": 2}), **options)
    assert text.splitlines()[0].split() == names


@pytest.mark.parametrize("style", ["frame", "line"])
def test_what_a_terminal_would_obey_is_shown(style):
    """F-121, F-035: in names and values, of tasks, workers and metrics."""
    evil = "\x1b]0;x\x07[red]\u202e\r\n"
    text = shown(fields(0), fields(1, worker_id=evil, task_name=evil, **{evil: evil}), style=style, every=1)
    assert text.count("\\x1b]0;x\\x07[red]\\u202e\\r\\n") == 4
    assert text.replace("\n", "").isprintable()


# Colors.


SHOW_ONE = """
from l2logger.sinks.console import ConsoleSink
from showing import RUN, signal
for style in ("frame", "line", "live"):
    sink = ConsoleSink(style=style, formats={"x": "percent"}, colors={"x": "yellow", "reward": "#ff8000"})
    sink.open(RUN)
    sink.write(signal(0, x=0.85))
    sink.close()
"""


def test_values_are_colored_on_a_terminal():
    """S2-6: by a frame, a line and the live table, in which there is a mean as well."""
    output = on_a_terminal(SHOW_ONE)
    assert len(re.findall(r"\x1b\[33m +85\.0% *\x1b\[0m", output)) >= 4
    assert output.count("85.0%") == output.count("\x1b[33m")


@pytest.mark.parametrize("env", [{"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_without_colors_gets_none(env):
    """S2-6, F-119."""
    seen = picture(SHOW_ONE, **env)
    assert seen.styles == set()
    assert "\n".join(seen.lines).count("85.0%") >= 3


@pytest.mark.parametrize("style", ["frame", "line", "live"])
def test_a_pipe_gets_plain_text(style):
    """S2-6."""
    text = shown(fields(0, x=0.85), style=style, formats={"x": "percent"}, colors={"x": "yellow"})
    assert "\x1b" not in text
    assert "85.0%" in text


def test_a_pipe_gets_colors_if_they_are_asked_for(monkeypatch):
    """S2-6."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    text = shown(fields(0, x=0.85), style="line", formats={"x": "percent"}, colors={"x": "yellow"})
    assert "\x1b[33m   85.0%\x1b[0m" in text


# Parameters.


def test_parameters_are_shown_at_the_start():
    """S2-7."""
    run = RUN._replace(scenario_info={"author": "me", "agent": {"lr": 0.001}, "[red]\x1b": None})
    text = shown(run=run)
    assert text.splitlines() == [
        "═════════════════════════════════════════════════════",
        "           demo-1-2           ",
        "───────────────────────────────┬─────────────────────",
        "            author             │ me                  ",
        "          [red]\\x1b            │ None                ",
        "═══════════════════════════════╧═════════════════════",
        "            agent             ",
        "───────────────────────────────┬─────────────────────",
        "              lr               │ 0.001               ",
        "═══════════════════════════════╧═════════════════════",
    ]


@pytest.mark.parametrize("info", [{}, None, []])
def test_no_parameters_are_no_frame(info):
    assert shown(run=RUN._replace(scenario_info=info)) == ""


def test_parameters_can_be_left_out():
    assert shown(run=RUN._replace(scenario_info={"a": 1}), params=False) == ""


def test_parameters_are_not_shown_again_when_the_sink_is_opened_again():
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream)
    for _ in range(2):
        sink.open(RUN._replace(scenario_info={"author": "me"}))
        sink.close()
    assert stream.getvalue().count("author") == 1


@pytest.mark.parametrize(
    "info", [["a", "b"], "text", {"x": list(range(10**5)), "y": dict.fromkeys(map(str, range(500)))}]
)
def test_odd_parameters_are_shown_as_far_as_there_is_room(info):
    text = shown(run=RUN._replace(scenario_info=info))
    assert "demo-1-2" in text
    assert len(text.splitlines()) < 60
    assert max(map(len, text.splitlines())) <= 100


# Streams in all states.


def test_standard_output_is_looked_up_when_the_sink_opens(capsys):
    sink = ConsoleSink()
    sink.open(RUN)
    sink.write(signal(0))
    sink.close()
    assert numbers(capsys.readouterr().out) == [0]


def test_standard_error_can_be_the_console(capsys):
    sink = ConsoleSink(stream="stderr")
    sink.open(RUN)
    sink.write(signal(0))
    sink.close()
    out, err = capsys.readouterr()
    assert (out, numbers(err)) == ("", [0])


def test_no_standard_output_is_no_error(monkeypatch):
    """F-119: as with pythonw, or started with it closed."""
    monkeypatch.setattr(sys, "stdout", None)
    sink = ConsoleSink()
    sink.open(RUN)
    sink.write(signal(0))
    sink.flush()
    sink.close()


@pytest.mark.parametrize("style", ["frame", "line", "live"])
def test_a_stream_may_be_closed_before_or_meanwhile(style, tmp_path):
    """F-119."""
    with open(tmp_path / "out", "w") as stream:
        sink = ConsoleSink(stream=stream, style=style, every=1)
        sink.open(RUN)
        sink.write(signal(0))
    sink.write(signal(1))
    sink.close()
    sink.open(RUN)
    sink.write(signal(2))
    sink.close()
    assert "Task_a" in (tmp_path / "out").read_text()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
@pytest.mark.parametrize("style", ["frame", "line"])
def test_a_stream_may_know_few_characters(style, encoding, tmp_path):
    """F-119."""
    with open(tmp_path / "out", "w", encoding=encoding) as stream:
        sink = ConsoleSink(stream=stream, style=style)
        sink.open(RUN._replace(scenario_info={"a": 1}))
        sink.write(signal(0, task_name="Aufgabe_日"))
        sink.close()
    text = (tmp_path / "out").read_text(encoding=encoding)
    assert "Aufgabe_?" in text
    assert "------+------" in text if style == "frame" else True


def test_a_notebook_needs_no_file_behind_its_stream():
    class Notebook:
        def __init__(self):
            self.written = []

        def write(self, text):
            self.written.append(text)

    stream = Notebook()
    sink = ConsoleSink(stream=stream)
    sink.open(RUN)
    sink.write(signal(0, task_name="日"))
    sink.close()
    assert numbers("".join(stream.written)) == [0]


def test_what_stands_between_gets_what_is_written(tmp_path):
    """A stream that writes to two places and passes everything else on to one of them is not gone around."""

    class Tee:
        def __init__(self, stream, copy):
            self.stream, self.copy = stream, copy

        def write(self, text):
            self.copy.append(text)
            return self.stream.write(text)

        def __getattr__(self, name):
            return getattr(self.stream, name)

    with open(tmp_path / "out", "w") as file:
        stream = Tee(file, [])
        sink = ConsoleSink(stream=stream)
        sink.open(RUN)
        sink.write(signal(0))
        sink.close()
    assert "".join(stream.copy) == (tmp_path / "out").read_text()


def test_lines_stand_behind_what_was_printed_before(tmp_path):
    with open(tmp_path / "out", "w") as stream:
        sink = ConsoleSink(stream=stream, silent="block")
        sink.open(RUN)
        print("before", file=stream)
        sink.write(signal(0))
        print("behind", file=stream)
        sink.close()
    assert [line.split()[0] for line in (tmp_path / "out").read_text().splitlines()] == [
        "before",
        "task_name",
        "Task_a",
        "behind",
    ]


def test_a_slow_pipe_that_does_not_block_gets_everything():
    """F-119."""
    source, target = os.pipe()
    os.set_blocking(target, False)
    read = []
    with os.fdopen(source, "rb") as out, os.fdopen(target, "w", encoding="utf-8") as stream:
        reader = threading.Thread(target=lambda: read.append(out.read()))
        reader.start()
        sink = ConsoleSink(stream=stream, style="frame", every=1)
        sink.open(RUN)
        for n in range(1000):
            sink.write(signal(n))
        sink.close()
        stream.close()
        reader.join()
    text = read[0].decode()
    assert [int(line.strip("│").split("│")[1]) for line in text.splitlines() if "exp num" in line] == list(range(1000))


def test_a_full_pipe_that_does_not_block_is_an_error_after_a_while(monkeypatch):
    """F-119: one for the isolation around the sink to count; it does not hang."""
    monkeypatch.setattr(screen_module, "_PATIENCE_SECS", 0.01)
    source, target = os.pipe()
    os.set_blocking(target, False)
    with os.fdopen(source, "rb"), os.fdopen(target, "w", encoding="utf-8") as stream:
        sink = ConsoleSink(stream=stream, style="frame", every=1)
        sink.open(RUN)
        with pytest.raises(BlockingIOError):
            for n in range(1000):
                sink.write(signal(n))
        sink.close()


TRAIN = """
import sys
from l2logger import DataLogger
from l2logger.sinks import ConsoleSink
from reading import record
logger = DataLogger(sys.argv[1], "run", {"metrics_columns": ["reward"]}, sinks=[ConsoleSink(every=1, style=sys.argv[2])])
for n in range(20_000):
    logger.log_record(record(n))
    if n % 100 == 0:
        logger.flush()
print("the end" * 10_000)
"""


@pytest.mark.parametrize("style", ["frame", "line", "live"])
def test_training_goes_on_when_nobody_reads_any_more(style, tmp_path):
    """F-118: ``train.py | head`` ends well."""
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}
    command = [sys.executable, "-c", TRAIN, str(tmp_path), style]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as train:
        assert train.stdout.readline() != b""
        train.stdout.close()
        assert train.stderr.read() == b""
    assert train.returncode == 0
    assert len(rows(tmp_path)) == 20_000


@pytest.mark.parametrize("style", ["frame", "line"])
def test_standard_output_leads_nowhere_when_nobody_reads_any_more(style):
    """F-118: what is printed later is no error either."""
    script = f"""
import os, sys, threading, time
from l2logger.sinks.console import ConsoleSink
from showing import RUN, signal
sink = ConsoleSink(every=1, style={style!r})
sink.open(RUN)
print("x" * 5000)
sys.stdin.read()
sink.write(signal(0))
sink.write(signal(1))
print("y" * 10**6)
sink.close()
"""
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__), "PYTHONUNBUFFERED": ""}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", script], env=environment, **pipes) as program:
        program.stdout.close()
        program.stdin.close()
        assert program.stderr.read() == b""
    assert program.returncode == 0


@pytest.mark.parametrize("style", ["line", "live"])
def test_training_goes_on_when_the_terminal_goes_away(style):
    """F-119: as when a connection is lost."""
    script = f"""
import sys
from l2logger.sinks.console import ConsoleSink
from showing import RUN, signal
sink = ConsoleSink(every=1, style={style!r})
sink.open(RUN)
sink.write(signal(0))
sys.stdin.read()
for n in range(1, 100):
    sink.write(signal(n))
    print("printed", n)
sink.close()
"""
    master, slave = pty.openpty()
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__), "TERM": "xterm"}
    command = [sys.executable, "-c", script]
    pipes = dict.fromkeys(("stdin", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, stdout=slave, env=environment, start_new_session=True, **pipes) as program:
        os.close(slave)
        assert os.read(master, 1) != b""
        os.close(master)
        program.stdin.close()
        assert program.stderr.read() == b""
    assert program.returncode == 0


def test_a_line_that_is_begun_is_not_torn_by_a_frame():
    script = """
from l2logger.sinks.console import ConsoleSink
from showing import RUN, signal
sink = ConsoleSink(style="frame", silent=["block", "task_name", "reward"])
sink.open(RUN)
print("begun", end="")
sink.write(signal(0))
print(" and whole")
sink.close()
"""
    assert picture(script).lines[-3:] == ["╘════════════════════╧════════════════════╛", "begun and whole", ""]


# The live table.


LIVE = """
import logging, os, sys, threading, time
from l2logger.sinks.console import ConsoleSink
from showing import RUN, signal
sink = ConsoleSink({options})
sink.open(RUN)
def train():
    for n in range({count}):
        sink.write(signal(n, block_num=n // 500))
        if n % 100 == 0:
            time.sleep(0.001)
"""
FINAL = ["> Task_a  train", "mean of the last 100 records"]


def test_the_live_table_is_drawn_on_a_terminal():
    seen = picture(LIVE.format(options="total=2000", count=1000) + "train()\nsink.close()")
    assert seen.lines[0].startswith("demo-1-2")
    assert seen.lines[1].endswith(" 1,000 of 2,000, 50%")
    assert seen.lines[1].startswith("━" * 20)
    assert seen.lines[2] == "exp_num 999  block 1-train  task_name Task_a"
    assert seen.lines[4:] == [
        "  task    block  experiences    reward      mean",
        "─" * 48,
        "> Task_a  train        1,000     1.000     1.000",
        "mean of the last 100 records",
        "",
    ]


def test_what_is_printed_meanwhile_stands_above_the_live_table():
    """By print, by a logger made before, and as a warning, while the table is drawn in a thread."""
    script = (
        "import logging\nlogging.basicConfig(format='%(message)s')\n"
        + LIVE.format(options="every='1ms'", count=20_000)
        + """
thread = threading.Thread(target=train)
thread.start()
n = 0
while thread.is_alive() and n < 300:
    print("printed", n)
    logging.warning("logged %d", n)
    print("error", n, file=sys.stderr)
    n += 1
thread.join()
sink.close()
print("the end")
"""
    )
    seen = picture(script)
    told = [line for line in seen.lines if line.startswith(("printed", "logged", "error"))]
    count = len(told) // 3
    assert count > 0
    assert told == [f"{word} {n}" for n in range(count) for word in ("printed", "logged", "error")]
    assert seen.lines[: len(told)] == told
    assert seen.lines[len(told)].startswith("demo-1-2")
    assert [line for line in seen.lines if line.startswith("demo")] == [seen.lines[len(told)]]
    assert seen.lines[-3:] == ["mean of the last 100 records", "the end", ""]


def test_a_line_that_is_begun_is_shown_above_the_live_table_until_it_is_whole():
    script = (
        LIVE.format(options="every='1ms'", count=200)
        + """
print("begun, ", end="", flush=True)
train()
print("whole")
print("to be continued", end="")
sink.close()
print(" below")
"""
    )
    output = on_a_terminal(script)
    assert "begun, \r\ndemo-1-2" in without_controls(output)
    seen = picture(script)
    assert seen.lines[0] == "begun, whole"
    assert seen.lines[-2:] == ["to be continued below", ""]


def test_a_progress_bar_takes_one_line_above_the_live_table():
    script = (
        LIVE.format(options="every='1ms'", count=200)
        + """
for n in range(0, 101, 5):
    print(f"\\r{n}%|{'#' * (n // 5)}", end="", file=sys.stderr, flush=True)
    train()
print(file=sys.stderr)
sink.close()
"""
    )
    seen = picture(script)
    assert seen.lines[0] == "100%|####################"
    assert seen.lines[1].startswith("demo-1-2")
    assert len(seen.lines) == 9


def test_more_lines_than_the_terminal_has_scroll_away_above_the_live_table():
    script = (
        LIVE.format(options="every='1ms'", count=300)
        + """
for n in range(50):
    print("line", n, "x" * 100)
    train()
sink.close()
"""
    )
    seen = picture(script, lines=12)
    assert [line.split()[1] for line in seen.lines if line.startswith("line")] == [str(n) for n in range(50)]
    assert len([line for line in seen.lines if line.startswith("demo-1-2")]) == 1


@pytest.mark.parametrize("height", [1, 2, 3, 9])
def test_the_live_table_is_no_higher_than_the_terminal(height):
    """F-119."""
    script = (
        LIVE.format(options="every='1ms'", count=10)
        + """
for n in range(20):
    for task in range(20):
        sink.write(signal(n, task_name=f"task_{task}"))
    print("line", n)
sink.close()
"""
    )
    seen = picture(script, lines=height)
    assert [line for line in seen.lines if line.startswith("line")] == [f"line {n}" for n in range(20)]
    assert len(seen.lines) - 20 <= max(2, height)


def test_a_forked_child_prints_as_if_there_were_no_table():
    script = (
        LIVE.format(options="every='1ms'", count=100)
        + """
train()
sink._view._region._lock.acquire()  # as another thread may hold it
if os.fork() == 0:
    print("child")
    sys.exit(0)
os.wait()
sink._view._region._lock.release()
sink.close()
"""
    )
    assert "child\r\n" in on_a_terminal(script)


def test_streams_are_left_as_they_were_found():
    script = (
        LIVE.format(options="", count=100)
        + """
written = []
write = sys.stdout.write
train()
assert sys.stdout.write != sys.__class__
sink.close()
print(sorted(set(vars(sys.stdout)) - {"mode"}), sorted(set(vars(sys.stderr)) - {"mode"}))
"""
    )
    assert picture(script).lines[-2] == "[] []"


def test_others_may_put_a_write_of_their_own_on_a_stream_before_and_after():
    script = (
        """
import sys
captured = []
def capture(name):
    write = sys.stdout.write
    def wrapper(text):
        captured.append(name + text)
        return write(text)
    sys.stdout.write = wrapper
    return write
capture("1 ")
"""
        + LIVE.format(options="", count=100)
        + """
mine = capture("2 ")
train()
print("between")
sink.close()
sys.stdout.write = mine
print("after")
assert captured == ["2 between", "2 \\n", "1 between\\n", "1 after", "1 \\n"], captured
"""
    )
    assert picture(script).lines[-2:] == ["after", ""]


def test_a_table_that_nobody_closes_is_left_at_the_end_of_the_program():
    script = LIVE.format(options="", count=100) + "train()\nprint('begun', end='')"
    seen = picture(script)
    assert seen.lines[-2].startswith("mean of the last")
    assert seen.lines[-1] == "begun"


def test_two_tables_do_not_fight_for_one_terminal():
    script = (
        LIVE.format(options="every='1ms'", count=100)
        + """
other = ConsoleSink(every=10)
other.open(RUN)
for n in range(30):
    other.write(signal(n))
    train()
other.close()
sink.close()
"""
    )
    seen = picture(script)
    assert numbers("\n".join(seen.lines[:5])) == [0, 10, 20, 29]
    assert seen.lines[5].startswith("demo-1-2")


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": "unknown"}])
def test_a_terminal_that_cannot_draw_gets_lines_for_a_live_table(env):
    seen = picture(LIVE.format(options="style='live', every=50", count=100) + "train()\nsink.close()", **env)
    assert numbers("\n".join(seen.lines)) == [0, 50, 99]


def test_a_live_table_in_another_process_is_lines():
    script = LIVE.replace("sink.open", "sink.isolate = 'process'\nsink.open").format(options="every=50", count=100)
    assert numbers("\n".join(picture(script + "train()\nsink.close()").lines)) == [0, 50, 99]


def test_flush_draws_what_was_not_drawn_yet():
    script = LIVE.format(options="every=1000000", count=100) + "train()\nsink.flush()\nos._exit(0)"
    assert "exp_num 99  block 0-train  task_name Task_a" in picture(script).lines


# The table as a function of what is known.


def drawn(tally: Tally, now: float = 60.0, width: int = 80, height: int | None = None, **look) -> list[str]:
    return str(table(tally, Look(**look), now, width=width, height=height)).splitlines()


def tally_of(*records, **options) -> Tally:
    tally = Tally("run", **options)
    for each in records:
        tally.add(each)
    return tally


def test_the_table_of_nothing_is_a_title():
    assert [" ".join(line.split()) for line in drawn(tally_of())] == ["run 0 experiences 0:01:00"]


def test_the_table_has_a_row_for_each_task_and_kind_of_block():
    tally = tally_of(
        fields(0, reward=1.0),
        fields(1, reward=2.0, block_num=1, block_type="test"),
        fields(2, reward=4.0, block_num=2, block_subtype="sleep", task_name="Task_b"),
        fields(3, reward=8.0, block_num=3, worker_id="v", exp_status="incomplete"),
    )
    assert drawn(tally, formats={"reward": "{:.1f}"}) == [
        "run" + "3 experiences  2 workers  0:01:00".rjust(77),
        "exp_num 3  block 3-train  task_name Task_a  worker_id v",
        "",
        "  task    block        experiences    reward      mean",
        "─" * 54,
        "> Task_a  train                  1       8.0       4.5",
        "  Task_a  test                   1       2.0       2.0",
        "  Task_b  train-sleep            1       4.0       4.0",
        "mean of the last 100 records",
    ]


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (0.0, "0"),
        (21, "21"),
        (21.0, "21.00"),
        (-0.0123456, "-0.01235"),
        (0.0020456, "0.002046"),
        (0.00020456, "0.000205"),
        (12345.678, "12346"),
        (1e7, "1e+07"),
        (123456789012, "1.23e+11"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (np.float32(0.1), "0.1000"),
        (True, "True"),
        ("text", "text"),
        (None, "None"),
    ],
)
def test_numbers_have_the_digits_that_people_compare(value, seen):
    assert drawn(tally_of(fields(0, reward=value)))[5].split()[4] == seen


def test_means_are_recent_and_of_numbers():
    records = [fields(n, reward=n, text="t", odd=n if n % 2 else None) for n in range(20)]
    row = drawn(tally_of(*records, window=4), width=100)[5].split()
    assert row == [">", "Task_a", "train", "20", "19", "17.50", "t", "19", "18.00"]


def test_a_rate_is_of_the_last_seconds():
    tally = tally_of()
    for second in range(100):
        for n in range(10 if second < 50 else 3):
            tally.add(fields(n))
        tally.sample(float(second))
    assert tally.rate == 3.0
    assert "3.0/s" in drawn(tally)[0]


@pytest.mark.parametrize(
    ("per_sec", "seen"), [(12345, "12,345/s"), (2.5, "2.5/s"), (1 / 60, "1.0/min"), (1e-4, "0.4/h")]
)
def test_rates_have_the_unit_that_fits(per_sec, seen):
    tally = tally_of()
    tally.sample(0.0)
    tally.records = 10**6
    tally.sample(10**6 / per_sec)
    assert seen in drawn(tally)[0]


def test_the_progress_says_how_long_it_will_take():
    tally = Tally("run", total=1000)
    tally.sample(0.0)
    for n in range(250):
        tally.add(fields(n))
    tally.sample(100_000.0)
    told = " 250 of 1,000, 25%, 3 d 11:20:00 left"
    room = 80 - len(told)
    assert drawn(tally)[1] == "━" * (room // 4) + "─" * (room - room // 4) + told


def test_more_experiences_than_expected_are_all():
    assert drawn(tally_of(*map(fields, range(20)), total=10))[1].endswith("━ 20 of 10, 100%")


def test_where_metrics_are_many_they_are_the_rows():
    records = [fields(n, task_name=f"task_{n}", **{f"m{m}": float(m) for m in range(12)}) for n in range(6)]
    text = drawn(tally_of(*records), silent="reward")
    assert text[3].split() == ["metric", "task_5", "train", "mean", "task_4", "train", "mean"]
    assert text[5].split()[0] == "experiences"
    assert [line.split()[0] for line in text[6:18]] == [f"m{m}" for m in range(12)]
    assert text[18].startswith("mean of the last 100 records; ")
    assert text[18].endswith("more tasks")
    assert max(map(len, text)) <= 80


def test_of_too_many_tasks_the_latest_are_shown():
    tally = tally_of(*(fields(n, task_name=f"task_{n}") for n in range(1000)))
    text = drawn(tally, height=20)
    assert len(text) == 19
    assert [line.split()[-5] for line in text[5:-1]] == [f"task_{n}" for n in range(987, 1000)]
    assert text[-1] == "mean of the last 100 records; 187 more tasks"


@pytest.mark.parametrize("width", range(1, 120, 7))
@pytest.mark.parametrize("height", [1, 2, 4, 9, 30])
def test_the_table_fits_any_terminal(width, height):
    """F-119."""
    names = {f"日本{n}": 1e300 * n for n in range(4)}
    tally = tally_of(*(fields(n, task_name="課題" * n, **names) for n in range(30)), total=10**9)
    text = drawn(tally, width=width, height=height)
    assert max(map(cell_len, text), default=0) <= width
    assert len(text) <= height - 1
