"""Which numbers a record brings, and when, for sinks that draw curves."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from l2logger import cells
from l2logger.schema import STANDARD


def metrics(fields: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics of a record that are numbers, NaN and the infinities among them, in the order of the record.

    What is a number is decided as it is for the cell of the log that holds the value, so that a replay of the log
    draws what was drawn live: ``"0.5"`` is one, `True` is 1, and numpy's ``float32(0.1)`` is 0.1.
    """
    found = {}
    for name, value in fields.items():
        if name in STANDARD:
            continue
        if type(value) is not float:
            value = cells.value(cells.text(value))
            if not isinstance(value, int | float):
                continue
            value = cells.as_float(value)
        found[name] = value
    return found


def tag(fields: Mapping[str, Any], metric: str) -> str:
    """Return the name of the curve that a metric of a record belongs to: ``<block_type>/<task_name>/<metric>``."""
    return f"{fields['block_type']}/{fields['task_name']}/{metric}"


def seconds_since_1970(timestamp: Any) -> float:
    """Return when a signal was logged: its timestamp taken as the time of the place where this runs; now, if it is none."""
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return time.time()
