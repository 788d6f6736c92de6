"""Fuzz of the reader: good logs are damaged, and what is read of them is held against a plain reader of this file.

Run it as ``python tests/fuzz_reader.py --mutations 10000 --seed 1``. Each case is a run of a few files, of which one or
two are damaged. It is read in three ways (as it comes; by DuckDB in place; row by row with care), and each must give,
cell by cell, the rows that `expected` finds by going through the bytes one by one, and a finding with path and line for
whatever else is there. The cases are judged by a process of its own, so that one that hangs is killed and counted. It
prints one line of figures and exits with 1 if there was wrong data, an exception that is none of ours, or a hang:

``exact``         the damage changes no record (a byte order mark, other line ends), and the same records are read
``undetectable``  the damage makes other, well-formed records (a digit that flips, a line that is there twice)
``found``         the damage is reported with path and line, and all other records are read
``refused``       the whole log is refused by an error of ours, with a path
``wrong``         anything else
"""

import argparse
import csv
import io
import itertools
import json
import math
import os
import random
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

CASE_SECS = 30.0
"""A case that takes longer hangs; usually one takes 0.1 s."""

CONNECTION_CASES = 100
STANDARD = (
    "block_num exp_num worker_id block_type block_subtype task_name task_params exp_status timestamp".split()  # noqa: SIM905
)
MISSING = set("#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|None|n/a|null".split("|"))  # noqa: SIM905
WRONG = ("wrong", "exception", "hang")
CLASSES = ("exact", "undetectable", "found", "refused", *WRONG)


# What should be read ----------------------------------------------------------------------------------------------------


class Expected(NamedTuple):
    """What is in a file.

    Attributes:
        columns: None if the file as a whole cannot be read.
        rows: Line and cells of each record.
        bad: Lines at which there is something that is no record.
        ends: Where each record ends.
    """

    columns: list[str] | None
    rows: list[tuple[int, list[str]]]
    bad: list[int]
    ends: list[int]


def scan(data: bytes, position: int) -> tuple[list[bytes] | None, int, bool]:
    """Return the cells of the row at `position` (None if it is no row), where the next begins, and if it is torn."""
    begin = position
    cells = []
    while True:
        if data[position : position + 1] == b'"':
            cell = bytearray()
            position += 1
            while True:
                quote = data.find(b'"', position)
                if quote < 0:
                    return None, len(data), True
                cell += data[position:quote]
                position = quote + 1
                if data[position : position + 1] != b'"':
                    break
                cell += b'"'
                position += 1
            if data[position : position + 2] == b"\r\n":
                position += 1
            elif data[position:] == b"\r":
                return None, len(data), True
            elif position < len(data) and data[position] not in b"\t\n":
                newline = data.find(b"\n", begin)
                return None, newline + 1 or len(data), newline < 0
        else:
            stop = position
            while stop < len(data) and data[stop] not in b"\t\n":
                stop += 1
            cell = bytearray(data[position:stop])
            position = stop
        if position == len(data):
            # A newline that is behind us was inside of quotes, so all of this is one row, and it is not finished.
            return None, len(data), True
        cells.append(bytes(cell))
        position += 1
        if data[position - 1] == 10:
            return cells, position, False


def expected(data: bytes, counts: tuple[str, ...] = ("block_num", "exp_num")) -> Expected:
    """Go through a file byte by byte."""
    nothing = Expected(None, [], [], [])
    header, position, _ = scan(data, 3 if data[:3] == b"\xef\xbb\xbf" else 0)
    if header is None:
        return nothing
    crlf = data[:position].endswith(b"\r\n")
    try:
        columns = [cell.decode() for cell in header]
    except UnicodeDecodeError:
        return nothing
    if crlf:
        columns[-1] = columns[-1].removesuffix("\r")
    if len(set(columns)) < len(columns) or not set(counts) <= set(columns):
        return nothing
    rows, bad, ends = [], [], []
    line = 1 + data[:position].count(b"\n")
    while position < len(data):
        begin = position
        cells, position, torn = scan(data, begin)
        good = False
        if cells is not None:
            if crlf and data[position - 2 : position] == b"\r\n":
                cells[-1] = cells[-1].removesuffix(b"\r")
            try:
                text = [cell.decode() for cell in cells]
            except UnicodeDecodeError:
                text = []
            good = len(text) == len(columns) and all(is_count(text[columns.index(name)]) for name in counts)
        if good:
            rows.append((line, text))
            ends.append(position)
        else:
            bad.append(line)
        if torn:
            break
        line += data[begin:position].count(b"\n")
    return Expected(columns, rows, bad, ends)


