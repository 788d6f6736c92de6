"""A run with fields bound to it."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from l2logger.artifact_methods import ArtifactMethods
from l2logger.blocks import BlockMethods
from l2logger.errors import RecordError, SignalError
from l2logger.media_methods import MediaMethods
from l2logger.processors.columns import checked_worker_id
from l2logger.schema import V1_1
from l2logger.signal_methods import SignalMethods

if TYPE_CHECKING:
    from l2logger.l2logger import DataLogger


class BoundLogger(SignalMethods, MediaMethods, ArtifactMethods, BlockMethods):
    """A run with some fields bound, so that a loop need not repeat them. Made by `DataLogger.bind`; it never changes.

    Flushing, closing and all else is done by the run.

    Args:
        run: The logger that everything goes to.
        fields: Values by column, added to each record that does not bring its own. Other signals get them as their context.
    """

    __slots__ = ("_fields", "_run", "_signal_context")

    def __init__(self, run: "DataLogger", fields: dict[str, Any]) -> None:
        self._run = run
        self._fields = fields
        self._signal_context: dict[str, Any] | None = None

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

    @property
    def run(self) -> "DataLogger":
        return self._run

    def _context(self) -> dict[str, Any]:
        if self._signal_context is None:
            self._signal_context = _as_context(self._fields)
        return self._signal_context

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


def _as_context(bound: Mapping[str, Any]) -> dict[str, Any]:
    """Return what signals that are no records have of bound fields.

    Raises:
        SignalError: The id of the worker cannot name a file.
    """
    from l2logger.plain import plain
    from l2logger.redaction import redacted

    rest = {"worker_id": V1_1.defaults["worker_id"], **bound}
    try:
        context: dict[str, Any] = {"worker_id": checked_worker_id(rest.pop("worker_id"))}
    except RecordError as error:
        raise SignalError(str(error)) from error
    if type(rest.get("exp_num")) is int:
        context["clocks"] = {"exp_num": rest.pop("exp_num")}
    if type(rest.get("step")) is int:
        context["step"] = rest.pop("step")
    if isinstance(rest.get("clock"), str):
        context["clock"] = rest.pop("clock")
    if rest:
        context["context"] = redacted(plain(rest))
    return context
