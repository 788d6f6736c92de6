"""The sink for Weights & Biases, and what it says to their library."""

from l2logger.sinks.wandb.sink import WandbSink

__all__ = ["WandbSink"]
