"""Records, signals and manifest of a run on disk; what goes wrong with the first two reaches the caller."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from l2logger.run import Run
from l2logger.signal_files import SignalFiles
from l2logger.signals import DESCRIPTION, PARAMS, RECORD, Signal
from l2logger.sinks.l2 import L2Sink

if TYPE_CHECKING:
    from l2logger.manifest import Manifest


class RunStore:
    """Keep records in the L2 log, all other signals in ``signals/``, and what concerns the whole run in its manifest.

    Args:
        fsync: When to wait for the disk, as for `l2logger.DataLogger`.
        tags: For the manifest, which is there from the beginning if there are any, and otherwise from the first signal on that is
            no record.
        owner: Whether this process says in the manifest how the run is doing.

    Attributes:
        records: The L2 log.
        error: What ended the run, if `close` is called because of it.
    """

    def __init__(self, fsync: str, tags: Sequence[str] = (), *, owner: bool = True) -> None:
        self.records = L2Sink(fsync=fsync)
        self.error: BaseException | None = None
        self._owner = owner
        self._signals = SignalFiles(fsync)
        self._tags = tags
        self._root = ""
        self._manifest: Manifest | None = None
        self._has_begun = False  # so that each further signal need not ask the manifest

    def open(self, run: Run, root: str) -> None:
        """Take note of the run.

        Args:
            run: The run.
            root: Its directory, absolute.
        """
        self._root = root
        self.records.open(run)
        self._signals.open(root)
        if self._tags:
            self.begin()

    def begin(self) -> "Manifest":
        """Have the run begin, or go on after it was closed."""
        if self._manifest is None:
            from l2logger.manifest import Manifest

            self._manifest = Manifest(self._root, owner=self._owner)
        if not self._has_begun:
            self._manifest.begin(tags=self._tags)
            self._has_begun = True
        return self._manifest

    def write(self, signal: Signal) -> None:
        """Store one signal; see `L2Sink.write` and `SignalFiles.write` for what may be raised."""
        if signal.kind == RECORD:
            self.records.write(signal)
            return
        manifest = self.begin()
        self._signals.write(signal)
        if signal.kind == PARAMS:
            manifest.merge(signal.fields["params"])
        elif signal.kind == DESCRIPTION:
            manifest.describe(signal.fields["metric"], signal.fields["unit"], signal.fields["better"])

    def flush(self) -> None:
        """Wait for the disk, if that was asked for.

        Raises:
            LogWriteError: The disk refused.
        """
        with ExitStack() as stack:  # whatever one of them raises, the other is flushed
            stack.callback(self._signals.flush)
            stack.callback(self.records.flush)

    def close(self) -> None:
        """Close all files, and write to the manifest how the run ended. A later signal opens what it needs again."""
        with ExitStack() as stack:
            if self._manifest is not None and self._has_begun:
                from l2logger.manifest import status_of

                stack.callback(self._manifest.finish, status_of(self.error))
                self._has_begun = False
            stack.callback(self._signals.close)
            stack.callback(self.records.close)

    def after_fork(self) -> None:
        """Let go of the parent's files, in the child."""
        self.records.after_fork()
        self._signals.after_fork()
        # The child has a session of its own, and how the run is doing is for the parent to say.
        self._tags, self._owner, self._has_begun = (), False, False
        if self._manifest is not None:
            self._manifest.after_fork()
