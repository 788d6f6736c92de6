"""Take ``docs/tensorboard.png``, the picture in the README: two runs in TensorBoard.

Run with ``python docs/screenshots.py`` from the root of the project. It needs Chromium, as Debian has it.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, "tests")
from browser.tensorboard_page import chromium, drawn_curves, hide_settings, log_run, open_page
from tensorboard_reading import Server

CURVES = "(short|long)/reward"
HEIGHT = 858
COLOURS = 128

with tempfile.TemporaryDirectory() as name:
    directory = Path(name)
    log_run(directory, "sequential", 0.8)
    log_run(directory, "rehearsal", 0.1)
    with Server(directory / "boards") as server, chromium() as browser:
        server.settled(server.tags, lambda tags: len(tags) == 2)
        page = open_page(browser, server, "timeseries", height=HEIGHT, tagFilter=CURVES, smoothing="0")
        hide_settings(page)
        drawn_curves(page, 4)
        picture = Image.open(io.BytesIO(page.screenshot()))
picture.quantize(COLOURS, dither=Image.Dither.NONE).save("docs/tensorboard.png", optimize=True)
