"""`l2logger.util` beside that of the original 1.8.2: the same tables, and a list of all that is meant to differ."""

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import original
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from l2logger import cells
from l2logger.schema import V1_0, V1_1

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden" / "runs"

# Both interpreters run this: it evaluates questions about directories, and pickles plain answers.
DRIVER = """
import inspect, logging, os, pathlib, pickle, sys, warnings
from pathlib import Path
import numpy as np, pandas as pd
import l2logger.util as u

original = "/.upstream-venv/" in u.__file__.replace(os.sep, "/")
assert original == (sys.argv[1] == "theirs"), u.__file__
if original:
    # It reads files as the directory lists them; where that shows, it is compared in the order that ours is sure to use.
    scan = pathlib.Path.rglob
    pathlib.Path.rglob = lambda self, pattern: sorted(scan(self, pattern), key=str)
    warnings.simplefilter("ignore")
else:
    warnings.filterwarnings("ignore", message="some of the log")

class Count(logging.Handler):
    def emit(self, record):
        logged.append(record.levelname)

logged, tables = [], {}
logging.getLogger("l2logger.util").addHandler(Count())
logging.getLogger("l2logger.util").propagate = False

def plain(value):
    if isinstance(value, pd.DataFrame):
        return {
            "columns": list(value.columns),
            "dtypes": [str(dtype) for dtype in value.dtypes],
            "index": (type(value.index).__name__, value.index.tolist()),
            "rows": [[plain(cell) for cell in value.iloc[:, place].tolist()] for place in range(value.shape[1])],
        }
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, float):
        return ("float", repr(value))
    return value

def table(d):
    if str(d) not in tables:
        tables[str(d)] = u.read_log_data(d)
    return tables[str(d)].copy()

def regimes(d):
    return u.fill_regime_num(table(d)[lambda rows: rows["exp_status"] == "complete"].copy())

def beside(d, name, text):
    directory = d.parent / "beside" / sys.argv[1]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)
    return directory

def valid(d):
    return u.validate_log(table(d), u.read_logger_info(d)["metrics_columns"])

def answer(question, d):
    logged.clear()
    try:
        found = plain(eval(question, globals() | {"d": Path(d)}))
    except Exception as error:
        found = [each.__name__ for each in type(error).__mro__]
        return {"error": found, "logged": list(logged)}
    return {"answer": found, "logged": list(logged)}

with open(sys.argv[2], "rb") as file:
    questions = pickle.load(file)
for variable in "L2DATA", "HOME":
    os.environ[variable] = str(Path(sys.argv[2]).parent / "l2data")
with open(sys.argv[3], "wb") as file:
    pickle.dump([answer(*each) for each in questions], file)
"""


class Sides(NamedTuple):
    """What the original and what ours answered."""

    theirs: dict[str, Any]
    ours: dict[str, Any]


@pytest.fixture(scope="module")
def python():
    try:
        return original.interpreter()
    except OSError as error:
        pytest.skip(str(error))


def ask(python: str, directory: Path, questions: list[tuple[str, str]]) -> list[Sides]:
    """Let one process of each side answer all questions, pairs of an expression and the directory it is about."""
    (directory / "driver.py").write_text(DRIVER)
    (directory / "questions").write_bytes(pickle.dumps(questions))
    sides = []
    for side, interpreter in ("theirs", python), ("ours", sys.executable):
        command = [interpreter, directory / "driver.py", side, directory / "questions", directory / side]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=directory)
        assert result.returncode == 0, result.stderr
        sides.append(pickle.loads((directory / side).read_bytes()))
    return [Sides(*each) for each in zip(*sides, strict=True)]


COLUMNS = list(V1_1.columns)
ROW = {
    "block_num": 0,
    "exp_num": 0,
    "worker_id": "w0",
    "block_type": "train",
    "block_subtype": "wake",
    "task_name": "Task_a",
    "task_params": '{"gravity": 9.8}',
    "exp_status": "complete",
    "timestamp": "20261121T000000.000000",
    "reward": 0.5,
}


def log_file(*rows: dict[str, Any], columns: list[str] | None = None) -> bytes:
    """Return the bytes of a log file, in which each row has, but for what is given, the fields of `ROW`."""
    columns = columns or [*COLUMNS, "reward"]
    full = [{**ROW, "exp_num": number, **row} for number, row in enumerate(rows)]
    return cells.header(columns) + b"".join(cells.line(columns, row) for row in full)


