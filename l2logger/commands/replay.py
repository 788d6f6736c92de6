"""``l2logger replay``."""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from l2logger.commands.options import Command, Mistake, run_argument
from l2logger.commands.terminal import busy, count, say

if TYPE_CHECKING:
    from l2logger.replay import Replayer
    from l2logger.sinks.sink import Sink


@click.command(
    cls=Command,
    examples=(
        "l2logger replay logs/cartpole-1795229218-7487311 --to tensorboard --to wandb:project=x,mode=offline",
        "l2logger replay logs/cartpole-1795229218-7487311 --to console:style=live --follow --from beginning",
        "l2logger replay logs/cartpole-1795229218-7487311 --to jsonl:path=late.jsonl --from 2026-11-21T14:30",
    ),
)
@run_argument
@click.option(
    "--to",
    "to",
    metavar="SINK",
    multiple=True,
    required=True,
    help="Where to: the name of a sink, with options behind a colon. May be given several times.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is new as it is written, until Ctrl-C.")
@click.option(
    "--from",
    "start",
    metavar="PLACE",
    default="last",
    show_default=True,
    help="Where to begin: last, where the last replay into the same sink ended; beginning; "
    "the number of an experience; or a time, such as 2026-11-21T14:30.",
)
def command(run: str, to: tuple[str, ...], follow: bool, start: str) -> None:
    """Write what was logged in a run to sinks, once or as it comes: to TensorBoard, W&B, a file, the console.

    How far each sink has come is remembered in the run directory, so a replay can be stopped, killed and given again. A sink
    that fails is tried again. The exit code is 1 if a sink did not take everything.
    """
    from l2logger.replay import MAX_TRIES, Replayer, deliver
    from l2logger.sinks.named import build

    # A sink of the user's own may lie where the command is given, as it may for `python -m l2logger`.
    sys.path.append(os.getcwd())
    sinks = build(list(to))
    if not sinks:
        raise Mistake("--to names no sink", "write it as in --to tensorboard or --to jsonl:path=copy.jsonl")
    place = int(start) if start.isascii() and start.isdigit() else start
    max_tries = None if follow else MAX_TRIES
    replayers = [Replayer(run, sink, start=place, max_tries=max_tries) for sink in sinks]
    if follow:
        say("note", f"following {run} until Ctrl-C")
    interrupted = False
    with _progress(sinks, follow) as progress, _until_told(sinks) as stop:
        try:
            deliver(replayers, follow=follow, stop=stop, progress=progress)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            for each in replayers:
                each.close()
    for each in replayers:
        _tell_end(each)
    if interrupted and not follow:
        raise KeyboardInterrupt
    if any(each.error or each.health().failed for each in replayers):
        click.get_current_context().exit(1)


def _progress(sinks: "list[Sink]", follow: bool) -> Any:
    """Return what shows how far the replay is, unless it has no end, or a sink has the terminal for itself."""
    from contextlib import nullcontext

    return nullcontext() if follow or any(sink.name == "console" for sink in sinks) else busy("replaying")


@contextmanager
def _until_told(sinks: "list[Sink]") -> Iterator[Callable[[], bool]]:
    """Give a function that ends the replay, between two signals, once Ctrl-C was pressed or nobody looks any more."""
    told: list[int] = []

    def note(number: int, frame: object) -> None:
        if told:
            raise KeyboardInterrupt  # It was meant.
        told.append(number)

    # The console falls silent when the reader of its output has ended, as in `l2logger replay RUN --to console | head`.
    output = None
    if all(sink.name == "console" for sink in sinks):
        with suppress(OSError):
            output = os.dup(1)

    def stop() -> bool:
        if told:
            raise KeyboardInterrupt
        if output is not None and _is_unread(output):
            raise BrokenPipeError
        return False

    signals = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    former = [(each, signal.signal(each, note)) for each in signals]
    try:
        yield stop
    finally:
        for each, handler in former:
            signal.signal(each, handler)
        if output is not None:
            os.close(output)


def _is_unread(fd: int) -> bool:
    """Return whether this is a pipe that nobody reads any more."""
    poll = select.poll()
    poll.register(fd, 0)
    return any(events & select.POLLERR for _, events in poll.poll(0))


def _tell_end(replayer: "Replayer") -> None:
    """Say what became of a sink."""
    health = replayer.health()
    parts = [f"{replayer.sink.name or health.sink}: {count(health.delivered, 'signal')} delivered"]
    if replayer.before:
        parts.append(f"{replayer.before:,} before")
    if health.failed:
        parts.append(f"{health.failed:,} failed")
    if health.queued:
        parts.append(f"about {health.queued:,} to come")
    if replayer.before and not (health.delivered or health.queued or health.failed):
        parts.append("--from beginning brings all again")
    trouble = replayer.error is not None or health.failed > 0
    reason = f" ({health.last_error})" if trouble else ""
    say("error" if trouble else "note", ", ".join(parts) + reason)
