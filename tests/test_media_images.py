"""Images: which arrays are one, and that the PNG has their pixels."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawn import made, png
from matplotlib.figure import Figure
from PIL import Image

from l2logger.errors import SignalError
from l2logger.media.images import image

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 8), dtype=np.uint8)
RGB = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)
RGBA = RNG.integers(0, 256, (6, 8, 4), dtype=np.uint8)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (GREY, GREY),
        (GREY[..., None], GREY),
        (GREY[None], GREY),
        (RGB, RGB),
        (RGB.transpose(2, 0, 1), RGB),
        (RGBA, RGBA),
        (RGBA.transpose(2, 0, 1), RGBA),
    ],
    ids=["HxW", "HxWx1", "1xHxW", "HxWx3", "3xHxW", "HxWx4", "4xHxW"],
)
@pytest.mark.parametrize("kind", ["uint8", "float16", "float32", "float64", "torch", "torch float"])
def test_pixels_are_exact(given, expected, kind, tmp_path):
    """S2-9: for each shape and type, the PNG of the right size and pixels."""
    values = given if kind in ("uint8", "torch") else given / 255
    if kind.startswith("torch"):
        values = torch.from_numpy(np.ascontiguousarray(values))
    elif kind != "uint8":
        values = values.astype(kind)
    path, fields = made(image("eval/frame", values), tmp_path)
    assert np.array_equal(png(path), expected)
    channels = expected.shape[2] if expected.ndim == 3 else 1
    assert fields == {"name": "eval/frame", "width": 8, "height": 6, "channels": channels}


def test_every_level_survives_the_way_through_floats(tmp_path):
    """S2-9: also those where rounding down would go wrong, in the float types of all libraries."""
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for values in (levels / 255, (levels / 255).astype(np.float32), torch.from_numpy(levels / 255).bfloat16()):
        path, _ = made(image("x", values), tmp_path)
        assert np.abs(png(path).astype(int) - levels).max() <= (values.dtype == torch.bfloat16)


def test_floats_round_to_the_nearest_level(tmp_path):
    """S2-9: and what rounding errors add at the ends is no reason to refuse."""
    path, _ = made(image("x", np.array([[0.49 / 255, 0.51 / 255, 1 + 1e-6, -1e-6]])), tmp_path)
    assert png(path).tolist() == [[0, 1, 255, 0]]


def test_truth_values_are_black_and_white(tmp_path):
    """S2-9."""
    path, _ = made(image("mask", np.array([[True, False]])), tmp_path)
    assert png(path).tolist() == [[255, 0]]


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2, ::-1],
        lambda a: a[::-1, :, ::-1],
        lambda a: a.transpose(1, 0, 2),
        lambda a: np.asfortranarray(a),
        lambda a: np.broadcast_to(a[:1], a.shape),
        lambda a: a[1:5, 2:7].swapaxes(0, 1)[:, ::-1],
    ],
    ids=["steps", "reversed", "transposed", "fortran", "broadcast", "all"],
)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_any_view_is_copied_in_its_own_order(view, dtype, tmp_path):
    """S2-9."""
    given = RGB if dtype == "uint8" else (RGB / 255).astype(dtype)
    path, _ = made(image("x", view(given)), tmp_path)
    assert np.array_equal(png(path), view(RGB))


def test_an_image_larger_than_a_piece_of_the_conversion(tmp_path):
    """S2-9: floats are converted piece by piece."""
    levels = RNG.integers(0, 256, (300, 501, 3), dtype=np.uint8)
    path, _ = made(image("x", (levels / 255).astype(np.float32)), tmp_path)
    assert np.array_equal(png(path), levels)


def test_the_image_is_the_one_at_the_time_of_the_call(tmp_path):
    """S2-9: callers use their arrays again."""
    for given in (RGB.copy(), (RGB / 255).astype(np.float32)):
        drawing = image("x", given)
        given[:] = 0
        path, _ = made(drawing, tmp_path)
        assert np.array_equal(png(path), RGB)


def test_channels_come_last_where_both_are_possible(tmp_path):
    """S2-9."""
    _, fields = made(image("x", RNG.integers(0, 256, (3, 8, 4), dtype=np.uint8)), tmp_path)
    assert (fields["height"], fields["width"], fields["channels"]) == (3, 8, 4)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_images_of_pillow(mode, tmp_path):
    """S2-9."""
    given = Image.fromarray(RGBA).convert(mode)
    path, _ = made(image("x", given), tmp_path)
    assert np.array_equal(png(path), np.asarray(given))


@pytest.mark.parametrize(
    ("mode", "becomes"),
    [("1", "L"), ("P", "RGB"), ("LA", "RGBA"), ("PA", "RGBA"), ("CMYK", "RGB"), ("YCbCr", "RGB"), ("HSV", "RGB")],
)
def test_other_modes_of_pillow_become_one_that_png_and_viewers_have(mode, becomes, tmp_path):
    """S2-9."""
    given = Image.fromarray(RGB).convert(mode)
    path, _ = made(image("x", given), tmp_path)
    assert np.array_equal(png(path), np.asarray(given.convert(becomes)))


def test_transparency_by_a_colour_is_kept(tmp_path):
    """S2-9."""
    given = Image.new("P", (2, 1))
    given.putpalette([255, 0, 0, 0, 255, 0])
    given.putpixel((1, 0), 1)
    given.info["transparency"] = 0
    path, _ = made(image("x", given), tmp_path)
    assert png(path).tolist() == [[[255, 0, 0, 0], [0, 255, 0, 255]]]


REFUSED = [
    (np.zeros((4, 5, 3), np.uint16), ["uint16", "(4, 5, 3)"]),
    (np.zeros((4, 5, 3), np.int64), ["int64", "(4, 5, 3)"]),
    (np.zeros((6, 5, 2), np.uint8), ["uint8", "(6, 5, 2)"]),
    (np.zeros((2, 4, 5, 3), np.uint8), ["uint8", "(2, 4, 5, 3)"]),
    (np.zeros(7, np.float32), ["float32", "(7,)"]),
    (np.zeros((0, 5, 3), np.uint8), ["uint8", "(0, 5, 3)"]),
    (np.zeros((4, 5), complex), ["complex128", "(4, 5)"]),
    (np.array([["a"]]), ["[['a']]", "(ndarray)"]),
    (torch.zeros(4, 5, dtype=torch.int32), ["int32", "(4, 5)"]),
    (None, ["got None (NoneType)"]),
    ("x.png", ["got 'x.png' (str)", "PIL.Image.open", "log_artifact"]),
    (Path("x.png"), ["PosixPath", "log_artifact"]),
    (b"\x89PNG", ["(bytes)", "PIL.Image.open"]),
    (Figure(), ["(Figure)", "log_figure"]),
    (Figure().add_subplot(), ["(Axes)", "log_figure"]),
    (3, ["got 3 (int)"]),
    ({"a": 1}, ["(dict)"]),
    ([["a", "b"]], ["(list)"]),
    ([[1, 2], [3]], ["list"]),
    (torch.zeros(3, 3).to_sparse(), ["Tensor", "float32", "(3, 3)"]),
    (np.ma.masked_array([[1.0]], mask=[[True]]), ["masked"]),
    (Image.new("I;16", (5, 4)), ["'I;16'", "(5, 4)"]),
    (Image.new("F", (5, 4)), ["'F'", "(5, 4)"]),
]


@pytest.mark.parametrize(("given", "words"), REFUSED, ids=[" ".join(words) for _, words in REFUSED])
def test_another_type_or_shape_is_an_error_that_names_both(given, words):
    """S2-9."""
    with pytest.raises(SignalError, match="an image") as caught:
        image("x", given)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (np.zeros((4, 5), np.int64), r"from 0 to 0; convert it with \.astype\('uint8'\)"),
        (np.array([[0, 255]], np.uint16), r"from 0 to 255; convert it with \.astype\('uint8'\)"),
        (np.array([[0.0, 255.0]]), r"from 0 to 255; convert it with \.astype\('uint8'\)"),
        (np.array([[0, 256]]), "from 0 to 256; scale it by a range that is the same for all images"),
        (np.array([[-1, 7]]), "from -1 to 7; scale it by a range"),
        (np.array([[-1.0, 1.0]]), "from -1 to 1; scale it by a range"),
        (np.array([[0.5, 254.5]]), "from 0.5 to 254.5; divide it by 255"),
        (np.array([[0.5, np.inf]]), "from 0.5 to inf; scale it by a range"),
        (np.array([[1j]]), r"\(1, 1\); convert it, or"),
    ],
)
def test_the_error_says_how_these_values_become_an_image(given, advice):
    """S2-9: the same for each image of a run, so that the brightness does not change between them."""
    with pytest.raises(SignalError, match=advice):
        image("x", given)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, "with 1 NaN"),
        (1.1, "from 0.5 to 1.1"),
        (-0.1, "from -0.1 to 0.5"),
        (255.0, "from 0.5 to 255"),
        (np.inf, "from 0.5 to inf"),
        (-np.inf, "from -inf to 0.5"),
        (1e38, "from 0.5 to 1e[+]38"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_and_what_is_out_of_range_are_told(value, words, dtype):
    """S2-9."""
    given = np.full((4, 5), 0.5, dtype)
    given[2, 3] = value
    with pytest.raises(SignalError, match=rf"between 0 and 1, got {dtype} of shape \(4, 5\) {words}"):
        image("x", given)


def test_the_worst_value_is_found_in_any_piece():
    """S2-9."""
    given = np.zeros((700, 700), np.float32)
    given[-1, -1] = np.nan
    with pytest.raises(SignalError, match="1 NaN"):
        image("x", given)


def test_a_caption_goes_along(tmp_path):
    """S2-9."""
    assert image("x", GREY, "before").fields == {"name": "x", "caption": "before"}
    with pytest.raises(SignalError, match="caption of an image must be text, got 5"):
        image("x", GREY, 5)


@pytest.mark.parametrize("name", ["", "a//b", "../x", "a\nb", "a\\b", None, "x" * 201])
def test_a_name_cannot_lead_out_of_the_run(name):
    """S2-9."""
    with pytest.raises(SignalError, match="the name of an image"):
        image(name, GREY)


def test_without_pillow_the_error_says_what_to_install():
    """S2-9: and it comes at once, not from the thread."""
    code = (
        "import sys; sys.modules['PIL'] = None\n"
        "import numpy; from l2logger.media.images import image\n"
        "try: image('x', numpy.zeros((2, 2)))\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert 'images need Pillow: pip install "l2logger[media]"' in done.stdout, done.stderr
