"""The files of an artifact: which there are, how they are copied, what their sums are."""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final, NamedTuple

from l2logger import info_files, paths
from l2logger.errors import SignalError

METADATA: Final = "metadata.json"

_CHUNK_BYTES: Final = 2**20
_OF_A_LOG: Final = frozenset(
    {
        paths.DATA_LOG,
        paths.LOGGER_INFO,
        paths.SCENARIO_INFO,
        paths.COLUMN_INFO,
        paths.COLUMN_METRIC_LIST,
        paths.BLOCK_INFO,
        paths.BLOCK_REPORT,
    }
)
_NONBLOCK: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class File(NamedTuple):
    """One file of a version.

    Attributes:
        path: Relative to the directory of the version, with slashes.
        nbytes: Its size.
        sha256: Of its bytes, as 64 hexadecimal digits.
    """

    path: str
    nbytes: int
    sha256: str


class LeftOut(NamedTuple):
    """A file that was not copied.

    Attributes:
        path: Relative to what was to be copied.
        reason: Why, in words that follow the path.
    """

    path: str
    reason: str


def digest(files: Iterable[File]) -> str:
    """Return the SHA-256 of the paths, sizes and sums of files, which is the same for the same content."""
    lines = (f"{file.path}\0{file.nbytes}\0{file.sha256}\n".encode() for file in sorted(files))
    return hashlib.sha256(b"".join(lines)).hexdigest()


def copy(source: str, directory: str) -> tuple[list[File], list[LeftOut]]:
    """Copy a file, or all that is in a directory, byte by byte; permissions are those of any new file.

    Links that lead to a file of the same directory are copied as that file. Other links, sockets, devices, pipes and
    what cannot be read are left out; empty directories too.

    Args:
        source: The file or directory.
        directory: Where to; it is empty.

    Raises:
        SignalError: There is nothing to copy, or something that only a log may have.
        OSError: The copy cannot be written.
    """
    if os.path.isdir(source):
        left_out: list[LeftOut] = []
        found = sorted(_below(source, left_out))
    else:
        found, left_out = [(os.path.basename(source), source)], []
    check_names(name for name, _ in found)
    files = []
    for name, path in found:
        try:
            incoming = _opened(path)
        except OSError as error:
            left_out.append(LeftOut(name, f"cannot be read: {error.strerror}"))
            continue
        with incoming:
            target = os.path.join(directory, *name.split("/"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            try:
                files.append(_copied(incoming, name, target))
            except _UnreadableError as error:
                os.unlink(target)
                left_out.append(LeftOut(name, f"cannot be read: {error}"))
    if not files:
        reasons = "; ".join(f"{each.path!r} {each.reason}" for each in left_out[:3])
        raise SignalError(f"there is nothing to keep in {source!r}" + f": {reasons}" * bool(reasons))
    return files, left_out


def scan(directory: str) -> list[File]:
    """Return the files in a directory that somebody else has written, and see that they are on the disk.

    Links to files of the directory become files.

    Raises:
        SignalError: There are none, something is no regular file, or is what only a log may have.
        OSError: A file cannot be read.
    """
    left_out: list[LeftOut] = []
    found = sorted(_below(directory, left_out))
    if left_out:
        raise SignalError(f"{left_out[0].path!r} {left_out[0].reason}; it cannot be kept in an artifact")
    check_names(name for name, _ in found)
    files = []
    for name, path in found:
        if os.path.islink(path):  # which may name a place that nobody will know later
            with info_files.replacing(path) as temporary:
                shutil.copyfile(path, temporary)
        with _opened(path) as file:
            files.append(File(name, *summed(file)))
            os.fsync(file.fileno())
    return files


def check_names(names: Iterable[str]) -> None:
    """See that no file has a name by which readers know a log, or the one of our own.

    Raises:
        SignalError: One has.
    """
    for name in names:
        if name.casefold() == METADATA:
            raise SignalError(
                f"an artifact has a {METADATA} of its own; rename yours, or log the directory above it, "
                "so that it is deeper down"
            )
        if any(part.casefold() in _OF_A_LOG for part in name.split("/")):
            raise SignalError(
                f"{name!r} has a name by which tools know the log of a run, they would take it for a part of this one; "
                "pack it into an archive first"
            )


def summed(file: IO[bytes]) -> tuple[int, str]:
    """Return the size and the SHA-256 of an open file."""
    sha256 = hashlib.sha256()
    nbytes = 0
    while chunk := file.read(_CHUNK_BYTES):
        sha256.update(chunk)
        nbytes += len(chunk)
    return nbytes, sha256.hexdigest()


class _UnreadableError(Exception):
    """A file that could be opened cannot be read."""


def _copied(incoming: IO[bytes], name: str, target: str) -> File:
    sha256 = hashlib.sha256()
    nbytes = 0
    with open(target, "xb") as outgoing:
        while chunk := _read(incoming):
            sha256.update(chunk)
            nbytes += len(chunk)
            outgoing.write(chunk)
        outgoing.flush()
        os.fsync(outgoing.fileno())
    return File(name, nbytes, sha256.hexdigest())


def _read(file: IO[bytes]) -> bytes:
    try:
        return file.read(_CHUNK_BYTES)
    except OSError as error:
        raise _UnreadableError(error.strerror) from error


def _opened(path: str) -> IO[Any]:
    """Open a regular file for reading; what is none by now is an error, and does not block."""
    fd = os.open(path, os.O_RDONLY | _NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(None, "it is no regular file")
    return open(fd, "rb", buffering=0)


def _below(root: str, left_out: list[LeftOut]) -> Iterator[tuple[str, str]]:
    """Yield the name and the path of each file below a directory; note what is there besides."""
    pending = [("", root)]
    while pending:
        prefix, directory = pending.pop()
        try:
            with os.scandir(directory) as scan:
                entries = list(scan)
        except OSError as error:
            left_out.append(LeftOut(prefix or ".", f"cannot be read: {error.strerror}"))
            continue
        for entry in entries:
            name = prefix + entry.name
            try:
                name.encode()
            except UnicodeEncodeError:
                left_out.append(LeftOut(repr(name)[1:-1], "has a name that is not UTF-8 text"))
                continue
            if entry.is_symlink() and not _leads_to_file_in(root, entry.path):
                left_out.append(LeftOut(name, "is a link to what is not a file of this directory"))
            elif entry.is_dir(follow_symlinks=False):
                pending.append((f"{name}/", entry.path))
            elif entry.is_file():
                yield name, entry.path
            else:
                left_out.append(LeftOut(name, "is no regular file"))


def _leads_to_file_in(root: str, link: str) -> bool:
    return os.path.isfile(link) and paths.leads_out(root, link) is None
