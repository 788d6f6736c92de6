"""What a console shows beside the records: metrics of a step, parameters, and a line for all else."""

import io
import re

import pytest
from kinds import metrics, of_kind, one_of_each
from rich.cells import cell_len
from showing import RUN, signal
from terminal import on_a_terminal, picture

from l2logger.signals import KINDS
from l2logger.sinks.console import ConsoleSink
from l2logger.sinks.console.events import sparkline
from l2logger.sinks.console.live import Tally
from l2logger.sinks.console.live_table import table
from l2logger.sinks.console.looks import Look
from l2logger.sinks.wrapper import with_fields

STYLES = ("frame", "line", "live")


@pytest.fixture(autouse=True)
def no_wishes(monkeypatch):
    """Nobody asks for colors or a width."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def shown(*signals, **options) -> str:
    """Return what the sink writes for some signals."""
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, **options)
    sink.open(RUN)
    for each in signals:
        sink.write(each)
    sink.close()
    return stream.getvalue()


def lines(*signals, **options) -> list[str]:
    return shown(*signals, **{"style": "line", "every": 1, **options}).splitlines()


# Metrics, printed.


def test_a_step_is_shown_in_a_frame_with_the_step_first():
    """S2-4."""
    assert shown(metrics(7000, episode_reward=-120.5), style="frame") == (
        "╒════════════════════╤════════════════════╕\n"
        "│        step        │        7000        │\n"
        "├────────────────────┼────────────────────┤\n"
        "│   episode reward   │       -120.5       │\n"
        "╘════════════════════╧════════════════════╛\n"
    )


def test_metrics_of_one_step_are_one_frame():
    """S2-1: order kept, the later value wins in place."""
    text = shown(metrics(3, a=1, b=2), metrics(3, c=3, a=4), metrics(4, a=5), style="frame", every=1)
    found = [tuple(line.strip("│").replace(" ", "").split("│")) for line in text.splitlines() if line[0] == "│"]
    assert found == [("step", "3"), ("a", "4"), ("b", "2"), ("c", "3"), ("step", "4"), ("a", "5")]


def test_a_step_is_shown_in_a_line_in_which_each_value_has_its_name():
    assert lines(metrics(1, loss=0.5, acc=1 / 3), metrics(1000, loss=12345.678, acc=1e-9)) == [
        "step 1  loss 0.5000   acc 0.3333",
        "step 1000  loss 12346    acc 1e-09",
    ]


def test_metrics_without_a_step_are_shown_at_once():
    """S2-3."""
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, style="line", every=1)
    sink.open(RUN)
    sink.write(metrics(None, loss=1.5))
    assert stream.getvalue() == "loss 1.500\n"


@pytest.mark.parametrize("style", ["frame", "line"])
def test_a_step_is_shown_once_it_is_whole_or_flushed(style):
    """S2-2: and an empty flush shows nothing."""
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, style=style, every=1)
    sink.open(RUN)
    sink.write(metrics(1, loss=1.5))
    assert stream.getvalue() == ""
    sink.write(metrics(2, loss=2.5))
    assert stream.getvalue().count("loss") == 1
    sink.flush()
    assert stream.getvalue().count("loss") == 2
    sink.flush()
    sink.close()
    assert stream.getvalue().count("loss") == 2


@pytest.mark.parametrize("style", ["frame", "line"])
def test_nothing_visible_is_nothing_written(style):
    """S2-4, S2-5."""
    assert shown(metrics(1, a=1, b=2), metrics(2, a=1), style=style, every=1, silent=["a", "b"]) == ""


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({"silent": "loss/*"}, "step 1  acc 3"),
        ({"silent": "step"}, "loss/a 1        loss/b 2        acc 3"),
        ({"only": ["acc", "loss/b"]}, "step 1  acc 3        loss/b 2"),
        ({"only": "*", "silent": "loss/*"}, "step 1  acc 3"),
    ],
    ids=str,
)
def test_metrics_are_chosen_and_silenced(options, seen):
    """S2-5."""
    assert lines(metrics(1, **{"loss/a": 1, "loss/b": 2, "acc": 3}), **options) == [seen]


def test_the_worker_is_named_once_there_are_several():
    signals = [metrics(1, a=1), metrics(2, a=2), metrics(1, worker_id="v", a=3)]
    assert lines(*signals) == ["step 1  a 1", "step 2  worker_id w  a 2", "step 1  worker_id v  a 3"]


def test_each_clock_is_shown_at_its_own_pace():
    """S3-6: a slow clock is not drowned by a fast one; the last of each is shown."""
    signals = []
    for n in range(20):
        signals.append(metrics(n, loss=n))
        if n % 5 == 4:
            signals.append(metrics(n // 5, clock="epoch", accuracy=n))
    found = [line.split()[:2] for line in lines(*signals, every=8)]
    assert [step for clock, step in found if clock == "step"] == ["0", "8", "16", "19"]
    assert [step for clock, step in found if clock == "epoch"] == ["0", "3"]


def test_steps_are_shown_in_the_pace_of_time():
    now = 0.0
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, every="500ms", style="line", clock=lambda: now)
    sink.open(RUN)
    for n in range(2001):
        now = n / 1000
        sink.write(metrics(n, loss=1.0))
    sink.close()
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == ["0", "500", "1000", "1500", "2000"]


def test_records_are_shown_as_if_there_were_no_metrics():
    def is_of_metrics(line):
        return line.startswith("step")

    records = [signal(n, block_num=n // 25) for n in range(60)]
    mixed = [each for n, record in enumerate(records) for each in (record, metrics(n, loss=n))]
    alone, among = lines(*records, every=10), lines(*mixed, every=10)
    assert [line for line in among if not is_of_metrics(line)] == alone
    assert len(list(filter(is_of_metrics, among))) == 7


@pytest.mark.parametrize(("how", "seen"), [("percent", "85.0%"), ("{:.4f}", "0.8500"), (lambda value: "x", "x")])
@pytest.mark.parametrize("style", ["frame", "line"])
def test_values_are_formatted(style, how, seen):
    """S2-6."""
    assert seen in shown(metrics(1, acc=0.85), style=style, formats={"acc": how}).replace("│", " ").split()


def test_values_are_colored_on_a_terminal():
    """S2-6: in a frame, a line, the live table and the line of a histogram."""
    script = """
