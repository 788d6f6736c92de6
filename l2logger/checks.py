"""Checks of arguments that several things have."""

import operator
import threading
from collections.abc import Iterable
from typing import Any

from l2logger.errors import ConfigError, SignalError
from l2logger.schema import MAX_COUNT


def seconds(name: str, value: Any) -> float:
    """Return a number of seconds.

    Raises:
        ConfigError: It is none that one can wait for.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= threading.TIMEOUT_MAX:
        raise ConfigError(f"{name} must be a number of seconds, 0 or more, got {value!r}")
    return float(value)


def count(name: str, value: Any, of: str = "") -> int:
    """Return a whole number from 1 on.

    Args:
        name: Of the argument.
        value: What was given; numpy's integers are whole numbers too.
        of: What is counted, such as ``"steps"``, for the message.

    Raises:
        ConfigError: It is none.
    """
    number = whole(value)
    if number is None or number < 1:
        raise ConfigError(f"{name} must be a whole number{of and f' of {of}'}, 1 or more, got {value!r}")
    return number


def one_of(name: str, value: Any, words: Iterable[str]) -> str:
    """Return a word that is one of some.

    Raises:
        ConfigError: It is not.
    """
    known = tuple(words)
    if not isinstance(value, str) or value not in known:
        raise ConfigError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
    return value


def step(value: Any, clock: str | None = None) -> int:
    """Return a step as a number.

    Args:
        value: What was given.
        clock: What it is a step of, for the message.

    Raises:
        SignalError: It is no whole number, or has more than 64 bits.
    """
    number = whole(value)
    if number is None or abs(number) > MAX_COUNT:
        of = "" if clock is None else f" of the clock {clock!r}"
        got = repr(value) if number is None else f"one of {number.bit_length()}"
        raise SignalError(f"a step{of} must be a whole number of up to 64 bits, got {got}")
    return number


def whole(value: Any) -> int | None:
    """Return a whole number, of whatever type, as one of Python; None for anything else, truth values too."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None
