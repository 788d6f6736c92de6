"""What W&B has of metrics, media, artifacts and the like after a `WandbSink`: read from its own files."""

import html
import json
import math
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import wandb
import wandb_file
from kinds import TIME, of_kind
from media_signals import MediaFiles
from PIL import Image
from wandb_mirror import (
    CELLS,
    REWARD,
    artifact,
    entry,
    info,
    latest,
    metrics,
    mirror,
    python,
    rewards,
    table,
    write_artifact,
)
from wandb_server import Server

from l2logger import LogFormatError, SinkWarning
from l2logger.run import RunInfo
from l2logger.signals import (
    ARRAY,
    DESCRIPTION,
    FIGURE,
    HISTOGRAM,
    IMAGE,
    KINDS,
    METRICS,
    NOTE,
    PARAMS,
    TEXT,
    Signal,
)
from l2logger.sinks import WandbSink
from l2logger.sinks.guard import Guard

pytestmark = pytest.mark.slow

COUNTS = [3, 0, 2**40, 1]
EDGES = [-1.0, -0.5, 0.1, 1e-9 + 0.1, 7.0]
TEXT_ = "\n a <b> & c\x1b[0m\r\n\n\u4e16\u754c \udcff"
PIXELS = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
ALPHA = np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4)
FRAMES = 12
ARRAY_ = np.linspace(0, 1, 9, dtype=np.float32).reshape(3, 3)


@pytest.fixture(autouse=True)
def _nothing_of_the_user(tmp_path_factory, monkeypatch):
    for name in [name for name in os.environ if name.startswith("WANDB_") and name != "WANDB_SERVICE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", os.devnull)
    for directory in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"WANDB_{directory}_DIR", str(tmp_path_factory.getbasetemp() / f"wandb_{directory}"))


@pytest.fixture
def here(tmp_path):
    """A run in a directory called ``r``."""
    return info(tmp_path / "r")


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    wandb.teardown()
    with Server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
        wandb.teardown()


def media(directory: Path) -> list[Signal]:
    """Write media into a run, and return their signals."""
    files = MediaFiles(directory)
    shades = [Image.fromarray(np.full((16, 32, 3), 20 * number, np.uint8)) for number in range(FRAMES)]
    return [
        files.image(PIXELS, 3, "eval/frame", caption="a caption"),
        files.image(ALPHA, 3, "plot", kind=FIGURE),
        files.video(shades, 3, "eval"),
        files.video(shades[:4], 3, "loop", suffix="gif"),
        array(directory, "q [*]/values"),
    ]


def array(directory: Path, name: str) -> Signal:
    path = MediaFiles(directory).path(ARRAY, name, 3, "npy")
    np.save(directory / path, ARRAY_)
    return of_kind(ARRAY, 3, name=name, path=path, shape=[3, 3], dtype="float32")


def image(path: str, name: str = "eval/frame", **more: Any) -> Signal:
    return of_kind(IMAGE, 3, name=name, path=path, width=7, height=5, channels=3, **more)