from l2logger.sinks.console import ConsoleSink
from kinds import metrics, one_of_each
from showing import RUN
for style in ("frame", "line", "live"):
    sink = ConsoleSink(style=style, formats={"acc": "percent"}, colors={"acc": "yellow", "agent/weights": "red"})
    sink.open(RUN)
    sink.write(metrics(1, acc=0.85))
    for each in one_of_each():
        if each.kind == "histogram":
            sink.write(each)
    sink.close()
"""
    output = on_a_terminal(script)
    assert output.count("85.0%") == len(re.findall(r"\x1b\[33m *85\.0% *\x1b\[0m", output)) >= 4
    assert len(re.findall(r"\x1b\[31mmean 0\.8000\x1b\[0m", output)) == 3


@pytest.mark.parametrize("style", STYLES)
def test_a_pipe_gets_plain_text(style):
    """S2-6."""
    assert "\x1b" not in shown(*one_of_each(), style=style, colors={"agent/loss": "yellow", "agent/weights": "red"})


def test_what_does_not_fit_into_a_line_is_counted(monkeypatch):
    """F-119."""
    monkeypatch.setenv("COLUMNS", "30")
    assert lines(metrics(1, loss=0.5, accuracy=0.25, reward=1.0)) == ["step 1  loss 0.5000  +2"]
    monkeypatch.setenv("COLUMNS", "3")
    assert lines(metrics(1, loss=0.5)) == ["st…"]


# Descriptions.


def test_a_unit_stands_behind_the_name_of_its_metric():
    """Of metrics and of records, in all styles."""
    described = of_kind("description", metric="loss", unit="nats", better="min")
    assert lines(described, metrics(1, loss=2, acc=1)) == ["step 1  loss (nats) 2        acc 1"]
    assert lines(described, signal(0, loss=2.0))[0].split()[-2:] == ["loss", "(nats)"]
    frame = shown(described, metrics(1, loss=2), signal(0, loss=2.0), style="frame")
    assert frame.count("│    loss (nats)     │") == 2


def test_a_description_without_a_unit_shows_nothing():
    described = of_kind("description", metric="loss", unit=None, better="min")
    assert lines(described, metrics(1, loss=2)) == ["step 1  loss 2"]


# Parameters.


def test_parameters_are_shown_in_a_frame():
    """S2-7."""
    assert lines(of_kind("params", params={"seed": 7, "agent": {"lr": 0.001, "net": {"layers": [64, 64]}}})) == [
        "═════════════════════════════════════════════════════",
        "           demo-1-2           ",
        "───────────────────────────────┬─────────────────────",
        "             seed              │ 7                   ",
        "═══════════════════════════════╧═════════════════════",
        "            agent             ",
        "───────────────────────────────┬─────────────────────",
        "              lr               │ 0.001               ",
        "          net.layers           │ [64, 64]            ",
        "═══════════════════════════════╧═════════════════════",
    ]


def test_a_group_is_shown_again_with_what_was_added():
    """S2-7: and other groups are not."""
    first = of_kind("params", params={"seed": 7, "agent": {"lr": 0.001, "gamma": 0.9}, "env": {"gravity": 9.8}})
    second = of_kind("params", params={"agent": {"gamma": 0.99, "tau": 1}})
    text = "\n".join(lines(first, second))
    again = text[text.rindex("agent") :]
    assert re.findall(r"(\w+) +│ (\S+)", again) == [("lr", "0.001"), ("gamma", "0.99"), ("tau", "1")]
    assert text.count("gravity") == text.count("seed") == 1


def test_parameters_go_on_where_the_scenario_began():
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, style="line")
    sink.open(RUN._replace(scenario_info={"author": "me"}))
    sink.write(of_kind("params", params={"seed": 7}))
    sink.close()
    assert re.findall(r"(\w+) +│ (\S+)", stream.getvalue()) == [("author", "me"), ("author", "me"), ("seed", "7")]


def test_parameters_can_be_left_out():
    assert lines(of_kind("params", params={"seed": 7}), params=False) == []


def test_many_parameters_are_shown_as_far_as_there_is_room():
    """S2-7."""
    deep: dict = {}
    for n in range(200):
        deep = {f"level_{n}": deep}
    params = {"many": {f"p{n}": n for n in range(500)}, "long": {"list": list(range(10**5))}, "deep": deep}
    found = lines(of_kind("params", params=params))
    assert len(found) < 60
    assert max(map(len, found)) <= 100
    assert any("and 460 more" in line for line in found)
    assert len(lines(of_kind("params", params={f"group_{n}": {"a": n} for n in range(500)}))) < 100


# A line for all else.


def test_each_other_kind_has_a_line():
    """S2-9 to S2-14."""
    told = [each for each in one_of_each() if each.kind not in ("record", "metrics", "params")]
    assert lines(*told) == [
        "step 3  histogram agent/weights  -0.5000 ▅ █ 1.500  mean 0.8000  std 0.9000  count 3  1 not finite",
        "step 3  image eval/view  4x2x3  media/image/eval/view/3.png",
        "step 3  video eval/episode  8x8, 5 frames, 30 fps  media/video/eval/episode/3.mp4  the best one",
        "step 3  figure curve  640x480  media/figure/curve/none.png",
        "step 3  array q  float32 [2, 3]  media/array/q/3.npy",
        """step 3  text plan  go "left" {"kind": "metrics", "timestamp": "x"}\\n☃""",
        "step 3  table episodes  2 columns, 2 rows",
        "    return  task",
        "  ──────────────",
        "     1.500  a   ",
        "            b   ",
        "step 3  note  lr dropped",
        "step 3  artifact model  v0  1 file, 5 B  artifacts/model/v0  (latest, best)",
    ]


@pytest.mark.parametrize("style", STYLES)
def test_every_kind_is_taken(style):
    assert ConsoleSink.kinds == {each.kind for each in one_of_each()} == KINDS
    text = shown(*one_of_each(), style=style, every=1)
    for word in (
        "reward",
        "seed",
        "agent/loss",
        "nats",
        "agent/weights",
        "eval/view",
        "eval/episode",
        "curve",
        "float32",
    ):
        assert word in text
    for word in ("plan", "episodes", "lr dropped", "artifacts/model/v0"):
        assert word in text


def test_of_a_kind_that_is_unknown_nothing_is_shown():
    assert lines(of_kind("smell", 1, name="a")) == []


@pytest.mark.parametrize(
    ("counts", "bars"),
    [
        ([0, 1, 7, 14], " ▁▅█"),
        ([5], "█"),
        ([0, 0], "  "),
        ([1, 10**6], "▁█"),
        (list(range(64)), "▁▂▂▃▃▃▄▄▅▅▆▆▇▇██"),
    ],
)
def test_counts_are_drawn_as_bars(counts, bars):
    """S2-12: in no more than 16, an empty one is blank, a single one is seen."""
    assert sparkline(counts) == bars


def test_many_counts_share_bars_evenly():
    """S2-12."""
    assert sparkline([1] * 37) == "█" * 16


def test_a_histogram_of_nothing_says_so():
    """S2-12."""
    none = dict.fromkeys(("min", "max", "mean", "std"))
    empty = of_kind("histogram", 3, name="g", counts=[0], edges=[0.0, 1.0], count=0, nonfinite=1234, **none)
    assert lines(empty) == ["step 3  histogram g  count 0  1,234 not finite"]


@pytest.mark.parametrize(
    ("nbytes", "seen"),
    [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (5 * 10**6, "5.0 MB"), (3 * 10**12, "3,000.0 GB")],
)
def test_the_size_of_an_artifact_has_the_unit_that_fits(nbytes, seen):
    (given,) = (each for each in one_of_each() if each.kind == "artifact")
    (line,) = lines(with_fields(given, nbytes=nbytes, files=(), aliases=()))
    assert line == f"step 3  artifact model  v0  0 files, {seen}  artifacts/model/v0"


def test_a_long_text_is_shortened():
    """S2-14."""
    (line,) = lines(of_kind("text", None, name="story", text="word " * 10**6))
    assert line.startswith("text story  word word")
    assert line.endswith("…")
    assert len(line) < 220


def test_of_a_large_table_there_are_the_first_rows_and_columns(monkeypatch):
    columns = [f"column_{n}" for n in range(100)]
    large = of_kind("table", None, name="t", columns=columns, rows=[[n] * 100 for n in range(1000)])
    found = lines(large)
    assert len(found) == 14
    assert found[0] == "table t  100 columns, 1,000 rows"
    assert found[-1] == "  990 more rows; 88 more columns"
    monkeypatch.setenv("COLUMNS", "40")
    narrow = lines(large)
    assert narrow[-1] == "  990 more rows; 96 more columns"
    assert max(map(len, narrow)) <= 40


@pytest.mark.parametrize(("columns", "rows"), [([], []), (["a"], []), (["a", "b"], [[1], [None, float("nan")]])])
def test_an_odd_table_is_a_table(columns, rows):
    assert len(lines(of_kind("table", None, name="t", columns=columns, rows=rows))) >= 1


def test_images_of_each_name_are_shown_at_their_own_pace():
    size = {"width": 8, "height": 6, "channels": 3}
    images = [
        of_kind("image", n, name=name, path=f"media/image/{name}/{n}.png", **size) for n in range(9) for name in "ab"
    ]
    found = [line.split()[:4] for line in lines(*images, every=4)]
    assert [(words[3], words[1]) for words in found] == [
        ("a", "0"),
        ("b", "0"),
        ("a", "4"),
        ("b", "4"),
        ("a", "8"),
        ("b", "8"),
    ]


@pytest.mark.parametrize("options", [{"silent": "debug/*"}, {"only": ["loss"]}], ids=str)
def test_what_has_a_silent_name_is_not_shown(options):
    """S2-5: notes have none."""
    signals = [of_kind("text", 1, name="debug/x", text="t"), of_kind("note", 1, text="n")]
    assert lines(*signals, **options) == ["step 1  note  n"]


def test_a_flood_of_notes_is_thinned_out():
    now = 0.0
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, style="line", clock=lambda: now)
    sink.open(RUN)
    for n in range(20_000):
        now = n / 1000
        sink.write(of_kind("note", n, text="again"))
    sink.close()
    assert 200 < len(stream.getvalue().splitlines()) < 300


EVIL = "\x1b]0;x\x07[red]\u202e\r\n"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", sorted(KINDS - {"record"}))
def test_what_a_terminal_would_obey_is_shown(style, kind):
    """F-121, F-035: in every text of every kind."""

    def evil(value):
        if isinstance(value, str):
            return EVIL
        if hasattr(value, "items"):
            return {name + EVIL: evil(item) for name, item in value.items()}
        return [evil(item) for item in value] if isinstance(value, tuple) else value

    (given,) = (each for each in one_of_each() if each.kind == kind)
    own = {name: evil(value) for name, value in given.fields.items() if name not in ("timestamp", "step", "counts")}
    bad = of_kind(kind, 3, **own | {"timestamp": "t"} | ({"counts": [1]} if kind == "histogram" else {}))
    text = shown(bad, of_kind("note", 4, worker_id=EVIL, text="n"), metrics(5, **{EVIL: 1}), style=style, every=1)
    assert text.replace("\n", "").isprintable()
    assert "[red]" in text


# The live table.


def drawn(tally: Tally, width: int = 80, height: int | None = None, **look) -> list[str]:
    return str(table(tally, Look(**look), 60.0, width=width, height=height)).splitlines()


def tally_of(*signals, **options) -> Tally:
    tally = Tally("run", **options)
    for each in signals:
        if each.kind == "metrics":
            tally.clocks.add(each.fields)
        else:
            tally.add(each.fields)
    return tally


def test_the_live_table_has_a_section_for_metrics():
    signals = [signal(0, reward=1.0), *(metrics(n, loss=1.0 / n, acc=n / 10) for n in range(1, 5))]
    assert drawn(tally_of(*signals), formats={"acc": "percent"}) == [
        "run" + "1 experience  0:01:00".rjust(77),
        "exp_num 0  block 0-train  task_name Task_a",
        "",
        "  task    block  experiences    reward      mean",
        "─" * 48,
        "> Task_a  train            1     1.000     1.000",
        "mean of the last 100 records",
        "",
        "step 4      last      mean",
        "──────────────────────────",
        "loss      0.2500    0.5208",
        "acc        40.0%     25.0%",
        "mean of the last 100 values",
    ]


def test_each_clock_has_a_place_of_its_own():
    """S3-6."""
    text = drawn(tally_of(metrics(7, loss=1.0), metrics(1, clock="epoch", acc=0.5), metrics(None, secs=3)))
    assert text[0].split() == ["run", "0:01:00"]
    assert [line.split()[:2] for line in text[2:] if line and line[0] != "─"] == [
        ["step", "7"],
        ["loss", "1.000"],
        ["epoch", "1"],
        ["acc", "0.5000"],
        ["metric", "last"],
        ["secs", "3"],
        ["mean", "of"],
    ]


def test_means_are_over_the_window_of_each_metric():
    signals = [metrics(n, **({"loss": n} if n % 5 else {"loss": n, "rare": n})) for n in range(21)]
    text = drawn(tally_of(*signals, window=2))
    assert [line.split()[1:] for line in text[4:6]] == [["20", "19.50"], ["20", "17.50"]]
    assert text[6] == "mean of the last 2 values"


def test_where_metrics_are_many_they_go_on_beside():
    text = drawn(tally_of(metrics(1, **{f"m{n:02}": n for n in range(15)})), width=100, height=12)
    assert len(text) == 11
    assert text[4].split() == ["m00", "0", "0", "m06", "6", "6.000", "m12", "12", "12.00"]
    assert text[-1] == "mean of the last 100 values"


def test_metrics_that_do_not_fit_are_counted():
    text = drawn(tally_of(metrics(1, **{f"m{n:02}": n for n in range(15)})), width=50, height=12)
    assert text[-1] == "mean of the last 100 values; 9 more metrics"


def test_silent_metrics_have_no_section():
    """S2-5."""
    assert len(drawn(tally_of(metrics(1, a=1), signal(0)), silent="a")) == 7


def test_the_rows_of_the_records_stay_while_there_is_room():
    records = [signal(n, task_name=f"task_{n}") for n in range(10)]
    alone = drawn(tally_of(*records), height=30)
    both = drawn(tally_of(*records, metrics(1, loss=1)), height=30)
    assert both[: len(alone)] == alone
    assert both[len(alone) + 3].startswith("loss")


def test_where_there_is_no_room_for_all_both_have_a_share():
    records = [signal(n, task_name=f"task_{n}") for n in range(50)]
    text = drawn(tally_of(*records, metrics(1, **{f"m{n:02}": n for n in range(50)})), height=30)
    assert len(text) == 29
    assert len([line for line in text if "task_" in line]) > 10
    assert len([line for line in text if line.startswith("m0")]) >= 5


@pytest.mark.parametrize("width", range(1, 120, 17))
@pytest.mark.parametrize("height", [1, 2, 4, 9, 12, 30])
def test_the_table_fits_any_terminal(width, height):
    """F-119."""
    names = {f"日本{n}": 1e300 * n for n in range(30)}
    records = [signal(n, task_name="課題" * n) for n in range(30)]
    text = drawn(tally_of(*records, metrics(1, **names), metrics(1, clock="時", **names)), width=width, height=height)
    assert max(map(cell_len, text), default=0) <= width
    assert len(text) <= height - 1


LIVE = """
import sys
from l2logger.sinks.console import ConsoleSink
from kinds import metrics, of_kind, one_of_each
from showing import RUN, signal
sink = ConsoleSink({options})
sink.open(RUN)
"""


def test_the_live_table_shows_metrics_on_a_terminal():
    script = LIVE.format(options="") + "for n in range(500):\n    sink.write(metrics(n, loss=n))\nsink.close()"
    assert picture(script).lines == [
        "demo-1-2" + "0:00:00".rjust(72),
        "",
        "step 499      last      mean",
        "────────────────────────────",
        "loss           499     449.5",
        "mean of the last 100 values",
        "",
    ]


def test_lines_stand_above_the_live_table():
    script = (
        LIVE.format(options="every='1ms'")
        + """
