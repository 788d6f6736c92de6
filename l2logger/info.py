"""What a run says about itself."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Info(NamedTuple):
    """What a run says about itself.

    Attributes:
        name: Name of its directory.
        path: The directory.
        version: Version of the format, ``""`` where the run does not say it.
        logger_info: What ``logger_info.json`` holds; for 0.1, what its list of columns holds.
        scenario_info: What ``scenario_info.json`` holds; an empty dict if there is none.
        files: Paths of its log files.
        manifest: What ``run.json`` holds; empty if there is none, as in a run of records alone.
    """

    name: str
    path: str
    version: str
    logger_info: Any
    scenario_info: Any
    files: tuple[str, ...]
    manifest: Mapping[str, Any] = MappingProxyType({})

    @property
    def status(self) -> str | None:
        """How the run is doing: ``"running"``, ``"complete"``, ``"failed"`` or ``"interrupted"``; None if nobody says."""
        return _text(self.manifest.get("status"))

    @property
    def tags(self) -> tuple[str, ...]:
        """What it was tagged with."""
        tags = self.manifest.get("tags")
        return tuple(map(str, tags)) if isinstance(tags, list) else ()

    @property
    def started(self) -> str | None:
        """When it began, in ISO 8601."""
        return _text(self.manifest.get("started"))

    @property
    def ended(self) -> str | None:
        """When it ended, in ISO 8601."""
        return _text(self.manifest.get("ended"))

    @property
    def host(self) -> str | None:
        """On which machine it ran last."""
        return _text(self.manifest.get("host"))

    @property
    def git_commit(self) -> str | None:
        """The commit of its code."""
        git = self.manifest.get("git")
        return _text(git.get("commit")) if isinstance(git, Mapping) else None

    @property
    def seed(self) -> int | None:
        """The seed among its parameters."""
        seed = self.manifest.get("seed")
        return seed if type(seed) is int else None

    @property
    def params(self) -> Mapping[str, Any]:
        """Its parameters, as `l2logger.read.params` tells them."""
        params = self.manifest.get("params")
        return params if isinstance(params, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
