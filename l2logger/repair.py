"""Take out of the log files what is no record, and keep it.

Reading passes over such lines anyway, and a resumed run cuts an unfinished last line by itself. A repair is for logs
that others should read: tools that stop at the first bad line, or take it for a record.

Whatever is cut goes to ``<file>.torn`` first. A file that somebody is writing is left alone, as is one whose header
cannot be used: nobody can say what its rows mean.
"""

import errno
import mmap
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from l2logger import info_files, lock
from l2logger.diagnostics import Progress
from l2logger.errors import DirectoryError, L2LoggerError, LogLockedError
from l2logger.findings import Finding
from l2logger.legacy_regimes import REGIME_KEY, files_beside
from l2logger.paths import find_run
from l2logger.rows import RowFile
from l2logger.runs import StoredRun, find
from l2logger.schema import COUNTS

_FLAGS: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Repair(NamedTuple):
    """What was done about one file.

    Attributes:
        path: The file.
        findings: What was wrong with it.
        cut_bytes: How much was cut, or would be; 0 if it had to be left as it is.
        kept: The file with what was cut, empty if nothing was.
        refused: Why it was left as it is, empty if it was not.
    """

    path: str
    findings: tuple[Finding, ...]
    cut_bytes: int = 0
    kept: str = ""
    refused: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the attributes by name, for JSON."""
        return self._asdict() | {"findings": [finding.as_dict() for finding in self.findings]}


def repair(
    run: str | os.PathLike[str], *, dry_run: bool = False, progress: Progress = lambda done, total: None
) -> list[Repair]:
    """Cut unfinished last lines and lines that are no records out of all log files of a run.

    Args:
        run: Path of a run, or of a directory that holds runs, or the name of a run in ``$L2DATA/logs``.
        dry_run: Only say what would be done.
        progress: Is told how many files were looked at, and how many there are.

    Returns:
        One entry for each file that something is wrong with.

    Raises:
        DirectoryError: There is no such directory, or no log in it.
        LogFormatError: A run is of a newer version of the format.
    """
    runs, findings = find((find_run(run),))
    if not runs:
        raise DirectoryError(errno.ENOENT, "no log: there is no data-log.tsv below it", os.fspath(run))
    files = [(path, counts) for each in runs for path, counts in _files(each)]
    repairs = [Repair(each.path, (each,), refused=each.problem) for each in findings if each.rule == "unreadable"]
    for number, (path, counts) in enumerate(files):
        progress(number, len(files))
        if found := _repair_file(path, counts, dry_run=dry_run):
            repairs.append(found)
    return repairs


def _files(run: StoredRun) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the files of a run that have rows, and the columns that must be counts in them."""
    for path in run.files:
        yield path, COUNTS
    if run.legacy:
        for directory in sorted({os.path.dirname(path) for path in run.files}):
            for path in files_beside(directory):
                yield path, REGIME_KEY


def _repair_file(path: str, counts: tuple[str, ...], *, dry_run: bool) -> Repair | None:
    findings: tuple[Finding, ...] = ()
    try:
        findings, bad = _examine(path, counts)
        if not bad:
            return Repair(path, findings, refused="it has no header that rows could be told by") if findings else None
        if not dry_run:
            with open(os.open(path, os.O_RDWR | _FLAGS), "r+b", buffering=0) as file:
                lock.take(file.fileno(), path)
                # Whoever had the file until now may have written more, or repaired it.
                findings, bad = _examine(path, counts)
                if bad:
                    _cut(path, file.fileno(), bad)
    except (L2LoggerError, OSError) as error:
        problem = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Repair(path, findings, refused=problem)
    return Repair(path, findings, sum(end - begin for begin, end in bad), f"{path}.torn")


def _examine(path: str, counts: tuple[str, ...]) -> tuple[tuple[Finding, ...], list[tuple[int, int]]]:
    """Return what is wrong with the rows of a file, and from where to where the bad ones reach."""
    with RowFile(path, counts) as rows:
        if rows.columns is None and (rows.problem is None or rows.problem.rule == "empty"):
            return (), []
        found = [
            (row, begin, end) for row, begin, end in rows.spans() if isinstance(row, Finding) and row.rule != "no_rows"
        ]
        # A header that was not finished has nothing behind it; one that cannot be used has rows that nobody can tell.
        cut = [] if rows.columns is None and rows.has_header() else [(begin, end) for _, begin, end in found]
    return tuple(finding for finding, _, _ in found), cut


def _cut(path: str, fd: int, bad: list[tuple[int, int]]) -> None:
    """Move some bytes of the open file to ``<path>.torn``."""
    size = os.fstat(fd).st_size
    with mmap.mmap(fd, size, access=mmap.ACCESS_READ) as data:
        _keep(f"{path}.torn", (data[begin:end] for begin, end in bad))
        begin = bad[0][0]
        if len(bad) == 1 and bad[0][1] == size:
            good = None
        else:
            edges = zip([0, *(end for _, end in bad)], [*(begin for begin, _ in bad), size], strict=True)
            good = (data[begin:end] for begin, end in edges)
        if os.fstat(fd).st_size != size:
            raise LogLockedError(f"{path} grew while it was examined, so somebody is writing it")
        if good is None:
            os.ftruncate(fd, begin)
        else:
            _replace(path, fd, good)


def _keep(path: str, pieces: Iterable[bytes]) -> None:
    """Append the pieces to a file, each as a line of its own."""
    # Neither through a link nor into a pipe.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NONBLOCK", 0) | _FLAGS
    with open(os.open(path, flags, 0o666), "ab") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EEXIST, f"{path} is not a regular file, so there is no place for what would be cut")
        for piece in pieces:
            file.write(piece if piece.endswith(b"\n") else piece + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _replace(path: str, fd: int, pieces: Iterable[bytes]) -> None:
    """Put a file of these pieces in the place of the open file."""
    with info_files.replacing(path) as temporary, open(temporary, "xb") as file:
        file.writelines(pieces)
        file.flush()
        os.fchmod(file.fileno(), stat.S_IMODE(os.fstat(fd).st_mode))
        os.fsync(file.fileno())
    info_files.sync_directory(os.path.dirname(path))
