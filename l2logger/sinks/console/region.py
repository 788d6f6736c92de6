"""The last lines of a terminal, drawn again and again, while everything else that is printed goes above them."""

import atexit
import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from l2logger.sinks.console.screen import Screen, Tap
from l2logger.sinks.console.widths import fitted

_escapes: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)?").sub


class Region:
    """Lines at the end of a terminal.

    From `start` to `stop`, what is written to the streams goes above the lines: print, warnings, logging and whoever else
    holds one of these streams meet a `write` that makes room first. What goes to the terminal past Python does not.
    Forked children write as if there were no region.

    Args:
        screen: The terminal.
        streams: The streams of this process that may lead there.
    """

    def __init__(self, screen: Screen, streams: list[Any]) -> None:
        self._screen = screen
        self._lock = threading.RLock()
        self._lines = ""
        self._height = 0
        self._begun = ""
        self._begun_shown = ""
        self._pid = os.getpid()
        self._active = False
        different = {id(stream): stream for stream in streams}.values()
        self._taps = [_Tap(self, stream) for stream in different if screen.is_same(stream)]

    def start(self) -> None:
        """Stand between the streams and the terminal, until the program ends if not before."""
        self._active = True
        for tap in self._taps:
            tap.install()
        atexit.register(self.stop)

    def draw(self, lines: str) -> None:
        """Draw lines in the place of those drawn before.

        Args:
            lines: Text whose lines are no wider than the terminal, with a newline at its end.
        """
        if self.is_mine():
            with self._lock:
                self._lines = lines
                self._show(self._erased())

    def stop(self) -> None:
        """Leave the lines where they are, and everything else to itself."""
        if not self.is_mine():
            self._active = False
            return
        atexit.unregister(self.stop)
        with self._lock:
            self._active = False
            for tap in self._taps:
                tap.remove()
            # A line that was begun is shown above the table, and goes on below it.
            self._screen.put(self._erased() + self._lines + self._begun)
            self._begun = ""

    def is_mine(self) -> bool:
        """Return whether it is here that the streams are written to, and not in a forked child or after the end."""
        return self._active and not self._screen.gone and os.getpid() == self._pid

    def tell(self, lines: str) -> None:
        """Write whole lines above those that are drawn, and above a line that was begun."""
        with self._lock:
            if self._active:  # otherwise it was stopped while this waited
                self._show(self._erased() + lines)
            else:
                self._screen.put(lines)

    def write(self, text: str, past: Callable[[str], Any], flush: Callable[[], Any]) -> None:
        """Write what somebody else writes to a stream above the lines, as far as its lines are complete.

        Args:
            text: What is written.
            past: The `write` of the stream.
            flush: Its `flush`.
        """
        with self._lock:
            if not self._active:  # it was stopped while this waited
                past(text)
                return
            whole, newline, begun = (self._begun + text).rpartition("\n")
            self._begun = _returned(begun)
            if newline:
                # What goes wrong with the lines is none of the caller's business.
                with suppress(OSError):
                    self._screen.put(self._erased())
                past(whole + newline)
                flush()
                with suppress(OSError):
                    self._show("")

    def flush(self) -> None:
        """Show the line that was begun."""
        with self._lock, suppress(OSError):
            if self._active and self._begun != self._begun_shown:
                self._show(self._erased())

    def _erased(self) -> str:
        height, self._height = self._height, 0
        return f"\r\x1b[{height}A\x1b[J" if height else ""

    def _show(self, before: str) -> None:
        self._begun_shown = self._begun
        columns, rows = self._screen.size()
        lines = self._lines.splitlines(keepends=True)
        if self._begun:
            text = "".join(filter(str.isprintable, _escapes("", self._begun)))
            lines.insert(0, fitted(text, (columns or len(text)) - 1) + "\n")
        if rows:
            del lines[rows - 1 :]  # what has left the terminal cannot be drawn over
        self._screen.put(before + "".join(lines))
        self._height = len(lines)


def _returned(text: str) -> str:
    """Return what is left of a line whose writer, such as a progress bar, returns to its start again and again."""
    return text.rstrip("\r").rpartition("\r")[2] + "\r" * text.endswith("\r")


class _Tap(Tap):
    """The `write` and `flush` that a stream has while there is a region.

    They are put on the stream, rather than another stream into `sys`, as loggers and progress bars hold on to the stream that
    they found when they were made.
    """

    def __init__(self, region: Region, stream: Any) -> None:
        self._region = region
        self._stream = stream
        self._before: dict[str, Any] = {}

    def install(self) -> None:
        self._write: Callable[[str], int] = self._stream.write
        self._flush: Callable[[], None] = self._stream.flush
        self._flush()
        self._before = {name: vars(self._stream)[name] for name in ("write", "flush") if name in vars(self._stream)}
        self._stream.write = self.write
        self._stream.flush = self.flush

    def remove(self) -> None:
        """Give the stream its own methods back, unless somebody else has put others there."""
        for name, mine in (("write", self.write), ("flush", self.flush)):
            if vars(self._stream).get(name) == mine:
                if name in self._before:
                    setattr(self._stream, name, self._before[name])
                else:
                    delattr(self._stream, name)

    def write(self, text: str) -> int:
        if not isinstance(text, str) or not self._region.is_mine():
            return self._write(text)
        self._region.write(text, self._write, self._flush)
        return len(text)

    def flush(self) -> None:
        self._flush()
        if self._region.is_mine():
            self._region.flush()