for n in range(200):
    sink.write(signal(n))
    sink.write(metrics(n, loss=n))
    if n % 20 == 0:
        sink.write(of_kind("note", n, text=f"note {n}"))
        print("printed", n)
sink.close()
print("the end")
"""
    )
    seen = picture(script)
    expected = [line for n in range(0, 200, 20) for line in (f"step {n}  note  note {n}", f"printed {n}")]
    assert seen.lines[:20] == expected
    assert seen.lines[20].startswith("demo-1-2")
    assert len([line for line in seen.lines if line.startswith("demo-1-2")]) == 1
    assert seen.lines[-2:] == ["the end", ""]


def test_a_line_does_not_tear_one_that_was_begun_above_the_live_table():
    script = (
        LIVE.format(options="")
        + """
print("begun, ", end="", flush=True)
sink.write(of_kind("note", 1, text="between"))
print("whole")
sink.close()
"""
    )
    assert picture(script).lines[:2] == ["step 1  note  between", "begun, whole"]


def test_names_without_end_take_no_memory_without_end():
    """Of metrics, of clocks, of images and of units."""
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, style="line", every=1)
    sink.open(RUN)
    tally = Tally("run", window=1)
    for n in range(3000):
        sink.write(of_kind("description", metric=f"m{n}", unit="s", better=None))
        sink.write(of_kind("text", n, name=f"text {n}", text="t"))
        tally.clocks.add(metrics(n, clock=f"clock {n}", a=n).fields)
        tally.clocks.add(metrics(n, **{f"m{n}": n}).fields)
    sink.close()
    assert tally.clocks.height(Look()) < 600
    assert stream.getvalue().count("\n") == 3000
    assert len(sink._look._units) == len(sink._events._turns._paces) == 1000


@pytest.mark.parametrize("width", [1, 5, 20, 80])
def test_nothing_is_wider_than_the_terminal(width):
    """F-119."""
    script = f"""