def write(directory: Path, files: dict[str, bytes], metrics: tuple[str, ...] = ("reward",)) -> None:
    infos = {"logger_info.json": {"metrics_columns": metrics, "log_format_version": "1.1"}, "scenario_info.json": {}}
    files = {**{name: json.dumps(info).encode() for name, info in infos.items()}, **files}
    for name, data in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)


FILE = "w0/0-train/data-log.tsv"
OTHER = "w1/0-train/data-log.tsv"

# ---------------------------------------------------------------------------------------------------------- the same

QUESTIONS = [
    "table(d)",
    "u.read_log_data(d, ['reward']).drop(columns='block_subtype')",
    "valid(d)",
    "regimes(d)",
    "u.parse_blocks(regimes(d))",
    "u.parse_blocks(regimes(d), include_task_params=False)",
    "u.parse_blocks(regimes(d).sort_values(['regime_num', 'exp_num']).set_index('regime_num', drop=False), False)",
    "u.read_logger_info(d)",
    "u.read_scenario_info(d)",
]

# Goldens in which something of `BETTER` shows.
GOLDENS_BETTER = {
    "infos": "no data",
    "list_scenario_info": "no data",
    "no_scenario_info": "no data",
    "numpy_values": "words for missing",
    "quoting": "words for missing; NUL at the end of a task name",
    "rejected_first": "one row",
    "unicode": "lower case",
    "values": "words for missing",
}

