"""What is to be read: runs, and the DuckDB connection to read them with."""

import os
import tempfile
import uuid
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import duckdb

from l2logger.diagnostics import warn
from l2logger.errors import ConfigError, DirectoryError, LogFormatError, LogWarning
from l2logger.findings import ERROR, Finding
from l2logger.paths import find_run
from l2logger.runs import StoredRun, find
from l2logger.sql import hide_tables, unique

RUN: Final = "run"
"""The column that tells the run of a record or signal."""

_SHOWN: Final = 5


class Sources(NamedTuple):
    """Runs that were found.

    Attributes:
        roots: The paths that were given.
        runs: The runs, sorted by path.
        findings: What was in the way of finding them.
        connection: The DuckDB connection.
    """

    roots: tuple[str, ...]
    runs: list[StoredRun]
    findings: list[Finding]
    connection: duckdb.DuckDBPyConnection


def open_sources(
    given: Sequence[str | os.PathLike[str]],
    connection: duckdb.DuckDBPyConnection | None,
    on_bad_rows: str,
    *,
    follow_symlinks: bool = False,
) -> Sources:
    """Find runs; the arguments and errors are those of `l2logger.log.Log`."""
    if on_bad_rows not in ("warn", "skip", "raise"):
        raise ConfigError(f"on_bad_rows must be 'warn', 'skip' or 'raise', got {on_bad_rows!r}")
    if not given:
        raise ConfigError("no run was given; give the path of a run, or of a directory that holds runs")
    if wrong := [path for path in given if not isinstance(path, str | os.PathLike)]:
        raise ConfigError(f"a run must be a path, got {wrong[0]!r}; give several runs one by one: records(*paths)")
    roots = tuple(os.fspath(path) if os.path.isfile(path) else find_run(path) for path in given)
    connection = _connect() if connection is None else _in_order(connection)
    return Sources(roots, *find(roots, follow_symlinks=follow_symlinks), connection)


def single_run(run: str | os.PathLike[str]) -> StoredRun:
    """Return the one run at a path.

    Raises:
        DirectoryError: There is none, or more than one.
    """
    found, _ = find((find_run(run),))
    if len(found) != 1:
        shown = ", ".join(each.name for each in found[:_SHOWN])
        raise DirectoryError(f"expected one run in {os.fspath(run)!r}, found {len(found)}{shown and ': ' + shown}")
    return found[0]


def report(findings: Iterable[Finding], on_bad_rows: str, hint: str = "; `l2logger validate` lists all") -> None:
    """Say what is wrong with the files that were read, as it was asked for.

    Args:
        findings: What is wrong.
        on_bad_rows: ``"warn"``, ``"skip"`` or ``"raise"``.
        hint: Where there is more to learn, if it is too much for a warning.

    Raises:
        LogFormatError: With ``"raise"``, about the first of the findings that is no trifle.
    """
    found = list(findings)
    if not found or on_bad_rows == "skip":
        return
    if on_bad_rows == "raise":
        bad = [finding for finding in found if finding.severity == ERROR or finding.rule == "torn"]
        if bad:
            raise LogFormatError(*bad[0][1:5])
        return
    more = len(found) - _SHOWN
    shown = [str(finding) for finding in found[:_SHOWN]]
    if more > 0:
        shown.append(f"... and {more} more{hint}")
    warn("some of the log is not what it should be, the rest was read:\n  " + "\n  ".join(shown), LogWarning)


def _connect() -> duckdb.DuckDBPyConnection:
    # Extensions would be fetched from the network, and what exceeds the memory would go to the working directory.
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": os.path.join(tempfile.gettempdir(), f"{unique('spill')}_{uuid.uuid4().hex}"),
        }
    )
    # It would be printed to standard output.
    connection.execute("SET enable_progress_bar = false")
    hide_tables(connection)
    return connection


def _in_order(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    settings = "current_setting('preserve_insertion_order'), upper(current_setting('default_order')::VARCHAR)"
    [(keeps_order, default)] = connection.execute(f"SELECT {settings}").fetchall()
    if not keeps_order or not default.startswith("ASC"):
        raise ConfigError(
            "the connection has preserve_insertion_order or default_order set to something else than usual, so that records "
            "would come in another order; RESET them, or give no connection"
        )
    return connection
