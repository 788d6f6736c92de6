"""The thread that makes files of what was drawn."""

import threading
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final

from l2logger import exits
from l2logger.diagnostics import warn
from l2logger.errors import LogWarning, LogWriteError
from l2logger.media import files
from l2logger.media.drawing import Drawing
from l2logger.media.worker import Task, Tasks, Worker, closed_gate
from l2logger.paths import checked_name
from l2logger.sinks.health import in_words

MAX_BYTES: Final = 2**28
"""So much memory, about, drawings take that wait for their files."""
MAX_DRAWINGS: Final = 10_000
"""So many of them may wait: small ones take more memory than they hold, and time."""


class Encoder:
    """Make files of drawings in a daemon thread, in their order, and hand on the signals that point to them.

    Nothing is dropped: who comes when much is waiting has to wait, too. Several threads may use one encoder, and signal
    handlers may at any moment: nobody waits for the thread while holding a lock. The thread is started by the first
    drawing. What waits when the script ends is delivered then, before mirrors are closed.

    A file that cannot be written is not there, and neither is its signal. A `LogWarning` says so at once, and the next
    `flush` or `close` raises it.

    Args:
        root: Directory of the run; files go to ``media`` in it.
        deliver: Takes a kind and the fields of a signal whose file is whole. It is called in the thread.
    """

    def __init__(self, root: str, deliver: Callable[[str, dict[str, Any]], object]) -> None:
        self._root = root
        self._deliver = deliver
        self._begin_anew()

    def _begin_anew(self) -> None:
        # Among those who put; the thread never asks for it.
        self._lock = threading.RLock()
        self._tasks: Tasks = SimpleQueue()
        self._worker: Worker | None = None
        self._end_worker: Callable[[], object] | None = None
        # Of each pair, the first is written under the lock, the second by the thread.
        self._put_count = self._done_count = 0
        self._put_bytes = self._done_bytes = 0
        self._others_count = 0  # of those put, by others than the thread
        self._waiting: deque[threading.Lock] = deque()
        self._own = threading.local()
        self._is_swept = False
        self._failure: LogWriteError | None = None
        self._failures = 0

    def put(self, kind: str, event: Mapping[str, Any], drawing: Drawing) -> None:
        """Have a file made of a drawing, and then the signal delivered. Waits as long as too much is waiting.

        Not to be called by who holds what `deliver` needs.

        Args:
            kind: What it is.
            event: Fields of the signal, which are copied; ``step`` is for the name of the file.
            drawing: What is to become the file. Its fields go into the signal, where `event` does not have them.
        """
        _used.add(self)
        exits.register(_close_all, early=True)
        task = partial(self._make, kind, dict(event), drawing)
        while not self._take(task, drawing.nbytes):
            turn = closed_gate()
            self._waiting.append(turn)
            self._work_on()
            if not self._has_room(drawing.nbytes):
                turn.acquire()
        self._work_on()

    def _has_room(self, nbytes: int) -> bool:
        has_room = self._put_bytes - self._done_bytes + nbytes <= MAX_BYTES
        is_short = self._put_count - self._done_count < MAX_DRAWINGS
        return (has_room and is_short) or self._is_done() or self._is_at_work()

    def _is_done(self) -> bool:
        return self._put_count == self._done_count

    def _is_at_work(self) -> bool:
        """Return whether this is called from within the making of a file, which cannot wait for itself."""
        return getattr(self._own, "is_at_work", False)

    def _take(self, task: Task, nbytes: int) -> bool:
        """Queue a task if there is room for it."""
        with self._lock:
            if not self._has_room(nbytes):
                return False
            self._put_count += 1
            self._others_count += not self._is_at_work()
            self._put_bytes += nbytes
            self._tasks.put(task)
            return True

    def _work_on(self) -> None:
        """See that somebody does what is queued: the thread, or, where none can be started, the caller."""
        with self._lock:
            worker = self._worker
            if worker is not None and worker.takes_tasks:
                return
            # If there is one all the same, this is a signal handler, and has interrupted the start of the thread.
            if worker is not None or exits.has_begun() or not self._start():
                with suppress(Empty):
                    while (task := self._tasks.get_nowait()) is not None:
                        task()

    def _start(self) -> bool:
        """Start the thread, and return whether that was possible."""
        tasks = self._tasks
        worker = Worker(tasks)
        end_worker = weakref.finalize(self, tasks.put, None)  # also when nobody holds the encoder any more
        end_worker.atexit = False
        if self._worker is not None or self._tasks is not tasks:
            end_worker.detach()
            return True  # A signal handler has done it meanwhile, and may have closed, too.
        self._worker, self._end_worker = worker, end_worker
        try:
            worker.start()
        finally:
            if not worker.takes_tasks:
                end_worker.detach()
                if self._worker is worker:
                    self._worker = None
        return worker.takes_tasks

    def flush(self, timeout_secs: float | None = None) -> bool:
        """Wait until everything put so far is delivered.

        Args:
            timeout_secs: How long at most; None for as long as it takes.

        Returns:
            Whether it was in time.

        Raises:
            LogWriteError: A file since the last time could not be written, or its signal not be delivered.
        """
        done = self._wait(timeout_secs)
        self._raise_failure()
        return done

    def _wait(self, timeout_secs: float | None = None) -> bool:
        if self._is_done():
            return True
        if self._is_at_work():
            return False
        reached = closed_gate()
        with self._lock:
            self._tasks.put(reached.release)
            self._work_on()
        return reached.acquire(timeout=-1 if timeout_secs is None else timeout_secs)

    def close(self) -> None:
        """Deliver everything put so far, and end the thread, unless others put more meanwhile. A later drawing starts another.

        Raises:
            LogWriteError: As by `flush`.
        """
        worker, end_worker = self._emptied()
        if worker is not None and end_worker is not None:
            end_worker()
            worker.join()
        self._raise_failure()

    def _emptied(self) -> tuple[Worker | None, Callable[[], object] | None]:
        """Wait until everything is delivered, and make place for a new thread; return the old one and how to end it."""
        fresh: Tasks = SimpleQueue()
        put_count, others_count = self._put_count, self._others_count
        while self._wait():
            with self._lock:
                if self._put_count == put_count:
                    worker, self._worker = self._worker, None
                    self._tasks = fresh
                    return worker, self._end_worker
                if self._others_count != others_count:
                    break  # They may go on for ever; what the delivering itself brings does not.
                put_count = self._put_count
        return None, None  # This may also be who does the work.

    def after_fork(self) -> None:
        """Start clean in a forked child: the thread is not here, and what waits is the parent's."""
        if isinstance(self._end_worker, weakref.finalize):
            self._end_worker.detach()
        self._begin_anew()

    def _raise_failure(self) -> None:
        error, count = self._failure, self._failures
        self._failure, self._failures = None, 0
        if error is not None:
            if count > 1:
                error.add_note(f"{count - 1:,} more since the last flush went wrong as well")
            raise error

    # All below runs in the thread.

    def _make(self, kind: str, event: dict[str, Any], drawing: Drawing) -> None:
        path = None
        fields = {**drawing.fields, **event}  # as the processors left them
        was_at_work = self._is_at_work()
        try:
            self._own.is_at_work = True
            with files.temporary(self._root) as written:
                if not self._is_swept:
                    self._is_swept = True
                    files.sweep(self._root)
                more = drawing.write(written)
                name = checked_name(f"this {kind}", fields["name"])
                path = files.settle(written, self._root, kind, name, fields.get("step"), drawing.suffix)
            self._deliver(kind, {**fields, "path": path, **more})
        except BaseException as error:
            self._note_failure(f"the {kind} {fields['name']!r} of step {fields.get('step')}", path, error)
            if not isinstance(error, Exception):
                raise  # a Ctrl-C, if this is the main thread
        finally:
            self._done_bytes += drawing.nbytes
            self._done_count += 1
            self._own.is_at_work = was_at_work
            while self._waiting:
                self._waiting.popleft().release()

    def _note_failure(self, which: str, path: str | None, error: BaseException) -> None:
        left = "was not stored" if path is None else f"is in {path}, but not in the log"
        problem = f"{which} {left}: {in_words(error)}"
        failure = LogWriteError(error.errno if isinstance(error, OSError) else None, problem)
        if not isinstance(error, OSError):
            # As text, since its frames would hold what was drawn.
            failure.add_note("".join(traceback.format_tb(error.__traceback__)))
        self._failure = self._failure or failure
        self._failures += 1
        with suppress(Exception):  # where warnings are errors, it is raised by `flush` all the same
            warn(problem, LogWarning)


_used: "weakref.WeakSet[Encoder]" = weakref.WeakSet()
"""While there is something to deliver, the thread holds its encoder."""


def _close_all() -> None:
    for encoder in list(_used):
        with suppress(Exception):  # which was told
            encoder.close()