SIGNALS = [
    entry(0),
    of_kind(DESCRIPTION, metric="agent/loss", unit="nats", better="min"),
    metrics(3, "updates", agent__loss=0.5, agent__entropy=2, more={"clocks": {"exp_num": 4, "env_steps": 900}}),
    metrics(3, "updates", agent__loss=0.25, agent__kl=math.nan),
    metrics(1, "updates", agent__loss=0.75),
    metrics(2, "env_steps", agent__loss=math.inf, speed=-(2**63)),
    metrics(None, None, temperature=10**400),
    of_kind(PARAMS, params={"agent": {"net": {"depth": 3, "width": 64}, "token": "hunter2"}, "seed": 1}),
    of_kind(PARAMS, params={"agent": {"net": {"depth": 4}, "rate": 0.5}, "logger_info": 5}),
    of_kind(HISTOGRAM, 3, name="weights/fc", counts=COUNTS, edges=EDGES, count=5, min=-1.0, max=7.0, mean=0.0, std=1.0, nonfinite=0),
    of_kind(TEXT, 3, name="sample", text=TEXT_),
    table(),
    of_kind(NOTE, 3, text="lr dropped\n\udcff", context={"block_num": 2, "block_type": "train"}),
    artifact(),
    entry(1, reward=3.0),
]  # fmt: skip


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A run that was mirrored with everything."""
    directory = tmp_path_factory.mktemp("mirrored") / "ant-1790000000-25"
    run = info(directory)
    write_artifact(directory, "v0", b"weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_DATA_DIR", str(directory.parent / "data"))
        mirror(run, *SIGNALS, *media(directory))
    return directory


@pytest.fixture(scope="module")
def run(directory):
    return latest(directory)


def rows_with(run: wandb_file.Run, name: str) -> list[dict[str, Any]]:
    return [row for row in run.history if name in row]


def row_with(run: wandb_file.Run, name: str) -> dict[str, Any]:
    (row,) = rows_with(run, name)
    return row


def uploaded(directory: Path, value: dict[str, Any]) -> Path:
    """Return the file that a row points to, which is among those of the W&B run."""
    (path,) = directory.glob(f"wandb/offline-run-*/files/{value['path']}")
    assert value["path"] in latest(directory).files
    return path


# Metrics.


def test_every_kind_is_taken():
    assert WandbSink.kinds == KINDS


def test_records_go_as_before(run):
    first, last = rows_with(run, REWARD)
    own = {"_step", "_runtime", "_timestamp"}
    assert first.keys() - own == last.keys() - own == {REWARD, "exp_num", "block_num", "worker_id"}
    assert rewards([first, last]) == [(0, 1.0), (1, 3.0)]
    assert (run.metrics["*"].step_metric, run.metrics["exp_num"].options.hidden) == ("exp_num", True)


def test_metrics_of_one_step_are_one_row(run):
    """S2-1: the later value wins."""
    row = row_with(run, "agent/entropy")
    assert (row["agent/loss"], row["agent/entropy"], math.isnan(row["agent/kl"])) == (0.25, 2, True)


def test_names_group_by_slashes_and_keep_what_they_are(run):
    """S4-3."""
    assert [row["agent/loss"] for row in rows_with(run, "agent/loss")] == [0.25, 0.75, math.inf]


def test_late_steps_are_kept(run):
    """S4-4: W&B's own step counts the rows."""
    assert [row["updates"] for row in rows_with(run, "updates")] == [3, 1]
    assert [row["_step"] for row in run.history] == list(range(len(run.history)))


def test_a_clock_is_an_axis_that_is_not_drawn(run):
    """S4-4."""
    loss, clock = run.metrics["agent/loss"], run.metrics["updates"]
    assert (loss.step_metric, loss.options.step_sync) == ("updates", False)
    assert (clock.options.hidden, clock.step_metric) == (True, "")
    assert run.metrics["speed"].step_metric == "env_steps"
    assert run.metrics["temperature"].step_metric == ""


def test_other_clocks_are_in_the_row(run):
    row = row_with(run, "agent/entropy")
    assert (row["updates"], row["env_steps"], row["exp_num"]) == (3, 900, 4)


def test_a_row_has_no_clock_that_its_signal_did_not_have(run):
    own = {"_step", "_runtime", "_timestamp", "worker_id"}
    assert row_with(run, "speed").keys() - own == {"speed", "agent/loss", "env_steps"}
    assert row_with(run, "temperature").keys() - own == {"temperature"}
    assert row_with(run, "sample").keys() - own == {"sample", "step"}


def test_a_row_tells_its_worker_its_time_and_its_block(run):
    row = row_with(run, "note")
    assert (row["worker_id"], row["block_num"]) == ("w", 2)
    assert row["_timestamp"] == time.mktime(time.strptime(TIME[:15], "%Y%m%dT%H%M%S"))


def test_numbers_of_any_size_are_kept(run):
    """F-109."""
    assert row_with(run, "speed")["speed"] == -(2**63)
    assert row_with(run, "temperature")["temperature"] == math.inf


