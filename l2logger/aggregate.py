"""Write all complete records of a log to one file: ``python -m l2logger.aggregate [-f FORMAT] [-o OUTPUT] RUN``.

Exit codes: 0 the file is there, 1 the log cannot be aggregated, 2 wrong arguments, 3 something cannot be read or
written. The log is not validated; what of it is no record is left out with a warning.

`run` is what this module of l2logger 1.x had: it reads the arguments, writes the file, and raises what is in the way.
"""

import argparse
import errno
import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from l2logger import info_files, util
from l2logger.diagnostics import interruptible
from l2logger.errors import ConfigError, DirectoryError, LogFormatError, LogWarning
from l2logger.runs import find
from l2logger.schema import COMPLETE
from l2logger.validate import LINES_ON_STDERR

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FORMATS", "aggregate", "main", "run", "table"]

logger = logging.getLogger("l2logger.aggregate")

FORMATS: Final = ("tsv", "csv", "feather", "parquet")
DONE, FAILED, USAGE, INACCESSIBLE = 0, 1, 2, 3


def table(log_dir: str | os.PathLike[str]) -> "pd.DataFrame":
    """Return the complete records of a log in their order, ``regime_num`` being the second column.

    Args:
        log_dir: Directory of a run, or the name of one in ``$L2DATA/logs``.

    Raises:
        FileNotFoundError: There is no such log.
        LogFormatError: The log cannot be read, or its regimes not be numbered.
    """
    data = util.read_log_data(Path(log_dir))
    try:
        # The regimes are numbered in the order of the records, so sorting by them would change nothing.
        return util.fill_regime_num(data[data["exp_status"] == COMPLETE].reset_index(drop=True))
    except (KeyError, AttributeError, ValueError) as error:
        raise LogFormatError(f"the regimes cannot be numbered: {error}", log_dir) from error


def aggregate(log_dir: str | os.PathLike[str], output: str = "data", format: str = "tsv") -> str:
    """Write the complete records of a log to one file, which appears when it is complete.

    Args:
        log_dir: Directory of a run, or the name of one in ``$L2DATA/logs``.
        output: Path of the file without the extension, which is always added. An existing file is replaced.
        format: ``"tsv"``, ``"csv"``, ``"feather"`` or ``"parquet"``.

    Returns:
        The path of the file.

    Raises:
        ConfigError: There is no such format, or the package for it is not installed.
        DirectoryError: There is no directory to write to.
        FileNotFoundError: There is no such log.
        LogFormatError: The log cannot be read.
        OSError: The file cannot be written; an existing one is untouched.
    """
    if format not in FORMATS:
        raise ConfigError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")
    if format == "feather" and importlib.util.find_spec("pyarrow") is None:
        raise ConfigError("feather needs the package pyarrow: pip install pyarrow, or choose parquet")
    path = f"{output}.{format}"
    # What a link leads to is replaced, not the link.
    real = os.path.realpath(path)
    if not os.path.isdir(directory := os.path.dirname(real)):
        raise DirectoryError(errno.ENOENT, "no such directory to write to", directory)
    directory_of_run = util.get_fully_qualified_name(Path(log_dir))
    runs = find((str(directory_of_run),))[0] if directory_of_run.is_dir() else []
    if len(runs) > 1:
        shown = ", ".join(run.name for run in runs[:5])
        raise ConfigError(f"expected one run in {os.fspath(log_dir)!r}, found {len(runs)}: {shown}; give one of them")
    data = table(log_dir)
    with info_files.replacing(real) as temporary:
        _write(data, temporary, format)
    return path


def _write(data: "pd.DataFrame", path: str, format: str) -> None:
    if format == "feather":
        data.to_feather(path)
    elif format == "parquet":
        import duckdb

        with duckdb.connect() as connection:
            connection.from_df(data).write_parquet(path, compression="zstd")
    else:
        with open(path, "x", encoding="utf-8", newline="") as file:
            data.to_csv(file, sep="\t" if format == "tsv" else ",", index=False, lineterminator="\n")


def run() -> None:
    """Read the arguments and write the file; only ``log_dir`` has to be among them.

    Raises:
        FileNotFoundError: There is no such log.
        OSError: The file cannot be written.
        RuntimeError: The log cannot be aggregated.
    """
    options = _parser().parse_args()
    aggregate(options.log_dir, getattr(options, "output", "data"), getattr(options, "format", "tsv"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Aggregate a log as the command does, and return its exit code.

    Args:
        arguments: Those of the command line by default.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(**LINES_ON_STDERR)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LogWarning)
        code, problem = _attempt(options)
    for warning in caught:
        logger.warning("%s", warning.message)
    if problem:
        logger.error("%s", problem)
    return code


def _attempt(options: argparse.Namespace) -> tuple[int, str]:
    """Return the exit code and what went wrong."""
    try:
        aggregate(options.log_dir, options.output, options.format)
    except OSError as error:
        return INACCESSIBLE, str(error)
    except ConfigError as error:
        return USAGE, str(error)
    except RuntimeError as error:
        return FAILED, str(error)
    except KeyError as error:
        return FAILED, error.args[0]
    return DONE, ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m l2logger.aggregate",
        description="Write all complete records of a log to one file.",
        epilog="exit codes: 0 done, 1 the log cannot be aggregated, 2 wrong arguments, 3 cannot be read or written",
    )
    parser.add_argument("log_dir", help="directory of a run, or the name of one in $L2DATA/logs")
    parser.add_argument("-f", "--format", choices=FORMATS, default="tsv", help="format of the file (default: tsv)")
    parser.add_argument(
        "-o", "--output", default="data", help="path of the file without the extension, which is added (default: data)"
    )
    return parser


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
