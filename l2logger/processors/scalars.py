"""Numbers that come wrapped."""

from typing import Any

from l2logger.errors import RecordError
from l2logger.run import Run, only_for
from l2logger.schema import MAX_COUNT
from l2logger.signals import RECORD

_PLAIN = frozenset({str, int, float, bool, type(None), dict})


@only_for(RECORD)
def unwrap_scalars(logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
    """Replace tensors without dimensions by the Python number they hold.

    The text of a torch tensor is ``tensor(0.5000)``, cut to four digits, which no reader takes for a number. numpy's
    own scalars are left alone: their text is a number already.

    Raises:
        RecordError: The run is strict and a value is neither a number nor text.
    """
    for name, value in event.items():
        if type(value) not in _PLAIN and type(value).__module__ != "numpy" and getattr(value, "shape", None) == ():
            event[name] = value.item()
    if logger.strict:
        for name, value in event.items():
            if name not in logger.schema.columns:
                _refuse_structure(name, value)
    return event


def _refuse_structure(name: str, value: Any) -> None:
    shape = getattr(value, "shape", None)
    if shape:
        raise RecordError(
            f"{name} has shape {tuple(shape)}; a cell of the log holds one number or text, keep arrays in files"
        )
    if shape is None and value is not None and not isinstance(value, str | int | float):
        raise RecordError(f"{name} is a {type(value).__name__}; a cell of the log holds one number or text")
    if isinstance(value, int) and abs(value) > MAX_COUNT:
        raise RecordError(f"{name} is {value}, which does not fit into 64 bits; log a float")
