"""Rules about records together: the order of blocks and experiences, what is there twice, what changes on the way."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from l2logger.findings import ERROR, WARNING, Finding
from l2logger.regimes import regimes
from l2logger.rows import Row, RowFile
from l2logger.schema import COMPLETE
from l2logger.sql import literal
from l2logger.survey import MAX_FINDINGS, Survey, first, lines

_SHOWN_GAPS: Final = 5


def check_order(survey: Survey) -> Iterator[Finding]:
    """Yield what is wrong with the order of records."""
    yield from first(_blocks_out_of_order(survey))
    yield from first(_falls_in_file(survey))
    yield from first(_falls_between_files(survey))
    yield from first(_gaps(survey))


def check_repeats(survey: Survey) -> Iterator[Finding]:
    """Yield what is there more than once."""
    yield from _completed_twice(survey)
    yield from first(_copies(survey))


def check_blocks(survey: Survey) -> Iterator[Finding]:
    """Yield what changes that should stay: the type within a block, the parameters within a regime."""
    yield from first(_types_of_blocks(survey))
    yield from first(_params_of_regimes(survey))


def _blocks_out_of_order(survey: Survey) -> Iterator[Finding]:
    """Sorted by ``exp_num``, then ``block_num``, records must not fall back to an earlier block."""
    blocks = f"SELECT run, block_num, min(first_exp) AS begun, max(last_exp) AS last FROM {survey.parts} GROUP BY ALL"
    later = "PARTITION BY run ORDER BY block_num ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING"
    late = survey.rows(
        f"SELECT run, block_num, next_begun, next_block FROM (SELECT *, min(begun) OVER ({later}) AS next_begun, "
        f"arg_min(block_num, begun) OVER ({later}) AS next_block FROM ({blocks})) "
        f"WHERE last > next_begun ORDER BY run, block_num LIMIT {MAX_FINDINGS + 1}"
    )
    for run, block_num, next_begun, next_block in late:
        [(exp_num, path, count)] = survey.rows(
            f"SELECT min(exp_num), arg_min(path, exp_num), count(*) FROM {survey.records} "
            f"WHERE block_num = {block_num} AND exp_num > {next_begun} AND path IN {_of_run(survey, run)}"
        )
        wanted = str(exp_num), str(block_num)
        line = next((line for line, cells in lines(path) if (cells["exp_num"], cells["block_num"]) == wanted), None)
        more = f", and {count - 1:,} more of this block" if count > 1 else ""
        problem = (
            f"experience {exp_num} is of block {block_num}{more}, though block {next_block} began with experience "
            f"{next_begun}; block_num must not fall from one experience to the next"
        )
        yield Finding("order", problem, path, line, "block_num", ERROR)


def _falls_in_file(survey: Survey) -> Iterator[Finding]:
    """A worker writes what comes later below what came before."""
    for (path,) in survey.rows(
        f"SELECT path FROM {survey.parts} WHERE NOT legacy GROUP BY path "
        "HAVING sum(exp_falls) + sum(block_falls) > 0 ORDER BY path"
    ):
        above: dict[str, int] = {}
        for line, cells in lines(path):
            for column in ("exp_num", "block_num"):
                count = int(cells[column])
                if count < above.get(column, count):
                    problem = f"{column} falls from {above[column]} in the record before to {count}"
                    yield Finding("falls", problem, path, line, column, WARNING)
                above[column] = count


def _falls_between_files(survey: Survey) -> Iterator[Finding]:
    """A file of a worker begun after another one ended goes on with the counts."""
    counts = "max(block_num) AS block, max(last_exp) AS exp"
    firsts = "min(block_num) AS first_block, min(first_exp) AS first_exp, min(started) AS started, max(ended) AS ended"
    files = f"SELECT run, worker_id, path, {firsts}, {counts} FROM {survey.parts} WHERE NOT legacy GROUP BY ALL"
    above = ", ".join(f"lag({column}) OVER before AS {column}_above" for column in ("path", "ended", "block", "exp"))
    for path, first_block, first_exp, path_above, block_above, exp_above in survey.rows(
        "SELECT path, first_block, first_exp, path_above, block_above, exp_above FROM "
        f"(SELECT *, {above} FROM ({files}) WINDOW before AS (PARTITION BY run, worker_id ORDER BY started, path)) "
        "WHERE started > ended_above AND (first_block < block_above OR first_exp < exp_above) ORDER BY path"
    ):
        fallen = [
            f"{column} from {count_above} to {count}"
            for column, count_above, count in (
                ("block_num", block_above, first_block),
                ("exp_num", exp_above, first_exp),
            )
            if count < count_above
        ]
        problem = f"begun after {path_above} of the same worker was finished, but falls back: {' and '.join(fallen)}"
        yield Finding("falls", problem, path, severity=WARNING)


def _gaps(survey: Survey) -> Iterator[Finding]:
    """Experiences are missing where most numbers are used, by the run as a whole or by each worker."""
    for run in survey.log.runs:
        if run.legacy or _is_dense(survey, run.name):
            continue
        used = f"SELECT DISTINCT exp_num FROM {survey.records} WHERE path IN {_of_run(survey, run.name)}"
        above = f"SELECT exp_num, lag(exp_num) OVER (ORDER BY exp_num) AS above FROM ({used})"
        found = survey.rows(
            f"SELECT above + 1, exp_num - 1, sum(exp_num - above - 1) OVER (), count(*) OVER () FROM ({above}) "
            f"WHERE exp_num > above + 1 ORDER BY 1 LIMIT {_SHOWN_GAPS}"
        )
        [(span,)] = survey.rows(
            f"SELECT max(last_exp) - min(first_exp) + 1 FROM {survey.parts} WHERE run = $run", {"run": run.name}
        )
        # Where more numbers are skipped than used, that is how this run counts.
        if found and (missing := found[0][2]) * 2 <= span:
            shown = ", ".join(str(begin) if begin == end else f"{begin} to {end}" for begin, end, *_ in found)
            more = found[0][3] - len(found)
            problem = f"{missing:,} numbers of experiences are left out: {shown}" + (
                f", {more:,} more gaps" if more else ""
            )
            yield Finding("gap", problem, run.path, column="exp_num", severity=WARNING)


def _is_dense(survey: Survey, run: str) -> bool:
    """Return whether it is plain from the counts alone that no number is left out."""
    # An experience of several records counts once, if its records follow one another.
    used = "sum(records) - sum(ties) = max(last_exp) - min(first_exp) + 1 AND sum(exp_falls) = 0"
    source = f"FROM {survey.parts} WHERE run = $run"
    [(whole, *_)] = survey.rows(f"SELECT {used} {source}", {"run": run})
    workers = survey.rows(f"SELECT {used} {source} GROUP BY worker_id", {"run": run})
    return bool(whole) or all(dense for (dense,) in workers)


def _completed_twice(survey: Survey) -> Iterator[Finding]:
    """Each worker ends an experience once: one row of it is complete."""
    # Only where the survey shows that an experience may be there twice: next to itself, after a fall, in two files.
    above = "max(last_exp) OVER (PARTITION BY run, worker_id ORDER BY first_exp, path ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    suspects = survey.rows(
        f"SELECT DISTINCT run, worker_id FROM (SELECT *, ties + exp_falls > 0 OR first_exp <= {above} AS doubtful "
        f"FROM {survey.parts} WHERE NOT legacy AND exp_status = {literal(COMPLETE)}) WHERE doubtful ORDER BY ALL"
    )
    found: list[tuple[Any, ...]] = []
    total = 0
    for run, worker in suspects:
        of_worker = f"worker_id IS NOT DISTINCT FROM $worker AND path IN {_of_run(survey, run)}"
        twice = survey.rows(
            "SELECT max(path), exp_num, count(*), min(path) = max(path), count(*) OVER () "
            f"FROM {survey.records} WHERE exp_status = {literal(COMPLETE)} AND {of_worker} "
            f"GROUP BY exp_num HAVING count(*) > 1 ORDER BY 1, 2 LIMIT {MAX_FINDINGS}",
            {"worker": worker},
        )
        found += twice
        total += twice[0][-1] if twice else 0
    yield from first(_at_second(found), total)


def _at_second(found: list[tuple[Any, ...]]) -> Iterator[Finding]:
    """Yield a finding at the second complete row of each experience, in the last file that has one."""
    for path, of_file in groupby(sorted(found), key=itemgetter(0)):
        twice = {exp_num: (count, 2 if same_file else 1) for _, exp_num, count, same_file, _ in of_file}
        seen: Counter[int] = Counter()
        for line, cells in lines(path):
            exp_num = int(cells["exp_num"])
            if exp_num in twice and cells.get("exp_status", COMPLETE) == COMPLETE:
                count, place = twice[exp_num]
                seen[exp_num] += 1
                if seen[exp_num] == place:
                    problem = f"experience {exp_num} has {count:,} complete rows of this worker, expected one"
                    yield Finding("complete", problem, path, line, "exp_status", WARNING)


def _copies(survey: Survey) -> Iterator[Finding]:
    """The same row, down to the microsecond, is there once."""
    for (path,) in survey.rows(
        f"SELECT path FROM {survey.parts} WHERE NOT legacy GROUP BY path HAVING sum(twins) + sum(exp_falls) > 0 ORDER BY path"
    ):
        lines_of: dict[int, int] = {}
        with RowFile(path) as file:
            for row in file:
                if isinstance(row, Row) and lines_of.setdefault(hash(row.text), row.line) != row.line:
                    problem = f"the same row as in line {lines_of[hash(row.text)]}"
                    yield Finding("copy", problem, path, row.line, severity=WARNING)


def _types_of_blocks(survey: Survey) -> Iterator[Finding]:
    for block_num, types, path in survey.rows(
        "SELECT block_num, list_sort(list(DISTINCT block_type)), arg_max(path, first_exp) "
        f"FROM {survey.parts} GROUP BY run, block_num HAVING count(DISTINCT block_type) > 1 ORDER BY run, block_num"
    ):
        problem = f"block {block_num} has records of the types {' and '.join(types)}, expected one type"
        yield Finding("flip", problem, path, column="block_type", severity=WARNING)


def _params_of_regimes(survey: Survey) -> Iterator[Finding]:
    # Regimes are only numbered if parameters differ between records of the same block and task.
    if not survey.rows(
        f"SELECT 1 FROM {survey.parts} WHERE exp_status = {literal(COMPLETE)} "
        "GROUP BY run, block_num, block_type, block_subtype, task_name "
        "HAVING min(low_params) <> max(high_params) LIMIT 1"
    ):
        return
    paths = {run.name: run.path for run in survey.log.runs}
    columns = "run, regime_num, block_num, block_type, task_name, first_exp_num, last_exp_num, params_count"
    changing = regimes(survey.log).filter("params_count > 1").project(columns).fetchall()
    for run, regime_num, block_num, block_type, task_name, begin, end, count in changing:
        problem = (
            f"regime {regime_num} (experiences {begin} to {end}, block {block_num}-{block_type}, task {task_name}) has "
            f"{count:,} different task_params, expected one; l2metrics then puts the metrics of later regimes on wrong rows"
        )
        yield Finding("params", problem, paths[run], column="task_params", severity=WARNING)


def _of_run(survey: Survey, run: str) -> str:
    return f"(SELECT path FROM {survey.files} WHERE run = {literal(run)})"
