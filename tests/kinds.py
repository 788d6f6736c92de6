"""Signals of all kinds, as a sink gets them."""

from typing import Any

from showing import signal as record
from signals_by_hand import CONTENTS

from l2logger.signals import Signal, freeze

TIME = "20261121T143000.000000"


def of_kind(kind: str, step: int | None = None, *, clock: str = "step", worker_id: str = "w", **fields: Any) -> Signal:
    """Return a signal that is no record."""
    return freeze(kind, {"timestamp": TIME, "worker_id": worker_id, "clock": clock, "step": step, **fields})


def metrics(step: int | None = None, *, clock: str = "step", worker_id: str = "w", **values: Any) -> Signal:
    return of_kind("metrics", step, clock=clock, worker_id=worker_id, values=values)


def one_of_each(step: int = 3) -> list[Signal]:
    """Return a signal of each kind. The files that some of them point to do not exist."""
    return [record(step, reward=0.5), *(of_kind(kind, step, **fields) for kind, fields in CONTENTS.items())]
