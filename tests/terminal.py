"""A terminal for tests: a real pseudo-terminal to run a program on, and what is seen there."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

from rich.cells import cell_len

_escape = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")
_HIDDEN = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES")
_LIMIT_SECS = 30


class Picture:
    """What is seen on a terminal after some output, with all that was scrolled off its top.

    Attributes:
        styles: The parameters of all sequences that set colors and the like.
    """

    def __init__(self, output: str, columns: int, lines: int) -> None:
        self.styles: set[str] = set()
        self._columns, self._height = columns, lines
        self._rows: list[list[str]] = [[]]
        self._row = self._column = self._top = 0
        place = 0
        while place < len(output):
            if found := _escape.match(output, place):
                self._obey(found[1], found[2])
                place = found.end()
            else:
                self._put(output[place])
                place += 1

    @property
    def lines(self) -> list[str]:
        return ["".join(row).rstrip() for row in self._rows]

    def _put(self, char: str) -> None:
        if char == "\r":
            self._column = 0
            return
        width = cell_len(char)
        if char == "\n" or self._column + width > self._columns:
            self._row += 1
            self._column = 0 if char != "\n" else self._column
            self._rows += [[] for _ in range(self._row + 1 - len(self._rows))]
            self._top = max(self._top, self._row + 1 - self._height)
        if char != "\n":
            assert char >= " ", f"the terminal was sent {char!r}"
            row = self._rows[self._row]
            row += [" "] * (self._column - len(row))
            row[self._column : self._column + width] = [char] + [""] * (width - 1)
            self._column += width

    def _obey(self, numbers: str, letter: str) -> None:
        if letter == "A":
            self._row = max(self._row - int(numbers), self._top)
        elif letter == "J" and not numbers:
            del self._rows[self._row + 1 :]
            del self._rows[self._row][self._column :]
        elif letter == "m":
            self.styles.add(numbers)
        else:
            raise AssertionError(f"the terminal was sent ESC [ {numbers} {letter}")


def on_a_terminal(script: str, *, columns: int = 80, lines: int = 24, **env: str) -> str:
    """Run a script on a terminal of its own; return everything it wrote there."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (lines, columns))
    usual = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    usual |= {
        "TERM": "xterm",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUNBUFFERED": "",
        "PYTHONPATH": str(Path(__file__).parent),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=slave, stdout=slave, stderr=slave, env=usual | env, start_new_session=True
    )
    os.close(slave)
    output = b""
    give_up_at = time.monotonic() + _LIMIT_SECS
    with process:
        while time.monotonic() < give_up_at:
            if not select.select([master], [], [], 1)[0]:
                continue
            try:
                chunk = os.read(master, 65536)
            except OSError:  # how Linux says that nobody holds the other end any more
                break
            if not chunk:
                break
            output += chunk
        else:
            process.kill()
    os.close(master)
    assert process.returncode == 0, output.decode()
    return output.decode()


def picture(script: str, *, columns: int = 80, lines: int = 24, **env: str) -> Picture:
    """Return what is seen on a terminal after a script has run there."""
    return Picture(on_a_terminal(script, columns=columns, lines=lines, **env), columns, lines)
