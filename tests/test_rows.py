"""The rows of one file, one by one: which are records, and what is said of the others."""

import os
import pickle
import subprocess
import sys

import pytest
from fuzz_reader import expected, table
from hypothesis import given, settings
from hypothesis import strategies as st

from l2logger.findings import ERROR, WARNING, Finding
from l2logger.rows import Row, RowFile

HEADER = b"block_num\texp_num\tnote\n"


@pytest.fixture
def read(tmp_path):
    """Return the line and cells of each record of a file, and the rule and line of each finding."""

    def read(data: bytes, **options):
        path = tmp_path / "data-log.tsv"
        path.write_bytes(data)
        with RowFile(str(path), **options) as file:
            found = list(file)
        records = [(row.line, row.cells) for row in found if isinstance(row, Row)]
        return records, [(each.rule, each.line) for each in found if isinstance(each, Finding)]

    return read


@pytest.fixture
def findings(tmp_path):
    def findings(data: bytes):
        path = tmp_path / "data-log.tsv"
        path.write_bytes(data)
        with RowFile(str(path)) as file:
            return [each for each in file if isinstance(each, Finding)]

    return findings


def test_each_row_comes_with_its_line(read):
    assert read(HEADER + b"0\t0\ta\n0\t1\tb\n") == ([(2, ["0", "0", "a"]), (3, ["0", "1", "b"])], [])


def test_lines_inside_of_quotes_are_counted(read):
    """F-025: the next row stands where an editor shows it."""
    assert read(HEADER + b'0\t0\t"a\n\nb"\n0\t1\tb\n') == ([(2, ["0", "0", "a\n\nb"]), (5, ["0", "1", "b"])], [])


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (b"", ""),
        (b'""', ""),
        (b'"a"', "a"),
        (b'"a""b"', 'a"b'),
        (b'""""', '"'),
        (b'a"b', 'a"b'),
        (b'a"b"', 'a"b"'),
        (b' "a"', ' "a"'),
        (b" a ", " a "),
        (b'"a\tb"', "a\tb"),
        (b'"a\r\nb"', "a\r\nb"),
        (b"a\rb", "a\rb"),
        (b"\\", "\\"),
        (b'"\\"', "\\"),
        (b"'", "'"),
        (b"#", "#"),
        (b"\0", "\0"),
        (b"\x0b\x0c\x1a\x1c\x85".replace(b"\x85", "\x85".encode()), "\x0b\x0c\x1a\x1c\x85"),
        ("\u2028\u2029\ufeff☃".encode(), "\u2028\u2029\ufeff☃"),
    ],
)
def test_a_cell_is_read_to_the_letter(read, cell, text):
    """F-025, F-026: quotes are taken off, nothing else."""
    assert read(HEADER + b"0\t0\t" + cell + b"\n") == ([(2, ["0", "0", text])], [])


@pytest.mark.parametrize("cell", [b'"a"b', b'"a" ', b'"a""', b'""a', b'"a"\r\r'])
def test_quotes_that_do_not_match_cost_one_line(read, cell):
    """F-076."""
    after = b'0\t1\t"fine"\n'
    assert read(HEADER + b"0\t0\t" + cell + b"\n" + after) == ([(3, ["0", "1", "fine"])], [("quotes", 2)])


@pytest.mark.parametrize("row", [b"0\t0", b"0\t0\ta\tb", b"0", b"", b"0\t0\t", b"\t\t\t"])
def test_rows_of_another_width_are_no_records(read, row):
    """F-076."""
    records, found = read(HEADER + row + b"\n0\t1\tb\n")
    whole = row == b"0\t0\t"
    assert records[-1] == (3, ["0", "1", "b"])
    assert found == ([] if whole else [("cells", 2)])


@pytest.mark.parametrize(
    "count", ["", "x", "1.0", "1e3", " 1", "1 ", "+1", "--1", "0x1", "1_0", "\u0661", "NA", str(2**63), "9" * 5000]
)
def test_a_row_whose_count_is_no_whole_number_cannot_be_placed(read, count):
    """F-023, F-076."""
    assert read(HEADER + f"0\t{count}\ta\n".encode())[1] == [("count", 2)]


@pytest.mark.parametrize("count", ["0", "-1", "007", str(2**63 - 1), str(-(2**63) + 1), '"5"'])
def test_a_count_is_any_whole_number_of_64_bits(read, count):
    """F-023: as large as the writer takes."""
    assert read(HEADER + f"0\t{count}\ta\n".encode()) == ([(2, ["0", count.strip('"'), "a"])], [])


@pytest.mark.parametrize(
    "text", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", "é".encode("latin-1")]
)
def test_a_row_that_is_not_utf8_is_no_record(read, text):
    """F-079."""
    assert read(HEADER + b"0\t0\t" + text + b"\n0\t1\tb\n") == ([(3, ["0", "1", "b"])], [("encoding", 2)])


