"""Runs mirrored to W&B by a `WandbSink`, in this process or in another that knows of W&B only what it is told."""

import math
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import wandb_file
from kinds import of_kind
from reading import record

from l2logger.run import RunInfo
from l2logger.signals import ARTIFACT, METRICS, RECORD, TABLE, Signal, freeze
from l2logger.sinks import WandbSink

REWARD = "train/Task_a/reward"
TIMESTAMP = "20261121T143000.250000"
SCENARIO_INFO = {"author": "J. Doe", "server": {"url": "db.example", "Password": "hunter2"}}
CELLS = [["a", 1], ["b", 2.5], [None, "NaN"], [{"x": [1]}, True]]

_BEFORE = f"""
import os, signal, sys, time
sys.path[:0] = [{str(Path(__file__).parent.parent)!r}, {str(Path(__file__).parent)!r}]
from pathlib import Path
import pytest
from wandb_mirror import *
from wandb_server import Server
run = info(Path(sys.argv[1]))
"""


def entry(exp_num: Any = 0, **more: Any) -> Signal:
    """Return a record as a sink gets it."""
    fields = {"worker_id": "worker-default", "block_subtype": "wake", "exp_status": "complete", "timestamp": TIMESTAMP}
    return freeze(RECORD, {**record(exp_num), **fields, "task_params": '{"gravity": 9.8}', **more})


def metrics(step: int | None = None, clock: str | None = "step", *, more: Any = (), **values: float) -> Signal:
    """Return metrics; two underscores are a slash."""
    named = {name.replace("__", "/"): value for name, value in values.items()}
    return of_kind(METRICS, step, **{"clock": clock, **dict(more)}, values=named)


def table(name: str = "scores") -> Signal:
    return of_kind(TABLE, 3, name=name, columns=["task", "score"], rows=CELLS)


def artifact(version: str = "v0", aliases: Any = ("latest", "best", "v0"), **more: Any) -> Signal:
    names = ("model.bin", "deep/settings.json")
    fields = {
        "name": "policy/best net",
        "version": version,
        "path": f"artifacts/policy/best net/{version}",
        "type": "model",
        "files": [{"path": name, "nbytes": 2, "sha256": "0"} for name in names],
        "nbytes": 9,
        "digest": "0",
        "aliases": aliases,
        "metadata": {"score": 0.5, "worst": math.nan, "api_key": "hunter2"},
    }
    return of_kind(ARTIFACT, **{**fields, **more})


def write_artifact(directory: Path, version: str, weights: bytes) -> None:
    for name, data in (("model.bin", weights), ("deep/settings.json", b"{}")):
        path = directory / "artifacts/policy/best net" / version / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def info(directory: Path) -> RunInfo:
    directory.mkdir(parents=True, exist_ok=True)
    return RunInfo(str(directory), {"metrics_columns": ["reward"], "api_token": "t0p"}, SCENARIO_INFO)


def mirror(run: RunInfo, *entries: Signal, sink: WandbSink | None = None, **options: Any) -> None:
    """Mirror records, offline if nothing else is said."""
    sink = sink or WandbSink(**{"mode": "offline", "isolate": "none", **options})
    try:
        sink.open(run)
        for each in entries:
            sink.write(each)
    finally:
        sink.close()


def latest(directory: str | Path) -> wandb_file.Run:
    """Return what the latest file below a directory says, once W&B's service has written all of it."""
    limit = time.monotonic() + 20
    while (found := wandb_file.read(wandb_file.files(directory)[-1])).exit_code is None:
        assert time.monotonic() < limit, "W&B has not written its file to the end"
        time.sleep(0.01)
    return found


def rewards(rows: list[dict[str, Any]]) -> list[tuple[int, float]]:
    return [(row["exp_num"], row[REWARD]) for row in rows]


def service() -> int:
    """Return the process of W&B's service that this one has started."""
    command = ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in listed.splitlines()]
    mine = [(pid, args) for pid, parent, state, args in rows if int(parent) == os.getpid() and state[0] != "Z"]
    (found,) = [int(pid) for pid, args in mine if "wandb-core" in args]
    return found


def attempt(call: Any, *args: Any) -> None:
    """Call a method, and print its name, what it raised, and how many seconds it took."""
    began = time.monotonic()
    error = "-"
    try:
        call(*args)
    except Exception as raised:
        error = type(raised).__name__
    print(call.__name__, error, time.monotonic() - began, flush=True)


def command(code: str, directory: Path) -> list[str]:
    """Return the command that runs code which mirrors a `run` with this directory."""
    return [sys.executable, "-c", _BEFORE + textwrap.dedent(code), str(directory)]


def python(code: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code which mirrors a `run` with this directory."""
    rest = {name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"}
    return subprocess.run(
        command(code, directory),
        env={**rest, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
