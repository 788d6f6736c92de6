"""Facts of the L2 log format: versions, columns, vocabularies, patterns.

Written once here and imported by whatever writes or reads a log. The format itself is described in
``docs/format.md``.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

WORKER_ID: Final = r"[0-9a-zA-Z_\-.]+"
"""What a worker id looks like; ``.`` and ``..`` are refused besides."""

TASK_NAME: Final = r"[0-9a-zA-Z]+_[0-9a-zA-Z]+"
"""What a task name should look like (``<task>_<variant>``): readers warn about others."""

MAX_COUNT: Final = 2**63 - 1
"""Highest ``block_num`` and ``exp_num``: readers hold them in 64-bit signed integers."""

COUNTS: Final = ("block_num", "exp_num")
"""Columns that hold whole numbers; a row without them cannot be placed."""

TIMESTAMP: Final = "%Y%m%dT%H%M%S.%f"
"""What a timestamp looks like, in the words of ``strptime``; always `TIMESTAMP_CHARS` long."""

TIMESTAMP_CHARS: Final = 22

SCENARIO_WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "complexity": ("1-low", "2-intermediate", "3-high"),
        "difficulty": ("1-easy", "2-medium", "3-hard"),
        "scenario_type": ("condensed", "dispersed", "permuted", "alternating", "ste", "custom"),
    }
)
"""What l2metrics expects of ``scenario_info``, in lower case."""

STEP_COUNT: Final = "episode_step_count"
"""A metric by which l2metrics can count steps instead of experiences."""

COMPLETE: Final = "complete"
"""The ``exp_status`` of the last row of an experience."""


class Schema(NamedTuple):
    """One version of the format.

    Attributes:
        version: What ``log_format_version`` says.
        columns: The standard columns, in the order of the file; all others follow, sorted.
        defaults: Values of the columns that a record may leave out.
        vocabularies: For columns with a fixed set of values, these values.
    """

    version: str
    columns: tuple[str, ...]
    defaults: Mapping[str, str]
    vocabularies: Mapping[str, frozenset[str]]

    def __reduce__(self) -> tuple[Any, ...]:
        return _of_version, (self.version,)

    def order(self, names: "set[str] | frozenset[str]") -> tuple[str, ...]:
        """Return all of `names` in the order of the file: standard columns, then extras by code point."""
        extras = sorted(names.difference(self.columns))
        return (*self.columns, *extras)


def _of_version(version: str) -> Schema:
    return VERSIONS[version]


def _schema(version: str, columns: str, defaults: dict[str, str], **vocabularies: str) -> Schema:
    return Schema(
        version,
        tuple(columns.split()),
        MappingProxyType(defaults),
        MappingProxyType({name: frozenset(words.split()) for name, words in vocabularies.items()}),
    )


V1_0: Final = _schema(
    "1.0",
    "block_num exp_num worker_id block_type task_name task_params exp_status timestamp",
    {"worker_id": "worker-default", "exp_status": COMPLETE},
    block_type="train test",
    exp_status="complete incomplete",
)

V1_1: Final = _schema(
    "1.1",
    "block_num exp_num worker_id block_type block_subtype task_name task_params exp_status timestamp",
    {"worker_id": "worker-default", "block_subtype": "wake", "exp_status": COMPLETE},
    block_type="train test",
    block_subtype="wake sleep",
    exp_status="complete incomplete",
)

STANDARD: Final = frozenset(V1_1.columns)
"""The columns that are no metrics, of all versions."""

VERSIONS: Final[Mapping[str, Schema]] = MappingProxyType({"1.0": V1_0, "1.1": V1_1})
