"""Our bytes against those of the original 1.8.2. ``make goldens`` writes the golden runs anew."""

from pathlib import Path

import pytest
import scenarios
from normal import normal_tree

from l2logger import DataLogger
from l2logger.processors import canonical

RUNS = Path(__file__).parent / "golden" / "runs"


def golden(name: str) -> dict[str, bytes]:
    return {
        str(path.relative_to(RUNS / name)): path.read_bytes() for path in (RUNS / name).rglob("*") if path.is_file()
    }


@pytest.mark.filterwarnings("ignore::l2logger.RecordWarning")
@pytest.mark.parametrize("scenario", scenarios.SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_run_equals_the_originals_byte_for_byte(scenario, tmp_path):
    """S1-2, S1-3, S1-4, S1-5, S1-6, S1-8, S1-10, S1-11, S1-12, S1-13, S1-14, S1-15, S1-16, S1-17, S1-29, S1-31, S1-56,
    S1-58; F-015, F-025, F-028, F-029.
    """
    scenario(DataLogger, tmp_path)
    assert normal_tree(tmp_path) == golden(scenario.__name__)


@pytest.mark.filterwarnings("ignore::l2logger.RecordWarning")
@pytest.mark.parametrize("scenario", scenarios.SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_the_long_way_writes_the_same(scenario, tmp_path):
    """Without the shortcut, which a changed chain switches off."""

    class Unhurried(DataLogger):
        def __init__(self, *args):
            super().__init__(*args, processors=[*canonical(), lambda logger, kind, event: event])

    scenario(Unhurried, tmp_path)
    assert normal_tree(tmp_path) == golden(scenario.__name__)


def test_every_golden_run_is_compared():
    assert {path.name for path in RUNS.iterdir()} == {scenario.__name__ for scenario in scenarios.SCENARIOS}
