"""The original l2logger 1.8.2 in an environment of its own.

``python tests/original.py`` makes the environment from PyPI if it is not there and prints its interpreter.
"""

import subprocess
import sys
from pathlib import Path

ENVIRONMENT = Path(__file__).resolve().parent.parent / ".upstream-venv"
PYTHON = ENVIRONMENT / "bin" / "python"
_READY = ENVIRONMENT / ".ready"


def interpreter() -> str:
    """Return the interpreter that imports the original as ``l2logger``.

    Raises:
        OSError: It cannot be installed, as without a network.
    """
    if not _READY.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "l2logger==1.8.2"]
        result = subprocess.run(pip, capture_output=True, text=True, check=False)
        if result.returncode:
            raise OSError(f"the original cannot be installed: {result.stderr.strip().splitlines()[-1]}")
        _READY.touch()
    return str(PYTHON)


if __name__ == "__main__":
    print(interpreter())
