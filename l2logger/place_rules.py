"""Rules about files: what the info files say, which columns a log file has, where it lies."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from l2logger import info_files, paths
from l2logger.errors import LogFormatError
from l2logger.findings import ERROR, WARNING, Finding
from l2logger.log import Log
from l2logger.runs import StoredRun
from l2logger.schema import SCENARIO_WORDS, V1_0, V1_1, VERSIONS
from l2logger.survey import MAX_FINDINGS, Survey, first, first_lines

_BLOCK_DIR: Final = re.compile(r"(-?[0-9]+)-(.+)")


def check_infos(log: Log) -> Iterator[Finding]:
    """Yield what is wrong with the info files."""
    told = {finding.path for finding in log.findings}
    for run in log.runs:
        if not run.files:
            yield Finding("no_log", f"there is no {paths.DATA_LOG} below; {_logged_else(run)}", run.path)
        if not run.legacy:
            yield from _check_logger_info(run, told)
            yield from _check_scenario_info(run)


def _logged_else(run: StoredRun) -> str:
    """Return in words what was logged in a run without records."""
    signals = run.count_signals()
    if not signals:
        return "nothing was logged"
    return f"no records were logged, only {signals:,} signal{'s' * (signals != 1)} beside them, such as metrics"


def metrics_of(log: Log) -> dict[str, list[str]]:
    """Return the names of the metrics of each run, as far as it tells any."""
    found = {}
    for run in log.runs:
        try:
            found[run.name] = run.metrics_columns()
        except (LogFormatError, OSError):
            found[run.name] = []
    return found


def _check_logger_info(run: StoredRun, told: set[str]) -> Iterator[Finding]:
    path = os.path.join(run.path, paths.LOGGER_INFO)
    info, problem = _read(path)
    if problem:
        if path not in told:
            yield Finding("logger_info", problem, path)
        return
    if not isinstance(info, dict):
        yield Finding("logger_info", f"expected an object with metrics_columns, got {info!r:.80}", path)
        return
    metrics = info.get("metrics_columns")
    if not isinstance(metrics, list) or any(not isinstance(column, str) for column in metrics):
        found = f"is {metrics!r:.80}" if "metrics_columns" in info else "is missing"
        yield Finding(
            "logger_info",
            f"metrics_columns {found}, expected a list of names of columns",
            path,
            None,
            "metrics_columns",
        )
    elif not metrics and run.files:
        yield Finding("logger_info", "metrics_columns names no metric", path, None, "metrics_columns", WARNING)
    if "log_format_version" not in info:
        problem = f"log_format_version is missing, expected one of {', '.join(VERSIONS)}"
        yield Finding("logger_info", problem, path, None, "log_format_version", WARNING)


def _check_scenario_info(run: StoredRun) -> Iterator[Finding]:
    path = os.path.join(run.path, paths.SCENARIO_INFO)
    info, problem = _read(path)
    if problem:
        missing = not os.path.lexists(path)
        yield Finding("scenario_info", problem, path, severity=WARNING if missing else ERROR)
        return
    if not isinstance(info, dict):
        yield Finding("scenario_info", f"expected an object such as {{}}, got {info!r:.80}", path)
        return
    if missing_keys := [key for key in SCENARIO_WORDS if key not in info]:
        problem = f"lacks {', '.join(missing_keys)}, which l2metrics puts into its reports"
        yield Finding("scenario_info", problem, path, severity=WARNING)
    for key, words in SCENARIO_WORDS.items():
        if key in info and not (isinstance(info[key], str) and info[key].lower() in words):
            problem = f"{key} is {info[key]!r:.80}, expected one of {', '.join(words)}"
            yield Finding("scenario_info", problem, path, None, key, WARNING)


def _read(path: str) -> tuple[Any, str]:
    """Return what an info file holds, and what is in the way of reading it."""
    try:
        return info_files.read(path), ""
    except FileNotFoundError:
        return None, "there is no such file"
    except LogFormatError as error:
        return None, error.problem
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"


def check_headers(log: Log, metrics: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Yield what is wrong with the columns of the log files."""
    headers = log.headers()
    for run in log.runs:
        of_run = {path: headers[path] for path in run.files if path in headers}
        if not run.legacy:
            yield from first(_missing_columns(of_run))
            yield from first(_columns_out_of_place(of_run, run.version))
        yield from first(_missing_metrics(run, of_run, metrics[run.name]))


