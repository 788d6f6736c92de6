"""What had better not be written down: found by the names of things, and by what values look like.

Nothing here knows of signals. `l2logger.processors.Redact` goes through those, the mirrors go through the info files, and the
manifest goes through the command line.
"""

from collections.abc import Callable, Mapping, Set
from typing import Any, Final

from l2logger.redaction.names import is_secret
from l2logger.redaction.shapes import redacted_text, says_nothing

__all__ = ["REDACTED", "is_secret", "redacted", "redacted_text", "says_nothing"]

REDACTED: Final = "[redacted]"
"""What stands for a secret."""

_PLAIN: Final = frozenset({int, float, bool, type(None)})


def redacted(
    value: Any, *, secret: Callable[[Any], bool] = is_secret, allowed: Callable[[Any], bool] | None = None
) -> Any:
    """Return a value without the secrets in it; the very same object if there are none.

    Of a mapping, what has a secret name is replaced as a whole, unless it says nothing: None, empty, or a truth value. Of a
    list, what follows ``--password`` and the like is taken for a secret, as in a command line, and all after the ``=`` of
    ``db.password=x``. In all other text only the secret itself is replaced. What is changed becomes a dict or a list.

    Args:
        value: Anything, nested.
        secret: Tells whether the value of a name is a secret.
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
    for name, item in value.items():
        if allowed is not None and allowed(name):
            new_name, new = name, item
        else:
            new_name = redacted_text(name) if isinstance(name, str) else name
            if secret(name):
                new = item if _is_empty(item) else REDACTED
            else:
                new = redacted(item, secret=secret, allowed=allowed)
        found[new_name] = new
        changed |= new is not item or new_name is not name
    return found if changed else value


def _redacted_list(value: Any, secret: Callable[[Any], bool], allowed: Any) -> Any:
    found = []
    changed = follows_flag = False
    for item in value:
        if isinstance(item, str):
            name, mark, rest = item.partition("=")
            named = secret(name) and (allowed is None or not allowed(name))
            if follows_flag and not item.startswith("-"):
                new, follows_flag = REDACTED, False
            elif mark and named:
                new, follows_flag = (item if says_nothing(rest) else f"{name}={REDACTED}"), False
            else:
                new, follows_flag = redacted_text(item), named and item.startswith("-")
        else:
            new, follows_flag = redacted(item, secret=secret, allowed=allowed), False
        found.append(new)
        changed |= new is not item
    return found if changed else value


def _is_empty(item: Any) -> bool:
    """Return whether something is no secret, even if it has the name of one."""
    if item is None or isinstance(item, bool):
        return True
    if isinstance(item, str):
        return says_nothing(item)
    return isinstance(item, Mapping | list | tuple | Set) and not item
