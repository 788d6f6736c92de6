"""The stream that people look at: what it can show, and writing to it whatever state it is in."""

import errno
import io
import os
import select
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import RenderableType

_DUMB: Final = ("dumb", "unknown")
_USUAL_SIZE: Final = (80, 24)
_UNLIMITED: Final = 100_000
_PATIENCE_SECS: Final = 1.0
_STANDARD_FDS: Final = (1, 2)

_ASCII: Final = str.maketrans(
    {"│": "|", "─": "-", "━": "=", "═": "=", "…": "~"}
    | dict.fromkeys("╒╤╕├┼┤╘╧╛┬", "+")
    | dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True)),
)
"""What stands for the lines of frames and the bars of histograms where the encoding of the stream has none."""


class Tap(ABC):
    """Whoever has put a `write` of its own on a terminal's stream, to keep some lines of the terminal for itself."""

    @abstractmethod
    def write(self, text: str) -> int:
        """Write text where it belongs."""


class Screen:
    """A stream, and what is known of it.

    Args:
        stream: The stream, or ``"stdout"`` or ``"stderr"`` for what `sys` has under that name now.

    Attributes:
        stream: The stream itself.
        is_terminal: Whether it is a terminal.
        can_redraw: Whether what was written can be written over: it is a terminal that obeys, and nobody
            else does that.
        gone: Whether nobody reads any more; what is written then is dropped.
    """

    def __init__(self, stream: Any) -> None:
        from rich.console import Console

        stream = getattr(sys, stream) if isinstance(stream, str) else stream
        self.stream = stream
        self.gone = stream is None or bool(getattr(stream, "closed", False))
        self._fd = _fd(stream)
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self.is_terminal = not self.gone and _is_terminal(stream)
        term = os.environ.get("TERM", "").lower()
        self.can_redraw = self.is_terminal and self._fd is not None and term not in _DUMB and not self._is_tapped()
        self._console = Console(
            file=io.StringIO(),
            color_system=_color_system(self.is_terminal and term not in _DUMB),
            force_terminal=True,
            force_jupyter=False,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            width=_UNLIMITED,
            height=_USUAL_SIZE[1],
        )

    def size(self) -> tuple[int | None, int | None]:
        """Return how many columns and lines there are; None for as many as it takes."""
        columns = os.environ.get("COLUMNS", "")
        width = int(columns) if columns.isascii() and columns.isdigit() and int(columns) else None
        if not self.is_terminal:
            return width, None
        try:
            found = os.get_terminal_size(self._fd) if self._fd is not None else (0, 0)
        except OSError:
            found = (0, 0)  # it is no longer there, which the next write will tell
        return found[0] or width or _USUAL_SIZE[0], found[1] or _USUAL_SIZE[1]

    def is_same(self, stream: Any) -> bool:
        """Return whether a stream leads to this very terminal."""
        fd = _fd(stream)
        return self.can_redraw and fd is not None and self._fd is not None and os.path.sameopenfile(fd, self._fd)

    def rendered(self, what: "RenderableType") -> str:
        """Return something of rich as the text to write, with its colors if they are wanted."""
        with self._console.capture() as captured:
            self._console.print(what, soft_wrap=True, end="")
        return captured.get()

    def write(self, text: str) -> None:
        """Write text behind everything that was printed before it.

        Raises:
            BlockingIOError: The stream does not take it, and that does not change.
            OSError: The stream is broken in another way than that nobody reads it.
        """
        if self.gone or not text:
            return
        if getattr(self.stream, "closed", False):
            self.gone = True
            return
        try:
            if self._fd is None or self._is_tapped():
                self.stream.write(self._encoded(text).decode(self._encoding))
                if flush := getattr(self.stream, "flush", None):
                    flush()
            else:
                self._flush_lines()
                self._put(text)
        except OSError as error:
            self._give_up(error)

    def put(self, text: str) -> None:
        """Write text at once, past what the stream itself still holds back.

        Raises:
            OSError: As for `write`.
        """
        if self.gone or self._fd is None:
            return
        try:
            self._put(text)
        except OSError as error:
            self._give_up(error)

    def _is_tapped(self) -> bool:
        return isinstance(getattr(getattr(self.stream, "write", None), "__self__", None), Tap)

    def _flush_lines(self) -> None:
        """Write what the stream holds back, unless that is only the beginning of a line, which would then be torn."""
        if not self.stream.line_buffering:
            self.stream.flush()

    def _put(self, text: str) -> None:
        """Write to the file itself: what a stream did not get rid of in time, it would lose."""
        assert self._fd is not None
        rest = memoryview(self._encoded(text))
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                poll = select.poll()
                poll.register(self._fd, select.POLLOUT)
                if not poll.poll(1000 * _PATIENCE_SECS):
                    raise

    def _encoded(self, text: str) -> bytes:
        try:
            return text.encode(self._encoding)
        except UnicodeEncodeError:
            return text.translate(_ASCII).encode(self._encoding, "replace")

    def _give_up(self, error: OSError) -> None:
        """Note that nobody reads any more, if that is what the error says, and raise it if not."""
        if error.errno != errno.EPIPE and not (error.errno == errno.EIO and self.is_terminal):
            raise error
        self.gone = True
        if self._fd in _STANDARD_FDS:
            # What is still in Python's buffers goes there when it exits, which otherwise fails:
            # https://docs.python.org/3/library/signal.html#note-on-sigpipe
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._fd)
            os.close(nowhere)


def _fd(stream: Any) -> int | None:
    """Return the number of the file behind a stream, unless the stream does more than to pass text on to it."""
    if not isinstance(stream, io.TextIOWrapper):
        return None
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


def _is_terminal(stream: Any) -> bool:
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty())


def _color_system(obeys: bool) -> Any:
    """Return what rich calls the colors that are wanted, or None.

    Args:
        obeys: Whether the stream is a terminal that knows of colors.
    """
    if os.environ.get("NO_COLOR"):
        return None
    if not obeys and os.environ.get("FORCE_COLOR", "0") in ("", "0"):
        return None
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    return "256" if "256" in os.environ.get("TERM", "") else "standard"
