"""A thread that does one task after the other, and withstands what signal handlers and Ctrl-C do to who starts it."""

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Final

Task = Callable[[], object]
Tasks = SimpleQueue[Task | None]

_ARRIVAL_SECS: Final = 5.0


class Worker:
    """A daemon thread that takes tasks from a queue until there is a None.

    It holds nothing but the queue. What a task raises is lost.

    Args:
        tasks: The queue.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._decided: dict[str, bool] = {}  # by the first who does
        self._arrival = closed_gate()
        self._end = closed_gate()
        self._thread = threading.Thread(target=self._work, name="l2logger-media", daemon=True)

    @property
    def takes_tasks(self) -> bool:
        """Whether the thread is there; once `start` is over, it is so for good or never will be."""
        return self._decided.get("takes tasks", False)

    def start(self) -> None:
        """Start the thread, if that is possible."""
        try:
            self._thread.start()
            self._arrival.acquire(timeout=_ARRIVAL_SECS)
        except RuntimeError:
            pass  # there are too many, or the interpreter is about to end
        finally:
            # Who is interrupted in the middle of `Thread.start` cannot know what came of it.
            self._decided.setdefault("takes tasks", False)

    def join(self) -> None:
        """Wait until the thread has done all tasks before a None."""
        if self.takes_tasks:
            self._end.acquire()
            self._end.release()

    def _work(self) -> None:
        if not self._decided.setdefault("takes tasks", True):
            return
        self._arrival.release()
        while (task := self._tasks.get()) is not None:
            with suppress(BaseException):
                task()
            del task  # and what it holds
        self._end.release()


def closed_gate() -> threading.Lock:
    """Return what one waits for by acquiring it, until another releases it.

    A Ctrl-C within the methods of `threading.Event` can leave it locked for good, so that whoever sets it hangs.
    """
    gate = threading.Lock()
    gate.acquire()
    return gate
