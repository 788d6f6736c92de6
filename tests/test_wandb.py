"""What W&B has of a run after a `WandbSink`: read from its own file, or from the server that it talked to."""

import json
import math
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb
import wandb_file
from reading import record
from wandb_mirror import REWARD, TIMESTAMP, command, entry, info, latest, mirror, python, rewards
from wandb_server import KEY, Server

from l2logger import ConfigError, SinkWarning
from l2logger.signals import RECORD, Signal
from l2logger.sinks import WandbSink, build
from l2logger.sinks.spelling import parse, spell
from l2logger.sinks.wandb import config as wandb_config
from l2logger.sinks.wandb import options as wandb_options

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(tmp_path_factory, monkeypatch):
    for name in [name for name in os.environ if name.startswith("WANDB_") and name != "WANDB_SERVICE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", os.devnull)
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path_factory.getbasetemp() / "no_wandb_config"))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")


@pytest.fixture
def anew():
    """Have W&B read its environment again, before and after the test."""
    wandb.teardown()
    yield
    wandb.teardown()


@pytest.fixture
def here(tmp_path):
    """A run in a directory called ``r``."""
    return info(tmp_path / "r")


# What is in the history.

ROWS = [
    entry(5, reward=1.0, loss=0.5),
    entry(6, reward=4.0, loss=0.25),
    entry(3, reward=2.0, loss=math.nan),
    entry(3, reward=3.0, loss=math.inf),
    entry(3, reward=3.0, loss=0.75, block_num=1, block_type="test", worker_id="w\u00e4chter-\u4e16"),
    entry(
        7,
        reward=np.float32(0.1),
        loss="0.125",
        note="text \x1b[31m\udcff",
        long=5000 * "x",
        thing={"a": 1},
        empty="",
        nothing=None,
        flag=True,
        huge=10**400,
        array=np.arange(3),
    ),
    Signal(RECORD, {**entry(8, timestamp="yesterday", task_name="\u732b.1/x y").fields, 17: 2}),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that was mirrored with a bit of everything."""
    directory = tmp_path_factory.mktemp("mirrored") / "ant-1790000000-25"
    config = {"rate": 0.5, "wandb_api_key": "x"}
    mirror(info(directory), *ROWS, group="ablation", tags=["a", "b"], config=config, lower_is_better="loss")
    return latest(directory)


def test_every_record_is_one_row_in_the_order_of_the_log(run):
    """S4-3, S4-4: also where ``exp_num`` falls or repeats; W&B's own step counts the rows."""
    assert [row["exp_num"] for row in run.history] == [5, 6, 3, 3, 3, 7, 8]
    assert [row["_step"] for row in run.history] == list(range(7))
    assert [row.get(REWARD) for row in run.history] == [1.0, 4.0, 2.0, 3.0, None, 0.1, None]


def test_train_and_test_are_sections_of_their_own(run):
    assert run.history[3][REWARD] == 3.0
    assert run.history[4]["test/Task_a/reward"] == 3.0


def test_nan_and_the_infinities_are_kept(run):
    """F-109."""
    losses = [row.get("train/Task_a/loss") for row in run.history]
    assert losses[:2] == [0.5, 0.25]
    assert math.isnan(losses[2])
    assert losses[3] == math.inf


def test_what_reads_as_a_number_is_one(run):
    """F-109."""
    row = run.history[5]
    assert (row["train/Task_a/loss"], row["train/Task_a/flag"], row["train/Task_a/huge"]) == (0.125, 1, math.inf)


def test_text_is_kept_as_text_of_a_bounded_length(run):
    """F-109."""
    row = run.history[5]
    assert row["train/Task_a/note"] == r"text \x1b[31m\udcff"
    assert row["train/Task_a/thing"] == "{'a': 1}"
    assert row["train/Task_a/array"] == "[0 1 2]"
    assert row["train/Task_a/long"] == 1000 * "x"
    assert not {"train/Task_a/empty", "train/Task_a/nothing"} & row.keys()


def test_any_name_makes_a_curve(run):
    """F-109: numbers as names of columns, other scripts, dots and spaces."""
    assert run.history[6]["train/\u732b.1/x y/reward"] == 1.0
    assert run.history[6]["train/\u732b.1/x y/17"] == 2


def test_a_row_tells_its_block_and_worker(run):
    assert [row["block_num"] for row in run.history] == [0, 0, 0, 0, 1, 0, 0]
    assert (run.history[0]["worker_id"], run.history[4]["worker_id"]) == ("worker-default", "w\u00e4chter-\u4e16")


def test_a_row_has_the_time_of_the_record(run):
    assert run.history[0]["_timestamp"] == time.mktime(time.strptime(TIMESTAMP[:15], "%Y%m%dT%H%M%S")) + 0.25


def test_a_row_without_a_readable_time_has_that_of_its_mirroring(run):
    assert abs(run.history[6]["_timestamp"] - time.time()) < 3600


def test_every_curve_is_drawn_over_exp_num(run):
    assert run.metrics["*"].step_metric == "exp_num"
    assert run.metrics["exp_num"].options.hidden


def test_values_across_the_blocks_of_the_file_are_read_back(tmp_path, here):
    mirror(here, *(entry(number, reward=number / 7, note=1000 * "n") for number in range(100)))
    assert rewards(latest(tmp_path).history) == [(number, number / 7) for number in range(100)]


def test_curves_can_be_named_by_a_function(tmp_path, here):
    mirror(here, entry(worker_id="w1"), tag=lambda fields, metric: f"{fields['worker_id']}/{metric}")
    run = latest(tmp_path)
    assert (run.history[0]["w1/reward"], run.summary["best/w1/reward"]) == (1.0, 1.0)


# What is in the summary, the config, and elsewhere.


def test_the_summary_has_the_last_and_the_best_value(run):
    assert (run.summary[REWARD], run.summary[f"best/{REWARD}"]) == (0.1, 4.0)
    assert (run.summary["test/Task_a/reward"], run.summary["best/test/Task_a/reward"]) == (3.0, 3.0)


def test_what_is_lower_can_be_better(run):
    assert (run.summary["train/Task_a/loss"], run.summary["best/train/Task_a/loss"]) == (0.125, 0.125)


def test_what_is_not_finite_is_not_the_best(run):
    assert "best/train/Task_a/huge" not in run.summary


def test_the_config_has_both_info_files_and_what_the_user_gave(run):
    """S4-2."""
    assert run.config["scenario_info"]["author"] == "J. Doe"
    assert run.config["logger_info"]["metrics_columns"] == ["reward"]
    assert run.config["rate"] == 0.5
    assert run.config["l2logger"].keys() == {"version", "python", "system"}


def test_secrets_do_not_leave(run):
    assert run.config["scenario_info"]["server"] == {"url": "db.example", "Password": "[redacted]"}
    assert run.config["logger_info"]["api_token"] == run.config["wandb_api_key"] == "[redacted]"


def test_the_run_is_called_as_its_directory(run):
    assert (run.record.project, run.record.display_name) == ("l2logger", "ant-1790000000-25")
    assert (run.record.run_id, run.record.resume) == ("ant-1790000000-25", True)
    assert (run.record.run_group, list(run.record.tags)) == ("ablation", ["a", "b"])


def test_nothing_is_told_of_the_machine(tmp_path, here):
    mirror(here, entry(), isolate="thread")
    run = latest(tmp_path)
    assert (run.record.host, run.record.git.remote_url) == ("", "")
    assert [path.name for path in tmp_path.rglob("files/*")] == []


def test_the_config_is_made_of_what_json_has():
    value = {
        1: {"a": (1, math.nan, np.int64(3), np.array([0.5])), "b": {2}, "c": None, "d": Path("x"), "e\x00": "\x1b"}
    }
    assert wandb_config.clean(value) == {
        "1": {"a": [1, "nan", 3, [0.5]], "b": [2], "c": None, "d": "x", r"e\x00": r"\x1b"}
    }


# How it is set up.


def test_an_unknown_mode_is_an_error_that_names_the_choices():
    """S4-1."""
    with pytest.raises(ConfigError, match="'online', 'offline', 'disabled', got 'offlin'"):
        WandbSink(mode="offlin")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("tag", "x"),
        ("config", [1]),
        ("settings", 5),
        ("tags", [1]),
        ("tags", 1),
        ("lower_is_better", [None]),
        ("isolate", ""),
        ("dir", 5),
    ],
)
def test_a_wrong_argument_is_an_error_at_once(option, value):
    with pytest.raises(ConfigError, match=f"^{option} must be"):
        WandbSink(**{option: value})