def is_count(text: str) -> bool:
    return re.fullmatch("-?[0-9]+", text, re.ASCII) is not None and -(2**63) <= int(text) < 2**63


def same(text: str, got: object) -> bool:
    """Return whether the text of a cell can be read as `got`."""
    if got is None:
        return text == "" or text in MISSING
    if isinstance(got, str):
        return got == text
    if isinstance(got, bool):
        return text.lower() == str(got).lower()
    if isinstance(got, int):
        return re.fullmatch("[-+]?[0-9]+", text, re.ASCII) is not None and int(text) == got
    try:
        number = float(text)
    except ValueError:
        return False
    return "_" not in text and (number == got or (math.isnan(number) and math.isnan(float(str(got)))))


# Logs to damage ---------------------------------------------------------------------------------------------------------

WORDS = ["", "word", "NA", "nan", "007", "true", "1_000", "x" * 70, "ünï ☃", "'", "#", "\\", "a,b", " lead", "trail "]
TRICKY = [
    '"',
    '"a"',
    'a "b" c',
    "tab\there",
    "two\nlines",
    "\n",
    "cr\rcr",
    "crlf\r\n",
    '"\n"',
    "0\t1\tw\n0\t2\tw",
    '""',
]
ALPHABET = [
    b'"',
    b'"',
    b" ",
    b"\t",
    b"\n",
    b"\r",
    b"\\",
    b"\0",
    b"\x0b",
    b"\x0c",
    b"\x1a",
    b"\x1c",
    b",",
    b"#",
    b"'",
    b"a",
]
ALPHABET += [
    b"0",
    b"1",
    b"-",
    b".",
    b"e",
    b"_",
    b"\xc2\xa0",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"\x85",
    b"\xff",
    b"\xc3",
    b"\xc3\xa9",
]


def table(columns: list[str], rows: list[list[object]], end: str = "\n") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter="\t", lineterminator="\r\n").writerows([columns, *rows])
    # With this line end, the writer puts a bare carriage return in quotes as well.
    lines = io.StringIO(newline="")
    for row in csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter="\t"):
        cells = ['"' + cell.replace('"', '""') + '"' if re.search('[\t\n\r"]', cell) else cell for cell in row]
        lines.write("\t".join(cells) + end)
    return lines.getvalue().encode()


def good_log(luck: random.Random) -> dict[str, bytes]:
    """Return the files of a good run."""
    shape = luck.choice(["plain", "texts", "texts", "params", "crlf", "order", "narrow", "legacy"])
    files: dict[str, bytes] = {"scenario_info.json": b"{}"}
    workers = luck.choice([1, 1, 2, 4])
    exp_nums = itertools.count()
    if shape == "legacy":
        files["column_info.json"] = b'{\n  "metrics_columns": [\n    "reward"\n  ]\n}'
        for worker in range(workers):
            place = f"w{worker}/0-train/Task_a"
            names = ["block_num", "regime_num", "block_type", "worker", "task_name", "params"]
            regimes = [[0, number, "train", f"w{worker}", "Task_a", '["-s", 5]'] for number in range(2)]
            files[f"{place}/block-info.tsv"] = table(names, regimes)
            names = ["block_num", "regime_num", "exp_num", "status", "timestamp", "reward"]
            rows = [[0, luck.randrange(2), next(exp_nums), "Done", stamp(luck), luck.random()] for _ in range(8)]
            files[f"{place}/data-log.tsv"] = table(names, rows)
        return files
    info = {"metrics_columns": ["reward"], "log_format_version": "1.1"}
    files["logger_info.json"] = json.dumps(info, indent=2).encode()
    names = ["block_num", "exp_num"] if shape == "narrow" else [*STANDARD, "note", "reward", "steps"]
    if shape == "order":
        luck.shuffle(names)
    for worker in range(workers):
        rows = []
        for _ in range(luck.choice([1, 2, 8, 20])):
            cells = {
                "block_num": 0,
                "exp_num": next(exp_nums) // luck.choice([1, 1, 2]),
                "worker_id": f"w{worker}",
                "block_type": "train",
                "block_subtype": "wake",
                "task_name": "Task_a",
                "task_params": json.dumps({"p": luck.choice(WORDS + TRICKY)}) if shape == "params" else "{}",
                "exp_status": "complete",
                "timestamp": stamp(luck),
                "note": luck.choice(WORDS + TRICKY if shape in ("texts", "order") else WORDS),
                "reward": luck.random(),
                "steps": luck.randrange(500),
            }
            rows.append([cells[name] for name in names])
        files[f"w{worker}/0-train/data-log.tsv"] = table(names, rows, "\r\n" if shape == "crlf" else "\n")
    return files


