"""Two runs worth looking at, and TensorBoard's page of them in a real browser."""

import io
import math
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from tensorboard_reading import Server

from l2logger import DataLogger
from l2logger.sinks import TensorBoardSink

CHROMIUM = "/usr/bin/chromium"
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TASKS = ("CartPole_short", "CartPole_long", "CartPole_heavy")
METRICS = {"metrics_columns": ["reward"], "log_format_version": "1.1"}
TRAINING = 50
TESTING = 6
LIMIT_SECS = 60.0
LINE_PIXELS = 200
TIMEZONE = "Europe/London"
"""Its name is short enough for one line of a card."""


def log_run(directory: Path, name: str, forgets: float) -> DataLogger:
    """Log a learner that trains on one task after the other, and is tested on all of them in between.

    Args:
        directory: For the logs.
        name: Of the scenario.
        forgets: The part of a skill that is lost while another one is learnt.
    """
    noise = random.Random(name)
    skills = dict.fromkeys(TASKS, 0.0)
    info = {"author": "J. Doe", "complexity": "1-low", "difficulty": "2-medium", "scenario_type": "custom"}
    sink = TensorBoardSink(directory / "boards" / name, isolate="none")
    logger = DataLogger(directory / "logs", name, METRICS, {**info, "forgets": forgets}, sinks=[sink])
    exp_num = 0

    def log(block_num: int, block_type: str, task: str) -> None:
        nonlocal exp_num
        reward = 20 + 460 * skills[task] * noise.uniform(0.85, 1.05) + noise.uniform(-8, 8)
        record = {"block_num": block_num, "block_type": block_type, "task_name": task, "exp_num": exp_num}
        params = {"length": 0.5 + TASKS.index(task) / 4}
        logger.log_record(record | {"task_params": params, "reward": reward, "loss": math.exp(-reward / 150)})
        exp_num += 1

    for number, learnt in enumerate(TASKS * 2):
        for _ in range(TRAINING):
            log(2 * number, "train", learnt)
            for task in TASKS:
                aim, rate = (1.0, 0.05) if task == learnt else (skills[task] * (1 - forgets), 0.1)
                skills[task] += rate * (aim - skills[task])
        for task in TASKS:
            for _ in range(TESTING):
                log(2 * number + 1, "test", task)
    logger.close()
    return logger


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser that nobody sees and that talks to this machine only."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


def open_page(
    browser: Browser, server: Server, dashboard: str, *, width: int = 1280, height: int = 800, **settings: str
) -> Page:
    """Return a page of TensorBoard.

    Args:
        browser: That shows it.
        server: That it comes from.
        dashboard: ``timeseries``, ``images``, ``histograms``, ``text`` or ``hparams``.
        width: Of the page, in pixels.
        height: Of the page, in pixels.
        **settings: Of TensorBoard, as its addresses have them.
    """
    page = browser.new_page(viewport={"width": width, "height": height}, timezone_id=TIMEZONE)
    page.set_default_timeout(1000 * LIMIT_SECS)
    page.goto(f"{server.url}/?{urlencode({'darkMode': 'false', **settings})}#{dashboard}")
    return page


def drawn_curves(page: Page, count: int) -> list[str]:
    """Return the names of the curves on a page of time series, once so many charts are in sight and drawn."""
    give_up_at = time.monotonic() + LIMIT_SECS
    while _drawn_charts(page) < count:
        if time.monotonic() > give_up_at:
            raise AssertionError(f"{_drawn_charts(page)} of {count} charts show something")
    return [name.get_attribute("title") or "" for name in page.locator("scalar-card tb-truncated-path.tag").all()]


def _drawn_charts(page: Page) -> int:
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    boxes = [chart.bounding_box() for chart in page.locator("scalar-card line-chart .series-view").all()]
    places = [(box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]) for box in boxes if box]
    return sum(_coloured_pixels(image.crop(tuple(map(int, place)))) >= LINE_PIXELS for place in places)


def _coloured_pixels(image: Image.Image) -> int:
    """Return how many pixels are not about grey, as the grid and the words are."""
    return sum(count for count, (r, g, b) in image.getcolors(2**24) if max(r, g, b) - min(r, g, b) > 20)


def loaded_images(page: Page, count: int) -> dict[str, Locator]:
    """Return the pictures on a page of images, by name, once so many are there and loaded."""
    found = _cards(page, "tf-image-loader", "img", count)
    for image in found.values():
        image.evaluate("image => image.decode()")
    return found


def is_moving(image: Locator) -> bool:
    """Return whether a picture soon looks different."""
    give_up_at = time.monotonic() + LIMIT_SECS
    first = image.screenshot()
    while time.monotonic() < give_up_at:
        if image.screenshot() != first:
            return True
    return False


def drawn_histograms(page: Page, count: int) -> dict[str, Locator]:
    """Return the shapes on a page of histograms, one for each step, by name, once so many charts are drawn."""
    return _cards(page, "tf-histogram-loader", ".histogram path", count)


def _cards(page: Page, card: str, content: str, count: int) -> dict[str, Locator]:
    page.locator(card).nth(count - 1).wait_for()
    found = {each.locator(".name").inner_text(): each.locator(content) for each in page.locator(card).all()}
    for each in found.values():
        each.first.wait_for(state="attached")
    return found


def hide_settings(page: Page) -> None:
    """Give whole curves the whole page: no settings, no tables below the charts, nothing cut off."""
    for option in ("Enable step selection and data table", "Ignore outliers in chart scaling"):
        page.get_by_label(option).uncheck()
    page.get_by_role("button", name="Settings").first.click()
