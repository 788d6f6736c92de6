"""Columns that a record may leave out."""

from typing import Any

from l2logger.run import Run, only_for
from l2logger.signals import RECORD


@only_for(RECORD)
def fill_defaults(logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
    """Add ``worker_id``, ``block_subtype`` and ``exp_status`` where a record does not bring them."""
    for name, value in logger.schema.defaults.items():
        event.setdefault(name, value)
    return event
