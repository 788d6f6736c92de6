"""How the episodes of an environment are logged, by the configuration of a run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from l2logger.errors import ConfigError

if TYPE_CHECKING:
    from l2logger.l2logger import DataLogger


class Wrapping:
    """How the episodes of an environment are logged.

    Args:
        section: The configuration.
        env: The environment.

    Attributes:
        metrics: Columns of its records.
    """

    def __init__(self, section: Mapping[str, Any], env: Any) -> None:
        import gymnasium

        from l2logger import gymnasium as wrappers

        if not isinstance(env, gymnasium.Env | gymnasium.vector.VectorEnv):
            raise ConfigError(f"env must be an environment of Gymnasium, or a vector of them; got {env!r}")
        is_vector = isinstance(env, gymnasium.vector.VectorEnv)
        self._wrapper: Any = wrappers.LogVectorEpisodes if is_vector else wrappers.LogEpisodes
        more = section.get("metrics") or []
        if not isinstance(more, list):
            raise ConfigError(f"metrics must be a list of names, got {more!r}")
        info_metrics = [name for name in more if name not in wrappers.METRICS]
        self.metrics = [*wrappers.METRICS, *info_metrics]
        self._options = {
            "task_name": section.get("task_name"),
            "task_params": section.get("task_params"),
            "info_metrics": info_metrics,
            "video_every": _video_every(section.get("video")),
        }

    def wrapped(self, env: Any, logger: "DataLogger") -> Any:
        """Return the environment, wrapped so that it logs its episodes to a first train block."""
        return self._wrapper(env, logger, **self._options)


def _video_every(video: Any) -> Any:
    if not isinstance(video, dict):
        return None if video is False else video
    if unknown := [key for key in video if key != "every"]:
        raise ConfigError(f"video has no key {unknown[0]!r}; there is 'every', a number of episodes")
    return video.get("every")
