"""Videos: which arrays are one, and that the file has all frames and plays."""

import io
import os
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from drawn import frames, made, scene
from PIL import Image, ImageSequence

from l2logger.errors import SignalError
from l2logger.media.videos import video

torch = pytest.importorskip("torch")

SCENE = scene(12, 40, 64)
GREY = SCENE[..., 1]


def difference(path, expected) -> float:
    """Return by how much the decoded frames differ from what was given, on average, after a check of their number."""
    found = frames(path)
    height, width = expected.shape[1:3]
    if expected.ndim == 3:
        expected = np.repeat(expected[..., None], 3, axis=-1)
    assert len(found) == len(expected)
    return float(np.abs(found[:, :height, :width].astype(int) - expected).mean())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (SCENE, SCENE),
        (SCENE.transpose(0, 3, 1, 2), SCENE),
        (GREY, GREY),
        (GREY[..., None], GREY),
        (GREY[:, None], GREY),
        (SCENE / 255, SCENE),
        ((SCENE / 255).astype(np.float32).transpose(0, 3, 1, 2), SCENE),
        (SCENE[:, ::-1], SCENE[:, ::-1]),
        (torch.from_numpy(SCENE).permute(0, 3, 1, 2), SCENE),
        (torch.from_numpy(GREY / 255).bfloat16(), GREY),
        (list(SCENE), SCENE),
        (tuple(GREY), GREY),
        (lambda: iter(SCENE / 255), SCENE),
        ([torch.from_numpy(each) for each in SCENE.transpose(0, 3, 1, 2)], SCENE),
        ([Image.fromarray(each) for each in SCENE], SCENE),
        ([*SCENE[:6], *(SCENE[6:] / 255)], SCENE),
    ],
    ids=[
        *("TxHxWx3", "Tx3xHxW", "TxHxW", "TxHxWx1", "Tx1xHxW", "float64", "float32 channels first", "a view"),
        *("torch", "bfloat16", "list", "grey tuple", "iterator of floats", "list of torch", "Pillow", "mixed types"),
    ],
)
@pytest.mark.parametrize("format", ["mp4", "gif"])
def test_all_frames_are_there_and_look_as_given(given, expected, format, tmp_path):
    """S2-10, S4-6: decoded by libav, for every shape and type."""
    path, fields = made(video("eval", given() if callable(given) else given, 30, format), tmp_path)
    assert difference(path, expected) < 3
    assert fields == {"name": "eval", "width": 64, "height": 40, "frames": 12, "fps": 30}


def test_the_file_is_what_browsers_play(tmp_path):
    """S4-6: H.264, yuv420p, colours as BT.709, the index before the pictures."""
    path, _ = made(video("x", SCENE), tmp_path)
    with av.open(str(path)) as container:
        [stream] = container.streams
        context = stream.codec_context
        assert (container.format.name.split(",")[0], context.name, context.pix_fmt) == ("mov", "h264", "yuv420p")
        assert (context.colorspace, context.color_range) == (1, 1)
        assert (stream.frames, stream.average_rate) == (12, 30)
        assert context.profile in ("High", "Main", "Constrained Baseline", "Baseline")
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_colours_are_those_given(tmp_path):
    """S4-6: within what 4:2:0 of 8 bits can do."""
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (10, 200, 190)]
    given = np.stack([np.full((32, 32, 3), colour, np.uint8) for colour in colours])
    path, _ = made(video("x", given), tmp_path)
    assert np.abs(frames(path).astype(int) - given).max() <= 4


@pytest.mark.parametrize("fps", [30, 1, 0.5, 12.5, 29.97, 60, 1000, 0.001, np.float32(24), Fraction(30000, 1001)])
def test_any_rate_is_kept(fps, tmp_path):
    """S4-6."""
    path, fields = made(video("x", SCENE[:3], fps), tmp_path)
    assert fields["fps"] == pytest.approx(float(fps), rel=1e-4)
    assert type(fields["fps"]) in (int, float)
    with av.open(str(path)) as container:
        assert float(container.streams.video[0].average_rate) == pytest.approx(float(fps), rel=1e-4)
    assert len(frames(path)) == 3


@pytest.mark.parametrize("fps", [0, -1, np.nan, np.inf, "30", None, True, 1e9, [30]])
def test_what_is_no_rate_is_refused(fps):
    """S4-6."""
    with pytest.raises(SignalError, match="fps must be a number"):
        video("x", SCENE, fps)


@pytest.mark.parametrize("size", [(39, 64), (40, 63), (39, 63), (1, 1), (1, 500), (3, 2)])
def test_odd_sizes_become_even_by_one_more_row_and_column(size, tmp_path):
    """S4-6: nothing is scaled, so pixels stay as sharp as they were."""
    height, width = size
    given = scene(4, height, width)[..., 1]
    path, fields = made(video("x", list(given)), tmp_path)
    assert (fields["height"], fields["width"]) == (height + height % 2, width + width % 2)
    assert frames(path).shape == (4, fields["height"], fields["width"], 3)
    assert difference(path, given) < 3
    path, fields = made(video("x", list(given), format="gif"), tmp_path)
    assert (fields["height"], fields["width"]) == size
    assert difference(path, given) == 0


