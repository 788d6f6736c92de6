"""What the config of a W&B run is made of, without what seems to be secret."""

import math
import platform
import re
import sys
from collections.abc import Mapping, Set
from typing import Any

from l2logger import __version__
from l2logger.diagnostics import visible
from l2logger.run import RunInfo

_secret = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|token|authorization|credentials?|(api|access|private|secret)_?key)$"
).search
_into_words = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+").sub


def config(run: RunInfo, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of the W&B run that mirrors a run.

    Args:
        run: The run.
        more: What the user adds.
    """
    system = {"version": __version__, "python": platform.python_version(), "system": platform.system()}
    infos = {"logger_info": run.logger_info, "scenario_info": run.scenario_info}
    cleaned: dict[str, Any] = clean({"l2logger": system, **infos, **more})
    return cleaned


def plain(value: Any) -> Any:
    """Return a section of OmegaConf as a dict or list, with its references resolved, and other things as they are."""
    omegaconf = sys.modules.get("omegaconf")
    if omegaconf is not None and omegaconf.OmegaConf.is_config(value):
        return omegaconf.OmegaConf.to_container(value, resolve=True)
    return value


def clean(value: Any) -> Any:
    """Return what W&B can keep of a value of the config, without what seems to be secret."""
    value = plain(value)
    if isinstance(value, Mapping):
        return {
            visible(str(name)): "[redacted]" if is_secret(name) and item is not None else clean(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | Set):
        return [clean(item) for item in value]
    if hasattr(value, "tolist"):  # of numpy
        return clean(value.tolist())
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


def is_secret(name: Any) -> bool:
    """Return whether what has this name had better stay here."""
    return _secret(_into_words("_", str(name)).lower()) is not None
