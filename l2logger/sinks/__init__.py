"""Where signals go: the canonical log, and mirrors of it."""

from l2logger.sinks.fan_out import FanOut, Health
from l2logger.sinks.memory import MemorySink
from l2logger.sinks.sink import Sink

__all__ = ["FanOut", "Health", "MemorySink", "Sink"]
