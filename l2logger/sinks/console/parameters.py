"""Parameters as the sections of their frame."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from l2logger.manifest_file import merged
from l2logger.signals import thawed

_MAX_SECTIONS: Final = 20
_MAX_PARAMETERS: Final = 40
_MAX_DEPTH: Final = 10


class Parameters:
    """The parameters of a run, merged as they come.

    Args:
        title: The title of those that are in no group.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._known: dict[str, Any] = {}

    def add(self, params: Any) -> dict[str, dict[str, Any]]:
        """Merge parameters into those before, and return the groups that are concerned, as far as they can be shown.

        Args:
            params: Groups and single parameters by name, nested; anything else is a single parameter.
        """
        if not isinstance(params, Mapping):
            return {self._title: {"scenario_info": thawed(params)}}
        self._known = merged(self._known, thawed(params))
        groups: dict[str, dict[str, Any]] = {}
        for name in params:
            value = self._known[name]
            if isinstance(value, dict):
                groups[str(name)] = value
            else:
                groups[self._title] = {key: each for key, each in self._known.items() if not isinstance(each, dict)}
        return {title: _beginning(group) for title, group in list(groups.items())[:_MAX_SECTIONS]}


def _beginning(group: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for count, (name, value) in enumerate(flat := list(_flat(group))):
        if count == _MAX_PARAMETERS:
            found["..."] = f"and {len(flat) - count:,} more"
            break
        found[name] = value
    return found


def _flat(group: Mapping[str, Any], prefix: str = "", depth: int = _MAX_DEPTH) -> Iterator[tuple[str, Any]]:
    """Yield parameters with the names of the groups in which they are."""
    for name, value in group.items():
        if isinstance(value, Mapping) and value and depth:
            yield from _flat(value, f"{prefix}{name}.", depth - 1)
        else:
            yield f"{prefix}{name}", value
