"""Where signals go: the canonical log, and mirrors of it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from l2logger.sinks.background import BackgroundSink
    from l2logger.sinks.console import ConsoleSink
    from l2logger.sinks.csv import CsvSink
    from l2logger.sinks.every import Every
    from l2logger.sinks.fan_out import FanOut
    from l2logger.sinks.health import Health
    from l2logger.sinks.jsonl import JsonlSink
    from l2logger.sinks.mean import Mean
    from l2logger.sinks.memory import MemorySink
    from l2logger.sinks.named import build
    from l2logger.sinks.only import Only, Without
    from l2logger.sinks.prefix import Prefix
    from l2logger.sinks.process import ProcessSink
    from l2logger.sinks.sink import Sink
    from l2logger.sinks.tensorboard import TensorBoardSink
    from l2logger.sinks.wandb import WandbSink

_HOMES = {
    "BackgroundSink": "background",
    "ConsoleSink": "console",
    "CsvSink": "csv",
    "Every": "every",
    "FanOut": "fan_out",
    "Health": "health",
    "JsonlSink": "jsonl",
    "Mean": "mean",
    "MemorySink": "memory",
    "Only": "only",
    "Prefix": "prefix",
    "ProcessSink": "process",
    "Sink": "sink",
    "TensorBoardSink": "tensorboard",
    "WandbSink": "wandb",
    "Without": "only",
    "build": "named",
}

__all__ = [
    "BackgroundSink",
    "ConsoleSink",
    "CsvSink",
    "Every",
    "FanOut",
    "Health",
    "JsonlSink",
    "Mean",
    "MemorySink",
    "Only",
    "Prefix",
    "ProcessSink",
    "Sink",
    "TensorBoardSink",
    "WandbSink",
    "Without",
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
