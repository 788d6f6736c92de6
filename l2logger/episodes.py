"""Episodes of reinforcement learning as records of the log: what is told of each, and of which task it is."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from l2logger.blocks import Block, BlockMethods
from l2logger.errors import ConfigError
from l2logger.plain import plain
from l2logger.schema import STEP_COUNT

if TYPE_CHECKING:
    from l2logger.bound import BoundLogger
    from l2logger.l2logger import DataLogger

METRICS: Final = ("reward", "return", "length", STEP_COUNT, "terminated", "truncated")
"""Columns of an episode, for ``metrics_columns``: the sum of its rewards, its steps, and how it ended, as 1.0 or 0.0.

``reward`` and ``episode_step_count`` repeat ``return`` and ``length`` under the names that l2metrics looks for. As it takes
no whole numbers for metrics, all but the latter are floats.
"""

METRICS_WITH_MEAN: Final = (*METRICS, "return_mean", "return_std")
"""The same, and mean and standard deviation of the last returns."""

_NOT_OF_THE_TASK: Final = frozenset({"num_envs", "render_mode", "vector_kwargs", "vectorization_mode", "wrappers"})
_SPEC_ID: Final = re.compile(r"(?P<name>.*?)(?:-v(?P<version>\d+))?")


class Task(NamedTuple):
    """What is learned: name and parameters as they are in the log."""

    name: str
    params: Mapping[str, Any]


def metrics_of_episode(total: float, length: int, *, terminated: bool, truncated: bool) -> dict[str, Any]:
    """Return the `METRICS` of an episode.

    Args:
        total: The sum of its rewards.
        length: Its number of steps.
        terminated: It came to an end.
        truncated: It was cut off.
    """
    total = float(total)
    return {
        "reward": total,
        "return": total,
        "length": float(length),
        STEP_COUNT: int(length),
        "terminated": float(terminated),
        "truncated": float(truncated),
    }


def block_of(to: "Block | DataLogger | BoundLogger", block_type: str = "train") -> Block:
    """Return the block that is meant: it itself, or one of a logger, which begins now.

    Args:
        to: A block, or a logger; ``block_type`` and ``block_subtype`` that are bound to it are those of the block.
        block_type: What kind of block begins if that is not bound.

    Raises:
        ConfigError: It is neither.
    """
    if isinstance(to, Block):
        return to
    if isinstance(to, BlockMethods):
        bound = to._context().get("context", {})
        return to.block(bound.get("block_type", block_type), bound.get("block_subtype", "wake"))
    raise ConfigError(f"expected a block, as logger.block('train') returns it, or a logger; got {to!r}")


def task_of(spec: Any, name: str | None, params: Mapping[str, Any] | None, fallback: str = "") -> Task:
    """Return the task of an environment.

    Args:
        spec: Its specification in Gymnasium's registry, if it has one: ``CartPole-v1`` is the task ``CartPole_v1``, and the
            arguments it was made with are its parameters.
        name: The name, if not that of `spec`.
        params: The parameters, if not those of `spec`.
        fallback: Name of the class, for what has no specification.

    Raises:
        ConfigError: There is nothing to name the task after.
    """
    if name is None:
        name = _name_of(getattr(spec, "id", "") or fallback)
    if params is None:
        params = {} if spec is None else _params_of(spec)
    return Task(name, params)


def tasks_of(
    specs: Iterable[Any],
    names: str | Iterable[str] | None,
    params: Mapping[str, Any] | Iterable[Mapping[str, Any]] | None,
    fallback: str = "",
) -> list[Task]:
    """Return the task of each of several environments.

    Args:
        specs: The specification of each, or None.
        names: One for all, or one for each.
        params: The same for all, or those of each.
        fallback: As for `task_of`.

    Raises:
        ConfigError: There are not as many names or parameters as environments.
    """
    specs = list(specs)
    all_names = [names] * len(specs) if names is None or isinstance(names, str) else list(names)
    all_params = [params] * len(specs) if params is None or isinstance(params, Mapping) else list(params)
    for what, found in (("task_name", all_names), ("task_params", all_params)):
        if len(found) != len(specs):
            raise ConfigError(
                f"{what} must be one for all or one for each of {len(specs)} environments, got {len(found)}"
            )
    return [task_of(*each, fallback) for each in zip(specs, all_names, all_params, strict=True)]


def _name_of(text: str) -> str:
    """Return ``<task>_<variant>`` for an id such as ``ALE/Pong-v5``, or the name of a class."""
    found = _SPEC_ID.fullmatch(text)
    assert found is not None
    stem = re.sub("[^0-9a-zA-Z]", "", found["name"])
    if not stem:
        raise ConfigError("the environment has no name; give task_name, such as 'CartPole_short'")
    return f"{stem}_v{found['version'] or 0}"


def _params_of(spec: Any) -> dict[str, Any]:
    kwargs = {name: value for name, value in spec.kwargs.items() if name not in _NOT_OF_THE_TASK}
    if spec.max_episode_steps is not None:
        kwargs.setdefault("max_episode_steps", spec.max_episode_steps)
    params = plain({"env": spec.id, **kwargs})
    assert isinstance(params, dict)
    return params
