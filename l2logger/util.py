"""The functions of ``l2logger.util`` 1.x, with the tables they return: pandas in, pandas out.

They exist for the tools written for the original, such as l2metrics. New code has more from `l2logger.read`, which
these functions rest on.

What a table of records looks like, wherever one is returned or taken: one row per record, numbers as ``int64`` or
``float64`` by what their column holds, text as this pandas keeps text (``object`` before pandas 3, ``str`` since),
missing cells as NaN.
"""

import json
import logging
import os
import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from l2logger import paths
from l2logger.errors import LogFormatError, RecordError, SchemaError
from l2logger.findings import ERROR
from l2logger.log import Log
from l2logger.schema import COUNTS, SCENARIO_WORDS, TASK_NAME, V1_0, V1_1, WORKER_ID
from l2logger.sql import literal

if TYPE_CHECKING:
    import duckdb

logger = logging.getLogger(__name__)

_ALWAYS_READ = (
    "block_num",
    "exp_num",
    "block_type",
    "worker_id",
    "task_name",
    "task_params",
    "exp_status",
    "timestamp",
)
_SHOWN_TEXT: Final = 80
_SAMPLE_ROWS: Final = 10_000
_MOST_CODES: Final = 1_000
_LONGEST_CODES: Final = 2**20
_SAME_REGIME = ("block_num", "block_type", "block_subtype", "task_name")


def get_l2data_root(warn: bool = True) -> Path:
    """Return the directory below which lifelong-learning data is kept, and make it if it is not there.

    It is ``$L2DATA`` as it stands; without this variable, ``l2data`` in the home directory (in ``%APPDATA%`` on
    Windows).

    Args:
        warn: Log a warning if the variable is not set.

    Raises:
        OSError: The directory cannot be made.
    """
    root = _l2data_root(warn=warn)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror}; set the environment variable L2DATA to a directory you may write to",
            str(root),
        ) from error
    return root


def get_l2root_base_dirs(directory_to_append: str, sub_to_get: str = "") -> Path:
    """Return ``<root>/<directory_to_append>/<sub_to_get>``; of this, only the root is made if it is not there.

    Args:
        directory_to_append: Such as ``logs`` or ``taskinfo``.
        sub_to_get: A file or directory in it.
    """
    return get_l2data_root() / directory_to_append / sub_to_get


def get_fully_qualified_name(log_dir: Path) -> Path:
    """Return where a log directory is: at the path itself, or, for a bare name, in ``logs`` below the L2 data root.

    Nothing is created. The place below the root is returned whether there is something or not.

    Args:
        log_dir: Path or bare name.

    Raises:
        NotADirectoryError: A path with a directory in it leads nowhere.
    """
    log_dir = Path(log_dir)
    if log_dir.exists():
        return log_dir
    if log_dir.parent == Path():
        return _l2data_root(warn=True) / "logs" / log_dir.name
    raise NotADirectoryError(
        f"no log directory {str(log_dir)!r}; give a path that exists, or the bare name of a directory in $L2DATA/logs"
    )


