"""Take the pictures of TensorBoard in the documentation: curves of two runs, and the images and histograms of another.

Run with ``python docs/screenshots.py`` from the root of the project. It needs Chromium, as Debian has it.
"""

import io
import sys
import tempfile
from contextlib import chdir
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path("tests").absolute()))
from browser.cartpole_run import log_training
from browser.tensorboard_page import (
    Browser,
    Page,
    chromium,
    drawn_curves,
    drawn_histograms,
    hide_settings,
    loaded_images,
    log_run,
    open_page,
)
from tensorboard_reading import Server

DOCS = Path("docs").absolute()
CURVES = "(short|long)/reward"
CARDS = 3
COLOURS = 256


def take_curves(browser: Browser) -> None:
    """Take ``tensorboard.png``, the picture in the README."""
    log_run(Path(), "sequential", 0.8)
    log_run(Path(), "rehearsal", 0.1)
    with Server("boards") as server:
        server.settled(server.tags, lambda tags: len(tags) == 2)
        page = open_page(browser, server, "timeseries", height=858, tagFilter=CURVES, smoothing="0")
        hide_settings(page)
        drawn_curves(page, 4)
        save(page, "tensorboard.png")


def take_images_and_histograms(browser: Browser) -> None:
    """Take ``tensorboard-images.png`` and ``tensorboard-histograms.png``."""
    log_training(Path())
    with Server("boards") as server:
        server.wait(server.tags)
        page = open_page(browser, server, "images", width=1500, height=552)
        loaded_images(page, CARDS)
        save(page, "tensorboard-images.png")
        page = open_page(browser, server, "histograms", width=1440, height=504)
        drawn_histograms(page, CARDS)
        save(page, "tensorboard-histograms.png")


def save(page: Page, name: str) -> None:
    """Save what is in sight."""
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(DOCS / name, optimize=True)


with chromium() as browser:
    for take in (take_curves, take_images_and_histograms):
        # TensorBoard shows the directory as it was given.
        with tempfile.TemporaryDirectory() as directory, chdir(directory):
            take(browser)
