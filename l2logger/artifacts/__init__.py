"""Files that a run keeps: models, data sets, whatever is worth a version.

::

    <run>/artifacts/<name>/v0/           the files of the first version, and metadata.json
    <run>/artifacts/<name>/v1/           ...
    <run>/artifacts/<name>/aliases.json  which version is "latest", "best" and whatever else was said
    <run>/artifacts/.lock                held while a version takes its place
    <run>/artifacts/.tmp-<host>-<pid>-.. a version in the making; the next write removes those of killed processes

A version is complete or not there, and never changes. Its digest is made of the paths, sizes and SHA-256 sums of its
files. Names may have slashes.
"""

from l2logger.artifacts.loading import load
from l2logger.artifacts.stored import find, names, path, verify, versions
from l2logger.artifacts.version import Artifact

__all__ = ["Artifact", "find", "load", "names", "path", "verify", "versions"]
