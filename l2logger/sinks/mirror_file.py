"""The file that a sink makes because somebody asked for it."""

import itertools
import os
from collections.abc import Iterable
from typing import Any

from l2logger import lock, paths
from l2logger.errors import ConfigError
from l2logger.run import RunInfo

_TAKEN = paths.FILES_OF_A_RUN | {paths.DATA_LOG}


def checked(path: Any) -> str | None:
    """Return `path`, absolute so that a later chdir does not move it, or None for a file in the run directory.

    Raises:
        ConfigError: It is not the path of a file, or has the name of a file that readers take for a part of a run.
    """
    if path is None:
        return None
    given = os.fspath(path) if isinstance(path, os.PathLike) else path
    name = os.path.basename(given) if isinstance(given, str) else ""
    if not isinstance(given, str) or name in ("", ".", "..") or "\0" in given:
        raise ConfigError(f"path must be the path of a file, such as 'out/run.txt', got {path!r}")
    if name in _TAKEN:
        raise ConfigError(f"path is {path!r}, but a file called {name} is a part of a run; choose another name")
    return os.path.abspath(given)


def place(path: str | None, run: RunInfo, name: str) -> str:
    """Return where to write: to `path`, whose directory is made, or to a file called `name` in the run directory."""
    if path is None:
        return os.path.join(run.scenario_dir, name)
    # The file itself is opened without following links: in a run directory that came from elsewhere, one could lead
    # anywhere. Whoever gives a path means where it leads.
    path = os.path.realpath(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def supersede(files: Iterable[str]) -> None:
    """Rename files to make room for all of a run anew; ``<path>.superseded`` is what an old one is called.

    Raises:
        LogLockedError: One of them is being written; none was renamed.
    """
    there = [path for path in files if os.path.isfile(path) and not os.path.islink(path)]
    for path in there:
        lock.check_free(path, "give another path, or wait for the run to end")
    for path in there:
        names = (f"{path}.superseded" + f"-{number}" * (number > 1) for number in itertools.count(1))
        os.rename(path, next(name for name in names if not os.path.lexists(name)))
