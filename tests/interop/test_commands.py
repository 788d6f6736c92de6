"""Beside the commands of the original 1.8.2: the same arguments, the same tables, the same files."""

import subprocess
import sys
from pathlib import Path

import original
import pytest
from by_hand import SCENARIO_INFO, row, write_log

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def python():
    try:
        return original.interpreter()
    except OSError as error:
        pytest.skip(str(error))


def command(python, module, *arguments, cwd=HERE):
    line = [python, "-m", f"l2logger.{module}", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, cwd=cwd)


LOGS = {
    "two regimes": [row(0), row(1), row(2, block_num=1, block_type="test")],
    "wake and sleep": [
        row(each, block_num=each // 4, block_type="test" if each // 4 % 2 else "train", block_subtype=subtype)
        for each, subtype in enumerate(["wake"] * 6 + ["sleep"] * 6)
    ],
    "a task again": [row(each, task_name=f"Task_{'aba'[each // 3]}") for each in range(9)],
    "long parameters": [row(0, task_params='{"p": "' + "x" * 40 + '"}'), row(1, block_num=1, task_params='{"é": "☃"}')],
    "changing parameters": [row(each, task_params=f'{{"p": {each % 3}}}') for each in range(7)],
    "incomplete": [row(each, exp_status="complete" if each % 3 else "incomplete") for each in range(9)],
    "no parameters": [row(each, task_params="") for each in range(3)],
    "workers": [row(each // 2, worker_id=f"w{each % 2}", reward=f"{each / 7}") for each in range(20)],
    "many blocks": [row(each, block_num=each // 2, reward=f"{each}e{each}") for each in range(200)],
}


@pytest.mark.parametrize("name", LOGS)
def test_validate_prints_the_same_table(python, tmp_path, name):
    """S1-47: all but the two sentences of the original."""
    run = write_log(tmp_path, LOGS[name])
    theirs, ours = (command(each, "validate", run) for each in (python, sys.executable))
    assert theirs.returncode == ours.returncode == 0, theirs.stderr + ours.stderr
    theirs_lines, ours_lines = (each.stdout.split("\n") for each in (theirs, ours))
    assert ours_lines[4:] == theirs_lines[4:]
    assert [bool(line) for line in ours_lines[:4]] == [bool(line) for line in theirs_lines[:4]]


@pytest.mark.parametrize("format", ["tsv", "csv"])
@pytest.mark.parametrize("name", [name for name in LOGS if name != "workers"])
def test_aggregate_writes_the_same_bytes(python, tmp_path, name, format):
    """S1-49."""
    run = write_log(tmp_path, LOGS[name])
    files = []
    for each in (python, sys.executable):
        result = command(each, "aggregate", "-f", format, "-o", tmp_path / "out", run)
        assert (result.returncode, result.stdout) == (0, "")
        files.append((tmp_path / f"out.{format}").read_bytes())
    assert files[0] == files[1]


def test_aggregate_writes_the_same_rows_where_workers_tie(python, tmp_path):
    """S1-33: the original leaves their order to the directory, here it is by path."""
    run = write_log(tmp_path, LOGS["workers"])
    files = []
    for each in (python, sys.executable):
        assert command(each, "aggregate", "-o", tmp_path / "out", run).returncode == 0
        files.append((tmp_path / "out.tsv").read_text().splitlines())
    assert sorted(files[0]) == sorted(files[1])


@pytest.mark.parametrize("arguments", [(), ("a", "b"), ("--nonsense", "a")])
@pytest.mark.parametrize("module", ["validate", "aggregate"])
def test_wrong_arguments_exit_alike(python, module, arguments):
    """S1-48: FORMAT 16.3."""
    codes = [command(each, module, *arguments).returncode for each in (python, sys.executable)]
    assert codes == [2, 2]


def test_what_the_original_passes_over_exits_with_1(python, tmp_path):
    """S1-48, F-085: a documented break."""
    run = write_log(tmp_path, [row(0), row(1, exp_status="done")], scenario_info=SCENARIO_INFO)
    theirs, ours = (command(each, "validate", run) for each in (python, sys.executable))
    assert (theirs.returncode, ours.returncode) == (0, 1)
    assert "Traceback" in theirs.stderr
    assert "Traceback" not in ours.stderr