def test_names_that_the_row_has_for_something_else_are_told_apart(tmp_path, here):
    taken = ("step", "exp_num", "worker_id", "note", "_timestamp", "_step")
    mirror(here, of_kind(METRICS, 3, values=dict.fromkeys(("metrics/step", *taken), 7.5)))
    (row,) = latest(tmp_path).history
    assert (row["step"], row["worker_id"], row["_step"]) == (3, "w", 0)
    assert [row[f"metrics/{name}"] for name in taken] == 6 * [7.5]
    assert row["metrics/metrics/step"] == 7.5


@pytest.mark.parametrize("name", ["a*b", "a/*", "*", "a.b", "a b", "\u4e16\u754c", "a:b#c?%"])
def test_any_name_makes_a_curve(tmp_path, here, name):
    """F-109."""
    mirror(here, entry(), of_kind(METRICS, 3, values={name: 7.5}), of_kind(METRICS, 4, values={"plain": 7.5}))
    _, row, other = latest(tmp_path).history
    assert (row[name], row["step"], name in other) == (7.5, 3, False)


def test_clocks_with_names_of_ours_are_told_apart(tmp_path, here):
    clocks = {"worker_id": 9, "_step": 8, "block_num": 7, "exp_num": 6}
    mirror(here, of_kind(METRICS, 3, clock="_timestamp", clocks=clocks, values={"loss": 1.0}))
    (row,) = latest(tmp_path).history
    assert (row["clock/worker_id"], row["clock/_step"], row["clock/_timestamp"]) == (9, 8, 3)
    assert (row["worker_id"], row["_step"], row["block_num"], row["exp_num"]) == ("w", 0, 7, 6)


@pytest.mark.parametrize("name", [200 * "x", "a*b", "a: b#c?%", "\u4e16\u754c/" + 60 * "\u4e16", ".a/b.", "a[0]"])
def test_any_name_makes_a_panel(tmp_path, here, name):
    """F-109."""
    directory = Path(here.scenario_dir)
    image = MediaFiles(directory).image(PIXELS, 3, name)
    mirror(here, image, of_kind(TEXT, name=name, text="x"), array(directory, name), table(name))
    run = latest(tmp_path)
    assert [name in row for row in run.history[:3]] == 3 * [True]
    (shown,) = run.history[3].keys() - {"step", "worker_id", "_step", "_runtime", "_timestamp"}
    assert shown == name or re.fullmatch(r"[a-z-]+-[0-9a-f]{12}", shown)
    assert f"media/array/{name}/3.npy" in run.files


def test_several_workers_keep_their_steps_apart(tmp_path, here):
    """S2-1: they take turns."""
    signals = [metrics(step, loss=step, more={"worker_id": worker}) for step in (1, 2) for worker in "ab"]
    mirror(here, *signals)
    rows = latest(tmp_path).history
    assert [(row["worker_id"], row["step"]) for row in rows] == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_what_was_flushed_is_in_the_file(tmp_path, here):
    """S2-2: metrics that were held for more of their step are there, too."""
    sink = WandbSink(mode="offline", isolate="none")
    sink.open(here)
    sink.write(metrics(1, loss=0.5))
    sink.flush()
    (path,) = wandb_file.files(tmp_path)
    found = wandb_file.read(path)
    sink.close()
    assert [(row["step"], row["loss"]) for row in found.history] == [(1, 0.5)]
    assert found.summary["best/loss"] == 0.5


# What they mean.


def test_the_summary_has_the_last_and_the_best_by_what_was_described(run):
    """S4-12."""
    assert (run.summary["agent/loss"], run.summary["best/agent/loss"]) == (math.inf, 0.25)
    assert run.summary["best/agent/entropy"] == 2


def test_a_description_is_in_the_config(run):
    """S4-12."""
    assert run.config["descriptions"] == {"agent/loss": {"unit": "nats", "better": "min"}}


def test_a_description_may_come_late_and_counts_for_records(tmp_path, here):
    """S4-12."""
    better = of_kind(DESCRIPTION, metric="reward", unit=None, better="min")
    mirror(here, *(entry(number, reward=number) for number in (3.0, 1.0, 2.0)), better)
    assert latest(tmp_path).summary[f"best/{REWARD}"] == 1.0


