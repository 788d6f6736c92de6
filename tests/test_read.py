"""The contract of `l2logger.read`: records, regimes, views, Parquet, and what is said of damage."""

import gc
import math
import os
import random
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import duckdb
import pytest
from by_hand import COLUMNS, row, tsv, write_log
from fuzz_reader import table
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import data_log, record

import l2logger.regimes
from l2logger import DataLogger, read
from l2logger.errors import ConfigError, DirectoryError, LogFormatError, LogWarning
from l2logger.log import Log

LARGE = 3000
"""So many rows that DuckDB reads the file where it is."""


def of(relation, columns):
    return relation.project(columns).fetchall()


def first(relation, columns):
    return [each for (each,) in of(relation, columns)]


def log_with(tmp_path, columns, *files):
    """Write a run with a file for each list of rows; of the columns besides the counts only these are given."""
    for place, rows in enumerate(files):
        path = tmp_path / "run" / f"w{place}" / "0-train" / "data-log.tsv"
        path.parent.mkdir(parents=True)
        numbered = [[0, number, *cells] for number, cells in enumerate(rows)]
        path.write_bytes(table(["block_num", "exp_num", *columns], numbered))
    return tmp_path / "run"


def values(tmp_path, *files):
    """Return the type of a column ``x`` with these cells in some files, and its values in the order of the files."""
    relation = read.records(log_with(tmp_path, ["x"], *[[[cell] for cell in cells] for cells in files]))
    return str(relation.project("x").types[0]), first(relation, "x")


def age(directory):
    for path in Path(directory).rglob("*"):
        os.utime(path, (1e9, 1e9))
    return directory


# Types ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "kind", "found"),
    [
        (["1", "-2", "007", "+3"], "BIGINT", [1, -2, 7, 3]),
        ([str(2**63 - 1), str(-(2**63))], "BIGINT", [2**63 - 1, -(2**63)]),
        ([str(2**63)], "DOUBLE", [2.0**63]),
        (["1", "1.5"], "DOUBLE", [1.0, 1.5]),
        (["1e3", "1E-7", ".5", "5."], "DOUBLE", [1000.0, 1e-7, 0.5, 5.0]),
        (["inf", "-inf", "1"], "DOUBLE", [math.inf, -math.inf, 1.0]),
        (["True", "False", "true"], "BOOLEAN", [True, False, True]),
        (["True", "1"], "VARCHAR", ["True", "1"]),
        (["True", "1.5"], "VARCHAR", ["True", "1.5"]),
        (["1", "x"], "VARCHAR", ["1", "x"]),
        (["1_000"], "VARCHAR", ["1_000"]),
        (["0x10"], "VARCHAR", ["0x10"]),
        (["1,5"], "VARCHAR", ["1,5"]),
        (["2020-01-02 03:04:05"], "VARCHAR", ["2020-01-02 03:04:05"]),
        (["[1, 2]", "{'a': 1}"], "VARCHAR", ["[1, 2]", "{'a': 1}"]),
        (["", "1"], "BIGINT", [None, 1]),
        (["", "0.5"], "DOUBLE", [None, 0.5]),
        (["", "x"], "VARCHAR", [None, "x"]),
        (["", "True"], "BOOLEAN", [None, True]),
        (["", ""], "DOUBLE", [None, None]),
        (["NA", "1"], "BIGINT", [None, 1]),
        (["None", "0.5"], "DOUBLE", [None, 0.5]),
        (["NA", "x"], "VARCHAR", ["NA", "x"]),
        (["None", "n/a", "x"], "VARCHAR", ["None", "n/a", "x"]),
    ],
)
def test_the_cells_of_a_column_tell_its_type(tmp_path, cells, kind, found):
    """F-028, F-033."""
    assert values(tmp_path, cells) == (kind, found)


def test_nan_is_a_number(tmp_path):
    """F-015."""
    kind, [one, nan] = values(tmp_path, ["1", "nan"])
    assert (kind, one) == ("DOUBLE", 1.0)
    assert math.isnan(nan)


def test_a_number_too_large_for_a_double_is_not_made_something_else(tmp_path):
    """F-023: infinity as Python reads it, or its text."""
    kind, [found, one] = values(tmp_path, ["1e400", "1"])
    assert (kind, found, one) in [("DOUBLE", math.inf, 1.0), ("VARCHAR", "1e400", "1")]


def test_a_number_too_small_for_a_double_is_zero(tmp_path):
    kind, found = values(tmp_path, ["1e-400", "5e-324"])
    assert (kind, found) in [("DOUBLE", [0.0, 5e-324]), ("VARCHAR", ["1e-400", "5e-324"])]


@pytest.mark.parametrize(
    ("files", "kind", "found"),
    [
        ([["1"], ["0.5"]], "DOUBLE", [1.0, 0.5]),
        ([["1"], ["x"]], "VARCHAR", ["1", "x"]),
        ([["1"], [""]], "BIGINT", [1, None]),
        ([["True"], ["1"]], "VARCHAR", ["True", "1"]),
        ([["True"], ["NA"]], "BOOLEAN", [True, None]),
    ],
)
def test_a_column_has_one_type_in_all_files(tmp_path, files, kind, found):
    """F-033."""
    assert values(tmp_path, *files) == (kind, found)


def test_an_integer_late_in_a_large_file_counts_as_much(tmp_path):
    """F-033: no sample decides."""
    run = age(log_with(tmp_path, ["x"], [["1"]] * 50_000 + [["0.5"]]))
    assert of(read.records(run).aggregate("typeof(any_value(x)), sum(x)"), "*") == [("DOUBLE", 50_000.5)]


WORDS = [
    "007",
    "NA",
    "true",
    "nan",
    "1.50",
    "None",
    "null",
    "1e5",
    "inf",
    "-0",
    " x ",
    "#",
    "é",
    "\u0130",
    "2020-01-01",
]


@pytest.mark.parametrize(
    "column", ["worker_id", "block_type", "block_subtype", "task_params", "exp_status", "timestamp"]
)
@pytest.mark.parametrize("number", [1, LARGE])
def test_identifiers_are_text_whatever_they_look_like(tmp_path, column, number):
    """F-028, S1-55: 007 is no 7."""
    run = write_log(
        tmp_path, [row(place, **{column: WORDS[place % len(WORDS)]}, directory="w/0-train") for place in range(number)]
    )
    assert first(read.records(age(run)), column) == [WORDS[place % len(WORDS)] for place in range(number)]


def test_a_worker_id_of_digits_alone_is_text(tmp_path):
    """F-028, S1-55: as l2metrics' sample logs have it."""
    assert first(read.records(write_log(tmp_path, [row(worker_id="0")])), "worker_id") == ["0"]


@pytest.mark.parametrize(
    ("name", "read_as"), [("Task_A", "task_a"), ("TRUE", "true"), ("NA", "na"), ("7", "7"), ("Straße_Ü", "straße_ü")]
)
def test_task_names_are_in_lower_case(tmp_path, name, read_as):
    """S1-34, F-028, F-029."""
    assert first(read.records(write_log(tmp_path, [row(task_name=name)])), "task_name") == [read_as]


