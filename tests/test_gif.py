"""Animated GIFs as both log_video and the TensorBoard sink write them."""

import io
from fractions import Fraction

import pytest

from l2logger.media import gif

pytest.importorskip("PIL")
from PIL import Image


def written(count, secs):
    """Return a GIF of frames that are all alike, opened again."""
    file = io.BytesIO()
    gif.write(file, (Image.new("P", (3, 2), 7) for _ in range(count)), (3, 2), secs)
    file.seek(0)
    return Image.open(file)


def durations(image):
    found = []
    for number in range(image.n_frames):
        image.seek(number)
        found.append(image.info["duration"])
    return found


def test_frames_that_are_alike_are_all_there():
    image = written(5, Fraction(1, 10))
    assert (image.n_frames, image.size, image.info["loop"]) == (5, (3, 2), 0)


def test_the_speed_is_right_in_the_long_run():
    """Times are in hundredths of a second."""
    found = durations(written(30, Fraction(1, 30)))
    assert set(found) == {30, 40}
    assert sum(found) == 1000


@pytest.mark.parametrize("fps", [50, 60, 1000])
def test_no_frame_is_so_short_that_browsers_show_it_slowly(fps):
    assert durations(written(7, Fraction(1, fps))) == [20] * 7


def test_a_frame_is_not_longer_than_the_format_can_say():
    assert durations(written(2, Fraction(1000))) == [655_350] * 2
