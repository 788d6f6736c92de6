"""Logs written by hand, without the package: what a test wants to be wrong with them is."""

import json
from pathlib import Path
from typing import Any

COLUMNS = [
    *("block_num", "exp_num", "worker_id", "block_type", "block_subtype"),
    *("task_name", "task_params", "exp_status", "timestamp", "reward"),
]
LOGGER_INFO = {"metrics_columns": ["reward"], "log_format_version": "1.1"}
SCENARIO_INFO = {"complexity": "1-low", "difficulty": "2-medium", "scenario_type": "custom"}


def row(exp_num: int = 0, /, **more: Any) -> dict[str, Any]:
    """Return the cells of a record without fault."""
    return {
        "block_num": 0,
        "exp_num": exp_num,
        "worker_id": "w0",
        "block_type": "train",
        "block_subtype": "wake",
        "task_name": "Task_a",
        "task_params": "{}",
        "exp_status": "complete",
        "timestamp": f"20261121T12{exp_num // 60 % 60:02}{exp_num % 60:02}.000001",
        "reward": "1.0",
        **more,
    }


def tsv(rows: list[dict[str, Any]], columns: list[str] = COLUMNS) -> str:
    """Return the text of a file; only task_params is ever put in quotes."""
    lines = ["\t".join(columns)]
    for cells in rows:
        texts = [str(cells.get(column, "")) for column in columns]
        lines.append("\t".join('"' + text.replace('"', '""') + '"' if '"' in text else text for text in texts))
    return "\n".join(lines) + "\n"


def write_log(
    base: Path,
    rows: list[dict[str, Any]] | None = None,
    *,
    columns: list[str] = COLUMNS,
    logger_info: Any = LOGGER_INFO,
    scenario_info: Any = SCENARIO_INFO,
) -> Path:
    """Write a run, each row to the file of its worker and block, and return its directory.

    An info of None is not written, text as it is, all else as JSON.
    """
    run = base / "run"
    run.mkdir(parents=True, exist_ok=True)
    for name, info in (("logger_info.json", logger_info), ("scenario_info.json", scenario_info)):
        if info is not None:
            (run / name).write_text(info if isinstance(info, str) else json.dumps(info))
    files: dict[Path, list[dict[str, Any]]] = {}
    for each in [row(0), row(1)] if rows is None else rows:
        files.setdefault(place(run, each), []).append(each)
    for path, of_file in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tsv(of_file, columns))
    return run


def place(run: Path, cells: dict[str, Any]) -> Path:
    """Return where a row belongs."""
    directory = cells.get("directory", f"{cells['worker_id']}/{cells['block_num']}-{cells['block_type']}")
    return run / directory / "data-log.tsv"
