"""What had better not be written down: found by the names of things, and by what values look like.

Nothing here knows of signals. `l2logger.processors.Redact` goes through those, the mirrors go through the info files, and the
manifest goes through the command line.
"""

from collections.abc import Callable, Mapping, Set
from typing import Any, Final

from l2logger.redaction.commands import is_option, is_program, redacted_arguments, takes_pairs
from l2logger.redaction.names import is_secret, is_vague
from l2logger.redaction.texts import is_small, looks_random, redacted_text, says_nothing

__all__ = ["REDACTED", "NAMES", "VALUES", "is_secret", "redacted", "redacted_text", "says_nothing", "tells"]

REDACTED: Final = "[redacted]"
"""What stands for a secret."""

_PLAIN: Final = frozenset({int, float, bool, type(None)})

NAMES: Final = ("name", "Name", "key", "Key", "variable", "option")
VALUES: Final = ("value", "Value")
"""What the name of something and its value are called, where they stand beside each other."""


def redacted(
    value: Any, *, secret: Callable[[Any], bool] = is_secret, allowed: Callable[[Any], bool] | None = None
) -> Any:
    """Return a value without the secrets in it; the very same object if there are none.

    Of a mapping, what has a secret name is replaced as a whole, unless it says nothing: None, empty, or a truth value; and so
    is the value of ``{"name": "API_TOKEN", "value": "x"}``. A list is looked at as a command line, in which a secret follows
    ``--password`` and ``--set db.password``, and stands behind the ``=`` of ``db.password=x``; or as one of pairs,
    ``[["password", "x"]]``. In all other text only the secret itself is replaced. What is changed becomes a dict or a list.

    Not found are: a password of nothing but small letters that begins with a dash and follows its option; names and values
    in two lists; options for passwords that do not say so, but for those of curl, mysql and sshpass.

    Args:
        value: Anything, nested.
        secret: Tells whether the value of a name is a secret; not so if it is allowed.
        allowed: Tells whether the value of a name is left alone, whatever it looks like.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        return _redacted_mapping(value, secret, allowed)
    if isinstance(value, list | tuple):
        return _redacted_list(value, secret, allowed)
    if isinstance(value, Set):
        found = {item: redacted(item, secret=secret, allowed=allowed) for item in value}
        return value if all(old is new for old, new in found.items()) else list(found.values())
    return value


def _redacted_mapping(value: Mapping[Any, Any], secret: Callable[[Any], bool], allowed: Any) -> Mapping[Any, Any]:
    found: dict[Any, Any] = {}
    changed = False
    named = _value_of_named(value)
    for name, item in value.items():
        if allowed is not None and allowed(name):
            new_name, new = name, item
        else:
            new_name = redacted_text(name) if isinstance(name, str) else name
            if secret(name):
                new = item if _is_empty(item) or (is_small(item) and is_vague(name)) else REDACTED
            elif named is not None and name == named[1] and tells(value[named[0]], item, secret):
                new = REDACTED
            else:
                new = redacted(item, secret=secret, allowed=allowed)
        found[new_name] = new
        changed |= new is not item or new_name is not name
    return found if changed else value


def _redacted_list(value: Any, secret: Callable[[Any], bool], allowed: Any) -> Any:
    found = []
    changed = follows_name = in_pairs = has_program = False
    for item in value:
        if follows_name and not is_option(item):
            new, follows_name = (item if _is_empty(item) else REDACTED), False
        elif isinstance(item, str):
            name, mark, rest = item.partition("=")
            named = secret(name)
            is_dashed = item.startswith("-")
            in_pairs = takes_pairs(item) if is_dashed else in_pairs
            has_program |= is_program(item)
            follows_name = named and not mark and (is_dashed or in_pairs)
            if mark and named:
                new = item if says_nothing(rest) else f"{name}={REDACTED}"
            else:
                new = redacted_text(item)
        elif type(item) in _PLAIN:
            new = item
        elif isinstance(item, list | tuple) and len(item) == 2 and tells(item[0], item[1], secret):
            new = [item[0], REDACTED]
        else:
            new = redacted(item, secret=secret, allowed=allowed)
        found.append(new)
        changed |= new is not item
    if has_program and all(isinstance(item, str) for item in found):
        new = redacted_arguments(found)
        found, changed = new, changed or new != found
    return found if changed else value


def _value_of_named(value: Mapping[Any, Any]) -> tuple[str, str] | None:
    """Return the keys of a name and of its value, of a mapping that has one of each, such as ``{"name": "x", "value": 1}``."""
    key = next((key for key in VALUES if key in value), None)
    name = next((name for name in NAMES if name in value), None) if key else None
    return (name, key) if name and key else None


def tells(name: Any, value: Any, secret: Callable[[Any], bool]) -> bool:
    """Return whether a text that stands beside a name, as in a row of names and values, is a secret."""
    if not isinstance(value, str) or not isinstance(name, str) or name.startswith("-") or not secret(name):
        return False
    return not says_nothing(value) and (not is_vague(name) or looks_random(value))


def _is_empty(item: Any) -> bool:
    """Return whether something is no secret, even if it has the name of one."""
    if item is None or isinstance(item, bool):
        return True
    if isinstance(item, str):
        return says_nothing(item)
    return isinstance(item, Mapping | list | tuple | Set) and not item
