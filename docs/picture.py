"""Draw ``docs/demo.svg``, the picture in the README: what ``make demo`` prints.

Run with ``python docs/picture.py`` from the root of the project.
"""

import subprocess
import sys
import tempfile

from rich.console import Console

COMMAND = "make demo"
WIDTH = 112
SHOWN_ROWS = 12

with tempfile.TemporaryDirectory() as directory:
    command = [sys.executable, "examples/lifelong_cartpole.py", "--dir", directory]
    environment = {"COLUMNS": str(WIDTH), "PATH": "", "PYTHONIOENCODING": "utf-8"}
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
lines = output.replace(directory, "logs").splitlines()
table = next(number for number, line in enumerate(lines) if "──" in line)
end = next(number for number in range(table, len(lines)) if not lines[number].strip())
shown = [*lines[: table + 1 + SHOWN_ROWS], "   ...", *lines[end:]]

with open("/dev/null", "w", encoding="utf-8") as nowhere:
    console = Console(record=True, width=WIDTH, file=nowhere)
    console.print(f"[bold green]$[/] {COMMAND}")
    for line in shown:
        console.print(line, highlight=False, markup=False)
    console.save_svg(
        "docs/demo.svg", title="a learner forgets, sleeps and remembers; every episode is a row of the log"
    )
