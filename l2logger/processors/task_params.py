"""The parameters of a task, as JSON."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from l2logger.errors import RecordError
from l2logger.run import Run, only_for
from l2logger.signals import RECORD


@only_for(RECORD)
def encode_task_params(logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
    """Turn ``task_params`` into JSON text.

    Mappings, numpy numbers, and arrays and tensors (anything with ``tolist``) inside are taken for what they hold.
    In a strict run NaN, infinities and keys that become equal as text are refused, so that the text is JSON proper.

    Raises:
        RecordError: ``task_params`` is not a mapping, or JSON cannot hold what is inside.
    """
    event["task_params"] = encode(event["task_params"], strict=logger.strict)
    return event


def encode(params: Any, *, strict: bool = False) -> str:
    """Return `params` as JSON text; see `encode_task_params`."""
    if not isinstance(params, Mapping):
        raise RecordError(f"task_params must be a dict, got {params!r}")
    if type(params) is not dict:
        params = dict(params)
    if strict:
        _refuse_ambiguous(params, "task_params")
    try:
        return _encode(params)
    except RecursionError as error:
        raise RecordError("task_params is nested too deeply for JSON") from error
    except Exception as error:
        place = "task_params"
        with suppress(Exception):  # what is inside may be no better at being looked at
            place = _culprit(params, place)
        raise RecordError(f"{place} cannot be written as JSON: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not a number, text, bool, None, list or dict")


_encode = json.JSONEncoder(default=_plain).encode


def _culprit(value: Any, place: str) -> str:
    """Return the place of the innermost value that JSON cannot hold, such as ``task_params['physics']['g']``."""
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list | tuple):
        children = enumerate(value)
    for key, child in children:
        inner = f"{place}[{key!r}]"
        try:
            json.dumps(child, default=_plain)
        except (ValueError, RecursionError):
            return inner  # A circle, or an abyss: it has no innermost value.
        except Exception:
            return _culprit(child, inner)
    return place


def _refuse_ambiguous(value: Any, place: str, depth: int = 0) -> None:
    if depth > 100:
        raise RecordError(f"task_params is nested more than {depth - 1} levels deep")
    if isinstance(value, Mapping):
        if len({str(key) for key in value}) < len(value):
            raise RecordError(f"{place} has keys that are the same as text: {list(value)}")
        for key, item in value.items():
            _refuse_ambiguous(item, f"{place}[{key!r}]", depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse_ambiguous(item, f"{place}[{index}]", depth + 1)
    elif isinstance(value, float) and value - value != 0:
        raise RecordError(f"{place} is {value}, which JSON does not have; use None or text")
