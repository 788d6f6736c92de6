"""What the config of a W&B run is made of, without what seems to be secret."""

import math
import platform
from collections.abc import Mapping, Set
from typing import Any, Final

from l2logger import __version__, manifest_file
from l2logger.diagnostics import visible
from l2logger.errors import ConfigError, LogFormatError
from l2logger.plain import resolved
from l2logger.redaction import is_secret, redacted
from l2logger.run import RunInfo

DESCRIPTIONS: Final = "descriptions"
"""What the config has of metrics that were described: ``unit`` and ``better``, by their names."""

_OWN: Final = frozenset({"l2logger", "logger_info", "scenario_info", DESCRIPTIONS})


def config(run: RunInfo, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of the W&B run that mirrors a run.

    Args:
        run: The run.
        more: What the user adds.
    """
    system = {"version": __version__, "python": platform.python_version(), "system": platform.system()}
    infos = {"logger_info": run.logger_info, "scenario_info": run.scenario_info}
    found: dict[str, Any] = manifest_file.merged(
        clean({"l2logger": system, **infos, **more}), _of_manifest(run.scenario_dir)
    )
    return found


def _of_manifest(scenario_dir: str) -> dict[str, Any]:
    """Return what the config has of all that was logged before, also by other processes."""
    try:
        manifest = manifest_file.read(scenario_dir)
    except (OSError, LogFormatError):  # It has none, or a damaged one; the signals tell it, too.
        return {}
    params, said = manifest.get("params"), manifest.get(DESCRIPTIONS)
    found = of_params(params) if isinstance(params, dict) else {}
    return {**found, DESCRIPTIONS: said} if isinstance(said, dict) else found


def of_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the config has of parameters that were logged."""
    return {f"params/{name}" if name in _OWN else name: value for name, value in clean(params).items()}


def of_description(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the config has of a metric that was described."""
    said = {name: visible(fields[name]) for name in ("unit", "better") if fields[name] is not None}
    return {DESCRIPTIONS: {visible(fields["metric"]): said}}


def descriptions(value: Any) -> dict[str, str | None]:
    """Return which values of metrics are the best, by their names, of what a config has of descriptions."""
    known = value.items() if isinstance(value, Mapping) else ()
    return {metric: said.get("better") for metric, said in known if isinstance(said, Mapping)}


def clean(value: Any) -> Any:
    """Return what W&B can keep of a value of the config, without what seems to be secret."""
    return redacted(_kept(value))


def _kept(value: Any) -> Any:
    value = resolved(value, ConfigError)
    if isinstance(value, Mapping):
        return {visible(str(name)): _kept(item) for name, item in value.items()}
    if isinstance(value, list | tuple | Set):
        return [_kept(item) for item in value]
    if hasattr(value, "tolist"):  # of numpy
        return _kept(value.tolist())
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return visible(str(value))


def without_secrets(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options that can be shown to anybody."""
    return {
        option: clean({name: item for name, item in value.items() if not is_secret(name)})
        if isinstance(value, Mapping)
        else value
        for option, value in options.items()
    }
