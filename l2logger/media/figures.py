"""Figures of matplotlib, as PNG."""

import io
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from l2logger.errors import SignalError
from l2logger.media.drawing import Drawing, described
from l2logger.media.images import load_pillow


def figure(name: Any, figure: Any, caption: Any = None) -> Drawing:
    """Return what makes a PNG of a figure, with its transparency.

    It is rendered at once, in its own resolution, since matplotlib works in one thread only; the PNG is made later. The
    figure stays as it was and open.

    Args:
        name: What it shows.
        figure: A figure, or axes of one.
        caption: Words that go with it.

    Raises:
        SignalError: It is something else.
        ImportError: Pillow is not installed.
    """
    fields = described("a figure", name, caption)
    load_pillow("figures")
    rendered = _rendered(_whole(figure))
    return Drawing(fields, ".png", len(rendered), partial(_write, rendered))


def _whole(figure: Any) -> Any:
    """Return the figure itself, or the one that something is a part of."""
    matplotlib = sys.modules.get("matplotlib.figure")  # without which there are no figures
    part = figure
    while part is not None and matplotlib is not None:
        if isinstance(part, matplotlib.Figure):
            return part
        part = getattr(part, "figure", None)
    raise SignalError(
        f"a figure must be one of matplotlib, or axes of one, got {type(figure).__module__}.{type(figure).__qualname__}; "
        "matplotlib.pyplot.gcf() is the current one; log_image takes arrays"
    )


def _rendered(figure: Any) -> bytes:
    """Return the figure as a PNG that is not compressed, which takes the time."""
    buffer = io.BytesIO()
    stale = figure.stale
    try:
        figure.savefig(buffer, format="png", dpi="figure", pil_kwargs={"compress_level": 0})
    finally:
        figure.stale = stale  # A window that shows it is still to be drawn.
    return buffer.getvalue()


def _write(rendered: bytes, path: str) -> Mapping[str, Any]:
    from PIL import Image

    with Image.open(io.BytesIO(rendered)) as image:
        image.save(path, "PNG")
        return {"width": image.width, "height": image.height}