@pytest.mark.parametrize(
    "rest", [b"0", b"0\t1", b"0\t1\t", b"0\t1\tabc", b'0\t1\t"abc', b'0\t1\t"abc"', b"\0\0\0", b'0\t1\t"a\nb\tc', b'"']
)
def test_a_last_line_without_its_newline_is_torn(read, rest):
    """F-075, F-079, S1-60: even where all cells are there, the last one may be cut."""
    assert read(HEADER + b"0\t0\ta\n" + rest) == ([(2, ["0", "0", "a"])], [("torn", 3)])


def test_a_torn_row_that_holds_what_looks_like_rows_yields_none_of_them(read):
    """S1-60: cut behind a quoted cell with lines in it."""
    head = b"block_num\texp_num\tnote\tmore\n"
    assert read(head + b'0\t5\t"log:\n0\t1\tx\ty\n0\t2\tx\ty\n"\tmor') == ([], [("torn", 2)])


def test_every_cut_of_a_file_gives_the_whole_rows_before_it(read):
    """F-075, S1-60."""
    rows = [[0, 0, 'a "b"'], [0, 1, "c\td\ne"], [0, 2, "☃"], [0, 3, ""]]
    data = table(["block_num", "exp_num", "note"], rows)
    ends = expected(data).ends
    for cut in range(len(HEADER), len(data)):
        records, found = read(data[:cut])
        whole = sum(end <= cut for end in ends)
        assert [cells for _, cells in records] == [list(map(str, row)) for row in rows[:whole]]
        assert [rule for rule, _ in found] == (["no_rows"] if cut == len(HEADER) else [] if cut in ends else ["torn"])


def test_a_torn_row_is_told_with_its_bytes(findings):
    """F-075: path, line, and from which byte on."""
    [found] = findings(HEADER + b"0\t0\ta\n0\t1")
    assert str(found).startswith(f"{found.path}:3: the last 3 bytes, from byte {len(HEADER) + 6} on")
    assert found.severity == WARNING


def test_a_file_with_crlf_is_read_as_one_without(read):
    """F-078."""
    assert read((HEADER + b'0\t0\ta\n0\t1\t"b"\n').replace(b"\n", b"\r\n")) == (
        [(2, ["0", "0", "a"]), (3, ["0", "1", "b"])],
        [],
    )


def test_a_byte_order_mark_is_not_part_of_the_header(read):
    """F-078."""
    assert read(b"\xef\xbb\xbf" + HEADER + b"0\t0\ta\n") == ([(2, ["0", "0", "a"])], [])


def test_a_byte_order_mark_inside_is_damage(read):
    """F-078: files were put together."""
    assert read(HEADER + b"\xef\xbb\xbf0\t0\ta\n")[1] == [("count", 2)]


@pytest.mark.parametrize(
    ("header", "rule", "told"),
    [
        (b"", "empty", "empty"),
        (b"block_num\texp", "header", "not finished"),
        (b"block_num", "header", "not finished"),
        (b'block_num\t"exp_num\n', "header", "not a row"),
        (b"\n", "header", "lacks"),
        (b"block_num\tnote\n", "header", r"lacks \['exp_num'\]"),
        (b"Block_Num\texp_num\n", "header", r"lacks \['block_num'\]"),
        (b"block_num\texp_num\ta\ta\n", "header", r"more than once: \['a'\]"),
        (b"block_num\texp_num\t\xff\n", "encoding", "UTF-8"),
        ("block_num\texp_num\n".encode("utf-16"), "encoding", "UTF-8"),
        ("block_num\texp_num\n".encode("utf-16-le"), "header", "lacks"),
        (b"\x7fELF\x02\x01\x01\n", "header", "lacks"),
    ],
)
def test_a_header_that_cannot_be_used_has_a_message_of_its_own(findings, header, rule, told):
    """F-077, F-079."""
    import re

    [found] = findings(header)
    assert found.rule == rule
    assert re.search(told, found.problem)


def test_a_file_of_nothing_but_the_header_is_told(findings):
    """F-077, F-084: a warning, as a run that was killed at the right time leaves it."""
    [found] = findings(HEADER)
    assert (found.rule, found.line, found.severity) == ("no_rows", None, WARNING)


def test_columns_may_come_in_any_order(read):
    """F-077: they are found by name."""
    assert read(b"note\texp_num\tblock_num\na\t1\t0\n") == ([(2, ["a", "1", "0"])], [])


def test_other_columns_can_be_the_counts(read):
    """S0-28: files of regimes have their own."""
    records, found = read(b"regime_num\tname\n0\ta\nx\tb\n", counts=("regime_num",))
    assert (records, found) == ([(2, ["0", "a"])], [("count", 3)])


def test_a_row_of_a_thousand_cells(read):
    """F-034."""
    cells = [str(number) for number in range(1000)]
    head = "\t".join(["block_num", "exp_num", *cells]).encode() + b"\n"
    assert read(head + "\t".join(["0", "1", *cells]).encode() + b"\n") == ([(2, ["0", "1", *cells])], [])


