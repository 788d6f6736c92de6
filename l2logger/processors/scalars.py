"""Numbers that come wrapped."""

from typing import Any

from l2logger.run import Run, only_for
from l2logger.signals import RECORD

_PLAIN = frozenset({str, int, float, bool, type(None)})


@only_for(RECORD)
def unwrap_scalars(logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
    """Replace tensors without dimensions by the Python number they hold.

    The text of a torch tensor is ``tensor(0.5000)``, cut to four digits, which no reader takes for a number. numpy's
    own scalars are left alone: their text is a number already.
    """
    for name, value in event.items():
        if type(value) not in _PLAIN and type(value).__module__ != "numpy" and getattr(value, "shape", None) == ():
            event[name] = value.item()
    return event
