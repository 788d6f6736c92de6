"""`DataLogger`, the one door for writing a run.

The module has the name of the one in l2logger 1.x, where ``from l2logger import l2logger`` and then
``l2logger.DataLogger(...)`` is the documented use.
"""

import copy
import os
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from l2logger import info_files, numbering, paths, recovery
from l2logger.artifact_methods import ArtifactMethods
from l2logger.blocks import BlockMethods
from l2logger.bound import BoundLogger
from l2logger.checks import seconds
from l2logger.diagnostics import warn
from l2logger.errors import ConfigError, DirectoryError, RecordError, RecordWarning
from l2logger.media_methods import MediaMethods
from l2logger.pickling import rebuild
from l2logger.pipeline import Pipeline, chain
from l2logger.processors import Clocks, OrderChecker, Processor, Timings, canonical
from l2logger.run import RunInfo
from l2logger.schema import V1_1, VERSIONS, Schema
from l2logger.shortcut import Shortcut
from l2logger.signal_methods import SignalMethods
from l2logger.signals import RECORD
from l2logger.sinks.fan_out import FanOut, checked, isolated
from l2logger.sinks.health import Health
from l2logger.sinks.pace import Pace
from l2logger.sinks.sink import Sink
from l2logger.store import RunStore

if TYPE_CHECKING:
    from l2logger.media.drawing import Drawing
    from l2logger.media.encoder import Encoder

__all__ = ["BoundLogger", "DataLogger", "Progress"]

_T = TypeVar("_T")
_UNBOUND = {"worker_id": V1_1.defaults["worker_id"]}


class Progress(NamedTuple):
    """How far a worker has come.

    Attributes:
        block_num: Block of its last record.
        exp_num: Experience of its last record.
        complete: Whether that experience is complete, so that the next is ``exp_num + 1``.
    """

    block_num: int
    exp_num: int
    complete: bool

    @property
    def next_exp_num(self) -> int:
        """The experience to go on with: the next one, or this one again if it is not complete."""
        return self.exp_num + self.complete


