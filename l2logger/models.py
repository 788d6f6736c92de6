"""Models as artifacts: how each kind is saved and loaded. Nothing here pickles.

Arrays are saved and loaded with the package safetensors. Needs ``pip install "l2logger[models]"``.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from l2logger import weights
from l2logger.artifacts import stored
from l2logger.artifacts.contents import scan
from l2logger.artifacts.description import Description
from l2logger.artifacts.drafts import drafting
from l2logger.artifacts.version import Artifact
from l2logger.artifacts.writing import publish
from l2logger.errors import SignalError

OWN: Final = "own"
SAFETENSORS: Final = "safetensors"


def save(root: str, model: Any, name: str, description: Description) -> Artifact:
    """Save a model as the next version of an artifact.

    Args:
        root: Absolute path of the run.
        model: What `l2logger.artifact_methods.ArtifactMethods.save_model` takes.
        name: Of the artifact.
        description: What is said of it.

    Raises:
        SignalError: It cannot be saved.
        ImportError: Arrays are saved with the package safetensors, which is missing.
        LogWriteError: The operating system refused; nothing was stored.
    """
    stem = stored.checked_name(name).rpartition("/")[2]
    own = not isinstance(model, type) and callable(getattr(model, "save", None))
    arrays = None if own else _arrays(model)
    with drafting(root, name) as draft:
        place = os.path.join(draft.content, stem)
        if arrays is None:
            model.save(place)
            entry = _entry(model, draft.content, stem)
        else:
            entry = stem.removesuffix(weights.SUFFIX) + weights.SUFFIX
            weights.write(os.path.join(draft.content, entry), arrays)
        saved = {"format": OWN if own else SAFETENSORS, "entry": entry, "class": _class_name(model)}
        return publish(draft, scan(draft.content), description, model=saved)


def load(
    root: str, name: str, version: str | int, *, into: Any = None, using: Callable[[str], Any] | None = None
) -> Any:
    """Load one version of a model, after comparing the sums of its files.

    Args:
        root: Directory of the run.
        name: Of the artifact.
        version: A version or an alias.
        into: Something with ``load_state_dict``, which gets the arrays as tensors.
        using: Is called with the path of what was saved.

    Raises:
        FileNotFoundError: There is no such model or version.
        LogFormatError: Its files are not those that were written.
        SignalError: It cannot be loaded this way.
        ImportError: Arrays are loaded with the package safetensors, which is missing.
    """
    if into is not None and (using is not None or not callable(getattr(into, "load_state_dict", None))):
        raise SignalError(
            f"into= is a module of torch, without using=; got into={type(into).__name__}, using={using!r}"
        )
    if using is not None and not callable(using):
        raise SignalError(f"using= is what loads the file at a path, such as PPO.load; got {using!r}")
    artifact = stored.verify(root, name, version)
    if using is not None:
        return using(artifact.entry)
    if artifact.model.get("format") != SAFETENSORS:
        if into is not None:
            what = artifact.model.get("class", "no model")
            raise SignalError(f"the artifact {name!r} ({what}) holds no arrays for a module; load it with using=")
        return artifact.entry
    arrays = weights.read(artifact.entry)
    if into is None:
        return arrays
    into.load_state_dict(_tensors(arrays))
    return into


def _arrays(model: Any) -> Mapping[str, Any]:
    """Return a mapping of arrays, maybe nested.

    Raises:
        SignalError: This is none, and has none.
    """
    state = model
    if not isinstance(model, type) and callable(getattr(model, "state_dict", None)):
        state = model.state_dict()
    if isinstance(state, Mapping):
        return state
    what = f"the class {model.__qualname__}" if isinstance(model, type) else f"a {_class_name(model)}"
    raise SignalError(
        f"{what} cannot be saved as a model: that takes an object with save(path), a module of torch, its state dict, or "
        "a mapping of arrays such as {'weights': array}; a file that is there already goes into log_artifact"
    )


def _entry(model: Any, directory: str, stem: str) -> str:
    """Return what the library of the model is to be given to load it: what it has made of the name that it got."""
    found = os.listdir(directory)
    if not found:
        raise SignalError(
            f"save(path) of this {_class_name(model)} wrote nothing at the path, so there is nothing to keep"
        )
    return found[0] if len(found) == 1 else stem


def _tensors(arrays: Mapping[str, Any]) -> dict[str, Any]:
    import torch

    return {
        name: _tensors(each) if isinstance(each, Mapping) else torch.from_numpy(each) for name, each in arrays.items()
    }


def _class_name(model: Any) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"
