"""One experience of a block that numbers itself."""

import copy
import threading
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from l2logger.errors import RecordError
from l2logger.schema import COMPLETE, STANDARD

if TYPE_CHECKING:
    from l2logger.blocks import Block
    from l2logger.bound import BoundLogger

_INCOMPLETE: Final = "incomplete"
_PLAIN: Final = frozenset({int, float, str, bool, type(None)})


class Experience:
    """One experience. Made by `Block.experience`.

    What is logged is held until the next row, or the end of the experience, shows whether it was the last: it is
    ``complete``, all rows before it are ``incomplete``, and it is, too, if the experience ends by an exception. An experience
    without rows leaves no trace.

    Args:
        block: The block.
        task_name: As in the log.
        task_params: As in the log.

    Attributes:
        exp_num: Its number, once the context is entered.
        task_name: As given.
        thread: The one that entered the context.
    """

    exp_num: int
    thread: int

    def __init__(self, block: "Block", task_name: str, task_params: Mapping[str, Any]) -> None:
        self.task_name = task_name
        self._task_params = task_params
        self._block = block
        self._held: dict[str, Any] | None = None
        self._status: str | None = None
        self._storing = False
        self._entered = False

    @property
    def logger(self) -> "BoundLogger":
        """The run with block and experience bound, for metrics, images and so on."""
        return self._block.logger.bind(exp_num=self.exp_num, task_name=self.task_name, task_params=self._task_params)

    def log(self, metrics: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Log a row of the experience; it is stored with the next one, or when the experience ends.

        Args:
            metrics: Values by column; they are copied.
            **more: More of the same; they win over `metrics`.

        Raises:
            RecordError: The row before this one breaks a rule, or this one brings what is counted by itself.
            LogWriteError: The operating system refused the row before this one.
        """
        if not self._entered:
            raise RecordError("rows are logged inside of the experience: with block.experience(...) as experience: ...")
        row = {} if metrics is None else metrics
        if not isinstance(row, Mapping):
            raise RecordError(f"a row must be a dict of metrics, got {row!r}")
        row = {
            name: value if type(value) in _PLAIN else copy.deepcopy(value) for name, value in {**row, **more}.items()
        }
        if given := STANDARD.intersection(row):
            raise RecordError(f"a block fills in {', '.join(sorted(given))}; log the metrics of the experience alone")
        if self._held is not None:
            self._store(_INCOMPLETE)
        self._held = row

    def _store(self, status: str) -> None:
        assert self._held is not None
        row, self._held = self._held, None
        own = {"exp_num": self.exp_num, "task_name": self.task_name, "task_params": self._task_params}
        self._storing = True
        self._block.logger.log_record({**row, **own, "exp_status": status})
        self._status, self._storing = status, False

    # A signal handler, such as that of Ctrl-C, may raise an exception at any call. So what must not be apart has none between.

    def __enter__(self) -> Self:
        self._held = self._status = None
        self._storing = False
        self.thread = threading.get_ident()
        reference: weakref.ref[Experience] = weakref.ref(self)
        exp_num = self._block._begin(self)
        self.exp_num, self._entered, self._block._open = exp_num, True, reference
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered, self._block._open = False, None
        try:
            if self._held is not None:
                self._store(COMPLETE if error is None else _INCOMPLETE)
        except Exception as lost:
            if error is None:
                raise
            error.add_note(f"The last row of experience {self.exp_num} was not stored: {lost}")
        finally:
            self._block._end(self, self._status, interrupted=self._storing)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'exp_num', '')} of {self._block!r}>"
