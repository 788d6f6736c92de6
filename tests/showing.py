"""What a console sink is given to show."""

from typing import Any

from reading import record

from l2logger.run import RunInfo
from l2logger.signals import Signal, freeze

RUN = RunInfo("/logs/demo-1-2", {"metrics_columns": ["reward"]}, {})


def fields(exp_num: Any = 0, **more: Any) -> dict[str, Any]:
    """Return a record as a sink gets it."""
    usual = {"worker_id": "w", "block_subtype": "wake", "exp_status": "complete", "timestamp": "20261121T143000.123456"}
    return record(exp_num, **usual) | {"task_params": "{}"} | more


def signal(exp_num: Any = 0, **more: Any) -> Signal:
    return freeze("record", fields(exp_num, **more))