def test_an_argument_that_nobody_has_is_an_error_with_a_guess(here):
    """S4-1."""
    sink = WandbSink(mode="offline", gruop="x")
    with pytest.raises(ConfigError, match="argument 'gruop', did you mean 'group'"):
        sink.open(here)
    sink.close()


@pytest.mark.parametrize("wrong", [{"project": "a/b"}, {"settings": {"hots": "x"}}, {"resume": "perhaps"}])
def test_an_argument_that_wandb_refuses_is_an_error_that_no_repetition_mends(here, wrong):
    with pytest.raises(ConfigError, match="wandb.init does not take its arguments"):
        mirror(here, **wrong)


def test_any_other_argument_of_wandb_is_passed_on(tmp_path, here):
    mirror(here, job_type="evaluation", notes="n", settings={"host": "here", "run_name": "named"})
    run = latest(tmp_path)
    assert (run.record.job_type, run.record.notes) == ("evaluation", "n")
    assert (run.record.host, run.record.display_name) == ("here", "named")


@pytest.mark.parametrize(("argument", "id"), [("resume_from", "abc"), ("fork_from", "r")])
def test_a_run_can_begin_inside_of_another(tmp_path, here, argument, id):
    mirror(here, **{argument: "abc?_step=3"})
    record = latest(tmp_path).record
    assert (record.run_id, record.resume, record.branch_point.run) == (id, False, "abc")


