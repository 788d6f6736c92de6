"""What TensorBoard finds of the signals that are no records."""

import io
import json
import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy
import pytest
from kinds import one_of_each
from media_signals import MediaFiles, histogram_of, metrics, signal
from PIL import Image
from tensorboard_reading import (
    accumulator,
    curves,
    events,
    histograms,
    hyperparameters,
    images,
    points,
    runs,
    same,
    texts,
)
from test_tensorboard import REWARD, Runs, entry, only_file

from l2logger.signals import KINDS, Signal, finite
from l2logger.sinks import TensorBoardSink
from l2logger.sinks.tensorboard import gif


@pytest.fixture
def run(tmp_path):
    run = Runs(tmp_path / "run")
    run.path.mkdir()
    yield run
    run.close()


@pytest.fixture
def media(run):
    return MediaFiles(run.path)


def pixels(data: bytes) -> numpy.ndarray:
    return numpy.asarray(Image.open(io.BytesIO(data)))


def frames_of(data: bytes) -> list[numpy.ndarray]:
    animation = Image.open(io.BytesIO(data))
    found = []
    for number in range(animation.n_frames):
        animation.seek(number)
        found.append(numpy.asarray(animation.convert("RGB")).astype(int))
    return found


def secs_of(data: bytes) -> float:
    animation = Image.open(io.BytesIO(data))
    total = 0
    for number in range(animation.n_frames):
        animation.seek(number)
        total += animation.info["duration"]
    return total / 1000