class DataLogger(SignalMethods, MediaMethods, ArtifactMethods, BlockMethods):
    """Log the experiences of a lifelong-learning scenario to a new directory.

    The directory ``<logging_base_dir>/<scenario>-<time>`` and its two info files are made at once, the files of
    records with the first record that needs them. When `log_record` returns, the row is in the hands of the operating
    system: killing the process loses nothing. Nothing needs to be closed for the log to be whole.

    One logger may be used from several threads, and from forked children, each under a ``worker_id`` of its own.

    Args:
        logging_base_dir: Where runs are kept; made if it does not exist.
        scenario_name: Name of the scenario; the last component of a path, up to its first dot, is used.
        logger_info: A dict whose ``metrics_columns`` lists the columns that every record brings besides the standard
            ones. It is written to ``logger_info.json`` together with the version of the format. A run that logs no records
            needs none.
        scenario_info: Anything JSON can hold, for ``scenario_info.json``; what is empty becomes ``{}``.
        sinks: Mirrors: each gets every record that was stored, where its `Sink.isolate` says. They never stop the logging. The
            environment variable ``L2LOGGER_SINKS``, such as ``"console,tensorboard"``, adds more.
        processors: The chain that records go through, instead of `l2logger.processors.canonical`.
        format_version: ``"1.1"``, or ``"1.0"``, which has no ``block_subtype``.
        fsync: When to wait for the disk: ``"never"``, on ``"flush"`` (and close), or ``"always"``, for each record. This
            is about power cuts; no setting loses a row to a killed process.
        strict: Make an error of what is otherwise a `RecordWarning`, and refuse values that are not a number or text.
        gitignore: If `logging_base_dir` has to be made, put a ``.gitignore`` into it that keeps all logs out of git.
        tags: Words by which the run is found again; they go to ``run.json``.

    Raises:
        ConfigError: An argument is not what it should be; nothing was created.
        DirectoryError: The directory cannot be made.

    Example:
        >>> with DataLogger("logs", "cartpole", {"metrics_columns": ["reward"]}) as logger:  # doctest: +SKIP
        ...     logger.log_record(
        ...         block_num=0, block_type="train", task_name="CartPole_long", task_params={"length": 1.0},
        ...         exp_num=0, reward=21.0,
        ...     )
    """

    def __init__(
        self,
        logging_base_dir: str | os.PathLike[str],
        scenario_name: str | os.PathLike[str],
        logger_info: dict[str, Any] | None = None,
        scenario_info: Any = None,
        *,
        sinks: Iterable[Sink] = (),
        processors: Iterable[Processor] | None = None,
        format_version: str = "1.1",
        fsync: str = "never",
        strict: bool = False,
        gitignore: bool = False,
        tags: Iterable[str] = (),
    ) -> None:
        if not isinstance(format_version, str) or format_version not in VERSIONS:
            raise ConfigError(f"format_version must be one of {', '.join(map(repr, VERSIONS))}, got {format_version!r}")
        schema = VERSIONS[format_version]
        logger_info = info_files.checked_logger_info(logger_info, schema, strict=strict)
        stem = paths.scenario_stem(scenario_name)
        self._tags, self._owns_run = _checked_tags(tags), True
        self._configure(logging_base_dir, schema, logger_info, scenario_info or {}, fsync=fsync, strict=strict)
        self._connect(_with_environment(sinks), processors)
        self._live_in(paths.make_scenario_dir(logging_base_dir, stem, gitignore=gitignore))
        try:
            self.write_info_files()
        except OSError as error:
            raise DirectoryError(
                error.errno, f"the info files cannot be written: {error.strerror}", self._scenario_dir
            ) from error
        self._open_mirrors()

    def _configure(
        self,
        logging_base_dir: Any,
        schema: Schema,
        logger_info: dict[str, Any],
        scenario_info: Any,
        *,
        fsync: str,
        strict: bool,
    ) -> None:
        """Keep the arguments, as a snapshot, after finding that they can be written."""
        info_files.encode("logger_info", logger_info, strict=strict)
        info_files.encode("scenario_info", scenario_info, strict=strict)
        self._logging_base_dir = logging_base_dir
        self._schema = schema
        self._logger_info = copy.deepcopy(logger_info)
        self._scenario_info = copy.deepcopy(scenario_info)
        self._fsync = fsync
        self._strict = strict
        self.doubted: set[str] = set()

    def _connect(self, sinks: Iterable[Sink], processors: Iterable[Processor] | None) -> None:
        """Wire chain, store and mirrors together."""
        if processors is not None and not isinstance(processors, Iterable):
            raise ConfigError(f"processors must be a list, such as l2logger.processors.canonical(), got {processors!r}")
        self._processors = canonical() if processors is None else list(processors)
        self._store = RunStore(self._fsync, self._tags, owner=self._owns_run)
        self._mirrors = FanOut(map(isolated, sinks))
        shortcut = Shortcut.for_chain(self, chain(self._processors, RECORD), self._store.records)
        self._pipeline = Pipeline(self, self._processors, self._store, self._mirrors, shortcut, self._encoder)
        self._paces: dict[tuple[str, int | float], Pace] = {}

    def _live_in(self, scenario_dir: str) -> None:
        self._scenario_dir = scenario_dir
        self._root = os.path.abspath(scenario_dir)  # so that a later chdir does not split the run
        self._store.open(self, self._root)

    def _encoder(self, deliver: Callable[[str, dict[str, Any]], None]) -> "Encoder":
        from l2logger.media.encoder import Encoder

        # Here, and not in the thread of the encoder: a fork while another thread imports leaves the child without the module.
        with self._pipeline.hold():
            self._store.begin()
        return Encoder(self._root, deliver)

    def _open_mirrors(self) -> None:
        if self._mirrors:
            from l2logger.redaction import redacted

            # Not copied here: each mirror gets a copy of its own.
            self._mirrors.open(RunInfo(self._root, redacted(self._logger_info), redacted(self._scenario_info)))

    @classmethod
    def join(
        cls,
        scenario_dir: str | os.PathLike[str],
        *,
        sinks: Iterable[Sink] = (),
        processors: Iterable[Processor] | None = None,
        fsync: str = "never",
        strict: bool = False,
    ) -> Self:
        """Open an existing run for one more worker, while others may be writing it.

        Args:
            scenario_dir: Directory of the run, or its bare name below ``$L2DATA/logs``.
            sinks: As for a new run.
            processors: As for a new run.
            fsync: As for a new run.
            strict: As for a new run.

        Raises:
            DirectoryError: There is no such run.
            LogFormatError: What is there is not a run.
            SchemaError: Its files have different columns.
        """
        return cls._continue(scenario_dir, sinks, processors, fsync=fsync, strict=strict, repair=False)

    @classmethod
    def resume(
        cls,
        scenario_dir: str | os.PathLike[str],
        *,
        sinks: Iterable[Sink] = (),
        processors: Iterable[Processor] | None = None,
        fsync: str = "never",
        strict: bool = False,
    ) -> Self:
        """Go on with a run whose process has ended, however it did.

        Unfinished last rows are moved to ``data-log.tsv.torn``, and `progress` tells where each worker stopped. An
        experience that was stopped before its row with ``exp_status="complete"`` is to be done again; its earlier rows
        stay in the log as ``incomplete``, which readers leave out.

        Args:
            scenario_dir: Directory of the run, or its bare name below ``$L2DATA/logs``.
            sinks: As for a new run.
            processors: As for a new run.
            fsync: As for a new run.
            strict: As for a new run.

        Raises:
            DirectoryError: There is no such run.
            LogFormatError: What is there is not a run.
            SchemaError: Its files have different columns.
            LogLockedError: Somebody is still writing it; use `join`.
        """
        return cls._continue(scenario_dir, sinks, processors, fsync=fsync, strict=strict, repair=True)

    @classmethod
    def _continue(
        cls,
        scenario_dir: str | os.PathLike[str],
        sinks: Iterable[Sink],
        processors: Iterable[Processor] | None,
        *,
        fsync: str,
        strict: bool,
        repair: bool,
    ) -> Self:
        directory = os.path.normpath(paths.find_run(scenario_dir))
        self = cls.__new__(cls)
        self._tags, self._owns_run = (), repair
        try:
            schema, logger_info, scenario_info = recovery.read_infos(directory)
            self._configure(os.path.dirname(directory), schema, logger_info, scenario_info, fsync=fsync, strict=strict)
            self._connect(_with_environment(sinks), processors)
            found = recovery.examine(directory, schema, repair=repair)
        except DirectoryError:
            raise
        except OSError as error:
            raise DirectoryError(error.errno, f"the run cannot be opened: {error.strerror}", error.filename) from error
        self._store.records.columns = found.columns
        for order in self._orders():
            order.restore(found.rows)
        self._live_in(directory)
        if repair:
            numbering.resume(self)
        self._open_mirrors()
        return self

    def _orders(self) -> list[OrderChecker]:
        return [processor for processor in self._processors if isinstance(processor, OrderChecker)]

    @property
    def logging_base_dir(self) -> Any:
        """Where runs are kept, as it was given."""
        return self._logging_base_dir

    @property
    def scenario_dir(self) -> str:
        """Directory of the run."""
        return self._scenario_dir

    @property
    def logger_info(self) -> dict[str, Any]:
        """Content of ``logger_info.json``; call `write_info_files` after changing it."""
        return self._logger_info

    @property
    def scenario_info(self) -> Any:
        """Content of ``scenario_info.json``; call `write_info_files` after changing it."""
        return self._scenario_info

    @property
    def schema(self) -> Schema:
        """The version of the format that is written."""
        return self._schema

    @property
    def strict(self) -> bool:
        """Whether a doubt is an error."""
        return self._strict

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Columns of the log in the order of the file, or None before the first record has fixed them."""
        return self._store.records.columns

    @property
    def progress(self) -> dict[str, Progress]:
        """How far each worker has come.

        This is what this logger wrote itself and what it found when it opened the run. Of what forked children write
        the parent learns nothing.
        """
        with self._pipeline.hold():
            return {
                worker_id: Progress(position.block_num, position.exp_num, position.complete)
                for order in self._orders()
                for worker_id, position in order.positions.items()
            }

    @property
    def next_exp_num(self) -> int:
        """The experience to go on with in a run whose workers share one count; 0 in a new run."""
        return max((each.next_exp_num for each in self.progress.values()), default=0)

    def log_record(self, record: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """Log one experience, or a part of one.

        Args:
            record: Values by column; it is copied and may be used again.
            **fields: More of the same; they win over `record`.

                ``block_num`` and ``exp_num`` count from 0 and never fall for a worker. ``block_type`` is ``"train"`` or
                ``"test"``. ``task_name`` is ``<task>_<variant>``, ``task_params`` a dict. May be left out:
                ``worker_id`` (``"worker-default"``), ``block_subtype`` (``"wake"``, or ``"sleep"``) and ``exp_status``
                (``"complete"``, or ``"incomplete"`` for all rows of an experience but the last). All other columns are
                metrics; the first record fixes which there are. ``timestamp`` is filled in.

        Raises:
            RecordError: The record breaks a rule; it was not stored and the next one starts from the same state.
            LogWriteError: The operating system refused the write; the record was not stored and may be logged again.
            LogLockedError: Another process is writing as this worker.
        """
        if type(record) is dict:
            event = {**record, **fields} if fields else record  # copied where it is kept
        elif record is None:
            event = fields
        elif isinstance(record, Mapping):
            event = {**record, **fields}
        else:
            raise RecordError(f"a record must be a dict, got {record!r}")
        self._pipeline.emit(RECORD, event)

    def _emit(self, kind: str, event: dict[str, Any], drawing: "Drawing | None" = None) -> None:
        self._pipeline.emit(kind, event, drawing)

    def _context(self) -> dict[str, Any]:
        return _UNBOUND

    @property
    def run(self) -> "DataLogger":
        """This very run, as of any handle bound to it."""
        return self

    @property
    def root(self) -> str:
        """Absolute path of the run, which `scenario_dir` is only if the run was given one."""
        return self._root

    def _move_clock(self, clock: str, n: Any, to: Any) -> int:
        with self._pipeline.hold():
            return self._member(Clocks).move(self, clock, n, to)

    def _add_timing(self, worker_id: str, name: str, secs: float) -> None:
        with self._pipeline.hold():
            self._member(Timings).add(worker_id, name, secs)

    def _pace_of(self, key: str, interval: int | float) -> Pace:
        """Return what keeps count for `every`."""
        if (key, interval) not in self._paces:
            self._paces[key, interval] = Pace(interval)
        return self._paces[key, interval]

    def _member(self, kind: type[_T]) -> _T:
        """Return the processor of a class."""
        for processor in self._processors:
            if isinstance(processor, kind):
                return processor
        raise ConfigError(f"this needs {kind.__name__} among the processors, as in l2logger.processors.canonical()")

    def bind(self, **fields: Any) -> BoundLogger:
        """Return a light handle of this run that adds `fields` to each record.

        Args:
            **fields: Values by column; a record that brings its own wins.

        Raises:
            RecordError: ``timestamp`` is among them.
        """
        return BoundLogger(self, {}).bind(**fields)

    def write_info_files(self) -> None:
        """Write ``logger_info.json`` and ``scenario_info.json``, replacing what is there.

        Raises:
            ConfigError: JSON cannot hold them; both files are as before.
            OSError: A file cannot be written; it is as before.
        """
        contents = {
            paths.LOGGER_INFO: info_files.encode("logger_info", self._logger_info, strict=self._strict),
            paths.SCENARIO_INFO: info_files.encode("scenario_info", self._scenario_info, strict=self._strict),
        }
        for name, data in contents.items():
            info_files.replace(os.path.join(self._root, name), data)

    def doubt(self, kind: str, message: str, *parts: Any) -> None:
        """Say that the log can hold a record, but tools that read it will stumble; for processors.

        Args:
            kind: A word for the trouble; each is said once in a run, and kept in `doubted`.
            message: What was got, what it breaks, what to do, with ``{}`` for each of `parts`.
            *parts: Values for the message, which is only put together if it is said.

        Raises:
            RecordError: The run is strict.
        """
        if self._strict:
            raise RecordError(message.format(*parts))
        if kind not in self.doubted:
            warn(message.format(*parts), RecordWarning)
            self.doubted.add(kind)

    def health(self) -> list[Health]:
        """Return how each mirror is doing."""
        return self._mirrors.health()

    def flush(self, timeout_secs: float | None = None) -> bool:
        """Bring everything logged so far to where it goes.

        Records need this only under ``fsync="flush"``; they are safe from a killed process at once.

        Args:
            timeout_secs: How long to wait for the disk and all sinks together; None for as long as the disk takes, and
                what each sink is set to.

        Returns:
            Whether everything got there in time.

        Raises:
            LogWriteError: The disk refused.
        """
        return self._pipeline.flush(None if timeout_secs is None else seconds("timeout_secs", timeout_secs))

    def close(self) -> None:
        """Flush and close all files and sinks; more than once does no harm.

        A later record opens its file again. Mirrors stay closed.

        Raises:
            LogWriteError: Under ``fsync="flush"``, the disk refused.
        """
        self._close(None)

    def _close(self, error: BaseException | None) -> None:
        self._store.error = error
        try:
            if not self._pipeline.is_held():
                self._tell_timings()
        finally:
            self._pipeline.close()

    def _tell_timings(self) -> None:
        """Log what was timed and did not go with any metrics."""
        for processor in self._processors:
            if isinstance(processor, Timings):
                for worker_id in processor.workers():
                    self.bind(worker_id=worker_id).log_metrics({}, clock=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(error)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle everything but open files and mirrors: a mirror stays with the process that opened it."""
        with self._pipeline.hold():
            state = self.__dict__ | {"_processors": copy.deepcopy(self._processors), "columns": self.columns}
        for name in ("_pipeline", "_store", "_mirrors", "_paces"):
            del state[name]
        # By name, so that a logger made before the module was reloaded still finds its class.
        return rebuild, (type(self).__module__, type(self).__qualname__, state)

    def __setstate__(self, state: dict[str, Any]) -> None:
        columns, processors = state.pop("columns"), state.pop("_processors")
        self.__dict__.update(state)
        self._tags, self._owns_run = (), False  # How the run is doing is for the original to say.
        self._connect((), processors)
        self._store.records.columns = columns
        self._store.open(self, self._root)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._scenario_dir!r}>"


def _checked_tags(tags: Any) -> tuple[str, ...]:
    found = () if isinstance(tags, str) or not isinstance(tags, Iterable) else tuple(tags)
    if not all(isinstance(tag, str) and tag for tag in found) or (not found and tags not in ((), [])):
        raise ConfigError(f"tags must be a list of words, such as ['baseline'], got {tags!r}")
    return found


def _with_environment(sinks: Iterable[Sink]) -> tuple[Sink, ...]:
    """Return the sinks, and those that the environment names."""
    given = checked(sinks)
    if not os.environ.get("L2LOGGER_SINKS"):
        return given
    from l2logger.sinks.named import from_environment

    return (*given, *from_environment(given))


_LEGACY = ("ClassifPerformanceLogger", "PerformanceLogger", "RLPerformanceLogger", "get_log_foldername")


def __getattr__(name: str) -> Any:
    if name in _LEGACY:
        from l2logger import legacy

        return getattr(legacy, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
