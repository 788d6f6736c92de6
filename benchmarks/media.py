"""Measure what metrics, images and videos cost the training: ``python benchmarks/media.py``, or ``make bench``.

How to read it: the times are what a loop waits for one call, in microseconds, with computing between the calls that
holds the interpreter lock, as Python code does. "First" is the very first call, which loads what is needed; it is not
among the others. "Close" is what there is left to do after the loop, in seconds, and "arrived" how many of the signals
are in the log, with their files. By hand is done in the
loop: tensorboardX's `add_image` and `add_scalar`, W&B's `log` (offline). Neither can make a video here without moviepy,
so that is made with PyAV, as its manual does, and given to W&B.

Ratios are by hand (both, where there are both) / ours: above 1, ours is cheaper. The goals on the calling thread are 15
us for 10 metrics, 1 ms for an image and 5 ms for a video.

Each slice is a process of its own; with ``--slices``, the cases take turns, and figures are medians over the slices.
All takes about half a minute.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure_media import CASES
from sides import HERE, environment, print_table, python

MEASURE = HERE / "measure_media.py"

CALL = ("p50", "p99", "max")
LOADS = {"metrics": (2000, 0.0002), "image": (300, 0.003), "video": (15, 0.1)}
"""How many calls, and how many seconds of computing before each."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what metrics, images and videos cost the training.")
    parser.add_argument("--case", action="append", choices=CASES, help="time only this; may be repeated")
    parser.add_argument("--slices", type=int, default=1, help="slices of each case (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file as well")
    options = parser.parse_args()

    print(environment("tensorboardX", "wandb", "pillow", "av"), flush=True)
    report: dict[str, list[dict[str, Any]]] = {name: [] for name in options.case or CASES}
    for _ in range(options.slices):
        for name, slices in report.items():
            slices.append(json.loads(python("ours", MEASURE, name, *LOADS[CASES[name].method])))
    print("\nin microseconds; close in seconds\n")
    print_table(rows(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def rows(report: dict[str, list[dict[str, Any]]]) -> Iterator[list[str]]:
    yield ["", "n", "first", *CALL, "close", "arrived", "ratio p50", "p99"]
    for name, slices in report.items():
        case = CASES[name]
        row = [case.title, f"{slices[0]['n']:,}", *(f"{middle(slices, each):,.1f}" for each in ("first", *CALL))]
        row.append(f"{middle(slices, 'close'):.2f}")
        row.append("" if slices[0]["arrived"] is None else f"{min(each['arrived'] for each in slices):,}")
        if case.against in report:
            by_hand = report[case.against]
            row += [f"{middle(by_hand, each) / middle(slices, each):.1f}x" for each in ("p50", "p99")]
        yield row


def middle(slices: list[dict[str, Any]], figure: str) -> float:
    return statistics.median(each[figure] for each in slices)


if __name__ == "__main__":
    main()
