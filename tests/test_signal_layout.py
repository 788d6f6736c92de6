"""Lines as they are really written, and all those that look at their bytes instead of parsing them."""

import itertools
import json
import math
from types import SimpleNamespace

import duckdb
import pytest

from l2logger.plain_metrics import LINE
from l2logger.processors import Clocks
from l2logger.signal_files import SignalFiles
from l2logger.signal_lines import parse
from l2logger.signal_table import PLAIN, SignalTable
from l2logger.signals import Signal

STAMP = "20261121T143000.123456"
METRICS = {"loss": 0.5, "n": 3, 'a "b" {é}, 😀': -1e-30}
CLOCKS = [None, "step", 'env "steps": {ü}, 5', "back%slash"]
STEPS = [None, 0, -7, 10**18 - 1]
MORE = [{}, {"clocks": {"frames": 12, 'x "y", {"': -1}}]
CONTEXTS = [{}, {"context": {"block_num": 3, "task_name": 'a "b": {', "list": [1, None, True, 0.5, "]"]}}]
VALUES = [METRICS, {**METRICS, "nan": math.nan, "high": math.inf, "low": -math.inf}, {"x": 2**60}]
_WORDS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
ALL = list(itertools.product(CLOCKS, STEPS, MORE, CONTEXTS, VALUES))


def fields(clock="step", step=0, more=MORE[0], context=CONTEXTS[0], **own):
    return {"timestamp": STAMP, "worker_id": "worker-default", "clock": clock, "step": step, **more, **context, **own}


def written(root, *signals):
    """Return the lines that are in the file after these signals were written."""
    files = SignalFiles("never")
    files.open(str(root))
    for signal in signals:
        files.write(signal)
    files.close()
    return (root / "signals" / "worker-default.jsonl").read_bytes().splitlines()


@pytest.fixture
def lines(tmp_path):
    """Return the lines of metrics with all combinations of what such a line can have."""
    return written(tmp_path, *(Signal("metrics", fields(*each, values=values)) for *each, values in ALL))


def test_a_line_is_what_was_logged(lines):
    for line, (*each, values) in zip(lines, ALL, strict=True):
        texts = {name: value if math.isfinite(value) else _WORDS[str(value)] for name, value in values.items()}
        assert json.loads(line) == {"kind": "metrics", **fields(*each, values=texts)}
        assert parse(line).problem == ""


def test_clocks_find_the_step_and_the_clocks(tmp_path):
    for number, (clock, step, more, context, values) in enumerate(ALL):
        root = tmp_path / str(number)
        root.mkdir()
        written(root, Signal("metrics", fields(clock, step, more, context, values=values)))
        event = {"worker_id": "worker-default", "clock": clock or "step", "step": None, "values": values}
        Clocks()(SimpleNamespace(root=str(root)), "metrics", event)
        counted = 0 if step is None or clock is None else step + 1
        assert (event["step"], event.get("clocks", {})) == (counted, more.get("clocks", {}))


def test_duckdb_reads_all_of_them_where_they_are(lines):
    texts = [line.decode() for line in lines]
    with duckdb.connect() as connection:
        query = "SELECT count(*) FILTER (regexp_full_match(line, $pattern)) FROM (SELECT unnest($lines) AS line)"
        [(count,)] = connection.execute(query, {"pattern": LINE, "lines": texts}).fetchall()
    assert count == len(lines)


def test_the_table_leaves_all_of_them_where_they_are(tmp_path, lines):
    path = tmp_path / "signals" / "worker-default.jsonl"
    with duckdb.connect() as connection:
        extent = SignalTable(connection).read(str(path), path.stat().st_size, leave_plain=True)
    assert (extent.left, extent.has_odd) == (len(lines), False)


def test_the_time_is_where_the_table_looks_for_it(lines):
    assert {line[len(PLAIN) : len(PLAIN) + len(STAMP)].decode() for line in lines} == {STAMP}


def test_what_is_no_metrics_does_not_begin_as_if_it_were(tmp_path):
    [line] = written(tmp_path, Signal("note", fields(None, None, text=PLAIN, level="info")))
    assert not line.startswith(PLAIN.encode())
    assert parse(line).signal["text"] == PLAIN
