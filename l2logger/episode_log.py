"""Finished episodes on their way into a block."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from l2logger.blocks import Block
from l2logger.episodes import Task, block_of
from l2logger.film import Film
from l2logger.host import number_on_host


class EpisodeLog:
    """Log episodes as records of the present block.

    Args:
        to: The block to log to, or a logger, of which a train block begins now.
        info_metrics: Further columns: names of numbers in the ``info`` of an episode's last step, NaN where there is none.
    """

    def __init__(self, to: Any, info_metrics: Iterable[str] = ()) -> None:
        self.info_metrics = (info_metrics,) if isinstance(info_metrics, str) else tuple(info_metrics)
        self._block = block_of(to)

    @property
    def block(self) -> Block:
        """The block that what ends from now on goes to."""
        return self._block

    @block.setter
    def block(self, to: Any) -> None:
        self._block = block_of(to)

    def log(self, task: Task, metrics: Mapping[str, Any], info: Mapping[str, Any], film: Film | None = None) -> None:
        """Log an episode that is over.

        Args:
            task: What it was about.
            metrics: Values by column.
            info: What the environment told in the last step.
            film: What is to become its video.
        """
        told = {name: info.get(name) for name in self.info_metrics}
        more = {name: math.nan if value is None else number_on_host(value) for name, value in told.items()}
        exp_num = self.block.log(task.name, task.params, **metrics, **more)
        if film is not None:
            film.log(self.block.logger.bind(task_name=task.name), "episode", exp_num, "exp_num")