def squares(count: int, width: int = 64, height: int = 48) -> list[Image.Image]:
    """Return frames in which a square moves, and now and then rests."""
    frames = []
    for number in range(count):
        frame = Image.new("RGB", (width, height), (200, 220, 240))
        place = 2 * (number // 3) % (width - 10)
        frame.paste((180, 30, 30), (place, 10, place + 10, 20))
        frames.append(frame)
    return frames


def as_json(value: Any) -> Any:
    """Return a value as a replay brings it."""
    if isinstance(value, Mapping):
        return {name: as_json(item) for name, item in value.items()}
    return list(map(as_json, value)) if isinstance(value, tuple) else finite(value)


def test_all_kinds_are_taken():
    assert TensorBoardSink.kinds == KINDS


def test_a_kind_that_nobody_knows_is_an_error(run):
    with pytest.raises(ValueError, match="'smell'"):
        run.open().write(signal("smell"))


def test_what_a_replay_brings_is_shown_like_what_is_logged(run, tmp_path):
    media = MediaFiles(run.path)
    entries = [
        signal(each.kind, **{name: value for name, value in each.fields.items() if name != "timestamp"})
        for each in one_of_each()
        if each.kind not in ("record", "image", "video", "figure")
    ]
    entries += [media.image(numpy.zeros((4, 4), numpy.uint8)), metrics(4, bad=math.nan, worse=-math.inf)]
    run.log(*entries)
    stored = [as_json(each.fields) for each in entries]
    board = tmp_path / "board"
    run.log(*(Signal(each.kind, fields) for each, fields in zip(entries, stored, strict=True)), directory=board)
    assert texts(board) == texts(run.board)
    assert images(board) == images(run.board)
    assert histograms(board) == histograms(run.board)
    assert repr(curves(board)) == repr(curves(run.board))


# Metrics.


def test_metrics_are_curves_under_their_names(run):
    """S2-1"""
    run.log(metrics(10, loss=0.5, **{"agent/kl": 2}), metrics(20, loss=0.25))
    assert curves(run.board) == {"loss": [(10, 0.5), (20, 0.25)], "agent/kl": [(10, 2.0)]}


def test_metrics_of_any_clock_stand_at_their_steps(run):
    run.log(metrics(10, loss=0.5), signal("metrics", 10**12, clock="updates", values={"loss": 0.25}))
    assert curves(run.board) == {"loss": [(10, 0.5), (10**12, 0.25)]}


def test_late_metrics_are_kept(run):
    steps = [5, 6, 2, 7, 3, 1]
    run.log(*(metrics(step, loss=float(step)) for step in steps))
    assert points(run.board) == {"loss": [(step, float(step)) for step in sorted(steps)]}
    assert runs(run.board) == [".", "late 1", "late 2"]


def test_metrics_of_workers_are_in_their_runs(run):
    run.log(metrics(0, loss=1.0), metrics(0, "w-1", loss=2.0))
    assert curves(run.board, "w-1") == {"loss": [(0, 2.0)]}


def test_metrics_that_are_not_finite_stay_so(run):
    values = [math.nan, math.inf, -math.inf, 1e300, 10**400, -(10**400), 2**63, "NaN", "-Infinity"]
    run.log(*(metrics(number, loss=value) for number, value in enumerate(values)))
    expected = [math.nan, math.inf, -math.inf, math.inf, math.inf, -math.inf, 2.0**63, math.nan, -math.inf]
    assert same(curves(run.board)["loss"], list(enumerate(expected)))


def test_names_that_are_very_long_are_cut_and_stay_different(run):
    """F-115"""
    run.log(metrics(0, **{"x" * 10_000: 1.0, "x" * 10_000 + "y": 2.0}))
    assert [len(name) for name in curves(run.board)] == [250, 250]


@pytest.mark.parametrize("step", [2**63, -(2**63), 1.5, "3"])
def test_a_step_that_cannot_be_shown_is_refused(run, step):
    """F-116"""
    sink = run.open()
    with pytest.raises(ValueError, match="step"):
        sink.write(metrics(step, loss=1.0))
    sink.write(metrics(1, loss=2.0))
    sink.close()
    assert curves(run.board) == {"loss": [(1, 2.0)]}


# Signals without a step.


def test_without_a_step_signals_stand_one_behind_the_other(run):
    """S2-3"""
    run.log(
        signal("note", None, text="a"), metrics(None, loss=1.0), signal("note", None, text="b"), metrics(None, loss=2.0)
    )
    assert texts(run.board)["note"] == [(0, "a"), (1, "b")]
    assert curves(run.board) == {"loss": [(0, 1.0), (1, 2.0)]}


def test_without_a_step_a_signal_stands_behind_those_with_one(run):
    run.log(metrics(7, loss=1.0), metrics(3, loss=2.0), metrics(None, loss=3.0), metrics(None, loss=4.0))
    assert curves(run.board) == {"loss": [(7, 1.0), (8, 3.0), (9, 4.0)]}


def test_without_a_step_signals_of_a_resumed_run_stand_behind_those_of_before(run):
    """TensorBoard would forget what has the same step or a higher one in an earlier file."""
    for text in ("a", "b", "c"):
        run.log(signal("note", None, text=text), signal("note", None, "w-1", text=text))
    assert texts(run.board)["note"] == [(0, "a"), (1, "b"), (2, "c")]
    assert texts(run.board, "w-1")["note"] == [(0, "a"), (1, "b"), (2, "c")]


def test_files_that_are_damaged_do_not_keep_signals_from_their_places(run):
    run.log(signal("note", None, text="a"))
    path = only_file(run.board)
    path.write_bytes(path.read_bytes() + b"\x20\0\0\0\0\0\0\0 and so on")
    (run.board / "events.out.tfevents.1.other").write_bytes(b"what is this?")
    run.log(signal("note", None, text="b"))
    newest = max(run.board.iterdir())
    assert [event.step for event in events(newest) if "note" in {value.tag for value in event.summary.value}] == [1]


def test_behind_the_highest_step_there_is_no_other(run):
    """F-116"""
    run.log(metrics(2**63 - 1, loss=1.0), metrics(None, loss=2.0))
    assert curves(run.board) == {"loss": [(2**63 - 1, 1.0), (2**63 - 1, 2.0)]}


# Names that several kinds share.


def test_kinds_that_share_a_name_are_all_shown(run):
    """TensorBoard shows one kind of thing under a tag."""
    run.log(
        entry(0),
        histogram_of([1.0, 2.0], name=REWARD),
        histogram_of([1.0, 2.0], name="loss"),
        metrics(0, loss=1.0),
        metrics(1, loss=2.0),
        signal("text", name="loss", text="high"),
        entry(1),
    )
    assert sorted(histograms(run.board)) == ["loss", f"{REWARD}/histograms"]
    assert curves(run.board) == {REWARD: [(0, 1.0), (1, 1.0)], "loss/scalars": [(0, 1.0), (1, 2.0)]}
    assert texts(run.board)["loss/text"] == [(0, "high")]


def test_an_image_a_video_and_a_figure_of_one_name_are_apart(run, media):
    logged = [numpy.full((48, 64, 4), shade, numpy.uint8) for shade in (10, 20)]
    run.log(
        media.image(logged[0], 0, "surface"),
        media.video(squares(3), 0, "surface", suffix="gif"),
        media.image(logged[1], 0, "surface", kind="figure"),
        media.image(logged[1], 5, "surface"),
    )
    found = images(run.board)
    assert {tag: [step for step, _ in each] for tag, each in found.items()} == {
        "surface": [0, 5],
        "surface/videos": [0],
        "surface/figures": [0],
    }
    assert found["surface/videos"][0][1].startswith(b"GIF8")
    assert (pixels(found["surface/figures"][0][1]) == logged[1]).all()


# Parameters.


def params(**groups: Any) -> Signal:
    return signal("params", None, params=groups)


def test_parameters_are_a_table(run):
    """S2-8"""
    run.log(params(agent={"lr": 0.5, "layers": [64, {"kind": "conv"}]}, seed=3))
    ((step, table),) = texts(run.board)["params"]
    assert step == 0
    assert table.splitlines()[2:] == [
        "| agent.lr | 0.5 |",
        r'| agent.layers | \[64, \{"kind": "conv"\}\] |',
        "| seed | 3 |",
    ]


def test_later_parameters_are_merged_into_the_table(run):
    """S2-8"""
    run.log(params(agent={"lr": 0.5, "size": 8}), params(agent={"lr": 0.25}, seed=3))
    assert texts(run.board)["params"][-1][1].splitlines()[2:] == [
        "| agent.lr | 0.25 |",
        "| agent.size | 8 |",
        "| seed | 3 |",
    ]


def test_parameters_are_in_the_row_of_the_run_beside_what_the_scenario_says(run):
    run.log(params(optimizer={"rate": 0.25}, seed=3, odd="NaN"), params(on=True), entry(0))
    assert hyperparameters(run.board) == {
        "author": "J. Doe",
        "complexity": "1-low",
        "optimizer.rate": 0.25,
        "optimizer.nesterov": True,
        "seed": 3.0,
        "odd": "NaN",
        "on": True,
    }


def test_the_row_is_written_once_before_the_first_thing_that_is_no_word(run):
    """TensorBoard takes the first of several."""
    sink = run.open()
    sink.write(signal("note", text="begin"))
    sink.write(signal("description", None, metric="loss", unit="nats", better="min"))
    sink.write(params(seed=3))
    sink.write(metrics(0, loss=1.0))
    sink.flush()
    assert hyperparameters(run.board)["seed"] == 3.0
    sink.write(params(seed=4))
    sink.close()
    assert only_file(run.board).read_bytes().count(b"session_start_info") == 1


def test_the_row_is_written_though_nothing_else_comes(run):
    run.log(params(seed=3))
    assert hyperparameters(run.board)["seed"] == 3.0


def test_a_replay_knows_parameters_that_came_later(run):
    (run.path / "run.json").write_text(json.dumps({"status": "complete", "params": {"agent": {"seed": 4, "late": 1}}}))
    run.log(params(agent={"seed": 3}), entry(0), params(agent={"seed": 4, "late": 1}))
    row = hyperparameters(run.board)
    assert (row["agent.late"], row["author"]) == (1.0, "J. Doe")


def test_a_damaged_manifest_does_no_harm(run):
    (run.path / "run.json").write_text("{")
    run.log(params(seed=3), entry(0))
    assert hyperparameters(run.board)["seed"] == 3.0


# Histograms.


def test_a_histogram_keeps_its_counts_and_edges(run):
    """S2-12"""
    values = numpy.random.default_rng(0).normal(size=1000)
    counts, edges = numpy.histogram(values, 64)
    run.log(histogram_of(values, 7, "actor/actions", bins=64))
    ((step, found),) = histograms(run.board)["actor/actions"]
    assert step == 7
    assert found.bucket == counts.tolist()
    assert [found.min, *found.bucket_limit] == edges.tolist()
    assert found.max == edges[-1]


def test_a_histogram_tells_of_all_values(run):
    values = numpy.array([1.0, 2.0, 4.0, 9.0])
    run.log(histogram_of(values, bins=[0, 3, 5]))
    ((_, found),) = histograms(run.board)["actions"]
    assert found.bucket == [2, 1]
    assert found.num == 4
    assert found.sum == pytest.approx(values.sum())
    assert found.sum_squares == pytest.approx((values**2).sum())


@pytest.mark.parametrize("values", [[3.5], [3.5, 3.6], [0.0], [0.5, 4.5], [10.0, 99.0]])
def test_empty_buckets_at_the_ends_of_a_histogram_count_nothing(run, values):
    run.log(histogram_of(values, bins=[0, 1, 2, 3, 4, 5]))
    ((_, found),) = histograms(run.board)["actions"]
    assert list(map(int, found.bucket)) == numpy.histogram(values, [0, 1, 2, 3, 4, 5])[0].tolist()
    assert sum(found.bucket) == pytest.approx(sum(map(int, found.bucket)))
    assert (found.min, found.max) == (0.0, 5.0)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning:tensorboard")
@pytest.mark.parametrize("values", [[1e308, -1e308], [2**62, 0, 0], [math.nan, math.inf, 0.25], [True, False]])
def test_histograms_of_odd_values_are_shown(run, values):
    run.log(histogram_of(values))
    ((_, found),) = histograms(run.board)["actions"]
    assert sum(found.bucket) == found.num == numpy.isfinite(numpy.asarray(values, float)).sum()


def test_late_histograms_are_kept(run):
    run.log(*(histogram_of([float(step)], step) for step in (5, 4)))
    assert [step for step, _ in histograms(run.board, "late 1")["actions"]] == [4]


# Pictures.


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_an_image_has_the_pixels_that_were_logged(run, media, shape):
    """S2-9"""
    logged = numpy.random.default_rng(0).integers(0, 256, shape, numpy.uint8)
    run.log(media.image(logged, 3))
    ((step, data),) = images(run.board)["frame"]
    assert step == 3
    assert (pixels(data) == logged).all()


def test_an_image_says_its_size(run, media):
    run.log(media.image(numpy.zeros((5, 7, 3), numpy.uint8)))
    (image,) = accumulator(run.board).Images("frame")
    assert (image.width, image.height) == (7, 5)


def test_a_figure_keeps_its_alpha(run, media):
    """S2-11"""
    logged = numpy.full((4, 4, 4), 100, numpy.uint8)
    run.log(media.image(logged, kind="figure", name="curve"))
    ((_, data),) = images(run.board)["curve"]
    assert (pixels(data) == logged).all()


def test_a_caption_is_a_text_beside_the_picture(run, media):
    run.log(media.image(numpy.zeros((4, 4), numpy.uint8), 3, caption="a *cat*"))
    assert texts(run.board)["frame/caption"] == [(3, "a *cat*")]


def test_a_missing_file_fails_for_its_signal_only(run, media):
    gone, kept = (media.image(numpy.zeros((4, 4), numpy.uint8), step) for step in (3, 4))
    (run.path / gone.fields["path"]).unlink()
    sink = run.open()
    with pytest.raises(FileNotFoundError, match=r"is missing.*frame/3\.png"):
        sink.write(gone)
    sink.write(kept)
    sink.close()
    assert [step for step, _ in images(run.board)["frame"]] == [4]


@pytest.mark.parametrize("way", ["../secret.png", "/etc/passwd", "link/secret.png"])
def test_no_path_leads_out_of_the_run(run, media, way):
    (run.path.parent / "secret.png").write_bytes(b"")
    (run.path / "link").symlink_to(run.path.parent)
    sink = run.open()
    with pytest.raises(ValueError, match="leads out of the run"):
        sink.write(signal("image", name="frame", path=way, width=1, height=1, channels=1))


# Videos.


def test_a_video_becomes_a_gif_with_all_its_frames(run, media):
    """S2-10, S4-6"""
    frames = squares(50)
    run.log(media.video(frames, 3, fps=25))
    ((step, data),) = images(run.board)["rollout"]
    assert step == 3
    assert data[:6] == b"GIF89a"
    found = frames_of(data)
    assert len(found) == 50
    differences = [abs(one - numpy.asarray(other)).mean() for one, other in zip(found, frames, strict=True)]
    assert max(differences) < 5
    assert secs_of(data) == pytest.approx(2.0)


def test_frames_that_are_all_alike_are_all_there(run, media):
    """S4-6"""
    run.log(media.video([Image.new("RGB", (32, 32), "navy")] * 20))
    ((_, data),) = images(run.board)["rollout"]
    assert len(frames_of(data)) == 20


@pytest.mark.parametrize(("fps", "secs"), [(30, 2.0), (7, 60 / 7), (60, 60 * 0.02)])
def test_a_gif_plays_as_fast_as_the_video_but_for_what_browsers_do_not_show(run, media, fps, secs):
    """S4-6: they take two hundredths of a second for a frame at least."""
    run.log(media.video(squares(60), fps=fps))
    ((_, data),) = images(run.board)["rollout"]
    assert secs_of(data) == pytest.approx(secs, abs=0.02)


def test_a_gif_is_taken_as_it_is(run, media):
    """S2-10"""
    video = media.video(squares(9), suffix="gif")
    run.log(video)
    ((_, data),) = images(run.board)["rollout"]
    assert data == (run.path / video.fields["path"]).read_bytes()


@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_a_large_video_becomes_smaller(run, media, monkeypatch, suffix):
    monkeypatch.setattr(gif, "MAX_PIXELS", 30 * 160 * 120)
    frames = [frame.resize((320, 240)) for frame in squares(30)[::3]] * 3
    run.log(media.video(frames, suffix=suffix))
    (image,) = accumulator(run.board).Images("rollout")
    found = frames_of(image.encoded_image_string)
    assert (image.width, image.height) == (160, 120)
    assert len(found) == 30
    assert found[0].shape == (120, 160, 3)


def test_a_long_video_becomes_shorter_and_plays_as_long(run, media, monkeypatch):
    monkeypatch.setattr(gif, "MAX_PIXELS", 20 * 64 * 48)
    run.log(media.video(squares(60), fps=30))
    ((_, data),) = images(run.board)["rollout"]
    found = frames_of(data)
    assert len(found) == 20
    assert found[0].shape == (48, 64, 3)
    assert secs_of(data) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("size", "bounded"),
    [
        ((600, 400, 139), (600, 400, 139)),
        ((84, 84, 4000), (84, 84, 4000)),
        ((600, 400, 500), (317, 211, 500)),
        ((1920, 1080, 20_000), (128, 72, 3640)),
    ],
)
def test_only_large_videos_are_bounded_first_in_size_then_in_length(size, bounded):
    assert gif.bounded(gif.Size(*size)) == bounded