def test_a_description_without_a_direction_changes_nothing(tmp_path, here):
    unit = of_kind(DESCRIPTION, metric="loss", unit="nats", better=None)
    mirror(here, metrics(1, loss=1.0), metrics(2, loss=2.0), unit, lower_is_better="loss")
    run = latest(tmp_path)
    assert (run.summary["best/loss"], run.config["descriptions"]) == (1.0, {"loss": {"unit": "nats"}})


# Parameters.


def test_parameters_are_merged_into_the_config(run):
    """S2-8, S4-2."""
    agent = {"net": {"depth": 4, "width": 64}, "token": "[redacted]", "rate": 0.5}
    assert (run.config["agent"], run.config["seed"]) == (agent, 1)


def test_parameters_do_not_hide_what_the_config_has_of_the_run(run):
    assert run.config["params/logger_info"] == 5
    assert run.config["logger_info"]["metrics_columns"] == ["reward"]


def manifest(run: RunInfo, **content: Any) -> None:
    Path(run.scenario_dir, "run.json").write_text(json.dumps(content))


def test_the_config_has_from_the_start_what_was_logged_before(tmp_path, here):
    """S4-2, F-107: also for a mirror in a new process, whose W&B run has a config of its own."""
    manifest(here, params={"agent": {"depth": 3}, "api_key": "x"}, descriptions={"loss": {"better": "min"}})
    again = of_kind(PARAMS, params={"agent": {"rate": 0.5}})
    mirror(here, again, metrics(1, loss=1.0), metrics(2, loss=2.0), config={"agent": {"depth": 2, "width": 8}})
    run = latest(tmp_path)
    assert run.config["agent"] == {"depth": 3, "width": 8, "rate": 0.5}
    assert run.config["api_key"] == "[redacted]"
    assert run.summary["best/loss"] == 1.0


@pytest.mark.parametrize("content", ["", "[]", '{"params": 5, "descriptions": {"loss": 5}}'])
def test_a_damaged_manifest_does_no_harm(tmp_path, here, content):
    Path(here.scenario_dir, "run.json").write_text(content)
    mirror(here, metrics(1, loss=1.0))
    assert latest(tmp_path).summary["best/loss"] == 1.0


# Media.


def test_a_histogram_has_exactly_our_buckets(run):
    """S2-12."""
    found = row_with(run, "weights/fc")["weights/fc"]
    assert (found["_type"], found["values"], found["bins"]) == ("histogram", COUNTS, EDGES)


def test_a_histogram_may_have_as_many_buckets_as_ours(tmp_path, here):
    """S2-12."""
    counts, edges = list(range(512)), [number / 7 for number in range(513)]
    mirror(here, of_kind(HISTOGRAM, 1, name="h", counts=counts, edges=edges))
    (row,) = latest(tmp_path).history
    assert (row["h"]["values"], row["h"]["bins"]) == (counts, edges)


def test_an_image_is_our_file(run, directory):
    """S2-9, S4-6: it is not encoded again."""
    value = row_with(run, "eval/frame")["eval/frame"]
    path = uploaded(directory, value)
    assert path.read_bytes() == (directory / "media/image/eval/frame/3.png").read_bytes()
    assert np.array_equal(np.asarray(Image.open(path)), PIXELS)
    shown = {name: value[name] for name in ("_type", "width", "height", "caption")}
    assert shown == {"_type": "image-file", "width": 7, "height": 5, "caption": "a caption"}


def test_a_figure_keeps_its_alpha(run, directory):
    """S2-11."""
    value = row_with(run, "plot")["plot"]
    assert np.array_equal(np.asarray(Image.open(uploaded(directory, value))), ALPHA)
    assert "caption" not in value


@pytest.mark.parametrize(("name", "frames"), [("eval", FRAMES), ("loop", 4)], ids=["mp4", "gif"])
def test_a_video_is_our_file(run, directory, name, frames):
    """S2-10, S4-6."""
    value = row_with(run, name)[name]
    assert value["_type"] == "video-file"
    with av.open(str(uploaded(directory, value))) as container:
        assert sum(1 for _ in container.decode(video=0)) == frames


