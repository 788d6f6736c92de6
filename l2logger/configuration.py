"""A run from one mapping, as a program reads it from YAML, Hydra or its command line."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, overload

from l2logger.configured_env import Wrapping
from l2logger.errors import ConfigError
from l2logger.l2logger import DataLogger
from l2logger.plain import resolved
from l2logger.processors import Processor, canonical
from l2logger.processors.system import System
from l2logger.sinks import named
from l2logger.sinks.sink import Sink

__all__ = ["from_config"]

SECTION: Final = "logger"
"""Where the configuration of a whole experiment has the keys of `from_config`."""

_SWITCHES: Final = ("strict", "gitignore")
_OPTIONS: Final = ("fsync", "format_version", "tags", *_SWITCHES)
_OF_ENV: Final = ("task_name", "task_params", "video")
_KEYS: Final = ("scenario", "dir", "metrics", "scenario_info", "sinks", "wandb", "tensorboard", "system", "params", *_OPTIONS, *_OF_ENV)  # fmt: skip
_MISSING: Final = "???"  # of OmegaConf


@overload
def from_config(cfg: Any, env: None = None) -> DataLogger: ...
@overload
def from_config(cfg: Any, env: Any) -> tuple[DataLogger, Any]: ...
def from_config(cfg: Any, env: Any = None) -> DataLogger | tuple[DataLogger, Any]:
    """Return the logger of a new run that one mapping describes, and log that mapping.

    All of it is logged as parameters, its references resolved, its secrets redacted. What is under ``logger`` sets up the run, so
    that it is one section of the configuration of an experiment; without such a key, the mapping itself is that section, and is
    logged as ``logger``. It has nothing but these keys:

    - ``scenario``: name of the scenario; with an environment, its id if it is left out.
    - ``dir``: where runs are kept; ``logs`` if it is left out.
    - ``metrics``: names of the columns that each record brings; with an environment, further numbers in its ``info``.
    - ``sinks``: as for `l2logger.sinks.build`, or as in ``L2LOGGER_SINKS``.
    - ``wandb``, ``tensorboard``: options of these sinks (``project``, ``group``, ``tags``, ``mode``, ``dir`` ...); ``true`` for the defaults;
      not with ``enabled: false``. W&B gets the ``tags`` of the run if it has none of its own.
    - ``system``: how many seconds are between measurements of the machine; ``true`` for ten. See `l2logger.processors.System`.
    - ``tags``, ``scenario_info``, ``strict``, ``fsync``, ``format_version``, ``gitignore``: as for `l2logger.DataLogger`.
    - ``params``: a mapping of anything else that is to be logged.
    - ``task_name``, ``task_params``, and ``video`` (``every`` so many episodes): for the wrapper of an environment.

    Args:
        cfg: A mapping, such as a dict, or a configuration of OmegaConf or Hydra.
        env: An environment of Gymnasium, or a vector of them, whose episodes are to be logged.

    Returns:
        The logger; with an environment, also that environment in a `l2logger.gymnasium.LogEpisodes` or ``LogVectorEpisodes``.

    Raises:
        ConfigError: A key is not known, or its value is not what it should be; no run was begun, unless it is the environment
            that is refused.
        DirectoryError: The directory cannot be made.

    Example:
        >>> cfg = {"scenario": "cartpole", "metrics": ["reward"], "wandb": {"project": "l2", "mode": "offline"}}
        >>> logger = from_config(cfg)  # doctest: +SKIP
    """
    whole = _resolved(cfg)
    section, place = _section(whole)
    _check_keys(section, place)
    params = _params(whole, section)
    wrapping = None if env is None else Wrapping(section, env)
    processors: list[Processor] = canonical()
    system = section.get("system")
    if system is not None and system is not False:
        processors.insert(0, System() if system is True else System(system))
    logger = DataLogger(
        section.get("dir") or "logs",
        _scenario(section, env),
        {"metrics_columns": _metrics(section) if wrapping is None else wrapping.metrics},
        section.get("scenario_info"),
        sinks=_sinks(section),
        processors=processors,
        **_options(section),
    )
    logger.log_config(params)
    if wrapping is None:
        return logger
    try:
        return logger, wrapping.wrapped(env, logger)
    except BaseException as error:
        logger.__exit__(type(error), error, error.__traceback__)
        raise


def _resolved(value: Any) -> Any:
    """Return mappings and lists, those of OmegaConf too, as dicts and lists."""
    value = resolved(value, ConfigError)
    if isinstance(value, Mapping):
        return {key: _resolved(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(item) for item in value]
    return value


def _section(whole: Any) -> tuple[dict[str, Any], str]:
    """Return the part of a configuration that is ours, and how its keys are called."""
    if not isinstance(whole, dict):
        raise ConfigError(
            "a configuration must be a mapping such as {'scenario': 'cartpole', 'metrics': ['reward']}, "
            f"got a {type(whole).__name__}"
        )
    if SECTION not in whole:
        return whole, ""
    section = whole[SECTION]
    if not isinstance(section, dict):
        raise ConfigError(f"{SECTION!r} in the configuration must be a mapping, got {section!r}")
    return section, f"{SECTION}."


def _check_keys(section: Mapping[str, Any], place: str) -> None:
    for key, value in section.items():
        if key not in _KEYS:
            near = get_close_matches(str(key), _KEYS, 1)
            guess = f", did you mean {near[0]!r}?" if near else ""
            advice = (
                "" if place else f"; parameters of the experiment go under 'params', or these keys under {SECTION!r}"
            )
            raise ConfigError(f"the configuration has no key {place}{key}{guess}; there are {', '.join(_KEYS)}{advice}")
        if value == _MISSING:
            raise ConfigError(f"the configuration has no value for {place}{key}")


def _params(whole: dict[str, Any], section: dict[str, Any]) -> dict[str, Any]:
    """Return what is logged: the parameters of the experiment, and what we were told under ``logger``."""
    more = section.get("params") or {}
    if not isinstance(more, dict):
        raise ConfigError(f"params must be a mapping of parameters, got {more!r}")
    own = {key: value for key, value in section.items() if key != "params"}
    return {**({} if whole is section else whole), **more, SECTION: own}


def _scenario(section: Mapping[str, Any], env: Any) -> Any:
    name = section.get("scenario")
    if name is None and env is not None:
        spec = getattr(env, "spec", None)
        name = getattr(spec, "id", None) or type(getattr(env, "unwrapped", env)).__name__
        name = name.replace("/", "-")  # of a namespace, as in ALE/Pong-v5
    if name is None:
        raise ConfigError("the configuration needs a 'scenario', the name of the scenario, such as 'cartpole'")
    return name


def _metrics(section: Mapping[str, Any]) -> Any:
    metrics = section.get("metrics")
    if not isinstance(metrics, list) or not metrics:
        raise ConfigError(
            f"the configuration needs 'metrics', a list of the columns that each record brings, such as ['reward']; got {metrics!r}"
        )
    return metrics


def _options(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `DataLogger` that are given under their own names."""
    options = {key: section[key] for key in _OPTIONS if section.get(key) is not None}
    for key in _SWITCHES:
        if not isinstance(options.get(key, False), bool):
            raise ConfigError(f"{key} must be true or false, got {options[key]!r}")
    if isinstance(options.get("format_version"), float):  # as YAML reads 1.1
        options["format_version"] = str(options["format_version"])
    return options