def stamp(luck: random.Random) -> str:
    return f"20201020T230415.{luck.randrange(10**6):06}"


# The damage -------------------------------------------------------------------------------------------------------------


def spot(luck: random.Random, data: bytes) -> int:
    return luck.randrange(len(data) + 1)


def cut(luck: random.Random, data: bytes) -> bytes:
    return data[: spot(luck, data)]


def flip_bit(luck: random.Random, data: bytes) -> bytes:
    place = luck.randrange(max(len(data), 1))
    return data[:place] + bytes([data[place] ^ 1 << luck.randrange(8)]) + data[place + 1 :] if data else data


def change_byte(luck: random.Random, data: bytes) -> bytes:
    place = spot(luck, data)
    return data[:place] + luck.choice(ALPHABET) + data[place + 1 :]


def insert(luck: random.Random, data: bytes) -> bytes:
    place = spot(luck, data)
    return data[:place] + b"".join(luck.choices(ALPHABET, k=luck.choice([1, 1, 2, 5]))) + data[place:]


def delete(luck: random.Random, data: bytes) -> bytes:
    place = spot(luck, data)
    return data[:place] + data[place + luck.choice([1, 1, 2, 30, 300]) :]


def repeat(luck: random.Random, data: bytes) -> bytes:
    place = spot(luck, data)
    return data[:place] + data[max(place - luck.choice([1, 10, 100, 1000]), 0) :]


