"""Ways to make files of drawings, and to read them back with other eyes."""

from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from l2logger.media.drawing import Drawing


def made(drawing: Drawing, directory: Path) -> tuple[Path, dict[str, Any]]:
    """Write the file of a drawing; return its path and the fields of its signal."""
    path = directory / f"made{drawing.suffix}"
    return path, {**drawing.fields, **drawing.write(str(path))}


def png(path: Path) -> np.ndarray:
    """Return the pixels of a PNG file."""
    with Image.open(path) as image:
        assert image.format == "PNG"
        image.load()
        return np.asarray(image)


def frames(path: Path) -> np.ndarray:
    """Return all frames of a video, TxHxWx3."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def scene(count: int, height: int, width: int) -> np.ndarray:
    """Return frames of a bar that grows on a smooth background, TxHxWx3."""
    found = np.zeros((count, height, width, 3), np.uint8)
    found[..., 1] = np.linspace(0, 200, width).astype(np.uint8)
    for number in range(count):
        found[number, :, : 1 + number * width // count] = (200, 30, 60)
    return found
