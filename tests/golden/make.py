"""Make the golden runs anew with the original l2logger 1.8.2: ``make goldens``.

The runs are kept with all times set to the same one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    python = subprocess.run([sys.executable, HERE.parent / "original.py"], check=True, capture_output=True, text=True)
    subprocess.run([python.stdout.strip(), __file__, "write"], check=True, cwd=HERE)


def write() -> None:
    # Only reached in the environment of the original.
    import scenarios
    from normal import normal_tree

    from l2logger.l2logger import DataLogger

    shutil.rmtree(HERE / "runs", ignore_errors=True)
    for scenario in scenarios.SCENARIOS:
        with tempfile.TemporaryDirectory() as base:
            scenario(DataLogger, base)
            for name, data in normal_tree(Path(base)).items():
                path = HERE / "runs" / scenario.__name__ / name
                os.makedirs(path.parent, exist_ok=True)
                path.write_bytes(data)
        print(scenario.__name__)


if __name__ == "__main__":
    write() if sys.argv[1:] == ["write"] else main()