def test_an_array_is_a_file_of_the_run(run, directory):
    """S2-13: the row has its path."""
    path = row_with(run, "q [*]/values")["q [*]/values"]
    (kept,) = [file for file in directory.glob("wandb/offline-run-*/files/media/array/**/*") if file.is_file()]
    assert np.array_equal(np.load(kept), ARRAY_)
    assert kept.samefile(directory / "media/array/q [*]/values/3.npy")
    assert str(kept).endswith(path)
    assert path in run.files


def test_a_text_is_a_page_that_shows_it_exactly(run, directory):
    """S2-14."""
    page = uploaded(directory, row_with(run, "sample")["sample"]).read_bytes().decode()
    (shown,) = re.fullmatch(r".*<pre[^>]*>\n(.*)</pre>", page, re.DOTALL).groups()
    assert html.unescape(shown) == TEXT_.replace("\udcff", r"\udcff")


def test_a_table_has_our_cells(run, directory):
    """S2-8."""
    value = row_with(run, "scores")["scores"]
    kept = json.loads(uploaded(directory, value).read_text())
    assert (kept["columns"], kept["data"]) == (["task", "score"], CELLS)
    assert (value["nrows"], value["ncols"]) == (4, 2)
    assert "run_table" in {each.type for each in run.artifacts}


def test_a_note_is_text_in_its_row(run):
    """S4-12."""
    row = row_with(run, "note")
    assert (row["note"], row["step"]) == ("lr dropped\n\\udcff", 3)
    assert run.record.notes == ""


def test_a_medium_has_its_step(run):
    assert [row_with(run, name)["step"] for name in ("eval/frame", "plot", "eval", "scores", "weights/fc")] == 5 * [3]
    assert run.metrics["eval/frame"].step_metric == "step"


def test_a_missing_file_is_an_error_of_that_signal_alone(tmp_path, here):
    """F-112."""
    there = MediaFiles(Path(here.scenario_dir)).image(PIXELS)
    sink = Guard(WandbSink(mode="offline", isolate="none"))
    sink.open(here)
    with pytest.warns(SinkWarning, match=r"FileNotFoundError: .*this file of the run is missing.*gone\.png"):
        for each in (image("gone.png"), there, metrics(1, loss=2.0)):
            sink.write(each)
        sink.close()
    run = latest(tmp_path)
    assert (sink.health().delivered, sink.health().failed) == (2, 1)
    assert [row.get("loss", "an image") for row in run.history] == ["an image", 2.0]


@pytest.mark.parametrize("path", ["../secret.png", "/etc/hostname", "link.png", "media/../../secret.png"])
def test_a_file_outside_of_the_run_is_not_uploaded(tmp_path, here, path):
    Image.fromarray(PIXELS).save(tmp_path / "secret.png")
    Path(here.scenario_dir, "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(LogFormatError, match="leads out of the run"):
        mirror(here, image(path))


def test_images_need_pillow(here, monkeypatch):
    there = MediaFiles(Path(here.scenario_dir)).image(PIXELS)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r'pip install "l2logger\[media\]"'):
        mirror(here, there)


# Artifacts.


def logged_artifacts(directory: Path) -> list[Any]:
    return [each for each in latest(directory).artifacts if each.type != "run_table"]


def test_an_artifact_is_one_of_wandb(run, directory):
    """S4-5."""
    (found,) = logged_artifacts(directory)
    assert re.fullmatch(r"policy-best-net-ant-1790000000-25-[0-9a-f]{12}", found.name)
    assert (found.type, set(found.aliases)) == ("model", {"latest", "best"})
    assert found.description == "artifacts/policy/best net/v0 of the run ant-1790000000-25"
    assert json.loads(found.metadata) == {"score": 0.5, "worst": "nan", "api_key": "[redacted]"}
    assert {entry.path: Path(entry.local_path).read_bytes() for entry in found.manifest.contents} == {
        "model.bin": b"weights",
        "deep/settings.json": b"{}",
    }


def test_an_artifact_with_a_plain_name_keeps_it(tmp_path, here):
    write_artifact(Path(here.scenario_dir), "v0", b"")
    mirror(here, artifact(name="model"))
    assert [each.name for each in logged_artifacts(tmp_path)] == ["model-r"]