def test_settings_can_be_an_object_of_wandb(tmp_path, here):
    mirror(here, settings=wandb.Settings(host="here"))
    assert latest(tmp_path).record.host == "here"


def test_a_section_of_omegaconf_is_taken(tmp_path, here):
    """S4-1: references are resolved, and nothing of it is left in what W&B gets."""
    omegaconf = pytest.importorskip("omegaconf")
    section = {
        "project": "${team}-runs",
        "mode": "offline",
        "isolate": "none",
        "tags": ["${team}", "x"],
        "config": {"model": "${model}"},
        "settings": {"host": "${team}"},
    }
    config = omegaconf.OmegaConf.create({"team": "blue", "model": {"depth": 3}, "wandb": section})
    mirror(here, sink=WandbSink(**config.wandb))
    run = latest(tmp_path)
    assert (run.record.project, list(run.record.tags), run.record.host) == ("blue-runs", ["blue", "x"], "blue")
    assert run.config["model"] == {"depth": 3}


def test_a_sink_is_spelled_and_built_again():
    sink = WandbSink(
        "p", mode="offline", tags=("a", "b"), lower_is_better=["loss"], settings={"api_key": KEY, "host": "x"}
    )
    (again,) = build(parse(spell(sink)))
    assert again.options() == sink.options()
    assert sink.options() == {
        "project": "p",
        "tags": ["a", "b"],
        "mode": "offline",
        "settings": {"host": "x"},
        "lower_is_better": ["loss"],
    }


def test_a_sink_is_picklable():
    sink = WandbSink("p", tags=["a"], config={"a": 1})
    assert pickle.loads(pickle.dumps(sink)).options() == sink.options()


def test_construction_imports_no_wandb(here):
    ran = python("WandbSink(); print('wandb' in sys.modules)", Path(here.scenario_dir))
    assert ran.stdout == "False\n"


