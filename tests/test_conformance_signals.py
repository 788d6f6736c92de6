"""What every sink owes to signals that are no records: each arrives, wherever the sink runs, and a replay brings the same.

As in `test_conformance`, what arrived is read back by the readers that the users of a sink have.
"""

import csv
import io
import json
import math
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorboard_reading
import wandb_file
from PIL import Image
from reading import record
from test_conformance import CASES, PAIRS, placed, pytestmark  # noqa: F401

from l2logger.replay import replay
from l2logger.signals import KINDS
from l2logger.sinks import ConsoleSink, Prefix, Sink, Without

Facts = dict[str, Any]
"""What was read back of a signal of each kind."""

STEPS = [(1, 0.5), (5, 0.25), (3, 0.75)]
FRAMES = np.linspace(0, 255, 5 * 16 * 16 * 3).astype(np.uint8).reshape(5, 16, 16, 3)
COUNT = 15

FACTS: Facts = {
    "record": [(0, 1.0)],
    "metrics": STEPS,
    "params": 0.001,
    "description": "nats",
    "histogram": [1, 0, 2],
    "image": (4, 2),
    "video": 5,
    "figure": (40, 30),
    "array": [[1.5, 2.5]],
    "text": "go left",
    "table": [[1.5, "a"], [2.5, "b"]],
    "note": "lr dropped",
    "artifact": "v0",
}


