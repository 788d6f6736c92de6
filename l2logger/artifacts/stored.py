"""What artifacts a run has, and whether they are still as they were written."""

import errno
import os
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final

from l2logger import paths
from l2logger.artifacts.aliases import FILE, LATEST, Aliases
from l2logger.artifacts.contents import summed
from l2logger.artifacts.version import Artifact, is_version, numbers_in, read
from l2logger.errors import LogFormatError, SignalError

_NO_NAMES: Final = paths.FILES_OF_A_RUN | {paths.DATA_LOG, FILE}


def checked_name(name: Any) -> str:
    """Return the name of an artifact: one as of all that is logged, in which no part is in the way of the files here.

    Raises:
        SignalError: It is not such a name.
    """
    text = paths.checked_name("an artifact", name)
    for part in text.casefold().split("/"):
        if part.startswith(".") or is_version(part) or part in _NO_NAMES:
            raise SignalError(
                "no part of the name of an artifact may begin with a dot, look like a version ('v0') or be called as a "
                f"file of the run; got {name!r}"
            )
    return text


def directory_of(root: str, name: str) -> str:
    """Return where the versions of an artifact are.

    Raises:
        LogFormatError: A link leads out of the run.
    """
    directory = os.path.join(root, paths.ARTIFACTS, *checked_name(name).split("/"))
    check_inside(root, directory)
    return directory


def names(run: str | os.PathLike[str]) -> list[str]:
    """Return the names of all artifacts of a run, sorted."""
    return sorted(_names(os.path.join(paths.find_run(run), paths.ARTIFACTS), ""))


def _names(directory: str, prefix: str) -> Iterator[str]:
    try:
        with os.scandir(directory) as scan:
            entries = [entry.name for entry in scan if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return
    if prefix and numbers_in(directory):
        yield prefix[:-1]
    for entry in entries:
        if not entry.startswith(".") and not is_version(entry):
            yield from _names(os.path.join(directory, entry), f"{prefix}{entry}/")


def versions(run: str | os.PathLike[str], name: str) -> list[Artifact]:
    """Return all versions of an artifact, the newest last; none if the run has no such artifact.

    Raises:
        LogFormatError: One is damaged.
    """
    directory = directory_of(os.path.abspath(paths.find_run(run)), name)
    aliases = Aliases(directory, name)
    return [_read(directory, name, version, aliases) for version in aliases.versions]


def find(run: str | os.PathLike[str], name: str, version: str | int = LATEST) -> Artifact:
    """Return one version of an artifact.

    Args:
        run: Directory of the run.
        name: The artifact.
        version: Such as ``"v3"`` or 3, or an alias such as ``"latest"`` or ``"best"``.

    Raises:
        FileNotFoundError: There is no such artifact or version; the message lists what there is.
        LogFormatError: What is there is damaged.
    """
    root = os.path.abspath(paths.find_run(run))
    directory = directory_of(root, name)
    aliases = Aliases(directory, name)
    wanted = f"v{version}" if isinstance(version, int) else str(version)
    wanted = aliases.names.get(wanted, wanted)
    if wanted in aliases.versions:
        return _read(directory, name, wanted, aliases)
    if aliases.versions:
        each = [" = ".join((version, *aliases.of(version))) for version in aliases.versions]
        hint = _did_you_mean(str(version), [*aliases.names, *aliases.versions])
        problem = f"the artifact {name!r} of {root} has no version {version!r}{hint}; there are {', '.join(each)}"
    elif known := names(root):
        hint = _did_you_mean(name, known)
        problem = f"{root} has no artifact {name!r}{hint}; it has {', '.join(map(repr, known))}"
    else:
        problem = f"{root} has no artifact {name!r}, and no other either"
    raise FileNotFoundError(errno.ENOENT, problem)


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, 1, 0.7)
    return f" (did you mean {near[0]!r}?)" if near else ""


def path(run: str | os.PathLike[str], name: str, version: str | int = LATEST) -> str:
    """Return the directory of one version of an artifact; arguments and errors are those of `find`."""
    return find(run, name, version).path


def verify(run: str | os.PathLike[str], name: str, version: str | int = LATEST) -> Artifact:
    """Return one version of an artifact after reading all of its files and comparing their sums.

    Raises:
        FileNotFoundError: There is no such artifact or version.
        LogFormatError: A file is missing, or has not the bytes that were written.
    """
    artifact = find(run, name, version)
    for file in artifact.files:
        place = artifact.place_of(file)
        check_inside(artifact.path, place)
        try:
            with open(place, "rb", buffering=0) as opened:
                nbytes, sha256 = summed(opened)
        except OSError as error:
            raise LogFormatError(f"belongs to the artifact, but cannot be read: {error.strerror}", place) from error
        if (nbytes, sha256) != (file.nbytes, file.sha256):
            raise LogFormatError(
                f"was changed: it has {nbytes} bytes with the SHA-256 {sha256[:12]}..., "
                f"and was written with {file.nbytes} and {file.sha256[:12]}...",
                place,
            )
    return artifact


def _read(directory: str, name: str, version: str, aliases: Aliases) -> Artifact:
    check_inside(directory, os.path.join(directory, version))
    return read(directory, name, version)._replace(aliases=aliases.of(version))


def check_inside(root: str, place: str) -> None:
    """See that a path does not lead out of a directory.

    Raises:
        LogFormatError: It does, by a link.
    """
    if (real := paths.leads_out(root, place)) is not None:
        raise LogFormatError(f"leads to {real}, which is outside of {root}, and was not opened", place)
