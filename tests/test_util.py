"""`l2logger.util`: the functions of the original, one fact a test.

They run beside the original itself in ``tests/interop/test_util_parity.py``, and on old versions of pandas.
"""

import errno
import json
import logging
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reading import record

from l2logger import LogFormatError, LogWarning, RecordError, SchemaError, util

TEXT = pd.Series(["text"]).dtype
HEADER = "block_num exp_num worker_id block_type block_subtype task_name task_params exp_status timestamp reward"
ROW = ["0", "0", "w0", "train", "wake", "Task_a", "{}", "complete", "20261121T000000.000000", "0.5"]


def lines(*rows, header=HEADER):
    """Return the text of a log file; each row is a dict of the cells that are not those of `ROW`."""
    columns = header.split()
    usual = dict(zip(HEADER.split(), ROW, strict=True))
    full = [{**dict.fromkeys(columns, ""), **usual, "exp_num": str(place), **row} for place, row in enumerate(rows)]
    return "".join("\t".join(each) + "\n" for each in [columns, *([row[name] for name in columns] for row in full)])


@pytest.fixture
def run(tmp_path):
    """Write a run of these files, the names of which are given by worker and block, and return its directory."""

    def write(files, scenario_info="{}"):
        for name, text in files.items():
            path = tmp_path / "run" / name / "data-log.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            # Files of this moment are taken to be growing still.
            os.utime(path, (time.time() - 60,) * 2)
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / "logger_info.json").write_text(
            '{"metrics_columns": ["reward"], "log_format_version": "1.1"}'
        )
        (tmp_path / "run" / "scenario_info.json").write_text(scenario_info)
        return tmp_path / "run"

    return write


@pytest.fixture
def table(run):
    """Return the table of a log of one file with these rows."""
    return lambda *rows: util.read_log_data(run({"w0/0-train": lines(*rows)}))


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("L2DATA", str(tmp_path / "l2data"))
    return tmp_path / "l2data"


def levels(caplog):
    return [record.levelname for record in caplog.records if record.name == "l2logger.util"]


# ------------------------------------------------------------------------------------------------------------ places


def test_the_root_is_what_the_variable_says(root):
    """S1-38."""
    assert util.get_l2data_root() == root


def test_the_root_is_made(root):
    """S1-38."""
    util.get_l2data_root()
    assert root.is_dir()


def test_the_root_is_not_expanded(tmp_path, monkeypatch):
    """S1-38."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("L2DATA", "~/there")
    assert util.get_l2data_root() == Path("~/there")


def test_an_empty_variable_is_the_working_directory(monkeypatch):
    """S1-38."""
    monkeypatch.setenv("L2DATA", "")
    assert util.get_l2data_root() == Path()


def test_without_the_variable_the_root_is_at_home(tmp_path, monkeypatch):
    """S1-38."""
    monkeypatch.delenv("L2DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert util.get_l2data_root(warn=False) == tmp_path / "l2data"
    assert (tmp_path / "l2data").is_dir()


def test_on_windows_the_root_is_with_the_applications(tmp_path, monkeypatch):
    """S1-38."""
    monkeypatch.delenv("L2DATA", raising=False)
    monkeypatch.setenv("APPDATA", str(tmp_path))
    monkeypatch.setattr("platform.system", lambda: "Windows")
    assert util.get_l2data_root(warn=False) == tmp_path / "l2data"


@pytest.mark.parametrize(("warn", "logged"), [(True, ["WARNING"]), (False, [])])
def test_one_warning_says_that_the_variable_is_not_set(tmp_path, monkeypatch, caplog, warn, logged):
    """S1-38."""
    monkeypatch.delenv("L2DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    util.get_l2data_root(warn)
    assert levels(caplog) == logged


def test_a_root_that_cannot_be_made_is_an_error_that_names_the_variable(tmp_path, monkeypatch):
    """F-011."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("L2DATA", str(tmp_path / "file" / "l2data"))
    with pytest.raises(NotADirectoryError, match="L2DATA") as error:
        util.get_l2data_root()
    assert error.value.errno == errno.ENOTDIR


