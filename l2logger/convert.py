"""Turn a run of one version of the format into a run of another: 0.1 to 1.1, 1.0 to 1.1, 1.1 to 1.0.

The source is only read. The copy appears under its name when it is complete, or not at all.

What was logged beside the records, and ``run.json``, is copied as it is. How far replays have come is not: they begin anew.
Between 1.0 and 1.1 the cells are taken over as they are, byte for byte; only ``block_subtype`` comes or goes. From 0.1
the records of one worker and block, which lie in a directory for each task, come together in one file, and what stood
beside them in the files of regimes is written into each of them. The numbers that the regimes had stay, in the column
``stored_regime_num``.
"""

import errno
import itertools
import os
import re
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO, Final, NamedTuple

from l2logger import cells, info_files, paths
from l2logger.diagnostics import Progress
from l2logger.errors import ConfigError, DirectoryError, LogFormatError
from l2logger.findings import WARNING, Finding
from l2logger.legacy_regimes import FAILED, REGIME_KEY, files_beside
from l2logger.log import Log
from l2logger.paths import find_run
from l2logger.rows import Row, RowFile
from l2logger.runs import StoredRun, find
from l2logger.schema import COMPLETE, V1_1, VERSIONS, WORKER_ID, Schema
from l2logger.sql import PATH, ROW, name

_SUBTYPE: Final = "block_subtype"
_BATCH: Final = 1000
_BUFFER_BYTES: Final = 2**18
_LEGACY_FILES: Final = frozenset({paths.COLUMN_INFO, paths.COLUMN_METRIC_LIST, paths.BLOCK_INFO, paths.BLOCK_REPORT})
_RENAMED: Final = {"regime_num": "stored_regime_num"}
"""Readers of 1.x number the regimes and put ``regime_num`` into their tables, where there must be none before."""

_BOOKMARKS: Final = "replay"
"""Where replays remember how many bytes of each file they have dealt with; those of the target are others."""

_is_worker_id = re.compile(WORKER_ID).fullmatch
_raw_cells = re.compile(r'"(?:[^"]++|"")*+"(?=\t|\Z)|[^\t]*').match


