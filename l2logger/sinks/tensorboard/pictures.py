"""Files of images and videos of a run, as pictures for TensorBoard."""

from collections.abc import Mapping
from typing import Any, Final

from l2logger.paths import file_of_run
from l2logger.sinks.tensorboard import gif
from l2logger.sinks.tensorboard.contents import Figure, Picture, Video

_GIF: Final = ".gif"
_COLOURS: Final = 3
_COLOURS_AND_ALPHA: Final = 4


def image(scenario_dir: str, fields: Mapping[str, Any]) -> Picture:
    """Return an image: its file, byte for byte.

    Args:
        scenario_dir: Of the run.
        fields: Of the signal.

    Raises:
        FileNotFoundError: The file is not there.
        LogFormatError: It is not inside of the run.
    """
    return Picture(_data(scenario_dir, fields), fields["width"], fields["height"], fields["channels"])


def figure(scenario_dir: str, fields: Mapping[str, Any]) -> Figure:
    """Return a figure: its file, byte for byte. Arguments and errors are those of `image`."""
    return Figure(_data(scenario_dir, fields), fields["width"], fields["height"], _COLOURS_AND_ALPHA)


def _data(scenario_dir: str, fields: Mapping[str, Any]) -> bytes:
    with open(file_of_run(scenario_dir, fields["path"]), "rb") as file:
        return file.read()


def video(scenario_dir: str, fields: Mapping[str, Any]) -> Video:
    """Return a video as an animated GIF, the only form in which TensorBoard shows one.

    A file that is one is taken as it is. Only videos of more than `gif.MAX_PIXELS` are made smaller.

    Args:
        scenario_dir: Of the run.
        fields: Of the signal.

    Raises:
        FileNotFoundError: The file is not there.
        LogFormatError: It is not inside of the run.
        ValueError: It cannot be read.
        ImportError: The packages for videos are not installed.
    """
    path = file_of_run(scenario_dir, fields["path"])
    size = gif.Size(fields["width"], fields["height"], fields["frames"])
    if path.endswith(_GIF) and gif.bounded(size) == size:
        with open(path, "rb") as file:
            return Video(file.read(), size.width, size.height, _COLOURS)
    shown, data = gif.convert(path, size, fields["fps"])
    return Video(data, shown.width, shown.height, _COLOURS)