def test_places_below_the_root(root):
    """S1-38."""
    assert util.get_l2root_base_dirs("taskinfo", "a.pickle") == root / "taskinfo" / "a.pickle"
    assert util.get_l2root_base_dirs("logs") == root / "logs"
    assert list(root.iterdir()) == []


def test_a_path_that_exists_is_itself(tmp_path):
    """S1-39."""
    assert util.get_fully_qualified_name(tmp_path) == tmp_path


@pytest.mark.parametrize("name", ["some", "./some", "some/"])
def test_a_bare_name_is_looked_for_below_the_root(root, name):
    """S1-39."""
    assert util.get_fully_qualified_name(Path(name)) == root / "logs" / "some"


def test_looking_for_a_name_creates_nothing(root):
    """F-011."""
    util.get_fully_qualified_name(Path("some"))
    assert not root.exists()


def test_a_path_that_leads_nowhere_is_an_error(tmp_path):
    """S1-39."""
    with pytest.raises(NotADirectoryError, match="no log directory"):
        util.get_fully_qualified_name(tmp_path / "a" / "b")


# ----------------------------------------------------------------------------------------------------------- reading


def test_files_at_any_depth_are_read(run):
    """S1-32."""
    directory = run({"a": lines({"exp_num": "0"}), "b/c/d/e": lines({"exp_num": "1"}), ".": lines({"exp_num": "2"})})
    assert util.read_log_data(directory)["exp_num"].tolist() == [0, 1, 2]


def test_other_files_are_not_read(run):
    """S1-32."""
    directory = run({"w0/0-train": lines({})})
    (directory / "old-data-log.tsv").write_text(lines({}, {}))
    assert len(util.read_log_data(directory)) == 1


def test_rows_are_sorted_by_experience_then_block(run):
    """S1-33."""
    one = lines({"exp_num": "3", "block_num": "1"}, {"exp_num": "1", "block_num": "1"})
    other = lines({"exp_num": "1", "block_num": "0"}, {"exp_num": "10", "block_num": "0"})
    found = util.read_log_data(run({"a/1": one, "b/0": other}))
    assert found[["exp_num", "block_num"]].to_numpy().tolist() == [[1, 0], [1, 1], [3, 1], [10, 0]]


def test_ties_are_in_the_order_of_paths_and_lines(run):
    """S1-33."""
    ties = [{"exp_num": "0", "reward": str(place)} for place in range(6)]
    found = util.read_log_data(run({"b": lines(*ties[2:4]), "c": lines(*ties[4:]), "a": lines(*ties[:2])}))
    assert found["reward"].tolist() == [0, 1, 2, 3, 4, 5]


def test_the_index_is_new(table):
    """S1-33."""
    assert table({"exp_num": "1"}, {"exp_num": "0"}).index.equals(pd.RangeIndex(2))


def test_task_names_are_in_lower_case(table):
    """S1-34."""
    assert table({"task_name": "CartPole_LONG"})["task_name"].tolist() == ["cartpole_long"]


def test_nothing_else_is_in_lower_case(table):
    """S1-34."""
    assert table({"worker_id": "W0", "task_params": '"A"'})[["worker_id", "task_params"]].to_numpy().tolist() == [
        ["W0", "A"]
    ]


def test_the_subtype_of_format_1_0_is_wake_in_the_last_column(run):
    """S1-35, S1-55."""
    found = util.read_log_data(run({"w0/0-train": lines({}, header=HEADER.replace("block_subtype ", ""))}))
    assert list(found.columns) == [*HEADER.replace("block_subtype ", "").split(), "block_subtype"]
    assert found["block_subtype"].tolist() == ["wake"]


def test_the_subtype_is_made_up_for_files_without_it_only(run):
    """S1-35."""
    old, new = lines({}, header=HEADER.replace("block_subtype ", "")), lines({"exp_num": "1", "block_subtype": "sleep"})
    assert util.read_log_data(run({"a": old, "b": new}))["block_subtype"].tolist() == ["wake", "sleep"]


