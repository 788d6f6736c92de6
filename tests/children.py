"""Forked children of tests."""

import os
from collections.abc import Callable


def in_child(action: Callable[[], object]) -> int:
    """Run `action` in a forked child that leaves as multiprocessing's children do, and return its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
