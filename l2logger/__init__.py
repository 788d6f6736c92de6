"""Log a lifelong-learning experiment once.

`DataLogger` writes a directory in the L2 log format, and hands the same records to any number of sinks.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from l2logger.bound import BoundLogger
    from l2logger.configuration import from_config
    from l2logger.errors import (
        ConfigError,
        DirectoryError,
        L2LoggerError,
        L2LoggerWarning,
        LogFormatError,
        LogLockedError,
        LogWarning,
        LogWriteError,
        RecordError,
        RecordWarning,
        SchemaError,
        SignalError,
        SinkError,
        SinkWarning,
    )
    from l2logger.l2logger import DataLogger

__version__ = "2.0.0"

__all__ = [
    "BoundLogger",
    "ConfigError",
    "DataLogger",
    "DirectoryError",
    "L2LoggerError",
    "L2LoggerWarning",
    "LogFormatError",
    "LogLockedError",
    "LogWarning",
    "LogWriteError",
    "RecordError",
    "RecordWarning",
    "SchemaError",
    "SignalError",
    "SinkError",
    "SinkWarning",
    "from_config",
]

_HOMES = dict.fromkeys(__all__, "l2logger.errors") | {
    "BoundLogger": "l2logger.bound",
    "DataLogger": "l2logger.l2logger",
    "from_config": "l2logger.configuration",
}


def __getattr__(name: str) -> Any:
    # Public names load when they are first used, so that `import l2logger` costs next to nothing.
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
