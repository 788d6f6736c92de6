"""Figures of matplotlib: rendered as they are, with their transparency, and left alone."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from drawn import made, png
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from l2logger.errors import SignalError
from l2logger.media.figures import figure


def plotted(**options) -> Figure:
    found = Figure(figsize=(3, 2), dpi=50, **options)
    found.subplots().plot([1, 3, 2])
    return found


def rendered(given: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(given)
    canvas.draw()
    return np.array(canvas.buffer_rgba())


def test_a_figure_becomes_the_png_that_matplotlib_would_make(tmp_path):
    """S2-11."""
    path, fields = made(figure("curves", plotted(), "after 5 tasks"), tmp_path)
    assert np.array_equal(png(path), rendered(plotted()))
    assert fields == {"name": "curves", "caption": "after 5 tasks", "width": 150, "height": 100}


def test_transparency_is_kept(tmp_path):
    """S2-11."""
    given = plotted()
    given.patch.set_alpha(0)
    given.axes[0].patch.set_facecolor((1, 0, 0, 0.5))
    pixels = png(made(figure("x", given), tmp_path)[0])
    assert pixels.shape == (100, 150, 4)
    assert pixels[0, 0, 3] == 0
    assert pixels[20, 60].tolist() == [255, 0, 0, 128]


def test_the_figure_stays_as_it_was_and_open():
    """S2-11: size, canvas, resolution, and that it is still to be drawn where it is shown."""
    from matplotlib import pyplot

    mpl.use("agg")
    given = pyplot.figure(figsize=(3, 2), dpi=50)
    try:
        given.subplots().plot([1, 2])
        before = (given.canvas, given.dpi, given.get_size_inches().tolist(), given.stale, given.get_facecolor())
        figure("x", given)
        after = (given.canvas, given.dpi, given.get_size_inches().tolist(), given.stale, given.get_facecolor())
        assert after == before
        assert pyplot.fignum_exists(given.number)
    finally:
        pyplot.close(given)


def test_a_figure_that_needs_no_drawing_does_not_need_it_afterwards():
    """S2-11."""
    given = plotted()
    rendered(given)
    assert not given.stale
    figure("x", given)
    assert not given.stale


def test_the_figure_is_the_one_at_the_time_of_the_call(tmp_path):
    """S2-11: loops clear and use it again."""
    given = plotted()
    drawing = figure("x", given)
    given.clear()
    assert np.array_equal(png(made(drawing, tmp_path)[0]), rendered(plotted()))


def test_axes_stand_for_their_figure(tmp_path):
    """S2-11, S3-17: as functions of plotting libraries return them."""
    given = plotted()
    assert np.array_equal(png(made(figure("x", given.axes[0]), tmp_path)[0]), rendered(plotted()))


def test_axes_of_a_part_stand_for_the_whole_figure(tmp_path):
    """S2-11."""
    given = Figure(figsize=(3, 2), dpi=50)
    left, _ = given.subfigures(1, 2)
    _, fields = made(figure("x", left.subplots()), tmp_path)
    assert (fields["width"], fields["height"]) == (150, 100)


@pytest.mark.parametrize("given", [None, 5, np.zeros((4, 4)), "figure", [1]])
def test_something_else_is_refused(given):
    """S2-11."""
    with pytest.raises(SignalError, match="a figure must be one of matplotlib, or axes of one, got"):
        figure("x", given)


def test_matplotlib_is_not_loaded_to_refuse_something_else():
    """S2-11: without it there are no figures."""
    code = (
        "import sys\n"
        "from l2logger.media.figures import figure\n"
        "try: figure('x', 5)\n"
        "except ValueError: print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