def test_what_is_no_video_is_an_error(run, media):
    path = media.path("video", "rollout", 0, "mp4")
    (run.path / path).write_bytes(b"no video")
    sink = run.open()
    with pytest.raises(ValueError, match="is no video that can be read"):
        sink.write(signal("video", name="rollout", path=path, width=8, height=8, frames=2, fps=30))


def test_without_pyav_it_says_what_to_install(run, media, monkeypatch):
    video = media.video(squares(3))
    monkeypatch.setitem(sys.modules, "av.error", None)
    sink = run.open()
    with pytest.raises(ImportError, match=r'pip install "l2logger\[media\]"'):
        sink.write(video)


# Words.


def test_a_text_is_kept_as_it_is(run):
    """S2-14"""
    text = "# two\n\nlines | with *marks* \x00 and 世界"
    run.log(signal("text", 3, name="agent/sample", text=text), signal("text", 4, name="agent/sample", text=""))
    assert texts(run.board)["agent/sample"] == [(3, text), (4, "")]


def test_a_text_that_utf_8_does_not_have_is_shown(run):
    run.log(signal("text", name="half", text="a\ud800b"))
    assert texts(run.board)["half"] == [(0, r"a\ud800b")]


def test_a_text_has_an_end(run):
    run.log(signal("text", name="long", text="x" * 3_000_000))
    ((_, found),) = texts(run.board)["long"]
    assert len(found) < 1_100_000


