"""What a count is."""

import operator
from typing import Any

from l2logger.errors import RecordError
from l2logger.schema import MAX_COUNT


def as_count(name: str, value: Any) -> int:
    """Return `value` as a Python integer from 0 to 2**63 - 1.

    Raises:
        RecordError: It is anything else; floats, text and truth values are no counts, numpy's integers are.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        count = operator.index(value)
    except TypeError:
        raise RecordError(f"{name} must be an integer, got {value!r} ({type(value).__name__})") from None
    if not 0 <= count <= MAX_COUNT:
        raise RecordError(f"{name} must be from 0 to 2**63 - 1, got {count if count < 0 else hex(count)}")
    return count
