"""Models as artifacts: how each kind is saved. Nothing here pickles.

Arrays are saved with the package safetensors. Needs ``pip install "l2logger[models]"``.
"""

import os
from collections.abc import Mapping
from typing import Any

from l2logger import weights
from l2logger.artifacts import stored
from l2logger.artifacts.contents import scan
from l2logger.artifacts.description import Description
from l2logger.artifacts.drafts import drafting
from l2logger.artifacts.version import OWN, SAFETENSORS, Artifact
from l2logger.artifacts.writing import publish
from l2logger.errors import SignalError


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
    state = None if own else _state(model)
    with drafting(root, name) as draft:
        place = os.path.join(draft.content, stem)
        if state is None:
            model.save(place)
            entry = _entry(model, draft.content, stem)
        else:
            entry = stem.removesuffix(weights.SUFFIX) + weights.SUFFIX
            weights.write(os.path.join(draft.content, entry), state)
        saved = {"format": OWN if own else SAFETENSORS, "entry": entry, "class": _class_name(model)}
        return publish(draft, scan(draft.content), description, model=saved)


def _state(model: Any) -> Mapping[Any, Any]:
    """Return what a model consists of, by name.

    Raises:
        SignalError: It does not tell, or is a class.
    """
    state = model
    if not isinstance(model, type) and callable(getattr(model, "state_dict", None)):
        state = model.state_dict()
    if isinstance(state, Mapping):
        return state
    what = f"the class {model.__qualname__}" if isinstance(model, type) else f"a {_class_name(model)}"
    raise SignalError(
        f"{what} cannot be saved as a model: that takes an object with save(path), one with state_dict() such as a "
        "module or an optimizer of torch, a mapping of state dicts, or one of arrays such as {'weights': array}; "
        "a file that is there already goes into log_artifact"
    )


def _entry(model: Any, directory: str, stem: str) -> str:
    """Return what the library of the model is to be given to load it: what it has made of the name that it got."""
    found = os.listdir(directory)
    if not found:
        raise SignalError(
            f"save(path) of this {_class_name(model)} wrote nothing at the path, so there is nothing to keep"
        )
    return found[0] if len(found) == 1 else stem


def _class_name(model: Any) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"