def test_a_missing_wandb_is_one_clear_error(here, monkeypatch):
    """F-104."""
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ImportError, match=r'pip install "l2logger\[wandb\]"') as caught:
        WandbSink().open(here)
    assert caught.value.name == "wandb"


def test_a_wandb_that_is_too_old_is_one_clear_error(here, monkeypatch):
    monkeypatch.setattr(wandb, "__version__", "0.19.9")
    with pytest.raises(ImportError, match="needs wandb 0.19.10, this is 0.19.9"):
        WandbSink().open(here)


def test_disabled_means_nothing_is_kept(tmp_path, here):
    mirror(here, entry(), mode="disabled")
    assert wandb_file.files(tmp_path) == []


def test_a_directory_that_cannot_be_written_is_told(tmp_path, here):
    (tmp_path / "file").write_text("")
    with pytest.warns(SinkWarning, match=r"W&B cannot write to .*file/d; its files of the run are in "):
        mirror(here, entry(), dir=tmp_path / "file" / "d")


@pytest.mark.parametrize("name", ["demo-1790000000-25", "a", 64 * "x", "A_b.c-d"])
def test_a_plain_name_is_the_id(name):
    assert wandb_options.run_id(name) == name


def test_other_names_make_a_valid_id_that_is_theirs_alone():
    names = [
        "r\u00fcn",
        "r\u00fcn ",
        "a/b",
        "a:b",
        "a b",
        "\u4e16\u754c",
        65 * "x",
        66 * "x",
        "\udcff",
        "",
        "#?%",
        "-a",
    ]
    ids = [wandb_options.run_id(name) for name in names]
    assert ids == [wandb_options.run_id(name) for name in names]
    assert len(set(ids)) == len(names)
    assert all(0 < len(each) <= 64 and not set(each) & set(":;,#?/'\\% ") and each.isascii() for each in ids)


# The environment.


def set_variables(monkeypatch: pytest.MonkeyPatch, **variables: Any) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"WANDB_{name}", str(value))


def test_the_environment_is_respected(tmp_path, here, monkeypatch, anew):
    set_variables(monkeypatch, PROJECT="p", NAME="n", RUN_ID="i", DIR=tmp_path / "d", MODE="offline", HOST="h")
    mirror(here, entry(), sink=WandbSink(isolate="none"))
    run = latest(tmp_path / "d")
    assert (run.record.project, run.record.display_name, run.record.run_id, run.record.host) == ("p", "n", "i", "h")


def test_an_argument_beats_the_environment(tmp_path, here, monkeypatch, anew):
    set_variables(monkeypatch, PROJECT="p", NAME="n", RUN_ID="i", DIR=tmp_path, MODE="online", HOST="h")
    mirror(here, project="mine", name="my name", id="my-id", dir=tmp_path / "d", settings={"host": "my host"})
    record = latest(tmp_path / "d").record
    assert (record.project, record.display_name, record.run_id, record.host) == ("mine", "my name", "my-id", "my host")


def test_without_a_key_it_is_offline_with_one_warning(tmp_path, here, anew):
    """F-105."""
    sink = WandbSink("p")
    with pytest.warns(SinkWarning) as told:
        for number in range(2):
            mirror(here, entry(number), sink=sink)
    (message,) = [str(each.message) for each in told]
    place = latest(tmp_path / "r") and wandb_file.files(tmp_path)[0].parent
    assert "no API key" in message
    assert f"`wandb sync {place}`" in message
    assert f"`l2logger replay {here.scenario_dir} --to wandb:project=p --from beginning`" in message


def test_a_key_in_the_netrc_file_counts(tmp_path, monkeypatch, anew):
    def mode() -> str | None:
        return wandb_options.arguments({}, wandb.setup().settings, "/r", "none", fresh=False).get("mode")

    (tmp_path / "netrc").write_text(f"machine api.wandb.ai login user password {KEY}\n")
    assert mode() == "offline"
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert mode() is None