def test_a_narrow_table_has_the_standard_columns_and_those_asked_for(run):
    """S1-36."""
    directory = run({"w0/0-train": lines({"a": "1", "b": "2"}, header=HEADER + " a b")})
    found = util.read_log_data(directory, ["b", "reward"])
    standard = [
        "block_num",
        "exp_num",
        "block_type",
        "worker_id",
        "task_name",
        "task_params",
        "exp_status",
        "timestamp",
    ]
    assert list(found.columns) == [*standard, "b", "reward", "block_subtype"]
    assert found["b"].tolist() == [2]


def test_a_column_that_is_not_there_is_a_key_error(run):
    """S1-36."""
    with pytest.raises(KeyError, match=r"nope.*there are.*reward"):
        util.read_log_data(run({"w0/0-train": lines({})}), ["nope"])


def test_a_log_that_lacks_a_standard_column_is_read_and_not_valid(run):
    """S1-42."""
    found = util.read_log_data(run({"w0/0-train": lines({}, header=HEADER.replace("timestamp ", ""))}))
    assert "timestamp" not in found
    with pytest.raises(SchemaError, match="timestamp"):
        util.validate_log(found, ["reward"])


def test_columns_are_united_in_order_of_appearance(run):
    """S1-32."""
    files = {"a": lines({"z": "1"}, header=HEADER + " z"), "b": lines({"y": "2"}, header=HEADER + " y")}
    found = util.read_log_data(run(files))
    assert list(found.columns) == [*HEADER.split(), "z", "y"]
    assert found[["z", "y"]].isna().to_numpy().tolist() == [[False, True], [True, False]]


def test_columns_that_differ_in_case_are_two(run):
    found = util.read_log_data(run({"w0/0-train": lines({"loss": "1", "Loss": "2"}, header=HEADER + " Loss loss")}))
    assert found[["loss", "Loss"]].to_numpy().tolist() == [[1, 2]]


def test_column_names_may_be_any_text(run):
    names = ['"', "a;b", "c0", "path", "run", "'", "l2logger", "select"]
    text = (
        lines({})
        .replace("reward", "\t".join(["reward", '""""', *names[1:]]))
        .replace("0.5", "0.5" + "\t1" * len(names))
    )
    found = util.read_log_data(run({"w0/0-train": text}))
    assert list(found.columns)[-len(names) :] == names
    assert found[names].to_numpy().tolist() == [[1] * len(names)]


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        ("1 2", "int64", [1, 2]),
        ("1 0.5", "float64", [1.0, 0.5]),
        ("1 ", "float64", [1.0, None]),
        ("nan 1", "float64", [None, 1.0]),
        ("inf -inf", "float64", [np.inf, -np.inf]),
        ("1e-07 5e-324", "float64", [1e-7, 5e-324]),
        ("True False", "bool", [True, False]),
        ("True ", "object", [True, None]),
        ("a b", TEXT, ["a", "b"]),
        ("a ", TEXT, ["a", None]),
        ("NA null", "float64", [None, None]),
        ("NA x", TEXT, ["NA", "x"]),
        ("1 x", TEXT, ["1", "x"]),
        (" ", "float64", [None, None]),
    ],
)
def test_the_type_of_a_metric_is_that_of_its_cells(table, cells, kind, values):
    """FORMAT 11, F-028."""
    column = table(*({"reward": cell} for cell in cells.split(" ")))["reward"]
    assert column.dtype == kind
    assert [None if pd.isna(value) else value for value in column] == values


@pytest.mark.parametrize("word", ["007", "na", "nan", "null", "none", "true", "1e5", "#n/a"])
def test_identifiers_are_text(table, word):
    """F-028."""
    names = ["worker_id", "task_name", "task_params", "timestamp", "exp_status", "block_type", "block_subtype"]
    found = table(dict.fromkeys(names, word))[names]
    assert found.dtypes.tolist() == [TEXT] * len(names)
    assert found.to_numpy().tolist() == [[word] * len(names)]