def test_the_files_of_an_artifact_are_linked_and_outlive_it(run, directory):
    """S4-5: not copied, and there for `wandb sync` when the version was removed."""
    (found,) = logged_artifacts(directory)
    for entry_ in found.manifest.contents:
        assert Path(entry_.local_path).samefile(directory / "artifacts/policy/best net/v0" / entry_.path)
        assert Path(entry_.local_path).is_relative_to(directory / "wandb")
    assert not list((directory.parent / "data").rglob("model.bin"))


def test_an_artifact_that_was_removed_is_passed_over(tmp_path, here):
    write_artifact(Path(here.scenario_dir), "v1", b"")
    mirror(here, artifact("v0"), artifact("v1"))
    assert [each.description[:28] for each in logged_artifacts(tmp_path)] == ["artifacts/policy/best net/v1"]


def test_an_artifact_that_lacks_a_file_is_an_error(here):
    write_artifact(Path(here.scenario_dir), "v0", b"")
    Path(here.scenario_dir, "artifacts/policy/best net/v0/model.bin").unlink()
    with pytest.raises(FileNotFoundError, match="model.bin"):
        mirror(here, artifact())


def test_an_artifact_with_much_metadata_is_taken(tmp_path, here):
    metadata = {str(number): number for number in range(200)}
    write_artifact(Path(here.scenario_dir), "v0", b"")
    mirror(here, artifact(metadata=metadata))
    (found,) = logged_artifacts(tmp_path)
    assert json.loads(found.metadata) == {"metadata": metadata}


def test_the_server_gets_the_artifact(here, server):
    """S4-5: what was linked for that is removed."""
    write_artifact(Path(here.scenario_dir), "v0", b"weights")
    mirror(here, artifact(), mode=None)
    assert (server.files["/model.bin"], server.files["/deep/settings.json"]) == (b"weights", b"{}")
    assert "CommitArtifact" in {operation for operation, _ in server.requests}
    assert not list(Path(here.scenario_dir, "wandb").rglob("model.bin"))


# The rest.


def test_disabled_means_nothing_is_kept_or_missed(tmp_path, here):
    mirror(here, *SIGNALS, mode="disabled")
    assert wandb_file.files(tmp_path) == []


def test_nothing_is_printed(tmp_path, here):
    code = """
        from test_wandb_signals import SIGNALS, media
        write_artifact(Path(run.scenario_dir), "v0", b"")
        mirror(run, *SIGNALS, *media(Path(run.scenario_dir)))
        """
    ran = python(code, Path(here.scenario_dir))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_nothing_is_printed_with_a_server(here):
    """W&B tells of its key when it asks whether artifacts may be logged."""
    code = """
        write_artifact(Path(run.scenario_dir), "v0", b"")
        with Server() as server:
            os.environ.update(server.environment)
            mirror(run, table(), artifact(), mode=None)
            assert "/model.bin" in server.files
        """
    ran = python(code, Path(here.scenario_dir))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_section_is_taken_as_it_is(tmp_path, here):
    """S4-1: project, group, tags, mode and dir from a plain dict."""
    section = {"project": "p", "group": "g", "tags": ["a"], "mode": "offline", "dir": str(tmp_path / "elsewhere")}
    mirror(here, metrics(1, loss=0.5), sink=WandbSink(**section, isolate="none"))
    run = latest(tmp_path / "elsewhere")
    assert (run.record.project, run.record.run_group, list(run.record.tags)) == ("p", "g", ["a"])
    assert not Path(here.scenario_dir, "wandb").exists()


def test_a_resumed_run_knows_what_is_better(here: RunInfo, server: Server) -> None:
    """S4-12, F-107: another process that goes on with it is not told again."""
    mirror(here, of_kind(DESCRIPTION, metric="loss", unit=None, better="min"), metrics(1, loss=1.0), mode=None)
    mirror(here, metrics(2, loss=3.0), mode=None)
    assert json.loads(server.summaries["r"])["best/loss"] == 1.0


def test_the_server_gets_the_files(here: RunInfo, server: Server) -> None:
    """S4-6."""
    mirror(here, *media(Path(here.scenario_dir)), mode=None)
    sent = set(server.files.values())
    assert [path.read_bytes() in sent for path in Path(here.scenario_dir, "media").rglob("*.*")] == 5 * [True]
