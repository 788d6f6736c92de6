"""``run.json``, the manifest of a run: what it is, where it comes from, how it is doing.

The store uses it like this::

    manifest = Manifest(root)                   # owner=False in a process that joined the run
    manifest.begin(tags=("ablation",))          # before the first signal that is no record
    manifest.merge({"lr": 1e-3})                # with each params signal
    manifest.describe("loss", None, "min")      # with each description
    manifest.finish(status_of(error))           # when the logger is closed
    manifest.after_fork()                       # in a forked child

The file holds ``run_id`` (the name of the directory when it began), ``scenario``, ``status``, ``tags``, ``started``, ``ended``
(ISO 8601); of the latest session ``host``, ``user``, ``pid``, ``python``, ``platform``, ``l2logger``, ``packages``, ``argv``, ``git``;
``params``, ``seed`` if there is one among them, ``descriptions``; and ``sessions``, one for each process in which the run was begun
or gone on with: ``started``, ``ended``, ``status``, ``host``, ``pid``, ``commit``.

``status`` is "running", "complete", "failed" or "interrupted". Only the process that began the run, or resumed it, says so. `read`
shows it, and knows of a process that is gone without a word. A logger that nobody closes ends with its process; it is "complete"
then if no exception ended the script. That includes ``sys.exit(1)``, of which Python tells nobody but a ``with`` around it.
"""

import sys
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from l2logger import exits
from l2logger.manifest_file import COMPLETE, FAILED, INTERRUPTED, RUNNING, merged, read
from l2logger.redaction import redacted
from l2logger.session import Session

__all__ = ["COMPLETE", "FAILED", "INTERRUPTED", "RUNNING", "Manifest", "read", "status_at_exit", "status_of"]

_SEEDS: Final = ("seed", "random_seed", "rng_seed", "global_seed")


class Manifest:
    """Keep ``run.json`` up to date. What goes wrong with it is a warning, and never stops the logging.

    Args:
        root: Directory of the run.
        owner: Whether this process says how the run is doing. One that joined does so only if there is no manifest yet.
        clock: Returns seconds since 1970.
    """

    def __init__(self, root: str, *, owner: bool = True, clock: Callable[[], float] = time.time) -> None:
        self._session = Session(root, owner, clock)
        self._at_exit: weakref.finalize[..., Manifest] | None = None

    def begin(self, tags: Iterable[str] = ()) -> None:
        """Write that the run is running, unless that was done; `tags` are added to those it has."""
        if not self._session.begin(tuple(tags)):
            return
        exits.register(_finish_in_child)
        if exits.has_begun():
            _finish_unclosed(self._session)  # which may be called by nobody any more
        else:
            self._at_exit = weakref.finalize(self, _finish_unclosed, self._session)
            _begun.add(self)

    def merge(self, params: Mapping[str, Any]) -> None:
        """Add parameters to those of the run; later ones win."""
        clean = redacted(params)

        def change(manifest: dict[str, Any]) -> None:
            manifest["params"] = merged(manifest.get("params"), clean)
            if (seed := _seed(manifest["params"])) is not None:
                manifest["seed"] = seed

        self._session.update(change)

    def describe(self, metric: str, unit: str | None, better: str | None) -> None:
        """Say what a metric means; what is None stays as it was."""
        said = {name: value for name, value in (("unit", unit), ("better", better)) if value is not None}

        def change(manifest: dict[str, Any]) -> None:
            manifest["descriptions"] = merged(manifest.get("descriptions"), {metric: said})

        self._session.update(change)

    def finish(self, status: str = COMPLETE) -> None:
        """Write how the run ended, if this process is the one to say so. A later `begin` goes on with it."""
        self._forget_exit()
        self._session.finish(status)

    def after_fork(self) -> None:
        """Leave the manifest to the parent, in the child, but for what the child adds itself."""
        self._forget_exit()
        self._session.after_fork()

    def _forget_exit(self) -> None:
        at_exit, self._at_exit = self._at_exit, None
        if at_exit is not None:
            at_exit.detach()


def _finish_unclosed(session: Session) -> None:
    session.finish(status_at_exit())


_begun: "weakref.WeakSet[Manifest]" = weakref.WeakSet()


def _finish_in_child() -> None:
    """Finish what nobody closed in a child of multiprocessing, which leaves without the hooks of `atexit`."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        for manifest in list(_begun):
            manifest.finish(status_at_exit())


def _seed(params: Mapping[str, Any]) -> int | None:
    """Return the seed among parameters, the one that is nested least."""
    level = [params]
    while level:
        for group in level:
            for name in _SEEDS:
                if type(group.get(name)) is int:
                    return int(group[name])
        level = [item for group in level for item in group.values() if isinstance(item, Mapping)]
    return None


def status_of(error: BaseException | None) -> str:
    """Return how a run ended that was left by an exception, or by none."""
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return COMPLETE
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED


def status_at_exit() -> str:
    """Return how a run ended that nobody closed: by the exception that ended the script, if there was one.

    A SystemExit is none here: Python forgets it, and its code, before it calls anybody.
    """
    if hasattr(sys, "ps1") or sys.flags.interactive:  # There, errors end nothing.
        return COMPLETE
    return status_of(getattr(sys, "last_exc", None) or getattr(sys, "last_value", None))
