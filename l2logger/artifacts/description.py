"""What is said of a version of an artifact, besides its files."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from l2logger import paths
from l2logger.artifacts.version import Rule, is_version
from l2logger.errors import SignalError
from l2logger.host import number_on_host

_MODES: Final = ("max", "min")


class Description(NamedTuple):
    """What is said of a version.

    Attributes:
        type: ``"model"``, ``"artifact"`` or another word.
        metadata: In terms of JSON.
        metrics: How good it is.
        best: What makes a version the best; None: what was said before.
        aliases: Names for this version, which others lose.
        keep: How many of the newest versions to keep; None: all.
    """

    type: str
    metadata: Mapping[str, Any]
    metrics: Mapping[str, float]
    best: Rule | None
    aliases: tuple[str, ...]
    keep: int | None


def describe(
    type: str,
    metadata: Any,
    metrics: Mapping[str, Any] | None,
    best: str | None,
    mode: str | None,
    aliases: Iterable[str],
    keep: int | None,
) -> Description:
    """Return the description of a version, checked.

    Args:
        type: ``"model"``, ``"artifact"`` or another word.
        metadata: A dict, in terms of JSON.
        metrics: Numbers by name.
        best: The one of `metrics` that tells which version is the best.
        mode: Whether that is the greatest (``"max"``) or the least (``"min"``).
        aliases: Names for this version.
        keep: How many of the newest versions to keep.

    Raises:
        SignalError: Something is not what it should be.
    """
    if not isinstance(metadata, dict):
        raise SignalError(f"metadata must be a dict, got {metadata!r:.200}")
    numbers = _checked_metrics(metrics)
    if best is not None and best not in numbers:
        there = ", ".join(map(repr, numbers)) or "none"
        raise SignalError(
            f"best={best!r} must be one of the metrics of this version, such as metrics={{{best!r}: 21.0}}; "
            f"it has {there}"
        )
    if mode not in (None, *_MODES) or (best is not None and mode is None):
        raise SignalError(
            f"whether the greatest {best!r} is the best or the least is said by mode='max' or mode='min', or once by "
            f"describe({best!r}, better='max'); got mode={mode!r}"
        )
    if keep is not None and (isinstance(keep, bool) or not isinstance(keep, int) or keep < 1):
        raise SignalError(
            f"keep is how many of the newest versions stay: a whole number from 1 on, or None for all; got {keep!r}"
        )
    rule = Rule(best, mode) if best is not None and mode is not None else None
    return Description(_checked_word("a type", type), metadata, numbers, rule, _checked_aliases(aliases), keep)


def _checked_metrics(metrics: Mapping[str, Any] | None) -> dict[str, float]:
    if metrics is None:
        return {}
    if not isinstance(metrics, Mapping):
        raise SignalError(f"metrics must be a dict of numbers, such as {{'reward': 21.0}}; got {metrics!r:.200}")
    numbers = {}
    for name, value in metrics.items():
        number = number_on_host(value)
        if not isinstance(number, int | float):
            raise SignalError(f"a metric is one number, {name!r} is {value!r:.200}")
        numbers[paths.checked_name("a metric", name)] = float(number)
    return numbers


def _checked_aliases(aliases: Iterable[str]) -> tuple[str, ...]:
    if isinstance(aliases, str) or not isinstance(aliases, Iterable):
        raise SignalError(f"aliases must be a list of words, such as ['production'], got {aliases!r}")
    found = tuple(_checked_word("an alias", alias) for alias in aliases)
    for alias in found:
        if is_version(alias):
            raise SignalError(
                f"{alias!r} looks like a version, so it cannot be an alias; take a word such as 'production'"
            )
    return found


def _checked_word(what: str, word: Any) -> str:
    if "/" in paths.checked_name(what, word):
        raise SignalError(f"{what} is one word, without a slash, got {word!r}")
    return str(word)
