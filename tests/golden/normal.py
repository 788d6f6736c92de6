"""What two runs must have in common: every file, but for the time in them and in their name."""

import re
from pathlib import Path

_STAMP = re.compile(rb"\b\d{8}T\d{6}\.\d{6}\b")
_EPOCH = re.compile(r"-\d{10}-\d{1,7}$")


def normal_tree(base: Path) -> dict[str, bytes]:
    """Return the bytes of all files below `base` by their path, with all times set to the same one."""
    tree = {}
    for path in sorted(base.rglob("*")):
        if path.is_file():
            first, *rest = path.relative_to(base).parts
            tree["/".join([_EPOCH.sub("", first), *rest])] = _STAMP.sub(b"20000101T000000.000000", path.read_bytes())
    return tree
