"""Measure the writing of records beside the original l2logger 1.8.2: ``python benchmarks/write.py``, or ``make bench``.

How to read it: the times are microseconds spent inside of ``log_record``, which in both packages returns when the row
is in the kernel; what the clock itself takes is subtracted. Both are measured in short slices, each a process of its
own, in turn, so that other work on the machine hits both alike. A figure is the median over the slices, "p50 from-to"
the lowest and highest p50 of a slice. What counts is the ratios, original / ours: above 1, ours is faster. No writer
can be below the last row, one ``os.write`` of a line as long.

The original has an environment of its own, which ``tests/original.py`` makes when it is first needed. `orjson`, which
ours uses where it is installed, is kept out of all rows but those of ``l2logger[fast]``.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from measure_write import CASES, Case
from sides import PACKAGES, environment, interpreter, print_table, python

MEASURE = Path(__file__).resolve().parent / "measure_write.py"

FIGURES = ("p50", "mean", "p99")
STATEMENTS = ("import l2logger", "from l2logger import l2logger")
HEAVY = ("structlog", "rich", "numpy", "pandas", "duckdb", "click", "asyncio")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the writing of records beside the original l2logger 1.8.2.")
    parser.add_argument("--case", action="append", choices=CASES, help="time only this; may be repeated")
    parser.add_argument("--slices", type=int, default=5, help="slices of each package (default: %(default)s)")
    parser.add_argument("--records", type=int, default=20_000, help="records in a slice (default: %(default)s)")
    parser.add_argument("--long", action="store_true", help="watch memory over 10 million records, not 1 million")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file as well")
    options = parser.parse_args()

    cases = {name: CASES[name] for name in options.case or CASES}
    report: dict[str, Any] = {"environment": environment("numpy", "orjson"), "slices": options.slices}
    report["cases"] = measure_cases(cases, options.slices, options.records)
    if not options.case:
        report["imports"] = {statement: measure_import(statement) for statement in STATEMENTS}
        report["memory"] = json.loads(python("ours", MEASURE, "memory", 10_000_000 if options.long else 1_000_000))
    print_report(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def measure_cases(cases: dict[str, Case], slices: int, records: int) -> dict[str, Any]:
    results: dict[str, Any] = {
        name: {"title": case.title, "n": case.n or records, **{package: [] for package in case.packages}}
        for name, case in cases.items()
    }
    for _ in range(slices):
        for name, case in cases.items():
            for package in case.packages:
                figures = json.loads(python(package, MEASURE, "time", name, package, results[name]["n"]))
                results[name][package].append(figures)
    return results


def measure_import(statement: str, times: int = 9) -> dict[str, Any]:
    milliseconds: dict[str, list[float]] = {package: [] for package in PACKAGES}
    for _ in range(times):
        for package in PACKAGES:
            command = [interpreter(package), "-I", "-X", "importtime", "-c", statement]
            done = subprocess.run(command, check=True, text=True, capture_output=True, cwd=tempfile.gettempdir())
            milliseconds[package].append(import_ms(done.stderr))
    loaded = f"import sys; {statement}; print(*(name for name in {HEAVY} if name in sys.modules))"
    return {
        package: {"ms": milliseconds[package], "loads": python(package, "-c", loaded).split()} for package in PACKAGES
    }


def import_ms(report: str) -> float:
    """Return the time of the package, with all it needs, from the output of ``-X importtime``."""
    total = 0
    for row in report.splitlines():
        # import time:       120 |        480 | l2logger        (a module that another one imports is indented more)
        _, cumulative, module = row.removeprefix("import time:").split("|")
        if module[1:].split(".")[0] == "l2logger":
            total += int(cumulative)
    return total / 1000


def print_report(report: dict[str, Any]) -> None:
    print(report["environment"])
    print(f"log_record in microseconds, median of {report['slices']} slices of n records; ratio = original / ours\n")
    print_table(case_rows(report["cases"]))
    if "imports" in report:
        print("\nimport in milliseconds, median\n")
        print_table(import_rows(report["imports"]))
    if "memory" in report:
        memory = report["memory"]
        print(
            f"\nresident memory of our writer: {memory['first_kb']:,} kB after {memory['first']:,} records, "
            f"{memory['last_kb'] - memory['first_kb']:+,} kB after {memory['last']:,}"
        )


def case_rows(cases: dict[str, Any]) -> Iterable[list[str]]:
    yield ["", "", *["original", "", "", ""], *["ours", "", "", ""], *["ratio", "", ""]]
    yield ["case", "n", *(*FIGURES, "p50 from-to") * 2, *FIGURES]
    for case in cases.values():
        row = [case["title"], f"{case['n']:,}"]
        medians = {}
        for package in PACKAGES:
            slices = case.get(package)
            if slices is None:
                row += [""] * 4
                continue
            medians[package] = [statistics.median(each[figure] for each in slices) for figure in FIGURES]
            p50s = [each["p50"] for each in slices]
            row += [*(f"{value:.2f}" for value in medians[package]), f"{min(p50s):.1f}-{max(p50s):.1f}"]
        if len(medians) == 2:
            row += [f"{theirs / ours:.1f}x" for theirs, ours in zip(*medians.values(), strict=True)]
        yield row


def import_rows(imports: dict[str, Any]) -> Iterable[list[str]]:
    yield ["statement", "package", "ms", "from-to", "loads"]
    for statement, packages in imports.items():
        for package, found in packages.items():
            ms = found["ms"]
            heavy = ", ".join(found["loads"]) or "none of " + ", ".join(HEAVY)
            yield [statement, package, f"{statistics.median(ms):.1f}", f"{min(ms):.1f}-{max(ms):.1f}", heavy]


if __name__ == "__main__":
    main()
