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
from l2logger.survey import MAX_FINDINGS, Survey, first, first_lines, lines

_SHOWN_GAPS: Final = 5


def check_order(survey: Survey) -> Iterator[Finding]:
    """Yield what is wrong with the order of records."""
    yield from first(_blocks_out_of_order(survey))
    [(falls,)] = survey.rows(f"SELECT sum(exp_falls) + sum(block_falls) FROM {survey.parts} WHERE NOT legacy")
    if falls:
        yield from first(_falls_in_file(survey), falls)
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
    later = "OVER (PARTITION BY run ORDER BY block_num ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)"
    nexts = f"min(begun) {later} AS next_begun, arg_min(block_num, begun) {later} AS next_block"
    late = f"SELECT * FROM (SELECT *, {nexts} FROM ({blocks})) WHERE last > next_begun"
    if not survey.rows(f"{late} LIMIT 1"):
        return
    found = survey.rows(
        f"SELECT arg_min(path, exp_num) AS found_in, block_num, min(exp_num), count(*), any_value(next_block), "
        f"any_value(next_begun) FROM {survey.records} JOIN {survey.files} USING (path) JOIN ({late}) USING (run, block_num) "
        "WHERE exp_num > next_begun GROUP BY run, block_num ORDER BY found_in, block_num"
    )
    for path, of_file in groupby(found, key=itemgetter(0)):
        late_here = [(str(exp_num), str(block_num), *more) for _, block_num, exp_num, *more in of_file]
        at = first_lines(path, ["exp_num", "block_num"], {(exp_num, block_num) for exp_num, block_num, *_ in late_here})
        for exp_num, block_num, count, next_block, next_begun in late_here:
            others = f", and {count - 1:,} more of this block" if count > 1 else ""
            problem = (
                f"experience {exp_num} is of block {block_num}{others}, though block {next_block} began with experience "
                f"{next_begun}; block_num must not fall from one experience to the next"
            )
            yield Finding("order", problem, path, at.get((exp_num, block_num)), "block_num", ERROR)


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
    # An experience of several records counts once here, if its records follow one another.
    span = "max(last_exp) - min(first_exp) + 1"
    counts = f"{span} AS span, sum(records) - sum(ties) AS used, sum(exp_falls) AS falls"
    whole = f"SELECT run, {counts} FROM {survey.parts} WHERE NOT legacy GROUP BY run"
    workers = (
        f"SELECT run, bool_and(span = used AND falls = 0) AS dense FROM (SELECT run, {counts} FROM {survey.parts} "
    )
    workers += "WHERE NOT legacy GROUP BY run, worker_id) GROUP BY run"
    # Where more numbers are left out than used, that is how this run counts.
    doubtful = survey.rows(
        f"SELECT run, span FROM ({whole}) JOIN ({workers}) USING (run) "
        "WHERE NOT dense AND NOT (span = used AND falls = 0) AND used * 2 >= span"
    )
    if not doubtful:
        return
    runs = ", ".join(literal(run) for run, _ in doubtful)
    used = f"SELECT DISTINCT run, exp_num FROM {survey.records} JOIN {survey.files} USING (path) WHERE run IN ({runs})"
    above = f"SELECT run, exp_num, lag(exp_num) OVER (PARTITION BY run ORDER BY exp_num) AS above FROM ({used})"
    gaps = f"SELECT run, above + 1 AS begin, exp_num - 1 AS last FROM ({above}) WHERE exp_num > above + 1"
    spans, paths = dict(doubtful), {run.name: run.path for run in survey.log.runs}
    for run, missing, count, begins, lasts in survey.rows(
        "SELECT run, sum(last - begin + 1), count(*), list(begin ORDER BY begin), list(last ORDER BY begin) "
        f"FROM ({gaps}) GROUP BY run ORDER BY run"
    ):
        if missing * 2 > spans[run]:
            continue
        shown = [
            str(begin) if begin == last else f"{begin} to {last}" for begin, last in zip(begins, lasts, strict=True)
        ]
        more = f", {count - _SHOWN_GAPS:,} more gaps" if count > _SHOWN_GAPS else ""
        numbers = "1 exp_num is" if missing == 1 else f"{missing:,} exp_nums are"
        problem = f"{numbers} left out: {', '.join(shown[:_SHOWN_GAPS])}{more}"
        yield Finding("gap", problem, paths[run], column="exp_num", severity=WARNING)


def _completed_twice(survey: Survey) -> Iterator[Finding]:
    """Each worker ends an experience once: one row of it is complete."""
    # Only where the survey shows that an experience may be there twice: next to itself, after a fall, in two files.
    before = "PARTITION BY run, worker_id ORDER BY first_exp, path ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    doubtful = f"SELECT *, ties + exp_falls > 0 OR first_exp <= max(last_exp) OVER ({before}) AS doubtful"
    complete = f"exp_status = {literal(COMPLETE)}"
    suspects = (
        f"SELECT DISTINCT run, worker_id FROM ({doubtful} FROM {survey.parts} WHERE NOT legacy AND {complete}) "
        "WHERE doubtful"
    )
    if not survey.rows(f"{suspects} LIMIT 1"):
        return
    found = survey.rows(
        "SELECT max(path), worker_id, exp_num, count(*), min(path) = max(path), count(*) OVER () "
        f"FROM {survey.records} JOIN {survey.files} USING (path) JOIN ({suspects}) USING (run, worker_id) "
        f"WHERE {complete} GROUP BY run, worker_id, exp_num HAVING count(*) > 1 ORDER BY 1, 3 LIMIT {MAX_FINDINGS}"
    )
    if found:
        yield from first(_at_second(found), found[0][-1])


def _at_second(found: list[tuple[Any, ...]]) -> Iterator[Finding]:
    """Yield a finding at the second complete row of each experience, in the last file that has one."""
    for path, of_file in groupby(found, key=itemgetter(0)):
        twice = {(worker, exp_num): (count, 2 if one_file else 1) for _, worker, exp_num, count, one_file, _ in of_file}
        seen: Counter[tuple[str, int]] = Counter()
        for line, cells in lines(path):
            key = cells.get("worker_id", ""), int(cells["exp_num"])
            if key in twice and cells.get("exp_status") == COMPLETE:
                count, place = twice[key]
                seen[key] += 1
                if seen[key] == place:
                    problem = f"experience {key[1]} has {count:,} complete rows of this worker, expected one"
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
