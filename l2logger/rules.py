"""What makes a log valid, beyond being readable, and all that speaks against it.

    from l2logger.rules import validate

    report = validate("logs/cartpole-1795229218-7487311")
    report.valid, report.errors, report.warnings
    for finding in report.findings: print(finding)

Errors are what the format forbids. Warnings are what it allows and tools stumble over, or what hints at damage;
``strict=True`` makes errors of them.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from l2logger.cell_rules import check_cells
from l2logger.errors import DirectoryError, LogFormatError
from l2logger.findings import ERROR, Finding
from l2logger.log import Log
from l2logger.order_rules import check_blocks, check_order, check_repeats
from l2logger.paths import DATA_LOG
from l2logger.place_rules import check_headers, check_infos, check_places, metrics_of
from l2logger.survey import MAX_FINDINGS, Survey, first

__all__ = ["MAX_FINDINGS", "Report", "check", "validate"]


class Report(NamedTuple):
    """What came of checking one or more runs.

    Attributes:
        runs: Paths of the runs.
        files: Number of log files.
        records: Number of records.
        findings: All that was found, errors first; of each rule `MAX_FINDINGS` at most, and then how many more.
        strict: Whether warnings were made errors.
    """

    runs: tuple[str, ...]
    files: int
    records: int
    findings: tuple[Finding, ...]
    strict: bool

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make the log invalid."""
        return tuple(finding for finding in self.findings if finding.severity == ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The other findings."""
        return tuple(finding for finding in self.findings if finding.severity != ERROR)

    @property
    def valid(self) -> bool:
        """Whether there are no errors."""
        return not self.errors

    def raise_if_invalid(self) -> None:
        """Raise an error about the first finding that makes the log invalid, if there is one.

        Raises:
            LogFormatError: The log is not valid.
        """
        if errors := self.errors:
            worst, more = errors[0], len(errors) - 1
            problem = worst.problem + (f" (and {more:,} more errors)" if more else "")
            raise LogFormatError(problem, worst.path, worst.line, worst.column)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as dicts and lists, for JSON."""
        return {
            "valid": self.valid,
            "strict": self.strict,
            "runs": list(self.runs),
            "files": self.files,
            "records": self.records,
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "findings": [finding.as_dict() for finding in self.findings],
        }


def validate(*runs: str | os.PathLike[str], strict: bool = False, follow_symlinks: bool = False) -> Report:
    """Check runs against all rules.

    Args:
        runs: Directories of runs, directories that hold runs, log files, or names of runs in ``$L2DATA/logs``.
        strict: Make errors of warnings.
        follow_symlinks: Read what symbolic links lead to as well.

    Raises:
        DirectoryError: There is no such directory, or no log in it.
        LogFormatError: A run is of a version newer than this reader.
    """
    return check(Log(*runs, on_bad_rows="skip", follow_symlinks=follow_symlinks), strict=strict)


def check(log: Log, *, strict: bool = False) -> Report:
    """Check a log that was opened against all rules.

    Args:
        log: The log.
        strict: Make errors of warnings.

    Raises:
        DirectoryError: There is no log where it was looked for.
    """
    if not log.runs and not log.findings:
        what = f"no log: neither an info file nor a {DATA_LOG} here or below"
        raise DirectoryError(errno.ENOENT, what, ", ".join(log.roots))
    metrics = metrics_of(log)
    survey = Survey(log, tuple(dict.fromkeys(chain.from_iterable(metrics.values()))))
    try:
        found = [
            *_unreadable(log.findings),
            *check_infos(log),
            *check_headers(log, metrics),
            *check_cells(survey, metrics),
            *check_order(survey),
            *check_repeats(survey),
            *check_blocks(survey),
            *check_places(survey),
        ]
        [(records,)] = survey.rows(f"SELECT coalesce(sum(records), 0) FROM {survey.parts}")
    finally:
        survey.close()
    if strict:
        found = [finding._replace(severity=ERROR) for finding in found]
    found.sort(key=lambda finding: finding.severity != ERROR)
    return Report(
        tuple(run.path for run in log.runs), sum(len(run.files) for run in log.runs), int(records), tuple(found), strict
    )


def _unreadable(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield what was found wrong on opening the log, by rule."""
    rules: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        rules.setdefault((finding.severity, finding.rule), []).append(finding)
    for found in rules.values():
        yield from first(found, len(found))
