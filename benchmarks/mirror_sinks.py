"""Sinks for measurements, in a module of their own so that another process can import them."""

from mirror_sides import work

from l2logger.signals import Signal
from l2logger.sinks import Sink


class Idle(Sink):
    """Do nothing.

    Args:
        isolate: Where to do it.
    """

    def __init__(self, isolate: str) -> None:
        self.isolate = isolate

    def write(self, signal: Signal) -> None:
        pass


class Burning(Idle):
    """Compute for each record.

    Args:
        isolate: Where to do it.
        rounds: How much.
    """

    def __init__(self, isolate: str, rounds: int) -> None:
        super().__init__(isolate)
        self.rounds = rounds

    def write(self, signal: Signal) -> None:
        work(self.rounds)
