"""What is wrong with a log, in a form that people and programs can read."""

from typing import Any, Final, NamedTuple

ERROR: Final = "error"
WARNING: Final = "warning"


class Finding(NamedTuple):
    """One thing found in a log that should not be there, or not be so.

    Attributes:
        rule: Short name of the rule that is broken, such as ``torn`` or ``block_type``.
        problem: What was found and what was expected.
        path: The file or directory.
        line: Line in the file, counted from 1, where it is known.
        column: Name of the column, where one is to blame.
        severity: ``"error"``, the log is not valid or something of it cannot be read, or ``"warning"``, tools will
            stumble over it.
    """

    rule: str
    problem: str
    path: str
    line: int | None = None
    column: str | None = None
    severity: str = ERROR

    def __str__(self) -> str:
        line = "" if self.line is None else f":{self.line}"
        column = "" if self.column is None else f" ({self.column})"
        return f"{self.path}{line}{column}: {self.problem}"

    def as_dict(self) -> dict[str, Any]:
        """Return the attributes by name, for JSON."""
        return self._asdict()