NAMES = st.sampled_from(["Task_a", "task_A", "Other_1", "x_y"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map("n{}".format)
NUMBERS = {
    "integers": st.integers(-(2**63), 2**63 - 1),
    "floats": st.floats(),
    "whole floats": st.integers(-9, 9).map(float),
    "truth": st.booleans(),
    "text": TEXT,
    "nothing": st.none(),
}


@st.composite
def logs(draw: Any) -> dict[str, bytes]:
    """Draw the files of a run with several workers and blocks, metrics of all kinds, and missing cells."""
    kinds = draw(
        st.dictionaries(st.sampled_from(["reward", "Loss", "note", "z z"]), st.sampled_from(list(NUMBERS)), min_size=1)
    )
    kinds.setdefault("reward", "floats")
    may_miss = draw(st.booleans())
    columns = [name for name in COLUMNS if name != "block_subtype" or draw(st.booleans())] + sorted(kinds)
    some_params = st.sampled_from(['{"a": 1}', "{}", '{"b": "\\u00e9"}'])
    params = draw(st.sampled_from([some_params, st.one_of(some_params, st.none())]))
    files: dict[str, list[dict[str, Any]]] = {}
    block = exp = 0
    for number in range(draw(st.integers(2, 14))):
        block += draw(st.integers(0, 1))
        exp += draw(st.integers(0, 2))
        worker = draw(st.sampled_from(["w0", "w-1", "driver.py_2"]))
        row = {
            "block_num": block,
            "exp_num": exp,
            "worker_id": worker,
            "block_type": "test" if block % 2 else "train",
            "block_subtype": draw(st.sampled_from(["wake", "sleep"])),
            "task_name": draw(NAMES),
            "task_params": draw(params),
            "exp_status": draw(st.sampled_from(["complete", "complete", "incomplete"])) if number > 1 else "complete",
        }
        for name, kind in kinds.items():
            values = NUMBERS[kind]
            row[name] = draw(st.one_of(st.none(), values) if may_miss and kind != "truth" else values)
        files.setdefault(f"{worker}/{block}-{row['block_type']}/data-log.tsv", []).append(row)
    return {name: log_file(*rows, columns=columns) for name, rows in files.items()}


def drawn(directory: Path, count: int) -> list[Path]:
    """Write as many logs and return their directories."""
    made: list[Path] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(logs())
    def write_one(files):
        made.append(directory / f"log{len(made)}")
        write(made[-1], files)

    write_one()
    return made


def normal(side: dict[str, Any]) -> dict[str, Any]:
    """Return an answer to compare: of errors the type, and one name for all types that a column of text may have."""
    if "error" in side:
        return {"error": side["error"][0], "logged": side["logged"]}
    table = side["answer"]
    if not isinstance(table, dict) or "dtypes" not in table:
        return side
    kinds = [
        "text" if all(isinstance(cell, str) or cell == ("float", "nan") for cell in column) else kind
        for kind, column in zip(table["dtypes"], table["rows"], strict=True)
    ]
    return {**side, "answer": {**table, "dtypes": kinds}}


def test_goldens_and_drawn_logs_give_equal_tables(python, tmp_path):
    """S1-32 to S1-36, S1-41 to S1-45, S1-52: values, types, columns, order, index, what is logged, types of errors."""
    goldens = sorted(path.parent for path in GOLDEN.rglob("logger_info.json"))
    assert len(goldens) > len(GOLDENS_BETTER)
    directories = [*goldens, *drawn(tmp_path, 100)]
    questions = [(question, str(directory)) for directory in directories for question in QUESTIONS]
    answers = zip(questions, ask(python, tmp_path, questions), strict=True)
    unequal = [(*asked, *sides) for asked, sides in answers if normal(sides.theirs) != normal(sides.ours)]
    of_goldens = {Path(each[1]).relative_to(GOLDEN).parts[0] for each in unequal if Path(each[1]) in goldens}
    assert of_goldens == set(GOLDENS_BETTER)
    assert [each for each in unequal if Path(each[1]) not in goldens][:1] == []


# ----------------------------------------------------------------------------------------------------- the same errors

SAME_ERRORS = {
    "no such path": ("u.read_log_data(d / 'a' / 'b')", "NotADirectoryError"),
    "no such name": ("u.read_log_data(Path('nowhere'))", "FileNotFoundError"),
    "a file": ("u.read_log_data(d / 'logger_info.json')", "FileNotFoundError"),
    "a name in no directory": ("u.get_fully_qualified_name(Path('x/y'))", "NotADirectoryError"),
    "unknown column": ("u.read_log_data(d, ['nope'])", "KeyError"),
    "no logger info": ("u.read_logger_info(d / 'w0')", "FileNotFoundError"),
    "no scenario info": ("u.read_scenario_info(d / 'w0')", "FileNotFoundError"),
    "no logger info at no path": ("u.read_logger_info(d / 'a' / 'b')", "NotADirectoryError"),
    "bad JSON": ("u.read_logger_info(beside(d, 'logger_info.json', '{'))", "JSONDecodeError"),
    "bad scenario": (
        "u.read_scenario_info(beside(d, 'scenario_info.json', '['))",
        "JSONDecodeError",
    ),
    "regimes twice": ("u.fill_regime_num(regimes(d))", "ValueError"),
    "regimes of what": ("u.fill_regime_num(table(d).drop(columns='task_name'))", "AttributeError"),
    "blocks without regimes": ("u.parse_blocks(table(d))", "KeyError"),
    "blocks without names": ("u.parse_blocks(regimes(d).drop(columns='task_name'))", "KeyError"),
    **{
        f"invalid: {name}": (f"u.validate_log({table}, ['reward'])", "RuntimeError")
        for name, table in {
            "no column": "table(d).drop(columns='timestamp')",
            "no such column in the files": "u.read_log_data(beside(d, 'data-log.tsv', 'block_num\\texp_num\\ttask_name\\n0\\t0\\ta_b\\n'))",
            "no metric": "table(d).drop(columns='reward')",
            "negative block": "table(d).assign(block_num=-1)",
            "missing block": "table(d).assign(block_num=float('nan'))",
            "falling block": "table(d).assign(block_num=[3, 2, 1, 0])",
            "negative exp": "table(d).assign(exp_num=[-1, 0, 1, 2])",
            "falling exp": "table(d)[::-1].assign(block_num=0)",
            "block type": "table(d).assign(block_type='Train')",
            "missing block type": "table(d).assign(block_type=[None, 'train', 'train', 'test'])",
            "block subtype": "table(d).assign(block_subtype='nap')",
            "missing block subtype": "table(d).assign(block_subtype=np.nan)",
            "status": "table(d).assign(exp_status='done')",
            "worker": "table(d).assign(worker_id='a b')",
            "empty worker": "table(d).assign(worker_id='')",
            "params": "table(d).assign(task_params='{')",
            "parsed params": "table(d).assign(task_params=[{}, {}, {}, {}])",
            "number for params": "table(d).assign(task_params=5)",
        }.items()
    },
}

SAME_ANSWERS = {
    "half a block": "u.validate_log(table(d).assign(block_num=0.5), ['reward'])",
    "number for worker": "u.validate_log(table(d).assign(worker_id=5), ['reward'])",
    "missing worker": "u.validate_log(table(d).assign(worker_id=np.nan), ['reward'])",
    "missing params": "u.validate_log(table(d).assign(task_params=np.nan), ['reward'])",
    "empty params": "u.validate_log(table(d).assign(task_params=''), ['reward'])",
    "list for params": "u.validate_log(table(d).assign(task_params='[NaN]'), ['reward'])",
    "no subtype": "u.validate_log(table(d).drop(columns='block_subtype'), ['reward'])",
    "odd names": "u.validate_log(table(d).assign(task_name='a_b_c'), ['reward'])",
    "no rows": "u.validate_log(table(d)[:0], ['reward'])",
    "categories": "u.validate_log(table(d).astype({'block_type': 'category', 'task_params': 'category'}), ['reward'])",
    "regimes of categories": "u.fill_regime_num(table(d).astype({'block_type': 'category'}).iloc[[3, 0, 1]])",
    "regimes in place": "(lambda t: u.fill_regime_num(t) is t and list(t)[:2])(table(d))",
    "missing names": "u.fill_regime_num(table(d).assign(task_name=np.nan))",
    "blocks with gaps": "u.parse_blocks(regimes(d).assign(task_params=['{}', None, None, '{}']))",
    "blocks left out": "u.parse_blocks(regimes(d)[-1:])",
    "root": "u.get_l2data_root()",
    "root is made": "u.get_l2data_root(warn=False).is_dir()",
    "default root": "os.environ.pop('L2DATA') and (u.get_l2data_root(), u.get_l2data_root(False), os.environ.update(L2DATA=os.environ['HOME']))[:2]",
    "below the root": "u.get_l2root_base_dirs('taskinfo', 'a.pickle')",
    "below the root, short": "u.get_l2root_base_dirs('taskinfo')",
    "full name": "u.get_fully_qualified_name(Path('some'))",
    "full name of what is there": "u.get_fully_qualified_name(d)",
    "scenario": "u.read_scenario_info(beside(d, 'scenario_info.json', "
    """'{"difficulty": "1-EASY", "complexity": "no"}'))""",
    "any object": "u.read_logger_info(beside(d, 'logger_info.json', '[1]'))",
    "signatures": "[(n, [(p.name, p.default) for p in inspect.signature(vars(u)[n]).parameters.values()])"
    " for n in sorted(vars(u)) if n[0] != '_' and getattr(vars(u)[n], '__module__', '') == u.__name__]",
}


@pytest.fixture(scope="module")
def small(python, tmp_path_factory):
    """Questions about one small log, asked of both."""
    directory = tmp_path_factory.mktemp("small")
    rows = [{}, {"task_name": "Task_b"}, {}, {"block_num": 1, "block_type": "test"}]
    write(directory / "log", {FILE: log_file(*rows)})
    asked = [question for question, _ in SAME_ERRORS.values()] + list(SAME_ANSWERS.values())
    sides = ask(python, directory, [(question, str(directory / "log")) for question in asked])
    return dict(zip(asked, sides, strict=True))


@pytest.mark.parametrize("case", SAME_ERRORS)
def test_errors_are_of_the_same_type(small, case):
    """S1-36, S1-39, S1-40, S1-42: or of a type below it."""
    question, kind = SAME_ERRORS[case]
    assert small[question].theirs["error"][0] == kind
    assert kind in small[question].ours["error"]


@pytest.mark.parametrize("case", SAME_ANSWERS)
def test_answers_are_the_same(small, case):
    """S1-38, S1-39, S1-41 to S1-45."""
    theirs, ours = small[SAME_ANSWERS[case]]
    assert "error" not in theirs
    assert normal(ours) == normal(theirs)


# ------------------------------------------------------------------------------------------------ the same, but better


class Better(NamedTuple):
    """One way in which ours is meant to differ.

    Attributes:
        why: The reason, and where FORMAT asks for it.
        files: The log, beside good info files.
        question: What is asked.
        theirs: The original's answer, or the type of its error.
        ours: The same of ours.
    """

    why: str
    files: dict[str, bytes]
    question: str
    theirs: Any
    ours: Any


NAN = ("float", "nan")
GOOD = log_file({}, {})
TEXT_KIND = "str(table(d)[{!r}].dtype) in ('object', 'str')"

BETTER = {
    "no data": Better(
        "an error that says it (11); what is missing is files, and who asked for them may catch that",
        {},
        "table(d)",
        "AttributeError",
        "FileNotFoundError",
    ),
    "empty file": Better(
        "a file that was only opened has no records, and that is no error (F-060)",
        {FILE: b""},
        "table(d).shape",
        "EmptyDataError",
        [0, 9],
    ),
    "no log at all": Better(
        "an error that names path and line (F-079); the original's, too, is a ValueError",
        {FILE: b"\xff\xfe\0\0"},
        "table(d)",
        "UnicodeDecodeError",
        "LogFormatError",
    ),
    "empty file beside good ones": Better(
        "good files are still read (F-077)", {FILE: GOOD, OTHER: b""}, "len(table(d))", "EmptyDataError", 2
    ),
    "header alone": Better("an empty table works (11)", {FILE: log_file()}, "table(d).shape", "TypeError", [0, 10]),
    "header alone, regimes": Better(
        "an empty table works (19)", {FILE: log_file()}, "u.parse_blocks(regimes(d)).shape", "TypeError", [0, 7]
    ),
    "header beside records": Better(
        "a file without records does not change the types (11)",
        {FILE: GOOD, OTHER: log_file()},
        "str(table(d)['exp_num'].dtype)",
        "object",
        "int64",
    ),
    "one row": Better(
        "one-row logs work (14, 19)", {FILE: log_file({})}, "regimes(d)['regime_num'].tolist()", "IndexError", [0]
    ),
    "no complete row": Better(
        "empty logs work (19)",
        {FILE: log_file(*[{"exp_status": "incomplete"}] * 3)},
        "len(u.parse_blocks(regimes(d)))",
        "IndexError",
        0,
    ),
    "worker of digits": Better(
        "identifiers are text (11)",
        {FILE: log_file({"worker_id": "007"}, {"worker_id": "1"})},
        "table(d)['worker_id'].tolist()",
        [7, 1],
        ["007", "1"],
    ),
    "task name of digits": Better(
        "identifiers are text (11)",
        {FILE: log_file({"task_name": "1"}, {"task_name": "1e5"})},
        "table(d)['task_name'].tolist()",
        "TypeError",
        ["1", "1e5"],
    ),
    "task name of truth": Better(
        "identifiers are text (11)",
        {FILE: log_file({"task_name": "True"})},
        "table(d)['task_name'].tolist()",
        "TypeError",
        ["true"],
    ),
    "words for missing": Better(
        "NA words stay in text columns (11)",
        {FILE: log_file({"task_name": "NA"}, {"task_name": "a_b"}, {"task_name": "null"})},
        "table(d)['task_name'].tolist()",
        ["nan", "a_b", "nan"],
        ["na", "a_b", "null"],
    ),
    "words for missing in metrics of text": Better(
        "NA words stay in text columns (11)",
        {FILE: log_file({"reward": "NA"}, {"reward": "x"})},
        "table(d)['reward'].tolist()",
        [NAN, "x"],
        ["NA", "x"],
    ),
    "missing task name": Better(
        "a missing name is missing, not the text nan",
        {FILE: log_file({"task_name": ""}, {})},
        "table(d)['task_name'].tolist()",
        ["nan", "task_a"],
        [NAN, "task_a"],
    ),
    "NUL at the end of a task name": Better(
        "text is what was written",
        {FILE: log_file({"task_name": "a_b\0"})},
        "table(d)['task_name'].tolist()",
        ["a_b"],
        ["a_b\0"],
    ),
    "lower case": Better(
        "no letter is cut off where lower case takes more of them",
        {FILE: log_file({"task_name": "İ_1"})},
        "table(d)['task_name'].tolist()",
        ["i\u0307_"],
        ["i_1"],
    ),
    "format 1.0 beside 1.1": Better(
        "block_subtype per file (11)",
        {
            FILE: log_file({}, columns=[*V1_0.columns, "reward"]),
            OTHER: log_file({"exp_num": 1, "block_subtype": "sleep"}),
        },
        "table(d)['block_subtype'].tolist()",
        [NAN, "sleep"],
        ["wake", "sleep"],
    ),
    "subtype of a narrow table": Better(
        "the column is made up as wake though the file says sleep; ours is read",
        {FILE: log_file({"block_subtype": "sleep"})},
        "u.read_log_data(d, ['reward'])['block_subtype'].tolist()",
        ["wake"],
        ["sleep"],
    ),
    "subtype asked of format 1.0": Better(
        "a column that every table has can be asked for",
        {FILE: log_file({}, columns=[*V1_0.columns, "reward"])},
        "u.read_log_data(d, ['block_subtype'])['block_subtype'].tolist()",
        "KeyError",
        ["wake"],
    ),
    "column asked for that only some files have": Better(
        "a name is unknown if no file has it; as in the wide table, missing cells are NaN",
        {FILE: log_file({}), OTHER: log_file({"exp_num": 1, "loss": 1.5}, columns=[*COLUMNS, "loss"])},
        "u.read_log_data(d, ['loss'])['loss'].tolist()",
        "KeyError",
        [NAN, ("float", "1.5")],
    ),
    "column asked for twice": Better(
        "one column of each name",
        {FILE: log_file({})},
        "list(u.read_log_data(d, ['reward', 'reward']).columns).count('reward')",
        2,
        1,
    ),
    "parameters missing throughout": Better(
        "text columns are of one type, whatever is missing",
        {FILE: log_file({"task_params": ""}, {"task_params": ""})},
        TEXT_KIND.format("task_params"),
        False,
        True,
    ),
    "truth beside numbers": Better(
        "the type is that of all cells: text, as in one file, not a column of True and 1",
        {FILE: log_file({"reward": True}), OTHER: log_file({"exp_num": 1, "reward": 5})},
        "table(d)['reward'].tolist()",
        [True, 5],
        ["True", "5"],
    ),
    "truth beside nothing": Better(
        "truth with gaps is the same, whichever file the gaps are in",
        {FILE: log_file({"reward": None}), OTHER: log_file({"exp_num": 1, "reward": True})},
        "table(d)['reward'].tolist()",
        [NAN, ("float", "1.0")],
        [NAN, True],
    ),
    "numbers beside text": Better(
        "the type is that of all cells: text, as in one file",
        {FILE: log_file({"reward": 1.5}), OTHER: log_file({"exp_num": 1, "reward": "x"})},
        "table(d)['reward'].tolist()",
        [("float", "1.5"), "x"],
        ["1.5", "x"],
    ),
    "last line torn": Better(
        "it is no record (F-075); the original takes it for one",
        {FILE: GOOD + b"0\t2\tw0\ttrain"},
        "len(table(d))",
        3,
        2,
    ),
    "line too long": Better(
        "reported with path and line, the others are read (F-076)",
        {FILE: GOOD + b"x\t" + GOOD.splitlines(keepends=True)[1]},
        "len(table(d))",
        "ParserError",
        2,
    ),
    "line too short": Better(
        "reported with path and line, no record (F-076)", {FILE: GOOD + b"0\t2\tw0\n"}, "len(table(d))", 3, 2
    ),
    "text for a path": Better(
        "text is taken for a path", {FILE: GOOD}, "len(u.read_log_data(str(d)))", "AttributeError", 2
    ),
    "scenario info that is no object": Better(
        "an error that says it (13)",
        {FILE: GOOD, "scenario_info.json": b"[]"},
        "u.read_scenario_info(d)",
        "AttributeError",
        "LogFormatError",
    ),
    "scenario word that is no text": Better(
        "logged as an error, like any other bad word (13)",
        {FILE: GOOD, "scenario_info.json": b'{"complexity": 1}'},
        "u.read_scenario_info(d)['complexity']",
        "AttributeError",
        1,
    ),
    "info with a byte order mark": Better(
        "editors of Windows leave one (F-083)",
        {FILE: GOOD, "logger_info.json": b"\xef\xbb\xbf{}"},
        "u.read_logger_info(d)",
        "JSONDecodeError",
        {},
    ),
    "text for a number": Better(
        "a broken rule is a RuntimeError (12), here too",
        {FILE: GOOD},
        "u.validate_log(table(d).assign(block_num='x'), ['reward'])",
        "TypeError",
        "RecordError",
    ),
    "missing task name, checked": Better(
        "a name that breaks the pattern is a warning (12)",
        {FILE: GOOD},
        "u.validate_log(table(d).assign(task_name=pd.Series([None, 'a_b'], dtype=object)), ['reward'])",
        "TypeError",
        None,
    ),
}


@pytest.fixture(scope="module")
def better(python, tmp_path_factory):
    directory = tmp_path_factory.mktemp("better")
    questions = []
    for number, case in enumerate(BETTER.values()):
        write(directory / str(number), case.files)
        questions.append((case.question, str(directory / str(number))))
    return dict(zip(BETTER, ask(python, directory, questions), strict=True))


@pytest.mark.parametrize("name", BETTER)
def test_what_differs_differs_as_meant(better, name):
    """All that `Better` says of the case is true, of the original as well."""
    found = [side["error"][0] if "error" in side else side["answer"] for side in better[name]]
    assert found == [BETTER[name].theirs, BETTER[name].ours]
