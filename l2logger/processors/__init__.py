"""The chain that a signal goes through before it is stored.

Every step is a structlog processor, ``(logger, kind, event_dict) -> event_dict``; ``logger`` is the run (see
`l2logger.run.Run`), ``kind`` the kind of signal. `canonical` returns the standard chain as a list, so any processor
of structlog or of your own goes where it belongs::

    chain = canonical()
    chain.insert(0, structlog.contextvars.merge_contextvars)
    DataLogger(..., processors=chain)

Raise `structlog.DropEvent` to drop a signal. A processor with an attribute ``kinds`` gets no signals of other kinds.
"""

from collections.abc import Callable

from l2logger.processors.clocks import Clocks
from l2logger.processors.columns import check_columns
from l2logger.processors.defaults import fill_defaults
from l2logger.processors.flatten import Flatten
from l2logger.processors.moving_average import MovingAverage
from l2logger.processors.order import OrderChecker
from l2logger.processors.rate import Rate
from l2logger.processors.redact import Redact
from l2logger.processors.scalars import unwrap_scalars
from l2logger.processors.system import System
from l2logger.processors.task_params import encode_task_params
from l2logger.processors.timestamp import TimeStamper
from l2logger.processors.timings import Timings
from l2logger.processors.to_host import ToHost
from l2logger.processors.values import check_values
from l2logger.run import Processor

__all__ = [
    "Clocks",
    "Flatten",
    "MovingAverage",
    "OrderChecker",
    "Processor",
    "Rate",
    "Redact",
    "System",
    "TimeStamper",
    "Timings",
    "ToHost",
    "canonical",
    "check_columns",
    "check_values",
    "encode_task_params",
    "fill_defaults",
    "unwrap_scalars",
]


def canonical(*, clock: Callable[[], float] | None = None) -> list[Processor]:
    """Return the standard chain, new for each run because some of its members remember.

    The order for records is that of the checks of l2logger 1.x, so that a record with several faults is refused for the same one.

    Args:
        clock: Returns seconds since 1970, for the timestamps; `time.time` if it is None.
    """
    return [
        fill_defaults,
        TimeStamper(clock),
        unwrap_scalars,
        check_values,
        check_columns,
        encode_task_params,
        OrderChecker(),
        ToHost(),
        Timings(),
        Flatten(),
        Clocks(),
        Redact(),
    ]