def test_a_missing_cell_of_text_is_missing(table):
    column = table({"task_params": ""}, {})["task_params"]
    assert column.isna().tolist() == [True, False]
    assert type(column[0]) is float


def test_counts_are_integers(table):
    assert [str(kind) for kind in table({})[["block_num", "exp_num"]].dtypes] == ["int64", "int64"]


def test_doubles_are_read_exactly(table):
    """S1-37."""
    numbers = np.random.default_rng(0).random(2000)
    assert table(*({"reward": repr(float(number))} for number in numbers))["reward"].tolist() == numbers.tolist()


@pytest.mark.filterwarnings("ignore:some of the log:l2logger.LogWarning")
def test_a_log_without_rows_is_an_empty_table(table):
    """F-042, F-084."""
    found = table()
    assert list(found.columns) == HEADER.split()
    assert found.shape == (0, 10)


def test_long_logs_are_read_like_short_ones(run):
    """Of columns with few texts, DuckDB hands on the places of them only."""
    params = ["{}", "", '{"a": "it\'s"}', "é", "nul\0"]
    rows = [
        {"task_params": params[place % 5], "task_name": "AB"[place % 2], "note": f"n{place}"} for place in range(12_000)
    ]
    text = lines(*rows, header=HEADER + " note").replace('{"a": "it\'s"}', '"{""a"": ""it\'s""}"')
    found = util.read_log_data(run({"w0/0-train": text}))
    assert found["task_params"].fillna("").tolist() == [row["task_params"] for row in rows]
    assert found["task_name"].tolist() == [row["task_name"].lower() for row in rows]
    assert found["note"].tolist() == [row["note"] for row in rows]
    assert found[["task_params", "task_name", "note"]].dtypes.tolist() == [TEXT] * 3
    assert found["task_params"].isna().sum() == 2400


def test_what_is_no_record_is_reported_and_the_rest_is_read(run):
    """F-075, F-077."""
    directory = run({"a": lines({}, {}) + "0\t2\tw0", "b": "", "c": lines({"exp_num": "7"})})
    with pytest.warns(LogWarning, match=r"a/data-log.tsv:4"):
        assert util.read_log_data(directory)["exp_num"].tolist() == [0, 1, 7]


def test_a_run_that_is_being_written_is_read(logger):
    """F-088."""
    for exp_num in range(3):
        logger.log_record(record(exp_num))
    assert util.read_log_data(Path(logger.scenario_dir))["exp_num"].tolist() == [0, 1, 2]


def test_a_name_below_the_root_is_read(root, run):
    """S1-39, S1-51."""
    directory = run({"w0/0-train": lines({})})
    (root / "logs").mkdir(parents=True)
    directory.rename(root / "logs" / "some")
    assert len(util.read_log_data(Path("some"))) == 1


@pytest.mark.parametrize("name", ["nowhere", "run/logger_info.json"])
def test_no_directory_is_an_error(root, run, tmp_path, name, monkeypatch):
    """S1-39."""
    run({})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="no log to read"):
        util.read_log_data(Path(name))


def test_no_data_file_is_an_error(run):
    """F-042."""
    with pytest.raises(FileNotFoundError, match=r"no data-log\.tsv below"):
        util.read_log_data(run({}))


@pytest.mark.filterwarnings("ignore:some of the log:l2logger.LogWarning")
def test_files_that_were_only_opened_are_an_empty_table(run):
    """F-060, F-077."""
    found = util.read_log_data(run({"w0/0-train": ""}))
    assert list(found.columns) == HEADER.split()[:-1]
    assert found.empty