@pytest.mark.parametrize("format", ["mp4", "gif"])
@pytest.mark.parametrize("count", [1, 2, 301])
def test_frames_that_are_alike_are_all_there(format, count, tmp_path):
    """S2-10: Pillow alone would make one of them."""
    path, fields = made(video("x", np.full((count, 16, 16, 3), 90, np.uint8), format=format), tmp_path)
    assert len(frames(path)) == fields["frames"] == count


@pytest.mark.parametrize("colours", [2, 100, 256])
def test_a_gif_of_few_colours_is_exact(colours, tmp_path):
    """S2-10: as those of most simple environments are."""
    rng = np.random.default_rng(0)
    given = rng.integers(0, 256, (colours, 3), dtype=np.uint8)[rng.integers(0, colours, (5, 33, 41))]
    path, _ = made(video("x", given, format="gif"), tmp_path)
    assert difference(path, given) == 0


@pytest.mark.parametrize(
    ("fps", "durations"),
    [(10, [100] * 12), (30, [30, 40, 30] * 4), (50, [20] * 12), (400, [20] * 12), (0.1, [10_000] * 12)],
)
def test_a_gif_plays_at_its_rate_without_drifting(fps, durations, tmp_path):
    """S2-10: its times are hundredths of a second, and browsers play those below two of them slowly."""
    path, fields = made(video("x", SCENE, fps, "gif"), tmp_path)
    with Image.open(path) as image:
        assert image.info["loop"] == 0
        assert [frame.info["duration"] for frame in ImageSequence.Iterator(image)] == durations
    assert fields["fps"] == min(fps, 50)


def test_the_frames_are_those_at_the_time_of_the_call(tmp_path):
    """S4-6: environments draw into the same array again."""
    for given in (SCENE.copy(), (SCENE / 255).astype(np.float32)):
        for frames_given in (given, list(given)):
            drawing = video("x", frames_given)
            kept = given.copy()
            given[:] = 0
            path, _ = made(drawing, tmp_path)
            assert difference(path, SCENE) < 3
            given[:] = kept


REFUSED = [
    (np.zeros((84, 84, 3), np.uint8), ["uint8", "(84, 84, 3)", "is it one image?"]),
    (np.zeros((5, 8, 8, 4), np.uint8), ["uint8", "(5, 8, 8, 4)", "no transparency"]),
    (np.zeros((5, 4, 8, 8), np.float32), ["float32", "(5, 4, 8, 8)", "no transparency"]),
    (np.zeros((5, 8, 8, 2), np.uint8), ["uint8", "(5, 8, 8, 2)"]),
    (np.zeros((2, 5, 8, 8, 3), np.uint8), ["uint8", "(2, 5, 8, 8, 3)"]),
    (np.zeros((0, 8, 8, 3), np.uint8), ["uint8", "(0, 8, 8, 3)", "nothing"]),
    (np.zeros((5, 8), np.uint8), ["uint8", "(5, 8)"]),
    (np.zeros((5, 8, 8, 3), np.int64), ["int64", "(5, 8, 8, 3)"]),
    (np.full((5, 8, 8, 3), np.nan), ["float64", "(5, 8, 8, 3)", "960 NaN"]),
    (np.full((5, 8, 8, 3), 255.0), ["float64", "(5, 8, 8, 3)", "to 255"]),
    ([], ["at least one frame"]),
    ([SCENE[0], SCENE[1][:5]], ["(40, 64, 3)", "(5, 64, 3)", "number 1"]),
    ([SCENE[0], SCENE[1].astype(int)], ["int64", "(40, 64, 3)"]),
    (5, ["a list of frames, got 5"]),
    ("abc", ["a list of frames, got 'abc'"]),
    (None, ["a list of frames, got None"]),
    (np.zeros((1, 2, 20_000), np.uint8), ["16,384 pixels", "(1, 2, 20000)"]),
]


@pytest.mark.parametrize(("given", "words"), REFUSED, ids=[" ".join(words) for _, words in REFUSED])
def test_another_type_or_shape_is_an_error_that_names_both(given, words):
    """S4-6: at once, in the thread of the caller."""
    with pytest.raises(SignalError) as caught:
        video("x", given)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("format", ["avi", "", None, "MP4", ["mp4"]])
def test_another_format_is_refused(format):
    """S4-6."""
    with pytest.raises(SignalError, match="must be one of 'mp4', 'gif', got"):
        video("x", SCENE, format=format)


def test_a_caption_goes_along():
    """S4-6."""
    assert video("x", SCENE, caption="after").fields == {"name": "x", "caption": "after"}


@pytest.mark.parametrize(("missing", "format", "words"), [("av", "mp4", "PyAV"), ("PIL", "gif", "Pillow")])
def test_without_its_package_the_error_says_what_to_install(missing, format, words):
    """S4-6: and it comes at once, not from the thread."""
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import numpy; from l2logger.media.videos import video\n"
        f"try: video('x', numpy.zeros((2, 4, 4)), format={format!r})\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert f"need {words}" in done.stdout, done.stderr
    assert 'pip install "l2logger[media]"' in done.stdout


def test_pillow_finds_nothing_wrong_with_the_gif(tmp_path):
    """S2-10: it reads what was put together here."""
    path, _ = made(video("x", SCENE, format="gif"), tmp_path)
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        assert (image.format, image.n_frames, image.size) == ("GIF", 12, (64, 40))
        for frame, expected in zip(ImageSequence.Iterator(image), SCENE, strict=True):
            assert np.array_equal(np.asarray(frame.convert("RGB")), expected)