@pytest.mark.slow
def test_nobody_is_asked_for_a_key(here):
    """F-105: not even at a terminal."""
    terminal, end = os.openpty()
    try:
        code = "WandbSink(isolate='thread').open(run)"
        ran = subprocess.run(
            command(code, Path(here.scenario_dir)), stdin=end, stdout=end, stderr=subprocess.PIPE, text=True, timeout=60
        )
    finally:
        os.close(terminal)
        os.close(end)
    assert ran.returncode == 0
    assert ran.stderr.count("SinkWarning: ") == 1


# Once more.


def test_a_second_opening_goes_on_with_the_same_run(tmp_path, here):
    """F-107: the same id, to be resumed; the best so far is not forgotten."""
    sink = WandbSink(mode="offline", isolate="none")
    for number, reward in enumerate((9.0, 3.0)):
        mirror(here, entry(number, reward=reward), sink=sink)
    run = latest(tmp_path)
    assert len(wandb_file.files(tmp_path)) == 2
    assert (run.record.run_id, run.record.resume, run.summary[f"best/{REWARD}"]) == ("r", True, 9.0)


def test_a_replay_from_the_beginning_is_no_continuation(tmp_path, here):
    """S4-10: a run that is not resumed takes the place of the one with its id."""
    sink = WandbSink(mode="offline", isolate="none")
    mirror(here, entry(0, reward=9.0), sink=sink)
    sink.fresh = True
    mirror(here, entry(0, reward=3.0), sink=sink)
    run = latest(tmp_path)
    assert (run.record.run_id, run.record.resume, run.summary[f"best/{REWARD}"]) == ("r", False, 3.0)
    mirror(here, sink=sink)
    assert latest(tmp_path).record.resume


def test_another_run_begins_without_a_best_value(tmp_path, here):
    sink = WandbSink(mode="offline", isolate="none")
    mirror(here, entry(), sink=sink)
    mirror(info(tmp_path / "s"), sink=sink)
    assert f"best/{REWARD}" not in latest(tmp_path / "s").summary


def test_what_was_flushed_is_in_the_file(tmp_path, here):
    sink = WandbSink(mode="offline", isolate="none")
    sink.open(here)
    for number in range(5):
        sink.write(entry(number))
    sink.flush()
    (path,) = wandb_file.files(tmp_path)
    found = wandb_file.read(path)
    sink.close()
    assert rewards(found.history) == [(number, 1.0) for number in range(5)]
    assert found.summary[f"best/{REWARD}"] == 1.0


@pytest.mark.slow
def test_a_service_that_died_is_replaced(tmp_path, here):
    """F-107: the write says so, the next opening goes on."""
    code = """
        sink = WandbSink(mode="offline", isolate="thread")
        sink.open(run)
        sink.write(entry(0, reward=5.0))
        died = service()
        os.kill(died, signal.SIGKILL)
        with pytest.raises(ConnectionError, match='wandb-core, has died'):
            for _ in range(1000):
                sink.write(entry(1))
        with pytest.raises(ConnectionError):
            sink.close()
        mirror(run, entry(2), sink=sink)
        assert service() != died
        """
    ran = python(code, Path(here.scenario_dir))
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    found = latest(tmp_path)
    assert (found.record.run_id, rewards(found.history), found.summary[f"best/{REWARD}"]) == ("r", [(2, 1.0)], 5.0)


@pytest.mark.slow
def test_a_service_that_died_unnoticed_is_replaced(tmp_path, here):
    """F-107: the opening says so, the next one works."""
    code = """
        sink = WandbSink(mode="offline", isolate="thread")
        mirror(run, entry(0), sink=sink)
        os.kill(service(), signal.SIGKILL)
        with pytest.raises(ConnectionError):
            sink.open(run)
        sink.close()
        mirror(run, entry(1), sink=sink)
        """
    ran = python(code, Path(here.scenario_dir))
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    assert rewards(latest(tmp_path).history) == [(1, 1.0)]


