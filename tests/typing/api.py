"""The public interface as a typed program uses it; checked by mypy, never run."""

from pathlib import Path
from typing import Any, assert_type

import duckdb

from l2logger import BoundLogger, DataLogger, read
from l2logger.findings import Finding
from l2logger.processors import Processor, canonical
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

assert_type(DataLogger.resume("logs/run-1"), DataLogger)
assert_type(DataLogger.join(Path("logs")), DataLogger)

assert_type(read.records("logs", Path("more"), on_bad_rows="raise"), duckdb.DuckDBPyRelation)
assert_type(read.regimes("logs", connection=duckdb.connect()), duckdb.DuckDBPyRelation)
assert_type(read.connect("logs"), duckdb.DuckDBPyConnection)
assert_type(read.findings("logs"), list[Finding])
assert_type(read.summary("logs"), Summary)
assert_type(read.summary("logs").metrics[0].mean, float | None)
assert_type(read.info("logs").version, str)
read.to_parquet("logs", path=Path("copy"), partition_by=["run"])