def read_log_data(log_dir: Path, analysis_variables: list[str] | None = None) -> pd.DataFrame:
    """Return all records below a directory as one table.

    Every ``data-log.tsv`` at any depth is read. Rows are sorted by ``exp_num`` and ``block_num``, ties by path and
    line, and indexed from 0. Task names are in lower case. Columns are those of the files in order of first
    appearance; a file without ``block_subtype`` counts as ``wake``.

    Args:
        log_dir: Path, or bare name of a directory in ``$L2DATA/logs``.
        analysis_variables: Read only the eight columns of format 1.0, these, and ``block_subtype`` at the end, or
            where it is asked for.

    Raises:
        FileNotFoundError: There is no such directory, or no data log in it.
        NotADirectoryError: A path with a directory in it leads nowhere.
        KeyError: A column that is asked for is in none of the files.
        LogFormatError: The files hold something, but not one record.
    """
    directory = get_fully_qualified_name(log_dir)
    if not directory.is_dir():
        found = "is not a directory" if directory.exists() else "does not exist"
        raise FileNotFoundError(f"no log to read: {str(directory)!r} {found}; expected the directory of a run")
    log = Log(directory)
    if not any(run.files for run in log.runs):
        raise FileNotFoundError(f"no {paths.DATA_LOG} below {str(directory)!r}; nothing has been logged there")
    columns = log.columns
    if analysis_variables is not None:
        columns = tuple(dict.fromkeys([*_ALWAYS_READ, *analysis_variables, "block_subtype"]))
        if unknown := [name for name in columns if name not in log.columns]:
            raise KeyError(f"columns {unknown} are in none of the files; there are {list(log.columns)}")
    table = _frame(log, columns)
    if table.empty and (bad := [finding for finding in log.findings if finding.severity == ERROR]):
        raise LogFormatError(f"not one record can be read: {bad[0].problem}", bad[0].path, bad[0].line, bad[0].column)
    return table


def fill_regime_num(data: pd.DataFrame) -> pd.DataFrame:
    """Number the regimes of a table of records, in a new second column ``regime_num``.

    The number is 0 in the first row and grows by one wherever ``block_num``, ``block_type``, ``block_subtype`` or
    ``task_name`` is not what it is one row above. A missing value is not the same as another missing value.

    Args:
        data: Records in the order of time, usually only the complete ones. It is changed.

    Returns:
        `data` itself.

    Raises:
        AttributeError: One of the four columns is missing.
        ValueError: The regimes are numbered already.
    """
    if missing := [name for name in _SAME_REGIME if name not in data.columns]:
        raise AttributeError(f"no columns {missing} to tell regimes by; the table has {list(data.columns)}")
    if "regime_num" in data.columns:
        raise ValueError("the table has a column regime_num already; drop it to number the regimes anew")
    numbers = np.zeros(len(data), dtype=np.int64)
    if len(data) > 1:
        changes = np.zeros(len(data) - 1, dtype=bool)
        for name in _SAME_REGIME:
            changes |= _changes(data[name])
        np.cumsum(changes, out=numbers[1:])
    data.insert(1, "regime_num", numbers)
    return data


def parse_blocks(data: pd.DataFrame, include_task_params: bool = True) -> pd.DataFrame:
    """Return a table of the regimes and how many rows each has.

    Args:
        data: Records with ``regime_num``; their index does not matter.
        include_task_params: Tell parameters apart, so that a regime in which they change takes several rows.

    Returns:
        ``regime_num, block_num, block_type, block_subtype, task_name[, task_params], length``, sorted by these and
        indexed from 0. `length` counts rows, which are as many as experiences only where all are complete and there
        is one worker for each.

    Raises:
        KeyError: A column is missing.
    """
    by = ["regime_num", "block_num", "block_type", "block_subtype", "task_name"]
    if include_task_params:
        by.append("task_params")
    if missing := [name for name in by if name not in data.columns]:
        raise KeyError(f"no columns {missing}; fill_regime_num adds regime_num, read_log_data brings the others")
    blocks = data.reset_index(drop=True).groupby(by, as_index=False, dropna=False).size()
    blocks = blocks.rename(columns={"size": "length"})
    regimes = int(data["regime_num"].max()) + 1 if len(data) else 0
    if regimes != len(blocks):
        logger.warning(
            "%d regimes take %d rows of the table of blocks: task parameters change within a regime, or regimes are left out",
            regimes,
            len(blocks),
        )
    return blocks


def read_logger_info(input_dir: Path) -> Any:
    """Return what ``logger_info.json`` of a run holds: a dict with ``metrics_columns`` and ``log_format_version``.

    Args:
        input_dir: Path, or bare name of a directory in ``$L2DATA/logs``.

    Raises:
        FileNotFoundError: There is no such file.
        NotADirectoryError: A path with a directory in it leads nowhere.
        json.JSONDecodeError: It is not JSON.
    """
    return _read_info(get_fully_qualified_name(input_dir), paths.LOGGER_INFO)


