"""Signals written by hand, without the package: what a test wants to be in the files is."""

import json
from pathlib import Path
from typing import Any

CONTENTS: dict[str, dict[str, Any]] = {
    "metrics": {"values": {"agent/loss": 0.5, "agent/steps": 3}},
    "params": {"params": {"agent": {"lr": 0.001, "layers": [64, 64]}, "seed": 7}},
    "histogram": {
        **{"name": "agent/weights", "counts": [1, 0, 2], "edges": [-1.0, 0.0, 1.0, 2.0]},
        **{"count": 3, "min": -0.5, "max": 1.5, "mean": 0.8, "std": 0.9, "nonfinite": 1},
    },
    "image": {"name": "eval/view", "path": "media/image/eval/view/3.png", "width": 4, "height": 2, "channels": 3},
    "video": {
        **{"name": "eval/episode", "path": "media/video/eval/episode/3.mp4", "width": 8, "height": 8, "frames": 5},
        **{"fps": 30, "caption": "the best one"},
    },
    "figure": {"name": "curve", "path": "media/figure/curve/none.png", "width": 640, "height": 480},
    "array": {"name": "q", "path": "media/array/q/3.npy", "shape": [2, 3], "dtype": "float32"},
    "text": {"name": "plan", "text": 'go "left" {"kind": "metrics", "timestamp": "x"}\n☃'},
    "table": {"name": "episodes", "columns": ["return", "task"], "rows": [[1.5, "a"], [None, "b"]]},
    "note": {"text": "lr dropped"},
    "description": {"metric": "agent/loss", "unit": "nats", "better": "min"},
    "artifact": {
        **{"name": "model", "version": "v0", "path": "artifacts/model/v0", "type": "model"},
        **{"files": [{"path": "weights.safetensors", "nbytes": 5, "sha256": "00"}], "nbytes": 5, "digest": "ab"},
        **{"aliases": ["latest", "best"], "metadata": {"score": 1.5}},
    },
}
"""What is in a signal of each kind besides the fields of all."""


def stamp(number: int) -> str:
    """Return a time, later for higher numbers; a record of `by_hand.row` is a microsecond before the signal of its number."""
    return f"20261121T12{number // 60 % 60:02}{number % 60:02}.000002"


def signal(kind: str = "metrics", number: int = 0, **more: Any) -> dict[str, Any]:
    """Return what is in the line of a signal."""
    own = {
        name: more.pop(name) for name in list(more) if name not in ("worker_id", "clock", "step", "clocks", "context")
    }
    head = {"kind": kind, "timestamp": stamp(number), "worker_id": "w0", "clock": "step", "step": number}
    return {**head, **more, **CONTENTS.get(kind, {}), **own}


def line(kind: str = "metrics", number: int = 0, **more: Any) -> str:
    """Return the line of a signal."""
    return json.dumps(signal(kind, number, **more)) + "\n"


def write_signals(run: Path, *lines: str, worker_id: str = "w0") -> Path:
    """Append lines to the file of a worker, and return it."""
    path = run / "signals" / f"{worker_id}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="") as file:
        file.writelines(lines)
    return path
