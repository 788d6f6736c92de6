"""How a line of ``signals/<worker_id>.jsonl`` begins, byte by byte: readers in a hurry look for it and parse no JSON."""

import re
from typing import Final

BEFORE_TIME: Final = '{"kind": %s, "timestamp": "'
"""What stands before the time; it takes the kind as JSON."""

BEHIND_TIME: Final = '", "worker_id": %s, "clock": %s, "step": '
"""What stands between the time and the step; it takes the worker and the clock as JSON."""


def head_pattern(kind: str, timestamp: str, worker_id: str, clock: str, step: str) -> str:
    """Return a regular expression for the beginning of a line, given those for its parts; all but the time are JSON."""
    before, behind = map(re.escape, (BEFORE_TIME, BEHIND_TIME))
    return f"{before % kind}{timestamp}{behind % (worker_id, clock)}{step}"