def _sinks(section: Mapping[str, Any]) -> list[Sink]:
    """Return all sinks, in the order that they are given in."""
    given = section.get("sinks")
    sinks: list[Sink] = []
    for each in given if isinstance(given, list) else [given]:
        sinks += [each] if isinstance(each, Sink) else named.build(each)
    for name in ("wandb", "tensorboard"):
        options = _switched(name, section.get(name))
        if options is None:
            continue
        if any(sink.name == name for sink in sinks):
            raise ConfigError(f"the sink {name!r} is configured twice, under 'sinks' and under {name!r}")
        if name == "wandb" and section.get("tags"):
            options.setdefault("tags", section["tags"])
        if name == "tensorboard" and "dir" in options:
            options["directory"] = options.pop("dir")
        sinks += named.build({name: options})
    return sinks


def _switched(name: str, options: Any) -> dict[str, Any] | None:
    """Return the options of a sink, None if it is switched off."""
    if options is None or isinstance(options, bool):
        return {} if options else None
    if not isinstance(options, dict):
        raise ConfigError(f"{name!r} must be a mapping of options, true or false; got {options!r}")
    enabled = options.get("enabled", True)
    if not isinstance(enabled, bool):
        raise ConfigError(f"{name}.enabled must be true or false, got {enabled!r}")
    return {key: value for key, value in options.items() if key != "enabled"} if enabled else None
