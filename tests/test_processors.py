"""The chain: ours, structlog's own processors in it, and the user's."""

import decimal
import time

import numpy as np
import pytest
import structlog
from reading import data_log, record, rows

from l2logger import ConfigError, RecordError, RecordWarning
from l2logger.processors import OrderChecker, TimeStamper, canonical


def test_structlogs_own_processors_work_in_the_chain(make):
    chain = [structlog.contextvars.merge_contextvars, structlog.processors.UnicodeDecoder(), *canonical()]
    chain.insert(2, structlog.processors.TimeStamper(key="wall", fmt="iso"))
    logger = make(processors=chain)
    with structlog.contextvars.bound_contextvars(seed=7, worker_id="w7"):
        logger.log_record(record(note=b"bytes"))
    (row,) = rows(logger.scenario_dir)
    assert (row["seed"], row["worker_id"], row["note"]) == ("7", "w7", "bytes")
    assert row["wall"].endswith("Z")


def test_our_processors_work_in_a_structlog_chain():
    """They have nothing but the signature in common with a run."""
    events = structlog.testing.LogCapture()
    log = structlog.wrap_logger(None, processors=[TimeStamper(clock=lambda: 0.5), OrderChecker(), events])
    log.info("hello", **record(), worker_id="w0", exp_status="complete")
    assert events.entries[0]["timestamp"].endswith(".500000")


def test_drop_event_drops_the_record(make):
    def without_warm_up(logger, kind, event):
        if event["exp_num"] < 3:
            raise structlog.DropEvent
        return event

    logger = make(processors=[*canonical(), without_warm_up])
    for exp_num in range(5):
        logger.log_record(record(exp_num))
    assert [row["exp_num"] for row in rows(logger.scenario_dir)] == ["3", "4"]


def test_a_dropped_record_is_not_remembered(make):
    def drop_odd(logger, kind, event):
        if event["exp_num"] % 2:
            raise structlog.DropEvent
        return event

    logger = make(processors=[*canonical(), drop_odd])
    logger.log_record(record(9))
    logger.log_record(record(2))
    assert logger.progress["worker-default"].exp_num == 2


@pytest.mark.parametrize("returned", [None, [], "text", 5], ids=repr)
def test_a_forgotten_return_is_an_error_and_no_silent_loss(make, returned):
    """F-100."""
    logger = make(processors=[*canonical(), lambda logger, kind, event: returned])
    with pytest.raises(RecordError, match="must return the event, or raise structlog.DropEvent"):
        logger.log_record(record())


def test_what_a_processor_raises_reaches_the_caller_and_nothing_is_stored(make):
    """F-100, F-040."""
    logger = make(processors=[lambda logger, kind, event: 1 / 0, *canonical()])
    with pytest.raises(ZeroDivisionError):
        logger.log_record(record())
    assert rows(logger.scenario_dir) == []


def test_a_processor_that_is_not_callable_is_refused_at_once(make):
    """F-014."""
    with pytest.raises(ConfigError, match="a processor must be callable"):
        make(processors=[*canonical(), "timestamp"])


def test_the_run_and_the_kind_are_passed_to_processors(make):
    seen = []
    logger = make(processors=[lambda *args: seen.append(args[:2]) or args[2], *canonical()])
    logger.log_record(record())
    assert seen == [(logger, "record")]


def test_a_processor_with_a_memory_commits_after_the_write(make):
    class Counter:
        def __init__(self):
            self.seen = self.stored = 0

        def __call__(self, logger, kind, event):
            self.seen += 1
            return event

        def commit(self, event):
            self.stored += 1

    counter = Counter()
    logger = make(processors=[counter, *canonical()])
    logger.log_record(record(1))
    with pytest.raises(RecordError):
        logger.log_record(record(0))
    assert (counter.seen, counter.stored) == (2, 1)


def test_a_chain_that_loses_a_column_is_found_out(make):
    def lose(logger, kind, event):
        del event["timestamp"]
        return event

    with pytest.raises(RecordError, match=r"missing=\['timestamp'\]"):
        make(processors=[*canonical(), lose]).log_record(record())


def test_the_clock_is_an_argument(make):
    """S1-14."""
    logger = make(processors=canonical(clock=lambda: 1_600_000_000.25))
    logger.log_record(record())
    expected = time.strftime("%Y%m%dT%H%M%S.250000", time.localtime(1_600_000_000))
    assert rows(logger.scenario_dir)[0]["timestamp"] == expected


