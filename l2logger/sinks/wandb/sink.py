"""Runs in Weights & Biases."""

import json
import os
import shlex
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from l2logger import checks
from l2logger.errors import ConfigError
from l2logger.run import RunInfo
from l2logger.signals import ARTIFACT, KINDS, TABLE, Signal
from l2logger.sinks import spelling
from l2logger.sinks.health import warn_of_sink
from l2logger.sinks.sink import PLACES, Sink
from l2logger.sinks.wandb import artifacts
from l2logger.sinks.wandb import config as wandb_config
from l2logger.sinks.wandb import options as wandb_options
from l2logger.sinks.wandb import service as wandb_service
from l2logger.sinks.wandb.history import History

_DEAD: Final = "W&B's service, the process wandb-core, has died"
_SERVICE_SECS: Final = 0.15
"""How long a row takes through W&B's service, with room to spare."""


class WandbSink(Sink):
    """Mirror a run to Weights & Biases: one W&B run for each run directory, however often it is opened.

    Every metric of the records is a curve ``<block_type>/<task_name>/<metric>`` over ``exp_num``, so that train and test
    are sections of the page. Each record is a row of W&B's history, in the order of the log: nothing is dropped because
    ``exp_num`` falls or repeats. A row has ``block_num`` and ``worker_id`` as well, the time of the record, and metrics
    that are text.

    Other metrics keep their names, and those of one step are one row; each is drawn over the clock that it came with
    first, and the row has the other clocks, too. A name that the row has for something else gets the kind before it, as
    in ``metrics/exp_num``. Histograms, images, figures, videos, tables and texts are panels with a slider. Arrays are
    files of the run, under the path that the row has. A note is text under ``note``. Artifacts are artifacts of W&B called
    ``<name>-<id of the run>``, with the aliases that they have here.

    The summary has the last value of each curve under its name and the best under ``best/<name>``. The config has what is
    given here, ``logger_info`` and ``scenario_info``, all parameters, and under ``descriptions`` what metrics mean; values
    of keys such as ``password`` or ``api_token`` are left out.

    What is given here is used, then what W&B's own environment variables and settings file say, then: the project
    ``l2logger``, the name of the run directory as name and id, ``resume="allow"``, and the run directory as the place
    of W&B's files. Without an API key the run is kept offline, and a warning says how to upload it; nothing is ever asked.
    Nothing is sent of the host, the command line, the code, the git repository, or what is printed, and the use of
    processor and memory is not watched, unless `settings` wish so. W&B has a minute (``settings.init_timeout``) to begin,
    and as long to end (``settings.finish_timeout``), in a process of its own eight; what it did not send by then is in
    its files.

    In a process of its own (the default) it does not know of the W&B runs of the user's code. In a thread, its run is
    beside theirs; but code that ends all runs ends it, and ``wandb.init()``, while there is no other run, returns it.

    Args:
        project: Of W&B.
        entity: Of W&B: a user or a team.
        group: Of W&B: runs that belong together.
        tags: Of W&B.
        name: What the run is called.
        mode: ``"online"``, ``"offline"`` (kept in files, for ``wandb sync``), or ``"disabled"``.
        dir: Where W&B makes its directory ``wandb``.
        id: What the run is known by in its project. A run with the same id is continued.
        resume: What to do if there is a run with this id.
        config: More for the config of the run.
        lower_is_better: Names of metrics whose best value is the lowest, beside those that are described so.
        tag: What to call the curve of a metric of the records, given the fields of a record and the name of the metric.
        isolate: ``"process"``, ``"thread"`` or ``"none"``.
        **init: Any other argument of ``wandb.init``, ``settings`` among them.

    Raises:
        ConfigError: An argument is not what is expected.
    """

    name = "wandb"
    kinds = KINDS
    isolate = "process"

    def __init__(
        self,
        project: str | None = None,
        *,
        entity: str | None = None,
        group: str | None = None,
        tags: Any = None,
        name: str | None = None,
        mode: str | None = None,
        dir: str | os.PathLike[str] | None = None,
        id: str | None = None,
        resume: Any = None,
        config: Mapping[str, Any] | None = None,
        lower_is_better: Any = (),
        tag: Callable[[Mapping[str, Any], str], str] | None = None,
        isolate: str = "process",
        **init: Any,
    ) -> None:
        if tag is not None and not callable(tag):
            raise ConfigError(f"tag must be a function of the fields of a record and the name of a metric, got {tag!r}")
        given = {
            "project": project,
            "entity": entity,
            "group": group,
            "tags": tags,
            "name": name,
            "mode": mode,
            "dir": dir,
            "id": id,
            "resume": resume,
            "config": config,
        }
        self._chosen = wandb_options.checked({**given, **init})
        self._lower_is_better = wandb_options.texts("lower_is_better", lower_is_better)
        self.isolate = checks.one_of("isolate", isolate, PLACES)
        self._run: Any = None
        self._is_alone = False
        self._is_quiet = False
        self._has_warned = False
        self._scenario_dir = ""
        self._history = History(self._lower_is_better, tag)
        self._is_flushed = True

    def options(self) -> dict[str, Any]:
        options = wandb_config.without_secrets(self._chosen)
        if self._lower_is_better:
            options["lower_is_better"] = list(self._lower_is_better)
        if self.isolate != type(self).isolate:
            options["isolate"] = self.isolate
        return {option: value for option, value in options.items() if _is_json(value)}

    def open(self, run: RunInfo) -> None:
        """Begin a W&B run, or go on with the one that this run has.

        Raises:
            ImportError: wandb is not installed, or too old.
            ConfigError: W&B does not take the arguments.
            Exception: W&B's server refused, or did not answer in time.
        """
        self._is_alone |= wandb_service.is_unused()
        wandb = wandb_service.load()
        wandb_options.check_names(self._chosen, wandb.init, ("lower_is_better", "tag", "isolate"))
        shared = wandb.setup().settings
        arguments = wandb_options.arguments(self._chosen, shared, run.scenario_dir, self.isolate, fresh=self.fresh)
        arguments["config"] = wandb_config.config(run, self._chosen.get("config", {}))
        self._history.begin(run.scenario_dir, anew=self.fresh)
        self._scenario_dir = run.scenario_dir
        self._is_quiet = self._is_alone and bool(arguments["settings"].get("silent"))
        try:
            with wandb_service.quiet(self._is_quiet):
                self._run = wandb.init(**arguments)
        except Exception as error:
            if wandb_service.is_misuse(error):
                raise ConfigError(f"wandb.init does not take its arguments: {error}") from error
            self._abandon_service(error)
            if wandb_service.is_dead(error):
                raise ConnectionError(_DEAD) from error
            raise
        self.fresh = False
        self._send(self._history.attach)
        self._say_where(arguments)

    def _abandon_service(self, error: Exception) -> None:
        """Get rid of W&B's service, unless others may be using it."""
        if self._is_alone or wandb_service.is_dead(error):
            wandb_service.abandon()

    def _say_where(self, arguments: Mapping[str, Any]) -> None:
        """Tell, once, if the run is not kept as or where the user expects."""
        if self._has_warned or self._run.disabled:
            return
        place = self._place()
        directory = os.path.realpath(arguments.get("dir", place))
        self._has_warned = True
        if arguments.get("mode") != self._chosen.get("mode"):
            replay = shlex.join(
                ("l2logger", "replay", self._scenario_dir, "--to", spelling.spell(self), "--from", "beginning")
            )
            warn_of_sink(
                f"W&B has no API key (from `wandb login` or WANDB_API_KEY), so the run is kept offline in {place}; "
                f"upload it later with `wandb sync {shlex.quote(place)}`, or with `{replay}`"
            )
        elif os.path.commonpath((place, directory)) != directory:
            warn_of_sink(f"W&B cannot write to {directory}; its files of the run are in {place}")

    def _place(self) -> str:
        """Return the directory of the files of the W&B run."""
        files: str = os.path.realpath(self._run.dir)
        return os.path.dirname(files)

    def write(self, signal: Signal) -> None:
        """Log a signal; records and most others as one row.

        Raises:
            RuntimeError: Other code has ended the W&B run.
            FileNotFoundError: The file of the signal is missing.
            Exception: W&B's service has died, or W&B does not take it.
        """
        self._is_flushed = False
        # With the first of these W&B asks its server whether they may be logged, and tells of that.
        with wandb_service.quiet(self._is_quiet and signal.kind in (ARTIFACT, TABLE)):
            self._send(lambda run: self._history.write(run, signal))

    def flush(self) -> None:
        """Have all rows in W&B's file, and the summary up to date. When W&B uploads them is its own affair."""
        if self._is_flushed:
            return
        self._send(self._history.flush)
        # There is no flush to ask for. W&B's service has taken all rows when it answers; then it writes them in its time.
        self._send(lambda run: run.summary.get("exp_num"))
        time.sleep(wandb_options.FLUSH_SECS + _SERVICE_SECS)
        self._is_flushed = True

    def close(self) -> None:
        """Finish the W&B run, which another opening continues.

        Raises:
            TimeoutError: Its server has not taken everything in time.
            Exception: W&B's service has died.
        """
        if self._run is None:
            return
        try:
            self._send(self._history.flush)
            is_offline = self._run.offline
            self._send(lambda run: run.finish())
            if not self._run.disabled:
                time.sleep(_SERVICE_SECS)  # It returns before the file is whole.
            if not is_offline:
                artifacts.clear(self._run)
        except TimeoutError as error:
            self._abandon_service(error)
            raise TimeoutError(
                f"W&B's server has not taken everything in time; `wandb sync {shlex.quote(self._place())}` uploads it"
            ) from error
        except Exception as error:
            self._abandon_service(error)
            raise
        finally:
            self._run = None

    def _send(self, call: Callable[[Any], None]) -> None:
        if self._run is None:
            raise RuntimeError("the W&B run is not open")
        try:
            call(self._run)
        except Exception as error:
            if wandb_service.is_dead(error):
                raise ConnectionError(_DEAD) from error
            if not wandb_service.is_over(error):
                raise
            name, self._run, self._is_alone = self._run.name, None, False
            raise RuntimeError(
                f"the W&B run {name!r} was ended by other code, with wandb.finish() or wandb.teardown(), "
                "or wandb.init() as it finishes other runs"
            ) from error


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