def test_a_note_is_a_text(run):
    run.log(signal("note", 5, text="lr dropped"))
    assert texts(run.board)["note"] == [(5, "lr dropped")]


def test_a_table_is_markdown(run):
    run.log(signal("table", 2, name="results", columns=["task", "a|b"], rows=[["x_1", 1], ["y", None], ["z", 0.5]]))
    assert texts(run.board)["results"] == [
        (2, "| task | a\\|b |\n| --- | --- |\n| x\\_1 | 1 |\n| y | null |\n| z | 0.5 |")
    ]


def test_a_table_has_an_end(run):
    rows = [[f"{row}-{column}" for column in range(100)] for row in range(1000)]
    run.log(signal("table", name="large", columns=[f"c{column}" for column in range(100)], rows=rows))
    ((_, found),) = texts(run.board)["large"]
    lines = found.splitlines()
    assert len(lines) == 2 + 200 + 1
    assert lines[0].count("|") == 52
    assert lines[2].endswith("| 0-49 |")


def test_of_an_array_it_is_told_what_and_where_it_is(run):
    """S2-13"""
    run.log(signal("array", 1, name="weights", path="media/array/weights/1.npy", shape=[3, 4], dtype="float32"))
    ((step, found),) = texts(run.board)["weights"]
    assert step == 1
    for part in (r"\[3, 4\]", "float32", "media/array/weights/1.npy"):
        assert f"| {part} |" in found