def read_scenario_info(input_dir: Path) -> Any:
    """Return what ``scenario_info.json`` of a run holds, with empty text for what l2metrics needs and is not there.

    ``complexity``, ``difficulty`` and ``scenario_type`` have fixed words, in any case: one that is missing is logged
    as a warning, any other value as an error and returned as it is.

    Args:
        input_dir: Path, or bare name of a directory in ``$L2DATA/logs``.

    Raises:
        FileNotFoundError: There is no such file.
        NotADirectoryError: A path with a directory in it leads nowhere.
        json.JSONDecodeError: It is not JSON.
        LogFormatError: It is not an object.
    """
    directory = get_fully_qualified_name(input_dir)
    info = _read_info(directory, paths.SCENARIO_INFO)
    if not isinstance(info, dict):
        raise LogFormatError(
            f"expected an object such as {{}}, got {repr(info)[:_SHOWN_TEXT]}",
            os.path.join(directory, paths.SCENARIO_INFO),
        )
    for key, words in SCENARIO_WORDS.items():
        if key not in info:
            info[key] = ""
            logger.warning("%s: scenario_info has no %s; expected one of %s", directory.name, key, ", ".join(words))
        elif not isinstance(info[key], str) or info[key].lower() not in words:
            logger.error(
                "%s: %s in scenario_info is %r; expected one of %s", directory.name, key, info[key], ", ".join(words)
            )
    return info


def validate_log(data: pd.DataFrame, metric_fields: list[str]) -> None:
    """Check a table of records against the rules of the format, up to the first that is broken.

    Columns; task names (a warning is logged); ``block_num``, then ``exp_num``: not negative, never falling;
    ``block_type``; ``block_subtype``, if it is there; ``exp_status``; ``worker_id``; ``task_params``: JSON or missing.

    Args:
        data: Records in the order in which `read_log_data` returns them.
        metric_fields: Columns that must be there, as ``metrics_columns`` of `read_logger_info` says.

    Raises:
        SchemaError: A column is missing. This, too, is a RuntimeError.
        RecordError: A rule is broken; the text names the first row that does. This is a RuntimeError.
    """
    for kind, needed in ("standard", V1_0.columns), ("metric", metric_fields):
        if missing := [name for name in needed if name not in data.columns]:
            raise SchemaError(f"{kind} columns {missing} are missing; the table has {list(data.columns)}")
    _warn_of_task_names(data["task_name"])
    _check_counts(data, "block_num")
    _check_counts(data, "exp_num")
    for name in ("block_type", "block_subtype", "exp_status"):
        if name in data.columns:
            words = sorted(V1_1.vocabularies[name])
            _check_each(data, name, words.__contains__, "expected " + " or ".join(words), may_miss=False)
    _check_each(data, "worker_id", _is_worker_id, f"expected {WORKER_ID}", may_miss=True)
    _check_each(data, "task_params", _is_json, "expected JSON text, such as {}", may_miss=True)


def _l2data_root(*, warn: bool) -> Path:
    try:
        return Path(os.environ["L2DATA"])
    except KeyError:
        if platform.system().lower() == "windows":
            root = Path(os.environ["APPDATA"]) / "l2data"
        else:
            root = Path(os.path.expanduser("~")) / "l2data"
    if warn:
        logger.warning(
            "The environment variable L2DATA is not set, so %s is used.\n"
            "Set it to the directory below which data is to be kept:\n"
            "\texport L2DATA=/path/to/l2data   (a shell on Linux or macOS)\n"
            "\tset L2DATA=C:\\path\\to\\l2data   (Windows)",
            root,
        )
    return root


