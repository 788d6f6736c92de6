"""What a W&B run is told of the signals of a run."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from l2logger import cells
from l2logger.manifest_file import merged
from l2logger.signals import ARTIFACT, DESCRIPTION, METRICS, NOTE, PARAMS, RECORD, TABLE, Signal
from l2logger.sinks import numbers
from l2logger.sinks.step_buffer import StepBuffer
from l2logger.sinks.wandb import artifacts, media, rows
from l2logger.sinks.wandb import config as wandb_config
from l2logger.sinks.wandb.best import BestValues

_MAX_INT: Final = 2**63
_SUMMARY_SECS: Final = 5.0


class History:
    """Log signals to a W&B run, which is another one after each `begin`.

    Args:
        lower_is_better: Names of metrics whose best value is the lowest.
        tag: What to call the curve of a metric of the records; None for the usual name.
    """

    def __init__(self, lower_is_better: Iterable[str], tag: Callable[[Mapping[str, Any], str], str] | None) -> None:
        self._tag = tag or numbers.tag
        self._best = BestValues(lower_is_better)
        self._axes = rows.Axes()
        self._steps = StepBuffer()
        self._scenario_dir = ""
        self._summary_at = 0.0

    def begin(self, scenario_dir: str, *, anew: bool) -> None:
        """Get ready for a W&B run.

        Args:
            scenario_dir: The run.
            anew: Forget the best values of before.
        """
        self._best.begin(anew=anew or scenario_dir != self._scenario_dir)
        self._steps = StepBuffer()
        self._scenario_dir = scenario_dir

    def attach(self, run: Any) -> None:
        """Tell the W&B run how records are drawn, and learn what its config says of metrics."""
        self._axes.begin(run)
        for metric, better in wandb_config.descriptions(run.config.get(wandb_config.DESCRIPTIONS)).items():
            self._best.describe(metric, better)

    def write(self, run: Any, signal: Signal) -> None:
        """Log a signal."""
        kind, fields = signal.kind, signal.fields
        if kind == RECORD:
            row, curves = rows.of_record(fields, self._tag)
            self._log(run, row, curves)
        elif run.disabled:
            return
        elif kind == METRICS:
            self._log_metrics(run, self._steps.add(signal))
        elif kind == PARAMS:
            self._configure(run, wandb_config.of_params(fields["params"]))
        elif kind == DESCRIPTION:
            self._best.describe(fields["metric"], fields["better"])
            self._configure(run, wandb_config.of_description(fields))
        elif kind == ARTIFACT:
            artifacts.log(run, fields, self._scenario_dir)
        else:
            self._log_value(run, kind, fields)

    def flush(self, run: Any) -> None:
        """Log the metrics that may still have been added to, and bring the summary up to date."""
        self._log_metrics(run, self._steps.flush())
        self._update_summary(run)

    def _log(self, run: Any, row: dict[str, Any], curves: Iterable[tuple[str, str, float]]) -> None:
        """Log a row, with its curves: their names, the metrics and the values."""
        for curve, metric, value in curves:
            self._best.compare(run, curve, metric, value)
        run.log(row)
        if self._best.news and time.monotonic() >= self._summary_at:
            self._update_summary(run)

    def _log_metrics(self, run: Any, steps: Iterable[Signal]) -> None:
        """Log each step as a row."""
        for _, fields, _ in steps:
            row = rows.beginning(fields)
            curves = []
            for metric, number in fields["values"].items():
                value = cells.as_float(number) if abs(number) >= _MAX_INT else number
                curves.append((rows.put(row, METRICS, metric, value), metric, value))
            self._axes.define(run, row, [curve for curve, *_ in curves], rows.axis(fields))
            self._log(run, row, curves)

    def _log_value(self, run: Any, kind: str, fields: Mapping[str, Any]) -> None:
        """Log what is no number as a row."""
        row = rows.beginning(fields)
        if kind == NOTE:
            name = NOTE
            row[name] = media.storable(fields["text"])
        else:
            name = artifacts.table_name(run, fields["name"]) if kind == TABLE else fields["name"]
            name = rows.put(row, kind, name, media.value(run, kind, fields, self._scenario_dir))
        self._axes.define(run, row, [name], rows.axis(fields))
        self._log(run, row, ())

    def _configure(self, run: Any, more: Mapping[str, Any]) -> None:
        """Merge something into the config, of which W&B itself would replace whole groups."""
        groups = {name: merged(run.config.get(name), value) for name, value in more.items()}
        run.config.update(groups, allow_val_change=True)

    def _update_summary(self, run: Any) -> None:
        if self._best.news:
            run.summary.update(self._best.news)
            self._best.news = {}
        self._summary_at = time.monotonic() + _SUMMARY_SECS
