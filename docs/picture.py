"""Draw ``docs/demo.svg``, the picture in the README: what ``make demo`` prints.

Run with ``python docs/picture.py`` from the root of the project.
"""

import os
import subprocess
import sys
import tempfile

from rich.console import Console
from rich.text import Text

COMMAND = "make demo"
WIDTH = 104
SHOWN_REGIMES = 8

with tempfile.TemporaryDirectory() as directory:
    command = [sys.executable, "examples/lifelong_cartpole.py", "--dir", directory]
    environment = os.environ | {"COLUMNS": str(WIDTH), "FORCE_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
lines = [Text.from_ansi(line) for line in output.replace(directory, "logs").splitlines()]
regimes = next(number for number, line in enumerate(lines) if line.plain.startswith("regime "))
shown = lines[: regimes + 2 + SHOWN_REGIMES]

with open(os.devnull, "w", encoding="utf-8") as nowhere:
    console = Console(record=True, width=WIDTH, file=nowhere)
    console.print(f"[bold green]$[/] {COMMAND}")
    for line in [*shown, Text("   ...")]:
        console.print(line, highlight=False, no_wrap=True, overflow="crop")
    console.save_svg(
        "docs/demo.svg", title="a learner forgets, sleeps and remembers; every episode is a row of the log"
    )