@pytest.mark.slow
def test_the_exit_is_clean_after_the_service_died(here):
    """F-107."""
    code = """
        sink = WandbSink(mode="offline", isolate="thread")
        sink.open(run)
        os.kill(service(), signal.SIGKILL)
        with pytest.raises(ConnectionError):
            sink.close()
        """
    ran = python(code, Path(here.scenario_dir))
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr


# Beside other code.


def test_it_works_in_a_thread(tmp_path, here):
    thread = threading.Thread(target=mirror, args=(here, entry()), kwargs={"isolate": "thread"})
    thread.start()
    thread.join(60)
    assert rewards(latest(tmp_path).history) == [(0, 1.0)]


def test_a_run_of_the_users_own_is_left_alone(tmp_path, here):
    """F-110."""
    own = wandb.init(mode="offline", dir=tmp_path, id="own", settings={"silent": True})
    mirror(here, entry(), isolate="thread")
    assert wandb.run is own
    own.log({"mine": 1})
    own.finish()
    assert rewards(latest(tmp_path / "r").history) == [(0, 1.0)]
    assert latest(tmp_path / "wandb").history[0]["mine"] == 1


def finish_previous() -> None:
    wandb.init(mode="offline", reinit="finish_previous", settings={"silent": True}).finish()


@pytest.mark.parametrize("end", [wandb.teardown, finish_previous])
def test_other_code_that_ends_the_run_is_one_clear_error(tmp_path, here, monkeypatch, end):
    """F-110."""
    monkeypatch.chdir(tmp_path)
    sink = WandbSink(mode="offline", isolate="thread")
    sink.open(here)
    sink.write(entry(0))
    end()
    with pytest.raises(RuntimeError, match="the W&B run 'r' was ended by other code"):
        sink.write(entry(1))
    sink.close()
    mirror(here, entry(2), sink=sink)
    assert rewards(latest(tmp_path / "r").history) == [(2, 1.0)]


@pytest.mark.slow
def test_the_service_of_another_process_is_not_used(tmp_path, here):
    """It would end with the training, when the mirror may have more to deliver."""
    ran = python("mirror(run, entry())", Path(here.scenario_dir), WANDB_SERVICE="3-1-unix-/nowhere")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert rewards(latest(tmp_path).history) == [(0, 1.0)]


@pytest.mark.slow
def test_a_forked_child_ends_at_once(tmp_path, here):
    """F-111: however it ends, and the run goes on."""
    code = """
        sink = WandbSink(mode="offline", isolate="thread")
        sink.open(run)
        sink.write(entry(0))
        for way in (os._exit, sys.exit):
            child = os.fork()
            if not child:
                way(0)
            assert os.waitpid(child, 0)[1] == 0
        sink.write(entry(1))
        sink.close()
        """
    began = time.monotonic()
    ran = python(code, Path(here.scenario_dir))
    assert time.monotonic() - began < 30
    assert ran.returncode == 0, ran.stderr
    assert rewards(latest(tmp_path).history) == [(0, 1.0), (1, 1.0)]


@pytest.mark.slow
def test_a_logger_mirrors_from_another_process(make):
    logger = make(sinks=[WandbSink(mode="offline")])
    for number in range(10):
        logger.log_record(record(number, reward=number / 3))
    logger.close()
    (health,) = logger.health()
    assert (health.state, health.delivered, health.missed) == ("closed", 10, 0)
    assert rewards(latest(logger.scenario_dir).history) == [(number, number / 3) for number in range(10)]


# With a server.


@pytest.fixture
def server(monkeypatch, anew):
    with Server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
        wandb.teardown()


def test_with_a_key_the_server_gets_every_row(here, server):
    mirror(here, entry(5, reward=math.nan), entry(3, reward=2.0), mode=None)
    (_, first), (_, second) = rewards(server.history("r"))
    assert (math.isnan(first), second) == (True, 2.0)
    assert json.loads(server.summaries["r"])[f"best/{REWARD}"] == 2.0


