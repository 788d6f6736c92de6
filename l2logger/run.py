"""What processors and sinks may ask of the run they work for."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from l2logger.schema import Schema


class RunInfo(NamedTuple):
    """What a sink learns about its run when it opens: a snapshot, as the sink may live in another thread or process.

    Attributes:
        scenario_dir: Absolute path of the run.
        logger_info: Content of ``logger_info.json``; ``metrics_columns`` names the metrics.
        scenario_info: Content of ``scenario_info.json``.
    """

    scenario_dir: str
    logger_info: Mapping[str, Any]
    scenario_info: Any


class Run(Protocol):
    """The part of `l2logger.DataLogger` that processors get as their first argument."""

    @property
    def scenario_dir(self) -> str:
        """Directory of the run."""

    @property
    def root(self) -> str:
        """Absolute path of that directory."""

    @property
    def logger_info(self) -> dict[str, Any]:
        """Content of ``logger_info.json``; ``metrics_columns`` names the metrics."""

    @property
    def scenario_info(self) -> Any:
        """Content of ``scenario_info.json``."""

    @property
    def schema(self) -> Schema:
        """The version of the format that is written."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Columns of the log in the order of the file, or None before the first record has fixed them."""

    @property
    def strict(self) -> bool:
        """Whether a doubt is an error."""

    def write_info_files(self) -> None:
        """Write both info files."""

    @property
    def doubted(self) -> set[str]:
        """The kinds of doubt that were said already."""

    def doubt(self, kind: str, message: str, *parts: Any) -> None:
        """Say that the log can hold this record, but tools that read it will stumble.

        Args:
            kind: A word for the trouble; each is said once in a run.
            message: What was got, what it breaks, what to do, with ``{}`` for each of `parts`.
            *parts: Values for the message.

        Raises:
            RecordError: The run is strict.
        """


_P = TypeVar("_P")


def only_for(*kinds: str) -> Callable[[_P], _P]:
    """Have a function that is a processor get signals of some kinds only; classes have an attribute ``kinds``."""

    def mark(processor: _P) -> _P:
        processor.kinds = frozenset(kinds)  # type: ignore[attr-defined]
        return processor

    return mark


class Processor(Protocol):
    """A structlog processor: takes an event and returns it, changed or not.

    It may raise: `structlog.DropEvent` to drop the record silently, anything else to refuse it. One with a memory
    also has ``commit(event)``, called once the signal is on disk, so that a refused one is never remembered. One with an
    attribute ``kinds``, a set, gets no signals of other kinds.
    """

    def __call__(self, logger: Any, kind: str, event: Any, /) -> Mapping[str, Any]: ...