def _missing_columns(headers: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    for path, columns in headers.items():
        for column in V1_0.columns:
            if column not in columns:
                yield Finding("column", "the column is missing, every log has it", path, 1, column)


def _columns_out_of_place(headers: Mapping[str, Sequence[str]], version: str) -> Iterator[Finding]:
    schema = VERSIONS.get(version, V1_1)
    for path, columns in headers.items():
        expected = [column for column in schema.columns if column in columns]
        problem = ""
        if "block_subtype" not in columns:
            if version == V1_1.version:
                problem = "the column is missing in a log of version 1.1; all records of this file count as wake"
        elif schema is V1_0:
            if columns.index("block_subtype") == V1_1.columns.index("block_subtype"):
                expected = list(V1_1.columns)
                problem = "the column is where version 1.1 has it, in a log of version 1.0"
            else:
                problem = "version 1.0 does not have this column; what it holds is read as the subtype of blocks"
        if problem:
            yield Finding("column", problem, path, 1, "block_subtype", WARNING)
        if list(columns[: len(expected)]) != expected:
            problem = f"the columns do not begin with {', '.join(schema.columns)}; they are found by name"
            yield Finding("column", problem, path, 1, severity=WARNING)


def _missing_metrics(run: StoredRun, headers: Mapping[str, Sequence[str]], metrics: Sequence[str]) -> Iterator[Finding]:
    for column in dict.fromkeys(metrics):
        without = [path for path, columns in headers.items() if column not in columns]
        if not without:
            continue
        if len(without) == len(headers):
            problem = f"the metric is named in {paths.LOGGER_INFO} and in none of the log files"
            yield Finding("metric", problem, run.path, column=column)
            continue
        for path in without:
            yield Finding("metric", "the metric is missing here, other files have it", path, 1, column, WARNING)


def check_places(survey: Survey) -> Iterator[Finding]:
    """Yield which records are not of the worker and the block that the directories of their file are named after."""
    columns = ("worker_id", "block_num", "block_type")
    roots = {run.name: run.path for run in survey.log.runs}
    elsewhere: set[str] = set()
    misplaced: dict[tuple[str, str, str], dict[str, None]] = {}
    for run, path, *values in survey.rows(
        f"SELECT DISTINCT run, path, {', '.join(columns)} FROM {survey.parts} WHERE NOT legacy ORDER BY ALL"
    ):
        parts = os.path.relpath(path, roots[run]).split(os.sep)
        named = _BLOCK_DIR.fullmatch(parts[-2]) if len(parts) == 3 else None
        if named is None:
            elsewhere.add(path)
            continue
        for column, value, expected in zip(columns, values, (parts[0], *named.groups()), strict=True):
            text = "" if value is None else str(value)
            if text != expected:
                misplaced.setdefault((path, column, expected), {})[text] = None
    problem = f"expected a place such as worker-default/0-train/{paths.DATA_LOG} in the run"
    yield from first(Finding("place", problem, path, severity=WARNING) for path in sorted(elsewhere))
    yield from first(_misplaced(misplaced), sum(map(len, misplaced.values())))


def _misplaced(found: Mapping[tuple[str, str, str], Iterable[str]]) -> Iterator[Finding]:
    for (path, column, expected), values in found.items():
        at = first_lines(path, [column], {(value,) for value in islice(values, MAX_FINDINGS)})
        for value in values:
            problem = f"{column} is {value!r:.80}, the directory says {expected!r}"
            yield Finding("place", problem, path, at.get((value,)), column, WARNING)