@pytest.mark.slow
def test_the_server_learns_nothing_of_the_machine(here, server):
    mirror(here, entry(), mode=None)
    first = next(variables for operation, variables in server.requests if operation == "UpsertBucket")
    assert [first[name] for name in ("host", "program", "repo", "commit")] == 4 * [None]
    uploaded = [variables["files"] for operation, variables in server.requests if operation == "CreateRunFiles"]
    assert {name for names in uploaded for name in names} <= {"wandb-summary.json", "config.yaml"}


@pytest.mark.slow
def test_a_later_sink_goes_on_with_the_run_of_the_server(here, server):
    """F-107: rows are added, and the best of before counts."""
    mirror(here, entry(0, reward=9.0), entry(1, reward=1.0), mode=None)
    mirror(here, entry(2, reward=2.0), mode=None)
    assert rewards(server.history("r")) == [(0, 9.0), (1, 1.0), (2, 2.0)]
    assert [row["_step"] for row in server.history("r")] == [0, 1, 2]
    assert json.loads(server.summaries["r"])[f"best/{REWARD}"] == 9.0


@pytest.mark.slow
def test_wandb_sync_makes_one_run_of_several_openings(tmp_path, here, server):
    """F-107, S4-10."""
    sink = WandbSink(mode="offline", isolate="none")
    for part in (0, 2):
        mirror(here, entry(part, reward=-part), entry(part + 1, reward=-part), sink=sink)
        latest(tmp_path)
    directories = [str(path.parent) for path in wandb_file.files(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"}
    sync = [sys.executable, "-m", "wandb", "sync", *directories]
    subprocess.run(sync, cwd=tmp_path, env=environment, capture_output=True, check=True, timeout=60)
    assert rewards(server.history("r")) == [(0, 0), (1, 0), (2, -2), (3, -2)]
    assert json.loads(server.summaries["r"])[f"best/{REWARD}"] == 0


@pytest.mark.slow
def test_nothing_is_printed(here):
    code = """
        with Server() as server:
            os.environ.update(server.environment)
            mirror(run, entry(), mode=None)
            assert server.history("r")
        """
    ran = python(code, Path(here.scenario_dir))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("answers", [False, True], ids=["refuses", "says nothing"])
def test_a_server_that_is_not_there_is_an_error_in_bounded_time(here, answers):
    """F-106: so it is the second time, and nothing holds up the exit."""
    code = """
        sink = WandbSink(isolate="none", settings={"init_timeout": 2})
        for _ in range(2):
            attempt(sink.open, run)
            attempt(sink.close)
        """
    with socket.create_server(("127.0.0.1", 0)) as hole:
        environment = {"WANDB_BASE_URL": f"http://127.0.0.1:{hole.getsockname()[1]}", "WANDB_API_KEY": KEY}
        if not answers:
            hole.close()
        began = time.monotonic()
        ran = python(code, Path(here.scenario_dir), **environment)
        assert time.monotonic() - began < 30
    said = [line.split() for line in ran.stdout.splitlines()]
    assert [(verb, error) for verb, error, _ in said] == 2 * [("open", "CommError"), ("close", "-")]
    assert all(float(took) < 12 for *_, took in said)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.slow
def test_a_server_that_goes_silent_does_not_hold_up_the_end(tmp_path, here):
    """F-106: what did not arrive is still in W&B's file."""
    code = """
        sink = WandbSink(isolate="none", settings={"finish_timeout": 2})
        with Server() as server:
            os.environ.update(server.environment)
            sink.open(run)
            server.silence()
            for number in range(3):
                sink.write(entry(number))
            attempt(sink.close)
        """
    began = time.monotonic()
    ran = python(code, Path(here.scenario_dir))
    assert time.monotonic() - began < 30
    assert (ran.returncode, ran.stdout.split()[:2]) == (0, ["close", "TimeoutError"])
    assert rewards(latest(tmp_path).history) == [(number, 1.0) for number in range(3)]
