"""Records to write, and plain ways to read a run back, that share no code with the package."""

import csv
import io
import json
from pathlib import Path
from typing import Any

csv.field_size_limit(2**24)


def record(exp_num: Any = 0, **more: Any) -> dict[str, Any]:
    """Return a record as a user would give it."""
    return {
        "block_num": 0,
        "exp_num": exp_num,
        "block_type": "train",
        "task_name": "Task_a",
        "task_params": {"gravity": 9.8},
        "reward": 1.0,
        **more,
    }


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def parse(data: bytes) -> list[dict[str, str]]:
    """Return the rows of one file, as Python's own reader sees them."""
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), delimiter="\t"))


def rows(scenario_dir: str | Path) -> list[dict[str, str]]:
    """Return the rows of all files, file by file."""
    return [row for path in sorted(Path(scenario_dir).rglob("data-log.tsv")) for row in parse(path.read_bytes())]


def files(directory: str | Path) -> list[str]:
    """Return the paths of all files below a directory, relative to it."""
    return sorted(str(path.relative_to(directory)) for path in Path(directory).rglob("*") if path.is_file())


def data_log(logger: Any, worker_id: str = "worker-default", block: str = "0-train") -> Path:
    return Path(logger.scenario_dir) / worker_id / block / "data-log.tsv"


def signals(scenario_dir: str | Path, worker_id: str = "worker-default") -> list[dict[str, Any]]:
    """Return what a worker logged beside records; as strict JSON, as any program would read it."""
    path = Path(scenario_dir) / "signals" / f"{worker_id}.jsonl"

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    if not path.exists():
        return []
    data = path.read_text(encoding="utf-8")
    assert not data or data.endswith("\n")
    return [json.loads(line, parse_constant=refuse) for line in data.split("\n")[:-1]]