class Conversion(NamedTuple):
    """What became of a run.

    Attributes:
        source: The run that was read.
        target: The run that was made.
        source_version: Version of the format of the source.
        target_version: Version of the format of the target.
        records: How many records were converted.
        files: How many log files they are in.
        findings: What is not in the target as it was in the source.
    """

    source: str
    target: str
    source_version: str
    target_version: str
    records: int
    files: int
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the attributes by name, for JSON."""
        return self._asdict() | {"findings": [finding.as_dict() for finding in self.findings]}


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    version: str = V1_1.version,
    failed: Collection[str] = FAILED,
    progress: Progress = lambda done, total: None,
) -> Conversion:
    """Write a run as another version of the format.

    Args:
        source: Path of the run, or its name in ``$L2DATA/logs``.
        target: Directory that does not exist yet.
        version: Version of the format of the target.
        failed: For 0.1: words that, as the status of an experience, say that it did not complete; case does not matter.
        progress: Is told how many bytes of the log were converted, and how many there are.

    Raises:
        ConfigError: The source has this version already, or the version is unknown.
        DirectoryError: There is no run, or more than one; or the target exists, or cannot be made.
        LogFormatError: An info file of the source cannot be used.
    """
    if version not in VERSIONS:
        raise ConfigError(f"a run can be converted to {' and '.join(VERSIONS)}, got {version!r}")
    run, findings = _one_run(source)
    found = _version(run)
    if found == version:
        raise ConfigError(f"{run.path} is of format {version} already; there is nothing to convert")
    goal = os.path.abspath(os.fspath(target))
    _check_target(goal, run.path)
    try:
        os.makedirs(os.path.dirname(goal), exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".l2logger-", dir=os.path.dirname(goal)) as directory:
            # The temporary directory is for its owner alone, the run is not.
            copy = os.path.join(directory, "run")
            os.mkdir(copy)
            about = run, copy, VERSIONS[version], findings, progress
            job = _Legacy(*about, failed={word.lower() for word in failed}) if run.legacy else _Modern(*about)
            records, files = job.convert()
            os.rename(copy, goal)
    except OSError as error:
        if isinstance(error, DirectoryError):
            raise
        raise DirectoryError(
            error.errno, f"the run cannot be converted, {error.strerror}; nothing was made", error.filename or goal
        ) from error
    return Conversion(run.path, goal, found, version, records, files, tuple(findings))


def _one_run(source: str | os.PathLike[str]) -> tuple[StoredRun, list[Finding]]:
    runs, findings = find((find_run(source),))
    if len(runs) != 1:
        shown = ", ".join(each.name for each in runs[:5])
        raise DirectoryError(
            errno.EINVAL, f"expected one run, found {len(runs)}{shown and ': ' + shown}", os.fspath(source)
        )
    return runs[0], findings


def _version(run: StoredRun) -> str:
    """Return the version of a run; one that does not say it is known by its columns."""
    if run.version:
        return run.version
    for path in run.files:
        with RowFile(path) as file:
            if file.columns and "worker_id" in file.columns:
                return V1_1.version if _has_subtype(file.columns) else "1.0"
    raise LogFormatError("does not say its version, and no file has the columns of one", run.path)


def _has_subtype(columns: tuple[str, ...]) -> bool:
    """Return whether the subtype is where 1.1 has it; the 1.0 writer put extras of this name to the end."""
    return columns[: len(V1_1.columns)] == V1_1.columns


def _check_target(goal: str, source: str) -> None:
    if os.path.lexists(goal):
        raise DirectoryError(errno.EEXIST, "there is something already; give the path of a new directory", goal)
    inside = os.path.realpath(source) + os.sep
    if (os.path.realpath(os.path.dirname(goal)) + os.sep).startswith(inside):
        raise DirectoryError(errno.EINVAL, f"is inside of {source!r}, which it would become a part of", goal)


class _Job(ABC):
    """The conversion of one run into an empty directory."""

    def __init__(
        self, run: StoredRun, target: str, schema: Schema, findings: list[Finding], progress: Progress
    ) -> None:
        self.run = run
        self.target = target
        self.schema = schema
        self.findings = findings
        self.progress = progress

    @abstractmethod
    def convert(self) -> tuple[int, int]:
        """Write the target; return the number of records and of files."""

    def _write_infos(self, logger_info: dict[str, Any]) -> None:
        info = {**logger_info, "log_format_version": self.schema.version}
        with open(os.path.join(self.target, paths.LOGGER_INFO), "xb") as file:
            file.write(info_files.encode("logger_info", info))

    def _copy_others(self, left_out: Collection[str] = ()) -> None:
        """Copy what else is in the directory of the run: the information about the scenario, signals, media ...

        Args:
            left_out: Names of files that are not copied, wherever they are.
        """
        logs = set(self.run.files)
        for directory, subdirectories, files in os.walk(self.run.path):
            subdirectories.sort()
            inner = os.path.relpath(directory, self.run.path)
            links = [each for each in subdirectories if os.path.islink(os.path.join(directory, each))]
            for file in sorted([*files, *links]):
                path = os.path.join(directory, file)
                if path in logs or file in left_out or inner == _BOOKMARKS:
                    continue
                if file == paths.LOGGER_INFO and inner == os.curdir:
                    continue
                if os.path.islink(path) or not os.path.isfile(path):
                    self._warn("kind", "is no regular file and was not copied", path)
                    continue
                os.makedirs(os.path.join(self.target, inner), exist_ok=True)
                shutil.copy2(path, os.path.join(self.target, inner, file))

    def _warn(self, rule: str, problem: str, path: str, column: str | None = None) -> None:
        self.findings.append(Finding(rule, problem, path, column=column, severity=WARNING))


class _Modern(_Job):
    """Between 1.0 and 1.1: each file becomes one file, each cell stays as it is."""

    def convert(self) -> tuple[int, int]:
        info = self.run.info().logger_info
        if not isinstance(info, dict):
            path = os.path.join(self.run.path, paths.LOGGER_INFO)
            raise LogFormatError(f"expected an object, got {type(info).__name__}", path)
        total = sum(os.path.getsize(path) for path in self.run.files)
        records = files = done = 0
        for path in self.run.files:
            inner = os.path.relpath(path, self.run.path)
            goal = os.path.join(self.target, inner)
            os.makedirs(os.path.dirname(goal), exist_ok=True)
            with RowFile(path) as source:
                if source.columns is None:
                    self.findings.append(source.problem or Finding("header", "the file cannot be read", path))
                    continue
                with open(goal, "xb", buffering=_BUFFER_BYTES) as file:
                    for line in self._lines(source, source.columns):
                        done += file.write(line)
                        records += 1
                        if records % _BATCH == 0:
                            self.progress(min(done, total), total)
            files += 1
        self._write_infos(info)
        self._copy_others()
        # Each file began with its header.
        return records - files, files

    def _lines(self, source: RowFile, columns: tuple[str, ...]) -> Iterator[bytes]:
        """Yield the header and the records of a file."""
        place = columns.index(_SUBTYPE) if _SUBTYPE in columns else None
        wanted = self.schema.order(set(columns) - {_SUBTYPE} | set(self.schema.columns) & {_SUBTYPE})
        subtype = V1_1.defaults[_SUBTYPE]
        # Where each column comes from; columns that even the standard misses stay missing.
        order = [columns.index(column) if column in columns else None for column in wanted]
        kept = [(column, at) for column, at in zip(wanted, order, strict=True) if at is not None or column == _SUBTYPE]
        yield cells.header(column for column, _ in kept)
        lost = 0
        for row in source:
            if not isinstance(row, Row):
                self.findings.append(row)
                continue
            raw = _split_raw(row.text)
            yield ("\t".join([subtype if at is None else raw[at] for _, at in kept]) + "\n").encode()
            lost += place is not None and _SUBTYPE not in wanted and raw[place] not in (subtype, "")
        if lost:
            self._warn(
                "subtype",
                f"{lost:,} records have another block_subtype than wake, which is lost",
                source.path,
                _SUBTYPE,
            )


def _split_raw(row: str) -> list[str]:
    """Return the cells of a row as they stand in the file, quotes included."""
    if '"' not in row:
        return row.split("\t")
    raw = []
    position = 0
    while position <= len(row):
        found = _raw_cells(row, position)
        assert found  # an empty cell is one
        raw.append(found[0])
        position = found.end() + 1
    return raw


class _Legacy(_Job):
    """From 0.1: the records of a worker and block come together, with what was said of their regime."""

    def __init__(self, *about: Any, failed: set[str]) -> None:
        super().__init__(*about)
        self.failed = failed

    def convert(self) -> tuple[int, int]:
        log = Log(self.run.path, on_bad_rows="skip")
        self.findings += log.findings
        columns = [column for column in log.columns if column != _SUBTYPE or column in self.schema.columns]
        out = self.schema.order({_RENAMED.get(column, column) for column in columns})
        texts = log.texts({column: _RENAMED.get(column, column) for column in columns})
        log.connection.execute(f"CREATE TEMP VIEW l2logger_legacy AS {texts}")
        distinct = log.connection.sql("SELECT DISTINCT coalesce(worker_id, '') FROM l2logger_legacy ORDER BY 1")
        workers = self._worker_ids([worker for (worker,) in distinct.fetchall()])
        total = sum(os.path.getsize(path) for path in self.run.files)
        order = f"worker_id, block_num, block_type, exp_num, {name(PATH)}, {name(ROW)}"
        wanted = ", ".join(map(name, out))
        result = log.connection.execute(f"SELECT {wanted}, {name(PATH)} FROM l2logger_legacy ORDER BY {order}")
        used: set[tuple[str, str, str]] = set()
        records = done = 0
        with _Files(out) as files:
            while rows := result.fetchmany(_BATCH):
                for *row, path in rows:
                    record = {column: "" if cell is None else str(cell) for column, cell in zip(out, row, strict=True)}
                    record["worker_id"] = workers[record["worker_id"]]
                    if "status" in record:
                        record["exp_status"] = "incomplete" if record["status"].lower() in self.failed else COMPLETE
                    done += files.write(self._path(record), record)
                    records += 1
                    used.add((os.path.dirname(path), record["block_num"], record[_RENAMED["regime_num"]]))
                self.progress(min(done, total), total)
        self._tell_unused(used)
        self._write_infos(self._logger_info(out, log.types))
        self._copy_others(_LEGACY_FILES)
        scenario_info = os.path.join(self.target, paths.SCENARIO_INFO)
        if not os.path.exists(scenario_info):
            with open(scenario_info, "xb") as info:
                info.write(b"{}")
        return records, files.count

    def _path(self, record: Mapping[str, str]) -> str:
        block_type = re.sub(r"[^0-9a-zA-Z_.-]", "_", record["block_type"])
        return paths.data_log(self.target, record["worker_id"], int(record["block_num"]), block_type)

    def _worker_ids(self, workers: list[str]) -> dict[str, str]:
        """Return, for each worker of 0.1, which could have any name, an id that 1.x allows."""
        ids = {each: each for each in workers if _is_worker_id(each) and each not in (".", "..")}
        for worker in workers:
            if worker in ids:
                continue
            base = re.sub(r"[^0-9a-zA-Z_\-.]", "_", worker).strip(".") or V1_1.defaults["worker_id"]
            names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
            ids[worker] = next(each for each in names if each not in ids.values())
            problem = f"the worker {worker!r} is called {ids[worker]!r} now: a worker_id looks like {WORKER_ID}"
            self._warn("worker_id", problem, self.run.path)
        return ids

    def _tell_unused(self, used: set[tuple[str, str, str]]) -> None:
        """Say which regimes were entered without logging anything; 1.x has no place for them."""
        for directory, _, _ in os.walk(self.run.path):
            for path in files_beside(directory):
                with RowFile(path, counts=REGIME_KEY) as file:
                    places = [file.columns.index(column) for column in REGIME_KEY] if file.columns else []
                    keys = {tuple(row.cells[place] for place in places) for row in file if isinstance(row, Row)}
                if unused := sorted(key[1] for key in keys if (directory, *key) not in used):
                    problem = f"regimes without records, which are not in the copy: {', '.join(unused[:10])}"
                    self._warn("regimes", problem, path)

    def _logger_info(self, columns: tuple[str, ...], types: Mapping[str, str]) -> dict[str, Any]:
        """Return the info of the target: what the source lists, without metrics that nobody logged."""
        listed = self.run.info().logger_info
        info = listed if isinstance(listed, dict) else {}
        metrics = self.run.metrics_columns()
        if missing := [column for column in metrics if column not in columns]:
            self._warn("metrics_columns", f"lists {missing}, which no record has; left out", self.run.path)
        metrics = [column for column in metrics if column in columns]
        if not metrics:
            extras = [column for column in columns if column not in V1_1.columns]
            metrics = [column for column in extras if types.get(column) in ("BIGINT", "DOUBLE")]
        return {**info, "metrics_columns": metrics}


class _Files:
    """Log files that come one after the other."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.count = 0
        self._columns = columns
        self._path = ""
        self._file: BinaryIO | None = None

    def __enter__(self) -> "_Files":
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._file:
            self._file.close()

    def write(self, path: str, record: Mapping[str, str]) -> int:
        """Append a record to a file; return the number of bytes."""
        if path != self._path or self._file is None:
            self._close()
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self._path = path
            self._file = open(path, "ab", buffering=_BUFFER_BYTES)  # noqa: SIM115
            if not self._file.tell():
                self._file.write(cells.header(self._columns))
                self.count += 1
        return self._file.write(cells.line(self._columns, record))
