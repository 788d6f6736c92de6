"""What the real TensorBoard shows, with the loader that it uses by default and with the one in Python."""

import math
from html import unescape
from urllib.parse import parse_qsl

import numpy
import pytest
from media_signals import MediaFiles, histogram_of, metrics, signal
from PIL import Image
from tensorboard_reading import Server, curves, images, runs, same
from test_tensorboard import REWARD, Runs, entry

from l2logger.run import RunInfo

pytestmark = pytest.mark.slow

LATE = [0, 1, 2, 3, 5, 6, 4, 7, 2, 8, 3]
UNFINITE = [math.nan, math.inf, -math.inf, 1e300, 0.5]
NAMES = ["a/../../b", "../up", "损失", "a b?&=%#", "half \ud800", "red \x1b[31m\0", "x" * 100_000]
EDGES = [0.0, 1.0, 2.0, 4.0, 8.0]
VALUES = ([3.0, 3.5], [0.5, 1.5, 7.0], [-9.0])
MARKS = "a|b `c` *d* _e_ <b>f</b> [g](h) &amp; \\ # i"


@pytest.fixture(scope="module", params=[True, False], ids=["fast", "slow"])
def server(request, tmp_path_factory):
    """TensorBoard, and all the runs that it shows."""
    demos = tmp_path_factory.mktemp("demos")
    Runs(demos / "late").log(*(entry(step, reward=float(number)) for number, step in enumerate(LATE)))
    Runs(demos / "unfinite").log(*(entry(number, reward=value) for number, value in enumerate(UNFINITE)))
    Runs(demos / "names").log(*(entry(0, task_name=name) for name in NAMES))
    Runs(demos / "workers").log(*(entry(step, worker_id=f"worker-{step % 3}") for step in range(9, 0, -1)))
    texts = Runs(demos / "texts")
    texts.info = RunInfo(str(texts.path), {}, {"marks": MARKS, "rate": 0.25, "deep": {"on": True}, "n": math.nan})
    texts.log(*(entry(number, block_num=number) for number in range(5)))
    resumed = Runs(demos / "resumed")
    for number in range(3):
        resumed.log(entry(2 * number), entry(2 * number + 1))
    replayed = Runs(demos / "replayed")
    replayed.log(*(entry(step, reward=-1.0, gone=-1.0) for step in [1, 5, 5, 2]))
    replayed.log(*(entry(step) for step in [0, 1, 1, 2, 5]), fresh=True)
    log_signals(Runs(demos / "signals"))
    expected = {run for run in runs(demos) if curves(demos, run)}
    with Server(demos, fast=request.param) as server:
        server.settled(lambda: set(server.tags()), lambda found: found >= expected)
        yield server


def log_signals(run: Runs) -> None:
    """Log some of each kind, and go on with the run three times."""
    run.path.mkdir()
    media = MediaFiles(run.path)
    run.log(
        signal("description", None, metric="reward", unit="points", better="max"),
        signal("params", None, params={"seed": 3}),
        *(entry(number) for number in range(3)),
        *(metrics(number, loss=float(number)) for number in range(3)),
        *(histogram_of(values, number, bins=EDGES) for number, values in enumerate(VALUES)),
        histogram_of([1.0], name="loss"),
        media.image(numpy.arange(48, dtype=numpy.uint8).reshape(4, 4, 3), 1),
        media.video([Image.new("RGB", (16, 16), (10 * number, 0, 0)) for number in range(9)], 2),
    )
    for number in range(3):
        run.log(signal("note", None, text=f"note {number}"))


def all_points(server: Server, run: str, tag: str = REWARD) -> list[tuple[int, float]]:
    """Return the points of a curve in a run, and in the further runs of it."""
    names = [name for name, tags in server.tags().items() if name.split("/late ")[0] == run and tag in tags]
    return sorted(point for name in names for point in server.points(name, tag))


def settled_points(server: Server, run: str, count: int) -> list[tuple[int, float]]:
    return server.settled(lambda: all_points(server, run), lambda found: len(found) == count)


def test_every_value_is_shown_though_steps_fall(server):
    found = settled_points(server, "late/tensorboard", len(LATE))
    assert found == sorted((step, float(number)) for number, step in enumerate(LATE))


def test_values_that_are_not_finite_are_shown(server):
    found = server.settled(lambda: server.points("unfinite/tensorboard", REWARD), lambda found: len(found) == 5)
    assert same(found, list(enumerate([math.nan, math.inf, -math.inf, math.inf, 0.5])))


def test_curves_of_any_name_are_shown(server):
    """F-115"""
    tags = server.settled(lambda: server.tags()["names/tensorboard"], lambda found: len(found) == len(NAMES))
    assert len(tags) == len(NAMES)
    for tag in tags:
        assert server.points("names/tensorboard", tag) == [(0, 1.0)]


def test_workers_are_runs(server):
    for number in range(3):
        assert len(settled_points(server, f"workers/tensorboard/worker-{number}", 3)) == 3


def test_a_resumed_run_is_one_curve(server):
    assert settled_points(server, "resumed/tensorboard", 6) == [(step, 1.0) for step in range(6)]