@pytest.mark.filterwarnings("ignore:some of the log:l2logger.LogWarning")
@pytest.mark.parametrize("text", ["\0\1\2", "a\tb\n1\t2\n", lines({"exp_num": "x"})])
def test_files_of_which_nothing_can_be_read_are_an_error(run, text):
    """F-077, F-079."""
    with pytest.raises(LogFormatError, match=r"w0/0-train/data-log.tsv:[12].*not one record"):
        util.read_log_data(run({"w0/0-train": text}))


# ------------------------------------------------------------------------------------------------------------- infos


def test_an_info_is_what_the_file_holds(run):
    """S1-40."""
    assert util.read_logger_info(run({})) == {"metrics_columns": ["reward"], "log_format_version": "1.1"}


@pytest.mark.parametrize("read", [util.read_logger_info, util.read_scenario_info])
def test_a_missing_info_file_is_an_error_with_its_path(tmp_path, read):
    """S1-40."""
    with pytest.raises(FileNotFoundError, match=r"no such info file.*_info\.json"):
        read(tmp_path)


@pytest.mark.parametrize("read", [util.read_logger_info, util.read_scenario_info])
def test_an_info_file_that_is_no_json_is_an_error_with_path_and_line(run, read):
    """F-083."""
    directory = run({}, "{\n")
    (directory / "logger_info.json").write_text("{\n")
    with pytest.raises(json.JSONDecodeError, match=r"_info\.json is not JSON: .*line 2"):
        read(directory)


@pytest.mark.parametrize("content", [b"\xff", b"[" * 100_000])
def test_an_info_file_that_is_no_text_or_too_deep_is_an_error_with_its_path(run, content):
    """F-083."""
    directory = run({})
    (directory / "logger_info.json").write_bytes(content)
    with pytest.raises(LogFormatError, match=r"logger_info\.json: not a JSON file"):
        util.read_logger_info(directory)


def test_a_scenario_info_that_is_no_object_is_an_error(run):
    """F-083."""
    with pytest.raises(LogFormatError, match="expected an object"):
        util.read_scenario_info(run({}, "[1]"))


def test_what_a_scenario_info_lacks_is_empty_text_and_a_warning(run, caplog):
    """S1-41."""
    found = util.read_scenario_info(run({}, '{"author": "me"}'))
    assert found == {"author": "me", "complexity": "", "difficulty": "", "scenario_type": ""}
    assert levels(caplog) == ["WARNING"] * 3


def test_good_words_of_a_scenario_are_kept_as_they_are(run, caplog):
    """S1-41."""
    words = {"complexity": "2-Intermediate", "difficulty": "3-HARD", "scenario_type": "STE"}
    assert util.read_scenario_info(run({}, json.dumps(words))) == words
    assert levels(caplog) == []


@pytest.mark.parametrize("word", ["", "2-low", 1, None, ["1-low"]])
def test_a_bad_word_of_a_scenario_is_logged_and_kept(run, caplog, word):
    """S1-41."""
    words = {"complexity": word, "difficulty": "1-easy", "scenario_type": "custom"}
    assert util.read_scenario_info(run({}, json.dumps(words))) == words
    assert levels(caplog) == ["ERROR"]
    assert repr(word) in caplog.text
    assert "1-low" in caplog.text


# -------------------------------------------------------------------------------------------------------- validation


@pytest.fixture
def good():
    rows = [dict(zip(HEADER.split(), ROW, strict=True)) for _ in range(3)]
    rows[2].update(block_num="1", block_type="test")
    kinds = {"block_num": "int64", "exp_num": "int64", "reward": float}
    return pd.DataFrame(rows).assign(exp_num=[0, 1, 2]).astype(kinds)


def test_a_good_log_passes(good, caplog):
    """S1-42."""
    assert util.validate_log(good, ["reward"]) is None
    assert levels(caplog) == []


