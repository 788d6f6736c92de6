"""The sink for the eyes, and what it draws with."""

from l2logger.sinks.console.sink import ConsoleSink

__all__ = ["ConsoleSink"]