def log_everything(logger: Any, directory: Path) -> None:
    """Log a signal of each kind, and metrics at a step that falls."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the import of matplotlib
        from matplotlib.figure import Figure

    weights = directory / "weights.bin"
    weights.write_bytes(b"weights")
    logger.log_params(agent={"lr": 0.001})
    logger.describe("agent/loss", unit="nats", better="min")
    logger.log_record(record(0))
    for step, loss in STEPS:
        logger.log_metrics({"agent": {"loss": loss}}, step)
    logger.log_histogram("agent/weights", [-0.5, 1.5, 1.25], 3, bins=[-1.0, 0.0, 1.0, 2.0])
    logger.log_image("eval/view", np.zeros((2, 4, 3), np.uint8), 3)
    logger.log_video("eval/episode", FRAMES, 3)
    logger.log_figure("curve", Figure((0.4, 0.3), dpi=100), 3)
    logger.log_array("q", np.array([[1.5, 2.5]]), 3)
    logger.log_text("plan", "go left", 3)
    logger.log_table("episodes", [[1.5, "a"], [2.5, "b"]], 3, columns=["return", "task"])
    logger.note("lr dropped", 3)
    logger.log_artifact(weights, "model")


def size_of(file: Any) -> tuple[int, int]:
    with Image.open(file) as image:
        return image.size


def of_signals(run: Path, signals: Iterable[tuple[str, Mapping[str, Any]]]) -> Facts:
    """Return the facts of signals as they are, whose files are in the run directory."""
    facts: Facts = {}
    for kind, fields in signals:
        path = run / str(fields.get("path"))
        if kind == "record":
            facts.setdefault(kind, []).append((fields["exp_num"], fields["reward"]))
        elif kind == "metrics":
            facts.setdefault(kind, []).append((fields["step"], fields["values"]["agent/loss"]))
        elif kind == "params":
            facts[kind] = fields["params"]["agent"]["lr"]
        elif kind == "description":
            facts[kind] = fields["unit"]
        elif kind == "histogram":
            facts[kind] = list(fields["counts"])
        elif kind in ("image", "figure"):
            facts[kind] = size_of(path)
        elif kind == "video":
            facts[kind] = fields["frames"] if path.is_file() else None
        elif kind == "array":
            facts[kind] = np.load(path).tolist()
        elif kind in ("text", "note"):
            facts[kind] = fields["text"]
        elif kind == "table":
            facts[kind] = [list(row) for row in fields["rows"]]
        elif kind == "artifact":
            facts[kind] = fields["version"] if (path / fields["files"][0]["path"]).read_bytes() == b"weights" else None
    return facts


def of_jsonl(own: Path, sink: Sink, run: Path) -> Facts:
    rows = map(json.loads, (own / "mirror.jsonl").read_text().splitlines())
    return of_signals(run, ((row["kind"], row) for row in rows))


def of_csv(own: Path, sink: Sink, run: Path) -> Facts:
    found = {}
    for name in ("records", "records-metrics"):
        with (own / f"{name}.csv").open(newline="") as file:
            found[name] = list(csv.DictReader(file))
    return {
        "record": [(int(row["exp_num"]), float(row["reward"])) for row in found["records"]],
        "metrics": [(int(row["step"]), float(row["agent/loss"])) for row in found["records-metrics"]],
    }


def of_tensorboard(own: Path, sink: Sink, run: Path) -> Facts:
    points = tensorboard_reading.points(own)
    told = "\n".join(text for texts in tensorboard_reading.texts(own).values() for _, text in texts)
    images = {tag: io.BytesIO(data) for tag, ((_, data),) in tensorboard_reading.images(own).items()}
    ((_, histogram),) = tensorboard_reading.histograms(own)["agent/weights"]
    described = tensorboard_reading.accumulator(own).SummaryMetadata("agent/loss").summary_description
    with Image.open(images["eval/episode"]) as video:
        frames = video.n_frames
    return {
        "record": points["train/Task_a/reward"],
        "metrics": [point for step in STEPS for point in points["agent/loss"] if point == step],
        "params": tensorboard_reading.hyperparameters(own)["agent.lr"],
        "description": "nats" if "nats" in described else described,
        "histogram": list(histogram.bucket),
        "image": size_of(images["eval/view"]),
        "video": frames,
        "figure": size_of(images["curve"]),
        **{
            kind: FACTS[kind] if words in told else told
            for kind, words in {
                "array": "media/array/q/3.npy",
                "text": "go left",
                "table": "| 2.5 | b |",
                "note": "lr dropped",
                "artifact": "artifacts/model/v0",
            }.items()
        },
    }


def of_console(own: Path, sink: Sink, run: Path) -> Facts:
    text = (own / "console.txt").read_text(encoding="utf-8")
    steps = re.findall(r"^step (\d+)  agent/loss \((\w+)\) (\S+)$", text, re.MULTILINE)
    rows = re.findall(r"^0-train  Task_a +(\d+) +(\S+)", text, re.MULTILINE)
    return {
        "record": [(int(exp_num), float(reward)) for exp_num, reward in rows],
        "metrics": [(int(step), float(loss)) for step, _, loss in steps],
        "description": steps[0][1],
        **{
            kind: FACTS[kind] if re.search(pattern, text) else text
            for kind, pattern in {
                "params": r"\n +agent +\n.+\n +lr +│ 0\.001 +\n",
                "histogram": r"\nstep 3  histogram agent/weights  -0\.5000 ▅ █ 1\.500  mean 0\.7500 .* count 3\n",
                "image": r"\nstep 3  image eval/view  4x2x3  media/image/eval/view/3\.png\n",
                "video": r"\nstep 3  video eval/episode  16x16, 5 frames, 30 fps  media/video/eval/episode/3\.mp4\n",
                "figure": r"\nstep 3  figure curve  40x30  media/figure/curve/3\.png\n",
                "array": r"\nstep 3  array q  float64 \[1, 2\]  media/array/q/3\.npy\n",
                "text": r"\nstep 3  text plan  go left\n",
                "table": r"\nstep 3  table episodes  2 columns, 2 rows\n +return  task\n.+\n +1\.500  a +\n +2\.500  b +\n",
                "note": r"\nstep 3  note  lr dropped\n",
                "artifact": r"\nstep 5  artifact model  v0  1 file, 7 B  artifacts/model/v0  \(latest\)\n",
            }.items()
        },
    }


def of_wandb(own: Path, sink: Sink, run: Path) -> Facts:
    (path,) = wandb_file.files(own)
    found = wandb_file.read(path)
    rows = {name: row[name] for row in found.history for name in row}
    files = path.parent / "files"

    def shown(name: str) -> Path:
        return files / rows[name]["path"]

    (artifact,) = (each for each in found.artifacts if each.name.startswith("model-"))
    table = json.loads(shown("episodes").read_text())
    return {
        "record": [
            (row["exp_num"], row["train/Task_a/reward"]) for row in found.history if "train/Task_a/reward" in row
        ],
        "metrics": [(row["step"], row["agent/loss"]) for row in found.history if "agent/loss" in row],
        "params": found.config["agent"]["lr"],
        "description": found.config["descriptions"]["agent/loss"]["unit"],
        "histogram": rows["agent/weights"]["values"],
        "image": size_of(shown("eval/view")),
        "video": 5 if shown("eval/episode").is_file() else None,
        "figure": size_of(shown("curve")),
        "array": np.load(files / rows["q"]).tolist(),
        "text": "go left" if "go left" in shown("plan").read_text() else None,
        "table": table["data"],
        "note": rows["note"],
        "artifact": artifact.description.split()[0].rpartition("/")[2],
    }


class Read(NamedTuple):
    """How to look at what a sink did.

    Attributes:
        facts: Reads it back, given the sink's own directory, the sink, and the directory of the run.
        kinds: The kinds of signal that it holds.
    """

    facts: Callable[[Path, Sink, Path], Facts]
    kinds: frozenset[str] = KINDS


READ = {
    "memory": Read(lambda own, sink, run: of_signals(run, [(each.kind, each.fields) for each in sink.signals])),
    "jsonl": Read(of_jsonl),
    "csv": Read(of_csv, frozenset({"record", "metrics"})),
    "tensorboard": Read(of_tensorboard),
    "wandb": Read(of_wandb),
    "wrapped": Read(of_jsonl),
}


def expected(name: str) -> Facts:
    return {kind: fact for kind, fact in FACTS.items() if kind in READ[name].kinds}


@pytest.fixture
def own(tmp_path):
    directory = tmp_path / "own"
    directory.mkdir()
    return directory


def test_there_is_a_fact_of_each_kind():
    assert FACTS.keys() == KINDS
    assert READ.keys() == CASES.keys()


SLOW_BESIDE = [
    pair if pair.values[1] == "none" else pytest.param(*pair.values, marks=pytest.mark.slow) for pair in PAIRS
]
"""The quick suite has the calling thread only; there are the same tests for records in all places."""


@pytest.mark.parametrize(("name", "place"), SLOW_BESIDE)
def test_every_kind_arrives(make, tmp_path, own, name, place):
    """S2-1, S2-7, S2-9 to S2-14, S4-4: late steps among them."""
    sink = placed(CASES[name].make(own), place)
    logger = make(sinks=[sink])
    log_everything(logger, tmp_path)
    logger.close()
    assert READ[name].facts(own, sink, Path(logger.scenario_dir)) == expected(name)
    (health,) = logger.health()
    count = COUNT if READ[name].kinds == KINDS else 4
    assert (health.state, health.delivered, health.missed, health.queued) == ("closed", count, 0, 0)


@pytest.mark.parametrize(("name", "place"), SLOW_BESIDE)
def test_flushed_means_that_a_reader_finds_every_kind(make, tmp_path, own, name, place):
    """S2-2: also what was held for more of its step, and media whose files were being written."""
    sink = placed(CASES[name].make(own), place)
    logger = make(sinks=[sink])
    log_everything(logger, tmp_path)
    assert logger.flush(60)
    assert READ[name].facts(own, sink, Path(logger.scenario_dir)) == expected(name)
    logger.close()


@pytest.mark.parametrize(("name", "place"), SLOW_BESIDE)
def test_a_replay_brings_every_kind(make, tmp_path, own, name, place):
    """S4-10."""
    logger = make()
    log_everything(logger, tmp_path)
    logger.close()
    sink = placed(CASES[name].make(own), place)
    (health,) = replay(logger.scenario_dir, [sink], start="beginning")
    assert health.missed == 0
    assert READ[name].facts(own, sink, Path(logger.scenario_dir)) == expected(name)


@pytest.mark.parametrize("place", ["none", "thread"])
def test_the_console_shows_every_kind(make, tmp_path, own, place):
    """S2-4, S2-7, S2-12, S2-13."""
    with (own / "console.txt").open("w", encoding="utf-8") as stream:
        logger = make(sinks=[placed(ConsoleSink(style="line", every=1, stream=stream), place)])
        log_everything(logger, tmp_path)
        logger.close()
    assert of_console(own, logger, Path(logger.scenario_dir)) == FACTS


@pytest.mark.parametrize("place", ["none", "thread", "process"])
def test_wrappers_act_on_signals_wherever_the_sink_runs(make, tmp_path, own, place):
    """S2-20, S3-5."""
    sink = Without(["eval/*", "curve", "agent/loss"], Prefix("run", CASES["jsonl"].make(own)))
    logger = make(sinks=[placed(sink, place)])
    log_everything(logger, tmp_path)
    logger.close()
    rows = list(map(json.loads, (own / "mirror.jsonl").read_text().splitlines()))
    names = {row["kind"]: row.get("name") for row in rows}
    named = {"histogram": "agent/weights", "array": "q", "text": "plan", "table": "episodes", "artifact": "model"}
    assert names == {"record": None, "params": None, "note": None} | {kind: f"run/{named[kind]}" for kind in named}
    assert [row["run/reward"] for row in rows if row["kind"] == "record"] == [1.0]


@pytest.mark.parametrize(("name", "place"), SLOW_BESIDE)
def test_odd_signals_do_no_harm(make, own, name, place):
    """F-109, F-116, S2-3: a sink that takes a kind takes all of it."""
    sink = placed(CASES[name].make(own), place)
    logger = make(sinks=[sink])
    words = "two\nlines\twith\x1b[31m \"odd\" 'characters' | <b> ☃ \u202e ="
    odd = {"nan": math.nan, "endless": math.inf, "low": -math.inf, "tiny": 5e-324, "huge": 2**63 - 1, "日本/☃ =1": 1}
    with logger.timer("odd"):
        logger.log_metrics(odd, 1 - 2**63, clock="時")
    logger.log_metrics(odd, 2**63 - 1)
    logger.log_metrics(odd, clock=None)
    logger.log_params(**{words: {words: [words, None, math.nan, {"a": {}}]}, "empty": {}})
    logger.describe("nan", unit=words)
    logger.log_histogram("all the same", [7, 7, 7, math.nan])
    logger.log_text("empty", "")
    logger.log_text("long", words * 1000)
    logger.log_table("odd", [[words, None], [math.nan, 10**18]], columns=["a", words])
    logger.log_table("empty", [], columns=["a"])
    logger.note(words)
    logger.log_array("none", np.zeros((0, 3)))
    logger.log_image("gray", np.zeros((1, 1), bool), caption=words)
    assert logger.flush(60)
    (health,) = logger.health()
    count = 13 if READ[name].kinds == KINDS else 3
    assert (health.delivered, health.missed, health.last_error) == (count, 0, None)
