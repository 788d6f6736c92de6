"""Where the files of media go: below the run, whole, under names of their own; and what killed processes leave."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from reading import files

from l2logger import lock
from l2logger.errors import LogWriteError
from l2logger.media.files import settle, sweep, temporary


def put(root: Path, content: str = "x", name: str = "a", step: int | None = 5) -> str:
    with temporary(str(root)) as path:
        Path(path).write_text(content)
        return settle(path, str(root), "image", name, step, ".png")


def test_a_file_is_named_by_kind_name_and_step(tmp_path):
    assert put(tmp_path, name="eval/frame", step=5) == "media/image/eval/frame/5.png"
    assert put(tmp_path, name="eval/frame", step=None) == "media/image/eval/frame/none.png"
    assert put(tmp_path, name="eval/frame", step=-(2**63)) == f"media/image/eval/frame/{-(2**63)}.png"
    assert len(files(tmp_path)) == 3


def test_a_second_one_of_a_step_is_numbered(tmp_path):
    found = [put(tmp_path, str(number)) for number in range(40)]
    assert found == ["media/image/a/5.png", *(f"media/image/a/5-{number}.png" for number in range(1, 40))]
    assert [(tmp_path / path).read_text() for path in found] == [str(number) for number in range(40)]


def test_nothing_is_overwritten_whatever_it_is(tmp_path):
    """A file, a directory, a link that leads nowhere."""
    directory = tmp_path / "media" / "image" / "a"
    directory.mkdir(parents=True)
    (directory / "5.png").mkdir()
    (directory / "5-1.png").symlink_to("nowhere")
    (directory / "5-2.png").write_text("mine")
    assert put(tmp_path) == "media/image/a/5-3.png"
    assert (directory / "5-2.png").read_text() == "mine"


def test_a_name_that_is_taken_in_the_last_moment_is_left_alone(tmp_path, monkeypatch):
    """Another process of the same worker."""
    link = os.link

    def slow_link(source, target):
        monkeypatch.setattr(os, "link", link)
        Path(target).write_text("theirs")
        link(source, target)

    monkeypatch.setattr(os, "link", slow_link)
    assert put(tmp_path, "ours") == "media/image/a/5-1.png"
    assert (tmp_path / "media/image/a/5.png").read_text() == "theirs"


def no_links(monkeypatch):
    def refuse(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def test_where_there_are_no_links_nothing_is_overwritten_either(tmp_path, monkeypatch):
    """As on FAT."""
    no_links(monkeypatch)
    assert [put(tmp_path, each) for each in "abc"] == [f"media/image/a/5{end}.png" for end in ("", "-1", "-2")]
    assert (tmp_path / "media/image/a/5.png").read_text() == "a"
    assert len(files(tmp_path)) == 3


def test_a_move_that_fails_without_links_leaves_no_empty_file(tmp_path, monkeypatch):
    no_links(monkeypatch)

    def refuse(source, target):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        put(tmp_path)
    assert files(tmp_path) == []


def test_a_link_out_of_the_run_is_not_followed(tmp_path):
    (tmp_path / "out").mkdir()
    for place in ("media", "media/image", "media/image/a"):
        root = tmp_path / place.replace("/", "-")
        (root / place).parent.mkdir(parents=True)
        (root / place).symlink_to(tmp_path / "out")
        with pytest.raises(LogWriteError, match="outside of the run directory"):
            put(root)
    assert files(tmp_path / "out") == []


def test_what_is_not_given_a_name_is_gone(tmp_path):
    with pytest.raises(ValueError, match="no"), temporary(str(tmp_path)) as path:
        Path(path).write_text("half")
        raise ValueError("no")
    assert files(tmp_path) == []


LEAVE = """
import os, sys
from l2logger.media.files import temporary
with temporary(sys.argv[1]) as path:
    print(path, flush=True)
    sys.stdin.readline()
    os._exit(9)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that has a temporary file; it ends as if it were killed."""
    command = [sys.executable, "-c", LEAVE, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_files_of_dead_processes_are_swept_and_those_of_living_ones_are_not(tmp_path, holder):
    path = Path(holder.stdout.readline().strip())
    with temporary(str(tmp_path)) as own:
        sweep(str(tmp_path))
        assert path.exists()
        holder.communicate("\n")
        assert path.exists()
        sweep(str(tmp_path))
        assert not path.exists()
        assert Path(own).exists()


def test_where_there_are_no_locks_nothing_is_swept(tmp_path, monkeypatch):
    """Nobody knows there whose they are."""
    left = tmp_path / "media" / ".1-0.tmp"
    left.parent.mkdir()
    left.touch()
    monkeypatch.setattr(lock, "fcntl", None)
    sweep(str(tmp_path))
    assert left.exists()


def test_where_everybody_gets_a_lock_nothing_is_swept(tmp_path, monkeypatch):
    """As some network file systems do."""
    left = tmp_path / "media" / ".1-0.tmp"
    left.parent.mkdir()
    left.touch()
    monkeypatch.setattr(lock, "attempt", lambda fd: True)
    sweep(str(tmp_path))
    assert left.exists()


def test_only_temporary_files_are_swept(tmp_path):
    media = tmp_path / "media"
    media.mkdir()
    (media / ".hidden").touch()
    (media / "visible.tmp").touch()
    (media / ".dir.tmp").mkdir()
    (media / ".link.tmp").symlink_to(tmp_path / "precious")
    (tmp_path / "precious").touch()
    (media / ".7-3.tmp").touch()
    sweep(str(tmp_path))
    assert sorted(os.listdir(media)) == [".dir.tmp", ".hidden", ".link.tmp", "visible.tmp"]
    assert (tmp_path / "precious").exists()


def test_a_file_taken_for_a_left_one_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    """The moment between the two system calls."""
    take = lock.take

    def late_take(fd, path):
        monkeypatch.setattr(lock, "take", take)
        sweep(str(tmp_path))
        take(fd, path)

    monkeypatch.setattr(lock, "take", late_take)
    assert put(tmp_path, "whole") == "media/image/a/5.png"
    assert (tmp_path / "media/image/a/5.png").read_text() == "whole"


def test_the_number_of_a_dead_process_may_come_again(tmp_path, monkeypatch):
    """In containers every process has the same one."""
    import itertools

    from l2logger.media import files as module

    monkeypatch.setattr(module, "_numbers", itertools.count())
    (tmp_path / "media").mkdir()
    left = tmp_path / "media" / f".{os.getpid()}-0.tmp"
    left.write_text("left")
    assert put(tmp_path, "new") == "media/image/a/5.png"
    assert left.read_text() == "left"


def test_sweeping_a_run_without_media_makes_nothing(tmp_path):
    sweep(str(tmp_path))
    assert os.listdir(tmp_path) == []
