"""What is done when the interpreter ends, and in which order."""

import atexit
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

_early: list[Callable[[], None]] = []
_late: list[Callable[[], None]] = []
_is_arranged = False
_has_begun = False


def register(hook: Callable[[], None], *, early: bool = False) -> None:
    """Have something called once when the interpreter ends, after threads, which may log, have done their work.

    Exit hooks of W&B end its run, and from Python 3.12 on no thread can be started any more when they run. So this goes
    before them, where concurrent.futures has its own.

    Args:
        hook: May raise; the others are called all the same.
        early: Call it before those that are not: it brings something to where they are to take it.
    """
    global _is_arranged
    hooks = _early if early else _late
    if hook in hooks:
        return
    hooks.append(hook)
    if _has_begun:
        _call_in_the_end(hook)
    elif not _is_arranged:
        _is_arranged = True
        _arrange()


def has_begun() -> bool:
    """Return whether the hooks have been called, or are being called, so that what is put off may never be done."""
    return _has_begun


def _arrange() -> None:
    global _has_begun
    module: Any = threading
    try:
        module._register_atexit(_call_all)
        hooks = module._threading_atexits
        hooks.insert(0, hooks.pop())  # The first is called last.
    except AttributeError:  # another Python
        _call_in_the_end(_call_all)
    except RuntimeError:  # it is ending already
        _has_begun = True
        _call_in_the_end(_call_all)


def _call_in_the_end(hook: Callable[[], None]) -> None:
    with suppress(RuntimeError):
        atexit.register(hook)


def _call_all() -> None:
    global _has_begun
    for thread in threading.enumerate():  # which log to the end, and are waited for anyway
        if not thread.daemon and thread not in (threading.main_thread(), threading.current_thread()):
            thread.join()
    _has_begun = True
    with ExitStack() as last_first:
        for hook in reversed(_early + _late):
            last_first.callback(hook)
