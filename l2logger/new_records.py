"""The records that are new in a log file."""

import os
from typing import NamedTuple

from l2logger.followed_file import FollowedFile
from l2logger.piece import RecordPiece, count
from l2logger.runs import StoredRun
from l2logger.schema import V1_1


class NewRecord(NamedTuple):
    """A record that was written since the last look.

    Attributes:
        file: Its file, relative to the directory that is followed.
        end: Where the record ends in the file; the position to go on from when it was dealt with.
        fields: Text of each cell by column. Records of format 0.1 have ``worker_id``, ``block_type`` and ``task_name``
            from the names of their directories.
    """

    file: str
    end: int
    fields: dict[str, str]

    @property
    def timestamp(self) -> str:
        """When it was written, by the clock of the worker; empty if it does not say."""
        return self.fields.get("timestamp", "")


class RecordFile(FollowedFile[RecordPiece, NewRecord]):
    """A log file that grows.

    Args:
        path: The file.
        name: What it is called in what is handed out.
        run: The run that it is a part of.
        as_stored: Leave the names of tasks as they are in the file.
    """

    def __init__(self, path: str, name: str, run: StoredRun, *, as_stored: bool) -> None:
        super().__init__(path, name)
        self._as_stored = as_stored
        self._defaults = {"block_subtype": V1_1.defaults["block_subtype"], "task_name": ""}
        if run.legacy:
            worker, block, task = ["", "", "", *os.path.dirname(path).split(os.sep)][-3:]
            self._defaults |= {"worker_id": worker, "block_type": block.partition("-")[2], "task_name": task}

    def _piece(self, start: int, limit: int | None = None) -> RecordPiece:
        return RecordPiece(self.path, start, limit)

    def _new(self, piece: RecordPiece, row: list[str], end: int) -> NewRecord:
        fields = dict(zip(piece.columns, row, strict=True))
        for name, default in self._defaults.items():
            if name not in fields:
                fields[name] = default
        if not self._as_stored:
            fields["task_name"] = fields["task_name"].lower()
        return NewRecord(self.name, end, fields)

    def _begins_with_a_row(self, piece: RecordPiece) -> bool:
        return count(self.path, b'"', piece.begin) % 2 == 0
