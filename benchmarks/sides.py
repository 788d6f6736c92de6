"""The two sides of each comparison, the original l2logger 1.8.2 and ours, each in an environment of its own."""

import functools
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PACKAGES = ("original", "ours")
HERE = Path(__file__).resolve().parent
FIGURES = ("n", "p50", "mean", "p99", "secs", "MB")


@functools.cache
def interpreter(package: str) -> str:
    if package == "ours":
        return sys.executable
    command = [sys.executable, HERE.parent / "tests" / "original.py"]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def python(package: str, *arguments: Any) -> str:
    """Run the interpreter that has the package, isolated from the sources around; return what it prints."""
    command = [interpreter(package), "-I", "-W", "ignore", *map(str, arguments)]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, cwd=tempfile.gettempdir()).stdout


def environment(*packages: str) -> str:
    """Return the machine and, for both sides, the versions of some packages, for the first line of a report."""
    versions = (
        "from importlib.metadata import distributions as all\n"
        "found = {each.name: each.version for each in all()}\n"
        f"print(*(f'{{name}} {{found.get(name)}}' for name in {('l2logger', *packages)}), sep=', ')"
    )
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.2f}"
    sides = "; ".join(f"{package}: {python(package, '-c', versions).strip()}" for package in PACKAGES)
    return f"Python {platform.python_version()}; {machine}; {sides}"


def print_table(rows: Iterable[list[str]]) -> None:
    rows = list(rows)
    width = max(map(len, rows))
    rows = [row + [""] * (width - len(row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        # Text to the left, figures to the right.
        cells = [
            cell.rjust(size) if cell[:1].isdigit() or cell in FIGURES else cell.ljust(size)
            for cell, size in zip(row, widths, strict=True)
        ]
        print("  ".join(cells).rstrip())
