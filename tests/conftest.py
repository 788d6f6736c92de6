"""What most tests need: a run to write to."""

from pathlib import Path

import pytest

from l2logger import DataLogger

METRICS = {"metrics_columns": ["reward"]}


@pytest.fixture
def make(tmp_path: Path):
    """Make a logger below the test's own directory; closed at the end."""
    loggers = []

    def make(**options):
        info = options.pop("logger_info", METRICS)
        name = options.pop("scenario_name", "run")
        logger = DataLogger(tmp_path / "logs", name, info, options.pop("scenario_info", None), **options)
        loggers.append(logger)
        return logger

    yield make
    for logger in loggers:
        logger.close()


@pytest.fixture
def logger(make):
    return make()
