"""Read logs: records, regimes and summaries of one or many runs, of any version of the format; and what was logged beside them.

    from l2logger import read

    read.records("logs/cartpole-1795229218-7487311").df()
    read.regimes("logs").filter("task_name = 'cartpole_moon'").fetchall()
    read.connect("logs").sql("SELECT run, avg(reward) FROM records GROUP BY run")
    read.metrics("logs").filter("name = 'agent/loss'").pl()
    read.params("logs/cartpole-1795229218-7487311")["agent"]["lr"]

Wherever runs are asked for, any number can be given: directories of runs, directories that hold runs at any depth, log
files, names of runs in ``$L2DATA/logs``.

Relations are DuckDB's: to be filtered and joined on, and turned into a frame by ``.df()``, ``.pl()``, ``.to_arrow_table()``
or ``.fetchall()``. Every cell is looked at once when a log is opened, for its type; after that nothing is read before it is
asked for, what is asked for is read from the files anew each time, and none of it needs to fit into memory. A log that
grows meanwhile has to be opened again: it says so. What was logged beside the records belongs to the whole run, also if only
a part of the run is given.

What is no record or signal (a line without its end, with too many cells, not UTF-8 ...) is reported by a `LogWarning` with path
and line, and the rest is read. ``on_bad_rows="skip"`` is silent, ``"raise"`` makes it a `LogFormatError`.
"""

import errno
import os
import tempfile
from collections.abc import Iterable, Sequence

import duckdb

from l2logger.errors import ConfigError, DirectoryError
from l2logger.findings import Finding
from l2logger.info import Info
from l2logger.log import Log
from l2logger.regimes import regimes as regimes_of
from l2logger.rules import Report, validate
from l2logger.signal_reading import (
    OnBadRows,
    Path,
    array,
    artifacts,
    descriptions,
    logged,
    media,
    metrics,
    params,
    signals,
    text,
)
from l2logger.sources import single_run
from l2logger.summary import Summary, summarise
from l2logger.views import TABLES, create_views

__all__ = [
    "Info",
    "Report",
    "array",
    "artifacts",
    "connect",
    "descriptions",
    "findings",
    "info",
    "logged",
    "media",
    "metrics",
    "params",
    "records",
    "regimes",
    "signals",
    "summary",
    "text",
    "to_parquet",
    "validate",
]


def records(
    *runs: Path, connection: duckdb.DuckDBPyConnection | None = None, on_bad_rows: OnBadRows = "warn"
) -> duckdb.DuckDBPyRelation:
    """Return all records as a lazy relation, sorted by ``exp_num``, ``block_num``, path of the file and line.

    ``block_num`` and ``exp_num`` are integers, the other standard columns text, whatever they look like. Of all other
    columns the cells decide: integers, doubles (read exactly), truth values, else text. ``task_name`` is in lower case,
    as in every reader of the format, ``block_subtype`` is ``wake`` in files without it, ``run`` is the name of the run.

    Args:
        runs: Where to read from.
        connection: A DuckDB connection of yours, to join the records with other things; a new one if there is none. What
            was copied of the log stays in its temporary tables until it is closed.
        on_bad_rows: ``"warn"`` of what is no record, ``"skip"`` it, or ``"raise"``.

    Raises:
        DirectoryError: There is no such directory.
        LogFormatError: A run is of a newer version of the format, or ``on_bad_rows="raise"`` found a reason.
    """
    return Log(*runs, connection=connection, on_bad_rows=on_bad_rows).records()


def regimes(
    *runs: Path, connection: duckdb.DuckDBPyConnection | None = None, on_bad_rows: OnBadRows = "warn"
) -> duckdb.DuckDBPyRelation:
    """Return the regimes, one row each: stretches of complete records of the same block and task.

    Columns: ``run``, ``regime_num``, ``block_num``, ``block_type``, ``block_subtype``, ``task_name``, ``task_params`` (of
    the first experience), ``params_count`` (how many different parameters there are; tools expect one), ``workers``,
    ``length`` (records), ``first_exp_num``, ``last_exp_num``, ``started`` and ``ended`` (timestamps), and ``means``, a
    struct with the mean of each of the run's ``metrics_columns`` over its finite values: in SQL, ``means.reward``.

    The arguments and errors are those of `records`.
    """
    return regimes_of(Log(*runs, connection=connection, on_bad_rows=on_bad_rows))


