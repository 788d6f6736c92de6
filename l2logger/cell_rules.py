"""Rules about single cells: counts, words, names, parameters, timestamps, numbers."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from l2logger.findings import ERROR, WARNING, Finding
from l2logger.schema import COUNTS, STEP_COUNT, TASK_NAME, TIMESTAMP, TIMESTAMP_CHARS, V1_1, WORKER_ID
from l2logger.sql import literal
from l2logger.survey import (
    MAX_FINDINGS,
    UNLIKE_TIMESTAMP,
    Survey,
    first,
    first_lines,
    is_word,
    lines,
)
from l2logger.survey import cell as cell_of

_LONGEST_SHOWN: Final = 80


class _KeyRule(NamedTuple):
    """What the values of one of the survey's keys must be like."""

    column: str
    keeps: Callable[[Any], object]
    expected: str


def _one_of(column: str) -> _KeyRule:
    words = V1_1.vocabularies[column]
    return _KeyRule(column, words.__contains__, "expected " + " or ".join(sorted(words)))


_KEY_RULES: Final = (
    _KeyRule("block_num", lambda block_num: block_num >= 0, "expected 0 or more"),
    *map(_one_of, V1_1.vocabularies),
    _KeyRule("worker_id", re.compile(WORKER_ID).fullmatch, "expected letters, digits, '_', '-' and '.'"),
)


class _Verdict(NamedTuple):
    """What is thought of a cell that is odd."""

    rule: str
    column: str
    expected: str
    severity: str


_BROKEN: Final = _Verdict("task_params", "task_params", "expected JSON text such as {}", ERROR)
_NO_OBJECT: Final = _Verdict("task_params", "task_params", "expected a JSON object such as {}", WARNING)
_NO_TIME: Final = _Verdict("timestamp", "timestamp", "expected a time such as 20201020T230415.363982", WARNING)
_NEGATIVE: Final = _Verdict("exp_num", "exp_num", "expected 0 or more", ERROR)


# DuckDB takes a comma too many, NaN and infinity in any spelling, nesting of any depth and integers of any length.
_UNLIKE_OBJECT: Final = r"""
    NOT (json_valid(task_params) AND starts_with(ltrim(task_params), '{')
         AND NOT regexp_matches(task_params, ',\s*[}\]]|[nN][aA][nN]|[iI][nN][fF]')
         AND length(task_params) < 4000
         AND (length(task_params) < 900 OR length(regexp_replace(task_params, '[^\[{]', '', 'g')) < 400))
"""
"""Condition that ``task_params`` may be something else than a JSON object as Python takes it; to be looked into."""


