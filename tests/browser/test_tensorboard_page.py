"""What somebody sees who opens TensorBoard in a browser."""

import io
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

import av
from browser.cartpole_run import EVALUATIONS, UPDATES, log_training
from browser.tensorboard_page import (
    CHROMIUM,
    TASKS,
    chromium,
    drawn_curves,
    drawn_histograms,
    is_moving,
    loaded_images,
    log_run,
    open_page,
)
from PIL import Image
from playwright.sync_api import Locator, Page
from tensorboard_reading import Server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not os.access(CHROMIUM, os.X_OK), reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def show(browser, tmp_path_factory):
    """Open a page about two runs."""
    directory = tmp_path_factory.mktemp("demo")
    log_run(directory, "sequential", 0.8)
    log_run(directory, "rehearsal", 0.1)
    with Server(directory / "boards") as server:
        server.settled(server.tags, lambda tags: len(tags) == 2)
        yield partial(open_page, browser, server)


class Training(NamedTuple):
    """A run with pictures.

    Attributes:
        scenario_dir: Of the run.
        show: Opens a page about it.
    """

    scenario_dir: Path
    show: Callable[..., Page]


@pytest.fixture(scope="module")
def training(browser, tmp_path_factory):
    directory = tmp_path_factory.mktemp("training")
    logger = log_training(directory)
    with Server(directory / "boards") as server:
        server.wait(server.tags)
        yield Training(Path(logger.scenario_dir), partial(open_page, browser, server))


def test_curves_are_drawn_under_their_names(show):
    """S2-22"""
    page = show("timeseries", height=1300, tagFilter="reward")
    assert drawn_curves(page, 6) == [
        f"{block_type}/{task}/reward" for block_type in ("test", "train") for task in sorted(TASKS)
    ]
    assert page.locator("runs-data-table").inner_text().split() == ["Run", "rehearsal", "sequential"]


def test_blocks_are_read_under_text(show):
    page = show("text")
    page.get_by_text("block 11: test wake").first.wait_for()


def test_runs_are_compared_by_their_parameters(show):
    """S2-22"""
    page = show("hparams")
    for word in ("rehearsal", "0.10000", "sequential", "0.80000"):
        page.get_by_text(word, exact=True).first.wait_for()


def loaded(image: Locator) -> bytes:
    """Return what the browser loaded for a picture."""
    return image.page.request.get(image.evaluate("image => image.src")).body()


def test_pictures_are_seen_as_they_were_logged(training):
    """S2-9, S2-11"""
    found = loaded_images(training.show("images"), 3)
    for name, kind in (("evaluation/attention", "image"), ("evaluation/values", "figure")):
        path = training.scenario_dir / "media" / kind / name / f"{EVALUATIONS[-1]}.png"
        assert loaded(found[name]) == path.read_bytes()


def test_videos_are_seen_moving(training):
    """S2-10, S4-6"""
    found = loaded_images(training.show("images"), 3)["evaluation/episode"]
    video = training.scenario_dir / f"media/video/evaluation/episode/{EVALUATIONS[-1]}.mp4"
    with Image.open(io.BytesIO(loaded(found))) as animation, av.open(str(video)) as container:
        assert animation.n_frames == container.streams.video[0].frames
    assert is_moving(found)


def test_distributions_are_drawn_for_each_step(training):
    """S2-12"""
    found = drawn_histograms(training.show("histograms"), 3)
    assert {name: shapes.count() for name, shapes in found.items()} == dict.fromkeys(
        ("policy/advantages", "policy/torque", "policy/values"), UPDATES
    )
