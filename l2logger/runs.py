"""Which runs there are below a directory, and which files they have."""

import functools
import math
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

from l2logger import info_files, manifest_file, paths
from l2logger.errors import LogFormatError
from l2logger.findings import WARNING, Finding
from l2logger.info import Info
from l2logger.piece import count
from l2logger.schema import VERSIONS

READABLE: Final = ("0.1-pre", "0.1.0", *VERSIONS)

_NEWER: Final = re.compile(r"([2-9]|[1-9][0-9]{1,3})(\.[0-9]{1,9})*", re.ASCII)

_JSON_LINES: Final = ".jsonl"
_NO_LOGS: Final = frozenset({paths.SIGNALS, paths.MEDIA, paths.ARTIFACTS})
"""Directories of a run in which what looks like a log is a copy of one, and much else may be."""

_MARKERS: Final = {
    paths.LOGGER_INFO: None,
    paths.COLUMN_INFO: "0.1.0",
    paths.COLUMN_METRIC_LIST: "0.1-pre",
}


class StoredRun(NamedTuple):
    """A run on disk.

    Attributes:
        path: Its directory.
        name: Name of the directory; the whole path where another run that is read with it has the same name.
        version: Version of the format as the run says it, ``""`` if it does not.
        files: Its log files, sorted.
    """

    path: str
    name: str
    version: str
    files: tuple[str, ...]

    @property
    def legacy(self) -> bool:
        """Whether this is format 0.1, where tasks have directories and regimes are numbered by the writer."""
        return self.version.startswith("0.")

    def info(self) -> Info:
        """Return what the run says about itself, but for its manifest.

        Raises:
            LogFormatError: An info file is no JSON.
        """
        try:
            scenario_info = info_files.read(os.path.join(self.path, paths.SCENARIO_INFO))
        except FileNotFoundError:
            scenario_info = {}
        return Info(self.name, self.path, self.version, self._logger_info(), scenario_info, self.files)

    def _logger_info(self) -> Any:
        marker = _marker(self.path)
        return {} if marker is None else info_files.read(os.path.join(self.path, marker))

    def manifest(self) -> dict[str, Any]:
        """Return what is in its manifest, nothing if there is none.

        Raises:
            LogFormatError: It is damaged.
        """
        try:
            return manifest_file.read(self.path)
        except FileNotFoundError:
            return {}

    def signal_files(self) -> list[str]:
        """Return the files of what was logged beside the records, sorted. Links, devices and pipes are left out."""
        directory = os.path.join(self.path, paths.SIGNALS)
        try:
            with os.scandir(directory) as scan:
                entries = [each for each in scan if each.name.endswith(_JSON_LINES) and _is_text(each.name)]
        except OSError:
            return []
        if os.path.islink(directory):
            return []
        return sorted(each.path for each in entries if each.is_file(follow_symlinks=False))

    def count_signals(self) -> int:
        """Return how many lines there are in them."""
        signals = 0
        for path in self.signal_files():
            with suppress(OSError):
                signals += count(path, b"\n", os.path.getsize(path))
        return signals

    def metrics_columns(self) -> list[str]:
        """Return the names of the metrics, as far as the run lists them."""
        try:
            listed = self._logger_info()
        except (LogFormatError, OSError):
            return []
        if isinstance(listed, dict):
            listed = listed.get("metrics_columns")
        return [column for column in listed if isinstance(column, str)] if isinstance(listed, list) else []


def manifest_of(run: StoredRun, findings: list[Finding]) -> dict[str, Any]:
    """Return what is in the manifest of a run, nothing if there is none, or it is damaged: that is added to the findings."""
    path = os.path.join(run.path, paths.MANIFEST)
    try:
        return run.manifest()
    except LogFormatError as error:
        findings.append(Finding("manifest", error.problem, path, error.line))
    except OSError as error:
        findings.append(Finding("manifest", f"cannot be read: {error.strerror}", path))
    return {}


def find(given: "tuple[str, ...]", *, follow_symlinks: bool = False) -> tuple[list[StoredRun], list[Finding]]:
    """Return the runs at or below each of the `given` paths, sorted, and what is in the way of reading them.

    A run is a directory with an info file of any version of the format. Log files that belong to none count as a run
    of the directory that was given. Links are not followed, devices and pipes not opened. What a run keeps besides, such as a
    copy of another run among its artifacts, is not looked at.

    Raises:
        LogFormatError: A run is of a version newer than this reader.
    """
    findings: list[Finding] = []
    # By their real paths, so that what is given twice, in whichever spelling, is read once.
    found: dict[str, tuple[str, dict[str, str]]] = {}
    real = functools.cache(os.path.realpath)
    for path in map(os.path.abspath, given):
        files = iter([(_run_of(path), path)]) if os.path.isfile(path) else _walk(path, follow_symlinks, findings)
        for run, file in files:
            _, of_run = found.setdefault(real(run), (run, {}))
            if file is not None:
                of_run.setdefault(file.removeprefix(run), file)
    names = [_name(path) for path, _ in found.values()]
    runs = []
    for (path, of_run), name in zip(found.values(), names, strict=True):
        version, doubts = _version(path)
        findings += doubts
        shown = name if names.count(name) == 1 else path
        runs.append(StoredRun(path, shown, version, tuple(sorted(of_run.values()))))
    return sorted(runs), findings