def test_an_empty_cell_is_null(tmp_path):
    run = write_log(tmp_path, [row(task_name="", worker_id="", directory="w/0-train")])
    assert of(read.records(run), "task_name, worker_id") == [(None, None)]


def doubles(number, seed=1):
    """Random doubles of every size: any 64 bits that are a finite number."""
    luck = random.Random(seed)
    while number:
        [found] = struct.unpack("<d", luck.randbytes(8))
        if math.isfinite(found):
            yield found
            number -= 1


def test_a_hundred_thousand_doubles_are_read_exactly(make):
    """S1-37, F-015: half of any size, half as metrics usually are."""
    luck = random.Random(0)
    written = [
        each for both in zip(doubles(50_000), (luck.random() for _ in range(50_000)), strict=True) for each in both
    ]
    logger = make()
    for number, reward in enumerate(written):
        logger.log_record(record(number, reward=reward))
    logger.close()
    found = read.records(logger.scenario_dir).project("reward").fetchnumpy()["reward"]
    assert found.tolist() == written


@pytest.mark.parametrize(
    "reward",
    [0.1, -0.0, 1e-323, 1.7976931348623157e308, 2.2250738585072014e-308, 9007199254740993.0, math.inf, -math.inf],
)
def test_a_double_is_read_exactly(make, reward):
    """S1-37, F-015."""
    logger = make()
    logger.log_record(record(reward=reward))
    logger.log_record(record(1, reward=0.5))
    [found, _] = first(read.records(logger.scenario_dir, on_bad_rows="skip"), "reward")
    assert struct.pack("<d", found) == struct.pack("<d", reward)


@pytest.mark.parametrize("number", [0, 2**62, 2**63 - 1])
def test_the_highest_count_that_is_written_is_read(make, number):
    """F-023."""
    logger = make()
    logger.log_record(record(number))
    assert first(read.records(logger.scenario_dir), "exp_num") == [number]


# Columns ----------------------------------------------------------------------------------------------------------------


def test_the_columns_are_those_of_the_file_and_the_run(tmp_path):
    """S0-27."""
    assert read.records(write_log(tmp_path)).columns == [*COLUMNS, "run"]


def test_files_may_differ_in_their_columns(tmp_path):
    """S1-32: those of the first file come first, then what others have besides."""
    for place, columns in enumerate([["b", "a"], ["c", "a"], ["a"]]):
        log_with(tmp_path / str(place), columns, [[place] * len(columns)])
    relation = read.records(tmp_path)
    assert relation.columns == ["block_num", "exp_num", "b", "a", "c", "block_subtype", "run"]
    assert of(relation, "b, a, c") == [(0, 0, None), (None, 1, 1), (None, 2, None)]


def test_the_same_columns_in_another_order(tmp_path):
    """F-077: cells are found by name."""
    columns = COLUMNS[::-1]
    run = write_log(tmp_path, [row(0)])
    (run / "w1" / "0-train").mkdir(parents=True)
    (run / "w1" / "0-train" / "data-log.tsv").write_text(tsv([row(1, worker_id="w1")], columns))
    found = read.records(run).fetchall()
    assert [found[1][COLUMNS.index(name)] for name in COLUMNS[:-1]] == [
        *(0, 1, "w1", "train", "wake", "task_a", "{}", "complete", "20261121T120001.000001")
    ]


def test_a_file_without_block_subtype_is_wake(tmp_path):
    """S1-35, S1-55."""
    run = write_log(tmp_path, columns=[name for name in COLUMNS if name != "block_subtype"])
    relation = read.records(run)
    assert relation.columns == [*(name for name in COLUMNS if name != "block_subtype"), "block_subtype", "run"]
    assert first(relation, "block_subtype") == ["wake", "wake"]


