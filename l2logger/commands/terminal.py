"""What commands say besides their results, and how results get to where they go."""

import errno
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import IO, Any, Final

import click

from l2logger.diagnostics import Progress, visible
from l2logger.errors import DirectoryError

_PATIENCE_SECS: Final = 0.7
_COLORS: Final = {"error": "red", "warning": "yellow", "hint": "cyan", "note": "cyan"}


def near(path: str) -> str:
    """Return a path as it is from here, if it is below the working directory."""
    inner = os.path.relpath(path)
    return path if inner.startswith(os.pardir) else inner


def count(number: int, noun: str) -> str:
    """Return a number of things in words, as in ``1 file`` and ``2,000 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def say(kind: str, text: str) -> None:
    """Write a line to the error stream: an error, a warning, a hint or a note."""
    lines = "\n".join(visible(line) for line in text.splitlines())
    color = False if os.environ.get("NO_COLOR") else None
    with suppress(OSError):  # nobody is there to read it
        click.echo(f"{click.style(kind, fg=_COLORS[kind], bold=True)}: {lines}", err=True, color=color)


def print_json(value: Any) -> None:
    """Write a value as JSON; what is no number there, such as NaN, is null."""
    click.echo(json.dumps(finite(value), indent=2, default=str, allow_nan=False))


def finite(value: Any) -> Any:
    """Return a value that JSON can hold: null for NaN and the infinities."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return finite(float(value))
    if isinstance(value, dict):
        return {str(name): finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return value


@contextmanager
def busy(doing: str) -> Iterator[Progress]:
    """Show on the terminal, if there is one and it takes a while, that something is being done, and how much of it.

    Yields:
        What is to be told how much of how much was done, where that is known.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from threading import Timer

    from rich import progress
    from rich.console import Console

    bar = progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(visible(doing), total=None)
    starter = Timer(_PATIENCE_SECS, bar.start)
    starter.daemon = True
    starter.start()
    try:
        yield lambda done, total: bar.update(task, completed=done, total=total)
    finally:
        starter.cancel()
        starter.join()
        bar.stop()


@contextmanager
def new_file(path: str | None, suffix: str = "") -> Iterator[str]:
    """Give a path to write a result to, which then appears in its place as a whole, or not at all.

    Args:
        path: Where the result goes; None for standard output.
        suffix: End of the name of the temporary file.

    Raises:
        DirectoryError: There is no directory to write to.
    """
    directory = os.path.dirname(os.path.realpath(path)) if path else None
    if directory is not None and not os.path.isdir(directory):
        raise DirectoryError(errno.ENOENT, "no such directory to write to", directory)
    with tempfile.TemporaryDirectory(prefix=".l2logger-", dir=directory) as temporary:
        copy = os.path.join(temporary, f"result{suffix}")
        yield copy
        if path:
            # What a link leads to is replaced, not the link.
            os.replace(copy, os.path.realpath(path))
            return
        with open(copy, "rb") as file:
            send(file)


def send(file: IO[bytes]) -> None:
    """Copy a file to standard output."""
    sys.stdout.flush()
    while chunk := file.read(2**20):
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
