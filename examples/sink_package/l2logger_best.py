"""A sink that keeps the best experience of each task, for whoever watches or compares runs."""

import json
import os
from pathlib import Path
from typing import Any

from l2logger.run import RunInfo
from l2logger.signals import Signal
from l2logger.sinks import Sink
from l2logger.sinks.numbers import metrics


class BestSink(Sink):
    """Keep ``best.json`` in the run directory up to date: for each task the best value of a metric, and where it was.

    Args:
        metric: The metric by which experiences are compared.
        lowest: Whether the lowest value is the best, as of a loss.
    """

    name = "best"

    def __init__(self, metric: str = "reward", *, lowest: bool = False) -> None:
        self._metric = metric
        self._lowest = lowest

    def open(self, run: RunInfo) -> None:
        self._path = Path(run.scenario_dir, "best.json")
        # A run that is resumed goes on with what was reached.
        self._best: dict[str, Any] = json.loads(self._path.read_text("utf-8")) if self._path.exists() else {}

    def write(self, signal: Signal) -> None:
        fields = signal.fields
        value = metrics(fields).get(self._metric)
        if value is None or value != value or fields["exp_status"] != "complete":
            return
        best = self._best.get(fields["task_name"])
        if best is None or (value < best[self._metric] if self._lowest else value > best[self._metric]):
            place = {name: fields[name] for name in ("worker_id", "block_num", "block_type", "exp_num")}
            self._best[fields["task_name"]] = {self._metric: value, **place}
            # Readers find the old or the new file, never a part of one.
            temporary = self._path.with_suffix(".tmp")
            temporary.write_text(json.dumps(self._best, indent=2), "utf-8")
            os.replace(temporary, self._path)

    def options(self) -> dict[str, Any]:
        return {"metric": self._metric, "lowest": self._lowest}
