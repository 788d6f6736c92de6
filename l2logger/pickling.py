"""Pickling of objects whose module may be reloaded.

`pickle` refuses an object whose class is not the very one that its module holds now. After ``importlib.reload``, which
notebooks do all the time, that is so for every object made before. So a logger is pickled by the name of its class.
"""

import importlib
from typing import Any


def rebuild(module: str, qualname: str, state: Any) -> Any:
    """Return a new object of the named class, given `state` by its ``__setstate__``."""
    cls: Any = importlib.import_module(module)
    for name in qualname.split("."):
        cls = getattr(cls, name)
    instance = cls.__new__(cls)
    instance.__setstate__(state)
    return instance