def test_of_an_artifact_it_is_told_what_and_where_it_is(run):
    run.log(
        signal(
            "artifact",
            None,
            name="policy",
            version="v3",
            path="artifacts/policy/v3",
            type="model",
            files=[{"path": "a", "nbytes": 1, "sha256": ""}, {"path": "b", "nbytes": 2, "sha256": ""}],
            nbytes=1_234_567,
            digest="0f",
            aliases=["latest", "best"],
            metadata={"score": {"mean": 0.5}},
            metrics={"loss": 0.25, "reward": "NaN"},
        )
    )
    ((_, found),) = texts(run.board)["artifact/policy"]
    for name, value in {
        "version": "v3",
        "aliases": r'\["latest", "best"\]',
        "files": "2",
        "size": "1,234,567 bytes",
        "metadata.score.mean": "0.5",
        "metrics.loss": "0.25",
        "metrics.reward": "NaN",
    }.items():
        assert f"| {name} | {value} |" in found


# Descriptions.


def description(run: Runs, tag: str, of: str = ".") -> str:
    metadata = accumulator(run.board, of).summary_metadata
    return metadata[tag].summary_description if tag in metadata else ""


def test_a_description_is_shown_at_the_curves_that_begin_after_it(run):
    described = signal("description", None, metric="loss", unit="nats_2", better="min")
    run.log(described, metrics(0, loss=1.0, kl=1.0), metrics(1, loss=0.5), metrics(0, "w", loss=1.0))
    assert description(run, "loss") == description(run, "loss", "w") == r"in nats\_2, lower is better"
    assert description(run, "kl") == ""
    assert curves(run.board)["loss"] == [(0, 1.0), (1, 0.5)]


def test_a_description_of_a_metric_of_records_is_shown_at_all_their_curves(run):
    run.log(
        signal("description", None, metric="reward", unit=None, better="max"),
        entry(0),
        entry(1),
        entry(2, block_type="test"),
    )
    assert description(run, REWARD) == description(run, "test/Task_a/reward") == "higher is better"
    assert curves(run.board)[REWARD] == [(0, 1.0), (1, 1.0)]


def test_what_is_said_later_of_a_metric_is_added(run):
    run.log(
        signal("description", None, metric="loss", unit="nats", better=None),
        signal("description", None, metric="loss", unit=None, better="min"),
        metrics(0, loss=1.0),
    )
    assert description(run, "loss") == "in nats, lower is better"


def test_a_description_is_a_text_as_well(run):
    run.log(signal("description", None, metric="loss", unit="nats", better="min"))
    assert texts(run.board)["description/loss"] == [(0, "in nats, lower is better")]
