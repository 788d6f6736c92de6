"""Check a log: ``python -m l2logger.validate RUN``.

Exit codes: 0 the log is valid, 1 it is not, 2 wrong arguments, 3 it cannot be read. All findings go to stderr. Once
everything is checked, the table of regimes goes to stdout, or with ``--json`` a report for programs.

`run` is what this module of l2logger 1.x had: it raises an error about a log that is not valid, and prints the table of
one that is.
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from l2logger import regimes, util
from l2logger.diagnostics import interruptible
from l2logger.errors import LogFormatError
from l2logger.findings import ERROR
from l2logger.log import Log
from l2logger.rules import Report, check, validate
from l2logger.schema import COMPLETE
from l2logger.sql import literal
from l2logger.tables import psql_table

__all__ = ["Report", "main", "run", "validate"]

logger = logging.getLogger("l2logger.validate")

VALID, INVALID, UNREADABLE = 0, 1, 3
LINES_ON_STDERR: Final[dict[str, Any]] = {
    "level": logging.INFO,
    "format": "%(asctime)s | %(levelname)-8s | %(name)s | %(message)s",
    "datefmt": "%Y-%m-%d %H:%M:%S",
}
_HEADERS: Final = ("regime_num", *regimes.KEY, "task_params", "length")
_LONGEST_PARAMS: Final = 25


def run() -> None:
    """Read the arguments, check the log, and print the table of its regimes if it is valid.

    Of the arguments only ``log_dir`` has to be there, for callers that parse them on their own.

    Raises:
        FileNotFoundError: There is no such log, or an info file is missing.
        KeyError: ``logger_info.json`` does not tell the metrics.
        RuntimeError: The log is not valid.
    """
    options = _parser().parse_args()
    log_dir = Path(options.log_dir)
    data = util.read_log_data(log_dir)
    logger_info = util.read_logger_info(log_dir)
    if not isinstance(logger_info, dict):
        raise LogFormatError(f"expected an object with metrics_columns, got {logger_info!r:.80}", log_dir)
    util.read_scenario_info(log_dir)
    util.validate_log(data, logger_info["metrics_columns"])
    validate(log_dir, strict=getattr(options, "strict", False)).raise_if_invalid()
    data = util.fill_regime_num(data[data["exp_status"] == COMPLETE].reset_index(drop=True))
    blocks = util.parse_blocks(data).astype(object)
    _tell([("", blocks.where(blocks.notna(), None).to_numpy().tolist())])


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a log as the command does, and return its exit code.

    Args:
        arguments: Those of the command line by default.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(**LINES_ON_STDERR)
    try:
        log = Log(options.log_dir, on_bad_rows="skip")
        report = check(log, strict=options.strict)
    except (OSError, LogFormatError) as error:
        logger.error("%s", error)
        return UNREADABLE
    for finding in report.findings:
        logger.log(logging.ERROR if finding.severity == ERROR else logging.WARNING, "%s", finding)
    if options.json:
        print(json.dumps(report.as_dict(), indent=2))
    elif report.valid:
        tables = _regimes(log)
        _tell([(each.name if len(log.runs) > 1 else "", tables[each.name]) for each in log.runs])
    else:
        logger.error("The log is not valid: %s", _count(report))
    return VALID if report.valid else INVALID


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m l2logger.validate",
        description="Check a log, list what is wrong with it, and show its regimes if it is valid.",
        epilog="exit codes: 0 valid, 1 not valid, 2 wrong arguments, 3 cannot be read",
    )
    parser.add_argument("log_dir", help="directory of a run, or the name of one in $L2DATA/logs")
    parser.add_argument("--strict", action="store_true", help="take warnings for errors")
    parser.add_argument("--json", action="store_true", help="print a report for programs instead of the table")
    return parser


def _count(report: Report) -> str:
    errors, warnings = len(report.errors), len(report.warnings)
    return f"{errors:,} error{'s' * (errors != 1)}, {warnings:,} warning{'s' * (warnings != 1)}"


def _regimes(log: Log) -> dict[str, list[Sequence[Any]]]:
    """Return the regimes of each run; one whose parameters change takes a row for each of them, as it does in tools."""
    tables: dict[str, list[Sequence[Any]]] = {run.name: [] for run in log.runs}
    columns = ", ".join(("run", *_HEADERS[:-1]))
    found = regimes.regimes(log).project(f"{columns}, length, params_count").fetchall()
    changing = {run for run, *_, params_count in found if params_count > 1}
    changing -= {run.name for run in log.runs if run.legacy}
    rows = [row[:-1] for row in found if row[0] not in changing]
    if changing:
        numbered = regimes.numbered(log, f"run IN ({', '.join(map(literal, sorted(changing)))})")
        rows += log.connection.sql(
            f"SELECT {columns}, count(*) FROM ({numbered}) GROUP BY {columns} ORDER BY ALL"
        ).fetchall()
    for run, *row in rows:
        tables[run].append(row)
    return tables


def _tell(tables: Iterable[tuple[str, Sequence[Sequence[Any]]]]) -> None:
    """Print that the log is valid, and the regimes of each run."""
    print("\nValidation passed: the log is valid.\n")
    for name_of_run, rows in tables:
        print(f"Regimes of {name_of_run}:" if name_of_run else "Regimes:")
        print(_table(rows))


def _table(regimes: Sequence[Sequence[Any]]) -> str:
    params = _HEADERS.index("task_params")
    rows = [[*row[:params], _cut(row[params]), *row[params + 1 :]] for row in regimes]
    shown = list(range(len(_HEADERS)))
    if all(row[params] is None for row in rows):
        shown = [place for place in shown if place != params and all(row[place] is not None for row in rows)]
    return psql_table([_HEADERS[place] for place in shown], [[row[place] for place in shown] for row in rows])


def _cut(params: str | None) -> str | None:
    if params is None or len(params) <= _LONGEST_PARAMS:
        return params
    return params[:_LONGEST_PARAMS] + "..."


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
