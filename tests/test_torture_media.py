"""What 60 kills leave of the media of a run; `torture_media.py` says how."""

import subprocess
import sys

import pytest
import torture_media

KILLS = 60

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def figures():
    """Torture in a process of its own, whose only thread forks the children."""
    command = [sys.executable, "-W", "error", torture_media.__file__, "--kills", str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    print(done.stdout, done.stderr)
    assert done.stdout, done.stderr
    return {name: float(figure) for name, figure in (word.split("=") for word in done.stdout.split())}


def test_every_child_could_resume_and_was_killed(figures):
    assert (figures["kills"], figures["failed"]) == (KILLS, 0)


def test_no_line_points_to_a_missing_or_half_file_or_another_one(figures):
    assert figures["lines"] > KILLS
    assert (figures["missing"], figures["half"], figures["changed"]) == (0, 0, 0)


def test_what_was_flushed_is_there_once(figures):
    assert figures["acknowledged"] > KILLS
    assert (figures["lost"], figures["lost_at_once"], figures["duplicated"]) == (0, 0, 0)


def test_kills_hit_the_writing_of_files_and_what_they_left_is_swept(figures):
    assert figures["left"] >= 1
    assert figures["unswept"] == 0
