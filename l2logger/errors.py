"""Every error and warning of the library, in one tree.

    L2LoggerError
    ├── ConfigError (RuntimeError, ValueError)     a run cannot be set up as asked
    │   └── DirectoryError (OSError)               ... because of the directory it should live in
    ├── RecordError (RuntimeError, ValueError)     a record breaks a rule of the format; nothing was stored
    │   └── SchemaError                            ... because its columns are not those of the log
    ├── SignalError (RuntimeError, ValueError)     metrics, media and the like cannot be logged as given; nothing was stored
    ├── LogWriteError (OSError)                    a row, a signal or a file could not be written; it was not stored
    ├── LogLockedError (RuntimeError)              another process is writing the same file
    ├── LogFormatError (RuntimeError, ValueError)  a file on disk is not what the format says
    └── SinkError (RuntimeError)                   a sink did not take what it was to be given, in a replay

    L2LoggerWarning (UserWarning)
    ├── RecordWarning   the record is stored, but tools that read the log will stumble over it
    ├── LogWarning      something happened to the files, and what was done about it
    └── SinkWarning     a mirror failed; training and the canonical log go on

Clients of l2logger 1.x catch ``RuntimeError``, so everything that was one there still is one here.
"""

import os


class L2LoggerError(Exception):
    """Base of every error raised by l2logger."""


class ConfigError(L2LoggerError, RuntimeError, ValueError):
    """A run cannot be set up with these arguments; nothing was created."""


class DirectoryError(OSError, ConfigError):
    """A run directory cannot be made or used."""


class RecordError(L2LoggerError, RuntimeError, ValueError):
    """A record breaks a rule of the format; it was not stored and changed nothing."""


class SchemaError(RecordError):
    """The columns of a record or a file are not the columns of the log."""


class SignalError(L2LoggerError, RuntimeError, ValueError):
    """What is no record, such as metrics or an image, cannot be logged as given; it was not stored and changed nothing."""


class LogWriteError(L2LoggerError, OSError):
    """The operating system refused a write; what was to be written was not stored, the next call may work."""


class LogLockedError(L2LoggerError, RuntimeError):
    """Another process holds the file open for writing."""


class LogFormatError(L2LoggerError, RuntimeError, ValueError):
    """A file of a run is not what the log format says.

    Args:
        problem: What was found and what was expected.
        path: The file.
        line: Line in the file, counted from 1, where it is known.
        column: Name of the column, where it is known.
    """

    def __init__(
        self,
        problem: str,
        path: str | os.PathLike[str],
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        # All four go to BaseException, so that the error pickles.
        super().__init__(problem, path, line, column)
        self.problem = problem
        self.path = path
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = os.fspath(self.path)
        if self.line is not None:
            place += f":{self.line}"
        if self.column is not None:
            place += f" ({self.column})"
        return f"{place}: {self.problem}"


class SinkError(L2LoggerError, RuntimeError):
    """A sink could not take what it was to be given. Only a replay raises this; a mirror of a live run warns."""


class L2LoggerWarning(UserWarning):
    """Base of every warning issued by l2logger."""


class RecordWarning(L2LoggerWarning):
    """A record was stored that tools reading the log will stumble over."""


class LogWarning(L2LoggerWarning):
    """Something happened to the files of a run; the text says what was done about it."""


class SinkWarning(L2LoggerWarning):
    """A mirror failed; training and the canonical log go on."""
