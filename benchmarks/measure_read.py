"""One measurement of reading, with whichever l2logger the interpreter has. Started by ``read.py``.

``measure_read.py CASE LOG`` prints seconds, peak resident memory and what was found, as JSON.
``measure_read.py make LOG BLOCKS ROWS`` writes a log of four workers to read.
"""

import json
import os
import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORKERS = 4
HEADER = (
    "block_num\texp_num\tworker_id\tblock_type\tblock_subtype\ttask_name\ttask_params\texp_status\ttimestamp\t"
    "episode_step_count\treward"
)


def make(log: Path, blocks: int, rows: int) -> int:
    """Write a log: `WORKERS` files to a block, `rows` rows to a file, experiences numbered across the workers."""
    draw = random.Random(0)
    log.mkdir(parents=True)
    info = {"metrics_columns": ["reward"], "log_format_version": "1.1"}
    (log / "logger_info.json").write_text(json.dumps(info, indent=2))
    (log / "scenario_info.json").write_text("{}")
    exp_num = 0
    for block in range(blocks):
        kind = "test" if block % 2 else "train"
        params = f'"{{""gravity"": {block % 8 + 1.5}, ""length"": 0.5}}"'
        lines: list[list[str]] = [[HEADER] for _ in range(WORKERS)]
        for _ in range(rows):
            for worker, of_worker in enumerate(lines):
                seconds, micros = divmod(exp_num * 250, 1_000_000)
                clock = f"{seconds // 3600 % 24:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}.{micros:06d}"
                fields = f"{block}\t{exp_num}\tworker-{worker}\t{kind}\twake\tCartPole_v{block % 8}\t{params}\tcomplete"
                numbers = f"{draw.randrange(500)}\t{draw.random() * 100}"
                of_worker.append(f"{fields}\t20261121T{clock}\t{numbers}")
                exp_num += 1
        for worker, of_worker in enumerate(lines):
            directory = log / f"worker-{worker}" / f"{block}-{kind}"
            directory.mkdir(parents=True)
            path = directory / "data-log.tsv"
            path.write_text("\n".join(of_worker) + "\n")
            os.utime(path, (0, 0))  # no longer being written
    return exp_num


def read_log_data(log: Path) -> Callable[[], int]:
    from l2logger import util

    return lambda: len(util.read_log_data(log))


def fill_regime_num(log: Path) -> Callable[[], int]:
    from l2logger import util

    data = util.read_log_data(log)
    return lambda: int(util.fill_regime_num(data)["regime_num"].max()) + 1


def parse_blocks(log: Path) -> Callable[[], int]:
    from l2logger import util

    data = util.fill_regime_num(util.read_log_data(log))
    return lambda: len(util.parse_blocks(data))


def records(log: Path) -> Callable[[], int]:
    from l2logger import read

    def mean() -> int:
        [(count, _)] = read.records(log).aggregate("count(*), avg(reward)").fetchall()
        return int(count)

    return mean


def regimes(log: Path) -> Callable[[], int]:
    from l2logger import read

    return lambda: len(read.regimes(log).fetchall())


def summary(log: Path) -> Callable[[], int]:
    from l2logger import read

    return lambda: read.summary(log).records


CASES = {case.__name__: case for case in (read_log_data, fill_regime_num, parse_blocks, records, regimes, summary)}


def measure(case: str, log: Path) -> dict[str, Any]:
    work = CASES[case](log)
    start = time.perf_counter()
    found = work()
    secs = time.perf_counter() - start
    # Kilobytes on Linux, bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform != "darwin" else 1024)
    return {"secs": secs, "peak_mb": peak / 1024, "found": found}


if __name__ == "__main__":
    # As in a plain installation, and in that of the original: pandas keeps text differently where pyarrow is.
    sys.modules["pyarrow"] = None  # type: ignore[assignment]
    what, where, *numbers = sys.argv[1:]
    print(json.dumps(make(Path(where), *map(int, numbers)) if what == "make" else measure(what, Path(where))))
