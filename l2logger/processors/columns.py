"""What can be said of a record by itself: its columns and their vocabularies."""

import re
from functools import lru_cache
from typing import Any

from l2logger import paths
from l2logger.errors import RecordError, SchemaError
from l2logger.run import Run, only_for
from l2logger.schema import WORKER_ID
from l2logger.signals import RECORD

_is_worker_id = re.compile(WORKER_ID).fullmatch


@only_for(RECORD)
def check_columns(logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
    """Refuse a record with missing or unexpected columns, or a word that the format does not know.

    Raises:
        SchemaError: The columns are not those of the log; before the first record, the standard columns and all
            ``metrics_columns`` must be there.
        RecordError: A value is not in the vocabulary of its column, or ``worker_id`` cannot name a directory.
    """
    columns = logger.columns
    if columns is None:
        _check_first(logger, event)
    elif event.keys() != _names(columns):
        missing = sorted(set(columns).difference(event))
        unexpected = sorted(set(event).difference(columns), key=str)
        raise SchemaError(
            f"the columns of a log are those of its first record: missing={missing} unexpected={unexpected}; "
            "log the same columns every time, None where there is no value"
        )
    for name, words in logger.schema.vocabularies.items():
        word = event[name]
        if not isinstance(word, str) or word not in words:
            raise RecordError(f"{name} must be {' or '.join(map(repr, sorted(words, reverse=True)))}, got {word!r}")
    worker_id = event["worker_id"]
    if (
        type(worker_id) is not str
        or not _is_worker_id(worker_id)
        or worker_id in _NO_WORKER
        or len(worker_id) > paths.MAX_NAME_BYTES
    ):
        event["worker_id"] = checked_worker_id(worker_id)
    return event


_names = lru_cache(64)(frozenset[str])

_NO_WORKER = paths.FILES_OF_A_RUN | {".", "..", "..."}


def checked_worker_id(worker_id: Any) -> str:
    """Return the id of a worker as plain text.

    Raises:
        RecordError: It cannot name a directory.
    """
    if not isinstance(worker_id, str):
        raise RecordError(
            f"worker_id must be text, got {worker_id!r} ({type(worker_id).__name__}); write str(...) around it"
        )
    worker_id = str.__str__(worker_id)  # numpy.str_ and the like
    assert isinstance(worker_id, str)
    if len(worker_id) > paths.MAX_NAME_BYTES:
        raise RecordError(
            f"worker_id is {len(worker_id)} characters long, more than the {paths.MAX_NAME_BYTES} of a directory name: {worker_id[:40]!r}..."
        )
    if not _is_worker_id(worker_id):
        raise RecordError(
            f"worker_id must consist of letters, digits, '_', '-' and '.' ({WORKER_ID}), got {worker_id!r}"
        )
    if worker_id in _NO_WORKER:
        raise RecordError(f"worker_id names the directory of the worker, which cannot be called {worker_id!r}")
    return worker_id


def _check_first(logger: Run, event: dict[str, Any]) -> None:
    standard = logger.schema.columns
    wrong = [name for name in event if not isinstance(name, str)]
    if wrong:
        raise SchemaError(f"column names must be text, got {wrong}")
    extras = sorted(set(event).difference(standard))
    if missing := [name for name in standard if name not in event]:
        raise SchemaError(f"the record lacks the standard columns {missing}; besides them it has {extras}")
    metrics = logger.logger_info["metrics_columns"]
    if missing := sorted({name for name in metrics if name not in event}):
        raise SchemaError(
            f"the record lacks {missing}, which logger_info names in metrics_columns; the first record must bring "
            f"every metric, it has {extras}"
        )
    import difflib  # for the first record alone

    for name in set(extras).difference(metrics):
        if similar := difflib.get_close_matches(name, logger.schema.defaults, 1, 0.9):
            logger.doubt(
                "column name",
                "column {!r} looks like {!r} misspelt; a log keeps the columns of its first record",
                name,
                similar[0],
            )
