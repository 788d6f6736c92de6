"""The signals that are new in a file of what is logged beside the records."""

from collections.abc import Set
from typing import Any, NamedTuple

from l2logger.followed_file import FollowedFile
from l2logger.signal_piece import LineCounter, SignalPiece
from l2logger.signals import Signal, frozen


class NewSignal(NamedTuple):
    """A signal beside the records that was written since the last look.

    Attributes:
        file: Its file, relative to the directory that is followed.
        end: Where it ends in the file.
        signal: The signal as it was logged.
    """

    file: str
    end: int
    signal: Signal

    @property
    def timestamp(self) -> str:
        """When it was logged, by the clock of the worker."""
        timestamp: str = self.signal.fields["timestamp"]
        return timestamp


class SignalFile(FollowedFile[SignalPiece, NewSignal]):
    """A file of signals that grows.

    Args:
        path: The file.
        name: What it is called in what is handed out.
        kinds: The kinds of signal that are wanted.
    """

    def __init__(self, path: str, name: str, kinds: Set[str]) -> None:
        super().__init__(path, name)
        self._kinds = kinds
        self._counter = LineCounter(path)

    def _piece(self, start: int, limit: int | None = None) -> SignalPiece:
        return SignalPiece(self.path, start, limit, self._counter)

    def _new(self, piece: SignalPiece, row: dict[str, Any], end: int) -> NewSignal | None:
        kind = row.pop("kind")
        if kind not in self._kinds:
            return None
        return NewSignal(self.name, end, Signal(kind, frozen(row)))

    def _begins_with_a_row(self, piece: SignalPiece) -> bool:
        return True