def test_of_a_replayed_run_only_the_replay_is_shown(server):
    found = settled_points(server, "replayed/tensorboard", 4 if server.fast else 5)
    # Of several parts of an experience the fast loader shows the last.
    assert found == [(step, 1.0) for step in ([0, 1, 2, 5] if server.fast else [0, 1, 1, 2, 5])]
    assert {tag for run, tags in server.tags().items() if run.startswith("replayed") for tag in tags} == {REWARD}


def text(server: Server, tag: str) -> list[str]:
    return [each["text"] for each in server.ask("/data/plugin/text/text", run="texts/tensorboard", tag=tag)]


def test_blocks_are_texts(server):
    found = server.settled(lambda: text(server, "block"), lambda found: len(found) == 5)
    assert found == [f"<p>block {number}: train wake</p>" for number in range(5)]


def test_text_is_shown_as_it_is(server):
    (table,) = server.wait(lambda: text(server, "scenario_info"))
    assert f"<td>{MARKS}</td>" in unescape(table)


def test_histograms_are_shown_with_their_own_buckets(server):
    """S2-12: TensorBoard's loaders differ in what they do to empty buckets at the ends."""
    found = server.wait(
        lambda: server.ask("/data/plugin/histograms/histograms", run="signals/tensorboard", tag="actions")
    )
    assert [step for _, step, _ in found] == [0, 1, 2]
    for (_, _, buckets), values in zip(found, VALUES, strict=True):
        counts, edges = numpy.histogram(values, EDGES)
        expected = [list(each) for each in zip(edges[:-1], edges[1:], counts, strict=True)]
        assert buckets == [pytest.approx(each) for each in expected]


def pictures(server: Server, tag: str) -> list[bytes]:
    """Return the pictures that the page loads."""
    found = server.wait(lambda: server.ask("/data/plugin/images/images", run="signals/tensorboard", tag=tag))
    return [server.load("/data/plugin/images/individualImage", **dict(parse_qsl(each["query"]))) for each in found]


def test_pictures_are_shown_byte_for_byte(server):
    """S2-9"""
    assert pictures(server, "frame") == [(server.directory / "signals/media/image/frame/1.png").read_bytes()]


def test_videos_are_shown_as_animations(server):
    """S2-10, S4-6"""
    ((_, gif),) = images(server.directory, "signals/tensorboard")["rollout"]
    assert pictures(server, "rollout") == [gif]


def test_kinds_that_share_a_name_are_all_shown(server):
    found = server.wait(lambda: server.ask("/data/plugin/histograms/tags")["signals/tensorboard"])
    assert set(found) == {"actions", "loss/histograms"}
    assert "loss" in server.tags()["signals/tensorboard"]


def test_descriptions_are_shown_at_the_curves(server):
    found = server.wait(lambda: server.ask("/data/plugin/timeseries/tags")["scalars"]["tagDescriptions"])
    assert found[REWARD].strip() == "<p>in points, higher is better</p>"


def test_what_has_no_step_is_still_shown_when_a_run_is_gone_on_with(server):
    def notes() -> list[str]:
        return [each["text"] for each in server.ask("/data/plugin/text/text", run="signals/tensorboard", tag="note")]

    found = server.settled(notes, lambda found: len(found) == 3)
    assert found == [f"<p>note {number}</p>" for number in range(3)]


def test_parameters_are_columns_of_the_table_of_runs(server):
    names = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]
    body = {
        "experimentName": "",
        "allowedStatuses": names,
        "colParams": [{"metric": {"group": "", "tag": REWARD}}],
        "startIndex": 0,
        "sliceSize": 100,
    }
    found = server.wait(lambda: server.ask("/data/plugin/hparams/session_groups", body)["sessionGroups"])
    session = {each["name"].split("/")[0]: each for group in found for each in group["sessions"]}
    parameters = {group["name"].split("/")[0]: group["hparams"] for group in found}
    assert parameters["signals"]["seed"] == 3.0
    assert parameters["texts"] == {"marks": MARKS, "rate": 0.25, "deep.on": True, "n": "NaN"}
    assert session["texts"]["metricValues"][0]["value"] == 1.0


def test_a_replay_is_shown_by_a_server_that_runs(tmp_path):
    run = Runs(tmp_path / "live")
    with Server(tmp_path) as server:
        run.log(*(entry(step) for step in [1, 4, 5]))
        assert settled_points(server, "live/tensorboard", 3)
        run.log(*(entry(step, reward=2.0) for step in range(7)), fresh=True)
        assert settled_points(server, "live/tensorboard", 7) == [(step, 2.0) for step in range(7)]


def test_what_is_logged_is_shown_while_it_is_logged(tmp_path):
    run = Runs(tmp_path / "live")
    with Server(tmp_path) as server:
        sink = run.open()
        for number in range(3):
            sink.write(entry(number))
            sink.flush()
            assert settled_points(server, "live/tensorboard", number + 1) == [(step, 1.0) for step in range(number + 1)]
        sink.close()