def swap_lines(luck: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    if len(lines) > 1:
        one, other = luck.sample(range(len(lines)), 2)
        lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def repeat_line(luck: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    if lines:
        lines.insert(luck.randrange(len(lines) + 1), luck.choice(lines))
    return b"".join(lines)


def change_cell(luck: random.Random, data: bytes) -> bytes:
    """Put something odd in the place of one cell."""
    lines = data.split(b"\n")
    place = luck.randrange(len(lines))
    cells = lines[place].split(b"\t")
    cells[luck.randrange(len(cells))] = b"".join(luck.choices(ALPHABET, k=luck.randrange(6)))
    lines[place] = b"\t".join(cells)
    return b"\n".join(lines)


def blanks_at_quotes(luck: random.Random, data: bytes) -> bytes:
    """Put blanks, or their like, beside a quote, where lenient readers strip them."""
    places = [found.start() for found in re.finditer(b'"', data)] or [spot(luck, data)]
    place = luck.choice(places) + luck.randrange(2)
    return data[:place] + luck.choice([b" ", b"  ", b"\x0b", b"\0", b"\xc2\xa0", b"\r", b'"']) + data[place:]


def quote_cell(luck: random.Random, data: bytes) -> bytes:
    """Put one cell in quotes, which is as good, or in bad ones."""
    lines = data.split(b"\n")
    place = luck.randrange(len(lines))
    cells = lines[place].split(b"\t")
    column = luck.randrange(len(cells))
    before, after = luck.choice(
        [b'" " '.split(b" ")[::2], *[(b'"', b'"')] * 3, (b'"', b""), (b"", b'"'), (b' "', b'"'), (b'"', b'" ')]
    )
    cells[column] = before + cells[column] + after
    lines[place] = b"\t".join(cells)
    return b"\n".join(lines)


def wrong_columns(luck: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    place = luck.randrange(len(lines))
    cells = lines[place].split(b"\t")
    if luck.random() < 0.5:
        cells.insert(luck.randrange(len(cells) + 1), luck.choice(cells))
    else:
        del cells[luck.randrange(len(cells)) :]
    lines[place] = b"\t".join(cells)
    return b"\n".join(lines)


def change_header(luck: random.Random, data: bytes) -> bytes:
    header, newline, rest = data.partition(b"\n")
    damage = luck.choice([change_cell, wrong_columns, flip_bit, delete, insert, quote_cell, cut, swap_cells])
    return damage(luck, header) + newline + rest


def swap_cells(luck: random.Random, data: bytes) -> bytes:
    cells = data.split(b"\t")
    luck.shuffle(cells)
    return b"\t".join(cells)


def junk(luck: random.Random, data: bytes) -> bytes:
    place = spot(luck, data)
    return data[:place] + luck.randbytes(luck.choice([1, 10, 200])) + data[place:] * luck.randrange(2)


def recode(luck: random.Random, data: bytes) -> bytes:
    text = data.decode()
    return text.encode(luck.choice(["utf-16", "utf-16-le", "latin-1", "utf-8-sig", "utf-7", "cp037"]), errors="replace")


def other_ends(luck: random.Random, data: bytes) -> bytes:
    if luck.random() < 0.5:
        return data.replace(b"\n", luck.choice([b"\r\n", b"\r", b"\n\n", b"\n\r", b" \n", b"\t\n"]))
    place = data.find(b"\n", spot(luck, data))
    return (
        data
        if place < 0
        else data[:place] + luck.choice([b"\r", b"", b"\n", b"\0"]) + data[place + luck.randrange(2) :]
    )


def tail(luck: random.Random, data: bytes) -> bytes:
    return data + luck.choice(
        [b"\0" * 100, b"\n", b"\r\n", b"\x1a", b" ", b"\t", b'"', b"\0\n", b"\n\n\n", b"0\t", b'"a\n']
    )


def no_newline(luck: random.Random, data: bytes) -> bytes:
    return data.removesuffix(b"\n")


def emptied(luck: random.Random, data: bytes) -> bytes:
    return luck.choice(
        [b"", b"\n", b"\0", data.partition(b"\n")[0] + b"\n", data.partition(b"\n")[0], b"\xef\xbb\xbf" + data]
    )


MUTATIONS = [
    cut,
    cut,
    flip_bit,
    flip_bit,
    change_byte,
    insert,
    insert,
    delete,
    repeat,
    swap_lines,
    repeat_line,
    change_cell,
]
MUTATIONS += [
    change_cell,
    blanks_at_quotes,
    blanks_at_quotes,
    quote_cell,
    quote_cell,
    wrong_columns,
    change_header,
    junk,
]
MUTATIONS += [recode, other_ends, tail, no_newline, emptied]


class Case(NamedTuple):
    """One damaged log: its files before and after, and the names of the damaged ones."""

    good: dict[str, bytes]
    bad: dict[str, bytes]
    damage: dict[str, list[str]]


def case(seed: int, number: int) -> Case:
    luck = random.Random(f"{seed}:{number}")
    good = good_log(luck)
    bad = dict(good)
    damage: dict[str, list[str]] = {}
    logs = [name for name in good if name.endswith("data-log.tsv")]
    others = [name for name in good if name not in logs]
    for _ in range(luck.choice([1, 1, 1, 2, 3])):
        name = luck.choice(others) if luck.random() < 0.05 else luck.choice(logs)
        mutation = luck.choice(MUTATIONS)
        try:
            bad[name] = mutation(luck, bad[name])
        except UnicodeDecodeError:
            continue
        damage.setdefault(name, []).append(mutation.__name__)
    return Case(good, bad, damage)


# The judge --------------------------------------------------------------------------------------------------------------


class Judge:
    """Reads damaged logs with the package, and says what came of it."""

    def __init__(self, base: str) -> None:
        # The parent, which must kill what hangs, has no use for the package.
        import duckdb

        from l2logger import errors, log_files, read, rules, util
        from l2logger.log import Log

        self.duckdb, self.log, self.log_files, self.errors = duckdb, Log, log_files, errors
        self.read, self.rules, self.util = read, rules, util
        usual = {"glance": log_files.glance, "_COPIED_BYTES": log_files._COPIED_BYTES}
        self.lanes = {
            "copied": usual,
            "whole": usual | {"_COPIED_BYTES": -1},
            "careful": usual | {"glance": lambda path: None},
        }
        self.base = os.path.realpath(base)
        self.cases = 0
        self.connection = duckdb.connect()

    def judge(self, it: Case) -> tuple[str, str]:
        """Return the class of a case and, for the wrong ones, what is wrong."""
        self.cases += 1
        if self.cases % CONNECTION_CASES == 0:
            self.connection.close()
            self.connection = self.duckdb.connect()
        directory = os.path.join(self.base, "run")
        shutil.rmtree(directory, ignore_errors=True)
        for name, data in it.bad.items():
            path = Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results = [self.compare(it, directory, lane) for lane in self.lanes]
                if self.cases % 4 == 0:
                    self.others(directory)
        except Exception:
            return "exception", traceback.format_exc(limit=-3)
        wrong = [
            f"{lane}: {problem}" for lane, (kind, problem) in zip(self.lanes, results, strict=True) if kind == "wrong"
        ]
        return ("wrong", "; ".join(wrong)) if wrong else results[0]

    def compare(self, it: Case, directory: str, lane: str) -> tuple[str, str]:
        """Read in one of three ways, and compare."""
        vars(self.log_files).update(self.lanes[lane])
        try:
            log = self.log(directory, connection=self.connection, on_bad_rows="skip")
            relation = log.records()
            columns, got = relation.columns, relation.fetchall()
        except self.errors.LogFormatError as error:
            # Only a version from the future, or from the past, is a reason to read nothing.
            known = error.path and os.path.exists(error.path) and "logger_info.json" in it.damage
            return ("refused", "") if known else ("wrong", f"refused: {error}")
        finally:
            vars(self.log_files).update(self.lanes["copied"])
        if legacy(it.good) != any(run.legacy for run in log.runs):
            return "found", ""  # The damage is in what tells the version.
        logs = {name: expected(data) for name, data in it.bad.items() if name.endswith("data-log.tsv")}
        wanted = sorted(
            (int(cells[of.columns.index("exp_num")]), int(cells[of.columns.index("block_num")]), name, line, cells)
            for name, of in logs.items()
            if of.columns
            for line, cells in of.rows
        )
        if len(got) != len(wanted):
            return "wrong", f"{len(got)} records, expected {len(wanted)}; findings: {log.findings}"
        for values, (*_, name, line, cells) in zip(got, wanted, strict=True):
            for column, text in zip(logs[name].columns or (), cells, strict=True):
                if columns.count(column) != 1 or column in ("run", "regime_num") or self.doubled(column, columns):
                    continue  # The damage is in the name.
                value = values[columns.index(column)]
                if not same(text.lower() if column == "task_name" else text, value):
                    return "wrong", f"{name}:{line} ({column}): {value!r}, expected {text!r}"
        return self.findings(it, directory, logs, log.findings)

    def doubled(self, column: str, columns: list[str]) -> bool:
        return [name.lower() for name in columns].count(column.lower()) > 1

    def findings(self, it: Case, directory: str, logs: dict[str, Expected], findings: list) -> tuple[str, str]:
        """Tell whether each thing that is no record is in the findings, and nothing else."""
        for finding in findings:
            name = os.path.relpath(finding.path, directory)
            of = logs.get(name)
            if name not in it.bad:
                return "wrong", f"a finding about nothing: {finding}"
            if of and of.columns and finding.line not in of.bad and finding.rule not in ("no_rows", "regimes"):
                return "wrong", f"a finding where there is a record: {finding}"
        places = {(os.path.relpath(finding.path, directory), finding.line) for finding in findings}
        names = {name for name, _ in places}
        for name, of in logs.items():
            if name not in names and not (of.columns and of.rows):
                return "wrong", f"{name}: no record, no finding"
            for line in of.bad:
                if (name, line) not in places:
                    return "wrong", f"{name}:{line}: no record, no finding there: {findings}"
            before = expected(it.good[name])
            prefix = common_prefix(it.good[name], it.bad[name])
            kept = sum(end <= prefix for end in before.ends)
            if of.columns == before.columns and of.rows[:kept] != before.rows[:kept]:
                return "wrong", f"{name}: a row before the damage is changed"
        if findings:
            return "found", ""
        unchanged = all(of[:2] == expected(it.good[name])[:2] for name, of in logs.items())
        return ("exact" if unchanged else "undetectable"), ""

    def others(self, directory: str) -> None:
        """Call what else reads a log: each gives a result or an error of ours."""
        ours = (self.errors.L2LoggerError, FileNotFoundError, KeyError, json.JSONDecodeError)
        path = Path(directory)
        frame = None
        calls = [
            lambda: self.read.regimes(directory, on_bad_rows="skip").fetchall(),
            lambda: self.read.summary(directory, on_bad_rows="skip").as_dict(),
            lambda: self.read.connect(directory, on_bad_rows="skip").sql("SELECT * FROM runs, regimes").fetchall(),
            lambda: self.read.info(directory),
            lambda: self.read.findings(directory),
            lambda: self.rules.validate(directory).as_dict(),
            lambda: self.util.read_logger_info(path),
            lambda: self.util.read_scenario_info(path),
        ]
        for call in calls:
            try:
                call()
            except ours:
                pass
        try:
            frame = self.util.read_log_data(path)
            self.util.validate_log(frame, ["reward"])
        except ours:
            pass
        if frame is not None and {"block_type", "task_name"} <= set(frame.columns):
            numbered = self.util.fill_regime_num(frame.drop(columns="regime_num", errors="ignore"))
            if "task_params" in frame.columns:
                self.util.parse_blocks(numbered)


def common_prefix(one: bytes, other: bytes) -> int:
    return next(
        (place for place, both in enumerate(zip(one, other, strict=False)) if both[0] != both[1]),
        min(len(one), len(other)),
    )


def legacy(files: dict[str, bytes]) -> bool:
    return "column_info.json" in files


def work(seed: int, numbers: range) -> None:
    """Judge cases and print a line for each."""
    import logging

    logging.disable()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as base:
        judge = Judge(base)
        for number in numbers:
            kind, problem = judge.judge(case(seed, number))
            print(kind, number, json.dumps(problem), flush=True)


# The parent -------------------------------------------------------------------------------------------------------------


def fuzz(mutations: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Have cases judged, by another process as soon as one hangs, and return the figures and what was wrong."""
    figures: Counter[str] = Counter(dict.fromkeys(CLASSES, 0))
    problems = []
    number = 0
    while number < mutations:
        command = [sys.executable, __file__, "--work", str(number), "--mutations", str(mutations), "--seed", str(seed)]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE)
        with worker, worker.stdout:
            rest = b""
            try:
                while select.select([worker.stdout], [], [], CASE_SECS)[0] and (
                    data := os.read(worker.stdout.fileno(), 2**16)
                ):
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        kind, _, problem = line.decode().split(" ", 2)
                        figures[kind] += 1
                        if kind in WRONG:
                            problems.append(f"--seed {seed} --case {number}: {json.loads(problem)}")
                        number += 1
            finally:
                worker.kill()
        if number < mutations:
            if not sum(figures.values()):
                raise RuntimeError("not even the first case could be judged")
            kind = "hang" if worker.wait() == -9 else "exception"
            figures[kind] += 1
            problems.append(f"--seed {seed} --case {number}: {kind}, the process ended with {worker.returncode}")
            number += 1
    return figures, problems


def show(seed: int, number: int) -> None:
    """Judge one case, and leave it in the working directory to be looked at."""
    it = case(seed, number)
    judge = Judge("fuzzed")
    print(judge.base, it.damage, *judge.judge(it), sep="\n")
    for name in it.damage:
        print(name, it.good[name], it.bad[name], sep="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutations", type=int, default=2000, help="number of cases")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--case", type=int, default=None, help="look at one case only")
    parser.add_argument("--work", type=int, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work is not None:
        work(options.seed, range(options.work, options.mutations))
        return 0
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    if options.case is not None:
        show(seed, options.case)
        return 0
    begin = time.monotonic()
    figures, problems = fuzz(options.mutations, seed)
    words = " ".join(f"{name}={count}" for name, count in figures.items())
    print(f"mutations={options.mutations} seed={seed} {words} secs={time.monotonic() - begin:.1f}")
    print(*problems[:20], sep="\n", file=sys.stderr)
    return int(any(figures[name] for name in WRONG))


if __name__ == "__main__":
    sys.exit(main())
