"""One version of an artifact, as its ``metadata.json`` describes it."""

import os
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from l2logger import info_files, paths
from l2logger.artifacts.contents import METADATA, File, digest
from l2logger.errors import LogFormatError

is_version: Final = re.compile(r"v(0|[1-9][0-9]{0,17})").fullmatch

ALIASES_WHEN_SAVED: Final = "aliases_when_saved"
"""What ``metadata.json`` calls the aliases, which later versions may have taken since then."""

OWN: Final = "own"
"""The format of a model that its library saved."""

SAFETENSORS: Final = "safetensors"
"""The format of a model that consists of arrays."""


class Rule(NamedTuple):
    """What makes a version the best.

    Attributes:
        metric: Name of one of its metrics.
        mode: ``"max"`` or ``"min"``.
    """

    metric: str
    mode: str

    def prefers(self, new: float | None, old: float | None) -> bool:
        """Return whether one value of the metric is better than another; None and NaN are worse than any."""
        if new is None or new != new:
            return False
        if old is None or old != old:
            return True
        return new > old if self.mode == "max" else new < old


class Artifact(NamedTuple):
    """One version of an artifact.

    Attributes:
        name: Such as ``"model"``.
        version: Such as ``"v0"``.
        path: Absolute path of its directory.
        type: ``"model"``, ``"artifact"`` or another word.
        created: When (ISO 8601).
        files: Its files.
        nbytes: Size of all files together.
        digest: SHA-256 of what the files are called and hold; the same for the same content.
        aliases: What it is called besides, such as ``("latest", "best")``.
        metadata: As it was given, in terms of JSON.
        metrics: How good it is.
        best: What makes a version the best, if that was said with this one.
        model: How a model was saved: ``format`` (``"safetensors"``, or ``"own"`` for that of its library), ``entry``
            (what to load, relative to `path`) and ``class``; empty for what is no model.
    """

    name: str
    version: str
    path: str
    type: str
    created: str
    files: tuple[File, ...]
    nbytes: int
    digest: str
    aliases: tuple[str, ...]
    metadata: Mapping[str, Any]
    metrics: Mapping[str, float]
    best: Rule | None
    model: Mapping[str, str]

    @property
    def number(self) -> int:
        """The number of the version."""
        return int(self.version[1:])

    @property
    def relative_path(self) -> str:
        """Its directory as seen from that of the run, with slashes."""
        return f"{paths.ARTIFACTS}/{self.name}/{self.version}"

    @property
    def entry(self) -> str:
        """What a library is given to load it: the path of the one file, or the directory."""
        if "entry" in self.model:
            return os.path.join(self.path, self.model["entry"])
        return self.place_of(self.files[0]) if len(self.files) == 1 else self.path

    def place_of(self, file: File) -> str:
        """Return the path of one of its files."""
        return os.path.join(self.path, *file.path.split("/"))


def numbers_in(directory: str) -> list[int]:
    """Return the numbers of the versions in the directory of an artifact, rising."""
    try:
        found = os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(
        int(each[1:]) for each in found if is_version(each) and os.path.isfile(os.path.join(directory, each, METADATA))
    )


def read(directory: str, name: str, version: str) -> Artifact:
    """Return a version, with the aliases that it had when it was made.

    Args:
        directory: Where the versions of the artifact are.
        name: Of the artifact.
        version: Such as ``"v0"``.

    Raises:
        FileNotFoundError: There is no such version.
        LogFormatError: Its ``metadata.json`` is not what was written there.
    """
    place = os.path.join(directory, version)
    path = os.path.join(place, METADATA)
    stored = info_files.read(path)
    try:
        artifact = _parsed(stored, name, version, place)
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise LogFormatError(f"does not describe a version of an artifact ({error!r})", path) from error
    return artifact


def _parsed(stored: Any, name: str, version: str, place: str) -> Artifact:
    files = tuple(map(_file, stored["files"]))
    if not files or digest(files) != stored["digest"]:
        raise ValueError("the digest is not that of the files")
    model = {key: str(value) for key, value in stored.get("model", {}).items()}
    if "entry" in model:
        _check_relative(model["entry"])
    best = stored["best"]
    return Artifact(
        name,
        version,
        place,
        str(stored["type"]),
        str(stored["created"]),
        files,
        sum(file.nbytes for file in files),
        stored["digest"],
        tuple(map(str, stored[ALIASES_WHEN_SAVED])),
        dict(stored["metadata"]),
        {metric: float(value) for metric, value in stored["metrics"].items()},
        Rule(str(best["metric"]), str(best["mode"])) if best else None,
        model,
    )


def _file(stored: Any) -> File:
    file = File(str(stored["path"]), int(stored["nbytes"]), str(stored["sha256"]))
    _check_relative(file.path)
    return file


def _check_relative(path: str) -> None:
    if os.path.isabs(path) or any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError(f"{path!r} is no file of an artifact")