def summary(run: Path, *, on_bad_rows: OnBadRows = "warn") -> Summary:
    """Return what is in a run: blocks, regimes, tasks, workers, mean, range and course of each metric, and what else was logged."""
    return summarise(Log(run, on_bad_rows=on_bad_rows), on_bad_rows)


def info(run: Path) -> Info:
    """Return what a run says about itself: its info files, and how it is doing, by ``run.json``.

    Raises:
        DirectoryError: There is no run at this path, or more than one.
        LogFormatError: An info file or the manifest is no JSON.
    """
    found = single_run(run)
    return found.info()._replace(manifest=found.manifest())


def findings(*runs: Path) -> list[Finding]:
    """Return what of the runs is no record, with path and line; `validate` looks at the records as well."""
    return Log(*runs, on_bad_rows="skip").findings


def connect(
    *runs: Path,
    connection: duckdb.DuckDBPyConnection | None = None,
    on_bad_rows: OnBadRows = "warn",
    tables: Iterable[str] = TABLES,
) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB connection with views of runs, for SQL over many of them.

    ``records``, ``regimes``, ``metrics``, ``signals``, ``media`` and ``artifacts`` have the columns that the functions of these
    names tell. ``params`` has ``run``, ``name`` (the names of the groups and the parameter, with slashes) and ``value`` (JSON).
    ``runs`` has one row for each run: ``run``, ``status``, ``tags`` (a list), ``records``, ``seed``, ``path``, ``version``,
    ``files``, ``metrics_columns`` (a list), ``logger_info``, ``scenario_info`` and ``params`` (JSON text), ``host``,
    ``git_commit``, ``started`` and ``ended`` (ISO 8601). What only ``run.json`` tells is NULL for a run without it.

    The arguments and errors are those of `records`, and `tables` says which of them are needed. They are on this connection
    alone: a ``cursor()`` of it does not have them.
    """
    log = Log(*runs, connection=connection, on_bad_rows=on_bad_rows)
    return create_views(log, tables, on_bad_rows)


def to_parquet(
    *runs: Path,
    path: Path,
    partition_by: Sequence[str] = ("run", "block_type"),
    on_bad_rows: OnBadRows = "warn",
) -> None:
    """Write the records as Parquet files below ``path/run=<run>/block_type=<type>/``, sorted as in `records`.

    Spark, Ray Data, Dask, Polars and DuckDB read the directory as one table, and only the parts they need.

    Args:
        runs: Where to read from.
        path: A directory that does not exist yet. It appears when it is complete.
        partition_by: Columns that become directories; none gives one file. Readers guess the types of these columns from
            the names of the directories, so a ``worker_id`` of ``007`` would come back as a number.
        on_bad_rows: As in `records`.

    Raises:
        DirectoryError: `path` exists, or cannot be written.
    """
    target = os.path.abspath(path)
    if os.path.exists(target):
        raise DirectoryError(errno.EEXIST, "there is something already; give the path of a new directory", target)
    log = Log(*runs, on_bad_rows=on_bad_rows)
    # Each thread would write its rows when it has them.
    log.connection.execute("SET threads = 1")
    relation = log.records()
    if unknown := [column for column in partition_by if column not in relation.columns]:
        raise ConfigError(f"partition_by names {unknown}; the columns are {', '.join(relation.columns)}")
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
    except OSError as error:
        raise DirectoryError(error.errno, f"no directory can be made: {error.strerror}", target) from error
    with tempfile.TemporaryDirectory(prefix=".l2logger-", dir=os.path.dirname(target)) as directory:
        copy = os.path.join(directory, "copy")
        if partition_by:
            relation.write_parquet(copy, compression="zstd", partition_by=list(partition_by))
        else:
            os.mkdir(copy)
            relation.write_parquet(os.path.join(copy, "data_0.parquet"), compression="zstd")
        os.rename(copy, target)
