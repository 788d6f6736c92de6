"""The load of the machine among the metrics."""

import importlib.util
import pickle
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from l2logger import ConfigError
from l2logger.processors import system
from l2logger.processors.system import System
from l2logger.signals import METRICS


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    for name in ("pynvml", "torch"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def values(processor, **given):
    return processor(None, METRICS, {"values": given})["values"]


def test_the_load_is_added_to_metrics(clock):
    found = values(System(clock=clock), loss=0.5)
    assert found["loss"] == 0.5
    assert 0 < found["system/memory_percent"] <= 100
    assert 1 < found["system/rss_mb"] < 100_000


def test_the_cpu_is_measured_since_the_last_time(clock):
    processor = System(clock=clock)
    begun = time.process_time()
    while time.process_time() - begun < 0.1:
        pass
    assert 0 < values(processor)["system/cpu_percent"] <= 100


def test_it_is_measured_only_so_often(clock):
    processor = System(every_secs=10, clock=clock)
    counts = []
    for clock.now in (100.0, 101.0, 109.9, 110.0, 111.0, 500.0):
        counts.append(len(values(processor, loss=0.5)) > 1)
    assert counts == [True, False, False, True, False, True]


def test_in_between_the_event_is_as_it_was(clock):
    processor = System(clock=clock)
    values(processor)
    event = {"values": {"loss": 0.5}}
    assert processor(None, METRICS, event) is event
    assert event == {"values": {"loss": 0.5}}


def test_metrics_of_the_user_win(clock):
    assert values(System(clock=clock), **{"system/rss_mb": 1.0})["system/rss_mb"] == 1.0


def test_the_dict_of_the_user_is_not_changed(clock):
    given = {"loss": 0.5}
    System(clock=clock)(None, METRICS, {"values": given})
    assert given == {"loss": 0.5}


def test_only_metrics_go_through_it():
    assert System.kinds == {METRICS}


@pytest.mark.parametrize("every_secs", [-1, "10", None, True, float("nan"), float("inf")])
def test_what_is_no_time_is_refused(every_secs):
    with pytest.raises(ConfigError, match="every_secs"):
        System(every_secs)


def test_without_psutil_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(ImportError, match=r'pip install "l2logger\[system\]"'):
        System()


def test_a_system_that_tells_nothing_is_no_error(clock, monkeypatch):
    import psutil

    def refuse(*arguments):
        raise PermissionError("/proc/stat")

    for name in ("cpu_times", "virtual_memory", "Process"):
        monkeypatch.setattr(psutil, name, refuse)
    assert values(System(clock=clock), loss=0.5) == {"loss": 0.5}


def test_memory_that_torch_has_on_a_gpu(clock, monkeypatch):
    """There is no GPU where the tests run, so torch's answers are given here."""
    cuda = SimpleNamespace(
        is_initialized=lambda: True, device_count=lambda: 2, memory_allocated=lambda index: index * 2**21
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    found = values(System(clock=clock))
    assert (found["system/gpu0_memory_mb"], found["system/gpu1_memory_mb"]) == (0.0, 2.0)


@pytest.mark.slow
def test_torch_without_a_gpu_adds_nothing():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    code = "import torch\nfrom l2logger.processors.system import System\nprint(*System()(None, 'metrics', {'values': {}})['values'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "system/rss_mb" in done.stdout
    assert "gpu" not in done.stdout


def nvml(**more):
    answers = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetMemoryInfo": lambda device: SimpleNamespace(used=2**30, total=2**32),
        "nvmlDeviceGetUtilizationRates": lambda device: SimpleNamespace(gpu=40),
        "nvmlDeviceGetPowerUsage": lambda device: 250_000,
        "nvmlDeviceGetTemperature": lambda device, sensor: 61,
    }
    return SimpleNamespace(**{**answers, **more})


def test_what_nvidias_library_tells(clock, monkeypatch):
    """There is no GPU where the tests run, so the answers of NVML are given here."""
    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    found = values(System(clock=clock))
    assert {name: value for name, value in found.items() if "gpu" in name} == {
        "system/gpu0_percent": 40.0,
        "system/gpu0_memory_mb": 1024.0,
        "system/gpu0_memory_percent": 25.0,
        "system/gpu0_watts": 250.0,
        "system/gpu0_celsius": 61.0,
    }


def test_nvidias_library_is_initialized_once(clock, monkeypatch):
    """It counts how often, and would have to be shut down as often."""
    begun = []
    monkeypatch.setitem(sys.modules, "pynvml", nvml(nvmlInit=lambda: begun.append(1)))
    processor = System(every_secs=0, clock=clock)
    assert "system/gpu0_watts" in values(processor)
    assert "system/gpu0_watts" in values(processor)
    assert begun == [1]
    assert "system/gpu0_watts" in values(pickle.loads(pickle.dumps(System(every_secs=0))))


def test_a_device_that_does_not_tell_is_no_error(clock, monkeypatch):
    def refuse(device):
        raise RuntimeError("Not Supported")

    monkeypatch.setitem(sys.modules, "pynvml", nvml(nvmlDeviceGetPowerUsage=refuse))
    assert [name for name in values(System(clock=clock)) if "gpu" in name] == [
        "system/gpu0_percent",
        "system/gpu0_memory_mb",
        "system/gpu0_memory_percent",
    ]


def test_it_pickles_with_the_logger_that_has_it():
    processor = pickle.loads(pickle.dumps(System(every_secs=1000)))
    assert len(values(processor)) > 1


def test_it_does_not_keep_the_training_waiting(clock):
    processor = System(every_secs=0, clock=clock)
    values(processor)
    begun = time.perf_counter()
    for _ in range(100):
        values(processor)
    assert (time.perf_counter() - begun) / 100 < 0.005
    assert system._cpu_times()[0] > 0
