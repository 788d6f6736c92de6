"""Sinks and their options as one line of text: ``wandb:project=x,mode=offline``."""

import json
import math
import re
from typing import Any, Final

from l2logger.errors import ConfigError
from l2logger.sinks.sink import Sink

_END_OF_VALUE: Final = re.compile(r"\s*(?:,|\Z)")
_PYTHONS_WORDS: Final = {"True": True, "False": False, "None": None}


def parse(text: str) -> list[dict[str, dict[str, Any]]]:
    """Return what `l2logger.sinks.build` takes for sinks that are given as text, as for ``--to`` and ``L2LOGGER_SINKS``.

    Sinks and options are separated by commas: ``console:every=10,tensorboard`` is two sinks. A value is JSON, so that
    ``tags=["a","b"]`` is a list, or else text. ``settings.x=1`` is an option with a mapping.

    Args:
        text: Names, each with a colon before its options if there are any.

    Raises:
        ConfigError: The text is nothing of the sort.
    """
    sinks: list[dict[str, dict[str, Any]]] = []
    options: dict[str, Any] | None = None
    at = 0
    mark = ","
    while at < len(text):
        begins_options = mark == ":"
        end = next((place for place in range(at, len(text)) if text[place] in ",:="), len(text))
        word, mark = text[at:end].strip(), text[end : end + 1]
        at = end + 1
        if mark == "=":
            if options is None:
                raise ConfigError(f"{word}=... is an option without a sink; write a name and a colon before it")
            value, at = _value_at(text, at)
            _put(options, word, value)
            mark = ","
        elif begins_options and word:
            raise ConfigError(f"{word!r} has no value; options are written as in console:every=10")
        elif word:
            options = {}
            sinks.append({word: options})
        elif mark == ":":
            raise ConfigError("there is no name of a sink before a colon")
    return sinks


def spell(sink: Sink) -> str:
    """Return a sink as it is written for ``--to``, as far as its options are text; nothing if it has no name."""
    if not sink.name:
        return ""
    options = ",".join(f"{key}={_spelled(value)}" for key, value in sink.options().items() if key.isidentifier())
    return f"{sink.name}:{options}" if options else sink.name


def _spelled(value: Any) -> str:
    if isinstance(value, str) and value.isprintable() and _value_at(value, 0) == (value, len(value) + 1):
        return value
    spelled = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return spelled if spelled.isprintable() else json.dumps(value, separators=(",", ":"), default=str)


def _value_at(text: str, at: int) -> tuple[Any, int]:
    """Return the value of an option and where the next word begins."""
    while text[at : at + 1].isspace():
        at += 1
    if text[at : at + 1] in ("[", "{", '"'):
        try:
            value, end = _decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            pass
        else:
            if found := _END_OF_VALUE.match(text, end):
                return value, max(found.end(), end + 1)
    comma = text.find(",", at)
    end = len(text) if comma < 0 else comma
    return _scalar(text[at:end].strip()), end + 1


def _scalar(text: str) -> Any:
    if text in _PYTHONS_WORDS:
        return _PYTHONS_WORDS[text]
    try:
        value = _decoder.decode(text)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, float) and not math.isfinite(value) else value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_decoder: Final = json.JSONDecoder(parse_constant=_refuse)


def _put(options: dict[str, Any], key: str, value: Any) -> None:
    *outer, last = key.split(".")
    place: Any = options
    for name in outer:
        place = place.setdefault(name, {}) if isinstance(place, dict) else None
    if not all((*outer, last)) or not isinstance(place, dict) or last in place:
        raise ConfigError(f"the option {key!r} is given twice, or is not a name such as 'project' or 'settings.x'")
    place[last] = value
