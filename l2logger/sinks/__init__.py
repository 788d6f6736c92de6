"""Where signals go: the canonical log, and mirrors of it."""

from l2logger.sinks.fan_out import FanOut, Health
from l2logger.sinks.l2 import L2Sink
from l2logger.sinks.memory import MemorySink
from l2logger.sinks.sink import Sink

__all__ = ["FanOut", "Health", "L2Sink", "MemorySink", "Sink"]