def test_an_empty_table_passes(good):
    """S1-42."""
    assert util.validate_log(good[:0], ["reward"]) is None


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"block_num": [0, -1, 1]}, "block_num is .*-1.* in row 1; expected a whole number"),
        ({"block_num": [0, np.nan, 1]}, "block_num is .*nan.* in row 1"),
        ({"block_num": [0, "x", 1]}, "block_num is 'x' in row 1"),
        ({"block_num": [0, 2, 1]}, "block_num falls from 2 to 1 in row 2"),
        ({"exp_num": [0, 1, -2]}, "exp_num is .*-2.* in row 2"),
        ({"exp_num": [1, 0, 2]}, "exp_num falls from 1 to 0 in row 1"),
        ({"block_type": ["train", "Train", "test"]}, "block_type is 'Train' in row 1; expected test or train"),
        ({"block_type": ["train", None, 5]}, r"block_type is .* in row 1.*\(1 more row"),
        ({"block_subtype": ["wake", "sleep", "nap"]}, "block_subtype is 'nap' in row 2; expected sleep or wake"),
        ({"block_subtype": np.nan}, "block_subtype is nan in row 0"),
        ({"exp_status": ["complete", "incomplete", "done"]}, "exp_status is 'done' in row 2; expected complete or inc"),
        ({"worker_id": ["a", "b/c", "d"]}, "worker_id is 'b/c' in row 1; expected .*0-9"),
        ({"worker_id": ""}, "worker_id is '' in row 0"),
        ({"task_params": ["{}", "{", "{}"]}, "task_params is '{' in row 1; expected JSON"),
        ({"task_params": [{}, None, {}]}, "task_params is {} in row 0"),
        ({"task_params": 5}, "task_params is .*5.* in row 0"),
        ({"task_params": "[" * 100_000}, "task_params is "),
    ],
)
def test_a_broken_rule_is_an_error_that_names_the_first_row(good, changes, text):
    """S1-42."""
    with pytest.raises(RecordError, match=text) as error:
        util.validate_log(good.assign(**changes), ["reward"])
    assert isinstance(error.value, RuntimeError)
    assert len(str(error.value)) < 500


def test_the_row_is_named_by_its_index(good):
    """S1-42."""
    with pytest.raises(RecordError, match="in row c;"):
        util.validate_log(
            good.assign(exp_status=["complete", "complete", "no"]).set_axis(list("abc"), axis=0), ["reward"]
        )


@pytest.mark.parametrize("name", ["block_num", "worker_id", "timestamp", "task_params"])
def test_a_missing_column_is_an_error(good, name):
    """S1-42."""
    with pytest.raises(SchemaError, match=rf"standard columns \['{name}'\] are missing"):
        util.validate_log(good.drop(columns=name), ["reward"])


def test_a_missing_metric_is_an_error(good):
    """S1-42."""
    with pytest.raises(SchemaError, match=r"metric columns \['loss'\] are missing"):
        util.validate_log(good, ["reward", "loss"])


def test_the_rules_are_checked_in_order(good):
    """S1-42."""
    broken = {
        "block_num": -1,
        "exp_num": -1,
        "block_type": "x",
        "block_subtype": "x",
        "exp_status": "x",
        "worker_id": "/",
        "task_params": "x",
    }
    bad = good.assign(**broken)
    for name in broken:
        with pytest.raises(RecordError, match=f"^{name} "):
            util.validate_log(bad, ["reward"])
        bad[name] = good[name]
    util.validate_log(bad, ["reward"])


@pytest.mark.parametrize(
    "changes",
    [{"block_num": 0.5}, {"worker_id": 5}, {"worker_id": np.nan}, {"task_params": np.nan}, {"task_params": "[NaN]"}],
)
def test_what_the_original_lets_pass_passes(good, changes):
    """S1-42, FORMAT 12."""
    util.validate_log(good.assign(**changes), ["reward"])


def test_the_subtype_may_be_missing(good):
    """S1-42."""
    util.validate_log(good.drop(columns="block_subtype"), ["reward"])


@pytest.mark.parametrize("names", [["taska"] * 3, ["a_b", "a_b_c", "c"], ["a_b", None, "a_b"], [1, 2, 3]])
def test_odd_task_names_are_one_warning(good, caplog, names):
    """S1-43."""
    util.validate_log(good.assign(task_name=names), ["reward"])
    assert levels(caplog) == ["WARNING"]