from l2logger.sinks.console import ConsoleSink
from kinds import one_of_each
from showing import RUN
for style in {STYLES}:
    sink = ConsoleSink(style=style, every=1)
    sink.open(RUN)
    for each in one_of_each():
        sink.write(each)
    sink.close()
"""
    output = on_a_terminal(script, columns=width)
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", output)
    assert width < 20 or max(map(cell_len, plain.splitlines())) <= width


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_a_stream_may_know_few_characters(encoding, tmp_path):
    """F-119."""
    with open(tmp_path / "out", "w", encoding=encoding) as stream:
        sink = ConsoleSink(stream=stream, style="line")
        sink.open(RUN)
        for each in one_of_each():
            sink.write(each)
        sink.close()
    assert "-0.5000 = # 1.500" in (tmp_path / "out").read_text(encoding=encoding)


def test_signals_stay_as_they_were():
    """S2-6: the raw value is what other sinks get."""
    given = one_of_each()
    shown(*given, formats={"agent/loss": "percent"}, silent="reward")
    assert given == one_of_each()


@pytest.mark.parametrize("style", STYLES)
def test_the_sink_may_be_opened_again(style):
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, style=style, every=1)
    for _ in range(2):
        sink.open(RUN)
        for each in one_of_each():
            sink.write(each)
        sink.close()
    sink.write(metrics(1, closed=1))
    assert stream.getvalue().count("lr dropped") == 2
    assert "closed" not in stream.getvalue()


# Order, and what is never left out.


def test_columns_of_records_come_in_the_order_of_metrics_columns():
    """S2-4: then the others, by the alphabet."""
    run = RUN._replace(logger_info={"metrics_columns": ["reward", "loss"]})
    stream = io.StringIO()
    sink = ConsoleSink(stream=stream, style="line")
    sink.open(run)
    sink.write(signal(0, zeta=1, loss=2, reward=3, alpha=4))
    sink.close()
    assert stream.getvalue().split()[:7] == ["block", "task_name", "exp_num", "reward", "loss", "alpha", "zeta"]


def test_the_live_table_has_the_same_order():
    look = Look()
    look.rank(["reward", "loss"])
    tally = Tally("run")
    tally.add(signal(0, zeta=1, loss=2, reward=3, alpha=4).fields)
    header = str(table(tally, look, 0.0, width=120)).splitlines()[3].split()
    assert [name for name in header if name != "mean"][3:] == ["reward", "loss", "alpha", "zeta"]


@pytest.mark.parametrize("style", ["frame", "line"])
def test_metrics_of_a_step_come_as_they_were_given(style):
    """S2-1."""
    text = shown(metrics(1, zeta=1, reward=2, alpha=3), style=style)
    assert re.findall("zeta|reward|alpha", text) == ["zeta", "reward", "alpha"]


@pytest.mark.parametrize("style", STYLES)
def test_the_last_of_each_name_is_shown_in_the_end(style):
    """S4-10: if it was not its turn before."""
    images = [of_kind("image", n, name=f"n{n % 2}", path=f"p{n}", width=1, height=1, channels=1) for n in range(8)]
    text = shown(*images, style=style, every=3600.0)
    assert re.findall(r"p\d", text) == ["p0", "p1", "p6", "p7"]


def test_what_was_shown_is_not_shown_again_in_the_end():
    images = [of_kind("image", n, name="n", path=f"p{n}", width=1, height=1, channels=1) for n in range(5)]
    assert re.findall(r"p\d", shown(*images, style="line", every=2)) == ["p0", "p2", "p4"]


def test_every_version_of_an_artifact_is_shown():
    """S4-5."""
    versions = [
        of_kind("artifact", n, name="net", version=f"v{n}", path=f"artifacts/net/v{n}", files=(), nbytes=0, aliases=())
        for n in range(4)
    ]
    assert re.findall(r" (v\d) ", shown(*versions, style="line", every=3600.0)) == ["v0", "v1", "v2", "v3"]


@pytest.mark.parametrize(
    ("level", "style"), [("debug", "2"), ("info", ""), ("warning", "33"), ("error", "31")], ids=lambda each: each
)
def test_notes_show_their_level(level, style, monkeypatch):
    """S3-9."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    line = shown(of_kind("note", text="lr dropped", level=level), style="line").splitlines()[-1]
    plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
    assert plain == "note  lr dropped" if level == "info" else plain == f"note  {level}  lr dropped"
    assert (f"\x1b[{style}mlr dropped" in line) is bool(style)
