"""What Stable-Baselines3 itself records, on the way to our sinks."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from stable_baselines3.common import logger as sb3
from stable_baselines3.common.callbacks import BaseCallback

from l2logger.host import number_on_host, to_host
from l2logger.sb3.episodes import LogEpisodes, logger_of

if TYPE_CHECKING:
    from l2logger.blocks import Block
    from l2logger.bound import BoundLogger
    from l2logger.l2logger import DataLogger

CLOCK: Final = "timesteps"
"""The clock of all signals: steps of all environments together."""

NAME: Final = "l2logger"
"""What keeps a value out: ``model.logger.record(key, value, exclude="l2logger")``."""


class KVWriter(sb3.KVWriter):
    """Log whatever is recorded by ``model.logger.record``, each time Stable-Baselines3 writes its table.

    Numbers become metrics on the clock ``"timesteps"``, arrays histograms, and its images, videos, figures, texts and
    hyper-parameters what they are here.

    Args:
        to: A logger or block.
        without: Names of values that are left out.

    Example:
        >>> from stable_baselines3.common.logger import Logger  # doctest: +SKIP
        >>> model.set_logger(Logger(None, [KVWriter(logger)]))  # doctest: +SKIP
    """

    def __init__(self, to: "LogEpisodes | Block | DataLogger | BoundLogger", *, without: Iterable[str] = ()) -> None:
        self._to = to
        self._without = frozenset(without)

    @property
    def logger(self) -> "DataLogger | BoundLogger":
        """Where everything goes."""
        return logger_of(self._to)

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Log values by name.

        Raises:
            SignalError: A name is none, or a value is not what it should be.
        """
        numbers = {}
        for name, value in key_values.items():
            if name in self._without or NAME in (key_excluded.get(name) or ()):
                continue
            value = number_on_host(value)
            if isinstance(value, int | float):
                numbers[name] = value
            elif value is not None:
                self._write(name, value, step)
        if numbers:
            self.logger.log_metrics(numbers, step, clock=CLOCK)

    def _write(self, name: str, value: Any, step: int) -> None:
        to = self.logger
        if isinstance(value, sb3.HParam):
            to.log_params(**value.hparam_dict)
        elif isinstance(value, sb3.Image):
            for image in _images(value):
                to.log_image(name, image, step, clock=CLOCK)
        elif isinstance(value, sb3.Figure):
            to.log_figure(name, value.figure, step, clock=CLOCK)
            if value.close:
                import matplotlib.pyplot

                matplotlib.pyplot.close(value.figure)
        elif isinstance(value, sb3.Video):
            for frames in np.asarray(to_host(value.frames)):  # of each episode, T x C x H x W
                to.log_video(name, frames.transpose(0, 2, 3, 1), step, clock=CLOCK, fps=value.fps)
        elif hasattr(value, "shape") or isinstance(value, list | tuple):
            to.log_histogram(name, value, step, clock=CLOCK)
        else:
            to.log_text(name, str(value), step, clock=CLOCK)

    def close(self) -> None:
        """Do nothing: the run is closed by whoever opened it."""


def _images(value: sb3.Image) -> Iterator[Any]:
    """Yield the images, H x W x C each, of one or several in any order of axes."""
    array, axes = np.asarray(to_host(value.image)), value.dataformats
    array = array.transpose([axes.index(axis) for axis in "NHWC" if axis in axes])
    yield from array if "N" in axes else [array]


class LogValues(BaseCallback):
    """Have a `KVWriter` beside the other outputs of a model's logger for as long as it learns, if there is none yet.

    Args:
        to: A logger or block.
        without: Names of values that are left out.
    """

    def __init__(self, to: "LogEpisodes | Block | DataLogger | BoundLogger", *, without: Iterable[str] = ()) -> None:
        super().__init__()
        self._writer = KVWriter(to, without=without)

    def _on_training_start(self) -> None:
        outputs = self.logger.output_formats
        run = self._writer.logger.run
        if not any(isinstance(each, KVWriter) and each.logger.run is run for each in outputs):
            outputs.append(self._writer)

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        if self._writer in self.logger.output_formats:
            self.logger.output_formats.remove(self._writer)
            if not self.model._custom_logger:  # then what the last update recorded is forgotten otherwise
                self._writer.write(self.logger.name_to_value, self.logger.name_to_excluded, self.num_timesteps)