def _read_info(directory: Path, name: str) -> Any:
    path = os.path.join(directory, name)
    try:
        with open(path, encoding="utf-8-sig") as file:
            return json.load(file)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            error.errno, "no such info file; expected the directory of a run, which holds one", path
        ) from error
    except json.JSONDecodeError as error:
        raise json.JSONDecodeError(f"{path} is not JSON: {error.msg}", error.doc, error.pos) from error
    except (ValueError, RecursionError) as error:
        raise LogFormatError(f"not a JSON file: {error}", path) from error


def _changes(column: "pd.Series[Any]") -> Any:
    """Return for each row but the first whether its value differs from the one above: a bool array."""
    if not isinstance(column.dtype, pd.StringDtype) or (
        column.dtype.storage == "python" and column.dtype.na_value is not pd.NA
    ):
        values = column.to_numpy()
        return (values[1:] != values[:-1]).astype(bool)
    # Text that Arrow keeps is compared there: an array of Python strings would first have to be made.
    differs = column.array[1:] != column.array[:-1]
    return np.asarray(pd.Series(differs).fillna(True), dtype=bool)


def _frame(log: Log, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return columns of a log as a table of records."""
    # Columns go by their place, because DuckDB does not tell a column ``a`` from a column ``A``. Sorting is left to numpy,
    # which sorts numbers: DuckDB would sort whole rows, and take twice the memory.
    cells = [f"c{place}" for place in range(len(columns))]
    files = sorted(path for run in log.runs for path in run.files)
    source = (
        f"(SELECT {', '.join(cells)}, file, row FROM ({log.unsorted(columns)}) AS records({', '.join(cells)}, path, row, run) "
        "JOIN (SELECT unnest($files) AS path, unnest(range(len($files))) AS file) USING (path))"
    )
    text = [cell for cell, column in zip(cells, columns, strict=True) if log.types[column] == "VARCHAR"]

    def ask(sql: str) -> "duckdb.DuckDBPyConnection":
        return log.connection.execute(sql, {"files": files})

    codes = _codes(ask, source, text)
    wanted = ", ".join(f"{_code(cell, codes[cell])} AS {cell}" if cell in codes else cell for cell in cells)
    fetched = ask(f"SELECT {wanted}, file, row FROM {source}").fetchnumpy()
    order = np.lexsort(
        [fetched.pop(key) for key in ("row", "file")] + [fetched[cells[columns.index(name)]] for name in COUNTS]
    )
    table: dict[str, Any] = dict.fromkeys(columns)
    # Text as it is takes the most room while it is converted, so it comes first.
    for name, cell in sorted(zip(columns, cells, strict=True), key=lambda column: column[1] in codes):
        values = fetched.pop(cell)[order]
        if cell in codes:
            table[name] = _texts([*codes[cell], None]).take(values)
        else:
            table[name] = _texts(np.ma.getdata(values)) if values.dtype == object else _numbers(values)
    return pd.DataFrame(table, copy=False)


def _codes(ask: "Callable[[str], duckdb.DuckDBPyConnection]", source: str, text: list[str]) -> dict[str, list[str]]:
    """Return the values of text columns that have few, so that no text is made a million times over."""
    counts = ", ".join(["count(*)", *(f"count(DISTINCT {cell})" for cell in text)])
    rows, *distinct = ask(f"SELECT {counts} FROM (FROM {source} LIMIT {_SAMPLE_ROWS})").fetchall()[0]
    few = [cell for cell, count in zip(text, distinct, strict=True) if count <= _MOST_CODES]
    if rows < _SAMPLE_ROWS or not few:
        return {}
    lists = ", ".join(f"list(DISTINCT {cell}) FILTER ({cell} IS NOT NULL)" for cell in few)
    values = ask(f"SELECT {lists} FROM {source}").fetchall()[0]
    # The values become part of a statement, which has room for short ones only, and for no NUL.
    return {
        cell: each
        for cell, each in zip(few, values, strict=True)
        if each and sum(map(len, each)) <= _LONGEST_CODES and not any("\0" in value for value in each)
    }


def _code(cell: str, values: list[str]) -> str:
    """Return the SQL for the place of each value in `values`, -1 for a missing one."""
    return f"coalesce(enum_code({cell}::ENUM({', '.join(map(literal, values))}))::INTEGER, -1)"


def _texts(values: Any) -> Any:
    """Return text, None for missing, as an array of what this pandas keeps text in."""
    texts = np.asarray(values, dtype=object)
    texts[pd.isna(texts)] = np.nan
    return pd.array(texts, dtype=pd.Series(["text"]).dtype)


def _numbers(values: Any) -> Any:
    """Return numbers that DuckDB fetched as pandas reads them: with gaps, whole ones as float and truth as object."""
    if not np.ma.is_masked(values):
        return np.ma.getdata(values)
    gaps = np.ma.getmaskarray(values)
    filled = np.ma.getdata(values).astype(object if values.dtype == bool else float)
    filled[gaps] = np.nan
    return filled


def _warn_of_task_names(column: "pd.Series[Any]") -> None:
    _, names = _factorized(column)
    fits = re.compile(TASK_NAME).fullmatch
    odd = [name for name in map(str, names) if not fits(name)]
    if odd or column.isna().any():
        shown = ", ".join(map(repr, odd[:3])) or "a missing one"
        logger.warning(
            "Task names should look like <task>_<variant>, in letters and digits; there are others: %s", shown
        )


def _check_counts(data: pd.DataFrame, name: str) -> None:
    values = data[name].to_numpy()
    if values.dtype.kind in "biuf":
        bad = ~(values >= 0)
    else:
        bad = np.fromiter((not _is_count(value) for value in values), dtype=bool, count=len(values))
    _refuse_first(data, name, bad, "expected a whole number from 0 on")
    falls = np.append(False, values[1:] < values[:-1])
    if falls.any():
        place = int(falls.argmax())
        raise RecordError(
            f"{name} falls from {values[place - 1]} to {values[place]} in row {data.index[place]}; "
            "it may stay or grow from row to row, as the rows are sorted by exp_num"
        )


def _is_count(value: Any) -> bool:
    try:
        return bool(value >= 0)
    except (TypeError, ValueError):
        return False


def _check_each(
    data: pd.DataFrame, name: str, accepts: Callable[[Any], bool], expected: str, *, may_miss: bool
) -> None:
    codes, values = _factorized(data[name])
    refused = [place for place, value in enumerate(values) if not accepts(value)]
    if not may_miss:
        refused.append(-1)
    _refuse_first(data, name, np.isin(codes, refused), expected)


def _factorized(column: "pd.Series[Any]") -> tuple[Any, Any]:
    """Return the place of each value among the distinct ones, -1 for missing ones, and these."""
    try:
        codes, values = pd.factorize(column)
    except TypeError:
        # Values that cannot be hashed, such as parsed parameters, are looked at one by one.
        return np.where(column.isna(), -1, np.arange(len(column))), column.to_numpy()
    return codes, values


def _refuse_first(data: pd.DataFrame, name: str, bad: Any, expected: str) -> None:
    if bad.any():
        place = int(bad.argmax())
        more = int(bad.sum()) - 1
        value = data[name].iloc[place]
        value = value.item() if isinstance(value, np.generic) else value
        raise RecordError(
            f"{name} is {repr(value)[:_SHOWN_TEXT]} in row {data.index[place]}; {expected}"
            + (f" ({more} more rows have such values)" if more else "")
        )


def _is_worker_id(value: Any) -> bool:
    return re.fullmatch(WORKER_ID, str(value)) is not None


def _is_json(value: Any) -> bool:
    if isinstance(value, str) and not value:
        return True
    try:
        json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