def check_cells(survey: Survey, metrics: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Yield what is wrong with single cells.

    Args:
        survey: The log.
        metrics: Names of the metrics of each run.
    """
    for rule in _KEY_RULES:
        yield from _check_key(survey, rule)
    yield from _check_rows(survey, "negatives", "exp_num", "exp_num < 0", lambda _: _NEGATIVE)
    yield from _check_task_names(survey)
    yield from _check_params(survey)
    # A column that is not in the file is another finding, told once and not for each record.
    time = f"{UNLIKE_TIMESTAMP} AND NOT {_lacks(survey, 'timestamp')}"
    yield from _check_rows(survey, "unlike_timestamp", "timestamp", time, _judge_timestamp)
    for column in survey.aliases:
        yield from _check_metric(survey, column, [run for run, columns in metrics.items() if column in columns])


def _check_key(survey: Survey, rule: _KeyRule) -> Iterator[Finding]:
    column = rule.column
    values = [value for (value,) in survey.rows(f"SELECT DISTINCT {column} FROM {survey.parts}")]
    if not (odd := [value for value in values if value is None or not rule.keeps(value)]):
        return
    kind = "BIGINT[]" if column in COUNTS else "VARCHAR[]"
    found = survey.rows(
        f"SELECT path, coalesce({column}::VARCHAR, ''), sum(sum(records)) OVER () FROM {survey.parts} "
        f"WHERE ({column} IS NULL AND NOT {_lacks(survey, column)}) OR {column} IN (SELECT unnest($odd::{kind})) "
        f"GROUP BY path, {column} ORDER BY 1, 2 LIMIT {MAX_FINDINGS}",
        {"odd": [value for value in odd if value is not None]},
    )
    if found:
        yield from first(_located(found, _Verdict(column, column, rule.expected, ERROR)), found[0][-1])


def _check_task_names(survey: Survey) -> Iterator[Finding]:
    """Yield one finding for each name in a run."""
    found = survey.rows(
        f"SELECT run, coalesce(task_name, ''), sum(records), min(path) FROM {survey.parts} "
        f"WHERE NOT legacy AND NOT coalesce(regexp_full_match(task_name, {literal(TASK_NAME)}), false) "
        f"AND NOT {_lacks(survey, 'task_name')} GROUP BY run, task_name ORDER BY ALL"
    )
    shown = sorted(found[:MAX_FINDINGS], key=itemgetter(3))
    for path, of_file in groupby(shown, key=itemgetter(3)):
        yield from _odd_task_names(path, list(of_file))
    if len(found) > MAX_FINDINGS:
        problem = f"... and {len(found) - MAX_FINDINGS:,} more names like this"
        yield Finding("task_name", problem, shown[-1][3], None, "task_name", WARNING)


def _odd_task_names(path: str, found: list[tuple[Any, ...]]) -> Iterator[Finding]:
    """Yield the findings about task names that are first met in one file."""
    at = first_lines(path, ["task_name"], {(task_name,) for _, task_name, *_ in found})
    for _, task_name, records, _ in found:
        count = f"{records:,} record{'s' * (records > 1)}"
        problem = f"task_name is {_shown(task_name)} in {count}, expected <task>_<variant> in letters and digits"
        yield Finding("task_name", problem, path, at.get((task_name,)), "task_name", WARNING)


def _check_params(survey: Survey) -> Iterator[Finding]:
    # Where they are the same in a whole part, and so they mostly are, one look is enough.
    varied = f"path IN (SELECT path FROM {survey.parts} WHERE low_params <> high_params)"
    found = f"SELECT path, low_params, sum(params) FROM {survey.parts} WHERE params > 0 AND NOT {varied} GROUP BY ALL"
    if survey.rows(f"SELECT 1 FROM {survey.parts} WHERE {varied} LIMIT 1"):
        found += (
            f" UNION ALL SELECT path, task_params, count(*) FROM {survey.records} "
            f"WHERE task_params IS NOT NULL AND {varied} AND {_UNLIKE_OBJECT} GROUP BY ALL"
        )
    yield from _judged(survey.each(f"{found} ORDER BY 1, 2"), _judge_params)


def _check_rows(
    survey: Survey, count: str, column: str, condition: str, judge: Callable[[str], _Verdict | None]
) -> Iterator[Finding]:
    """Look into the cells of which the survey has counted some as doubtful."""
    [(doubtful,)] = survey.rows(f"SELECT sum({count}) FROM {survey.parts}")
    if doubtful:
        found = f"SELECT path, coalesce({column}::VARCHAR, ''), count(*) FROM {survey.records} WHERE {condition}"
        yield from _judged(survey.each(f"{found} GROUP BY ALL ORDER BY 1, 2"), judge)


def _judged(found: Iterable[tuple[Any, ...]], judge: Callable[[str], _Verdict | None]) -> Iterator[Finding]:
    """Yield findings about the cells that are odd: of each, its file, its text, and how many records have it."""
    odd: dict[_Verdict, list[tuple[str, str]]] = defaultdict(list)
    totals: dict[_Verdict, int] = defaultdict(int)
    for path, cell, records in found:
        if verdict := judge(cell):
            totals[verdict] += records
            if len(odd[verdict]) < MAX_FINDINGS:
                odd[verdict].append((path, cell))
    for verdict, cells in odd.items():
        yield from first(_located(cells, verdict), totals[verdict])


def _judge_params(text: str) -> _Verdict | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _BROKEN
    return None if isinstance(value, dict) else _NO_OBJECT


def _judge_timestamp(text: str) -> _Verdict | None:
    try:
        datetime.strptime(text, TIMESTAMP)
    except ValueError:
        return _NO_TIME
    return None if len(text) == TIMESTAMP_CHARS else _NO_TIME


def _check_metric(survey: Survey, column: str, runs: list[str]) -> Iterator[Finding]:
    cell = survey.aliases[column]
    of_runs = f"run IN ({', '.join(map(literal, runs))})"
    counts = f"sum({cell}_values), sum({cell}_words), sum({cell}_whole)"
    counted = survey.rows(f"SELECT run, {counts} FROM {survey.parts} WHERE {of_runs} GROUP BY run ORDER BY run")
    if total := sum(words for _, _, words, _ in counted):
        files = f"path IN (SELECT path FROM {survey.files} WHERE {of_runs})"
        found = survey.rows(
            f"SELECT DISTINCT path, {cell} FROM {survey.records} WHERE {is_word(cell)} AND {files} "
            f"ORDER BY ALL LIMIT {MAX_FINDINGS}"
        )
        yield from first(_located(found, _Verdict("metric", column, "a metric is a number", WARNING)), total)
    paths = {run.name: run.path for run in survey.log.runs}
    for run, values, _, whole in counted:
        if values and values == whole and column != STEP_COUNT:
            problem = (
                "all values are written as whole numbers, which l2metrics on pandas 3 refuses; log floats, such as 1.0"
            )
            yield Finding("whole_metric", problem, paths[run], column=column, severity=WARNING)


def _lacks(survey: Survey, column: str) -> str:
    """Return the condition that the file of a record does not have a column."""
    # In format 0.1 most columns are found elsewhere.
    own = "true" if column == "timestamp" else "NOT legacy"
    return f"path IN (SELECT path FROM {survey.files} WHERE {own} AND NOT list_contains(columns, {literal(column)}))"


def _located(found: Iterable[Sequence[Any]], verdict: _Verdict) -> Iterator[Finding]:
    """Yield a finding for each record with one of the cells, found in a file; these pairs come sorted."""
    rule, column, expected, severity = verdict
    for path, pairs in groupby(found, key=itemgetter(0)):
        odd = {cell for _, cell, *_ in pairs}
        unseen = set(odd)
        for line, cells in lines(path):
            if (cell := cell_of(cells, column)) in odd:
                unseen.discard(cell)
                yield Finding(rule, f"{column} is {_shown(cell)}, {expected}", path, line, column, severity)
        # In format 0.1 a cell may come from the file of regimes.
        for cell in sorted(unseen):
            yield Finding(rule, f"{column} is {_shown(cell)}, {expected}", path, None, column, severity)


def _shown(cell: str) -> str:
    if not cell:
        return "missing"
    return repr(cell) if len(cell) <= _LONGEST_SHOWN else f"{cell[:_LONGEST_SHOWN]!r}..."
