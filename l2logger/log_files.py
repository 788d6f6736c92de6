"""The log files of some runs, and how DuckDB gets at their records."""

import functools
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import duckdb

from l2logger import legacy_regimes
from l2logger.findings import Finding
from l2logger.row_table import RowTable
from l2logger.rows import RowFile
from l2logger.schema import COUNTS, V1_1
from l2logger.sql import PATH, ROW, literal, name
from l2logger.tally import typed
from l2logger.triage import Glance, glance
from l2logger.whole_files import WholeFiles

_COPIED_BYTES: Final = 2**26
_WAKE: Final = literal(V1_1.defaults["block_subtype"])


class LogFiles:
    """The log files of runs that are all of format 0.1, or all of 1.x.

    Args:
        paths: The files, in the order in which their columns come.
        connection: The DuckDB connection.
        legacy: Whether they are of format 0.1.
        progress: Is called for each file.

    Attributes:
        columns: Names of the columns of their records.
        headers: Names of the columns of each file, by path; without those that have no header.
        findings: What is wrong with the files.
        exp_nums: The least and the greatest ``exp_num``, if there are any.
    """

    def __init__(
        self,
        paths: Iterable[str],
        connection: duckdb.DuckDBPyConnection,
        *,
        legacy: bool,
        progress: Callable[[], None],
    ) -> None:
        self.headers: dict[str, tuple[str, ...]] = {}
        self.findings: list[Finding] = []
        self._connection = connection
        self._whole: dict[tuple[str, ...], WholeFiles] = {}
        copied: dict[tuple[str, ...], dict[str, Glance]] = defaultdict(dict)
        careful: dict[tuple[str, ...], list[str]] = defaultdict(list)
        room = _COPIED_BYTES
        for path in paths:
            progress()
            seen = self._look(path)
            if seen is None:
                continue
            columns = self.headers[path]
            if not isinstance(seen, Glance):
                careful[columns].append(path)
            elif (seen.is_small or seen.grows) and seen.end <= room:
                copied[columns][path] = seen
                room -= seen.end
            else:
                self._whole.setdefault(columns, WholeFiles(columns, connection)).files[path] = seen
        self.columns = tuple(dict.fromkeys(column for columns in self.headers.values() for column in columns))
        self._table = RowTable(tuple(dict.fromkeys((*COUNTS, *self.columns))), connection)
        for columns, whole in self._whole.items():
            careful[columns] += whole.count()
        for columns, files in copied.items():
            self._table.copy(columns, files)
        for path in self._table.remove_missed(
            {path: seen for files in copied.values() for path, seen in files.items()}
        ):
            careful[self.headers[path]].append(path)
        for columns, files_of in careful.items():
            if files_of:
                self.findings += self._table.pick(columns, sorted(files_of))
        self._kinds = self._table.kinds()
        counts = [count for whole in self._whole.values() for count in whole.counts.values()]
        ranges = [*((count.first, count.last) for count in counts), self._table.exp_nums()]
        self._has_table = ranges[-1] != (None, None)
        self.exp_nums = [number for both in ranges for number in both if number is not None]
        self._regimes = ""
        if legacy:
            self._regimes, findings = legacy_regimes.load(connection, sorted(self.headers))
            self.findings += findings
            self.columns = legacy_regimes.columns_of_records(self.columns)

    def _look(self, path: str) -> Glance | RowFile | None:
        """Note the columns of a file; return what a glance told, a careful reader if that was too little, or nothing."""
        try:
            seen = glance(path)
            if seen and set(COUNTS) <= set(seen.columns):
                self.headers[path] = seen.columns
                return seen
            with RowFile(path) as file:
                if file.columns is not None:
                    self.headers[path] = file.columns
                    return file
                if file.problem:
                    self.findings.append(file.problem)
        except OSError as error:
            self.findings.append(Finding("unreadable", f"cannot be opened: {error.strerror}", path))
        return None

    def kinds(self, column: str) -> int:
        """Return which kinds of values there are in a column."""
        of_whole = (whole.kinds(column) for whole in self._whole.values())
        return functools.reduce(operator.or_, of_whole, self._kinds.get(column, 0))

    def selects(self, columns: list[tuple[str, str, str]]) -> Iterator[str]:
        """Yield queries whose union are the records, with `PATH` and `ROW`.

        Args:
            columns: Of each column that is wanted: its name, the name to show and the type. No file need have it.
        """
        if self._has_table:
            cells = dict(self._table.cells)
            if "block_subtype" in cells:
                cells["block_subtype"] = f"CASE WHEN has_subtype THEN {cells['block_subtype']} ELSE {_WAKE} END"
            yield self._select(columns, self._table.name, cells)
        for whole in self._whole.values():
            if whole.files:
                yield self._select(columns, whole.source(), whole.cells)

    def _select(self, columns: list[tuple[str, str, str]], source: str, cells: Mapping[str, str]) -> str:
        if self._regimes:
            source = legacy_regimes.joined(source, self._regimes, cells, PATH)
            cells = legacy_regimes.cells_of_records(cells)
        cells = {"block_subtype": _WAKE, **cells}
        shown = [
            f"{typed(cells[column], column, kind) if column in cells else f'NULL::{kind}'} AS {name(alias)}"
            for column, alias, kind in columns
        ]
        return f"SELECT {', '.join([*shown, name(PATH), name(ROW)])} FROM {source}"
