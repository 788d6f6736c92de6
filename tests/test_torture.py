"""What 300 kills leave of a run; `torture.py` says how."""

import subprocess
import sys

import pytest
import torture

KILLS = 300

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def figures():
    """Torture in a process of its own, whose only thread forks the children."""
    command = [sys.executable, "-W", "error", torture.__file__, "--kills", str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    print(done.stdout)
    assert done.stdout, done.stderr
    return {name: float(figure) for name, figure in (word.split("=") for word in done.stdout.split())}


def test_every_child_could_resume_and_was_killed(figures):
    """F-059, S1-60."""
    assert (figures["kills"], figures["failed"]) == (KILLS, 0)


def test_no_acknowledged_row_is_lost(figures):
    """F-059, S1-60, S3-11: neither at once nor through the repairs that follow."""
    assert figures["acknowledged"] > KILLS
    assert (figures["lost"], figures["lost_at_once"]) == (0, 0)


def test_no_row_is_there_twice_or_changed_or_out_of_order(figures):
    """F-059, S3-11."""
    assert (figures["duplicated"], figures["changed"], figures["out_of_order"]) == (0, 0, 0)


def test_every_torn_row_is_repaired(figures):
    """F-059: its piece is cut off and kept beside the file."""
    assert figures["torn"] >= 1
    assert (figures["repaired"], figures["unrepaired"]) == (figures["torn"], 0)


def test_kills_hit_the_resuming_and_the_opening_of_files(figures):
    """F-060: a directory without a file, a file without a header; the next child resumes all the same."""
    assert figures["killed_in_resume"] >= 1
    assert figures["killed_in_first"] >= 1


def test_resuming_finds_where_each_worker_stopped(figures):
    """F-059, S1-60: `next_exp_num` is what the files say."""
    assert figures["misplaced"] == 0
