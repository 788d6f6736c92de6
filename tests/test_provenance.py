"""Where a run comes from: the repository, the packages, the command line."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from l2logger import provenance


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one commit."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "code"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch", "main")
    git(path, "config", "user.name", "J. Doe")
    git(path, "config", "user.email", "j@example.com")
    (path / "train.py").write_text("print()\n")
    git(path, "add", "train.py")
    git(path, "commit", "--quiet", "--message", "Begin")
    return path


def git(path, *arguments):
    done = subprocess.run(["git", "-C", path, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_state_of_the_code(repository):
    """S3-3."""
    git(repository, "remote", "add", "origin", "https://github.com/a/b.git")
    assert provenance.git(str(repository)) == {
        "commit": git(repository, "rev-parse", "HEAD"),
        "branch": "main",
        "dirty": False,
        "remote": "https://github.com/a/b.git",
    }


def test_a_changed_file_makes_it_dirty(repository):
    """S3-3."""
    (repository / "train.py").write_text("print(1)\n")
    assert provenance.git(str(repository))["dirty"] is True


def test_a_new_file_does_not_make_it_dirty(repository):
    (repository / "notes.txt").write_text("")
    assert provenance.git(str(repository))["dirty"] is False


def test_a_directory_inside_is_of_the_repository(repository):
    (repository / "conf" / "env").mkdir(parents=True)
    assert provenance.git(str(repository / "conf" / "env"))["branch"] == "main"


def test_without_a_branch(repository):
    git(repository, "checkout", "--quiet", "--detach")
    found = provenance.git(str(repository))
    assert (found["branch"], len(found["commit"])) == (None, 40)


def test_before_the_first_commit(repository):
    git(repository, "checkout", "--quiet", "--orphan", "new")
    found = provenance.git(str(repository))
    assert (found["commit"], found["branch"]) == (None, "new")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:hunter2@github.com/a/b.git", "https://github.com/a/b.git"),
        ("https://hunter2@github.com/a/b.git", "https://github.com/a/b.git"),
        ("https://user:hun/ter2@github.com/a", "https://[redacted]@github.com/a"),
        ("ssh://git@github.com/a/b.git", "ssh://github.com/a/b.git"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("/srv/git/a b.git", "/srv/git/a b.git"),
        ("https://h/a?private_token=hunter2", "https://h/a?private_token=[redacted]"),
    ],
)
def test_the_remote_is_without_user_and_password(repository, url, shown):
    """F-150."""
    git(repository, "remote", "add", "origin", url)
    assert provenance.git(str(repository))["remote"] == shown


def test_without_origin_the_first_remote_counts(repository):
    git(repository, "remote", "add", "fork", "https://github.com/c/d.git")
    assert provenance.git(str(repository))["remote"] == "https://github.com/c/d.git"


def test_asking_changes_nothing(repository):
    """Not even the index, which other processes may be about to lock."""
    (repository / "train.py").touch()
    before = os.stat(repository / ".git" / "index").st_mtime_ns
    provenance.git(str(repository))
    assert os.stat(repository / ".git" / "index").st_mtime_ns == before


def test_a_hook_of_git_hears_of_its_own_directory(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert provenance.git(str(repository))["branch"] == "main"


def test_outside_of_a_repository(tmp_path):
    assert provenance.git(str(tmp_path)) is None
    assert provenance.git(None) is None


def test_without_git(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.git(str(repository)) is None


def test_a_git_that_hangs_is_given_up(repository, monkeypatch, tmp_path):
    hanging = tmp_path / "git"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(hanging.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(provenance, "_GIT_SECS", 0.1)
    assert provenance.git(str(repository)) is None


def test_the_code_is_where_the_script_is(repository, tmp_path):
    (repository / "train.py").write_text(
        "import json\nfrom l2logger import provenance\n"
        "print(json.dumps([provenance.code_directory(), provenance.provenance()['argv']]))"
    )
    command = [sys.executable, repository / "train.py", "--lr", "1", "--api-key", "hunter2", "db.password=hunter2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    directory, argv = json.loads(done.stdout)
    assert Path(directory) == repository
    assert argv[1:] == ["--lr", "1", "--api-key", "[redacted]", "db.password=[redacted]"]


def test_a_script_outside_of_a_repository_tells_nothing(repository, tmp_path):
    script = tmp_path / "run.py"
    script.write_text("from l2logger import provenance\nprint(provenance.code_directory())")
    done = subprocess.run([sys.executable, script], cwd=repository, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == repository


def test_packages_are_those_that_were_imported():
    """S3-3."""
    code = "import numpy, sys\nfrom l2logger import provenance\nprint(provenance.packages() == {'numpy': numpy.__version__})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_a_package_without_a_version_of_its_own_is_looked_up(monkeypatch):
    import numpy

    monkeypatch.delitem(vars(numpy), "__version__")
    assert "numpy" in provenance.packages()


def test_a_user_without_a_name_is_nobody(monkeypatch):
    import pwd

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: {}[uid])
    assert provenance.user() is None


def test_a_working_directory_that_is_gone_is_no_error(monkeypatch):
    def getcwd():
        raise FileNotFoundError

    monkeypatch.setattr(os, "getcwd", getcwd)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", None, raising=False)
    assert provenance.code_directory() is None
