"""Environments beside the tests' own: l2metrics 3.1.0, the consumer the log format was made for, and old pandas.

``python tests/interop/l2metrics_env.py`` makes that of l2metrics from PyPI if it is not there and prints its
interpreter. It holds the original l2logger, which l2metrics asks for, and what ours needs beside it: put this
repository first in PYTHONPATH, and the same interpreter runs l2metrics on our package.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
L2METRICS = ROOT / ".l2metrics-venv"
OLD_PANDAS = ROOT / ".old-pandas-venv"

_OURS = ["structlog", "duckdb", "pytest>=8"]
# l2metrics says np.NaN, which numpy 2 does not know; the versions of the others are the last ones that go with that.
_PACKAGES = {
    L2METRICS: ["l2metrics==3.1.0", "l2logger==1.8.2", "numpy<2", "pandas<2.3", "pyarrow<22", *_OURS],
    OLD_PANDAS: ["pandas==1.5.3", "numpy==1.26.4", *_OURS],
}


def interpreter(environment: Path) -> str:
    """Return the interpreter of an environment, made if it is not there.

    Raises:
        OSError: It cannot be installed, as without a network.
    """
    python, ready = environment / "bin" / "python", environment / ".ready"
    if not ready.exists():
        subprocess.run([_python(), "-m", "venv", "--clear", environment], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *_PACKAGES[environment]]
        result = subprocess.run(pip, capture_output=True, text=True, check=False)
        if result.returncode:
            raise OSError(f"{_PACKAGES[environment]} cannot be installed: {result.stderr.strip().splitlines()[-1]}")
        ready.touch()
    return str(python)


def _python() -> str:
    """Return a Python that numpy 1 has wheels for."""
    if sys.version_info < (3, 13):
        return sys.executable
    for name in "python3.12", "python3.11":
        found = shutil.which(name)
        # The stand-in of a version manager is there for versions that are not.
        if found and not subprocess.run([found, "--version"], capture_output=True, check=False).returncode:
            return found
    raise OSError("numpy 1 needs Python 3.11 or 3.12, and there is only " + sys.version.split()[0])


if __name__ == "__main__":
    print(interpreter(L2METRICS))
