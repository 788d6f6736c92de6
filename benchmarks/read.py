"""Measure reading beside the original l2logger 1.8.2: ``python benchmarks/read.py``, or ``make bench``.

Each figure is from a process of its own and in wall-clock seconds, imports not counted; of ours the median of several.
Ratios are original / ours: above 1, ours is faster, or smaller. The peak is that of resident memory of the whole
process, interpreter and packages included. What the original has no function for is measured for ours alone.

``--long`` adds a log of 20 million records, which takes 2.6 GB on the disk and a few minutes.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sides import HERE, environment, print_table, python

MEASURE = HERE / "measure_read.py"


class Measurement(NamedTuple):
    """What is measured: a case of ``measure_read.py``, the log it reads, and whether the original can do it."""

    title: str
    case: str
    log: str
    original: bool = True


LOGS = {"million": (200, 1250), "many": (750, 50), "middle": (50, 250), "huge": (200, 25_000)}
"""Blocks, of four files each, and rows of a file."""

MEASUREMENTS = (
    Measurement("read and sort 1,000,000 records of 800 files: util.read_log_data", "read_log_data", "million"),
    Measurement("read and sort 150,000 records of 3,000 files: util.read_log_data", "read_log_data", "many"),
    Measurement("number the regimes of 50,000 records: util.fill_regime_num", "fill_regime_num", "middle"),
    Measurement("number the regimes of 1,000,000 records: util.fill_regime_num", "fill_regime_num", "million", False),
    Measurement("list the regimes of 1,000,000 records: util.parse_blocks", "parse_blocks", "million", False),
    Measurement("mean reward of 1,000,000 records: read.records", "records", "million", False),
    Measurement("regimes of 1,000,000 records: read.regimes", "regimes", "million", False),
    Measurement("summary of 1,000,000 records: read.summary", "summary", "million", False),
    Measurement("summary of 150,000 records of 3,000 files: read.summary", "summary", "many", False),
)
LONG = (Measurement("summary of 20,000,000 records: read.summary", "summary", "huge", False),)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure reading beside the original l2logger 1.8.2.")
    parser.add_argument("--times", type=int, default=3, help="measurements of ours (default: %(default)s)")
    parser.add_argument("--long", action="store_true", help="add a log of 20 million records")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file as well")
    options = parser.parse_args()
    measurements = MEASUREMENTS + (LONG if options.long else ())
    print(environment("pandas", "numpy", "duckdb"), flush=True)
    with tempfile.TemporaryDirectory() as directory:
        for log in dict.fromkeys(each.log for each in measurements):
            python("ours", MEASURE, "make", Path(directory, log), *LOGS[log])
        report = [measured(each, Path(directory, each.log), options.times) for each in measurements]
    print("seconds and peak memory; ratio = original / ours\n")
    print_table(rows(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def measured(measurement: Measurement, log: Path, times: int) -> dict[str, Any]:
    runs = {"ours": times, "original": 1 if measurement.original else 0}
    found = {
        package: [json.loads(python(package, MEASURE, measurement.case, log)) for _ in range(number)]
        for package, number in runs.items()
    }
    answers = {each["found"] for of_package in found.values() for each in of_package}
    if len(answers) > 1:
        raise SystemExit(f"{measurement.title}: the answers differ: {answers}")
    return {"title": measurement.title, **found}


def rows(report: list[dict[str, Any]]) -> Iterator[list[str]]:
    yield ["", *["original", ""], *["ours", ""], *["ratio", ""]]
    yield ["", *("secs", "MB") * 2, "time", "memory"]
    for each in report:
        ours = [statistics.median(run[figure] for run in each["ours"]) for figure in ("secs", "peak_mb")]
        shown = [f"{ours[0]:.2f}", f"{ours[1]:.0f}"]
        if not each["original"]:
            yield [each["title"], "", "", *shown]
            continue
        [run] = each["original"]
        theirs = [run["secs"], run["peak_mb"]]
        ratios = [f"{original / mine:.1f}x" for original, mine in zip(theirs, ours, strict=True)]
        yield [each["title"], f"{theirs[0]:.2f}", f"{theirs[1]:.0f}", *shown, *ratios]


if __name__ == "__main__":
    main()
