"""Where signals go: the canonical log, and mirrors of it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from l2logger.sinks.background import BackgroundSink
    from l2logger.sinks.console import ConsoleSink
    from l2logger.sinks.csv import CsvSink
    from l2logger.sinks.fan_out import FanOut
    from l2logger.sinks.health import Health
    from l2logger.sinks.jsonl import JsonlSink
    from l2logger.sinks.memory import MemorySink
    from l2logger.sinks.named import build
    from l2logger.sinks.process import ProcessSink
    from l2logger.sinks.sink import Sink
    from l2logger.sinks.tensorboard import TensorBoardSink
    from l2logger.sinks.wandb import WandbSink

_HOMES = {
    "BackgroundSink": "background",
    "ConsoleSink": "console",
    "CsvSink": "csv",
    "FanOut": "fan_out",
    "Health": "health",
    "JsonlSink": "jsonl",
    "MemorySink": "memory",
    "ProcessSink": "process",
    "Sink": "sink",
    "TensorBoardSink": "tensorboard",
    "WandbSink": "wandb",
    "build": "named",
}

__all__ = [
    "BackgroundSink",
    "ConsoleSink",
    "CsvSink",
    "FanOut",
    "Health",
    "JsonlSink",
    "MemorySink",
    "ProcessSink",
    "Sink",
    "TensorBoardSink",
    "WandbSink",
    "build",
]


def __getattr__(name: str) -> Any:
    # Each sink loads when it is used, so that a run that only writes the log is not slowed down by the others.
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"l2logger.sinks.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