def _name(path: str) -> str:
    return os.path.basename(os.path.realpath(path))


def _run_of(path: str) -> str:
    """Return the run that a file or directory belongs to: the next directory above with an info file, else its own."""
    own = directory = os.path.dirname(path) if os.path.isfile(path) else path
    # A worker, a block and a task lie between a run and its files at most.
    for _ in range(4):
        if _marker(directory):
            return directory
        directory = os.path.dirname(os.path.abspath(directory))
    return own


def _walk(root: str, follow_symlinks: bool, findings: list[Finding]) -> Iterator[tuple[str, str | None]]:
    """Yield pairs of a run and one of its files, or None for a run that may have none."""
    pending = [(root, _run_of(root), math.inf)]
    seen = set()
    while pending:
        directory, run, levels = pending.pop()
        try:
            if follow_symlinks:
                # A link may lead back to where we came from.
                status = os.stat(directory)
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
            with os.scandir(directory) as scan:
                entries = {entry.name: entry for entry in scan}
        except OSError as error:
            findings.append(Finding("unreadable", f"cannot be opened: {error.strerror}", directory))
            continue
        if any(marker in entries for marker in _MARKERS):
            run = directory
            yield run, None
        for name, entry in entries.items():
            if not _is_text(name):
                shown = entry.path.encode(errors="surrogateescape").decode(errors="backslashreplace")
                findings.append(Finding("name", "the name is not UTF-8 text, so it was not opened", shown))
            elif _is_directory(entry, follow_symlinks) and name != paths.DATA_LOG:
                # A worker may have the name, and then has files as deep as those of others.
                is_other = name in _NO_LOGS and directory == run and paths.LOGGER_INFO in entries
                if levels > 0:
                    pending.append((entry.path, run, 1 if is_other else levels - 1))
            elif name == paths.DATA_LOG:
                if entry.is_file(follow_symlinks=follow_symlinks):
                    yield run, entry.path
                elif levels > 0:
                    kind = "a symbolic link" if entry.is_symlink() else "not a regular file"
                    findings.append(Finding("kind", f"is {kind} and was not opened", entry.path, severity=WARNING))
            elif entry.is_symlink() and os.path.isdir(entry.path) and not _is_below(entry.path, root):
                findings.append(
                    Finding(
                        "kind", "is a symbolic link to a directory and was not followed", entry.path, severity=WARNING
                    )
                )


def _marker(directory: str) -> str | None:
    """Return the name of the info file that makes the directory a run."""
    return next((marker for marker in _MARKERS if os.path.isfile(os.path.join(directory, marker))), None)


def _is_directory(entry: "os.DirEntry[str]", follow_symlinks: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_symlinks)
    except OSError:
        return False  # a link to itself


def _is_below(path: str, root: str) -> bool:
    """Return whether what a path leads to is found below a directory anyway."""
    return os.path.realpath(path).startswith(os.path.realpath(root) + os.sep)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _version(run: str) -> tuple[str, list[Finding]]:
    marker = _marker(run)
    if marker is None:
        return "", []
    if version := _MARKERS[marker]:
        return version, []
    path = os.path.join(run, marker)
    try:
        info = info_files.read(path)
    except LogFormatError as error:
        return "", [Finding("logger_info", error.problem, path, error.line)]
    except OSError as error:
        return "", [Finding("logger_info", f"cannot be read: {error.strerror}", path)]
    told = info.get("log_format_version", "") if isinstance(info, dict) else ""
    if isinstance(told, str) and (told in VERSIONS or not told):
        return told, []
    if _NEWER.fullmatch(str(told)):
        raise LogFormatError(
            f"format {told} is newer than this reader, which knows {', '.join(READABLE)}; install a newer l2logger",
            path,
        )
    return "", [
        Finding(
            "logger_info",
            f"log_format_version is {told!r}, expected one of {', '.join(VERSIONS)}; read by its columns",
            path,
            column="log_format_version",
            severity=WARNING,
        )
    ]
