"""A run with fields bound to it."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from l2logger.errors import RecordError

if TYPE_CHECKING:
    from l2logger.l2logger import DataLogger


class BoundLogger:
    """A run with some fields bound, so that a loop need not repeat them. Made by `DataLogger.bind`; it never changes.

    Flushing, closing and all else is done by the run.

    Args:
        run: The logger that everything goes to.
        fields: Values by column, added to each record that does not bring its own.
    """

    __slots__ = ("_fields", "run")

    def __init__(self, run: "DataLogger", fields: dict[str, Any]) -> None:
        self.run = run
        self._fields = fields

    def bind(self, **fields: Any) -> "BoundLogger":
        """Return a handle with `fields` bound as well; they win over those bound before.

        Raises:
            RecordError: ``timestamp`` is among them.
        """
        if "timestamp" in fields:
            raise RecordError("timestamp is filled in by the logger for each record, it cannot be bound")
        return BoundLogger(self.run, {**self._fields, **copy.deepcopy(fields)})

    def unbind(self, *names: str) -> "BoundLogger":
        """Return a handle without the fields called `names`.

        Raises:
            KeyError: One of them is not bound.
        """
        fields = self._fields.copy()
        for name in names:
            del fields[name]
        return BoundLogger(self.run, fields)

    def log_record(self, record: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """Log one record as `DataLogger.log_record` does, with the bound fields added."""
        if record is None:
            self.run.log_record({**self._fields, **fields})
        elif isinstance(record, Mapping):
            self.run.log_record({**self._fields, **record, **fields})
        else:
            raise RecordError(f"a record must be a dict, got {record!r}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.run.scenario_dir!r} {self._fields!r}>"
