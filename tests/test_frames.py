"""The frames around a step and around parameters: exactly what is drawn."""

import pytest
from rich.cells import cell_len

from l2logger.sinks.console import frames

STEP = """\
╒════════════════════╤════════════════════╕
│      timestep      │        7000        │
├────────────────────┼────────────────────┤
│   episode reward   │       -120.5       │
╘════════════════════╧════════════════════╛
"""
PARAMETERS = (
    "═════════════════════════════════════════════════════\n"
    "              G               \n"
    "───────────────────────────────┬─────────────────────\n"
    "             seed              │ None                \n"
    "═══════════════════════════════╧═════════════════════\n"
)


def lines(frame) -> list[str]:
    return str(frame).splitlines()


def test_a_step_is_drawn_in_the_frame_of_ml_logger():
    """S2-4: keys and values centered, at least 20 wide, underscores of keys shown as spaces."""
    assert str(frames.step({"timestep": 7000, "episode_reward": -120.5})) == STEP


def test_the_columns_of_a_step_grow_to_the_longest():
    """S2-4."""
    assert lines(frames.step({"a_key_of_24_characters_xx": 1, "b": "a value of 25 characters."})) == [
        "╒═════════════════════════╤═════════════════════════╕",
        "│a key of 24 characters xx│            1            │",
        "├─────────────────────────┼─────────────────────────┤",
        "│            b            │a value of 25 characters.│",
        "╘═════════════════════════╧═════════════════════════╛",
    ]


@pytest.mark.parametrize("text", ["報酬", "報酬" * 12, "🎯 hits", "re\u0301ward", "naïve", "한국어"])
def test_wide_characters_keep_a_step_straight(text):
    """S2-4."""
    frame = lines(frames.step({text: 1, "reward": text, "x": 2}))
    assert len({cell_len(line) for line in frame}) == 1
    assert len({cell_len(line[: line.index("│", 1)]) for line in frame if "│" in line}) == 1


def test_nothing_visible_is_no_frame():
    """S2-4."""
    assert str(frames.step({})) == ""
    assert str(frames.parameters({})) == ""


def test_only_values_are_colored():
    """S2-6."""
    frame = frames.step({"reward": 1, "loss": 2}, colors={"reward": "yellow"})
    assert [(span.style, frame.plain[span.start : span.end].strip()) for span in frame.spans] == [("yellow", "1")]


def test_keys_may_have_labels():
    frame = str(frames.step({"wall_time": 1}, label=lambda key: f"{key} (s)"))
    assert f"│{'wall time (s)':^20}│" in frame


def test_parameters_are_drawn_in_the_frame_of_ml_logger():
    """S2-7: closed with a joint for one section as well."""
    assert str(frames.parameters({"G": {"seed": None}})) == PARAMETERS


def test_several_sections_of_parameters_are_joined():
    """S2-7."""
    rule = "═" * 31 + "╧" + "═" * 21
    drawn = lines(frames.parameters({"G": {"seed": None}, "Adam": {"lr": 0.001, "name": "x"}}))
    assert drawn[:4] == PARAMETERS.splitlines()[:4]
    assert drawn[4:] == [
        rule,
        "             Adam             ",
        "─" * 31 + "┬" + "─" * 21,
        "              lr               │ 0.001               ",
        "             name              │ x                   ",
        rule,
    ]


def test_parameters_grow_and_stay_straight():
    """S2-7."""
    drawn = lines(frames.parameters({"策略": {"k" * 40: 1}, "x": {"k": "日本" * 10}}))
    rows = [line for line in drawn if "│" in line]
    assert {(cell_len(row), row.index("│")) for row in rows} == {(40 + 3 + 40, 41)}
    assert {cell_len(line) for line in drawn if line[0] in "═─"} == {40 + 3 + 40}


@pytest.mark.parametrize("width", range(20, 60))
def test_frames_shrink_to_the_terminal(width):
    """F-119."""
    step = frames.step({"episode_reward_of_the_agent": 1, "日本語のキー": "日本語の値です"}, width=width)
    parameters = frames.parameters({"a very long title, to be sure": {"key": "v" * 30}}, width=width)
    assert max(map(cell_len, lines(step))) <= width
    assert max(map(cell_len, lines(parameters))) <= width
    assert {cell_len(line) for line in lines(step)} == {min(width, cell_len(lines(step)[0]))}


@pytest.mark.parametrize("width", [1, 2, 19])
def test_where_there_is_no_room_for_a_frame_there_is_none(width):
    """F-119: the terminal breaks the lines, and nothing is lost."""
    assert str(frames.step({"episode_reward": 1, "x": "text"}, width=width)) == "episode reward 1\nx text\n"
    assert str(frames.parameters({"G": {"seed": None}}, width=width)) == "G\nseed None\n"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202egnp", "\\u202egnp"),
        ("\ud800", "\\ud800"),
        ("[bold]x[/] :smile:", "[bold]x[/] :smile:"),
    ],
    ids=["csi", "osc", "newlines", "bidi", "surrogate", "markup"],
)
def test_what_a_terminal_would_obey_is_shown(text, seen):
    """F-121, F-035."""
    assert f"│{seen:^20}│{seen:^20}│" in str(frames.step({text: text}))
    assert f"{seen:^30} │ {seen:<20}\n" in str(frames.parameters({text: {text: text}}))


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (7000, "7000"),
        (12345678901234567890, "12345678901234567890"),
        (-120.5, "-120.5"),
        (0.1 + 0.2, "0.3"),
        (1234567.0, "1234567.0"),
        (2 / 7e9, "2.85714e-10"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (True, "True"),
        (None, "None"),
        ("", ""),
        ("3.14159265358979", "3.14159265358979"),
        ([1, 2], "[1, 2]"),
    ],
)
def test_values_are_shown_without_digits_that_nobody_reads(value, seen):
    assert f"│{seen:^20}│\n" in str(frames.step({"x": value}))


def test_a_text_without_end_is_cut():
    assert max(map(len, lines(frames.step({"x" * 10**6: "y" * 10**6})))) == 200 + 200 + 3
