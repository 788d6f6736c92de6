"""Runs on disk to any sink: all that was logged, once, or as it is written.

    replay("logs/cartpole-1795229218-7487311", [WandbSink(project="cartpole")])

A sink gets the signals that it would have got as a mirror of the run, those of its `kinds`, in the order in which they were
logged and with the same values. What a cell of the log cannot tell is the exception: text that looks like a number or a truth
value comes as one, empty text as None, and the standard columns but ``block_num`` and ``exp_num`` as text.

How far a sink has come is remembered in the run directory (`l2logger.bookmarks`), and the next replay goes on from there.
Every signal is delivered at least once; a replay that was killed delivers those of the last seconds again.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import Final

from l2logger.course import LAST
from l2logger.diagnostics import Progress
from l2logger.errors import ConfigError, LogLockedError
from l2logger.replayer import Replayer
from l2logger.sinks.health import Health, inward
from l2logger.sinks.process import ProcessSink
from l2logger.sinks.sink import Sink

__all__ = ["MAX_TRIES", "Replayer", "deliver", "replay"]

MAX_TRIES: Final = 3
"""How often a replay that is to come to an end tries in a row to have a sink work."""

_TURN_SECS: Final = 0.25
"""Several sinks take turns of this length."""


def replay(
    run: str | PathLike[str],
    sinks: Iterable[Sink],
    *,
    follow: bool = False,
    start: str | int = LAST,
    poll_secs: float = 0.2,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
) -> list[Health]:
    """Write the signals of a run to sinks, which take turns in the calling thread.

    A sink that fails ten times in a row, or cannot be opened, is closed, opened again after a pause and given everything
    from its first failure on; each further failure doubles the pause, up to a minute. A signal that fails while those
    after it do not is counted and passed over.

    Args:
        run: Path of a run, or its name in ``$L2DATA/logs``.
        sinks: Where the signals go. They are opened when there is something for them, and closed at the end.
        follow: Go on with what is written, by any number of processes, until `stop` or Ctrl-C.
        start: Where to begin: ``"last"``, where the last replay into the same sink with the same options ended;
            ``"beginning"``; the number of the first experience, other signals from the time of its record on; or the time of the
            first signal, such as ``"20261121T143000"`` or ``"2026-11-21 14:30"``.
        poll_secs: Pause between two looks for what is new.
        stop: Is asked before each turn; if it returns True, what is in the files is delivered and that was all.
        progress: Is told after each turn how many bytes of how many were dealt with.

    Returns:
        For each sink what became of it.

    Raises:
        DirectoryError: There is no such run.
        ConfigError: An argument is not what it should be, or a sink cannot work with its options.
        ImportError: A sink lacks its package.
        LogLockedError: Another replay of the run into one of the sinks is under way, and this one should not `follow`.
        SinkError: Without `follow`: a sink failed three times in a row. The others got everything.
    """
    replayers = [Replayer(run, sink, start=start, max_tries=None if follow else MAX_TRIES) for sink in _checked(sinks)]
    try:
        deliver(replayers, follow=follow, poll_secs=poll_secs, stop=stop, progress=progress)
    except KeyboardInterrupt:
        if not follow:
            raise
    finally:
        for each in replayers:
            each.close()
    for each in replayers:
        if each.error is not None and not follow:
            raise each.error
    return [each.health() for each in replayers]


def deliver(
    replayers: Sequence[Replayer],
    *,
    follow: bool = False,
    poll_secs: float = 0.2,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
) -> None:
    """Let replayers take turns until all is delivered or given up; with `follow`, until `stop`.

    Args:
        replayers: As they are after the call, they are left to the caller to close.
        follow: As for `replay`.
        poll_secs: As for `replay`.
        stop: As for `replay`. What it raises goes on to the caller, between two signals.
        progress: As for `replay`.

    Raises:
        ConfigError: As for `replay`.
        ImportError: As for `replay`.
        LogLockedError: As for `replay`.
    """
    for each in replayers:
        if not each.begin() and not follow:
            raise LogLockedError(f"{each.obstacle}; wait for its end, or follow the run to take over then")
    # With a first turn of one signal each, a sink that cannot work at all says so before others have got everything.
    turn_secs = 0.0
    while True:
        last = stop()
        for each in replayers:
            each.step(None if last else turn_secs, scan=last)
            if isinstance(each.error, ImportError | ConfigError):
                raise each.error
        if progress is not None:
            done, total = zip(*(each.progress() for each in replayers), strict=True)
            progress(sum(done), sum(total))
        if last or (not follow and all(each.is_done for each in replayers)):
            return
        if not any(each.is_busy for each in replayers):
            time.sleep(poll_secs)
        turn_secs = _TURN_SECS


def _checked(sinks: Iterable[Sink]) -> tuple[Sink, ...]:
    members = tuple(sinks) if isinstance(sinks, Iterable) and not isinstance(sinks, Sink) else ()
    if not members or not all(isinstance(sink, Sink) for sink in members):
        raise ConfigError(f"sinks must be a list of l2logger.sinks.Sink objects, got {sinks!r}")
    for sink in members:
        if any(isinstance(each, ProcessSink) for each in inward(sink)):
            raise ConfigError(
                f"a replay needs no process of its own, which would follow the run itself; take the sink out of {sink!r}"
            )
    return members
