"""Records that the log can hold, but that tools reading it stumble over.

Each is a warning the first time it is met in a run, and an error every time in a strict run.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from l2logger.run import Run
from l2logger.schema import COMPLETE, TASK_NAME

if TYPE_CHECKING:
    from l2logger.processors.order import Position, Span

_is_task_name = re.compile(TASK_NAME).fullmatch
_is_reserved = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE).fullmatch
_MAX_PORTABLE_CHARS = 64


def about_worker(run: Run, worker_id: str, others: Iterable[str]) -> None:
    """Doubt that the directory of a new worker can be copied to every other system."""
    if _is_reserved(worker_id) or worker_id.endswith(".") or len(worker_id) > _MAX_PORTABLE_CHARS:
        run.doubt(
            "worker name",
            "worker_id {!r} cannot name a directory on Windows; choose a short, plain one such as 'worker-0'",
            worker_id,
        )
    folded = worker_id.casefold()
    for other in others:
        if other.casefold() == folded:
            run.doubt(
                "worker case",
                "worker_id {!r} and {!r} differ only in case; where file names ignore case they share a directory",
                worker_id,
                other,
            )


def about_record(run: Run, event: Mapping[str, Any], last: "Position | None", span: "Span") -> None:
    """Doubt that l2logger 1.x and l2metrics can read the log once it holds this record.

    Args:
        run: Where doubts go.
        event: The record.
        last: The last record of the same worker.
        span: The block of the record.
    """
    block_num, exp_num, task_name = event["block_num"], event["exp_num"], event["task_name"]
    regime = (block_num, event["block_type"], event.get("block_subtype"), task_name)
    if last is None or last.regime != regime:
        if not isinstance(task_name, str) or not _is_task_name(task_name):
            run.doubt(
                "task_name",
                "task_name should be <task>_<variant>, letters and digits on both sides of one '_'; got {!r}",
                task_name,
            )
    elif last.task_params != event["task_params"]:
        run.doubt(
            "task_params",
            "task_params of {!r} change within block {}, from {} to {}; l2metrics then shifts the figures of all later "
            "regimes. Start a new block, or keep what varies in a column",
            task_name,
            block_num,
            last.task_params,
            event["task_params"],
        )
    if last is not None and last.complete and exp_num == last.exp_num and event["exp_status"] == COMPLETE:
        run.doubt(
            "complete",
            "experience {} of {!r} is complete for the second time; give earlier rows of an experience "
            "exp_status='incomplete', or count exp_num up",
            exp_num,
            event["worker_id"],
        )
    if span.block_type != event["block_type"]:
        run.doubt(
            "block_type",
            "block {} was a {} block and becomes a {} block; count block_num up instead",
            block_num,
            span.block_type,
            event["block_type"],
        )
    if not span.floor <= exp_num <= span.ceiling:
        lower = exp_num < span.floor
        run.doubt(
            "sort order",
            "experience {} is in block {}, but a {} block has experience {}: readers sort by exp_num and l2logger 1.x then "
            "finds block_num falling and refuses the log. Let all workers of a run share one count of experiences, or "
            "write one run per worker",
            exp_num,
            block_num,
            "lower" if lower else "higher",
            span.floor if lower else span.ceiling,
        )
