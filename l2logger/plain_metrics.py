"""Metrics that DuckDB reads where they are, each time they are asked for: lines that look exactly as our writer makes them.

Such a line is beyond doubt: every reader of JSON would see the same in it. The files that are read here are those in which
DuckDB has seen every byte, and in which all lines that seem to be metrics are of this kind.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

import duckdb

from l2logger.signal_table import COLUMNS, PLAIN, Extent
from l2logger.sql import literal, unique

_MAX_LINE_BYTES: Final = 2**23
_NO_PATTERN: Final = str.maketrans({"[": "[[]", "*": "[*]", "?": "[?]"})


def _object(value: str) -> str:
    pair = rf"{_STRING}: ?{value}"
    return rf"\{{(?:{pair}(?:, ?{pair})*)?\}}"


_STRING: Final = (
    r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u(?:[0-9a-cA-CefEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}'
    r'|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))*"'
)
_COUNT: Final = r"-?(?:0|[1-9][0-9]{0,17})"
# None of them is beyond the range of doubles.
_NUMBER: Final = (
    r"-?(?:(?:0|[1-9][0-9]{0,18})(?:\.[0-9]+)?(?:[eE][-+]?(?:[0-9]{1,2}|1[0-9]{2}|2[0-8][0-9]))?"
    r"|[0-9](?:\.[0-9]+)?[eE]-?(?:29[0-9]|3[0-9]{2})|[0-9](?:\.[0-9]+)?[eE]\+?(?:29[0-9]|30[0-7])"
    r"|1(?:\.[0-6][0-9]*)?[eE]\+?308)"
)
_VALUE: Final = rf'(?:{_NUMBER}|"NaN"|"Infinity"|"-Infinity")'
_ANYTHING: Final = rf"\{{(?:(?:, ?)?(?:{_STRING}(?:: ?)?|{_NUMBER}|true|false|null|[{{\[])|[}}\]])*\}}"

LINE: Final = (
    r'\{"kind": "metrics", "timestamp": "[0-9]{8}T[0-9]{6}\.[0-9]{6}", '
    rf'"worker_id": {_STRING}, "clock": (?:{_STRING}|null), "step": (?:{_COUNT}|null), '
    rf'(?:"clocks": {_object(_COUNT)}, )?(?:"context": {_ANYTHING}, )?"values": {_object(_VALUE)}\}}'
)
"""What a line of metrics looks like, as a regular expression. If it has a context, it is still to be asked whether it is JSON."""

# DuckDB takes the first of two fields with the same name, Python the last.
_PLAIN: Final = (
    f"regexp_full_match(line, {literal(LINE)}) AND (NOT contains(line, '\"context\": {{') OR "
    "CASE WHEN json_valid(line) THEN len(list_distinct(json_keys(line))) = len(json_keys(line)) ELSE false END)"
)


class PlainMetrics:
    """The metrics of some files, where they are.

    Args:
        connection: The DuckDB connection.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._variable = unique("files")
        self._listed: dict[str, Extent] = {}
        self._single: dict[str, Extent] = {}

    def add(self, settled: Mapping[str, Extent], moving: Mapping[str, Extent]) -> list[str]:
        """Take files into account; return those that cannot be read here.

        Args:
            settled: Files that end with a whole line and will hardly be written to any more.
            moving: Other files.
        """
        self._set_files(list(settled))
        files = {**settled, **moving}
        found: dict[str, tuple[int, int, int]] = {}
        single = moving
        try:
            found |= self._counts(self._scan(self._files(), strict=False)) if settled else {}
        except duckdb.Error:  # There is a line that ends the reading of all files.
            single = files
        for path, seen in single.items():
            with suppress(duckdb.Error):
                found |= self._counts(self._beginning(path, seen))
        good = {path: seen for path, seen in files.items() if found.get(path) == (seen.rows, seen.end, seen.left)}
        self._listed = {path: seen for path, seen in good.items() if path in settled and _is_simple(seen)}
        self._single = {path: seen for path, seen in good.items() if path not in self._listed}
        self._set_files(list(self._listed))
        return [path for path in files if path not in good]

    def selects(self) -> Iterator[str]:
        """Yield queries whose union are the metrics, with the `COLUMNS` of a table of signals."""
        if self._listed:
            # What is appended later was not looked at.
            end = sum(seen.end for seen in self._listed.values())
            grown = literal("the signals have grown since they were opened; open them again")
            check = f"CASE WHEN sum(size) IS DISTINCT FROM {end} THEN error({grown}) ELSE true END"
            unchanged = f"(SELECT {check} FROM read_blob({self._files()}))"
            yield _select(
                self._scan(self._files(), strict=True), f"starts_with(line, {literal(PLAIN)}) AND {unchanged}"
            )
        for path, seen in self._single.items():
            yield _select(
                self._beginning(path, seen),
                _PLAIN if seen.has_odd else f"starts_with(line, {literal(PLAIN)})",
            )

    def _counts(self, source: str) -> dict[str, tuple[int, int, int]]:
        """Return for each file how many lines and bytes DuckDB sees, and how many lines are plain metrics."""
        sql = f"SELECT path, count(*), sum(strlen(line) + 1)::BIGINT, count(*) FILTER ({_PLAIN}) FROM {source} GROUP BY path"
        return {path: (rows, nbytes, good) for path, rows, nbytes, good in self._connection.execute(sql).fetchall()}

    def _beginning(self, path: str, seen: Extent) -> str:
        """Return the query for the lines that were seen of a file; a last one may be unfinished, and more may come."""
        row = "0" if _is_simple(seen) else "row_number() OVER ()"
        scan = self._scan(literal(path.translate(_NO_PATTERN)), strict=True)
        return f"(SELECT path, {row} AS row, line FROM {scan} LIMIT {seen.rows})"

    def _scan(self, files: str, *, strict: bool) -> str:
        """Return the query for all lines of some files."""
        # A character that JSON does not have between columns, of which there is one.
        scan = (
            f"read_csv({files}, delim='\x1f', quote='', escape='', nullstr='', new_line='\\n', header=false, auto_detect=false, "
            f"strict_mode=true, max_line_size={_MAX_LINE_BYTES}, buffer_size={_MAX_LINE_BYTES}, columns={{'line': 'VARCHAR'}}, "
            f"filename='path', ignore_errors={'false' if strict else 'true'})"
        )
        return f"(SELECT path, 0 AS row, line FROM {scan})"

    def _files(self) -> str:
        return f"getvariable({literal(self._variable)})"

    def _set_files(self, paths: list[str]) -> None:
        # Brackets, asterisks and question marks would be taken for patterns.
        files = [path.translate(_NO_PATTERN) for path in paths]
        self._connection.execute(f"SET VARIABLE {self._variable} = $files", {"files": files})


def _is_simple(seen: Extent) -> bool:
    """Return whether the time tells the order of the metrics of a file, so that lines need not be numbered."""
    return seen.is_rising and not seen.has_odd


def _select(source: str, condition: str) -> str:
    """Return the query for the metrics in some lines."""
    found = ("worker_id", "timestamp", "clock", "step", "clocks", "context")
    paths = ", ".join(literal(f"$.{name}") for name in found)
    lines = f"SELECT path, row, line, json_extract_string(line, [{paths}]) AS found FROM {source} WHERE {condition}"
    values = {"kind": "'metrics'", "name": "NULL", "body": "line"}
    values |= {name: f"found[{place}]" for place, name in enumerate(found, 1)}
    columns = ", ".join(f"{values.get(name, name)}::{kind} AS {name}" for name, kind in COLUMNS.items())
    return f"SELECT {columns} FROM ({lines})"