# ----------------------------------------------------------------------------------------------------------- regimes


def blocks(*rows):
    names = ["block_num", "block_type", "block_subtype", "task_name"]
    return pd.DataFrame([row.split() for row in rows], columns=names).astype({"block_num": int})


@pytest.mark.parametrize(
    ("rows", "regimes"),
    [
        (["0 train wake a"], [0]),
        (["0 train wake a", "0 train wake a"], [0, 0]),
        (["0 train wake a", "0 train wake b", "0 train wake a"], [0, 1, 2]),
        (["0 train wake a", "1 train wake a"], [0, 1]),
        (["0 train wake a", "0 test wake a"], [0, 1]),
        (["0 test wake a", "0 test sleep a", "0 test wake a"], [0, 1, 2]),
    ],
)
def test_a_regime_begins_where_block_type_subtype_or_task_differ(rows, regimes):
    """S1-44."""
    assert util.fill_regime_num(blocks(*rows))["regime_num"].tolist() == regimes


def test_parameters_do_not_begin_a_regime(table):
    """S1-44."""
    assert util.fill_regime_num(table({}, {"task_params": "[]"}))["regime_num"].tolist() == [0, 0]


def test_a_missing_name_is_not_the_same_as_another(table):
    """S1-44."""
    found = table(*[{"task_name": ""}] * 3)
    assert util.fill_regime_num(found)["regime_num"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", ["object", "string", "category", TEXT])
def test_text_of_any_type_makes_the_same_regimes(kind):
    """S1-44."""
    found = blocks("0 a b c", "0 a b c", "0 a b d").astype({"task_name": kind, "block_type": kind})
    assert util.fill_regime_num(found)["regime_num"].tolist() == [0, 0, 1]


def test_a_missing_value_of_the_string_type_is_not_the_same_as_another():
    """S1-44."""
    found = blocks("0 a b c", "0 a b c").astype({"task_name": "string"})
    found["task_name"] = pd.array([None, None], dtype="string")
    assert util.fill_regime_num(found)["regime_num"].tolist() == [0, 1]


def test_the_number_is_the_second_column_of_the_same_table(table):
    """S1-44."""
    found = table({}, {})
    assert util.fill_regime_num(found) is found
    assert list(found.columns)[:3] == ["block_num", "regime_num", "exp_num"]
    assert found["regime_num"].dtype == "int64"


@pytest.mark.filterwarnings("ignore:some of the log:l2logger.LogWarning")
def test_an_empty_table_has_no_regimes(table):
    """S1-44, F-084."""
    found = util.fill_regime_num(table())
    assert found["regime_num"].tolist() == []
    assert found["regime_num"].dtype == "int64"


def test_numbering_twice_is_an_error(table):
    """S1-44."""
    found = util.fill_regime_num(table({}))
    with pytest.raises(ValueError, match="regime_num already"):
        util.fill_regime_num(found)


def test_a_table_that_regimes_cannot_be_told_by_is_an_error(table):
    """S1-44."""
    with pytest.raises(AttributeError, match=r"\['block_subtype'\]"):
        util.fill_regime_num(table({}).drop(columns="block_subtype"))


def test_numbering_takes_linear_time():
    """S1-44: a quarter of a million rows, for which the original takes several seconds."""
    found = blocks(*[f"{place} train wake t{place % 7}" for place in range(250)])
    found = found.loc[found.index.repeat(1000)]
    start = time.perf_counter()
    util.fill_regime_num(found)
    assert time.perf_counter() - start < 0.5
    assert found["regime_num"].iloc[-1] == 249


# ------------------------------------------------------------------------------------------------------------ blocks


@pytest.fixture
def vector(table):
    """The table of FORMAT 20, V6."""
    rows = "0 train wake a,0 train wake a,0 train wake a,0 train wake b,1 test wake a,1 test wake a,1 test wake a,"
    rows += "1 test sleep a,2 train wake a"
    names = ["block_num", "block_type", "block_subtype", "task_name"]
    cells = [dict(zip(names, row.split(), strict=True)) for row in rows.split(",")]
    cells[5]["task_params"] = "[1]"
    return util.fill_regime_num(table(*cells))


def test_regimes_of_the_test_vector(vector):
    """S1-44, FORMAT V6."""
    assert vector["regime_num"].tolist() == [0, 0, 0, 1, 2, 2, 2, 3, 4]


def test_blocks_without_parameters(vector, caplog):
    """S1-45, FORMAT V6."""
    found = util.parse_blocks(vector, include_task_params=False)
    assert list(found.itertuples(index=False, name=None)) == [
        (0, 0, "train", "wake", "a", 3),
        (1, 0, "train", "wake", "b", 1),
        (2, 1, "test", "wake", "a", 3),
        (3, 1, "test", "sleep", "a", 1),
        (4, 2, "train", "wake", "a", 1),
    ]
    assert levels(caplog) == []


def test_blocks_with_parameters_are_more_where_they_change(vector, caplog):
    """S1-45, FORMAT V6."""
    found = util.parse_blocks(vector)
    assert list(found.columns) == [
        "regime_num",
        "block_num",
        "block_type",
        "block_subtype",
        "task_name",
        "task_params",
        "length",
    ]
    assert found["length"].tolist() == [3, 1, 1, 2, 1, 1]
    assert found["task_params"].tolist()[2:4] == ["[1]", "{}"]
    assert levels(caplog) == ["WARNING"]


def test_blocks_are_indexed_anew(vector):
    """S1-45."""
    found = util.parse_blocks(vector.set_index("regime_num", drop=False), include_task_params=False)
    assert found.index.equals(pd.RangeIndex(5))


def test_missing_parameters_are_a_group(table):
    """S1-45."""
    found = util.parse_blocks(util.fill_regime_num(table({"task_params": ""}, {"task_params": ""}, {})))
    assert found["length"].tolist() == [1, 2]
    assert found["task_params"].isna().tolist() == [False, True]


def test_only_rows_that_are_left_in_are_counted(table):
    """S1-52."""
    found = table({}, {"exp_status": "incomplete"}, {})
    complete = found[found["exp_status"] == "complete"].copy()
    assert util.parse_blocks(util.fill_regime_num(complete))["length"].tolist() == [2]


@pytest.mark.filterwarnings("ignore:some of the log:l2logger.LogWarning")
def test_an_empty_table_has_no_blocks(table, caplog):
    """S1-45, F-084."""
    found = util.parse_blocks(util.fill_regime_num(table()))
    assert list(found.columns)[-2:] == ["task_params", "length"]
    assert found.shape == (0, 7)
    assert levels(caplog) == []


def test_blocks_need_regimes(table):
    """S1-45."""
    with pytest.raises(KeyError, match="fill_regime_num"):
        util.parse_blocks(table({}))


# ---------------------------------------------------------------------------------------------------------- the module


def test_the_functions_of_the_original_are_here():
    """FORMAT 10 to 15."""
    names = {name for name, each in vars(util).items() if getattr(each, "__module__", "") == util.__name__}
    assert {name for name in names if not name.startswith("_")} == {
        "fill_regime_num",
        "get_fully_qualified_name",
        "get_l2data_root",
        "get_l2root_base_dirs",
        "parse_blocks",
        "read_log_data",
        "read_logger_info",
        "read_scenario_info",
        "validate_log",
    }
    assert util.logger is logging.getLogger("l2logger.util")


def test_it_does_not_load_the_write_plane():
    """DESIGN: the read plane imports no pipeline and no sink."""
    import subprocess
    import sys

    script = "import sys, l2logger.util; print(*(n for n in sys.modules if n.startswith('l2logger')))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    writers = {"l2logger.pipeline", "l2logger.l2logger", "l2logger.processors", "l2logger.sinks", "l2logger.legacy"}
    assert writers.isdisjoint(loaded)