@pytest.mark.parametrize("number", [1, LARGE])
def test_block_subtype_is_filled_for_each_file_by_itself(tmp_path, number):
    """S1-35, S1-58: a file that has the column keeps what it says, gaps included."""
    rows = [row(each, worker_id="w0", block_subtype="sleep" if each % 2 else "") for each in range(number)]
    run = write_log(tmp_path, rows)
    (run / "w1").mkdir()
    (run / "w1" / "data-log.tsv").write_text(
        tsv([row(each) for each in range(number)], [name for name in COLUMNS if name != "block_subtype"])
    )
    found = of(read.records(age(run)).aggregate("block_subtype, count(*)"), "*")
    assert sorted(found, key=str) == sorted(
        [each for each in [("wake", number), ("sleep", number // 2), (None, number - number // 2)] if each[1]], key=str
    )


ODD = [
    *(
        "",
        "run",
        "RUN",
        "c0",
        "c1",
        "l2logger path",
        "l2logger row",
        "path",
        "runs",
        "records",
        "select",
        "from",
        "*",
        "a b",
    ),
    *(
        "it's",
        'q"q',
        "tab\tin",
        "line\nin",
        "Reward",
        "reward",
        "REWARD",
        "reward_1",
        "Exp_Num",
        "Task_Name",
        "block_num_1",
    ),
    *(
        "stretch",
        "length",
        "new",
        "stored",
        "stop",
        "regime_num",
        "has_subtype",
        "number",
        "unnamed",
        "é",
        "\u0130",
        "x;--",
        "$1",
        "?",
    ),
]


@pytest.mark.parametrize("number", [2, LARGE])
def test_columns_may_have_any_name(tmp_path, number):
    """F-036: each is there, with its own cells, under its own name or nearly so."""
    run = age(log_with(tmp_path, ODD, [[f"{place}.{each}" for place in range(len(ODD))] for each in range(number)]))
    relation = read.records(run)
    shown = relation.columns[2:-2]
    assert len({name.lower() for name in relation.columns}) == len(relation.columns) == len(ODD) + 4
    assert all(name.lower().startswith((column.lower(), "unnamed")) for name, column in zip(shown, ODD, strict=True))
    assert relation.columns[-1] == "run"
    last = relation.fetchall()[-1]
    assert last[-1] == "run"
    assert [str(value) for value in last[2:-2]] == [f"{float(f'{place}.{number - 1}')}" for place in range(len(ODD))]


RISKY = ["", "run", "l2logger path", "records", "Task_Name", "stretch", "means"]


@pytest.mark.parametrize("column", RISKY)
def test_every_function_takes_a_column_of_any_name(tmp_path, column):
    """F-036."""
    columns = [*COLUMNS, column] if column not in COLUMNS else COLUMNS
    (tmp_path / "run").mkdir()
    rows = [[row(each).get(name, f"{each}.5") for name in columns] for each in range(3)]
    (tmp_path / "run" / "data-log.tsv").write_bytes(table(columns, rows))
    run = tmp_path / "run"
    assert len(read.records(run).df()) == 3
    assert len(read.regimes(run).fetchall()) == 1
    assert read.summary(run).metrics[-1].values == 3
    assert of(read.connect(run).sql("SELECT run, count(*) FROM records GROUP BY run"), "*") == [("run", 3)]
    read.to_parquet(run, path=tmp_path / "copy")
    assert (tmp_path / "copy" / "run=run").is_dir()


@pytest.mark.slow
def test_hundreds_of_metrics_do_not_take_long(tmp_path):
    """F-034."""
    import time

    run = log_with(tmp_path, [f"m{each}" for each in range(200)], [range(200)] * 3)
    begin = time.monotonic()
    assert len(read.records(run).fetchall()[0]) == 204
    assert len(read.summary(run).metrics) == 200
    assert time.monotonic() - begin < 10


@pytest.mark.slow
def test_two_thousand_metrics_can_be_read(tmp_path):
    """F-034."""
    run = log_with(tmp_path, [f"m{each}" for each in range(2_000)], [range(2_000)])
    assert len(read.records(run).fetchall()[0]) == 2_004


def test_a_hundred_files_with_columns_of_their_own(tmp_path):
    """F-089: three hundred runs on disk differ in what they log."""
    for each in range(100):
        log_with(tmp_path / f"{each:03}", [f"m{each}"], [[each]])
    assert len(read.records(tmp_path).fetchall()) == 100


# Order ------------------------------------------------------------------------------------------------------------------


def test_records_come_by_experience_then_block(tmp_path):
    """S1-33."""
    pairs = [(1, 5), (0, 3), (1, 4), (0, 5), (2, 4), (1, 5)]
    run = write_log(tmp_path, [row(exp_num, block_num=block) for block, exp_num in pairs])
    assert of(read.records(run), "exp_num, block_num") == [(3, 0), (4, 1), (4, 2), (5, 0), (5, 1), (5, 1)]


def test_ties_come_by_path_and_line(tmp_path):
    """S1-33, F-090."""
    rows = [row(0, worker_id=worker, reward=line) for worker in ("b", "a", "B", "c") for line in range(20)]
    found = of(read.records(write_log(tmp_path, rows)), "worker_id, reward")
    assert found == [(worker, line) for worker in ("B", "a", "b", "c") for line in range(20)]


def ties(tmp_path, number, workers=2, old=True):
    """Write files in which every experience has three rows."""
    for worker in range(workers):
        rows = [row(place // 3, worker_id=f"w{worker:03}", place=place) for place in range(number)]
        write_log(tmp_path, rows, columns=[*COLUMNS, "place"])
    return age(tmp_path / "run") if old else tmp_path / "run"


@pytest.mark.parametrize(("number", "workers", "old"), [(12_000, 2, True), (12_000, 2, False), (300, 60, True)])
def test_ties_keep_the_order_of_the_file_however_it_is_read(tmp_path, number, workers, old):
    """S1-33: in place by several threads, copied, or of many small files."""
    run = ties(tmp_path, number, workers, old)
    found = of(read.records(run), "worker_id, place")
    exps = range(0, number, 3)
    assert found == [(f"w{worker:03}", exp + each) for exp in exps for worker in range(workers) for each in range(3)]


def test_asking_twice_gives_the_same_order(tmp_path):
    """S1-33."""
    relation = read.records(ties(tmp_path, 12_000))
    assert relation.fetchall() == relation.fetchall()


@pytest.mark.parametrize(
    "setting", ["threads = 8", "default_null_order = 'NULLS FIRST'", "default_collation = 'NOCASE'"]
)
def test_settings_of_a_connection_do_not_change_what_is_read(tmp_path, setting):
    """S1-33."""
    run = ties(tmp_path, 6_000)
    connection = duckdb.connect()
    connection.execute(f"SET {setting}")
    assert read.records(run, connection=connection).fetchall() == read.records(run).fetchall()
    assert read.regimes(run, connection=connection).fetchall() == read.regimes(run).fetchall()


@pytest.mark.parametrize("setting", ["preserve_insertion_order = false", "default_order = 'DESC'"])
def test_a_connection_that_does_not_keep_the_order_is_refused(tmp_path, setting):
    """S1-33: it says which setting, and the setting stays."""
    connection = duckdb.connect()
    connection.execute(f"SET {setting}")
    with pytest.raises(ConfigError, match=setting.split()[0]):
        read.records(ties(tmp_path, 6), connection=connection)


# Relations --------------------------------------------------------------------------------------------------------------


def test_a_relation_turns_into_frames(tmp_path):
    relation = read.records(write_log(tmp_path))
    assert relation.df()["exp_num"].tolist() == [0, 1]
    assert relation.df()["exp_num"].dtype == "int64"
    assert [each[1] for each in relation.fetchall()] == [0, 1]


def test_a_relation_turns_into_a_polars_frame(tmp_path):
    pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    assert read.records(write_log(tmp_path)).pl()["exp_num"].to_list() == [0, 1]


def test_a_relation_turns_into_an_arrow_table(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    found = read.records(write_log(tmp_path)).arrow()
    found = found.read_all() if isinstance(found, arrow.RecordBatchReader) else found
    assert found.column("exp_num").to_pylist() == [0, 1]


def test_a_relation_outlives_what_made_it(tmp_path):
    relation = read.records(ties(tmp_path, 6_000))
    gc.collect()
    assert relation.count("*").fetchall() == [(12_000,)]


def test_a_connection_of_yours_joins_records_with_other_things(tmp_path):
    connection = duckdb.connect()
    connection.execute("CREATE TABLE names AS SELECT 1 AS exp_num, 'one' AS name")
    records = read.records(write_log(tmp_path), connection=connection)
    found = connection.sql("SELECT name, reward FROM records JOIN names USING (exp_num)").fetchall()
    assert records.columns[-1] == "run"
    assert found == [("one", 1.0)]


def test_several_logs_on_one_connection_do_not_mix(tmp_path):
    connection = duckdb.connect()
    one = read.records(write_log(tmp_path / "a", [row(0)]), connection=connection)
    other = read.records(write_log(tmp_path / "b", [row(7)]), connection=connection)
    assert (first(one, "exp_num"), first(other, "exp_num")) == ([0], [7])


def test_a_connection_of_yours_keeps_its_settings(tmp_path):
    """DESIGN, rule 10."""
    connection = duckdb.connect()
    settings_of = "SELECT name, value FROM duckdb_settings() ORDER BY name"
    before = connection.execute(settings_of).fetchall()
    read.records(write_log(tmp_path), connection=connection).fetchall()
    assert connection.execute(settings_of).fetchall() == before


def test_reading_leaves_nothing_behind(tmp_path):
    """Neither beside the log nor in the directory for temporary files."""
    code = """
import os, sys, tempfile
tempfile.tempdir = sys.argv[2]
from l2logger import read
read.records(sys.argv[1]).fetchall(), read.regimes(sys.argv[1]).fetchall(), read.summary(sys.argv[1])
"""
    run, temporary = ties(tmp_path, 6_000), tmp_path / "tmp"
    temporary.mkdir()
    before = sorted(tmp_path.rglob("*"))
    subprocess.run([sys.executable, "-c", code, run, temporary], check=True, cwd=temporary, timeout=60)
    assert sorted(tmp_path.rglob("*")) == before


# Without records --------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["no run", "no file", "header", "empty", "incomplete", "torn"])
def barren(request, tmp_path):
    """A log without a complete record."""
    run = tmp_path / "run"
    path = run / "w0" / "0-train" / "data-log.tsv"
    path.parent.mkdir(parents=True)
    (run / "logger_info.json").write_text('{"metrics_columns": ["reward"], "log_format_version": "1.1"}')
    text = {
        "header": tsv([]),
        "empty": "",
        "incomplete": tsv([row(exp_status="incomplete")]),
        "torn": tsv([row()])[:-1],
    }
    if request.param == "no run":
        (run / "logger_info.json").unlink()
    elif request.param in text:
        path.write_text(text[request.param])
    return run, request.param


def test_records_of_a_barren_log(barren):
    """F-042, F-060, F-077, F-084."""
    run, kind = barren
    relation = read.records(run, on_bad_rows="skip")
    assert relation.columns[:2] == ["block_num", "exp_num"]
    assert relation.columns[-1] == "run"
    assert len(relation.fetchall()) == (kind == "incomplete")


def test_regimes_of_a_barren_log(barren):
    """F-084."""
    assert read.regimes(barren[0], on_bad_rows="skip").fetchall() == []


def test_views_of_a_barren_log(barren):
    """F-084."""
    connection = read.connect(barren[0], on_bad_rows="skip")
    assert connection.sql("SELECT count(*) FROM regimes").fetchall() == [(0,)]
    assert len(connection.sql("FROM runs").fetchall()) == (barren[1] != "no run")


def test_parquet_of_a_barren_log(barren, tmp_path):
    """F-084."""
    read.to_parquet(barren[0], path=tmp_path / "copy", partition_by=[], on_bad_rows="skip")
    found = duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/copy/*.parquet'").fetchall()
    assert found == [(int(barren[1] == "incomplete"),)]


@pytest.mark.parametrize("number", [1, 2])
def test_a_log_of_one_row(tmp_path, number):
    """F-084, S1-44: one row is one regime."""
    run = write_log(tmp_path, [row(each) for each in range(number)])
    assert of(read.regimes(run), "regime_num, length") == [(0, number)]


# Regimes ----------------------------------------------------------------------------------------------------------------


def regimes_of(tmp_path, keys, **more):
    """Return number and length of the regimes of rows with these (block, type, subtype, task)."""
    names = ("block_num", "block_type", "block_subtype", "task_name")
    rows = [row(each, **dict(zip(names, key, strict=True)), **more) for each, key in enumerate(keys)]
    return of(read.regimes(write_log(tmp_path, rows)), "regime_num, length")


def test_regimes_have_their_columns(tmp_path):
    """S0-27, S1-44, S1-45."""
    rows = [row(4, task_params='{"a": 1}'), row(5, worker_id="w1"), row(6)]
    relation = read.regimes(write_log(tmp_path, rows))
    assert dict(zip(relation.columns, relation.fetchall()[0], strict=True)) == {
        "run": "run",
        "regime_num": 0,
        "block_num": 0,
        "block_type": "train",
        "block_subtype": "wake",
        "task_name": "task_a",
        "task_params": '{"a": 1}',
        "params_count": 2,
        "workers": 2,
        "length": 3,
        "first_exp_num": 4,
        "last_exp_num": 6,
        "started": rows[0]["timestamp"],
        "ended": rows[2]["timestamp"],
        "means": {"reward": 1.0},
    }


def test_the_regimes_of_vector_v6(tmp_path):
    """S1-44, S1-45, S1-58: FORMAT section 20."""
    a, b = "a_1", "b_1"
    keys = [(0, "train", "wake", a)] * 3 + [(0, "train", "wake", b)] + [(1, "test", "wake", a)] * 3
    keys += [(1, "test", "sleep", a), (2, "train", "wake", a)]
    assert regimes_of(tmp_path, keys) == [(0, 3), (1, 1), (2, 3), (3, 1), (4, 1)]


def test_a_task_that_comes_back_is_a_new_regime(tmp_path):
    """S1-44: A, B, A."""
    a, b = (0, "train", "wake", "a_1"), (0, "train", "wake", "b_1")
    assert regimes_of(tmp_path, [a, a, b, a]) == [(0, 2), (1, 1), (2, 1)]


@pytest.mark.parametrize(
    "other",
    [
        (1, "train", "wake", "a_1"),
        (0, "test", "wake", "a_1"),
        (0, "train", "sleep", "a_1"),
        (0, "train", "wake", "b_1"),
    ],
)
def test_each_of_the_four_columns_begins_a_regime(tmp_path, other):
    """S1-44, S1-58."""
    assert regimes_of(tmp_path, [(0, "train", "wake", "a_1"), other]) == [(0, 1), (1, 1)]


def test_neither_parameters_nor_workers_begin_a_regime(tmp_path):
    """S1-44."""
    rows = [row(each, worker_id=f"w{each % 3}", task_params=f'{{"p": {each}}}') for each in range(9)]
    assert of(read.regimes(write_log(tmp_path, rows)), "length, workers, params_count, task_params") == [
        (9, 3, 9, '{"p": 0}')
    ]


def test_incomplete_records_are_in_no_regime(tmp_path):
    """S1-44: and do not part one."""
    rows = [row(0), row(1, task_name="B_b", exp_status="incomplete"), row(2, exp_status=""), row(3)]
    assert of(read.regimes(write_log(tmp_path, rows)), "regime_num, length, last_exp_num") == [(0, 2, 3)]


def test_task_names_that_differ_by_case_are_one_task(tmp_path):
    """S1-34, S1-44."""
    assert regimes_of(tmp_path, [(0, "train", "wake", "A_b"), (0, "train", "wake", "a_B")]) == [(0, 2)]


def test_each_run_numbers_its_own_regimes(tmp_path):
    """S1-44: interleaved or not."""
    for name, tasks in (("b", "aab"), ("a", "aba"), ("c", "a")):
        rows = [row(each, task_name=task) for each, task in enumerate(tasks)]
        write_log(tmp_path / name, rows).rename(tmp_path / name / name)
    assert of(read.regimes(tmp_path), "run, regime_num, length") == [
        *[("a", 0, 1), ("a", 1, 1), ("a", 2, 1)],
        *[("b", 0, 2), ("b", 1, 1)],
        ("c", 0, 1),
    ]


def plain_regimes(rows):
    """Number regimes as FORMAT section 14 says, in plain Python; `rows` are sorted by path and line."""
    regimes = []
    before = None
    for each in sorted(rows, key=lambda row: (row["exp_num"], row["block_num"])):
        if each["exp_status"] != "complete":
            continue
        key = tuple(each[name] or None for name in ("block_num", "block_type", "block_subtype", "task_name"))
        key = (each["block_num"], *key[1:])
        if key != before:
            regimes.append((key, []))
        before = key
        regimes[-1][1].append(each)
    return [
        (
            number,
            *key,
            len(of_one),
            of_one[0]["exp_num"],
            of_one[-1]["exp_num"],
            len({each["worker_id"] for each in of_one}),
            len({each["task_params"] for each in of_one}),
            of_one[0]["task_params"],
            min(each["timestamp"] for each in of_one),
            max(each["timestamp"] for each in of_one),
        )
        for number, (key, of_one) in enumerate(regimes)
    ]


FIGURES = (
    "regime_num, block_num, block_type, block_subtype, task_name, length, first_exp_num, last_exp_num, workers, params_count, "
    "task_params, started, ended"
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 1, 3]),  # the experience goes on by
        st.sampled_from([0, 0, 0, 1]),  # the block
        st.sampled_from(["a_1", "a_1", "b_1", ""]),
        st.sampled_from(["train", "train", "test"]),
        st.sampled_from(["wake", "wake", "sleep", ""]),
        st.sampled_from(["w0", "w0", "w1"]),
        st.sampled_from(["complete", "complete", "complete", "incomplete"]),
        st.sampled_from(["{}", '{"p": 1}']),
        st.booleans(),  # out of order
    ),
    max_size=14,
)


@settings(max_examples=12, deadline=None)
@given(steps=STEPS)
def test_both_ways_to_number_regimes_do_what_the_format_says(tmp_path_factory, steps):
    """S1-44: by groups where nothing lies between them, by sorting else; held against plain Python."""
    rows = []
    exp_num = block_num = 0
    for place, (ahead, block, task, kind, subtype, worker, status, params, back) in enumerate(steps):
        exp_num += ahead
        block_num += block
        rows.append(
            row(
                max(exp_num - 4 * back, 0),
                block_num=block_num,
                block_type=kind,
                block_subtype=subtype,
                task_name=task,
                worker_id=worker,
                task_params=params,
                exp_status=status,
                timestamp=f"20261121T120000.{place:06}",
                directory=f"{worker}/{block_num}-{kind}",
            )
        )
    base = tmp_path_factory.mktemp("regimes")
    run = write_log(base, rows)
    by_path = sorted(rows, key=lambda each: f"{run}/{each['directory']}/data-log.tsv")
    expected = plain_regimes(by_path)
    assert of(read.regimes(run), FIGURES) == expected
    log = Log(run)
    usual = l2logger.regimes._interleaved
    l2logger.regimes._interleaved = lambda *_: {"run"}
    try:
        assert of(l2logger.regimes.regimes(log), FIGURES) == expected
    finally:
        l2logger.regimes._interleaved = usual


@settings(max_examples=10, deadline=None)
@given(
    turns=st.lists(st.sampled_from(["w0", "w1", "w2"]), min_size=1, max_size=30), luck=st.randoms(use_true_random=False)
)
def test_interleaved_workers_in_different_tasks(tmp_path_factory, turns, luck):
    """S1-44: each worker stays with its task, so that almost every record begins a regime."""
    rows = [
        row(each, worker_id=worker, task_name=f"task_{worker}", block_num=each // 10)
        for each, worker in enumerate(turns)
    ]
    run = write_log(tmp_path_factory.mktemp("workers"), rows)
    by_path = sorted(rows, key=lambda each: (each["worker_id"], each["block_num"]))
    assert of(read.regimes(run), FIGURES) == plain_regimes(by_path)


# connect() --------------------------------------------------------------------------------------------------------------


def test_views_of_all_three_tables(tmp_path):
    """S0-27."""
    write_log(tmp_path / "a").rename(tmp_path / "one")
    write_log(tmp_path / "b", [row(5), row(6), row(7, exp_status="incomplete")], scenario_info=None).rename(
        tmp_path / "two"
    )
    connection = read.connect(tmp_path)
    assert connection.sql("SELECT run, count(*) FROM records GROUP BY run ORDER BY run").fetchall() == [
        ("one", 2),
        ("two", 3),
    ]
    assert connection.sql("SELECT run, sum(length) FROM regimes GROUP BY run ORDER BY run").fetchall() == [
        ("one", 2),
        ("two", 2),
    ]
    found = connection.sql("SELECT run, path, version, files, records, metrics_columns FROM runs").fetchall()
    assert found == [
        ("one", str(tmp_path / "one"), "1.1", 1, 2, ["reward"]),
        ("two", str(tmp_path / "two"), "1.1", 1, 3, ["reward"]),
    ]


def test_the_infos_of_runs_are_json(tmp_path):
    run = write_log(tmp_path, scenario_info={"author": 'O"Hara', "nested": [1]})
    connection = read.connect(run)
    [(logger_info, scenario_info)] = connection.sql("SELECT logger_info, scenario_info FROM runs").fetchall()
    import json

    assert json.loads(scenario_info) == {"author": 'O"Hara', "nested": [1]}
    assert json.loads(logger_info)["metrics_columns"] == ["reward"]


@pytest.mark.parametrize("name", ["logger_info", "scenario_info"])
def test_an_info_that_is_no_json_does_not_keep_sql_from_the_records(tmp_path, name):
    """F-083: good files are still read."""
    connection = read.connect(write_log(tmp_path, **{name: "{"}), on_bad_rows="skip")
    assert connection.sql("SELECT count(*) FROM records").fetchall() == [(2,)]
    assert connection.sql("SELECT count(*) FROM runs").fetchall() == [(1,)]


@pytest.mark.parametrize("info", [{}, {"metrics_columns": "reward"}, {"metrics_columns": [1, "a", None]}, [], 7, None])
def test_metrics_are_listed_as_far_as_the_run_does(tmp_path, info):
    """F-083."""
    connection = read.connect(write_log(tmp_path, logger_info=info))
    expected = ["a"] if isinstance(info, dict) and isinstance(info.get("metrics_columns"), list) else []
    assert connection.sql("SELECT metrics_columns FROM runs").fetchall() == [(expected,)]


def test_two_connections_do_not_know_of_each_other(tmp_path):
    """DESIGN, rule 10."""
    one, other = read.connect(write_log(tmp_path / "a")), read.connect(write_log(tmp_path / "b", [row(9)]))
    assert one.sql("SELECT max(exp_num) FROM records").fetchall() == [(1,)]
    assert other.sql("SELECT max(exp_num) FROM records").fetchall() == [(9,)]


# to_parquet() -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path):
    """A run with two types of blocks, and its copy."""
    blocks = [("train", 0), ("test", 1), ("train", 2)]
    rows = [
        row(10 * block + each, block_num=block, block_type=kind, reward=each / 3)
        for kind, block in blocks
        for each in range(10)
    ]
    run = write_log(tmp_path, rows)
    read.to_parquet(run, path=tmp_path / "copy")
    return run, tmp_path / "copy"


def test_a_copy_has_a_directory_for_each_part(copied):
    _, copy = copied
    assert sorted(str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_dir()) == [
        "run=run",
        "run=run/block_type=test",
        "run=run/block_type=train",
    ]


def test_duckdb_reads_a_copy(copied):
    run, copy = copied
    columns = ", ".join(COLUMNS)
    found = duckdb.sql(
        f"SELECT {columns} FROM read_parquet('{copy}/**/*.parquet', hive_partitioning=true) ORDER BY exp_num"
    )
    assert found.fetchall() == of(read.records(run), columns)


def test_polars_reads_a_copy(copied):
    polars = pytest.importorskip("polars")
    run, copy = copied
    found = polars.scan_parquet(copy, hive_partitioning=True).sort("exp_num").select(COLUMNS).collect()
    assert found.rows() == of(read.records(run), ", ".join(COLUMNS))


def test_pyarrow_reads_a_copy(copied):
    dataset = pytest.importorskip("pyarrow.dataset")
    run, copy = copied
    found = dataset.dataset(copy, partitioning="hive").to_table(columns=COLUMNS).sort_by("exp_num").to_pylist()
    assert [tuple(each.values()) for each in found] == of(read.records(run), ", ".join(COLUMNS))


def test_parts_of_a_copy_are_sorted(tmp_path):
    run = ties(tmp_path, 12_000)
    read.to_parquet(run, path=tmp_path / "copy")
    found = of(duckdb.sql(f"FROM read_parquet('{tmp_path}/copy/**/*.parquet')"), "exp_num, worker_id, place")
    assert found == sorted(found)


def test_a_copy_may_be_one_file(tmp_path):
    run = write_log(tmp_path)
    read.to_parquet(run, path=tmp_path / "copy", partition_by=())
    assert os.listdir(tmp_path / "copy") == ["data_0.parquet"]
    assert duckdb.sql(f"FROM '{tmp_path}/copy/*.parquet'").fetchall() == read.records(run).fetchall()


def test_a_copy_of_several_runs_with_equal_names(tmp_path):
    """Their paths become names of directories, and come back."""
    runs = [str(write_log(tmp_path / each, [row(place)])) for place, each in enumerate("ab")]
    read.to_parquet(tmp_path / "a", tmp_path / "b", path=tmp_path / "copy")
    found = duckdb.sql(
        f"SELECT run FROM read_parquet('{tmp_path}/copy/**/*.parquet', hive_partitioning=true) ORDER BY exp_num"
    )
    assert first(found, "run") == runs


def test_a_copy_does_not_go_where_something_is(tmp_path):
    """F-087."""
    run = write_log(tmp_path)
    with pytest.raises(DirectoryError, match="there is something already"):
        read.to_parquet(run, path=run)
    assert len(read.records(run).fetchall()) == 2


def test_a_copy_by_an_unknown_column_is_refused(tmp_path):
    """F-087: and nothing is made."""
    run = write_log(tmp_path)
    with pytest.raises(ConfigError, match=r"partition_by names \['x'\]"):
        read.to_parquet(run, path=tmp_path / "copy", partition_by=["x"])
    assert sorted(os.listdir(tmp_path)) == ["run"]


def test_a_copy_that_fails_leaves_nothing(tmp_path):
    """F-087."""
    run = write_log(tmp_path, [row(0), {**row(1), "reward": "x"}])
    with pytest.raises(LogFormatError):
        (run / "w9").mkdir()
        (run / "w9" / "data-log.tsv").write_text("junk")
        read.to_parquet(run, path=tmp_path / "copy", on_bad_rows="raise")
    assert sorted(os.listdir(tmp_path)) == ["run"]


def test_a_copy_where_no_directory_can_be_made_is_an_error_of_ours(tmp_path):
    """F-087."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DirectoryError):
        read.to_parquet(write_log(tmp_path), path=tmp_path / "file" / "copy")


def test_a_copy_goes_below_directories_that_are_not_there_yet(tmp_path):
    read.to_parquet(write_log(tmp_path), path=tmp_path / "it's" / "new" / "copy")
    assert (tmp_path / "it's" / "new" / "copy" / "run=run").is_dir()


# What is wrong ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(tmp_path):
    """A run with a good file, a file with a row too short and a torn one, and one that is no log."""
    run = write_log(tmp_path, [row(0), row(1), row(2, worker_id="w1"), row(3, worker_id="w1")])
    path = run / "w1" / "0-train" / "data-log.tsv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], "0\t7\n", lines[2], "0\t8\tw"]))
    (run / "w2").mkdir()
    (run / "w2" / "data-log.tsv").write_bytes(b"\x7fELF\x00\x01\n")
    return run


def test_good_rows_and_files_are_read_all_the_same(damaged):
    """F-075, F-076, F-077, S1-60."""
    assert first(read.records(damaged, on_bad_rows="skip"), "exp_num") == [0, 1, 2, 3]


def test_the_warning_tells_path_and_line(damaged):
    """F-075, F-076, F-077."""
    with pytest.warns(LogWarning) as caught:
        read.records(damaged)
    [warning] = caught
    text = str(warning.message)
    assert f"{damaged}/w1/0-train/data-log.tsv:3: 2 cells, expected 10" in text
    assert f"{damaged}/w1/0-train/data-log.tsv:5: the last 5 bytes" in text
    assert f"{damaged}/w2/data-log.tsv:1: the header lacks" in text


@pytest.mark.parametrize(
    "call",
    [
        lambda run, _: read.records(run),
        lambda run, _: read.regimes(run),
        lambda run, _: read.summary(run),
        lambda run, _: read.connect(run),
        lambda run, base: read.to_parquet(run, path=base / "copy"),
    ],
)
def test_the_warning_points_at_the_line_of_the_caller(damaged, tmp_path, call):
    with pytest.warns(LogWarning) as caught:
        call(damaged, tmp_path)
    [warning] = caught
    assert warning.filename == __file__
    assert warning.lineno == call.__code__.co_firstlineno


def test_the_warning_shows_the_first_few_only(tmp_path):
    """F-076: a file of junk does not fill the screen."""
    run = write_log(tmp_path)
    path = run / "w0" / "0-train" / "data-log.tsv"
    path.write_text(path.read_text() + "junk\n" * 1000)
    with pytest.warns(LogWarning, match="and 995 more") as caught:
        read.records(run)
    assert len(str(caught[0].message)) < 3000


def test_skip_says_nothing(damaged):
    """F-076."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read.records(damaged, on_bad_rows="skip")


def test_raise_raises_the_worst(damaged):
    """F-076: an error before a warning, with path and line."""
    with pytest.raises(LogFormatError) as caught:
        read.records(damaged, on_bad_rows="raise")
    assert (caught.value.path, caught.value.line) == (str(damaged / "w1" / "0-train" / "data-log.tsv"), 3)


def test_raise_raises_for_warnings_too(tmp_path):
    """F-075."""
    run = write_log(tmp_path)
    path = run / "w0" / "0-train" / "data-log.tsv"
    path.write_text(path.read_text()[:-1])
    with pytest.raises(LogFormatError, match="unfinished row"):
        read.records(run, on_bad_rows="raise")


def test_a_good_log_raises_nothing(tmp_path):
    assert len(read.records(write_log(tmp_path), on_bad_rows="raise").fetchall()) == 2


def test_another_word_for_on_bad_rows_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="'warn', 'skip' or 'raise', got 'ignore'"):
        read.records(write_log(tmp_path), on_bad_rows="ignore")


def test_problems_lists_all_of_it(damaged):
    """F-075, F-076, F-077."""
    assert [(found.rule, found.line) for found in read.findings(damaged)] == [("cells", 3), ("torn", 5), ("header", 1)]


def test_problems_of_a_good_log_are_none(tmp_path):
    assert read.findings(write_log(tmp_path)) == []


DAMAGE = [
    (lambda line: line.replace(b"Task_a", b"Task\xff"), "encoding"),
    (lambda line: line.replace(b"wake", b"\xed\xa0\x80"), "encoding"),
    (lambda line: line.replace(b"w0", b'"w0" '), "quotes"),
    (lambda line: line.replace(b"w0", b'"w"  "0"'), "quotes"),
    (lambda line: line.replace(b"{}", b'"{"p"": 1}"'), "quotes"),
    (lambda line: line.replace(b"wake\t", b""), "cells"),
    (lambda line: line.replace(b"wake", b"wa\tke"), "cells"),
    (lambda line: line.replace(b"wake", b"wa\nke"), "cells"),
    (lambda line: b"\n" + line, "cells"),
    (lambda line: line.replace(b"0\t5\t", b"0\tx\t"), "count"),
    (lambda line: line.replace(b"0\t5\t", b"\t5\t"), "count"),
    (lambda line: b"\0" * 10 + line, "count"),
    (lambda line: b"\xef\xbb\xbf" + line, "count"),
    (lambda line: b' "0"' + line[1:], "count"),
]
ODD_TEXTS = [' "w0"', ' ""', "w\x0b0", "\0", "w 0 ", " w0", "\x85", "'w0'", "#", "w\\0", "\ufeff", "a\u2028b", 'w"0']


@pytest.fixture(scope="module", params=[10, LARGE])
def changed(request, tmp_path_factory):
    """Files that are copied, or read in place, in each of which the row in line 7 is changed: how, and what is read."""
    changes = [damage for damage, _ in DAMAGE]
    changes += [lambda line, text=text: line.replace(b"w0", text.encode()) for text in ODD_TEXTS]
    rows = [row(each, directory=f"{place:02}") for place in range(len(changes)) for each in range(request.param)]
    run = write_log(tmp_path_factory.mktemp("changed"), rows, columns=[*COLUMNS, "file"])
    for place, change in enumerate(changes):
        path = run / f"{place:02}" / "data-log.tsv"
        lines = path.read_bytes().replace(b"\n", b"%d\n" % place).splitlines(keepends=True)
        lines[0] = tsv([], [*COLUMNS, "file"]).encode()
        lines[6] = change(lines[6])
        path.write_bytes(b"".join(lines))
    log = Log(age(run), on_bad_rows="skip")
    found = of(log.records(), "file, exp_num, worker_id")
    counted = dict(of(log.records().aggregate("file, count(*)"), "*"))
    return request.param, found, counted, log.findings


@pytest.mark.parametrize("place", range(len(DAMAGE)))
def test_damage_in_one_row_is_found_and_costs_no_other(changed, place):
    """F-076, F-079: where files are copied and where they are read in place."""
    damage, rule = DAMAGE[place]
    number, found, counted, findings = changed
    kept = damage(b"0\t5\tw0").startswith(b"\n")
    rest = [each for each in range(number) if each != 5 or kept]
    assert [exp_num for file, exp_num, _ in found if file == place] == rest
    assert counted[place] == len(rest)
    of_file = [each for each in findings if f"/{place:02}/" in each.path]
    assert {(each.rule, each.line) for each in of_file} >= {(rule, 7)}
    assert {each.line for each in of_file} <= {7, 8}


@pytest.mark.parametrize("place", range(len(ODD_TEXTS)))
def test_odd_text_comes_back_to_the_letter(changed, place):
    """F-026: where files are copied and where they are read in place."""
    _, found, _, findings = changed
    file = len(DAMAGE) + place
    assert [text for each, exp_num, text in found if (each, exp_num) == (file, 5)] == [ODD_TEXTS[place]]
    assert [each for each in findings if f"/{file:02}/" in each.path] == []


@pytest.mark.parametrize("number", [10, LARGE])
def test_a_quote_that_is_never_closed_ends_the_file_there(tmp_path, number):
    """F-076: what follows may be text, and text that looks like a row is none."""
    run = write_log(tmp_path, [row(each) for each in range(number)])
    path = run / "w0" / "0-train" / "data-log.tsv"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[6] = lines[6].replace(b"w0", b'"w0')
    path.write_bytes(b"".join(lines))
    log = Log(age(run), on_bad_rows="skip")
    assert first(log.records(), "exp_num") == [0, 1, 2, 3, 4]
    assert [(found.rule, found.line) for found in log.findings] == [("torn", 7)]


@pytest.mark.parametrize("number", [10, LARGE])
def test_a_carriage_return_in_a_cell_comes_back(tmp_path, number):
    """F-026: bare, as the original wrote it before Python 3.13, and in quotes."""
    rows = [[0, each, "a\rb" if each % 2 else "c\r\nd"] for each in range(number)]
    run = tmp_path / "run"
    run.mkdir()
    data = table(["block_num", "exp_num", "note"], rows)
    (run / "data-log.tsv").write_bytes(data.replace(b'"a\rb"', b"a\rb"))
    assert first(read.records(age(run)), "note") == [cells[2] for cells in rows]


def test_a_quote_left_open_in_one_file_does_not_reach_into_the_next(tmp_path):
    """F-076: small files are put together to be read."""
    run = write_log(tmp_path, [row(0, worker_id="a"), row(1, worker_id="b")])
    for worker, reward in (("a", '"1'), ("b", '1"')):
        path = run / worker / "0-train" / "data-log.tsv"
        path.write_text(path.read_text().replace("\t1.0\n", f"\t{reward}\n"))
    log = Log(run, on_bad_rows="skip")
    assert of(log.records(), "exp_num, reward") == [(1, '1"')]
    assert [(found.rule, found.line) for found in log.findings] == [("torn", 2)]


def test_a_row_that_is_too_long_is_told(tmp_path):
    """F-086."""
    run = write_log(tmp_path, [row(0), row(1, task_params="x" * (2**25 + 1)), row(2)])
    log = Log(run, on_bad_rows="skip")
    assert first(log.records(), "exp_num") == [0, 2]
    assert [(found.rule, found.line) for found in log.findings] == [("length", 3)]


@pytest.mark.parametrize("size", [2**20, 2**23])
def test_a_row_as_long_as_the_writer_makes_is_read(tmp_path, size):
    """F-030, F-086."""
    run = write_log(tmp_path, [row(0), row(1, task_params="x" * size), row(2)])
    assert first(read.records(age(run)), "length(task_params)") == [2, size, 2]


# Live files -------------------------------------------------------------------------------------------------------------


def test_a_log_is_read_while_it_is_written(make):
    """F-088: every reading is a prefix, and longer than the one before."""
    logger = make()
    lengths = []
    for number in range(300):
        logger.log_record(record(number))
        if number % 20 == 0:
            found = first(read.records(logger.scenario_dir), "exp_num")
            assert found == list(range(number + 1))
            lengths.append(len(found))
    assert lengths == sorted(lengths)


WRITE = """
import sys
from l2logger import DataLogger
logger = DataLogger(sys.argv[1], "run", {"metrics_columns": ["reward"]})
print(logger.scenario_dir, flush=True)
for number in range(20_000):
    logger.log_record({"block_num": 0, "exp_num": number, "block_type": "train", "task_name": "Task_a", "task_params": {},
                       "reward": number / 2, "note": 'a "b"\\n' * (number % 50)})
sys.stdin.read()
"""


def test_a_log_is_read_while_another_process_writes(tmp_path):
    """F-088: at full speed, with cells in quotes."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITE, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        try:
            directory = writer.stdout.readline().strip()
            lengths = []
            while not lengths or lengths[-1] < 20_000:
                relation = read.records(directory, on_bad_rows="skip")
                found = of(relation, "exp_num, reward, length(note)")
                assert found == [(each, each / 2, 6 * (each % 50) or None) for each in range(len(found))]
                lengths.append(len(found))
        finally:
            writer.kill()
    assert lengths == sorted(lengths)


def test_a_relation_held_while_the_log_grows_never_shows_wrong_values(tmp_path):
    """F-088: what is appended later is not there, or an error says so."""
    run = age(log_with(tmp_path, ["x"], [[each] for each in range(50_000)]))
    relation = read.records(run)
    with (run / "w0" / "0-train" / "data-log.tsv").open("a") as file:
        file.write("0\t50000\t0.5\n0\t50001\t7")
    try:
        found = of(relation, "exp_num, x")
    except duckdb.Error as error:
        assert "grown" in str(error)  # noqa: PT017
    else:
        assert found[:50_000] == [(each, each) for each in range(50_000)]
        assert found[50_000:] in ([], [(50_000, 0.5)])


def test_a_file_that_vanishes_between_looking_and_reading_is_told(tmp_path, monkeypatch):
    """F-048, F-088: a run that is deleted meanwhile."""
    import l2logger.log_files

    run = write_log(tmp_path, [row(0), row(1, worker_id="w1")])
    usual = l2logger.log_files.glance

    def glance(path):
        seen = usual(path)
        if "w1" in path:
            os.unlink(path)
        return seen

    monkeypatch.setattr(l2logger.log_files, "glance", glance)
    log = Log(run, on_bad_rows="skip")
    assert first(log.records(), "exp_num") == [0]
    assert [found.rule for found in log.findings] == ["unreadable"]


# What other writers wrote -----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::l2logger.RecordWarning")
def test_what_the_writer_wrote_is_what_is_read(make):
    """S0-27, F-025, F-026: text with everything in it."""
    texts = [
        'a "b"',
        "tab\there",
        "two\nlines",
        "cr\rcr",
        "crlf\r\n",
        "☃",
        "\u2028",
        "\0",
        " lead",
        "trail ",
        "",
        "NA",
        "\\",
        '"',
    ]
    logger = make()
    for number, text in enumerate(texts):
        logger.log_record(record(number, note=text, task_params={"text": text}))
    found = of(read.records(logger.scenario_dir), "note, json_extract_string(task_params, '$.text')")
    assert found == [(text or None, text) for text in texts]


@settings(max_examples=15, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.floats(), st.integers(-(2**63), 2**63 - 1)),
        min_size=1,
        max_size=8,
    )
)
def test_any_record_is_read_as_it_was_logged(tmp_path_factory, rows):
    """F-015, F-025, F-026, S1-37."""
    with DataLogger(tmp_path_factory.mktemp("any"), "run", {"metrics_columns": ["reward"]}) as logger:
        for number, (note, reward, steps) in enumerate(rows):
            logger.log_record(record(number, note="_" + note, reward=reward, steps=steps))
    found = of(read.records(logger.scenario_dir), "note, reward, steps")
    for (note, reward, steps), (got_note, got_reward, got_steps) in zip(rows, found, strict=True):
        assert (got_note, got_steps) == ("_" + note, steps)
        assert got_reward == reward or (math.isnan(reward) and math.isnan(got_reward))


def test_a_log_of_1_0_with_a_subtype_as_an_extra(tmp_path):
    """S1-35: found by name, behind the timestamp."""
    columns = [*(name for name in COLUMNS[:-1] if name != "block_subtype"), "block_subtype", "reward"]
    run = write_log(tmp_path, [row(block_subtype="zzz")], columns=columns, logger_info={"log_format_version": "1.0"})
    assert first(read.records(run), "block_subtype") == ["zzz"]


def test_a_torn_log_reads_up_to_its_last_whole_row_at_every_cut(make):
    """S1-60, F-075."""
    logger = make()
    for number in range(3):
        logger.log_record(record(number, note='a "b"\n\tc'))
    logger.close()
    path = data_log(logger)
    data = path.read_bytes()
    ends = [
        place for place in range(1, len(data) + 1) if data[:place].endswith(b"\n") and data[:place].count(b'"') % 2 == 0
    ]
    for cut in [*range(0, len(data), 17), len(data) - 1, len(data)]:
        path.write_bytes(data[:cut])
        whole = max(sum(end <= cut for end in ends) - 1, 0)
        log = Log(logger.scenario_dir, on_bad_rows="skip")
        assert first(log.records(), "exp_num") == list(range(whole))
        assert bool(log.findings) == (cut not in ends[1:])


# Size -------------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no peak of memory to be read")
@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux tells the peak of a process")
@pytest.mark.parametrize("damage", [b"", b"junk\n"])
def test_memory_stays_bounded(tmp_path, damage):
    """F-086, F-089: a file of two million records is summed up within a gigabyte, with and without damage."""
    path = tmp_path / "run" / "w0" / "0-train" / "data-log.tsv"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(tsv([]).encode())
        for start in range(0, 2_000_000, 10_000):
            lines = "".join(
                f"0\t{each}\tw0\ttrain\twake\tTask_a\t{{}}\tcomplete\t20261121T120000.000001\t{each / 7}\n"
                for each in range(start, start + 10_000)
            )
            file.write(lines.encode())
        file.write(damage)
    os.utime(path, (1e9, 1e9))
    code = """
import sys
from l2logger import read
found = read.summary(sys.argv[1], on_bad_rows="skip")
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(found.records, found.regimes[0].length, int(peak) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=300, check=True
    )
    records, length, megabytes = map(int, done.stdout.split())
    assert (records, length) == (2_000_000, 2_000_000)
    print(megabytes)
    assert megabytes < 1024


@pytest.mark.slow
def test_three_thousand_small_files(tmp_path):
    """F-089."""
    import time

    for each in range(3000):
        path = tmp_path / f"w{each:04}" / "0-train" / "data-log.tsv"
        path.parent.mkdir(parents=True)
        path.write_text(tsv([row(number) for number in range(50)]))
    begin = time.monotonic()
    assert read.records(tmp_path).count("*").fetchall() == [(150_000,)]
    assert time.monotonic() - begin < 20
