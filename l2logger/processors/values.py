"""What a cell of the log should not hold."""

from typing import Any, Final

from l2logger import cells
from l2logger.errors import RecordError
from l2logger.run import Run, only_for
from l2logger.schema import MAX_COUNT
from l2logger.signals import RECORD

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


@only_for(RECORD)
def check_values(logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
    """Doubt metrics of which the log can hold no more than the text: arrays, lists, objects.

    Raises:
        RecordError: The run is strict, and a value is one of these, or an integer beyond 64 bits.
    """
    for name, value in event.items():
        is_odd = type(value) not in _PLAIN or (logger.strict and type(value) is int)
        if is_odd and name not in logger.schema.columns:
            _check(logger, name, value)
    return event


def _check(logger: Run, name: str, value: Any) -> None:
    if isinstance(value, int) and logger.strict and abs(value) > MAX_COUNT:
        raise RecordError(f"{name} is {value}, which does not fit into 64 bits; log a float")
    if isinstance(value, str | int | float):
        return
    shape = getattr(value, "shape", None)
    if shape:
        what = f"has shape {tuple(shape)}"
    elif _is_number(value):
        return
    else:
        what = f"is a {type(value).__name__}"
    advice = "the log has its text; keep arrays and the like in files, such as by log_array"
    logger.doubt("value", "{} {}; a cell of the log holds one number or text, {}", name, what, advice)


def _is_number(value: Any) -> bool:
    """Return whether a value reads as a number, such as a Decimal; also whether it has no text, which others will find out."""
    try:
        return isinstance(cells.value(cells.text(value)), int | float)
    except Exception:
        return True
