"""The sink for TensorBoard, and what its files are made of."""

from l2logger.sinks.tensorboard.sink import TensorBoardSink

__all__ = ["TensorBoardSink"]
