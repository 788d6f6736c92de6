"""Opening logs for a command."""

import os

from l2logger.diagnostics import Progress
from l2logger.errors import DirectoryError
from l2logger.log import Log


def open_log(*runs: str, progress: Progress) -> Log:
    """Return the log of some runs; what is wrong with its files is warned of.

    Args:
        runs: What to read.
        progress: Is told how many files were looked at.

    Raises:
        DirectoryError: Nothing was logged in any of the directories.
    """
    log = Log(*runs, progress=progress)
    if not any(run.files or run.signal_files() for run in log.runs):
        where = ", ".join(map(os.fspath, runs))
        raise DirectoryError(
            f"no log in {where}: there is no data-log.tsv below it"
            if not log.runs
            else f"the log in {where} has no files yet"
        )
    return log
