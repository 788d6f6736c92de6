"""What is told beside results: warnings that point at the user's own line, interrupts, and how far a long work is."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

Progress = Callable[[int, int], None]
"""Is told how much of a long work was done, and how much there is to do."""

_PACKAGE: Final = os.path.dirname(os.path.abspath(__file__)) + os.sep


def warn(message: str, category: type[Warning]) -> None:
    """Issue a warning in the name of the first caller outside of this package."""
    # ``skip_file_prefixes`` does this from Python 3.12 on.
    level = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt where DuckDB, which notices a Ctrl-C first, raises an error of its own."""
    try:
        yield
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from error
        raise


def visible(text: str) -> str:
    r"""Return text in which what a terminal would obey, or not show, is an escape such as ``\x1b``."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
