"""How the machine is doing, among the metrics."""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from l2logger import checks
from l2logger.run import Run
from l2logger.signals import METRICS

_MIB: Final = 2**20


class System:
    """Add the load of the machine to metrics that come by, at most so often.

    ``system/cpu_percent`` (of all cores, since the last time), ``system/memory_percent``, ``system/rss_mb`` (the memory of this
    process, in MiB), and of each GPU that this process uses, if torch or pynvml was imported: ``system/gpu0_memory_mb``,
    and by pynvml ``system/gpu0_percent``, ``system/gpu0_memory_percent``, ``system/gpu0_watts`` and ``system/gpu0_celsius``. Nothing is
    waited for: it takes a fraction of a millisecond, no thread, and no time at all in between. What the system does not tell is left
    out. Metrics of the user that have one of these names win.

    Args:
        every_secs: How much time is between two measurements; 0 for all metrics.
        clock: Returns seconds.

    Raises:
        ImportError: psutil is not installed.
        ConfigError: `every_secs` is no time.

    Example:
        >>> DataLogger(..., processors=[System(every_secs=30), *canonical()])  # doctest: +SKIP
    """

    kinds = frozenset({METRICS})

    def __init__(self, every_secs: float = 10.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_secs = checks.seconds("every_secs", every_secs)
        _psutil()
        self._clock = clock
        self._next = clock()
        self._cpu = _cpu_times()
        self._nvml: Any = None

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        now = self._clock()
        if now >= self._next:
            self._next = now + self._every_secs
            measured = {f"system/{name}": value for name, value in self._measured()}
            event["values"] = {**measured, **event["values"]}
        return event

    def _measured(self) -> Iterator[tuple[str, float]]:
        """Yield the names and values of what there is to know."""
        psutil = _psutil()
        before, self._cpu = self._cpu, _cpu_times()
        total = self._cpu[0] - before[0]
        if total > 0:
            yield "cpu_percent", min(100.0, max(0.0, 100.0 * (self._cpu[1] - before[1]) / total))
        try:
            yield "memory_percent", float(psutil.virtual_memory().percent)
            yield "rss_mb", psutil.Process().memory_info().rss / _MIB
        except (OSError, RuntimeError, psutil.Error):  # as in a container without /proc
            pass
        yield from self._nvidia() or _torch()

    def _nvidia(self) -> list[tuple[str, float]]:
        """Return what NVIDIA's library tells, if the program has imported it; the devices are numbered as it does."""
        nvml = sys.modules.get("pynvml")
        found: list[tuple[str, float]] = []
        if nvml is None:
            return found
        try:
            if nvml is not self._nvml:  # It counts how often it is initialized.
                nvml.nvmlInit()
                self._nvml = nvml
            for index in range(nvml.nvmlDeviceGetCount()):
                device = nvml.nvmlDeviceGetHandleByIndex(index)
                memory = nvml.nvmlDeviceGetMemoryInfo(device)
                found.append((f"gpu{index}_percent", float(nvml.nvmlDeviceGetUtilizationRates(device).gpu)))
                found.append((f"gpu{index}_memory_mb", memory.used / _MIB))
                found.append((f"gpu{index}_memory_percent", 100.0 * memory.used / memory.total))
                found.append((f"gpu{index}_watts", nvml.nvmlDeviceGetPowerUsage(device) / 1000.0))
                found.append((f"gpu{index}_celsius", float(nvml.nvmlDeviceGetTemperature(device, 0))))
        except Exception:
            pass  # no driver, or a device that does not tell; what was told is kept
        return found

    def __getstate__(self) -> dict[str, Any]:
        # Where it is unpickled, the clock may have begun anew.
        return {**self.__dict__, "_next": 0.0, "_nvml": None}


def _psutil() -> Any:
    try:
        import psutil
    except ImportError as error:
        raise ImportError('System needs psutil; run: pip install "l2logger[system]"') from error
    return psutil


def _cpu_times() -> tuple[float, float]:
    """Return the seconds that all cores have spent, in total and at work."""
    psutil = _psutil()
    try:
        times = psutil.cpu_times()._asdict()
    except (OSError, RuntimeError, psutil.Error):
        return 0.0, 0.0
    # Linux counts the time of guests twice.
    total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
    return total, total - times.get("idle", 0.0) - times.get("iowait", 0.0)


def _torch() -> Iterator[tuple[str, float]]:
    """Yield the memory of each GPU that torch has allocated, if the program uses one."""
    torch = sys.modules.get("torch")
    try:
        if torch is not None and torch.cuda.is_initialized():
            for index in range(torch.cuda.device_count()):
                yield f"gpu{index}_memory_mb", torch.cuda.memory_allocated(index) / _MIB
    except Exception:
        return
