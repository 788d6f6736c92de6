"""The package wandb and the service process behind it: how both are come by, and how one gets rid of a broken service."""

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

OLDEST: Final = (0, 19, 10)
"""The first version that can begin a run beside those of the user's own code."""

_TEARDOWN_SECS: Final = 5.0

_DEAD: Final = frozenset({"ConnectionError", "HandleAbandonedError", "MailboxClosedError"})
_OVER: Final = frozenset({"UsageError", "AlreadyJoinedError"})
_MISUSE: Final = frozenset({"UsageError", "ValidationError"})


def is_unused() -> bool:
    """Return whether no other code of this process can be using wandb."""
    return "wandb" not in sys.modules


def load() -> Any:
    """Import wandb.

    Raises:
        ImportError: It is not installed, or too old.
    """
    if is_unused():
        # The service of another process ends with that, when there may be more to deliver.
        os.environ.pop("WANDB_SERVICE", None)
        # Reports on how W&B is used are a fifth of the cost of a row, and hold up the exit when nobody answers.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    try:
        import wandb
    except ImportError as error:
        raise ImportError(f'WandbSink needs wandb: pip install "l2logger[wandb]" ({error})', name="wandb") from error
    if tuple(map(int, re.findall(r"\d+", wandb.__version__)[:3])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ImportError(
            f'WandbSink needs wandb {oldest}, this is {wandb.__version__}: pip install --upgrade "l2logger[wandb]"',
            name="wandb",
        )
    return wandb


@contextmanager
def quiet(wished: bool) -> Iterator[None]:
    """Keep W&B from writing to the terminal, if that is wished."""
    if not wished:
        yield
        return
    import wandb

    wandb.termsetup(wandb.Settings(silent=True), None)
    try:
        yield
    finally:
        wandb.termsetup(wandb.setup().settings, None)


def is_dead(error: BaseException) -> bool:
    """Return whether an error of W&B says that its service has died."""
    return _is_one_of(_DEAD, error)


def is_over(error: BaseException) -> bool:
    """Return whether an error of a W&B run says that the run is over."""
    return _is_one_of(_OVER, error)


def is_misuse(error: BaseException) -> bool:
    """Return whether an error of `wandb.init` says that its arguments are wrong."""
    return _is_one_of(_MISUSE, error)


def _is_one_of(names: frozenset[str], error: BaseException) -> bool:
    # By name, as W&B moves its classes about.
    return any(each.__name__ in names for each in type(error).__mro__)


def abandon() -> None:
    """Let go of W&B's service with all that it does, so that the next run gets a new one, and the exit waits for none.

    W&B waits without end for a service that cannot reach its server, so that is left to a thread.
    """
    thread = threading.Thread(target=_tear_down, name="l2logger-wandb-teardown", daemon=True)
    thread.start()
    thread.join(_TEARDOWN_SECS)


def _tear_down() -> None:
    import wandb

    with suppress(Exception, SystemExit):
        wandb.teardown()
