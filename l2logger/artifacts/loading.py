"""Models and other artifacts, back from a run. Nothing here unpickles."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from l2logger import weights
from l2logger.artifacts.aliases import LATEST
from l2logger.artifacts.stored import verify
from l2logger.artifacts.version import SAFETENSORS
from l2logger.errors import SignalError


def load(
    run: str | os.PathLike[str],
    name: str = "model",
    version: str | int = LATEST,
    *,
    into: Any = None,
    using: Callable[[str], Any] | None = None,
) -> Any:
    """Load one version of an artifact of a run, after comparing the checksums of its files. The run stays as it is.

    Arrays need ``pip install "l2logger[models]"``.

    Args:
        run: Directory of the run.
        name: The artifact.
        version: ``"latest"``, ``"best"``, another alias, or a version such as ``"v3"``.
        into: Something with ``load_state_dict``, such as a module or an optimizer of torch, which gets what was saved, the
            arrays as tensors, and is returned.
        using: What loads it from a path, such as ``PPO.load`` or ``numpy.load``; what it returns is returned.

    Returns:
        Without `into` and `using`: what `save_model` was given, nested as it was, with arrays of numpy. For a model that was
        saved by its own library, and for what is no model: the path of its file, or of its directory.

    Raises:
        FileNotFoundError: There is no such artifact or version; the message lists what there is.
        LogFormatError: Its files are not those that were written.
        SignalError: It cannot be loaded this way.
        ImportError: A package is missing.

    Example:
        >>> net = load("logs/ppo-1795229218-7487311", "net", "best", into=net)  # doctest: +SKIP
    """
    if into is not None:
        _check_into(into, using)
    if using is not None and not callable(using):
        raise SignalError(f"using= is what loads the file at a path, such as PPO.load; got {using!r}")
    artifact = verify(run, name, version)
    if using is not None:
        return using(artifact.entry)
    if artifact.model.get("format") != SAFETENSORS:
        if into is not None:
            what = artifact.model.get("class", "no model")
            raise SignalError(f"the artifact {name!r} ({what}) holds no arrays for a module; load it with using=")
        return artifact.entry
    content = weights.read(artifact.entry)
    if into is None:
        return content
    into.load_state_dict(_with_tensors(content))
    return into


def _check_into(into: Any, using: Any) -> None:
    if isinstance(into, type):
        raise SignalError(f"into= is an object that is there already, got the class {into.__qualname__}")
    if using is not None or not callable(getattr(into, "load_state_dict", None)):
        raise SignalError(
            "into= is a module or an optimizer of torch, or whatever else has load_state_dict, without using=; "
            f"got into={type(into).__name__}, using={using!r}"
        )


def _with_tensors(content: Any) -> Any:
    import torch

    if isinstance(content, Mapping):
        return {key: _with_tensors(each) for key, each in content.items()}
    if isinstance(content, list | tuple):
        return type(content)(map(_with_tensors, content))
    return torch.from_numpy(content) if hasattr(content, "dtype") else content