@pytest.mark.parametrize("cell", [b"x" * 2**20, b'"' + b'"" \n' * 2**18 + b'"'])
def test_a_long_cell_is_read(read, cell):
    """F-030, F-086."""
    [(line, cells)], found = read(HEADER + b"0\t0\t" + cell + b"\n")
    assert (line, found) == (2, [])
    assert len(cells[2]) in (2**20, 2**18 * 3)


def test_a_row_beyond_the_limit_is_told(read):
    """F-086: and the row after it is read."""
    data = HEADER + b"0\t0\t" + b"x" * (2**24 + 1) + b"\n0\t1\tb\n"
    assert read(data) == ([(3, ["0", "1", "b"])], [("length", 2)])


def test_many_broken_lines_do_not_take_the_square_of_time(read):
    """F-076, F-086: each opens a quote that is never closed where it should be."""
    import time

    begin = time.monotonic()
    records, found = read(HEADER + b'0\t0\t"a\n' * 20_000)
    assert time.monotonic() - begin < 10
    assert len(records) + len(found) > 0


def test_what_is_appended_after_the_opening_is_not_seen(tmp_path):
    """F-088: a prefix up to a newline, whatever goes on meanwhile."""
    path = tmp_path / "data-log.tsv"
    path.write_bytes(HEADER + b"0\t0\ta\n")
    with RowFile(str(path)) as file:
        with path.open("ab") as log:
            log.write(b"0\t1\tb\n")
        assert [row.line for row in file] == [2]


def test_a_file_that_shrinks_while_it_is_read_does_not_end_the_process(tmp_path):
    """F-048, F-088: the writer's repair cuts torn pieces off."""
    path = tmp_path / "data-log.tsv"
    path.write_bytes(HEADER + b"0\t0\tabcdefgh\n" * 50_000)
    code = """
import os, sys
from l2logger.rows import RowFile
with RowFile(sys.argv[1]) as file:
    rows = iter(file)
    next(rows)
    os.truncate(sys.argv[1], 100)
    print(sum(1 for _ in rows))
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done


def test_a_finding_shows_place_and_problem():
    """F-076."""
    assert str(Finding("cells", "2 cells", "a/b.tsv")) == "a/b.tsv: 2 cells"
    assert str(Finding("cells", "2 cells", "a/b.tsv", 7)) == "a/b.tsv:7: 2 cells"
    assert str(Finding("cells", "2 cells", "a/b.tsv", 7, "note")) == "a/b.tsv:7 (note): 2 cells"


def test_a_finding_is_an_error_unless_it_says_otherwise():
    assert Finding("cells", "2 cells", "a").severity == ERROR


def test_a_finding_can_be_sent_to_another_process():
    found = Finding("cells", "2 cells", "a", 7, "note", WARNING)
    assert pickle.loads(pickle.dumps(found)) == found
    assert found.as_dict()["rule"] == "cells"


def test_a_shown_line_is_short_and_escaped(findings):
    """F-035: it goes to terminals."""
    [found] = findings(HEADER + b'0\t0\t"a"\x1b[31m' + b"x" * 10_000 + b"\n")
    assert "\x1b" not in str(found)
    assert len(found.problem) < 300


@settings(max_examples=200, deadline=None)
@given(
    end=st.sampled_from(["\n", "\r\n"]),
    notes=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5),
)
def test_any_text_comes_back(tmp_path_factory, end, notes):
    """F-025, F-026."""
    path = tmp_path_factory.getbasetemp() / "any-data-log.tsv"
    path.write_bytes(
        table(["block_num", "exp_num", "note"], [[0, number, note] for number, note in enumerate(notes)], end)
    )
    with RowFile(str(path)) as file:
        assert [row.cells[2] for row in file if isinstance(row, Row)] == notes


@settings(max_examples=500, deadline=None)
@given(
    body=st.lists(st.sampled_from([b'"', b"\t", b"\n", b"\r", b"0", b"a", b" ", b"\xff", b"0\t1\tx\n"]), max_size=25)
)
def test_any_bytes_give_what_a_plain_reader_gives(tmp_path_factory, body):
    """F-076, F-079: the reader of `fuzz_reader.py`, which goes byte by byte."""
    path = tmp_path_factory.getbasetemp() / "bytes-data-log.tsv"
    path.write_bytes(HEADER + b"".join(body))
    of = expected(path.read_bytes())
    with RowFile(str(path)) as file:
        found = list(file)
    assert [(row.line, row.cells) for row in found if isinstance(row, Row)] == of.rows
    assert {each.line for each in found if isinstance(each, Finding) and each.rule != "no_rows"} >= set(of.bad)


def test_the_file_is_closed_afterwards(tmp_path):
    path = tmp_path / "data-log.tsv"
    path.write_bytes(HEADER + b"0\t0\ta\n")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(10):
        with RowFile(str(path)) as file:
            list(file)
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert before == after
