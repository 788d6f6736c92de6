"""How a version of an artifact takes its place."""

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from l2logger import info_files, paths
from l2logger.artifacts.aliases import Aliases
from l2logger.artifacts.contents import METADATA, File, LeftOut, copy, digest
from l2logger.artifacts.description import Description
from l2logger.artifacts.drafts import Draft, alone, drafting
from l2logger.artifacts.stored import directory_of
from l2logger.artifacts.version import ALIASES_WHEN_SAVED, Artifact
from l2logger.diagnostics import warn
from l2logger.errors import LogWarning, SignalError
from l2logger.signals import finite

_MAX_SHOWN = 3


def store(root: str, source: str, name: str, description: Description) -> Artifact:
    """Copy a file or directory into the next version of an artifact.

    Args:
        root: Absolute path of the run.
        source: The file or directory; for what is left out of it see `l2logger.artifacts.contents.copy`.
        name: Of the artifact.
        description: What is said of it.

    Raises:
        SignalError: There is nothing to copy, or something that only a log may have.
        LogWriteError: The operating system refused; nothing was stored.
    """
    if not os.path.isfile(source) and not os.path.isdir(source):
        raise SignalError(f"there is no file or directory {source!r}, so it cannot be kept as the artifact {name!r}")
    if paths.leads_out(source, os.path.join(root, paths.ARTIFACTS)) is None:
        raise SignalError(f"{source!r} holds the artifacts of this run themselves; log something smaller")
    with drafting(root, name) as draft:
        files, left_out = copy(source, draft.content)
        if left_out:
            shown = "; ".join(f"{each.path!r} {each.reason}" for each in left_out[:_MAX_SHOWN])
            more = ", and more" * (len(left_out) > _MAX_SHOWN)
            warn(f"{len(left_out)} of {source!r} left out of the artifact {name!r}: {shown}{more}", LogWarning)
        return publish(draft, files, description, left_out=left_out)


def publish(
    draft: Draft,
    files: Sequence[File],
    description: Description,
    *,
    model: Mapping[str, str] | None = None,
    left_out: Sequence[LeftOut] = (),
) -> Artifact:
    """Give the content of a draft the next version, unless the latest says just the same; then return that.

    Args:
        draft: The draft.
        files: All files in its content, which are on the disk.
        description: What is said of them.
        model: How a model was saved.
        left_out: What there was besides.

    Raises:
        OSError: The version cannot be kept, and is not there.
    """
    directory = directory_of(draft.root, draft.name)
    made = Artifact(
        name=draft.name,
        version="",
        path=directory,
        type=description.type,
        created=datetime.now().astimezone().isoformat(timespec="milliseconds"),
        files=tuple(sorted(files)),
        nbytes=sum(file.nbytes for file in files),
        digest=digest(files),
        aliases=description.aliases,
        metadata=description.metadata,
        metrics=description.metrics,
        best=description.best,
        model=model or {},
    )
    with alone(draft.root):
        aliases = Aliases(directory, draft.name)
        latest = aliases.read(aliases.versions[-1]) if aliases.versions else None
        if latest is not None and _says_the_same(latest, made):
            aliases.say(latest, made.aliases, made.best)
            aliases.save()
            made = latest
        else:
            made = _take_place(draft, made, aliases, left_out)
        _tidy(draft, directory, aliases, description.keep)
    return made._replace(aliases=aliases.of(made.version))


def finite_metrics(artifact: Artifact) -> dict[str, Any]:
    """Return how good a version is, with text for the numbers that JSON does not have."""
    return {name: finite(value) for name, value in artifact.metrics.items()}


def _says_the_same(latest: Artifact, made: Artifact) -> bool:
    """Return whether a version would add nothing: the same files, of which nothing else is said."""
    if (latest.digest, latest.type, latest.model) != (made.digest, made.type, made.model):
        return False
    if made.metadata not in ({}, latest.metadata) or (made.metrics and finite_metrics(made) != finite_metrics(latest)):
        return False
    try:
        return all(os.path.getsize(latest.place_of(file)) == file.nbytes for file in latest.files)
    except OSError:
        return False


def _take_place(draft: Draft, made: Artifact, aliases: Aliases, left_out: Sequence[LeftOut]) -> Artifact:
    """Rename the content to the next version that was never taken."""
    directory = made.path
    paths.make_dir_inside(draft.root, directory, "the artifact")
    try:
        for number in itertools.count(aliases.newest + 1):
            made = made._replace(version=f"v{number}", path=os.path.join(directory, f"v{number}"))
            aliases.add(made)
            data = _metadata(made._replace(aliases=aliases.of(made.version)), left_out)
            info_files.replace(os.path.join(draft.content, METADATA), data)
            if not os.path.lexists(made.path) and _renamed(draft.content, made.path):
                break
    except BaseException:
        with suppress(OSError):
            os.removedirs(directory)  # if it is empty
        raise
    info_files.sync_directory(directory)
    aliases.versions.append(made.version)
    return made


def _renamed(source: str, target: str) -> bool:
    try:
        os.rename(source, target)
    except OSError:
        if not os.path.lexists(target):  # otherwise somebody was faster, on a file system without locks
            raise
        return False
    return True


def _tidy(draft: Draft, directory: str, aliases: Aliases, keep: int | None) -> None:
    """Keep the aliases, and set aside the versions that need not be kept. The new one is safe already."""
    try:
        aliases.save()
        for version in aliases.versions[:-keep] if keep else ():
            if not aliases.of(version):
                os.rename(os.path.join(directory, version), os.path.join(draft.aside, version))
    except OSError as error:
        warn(
            f"the new version of the artifact {draft.name!r} is stored, but its aliases and the older versions could "
            f"not be brought up to date ({error}); the next version will do it",
            LogWarning,
        )


def _metadata(artifact: Artifact, left_out: Sequence[LeftOut]) -> bytes:
    found = artifact._asdict() | {
        "files": [file._asdict() for file in artifact.files],
        "metrics": finite_metrics(artifact),
        "best": artifact.best and artifact.best._asdict(),
        "left_out": [each._asdict() for each in left_out],
    }
    found = {ALIASES_WHEN_SAVED if name == "aliases" else name: value for name, value in found.items()}
    hidden = {"path"} | {name for name in ("model", "left_out") if not found[name]}
    kept = {name: value for name, value in found.items() if name not in hidden}
    return json.dumps(kept, indent=2, allow_nan=False).encode()
