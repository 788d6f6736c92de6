"""The public interface as a typed program uses it; checked by mypy, never run."""

from pathlib import Path
from typing import Any, assert_type

import duckdb
import numpy

from l2logger import BoundLogger, DataLogger, artifacts, read
from l2logger.findings import Finding
from l2logger.processors import Processor, canonical
from l2logger.signal_summary import SignalSummary
from l2logger.signals import Signal
from l2logger.sinks import MemorySink, Sink
from l2logger.summary import Summary


class Printer(Sink):
    def write(self, signal: Signal) -> None:
        print(signal.fields["reward"])


def add_seed(logger: Any, kind: str, event: dict[str, Any]) -> dict[str, Any]:
    event["seed"] = 7
    return event


chain: list[Processor] = canonical(clock=lambda: 0.0)
chain.insert(0, add_seed)

with DataLogger(
    Path("logs"),
    "run",
    {"metrics_columns": ["reward"]},
    {"author": "me"},
    sinks=[Printer(), MemorySink()],
    processors=chain,
) as logger:
    assert_type(logger, DataLogger)
    logger.log_record({"block_num": 0}, exp_num=1)
    block = logger.bind(block_num=0)
    assert_type(block, BoundLogger)
    assert_type(block.bind(worker_id="w0").unbind("worker_id"), BoundLogger)
    block.log_record(exp_num=0, reward=1.0)
    assert_type(logger.scenario_dir, str)
    assert_type(logger.columns, tuple[str, ...] | None)
    assert_type(logger.progress["w0"].next_exp_num, int)

with DataLogger("logs", "signals", tags=["ablation"]) as logger:
    bound = logger.bind(worker_id="w0", block_num=0)
    handles: list[DataLogger | BoundLogger] = [logger, bound]
    for handle in handles:
        handle.log_metrics({"agent": {"loss": 0.5}}, step=3, clock="updates", reward=numpy.float32(1))
        handle.log_metrics(loss=0.5)
        handle.log_params(agent={"lr": 1e-3}, seed=7)
        handle.log_config({"agent": {"lr": 1e-3}})
        handle.log_histogram("weights", numpy.zeros(3), step=3, bins=32)
        handle.log_text("plan", "left", 3)
        handle.log_table("episodes", [{"return": 1.5}], step=3)
        handle.note("lr dropped", level="warning")
        handle.describe("agent/loss", unit="nats", better="min")
        handle.log_image("view", numpy.zeros((2, 2, 3), numpy.uint8), caption="the first")
        handle.log_video("episode", [numpy.zeros((2, 2, 3), numpy.uint8)], fps=30, format="gif")
        handle.log_array("q", numpy.zeros(3), step=3)
        assert_type(handle.advance("env_steps", 4), int)
        assert_type(handle.every(100), bool)
        with handle.timer("update"):
            pass
        assert_type(handle.log_artifact(Path("data"), "data", {"rows": 3}), artifacts.Artifact)
        assert_type(handle.save_model({"w": numpy.zeros(3)}, "actor", keep=3), artifacts.Artifact)
    with (
        logger.block("train", subtype="wake") as block_of_run,
        block_of_run.experience("Task_a", {"a": 1}) as experience,
    ):
        experience.log(reward=1.0)

assert_type(DataLogger.resume("logs/run-1"), DataLogger)
assert_type(DataLogger.join(Path("logs")), DataLogger)

assert_type(read.records("logs", Path("more"), on_bad_rows="raise"), duckdb.DuckDBPyRelation)
assert_type(read.regimes("logs", connection=duckdb.connect()), duckdb.DuckDBPyRelation)
assert_type(read.connect("logs"), duckdb.DuckDBPyConnection)
assert_type(read.findings("logs"), list[Finding])
assert_type(read.summary("logs"), Summary)
assert_type(read.summary("logs").metrics[0].mean, float | None)
assert_type(read.info("logs").version, str)
assert_type(read.info("logs").status, str | None)
assert_type(read.info("logs").tags, tuple[str, ...])
assert_type(read.metrics("logs", Path("more")), duckdb.DuckDBPyRelation)
assert_type(read.signals("logs", on_bad_rows="skip"), duckdb.DuckDBPyRelation)
assert_type(read.media("logs"), duckdb.DuckDBPyRelation)
assert_type(read.artifacts("logs"), duckdb.DuckDBPyRelation)
assert_type(read.descriptions("logs"), duckdb.DuckDBPyRelation)
assert_type(read.params("logs"), dict[str, Any])
assert_type(read.logged("logs", "histogram", "weights", step=3), dict[str, Any])
assert_type(read.text("logs", "plan"), str)
read.array("logs", "q", 3).mean()
assert_type(read.summary("logs").signals, SignalSummary | None)
read.to_parquet("logs", path=Path("copy"), partition_by=["run"])