def test_a_timestamp_has_22_characters_at_every_fraction():
    """S1-14."""
    seconds = iter([0.0, 0.9999996, 1.0000004, 59.999, 1e9 + 0.1, 2e9])
    stamper = TimeStamper(clock=lambda: next(seconds))
    assert {len(stamper.text()) for _ in range(6)} == {22}


def test_the_clock_may_jump_back(make):
    """F-055: order comes from exp_num, the text is the local time it was."""
    seconds = iter([2_000_000_000.0, 1_000_000_000.0, 0.0])
    logger = make(processors=canonical(clock=lambda: next(seconds)))
    for exp_num in range(3):
        logger.log_record(record(exp_num))
    years = [row["timestamp"][:4] for row in rows(logger.scenario_dir)]
    assert years[:2] == ["2033", "2001"]
    assert years[2] in ("1969", "1970")


def test_local_time_follows_the_zone(make, monkeypatch):
    """F-055: a zone with an odd offset."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        assert TimeStamper(clock=lambda: 0.0).text() == "19700101T053000.000000"
    finally:
        monkeypatch.undo()
        time.tzset()


class Tensor:
    """As torch.tensor(0.5): a shape, an item, an array interface, and a text of four digits."""

    shape = ()

    def item(self):
        return 0.1 + 0.2

    def __array__(self):
        return np.array(self.item())

    def __str__(self):
        return "tensor(0.3000)"


def test_a_tensor_without_dimensions_is_the_number_it_holds(logger):
    """F-017."""
    logger.log_record(record(reward=Tensor()))
    assert rows(logger.scenario_dir)[0]["reward"] == "0.30000000000000004"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros(2000), r"reward has shape \(2000,\)"),
        ([1, 2], "reward is a list"),
        ({"a": 1}, "reward is a dict"),
        ({1}, "reward is a set"),
        (b"x", "reward is a bytes"),
        (2**70, "does not fit into 64 bits"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_strict_run_takes_numbers_and_text_only(make, value, message):
    """F-018, F-019, F-023; a run that is not strict writes what the original writes (golden run `values`)."""
    with pytest.raises(RecordError, match=message):
        make(strict=True).log_record(record(reward=value))


@pytest.mark.parametrize(
    "value", [1, 1.5, True, None, "text", np.float32(1), np.int64(1), np.array(1.5), Tensor()], ids=repr
)
def test_a_strict_run_takes_every_scalar(make, value):
    make(strict=True).log_record(record(reward=value))


def test_the_type_of_a_metric_may_change(logger):
    """F-033: cells are text; readers widen the column."""
    for exp_num, value in enumerate([1, 0.5, "text", None]):
        logger.log_record(record(exp_num, reward=value))
    assert [row["reward"] for row in rows(logger.scenario_dir)] == ["1", "0.5", "text", ""]


@pytest.mark.parametrize("params", [None, 5, "{}", [], (("a", 1),), {"a"}], ids=repr)
def test_task_params_must_be_a_mapping(logger, params):
    """S1-22."""
    with pytest.raises(RecordError, match="task_params must be a dict"):
        logger.log_record(record(task_params=params))


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"a": np.int64(1), "b": np.float32(0.5), "c": np.bool_(True)}, '{"a": 1, "b": 0.5, "c": true}'),
        ({"a": np.array([1, 2])}, '{"a": [1, 2]}'),
        ({"a": {"b": np.array([[0.5]])}}, '{"a": {"b": [[0.5]]}}'),
    ],
)
def test_numpy_inside_of_task_params_is_taken_for_what_it_holds(logger, params, text):
    """S1-13; wider than the original."""
    logger.log_record(record(task_params=params))
    assert rows(logger.scenario_dir)[0]["task_params"] == text


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({1}, r"task_params\['physics'\]\['g'\]"),
        (b"x", r"task_params\['physics'\]\['g'\]"),
        ([1, {"deep": object()}], r"task_params\['physics'\]\['g'\]\[1\]\['deep'\]"),
        ({(1, 2): 1}, r"task_params\['physics'\]\['g'\]"),
    ],
    ids=["set", "bytes", "object", "tuple key"],
)
def test_what_json_cannot_hold_is_refused_with_its_place(logger, value, place):
    """S1-22, F-019, F-022."""
    with pytest.raises(RecordError, match=f"{place} cannot be written as JSON"):
        logger.log_record(record(task_params={"fine": 1, "physics": {"g": value}}))


def test_circles_and_abysses_are_refused(logger):
    """F-021."""
    circle: dict = {}
    circle["again"] = [circle]
    abyss: dict = {}
    for _ in range(100_000):
        abyss = {"down": abyss}
    for params in (circle, abyss):
        with pytest.raises(RecordError, match="task_params"):
            logger.log_record(record(task_params=params))
    logger.log_record(record())


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"a": float("nan")}, r"task_params\['a'\] is nan"),
        ({"a": [{"b": float("-inf")}]}, r"task_params\['a'\]\[0\]\['b'\] is -inf"),
        ({1: "a", "1": "b"}, "keys that are the same as text"),
    ],
)
def test_a_strict_run_writes_json_proper(make, params, message):
    """F-016, F-022."""
    with pytest.raises(RecordError, match=message):
        make(strict=True).log_record(record(task_params=params))


def test_task_params_that_another_thread_changes_are_refused(logger):
    """F-032: what a dict says of itself when it grows while it is read."""

    class Changing(dict):
        def items(self):
            raise RuntimeError("dictionary changed size during iteration")

    with pytest.raises(RecordError, match="task_params.* changed size"):
        logger.log_record(record(task_params={"inner": Changing(a=1)}))
    logger.log_record(record())


def test_a_record_that_another_thread_changes_is_stored_as_it_was(logger):
    """F-032: every row is one that was whole at some time."""
    import threading

    shared = record(0, note="a" * 50, copy="a" * 50)
    stop = threading.Event()

    def change():
        while not stop.is_set():
            for letter in "bcdef\t":
                shared.update({"note": letter * 50, "copy": letter * 50})

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for exp_num in range(2000):
            shared["exp_num"] = exp_num
            logger.log_record(shared)
    finally:
        stop.set()
        thread.join()
    assert [int(row["exp_num"]) for row in rows(logger.scenario_dir)] == list(range(2000))
    assert all(row["note"] == row["copy"] for row in rows(logger.scenario_dir))


def test_a_bad_str_method_leaves_no_trace(logger):
    """F-020."""

    class Broken:
        def __str__(self):
            raise OSError("no text")

    with pytest.raises(RecordError, match="reward: the value, a Broken"):
        logger.log_record(record(reward=Broken()))
    assert not data_log(logger).exists()
    logger.log_record(record())


def test_a_str_method_that_logs_is_refused_without_a_deadlock(logger):
    """F-020, F-074."""

    class Recursive:
        def __str__(self):
            logger.log_record(record(1))
            return "never"

    with pytest.raises(RecordError, match="while another one was being logged"):
        logger.log_record(record(reward=Recursive()))
    logger.log_record(record())
    assert len(rows(logger.scenario_dir)) == 1


def test_ten_thousand_columns(make):
    """F-034."""
    names = [f"metric_{number}" for number in range(10_000)]
    logger = make(logger_info={"metrics_columns": names})
    for exp_num in range(3):
        logger.log_record(record(exp_num, **dict.fromkeys(names, 0.5)))
    assert len(rows(logger.scenario_dir)[0]) == 10_010


@pytest.mark.filterwarnings("ignore::l2logger.RecordWarning")
def test_markup_and_control_characters_are_stored_as_they_are(logger):
    """F-035: the log keeps the text; views clean it."""
    name = "<script>\x1b[31m\u202etask"
    logger.log_record(record(task_name=name))
    assert rows(logger.scenario_dir)[0]["task_name"] == name


def test_warnings_of_the_chain_are_record_warnings():
    assert issubclass(RecordWarning, UserWarning)


@pytest.mark.parametrize("value", [[1, 2], {"x": 1}, (1,), object(), b"x", {1}])
def test_a_value_that_is_no_number_and_no_text_is_doubted_once(make, value):
    """What the log can hold but tools would stumble over is told when it is written; strict refuses it."""
    logger = make()
    with pytest.warns(RecordWarning, match=r"reward is a \w+; a cell of the log holds one number or text") as told:
        logger.log_record(record(0, reward=value))
        logger.log_record(record(1, reward=value))
    assert len(told) == 1
    with pytest.raises(RecordError, match="a cell of the log holds one number or text"):
        make(strict=True).log_record(record(0, reward=value))


@pytest.mark.parametrize("value", [0.5, 3, True, None, "text", np.float32(0.5), decimal.Decimal("0.5")])
def test_numbers_and_texts_are_not_doubted(logger, value):
    logger.log_record(record(0, reward=value))
