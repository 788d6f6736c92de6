"""Which version of an artifact is the latest, which the best, and what else they are called."""

import json
import os
from collections.abc import Sequence
from typing import Final

from l2logger import info_files
from l2logger.artifacts.version import Artifact, Rule, is_version, numbers_in, read
from l2logger.errors import LogFormatError

LATEST: Final = "latest"
BEST: Final = "best"
FILE: Final = "aliases.json"


class Aliases:
    """The aliases of an artifact, as they are now.

    They are kept in ``aliases.json``, but nothing depends on its being up to date: versions newer than the ``latest``
    there are asked themselves, so a process may be killed between the two.

    Args:
        directory: Where the versions of the artifact are.
        name: Of the artifact.

    Attributes:
        names: The version, such as ``"v0"``, that each alias stands for.
        versions: All versions that there are, the newest last.
        newest: Number of the newest version that there ever was; -1 if there was none.
    """

    def __init__(self, directory: str, name: str) -> None:
        self.names: dict[str, str] = {}
        self.versions = [f"v{number}" for number in numbers_in(directory)]
        self.newest = -1
        self._rule: Rule | None = None
        self._directory = directory
        self._name = name
        self._load()
        self._stored = self._text()
        self.names = {alias: version for alias, version in self.names.items() if version in self.versions}
        if self._rule and BEST not in self.names:  # somebody has deleted it
            self._choose_best(self._rule)
        for version in self.versions:
            if int(version[1:]) > self.newest and (artifact := self.read(version)):
                self.add(artifact)
        if self.versions:
            self.names[LATEST] = self.versions[-1]

    def of(self, version: str) -> tuple[str, ...]:
        """Return the aliases of a version."""
        return tuple(alias for alias, each in self.names.items() if each == version)

    def read(self, version: str) -> Artifact | None:
        """Return a version, None if it is damaged or not there."""
        try:
            return read(self._directory, self._name, version)
        except (OSError, LogFormatError):
            return None

    def add(self, artifact: Artifact) -> None:
        """Take a version into account that is newer than all others."""
        self.newest = artifact.number
        self.names[LATEST] = artifact.version
        self.say(artifact, artifact.aliases, artifact.best)

    def say(self, artifact: Artifact, aliases: Sequence[str], rule: Rule | None) -> None:
        """Give a version more aliases, and say what makes one the best; None: as it was said before."""
        if rule and rule != self._rule:
            self._choose_best(rule)
        self._rule = rule or self._rule
        if self._rule:
            best = self.read(self.names[BEST]) if BEST in self.names else None
            if self._rule.prefers(_value(artifact, self._rule), _value(best, self._rule)):
                self.names[BEST] = artifact.version
        self.names.update((alias, artifact.version) for alias in aliases if alias != LATEST)

    def save(self) -> None:
        """Replace ``aliases.json``, if it says something else.

        Raises:
            OSError: It cannot be written; the old one is still there.
        """
        text = self._text()
        if text != self._stored:
            # Without waiting for the disk: what a power cut damages is found anew.
            with info_files.replacing(os.path.join(self._directory, FILE)) as path, open(path, "wb") as file:
                file.write(text.encode())
            self._stored = text

    def _choose_best(self, rule: Rule) -> None:
        self.names.pop(BEST, None)
        best = None
        for version in self.versions:
            artifact = self.read(version)
            if rule.prefers(_value(artifact, rule), _value(best, rule)):
                best = artifact
                self.names[BEST] = version

    def _text(self) -> str:
        return json.dumps({"aliases": self.names, "best": self._rule and self._rule._asdict()}, indent=2)

    def _load(self) -> None:
        """Take over what the file says; nothing if there is none, or it is damaged: the versions know it, too."""
        try:
            stored = info_files.read(os.path.join(self._directory, FILE))
            names = {str(alias): version for alias, version in stored["aliases"].items() if is_version(version)}
            self.newest = int(names[LATEST][1:])
            self._rule = Rule(str(stored["best"]["metric"]), str(stored["best"]["mode"])) if stored["best"] else None
            self.names = names
        except (OSError, AttributeError, KeyError, TypeError, ValueError, LogFormatError):
            pass


def _value(artifact: Artifact | None, rule: Rule) -> float | None:
    return artifact.metrics.get(rule.metric) if artifact else None
