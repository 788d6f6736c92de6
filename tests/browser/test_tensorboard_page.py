"""What somebody sees who opens TensorBoard in a browser."""

import os

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from browser.tensorboard_page import CHROMIUM, TASKS, chromium, drawn_curves, log_run, open_page
from tensorboard_reading import Server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not os.access(CHROMIUM, os.X_OK), reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture(scope="module")
def show(tmp_path_factory):
    """Open a page about two runs."""
    directory = tmp_path_factory.mktemp("demo")
    log_run(directory, "sequential", 0.8)
    log_run(directory, "rehearsal", 0.1)
    with Server(directory / "boards") as server, chromium() as browser:
        server.settled(server.tags, lambda tags: len(tags) == 2)
        yield lambda *args, **settings: open_page(browser, server, *args, **settings)


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
