"""What the reader makes of damaged logs; `fuzz_reader.py` says how."""

import csv
import io
import random
import subprocess
import sys

import fuzz_reader
import pytest

QUICK, LONG = 20, 400


def fuzzed(mutations, seed):
    command = [sys.executable, fuzz_reader.__file__, "--mutations", str(mutations), "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    print(done.stdout)
    figures = {name: float(figure) for name, figure in (word.split("=") for word in done.stdout.split())}
    return figures, done.stderr


@pytest.fixture(scope="module", params=[QUICK, pytest.param(LONG, marks=pytest.mark.slow)])
def figures(request):
    found, problems = fuzzed(request.param, seed=request.param)
    assert sum(found[name] for name in fuzz_reader.CLASSES) == request.param, problems
    return found, problems


def test_no_wrong_data_is_accepted(figures):
    """F-076, F-079: every row that is read is in the file, and every other is found."""
    assert figures[0]["wrong"] == 0, figures[1]


def test_every_error_is_one_of_ours(figures):
    """F-076 to F-079, F-083."""
    assert figures[0]["exception"] == 0, figures[1]


def test_nothing_hangs(figures):
    """F-076 to F-079."""
    assert figures[0]["hang"] == 0, figures[1]


def test_damage_is_done_and_found(figures):
    """The fuzz is not idle: most of its damage is there to be seen."""
    found = figures[0]
    assert found["found"] > found["mutations"] / 3
    assert found["exact"] > 0
    assert found["undetectable"] > 0


@pytest.mark.parametrize("number", range(20))
def test_the_plain_reader_agrees_with_that_of_python_on_good_logs(number):
    """Else it could be as wrong as what it judges."""
    for name, data in fuzz_reader.good_log(random.Random(number)).items():
        if name.endswith("data-log.tsv"):
            of = fuzz_reader.expected(data)
            theirs = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter="\t"))
            assert [of.columns, *[cells for _, cells in of.rows]] == theirs
            assert of.bad == []


@pytest.mark.parametrize(
    ("data", "rows", "bad"),
    [
        (b"", 0, []),
        (b"0\t0\n", 1, []),
        (b"0\t0", 0, [2]),
        (b"0\t0\n0\t", 1, [3]),
        (b'0\t"0', 0, [2]),
        (b'0\t"0"', 0, [2]),
        (b'0\t"0"x\n0\t1\n', 1, [2]),
        (b'0\t"a\n0\t1\n', 0, [2]),
        (b'"0\n"\t1\n0\t1\n', 1, [2]),
        (b"0\n0\t1\n", 1, [2]),
        (b"\n\n0\t1\n", 1, [2, 3]),
        (b"0\tx\n", 0, [2]),
        (b"0\t\xff\n0\t1\n", 1, [2]),
        (b"0\t9223372036854775808\n", 0, [2]),
    ],
)
def test_the_plain_reader_finds_what_is_wrong(data, rows, bad):
    """Cases with a known answer."""
    of = fuzz_reader.expected(b"block_num\texp_num\n" + data)
    assert (len(of.rows), of.bad) == (rows, bad)


def test_the_judge_sees_wrong_data(tmp_path, monkeypatch):
    """A reader that loses a row, changes a cell or says nothing does not pass."""
    judge = fuzz_reader.Judge(str(tmp_path))
    place = "w0/0-train/data-log.tsv"
    head = b"block_num\texp_num\tnote\n"
    good = {"logger_info.json": b"{}", place: head + b"0\t0\ta\n0\t1\tb\n"}
    bad = good | {place: head + b"0\t0\ta\n0\t1\n"}
    it = fuzz_reader.Case(good, bad, {place: ["cut"]})
    assert judge.judge(it) == ("found", "")
    for wrong in ([(1, ["0", "0", "a"])] * 2, [(1, ["0", "0", "x"])], []):
        of = fuzz_reader.expected(bad[place])._replace(rows=wrong)
        with monkeypatch.context() as patch:
            patch.setattr(fuzz_reader, "expected", lambda data, of=of: of)
            assert judge.judge(it)[0] == "wrong"
    of = fuzz_reader.expected(bad[place])._replace(bad=[])
    monkeypatch.setattr(fuzz_reader, "expected", lambda data: of)
    assert judge.judge(it)[0] == "wrong"


def test_a_case_that_hangs_is_killed_and_counted(monkeypatch, tmp_path):
    """The process that judges is another one, so that nothing can stop the count."""
    script = tmp_path / "stuck.py"
    script.write_text(
        "import sys, time\n"
        "number = int(sys.argv[sys.argv.index('--work') + 1])\n"
        "for each in range(number, 3):\n"
        "    time.sleep(60 * (each == 1))\n"
        "    print('exact', each, '\"\"', flush=True)\n"
    )
    monkeypatch.setattr(fuzz_reader, "__file__", str(script))
    monkeypatch.setattr(fuzz_reader, "CASE_SECS", 1.0)
    found, problems = fuzz_reader.fuzz(3, seed=0)
    assert (found["exact"], found["hang"]) == (2, 1)
    assert problems[0].startswith("--seed 0 --case 1: hang")


def test_the_same_seed_makes_the_same_cases():
    assert fuzz_reader.case(1, 7) == fuzz_reader.case(1, 7) != fuzz_reader.case(2, 7)
