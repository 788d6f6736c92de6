"""What a run and the handles bound to it have in common."""

from typing import TYPE_CHECKING, Any

from l2logger.signals import STEP

if TYPE_CHECKING:
    from l2logger.l2logger import DataLogger
    from l2logger.media.drawing import Drawing


class Handle:
    """Something by which signals are logged to a run. Its methods are in the classes made of it, one for each topic."""

    __slots__ = ()

    @property
    def run(self) -> "DataLogger":
        """The run that everything goes to."""
        raise NotImplementedError

    def _context(self) -> dict[str, Any]:
        """Return what all signals have of the handle.

        That is ``worker_id``; ``clocks`` and ``context`` if there are any; ``step`` and ``clock``, if those are bound, for signals
        that do not bring their own.
        """
        raise NotImplementedError

    def _worker_id(self) -> str:
        worker_id: str = self._context()["worker_id"]
        return worker_id

    def _log(
        self,
        kind: str,
        fields: dict[str, Any],
        step: Any = None,
        clock: str | None = None,
        drawing: "Drawing | None" = None,
    ) -> None:
        """Log one signal, with what is bound; with a drawing, when its file is there."""
        context = self._context()
        if clock is not None:
            if step is None and "step" in context:
                step = context["step"]
            if clock == STEP and "clock" in context:
                clock = context["clock"]
        self.run._emit(kind, {**context, "clock": clock, "step": step, **fields}, drawing)
