"""Draw the pictures of the terminal in the README.

They are ``docs/demo.svg``, what ``make demo`` prints, and ``docs/live.svg``, what ``make live`` shows while it runs. Run with
``python docs/picture.py`` from the root of the project.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from l2logger.follow import Follower
from l2logger.sinks.console.live import Tally
from l2logger.sinks.console.live_table import table
from l2logger.sinks.console.looks import Look
from l2logger.stored import signal_of

WIDTH = 104
SHOWN_REGIMES = 8
SHOWN_BLOCKS = 10
IN_THE_MIDST_OF_BLOCK = 10
RECORDS_PER_SEC = 250
SAMPLED = 50


def run_demo(directory: str) -> str:
    """Run the example that is behind both commands, and return what it prints."""
    command = [sys.executable, "examples/lifelong_cartpole.py", "--dir", directory]
    environment = os.environ | {"COLUMNS": str(WIDTH), "FORCE_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def draw(name: str, command: str, title: str, lines: Iterable[Text]) -> None:
    """Write ``docs/<name>.svg``, a terminal in which the command has printed these lines."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere)
        console.print(f"[bold green]$[/] {command}")
        for line in lines:
            console.print(line, highlight=False, no_wrap=True, overflow="crop")
        console.save_svg(f"docs/{name}.svg", title=title)


def live_table(run: Path) -> Text:
    """Return the live table as it is in the midst of a block of the run."""
    records = [record.fields for record in Follower(run, as_stored=True).new()]
    number = [index for index, fields in enumerate(records) if int(fields["block_num"]) == IN_THE_MIDST_OF_BLOCK]
    tally = Tally(run.name, total=len(records))
    for done, fields in enumerate(records[: number[2 * len(number) // 3]]):
        if done % SAMPLED == 0:
            tally.sample(done / RECORDS_PER_SEC)
        tally.add(signal_of(fields).fields)
    return table(tally, Look(colors={"reward": "yellow"}), tally.records / RECORDS_PER_SEC, width=WIDTH)


with tempfile.TemporaryDirectory() as directory:
    output = run_demo(directory)
    shown = [Text.from_ansi(line) for line in output.replace(directory, "logs").splitlines()]
    regimes = next(number for number, line in enumerate(shown) if line.plain.startswith("regime "))
    title = "a learner forgets, sleeps and remembers; every episode is a row of the log"
    draw("demo", "make demo", title, [*shown[: regimes + 2 + SHOWN_REGIMES], Text("   ...")])
    (run,) = Path(directory).iterdir()
    rows = live_table(run).split("\n")
    title = "the same run, watched: the table stays below what the script prints"
    draw("live", "make live", title, [*shown[:SHOWN_BLOCKS], Text(""), *rows])
