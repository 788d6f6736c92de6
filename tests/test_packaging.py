"""The wheel, with the sources out of the way."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_wheel_works_by_itself(tmp_path):
    """With no other package beside it."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("l2logger-2.*-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "l2logger/py.typed" in names
    assert not [name for name in names if not name.startswith(("l2logger/", "l2logger-2"))]
    target = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(target)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import l2logger; assert l2logger.__file__.startswith(sys.argv[1])\n"
        "from l2logger import l2logger\n"
        "logger = l2logger.DataLogger(sys.argv[2], 'run', {'metrics_columns': ['reward']})\n"
        "logger.log_record(block_num=0, block_type='train', task_name='A_1', task_params={}, exp_num=0, reward=1.0)\n"
    )
    run = [sys.executable, "-I", "-S", "-c", script, str(target), str(tmp_path / "logs")]
    result = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(list((tmp_path / "logs").rglob("data-log.tsv"))) == 1


def test_the_license_and_the_version_are_there():
    import l2logger

    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    assert f"## {l2logger.__version__} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
