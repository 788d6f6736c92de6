"""F-150, F-151: secrets are planted wherever they come in, and looked for wherever anything goes out."""

import json
import os
import subprocess
import sys

import pytest
import wandb_file

pytestmark = pytest.mark.slow

PLACES = (
    "params", "config", "nested", "url", "bearer", "github", "argument", "option", "override", "variable", "remote", "note", "note_token",
    "table", "cell", "text", "pem", "metadata", "caption", "tag", "bound", "scenario", "columns", "described",
    "environment", "dashed", "pair", "entry", "login", "mysql", "plural", "vague", "block", "next_line", "row", "type", "wandb_tag",
    "wandb_notes", "bound_entry", "arguments", "minus",
)  # fmt: skip
CANARIES = {name: f"cAnArY{number:02d}Zq7Xw9Kp4Lm2Nb6Vc3" for number, name in enumerate(PLACES)}

SCRIPT = """
import json, os, sys
import numpy as np
import l2logger
from l2logger.sinks import ConsoleSink, CsvSink, JsonlSink, MemorySink, TensorBoardSink, WandbSink

out, secrets = sys.argv[1], json.load(open(sys.argv[2]))
memory = MemorySink()
sinks = [
    JsonlSink(), CsvSink(), TensorBoardSink(isolate="none"), memory,
    ConsoleSink(stream=open(f"{out}/console.txt", "w"), style="frame", every=1),
    ConsoleSink(stream=open(f"{out}/lines.txt", "w"), style="line", every=1),
    WandbSink(mode="offline", dir=f"{out}/wandb", isolate="thread",
              config={"secret": secrets["config"]}, tags=["a", f"token={secrets['wandb_tag']}"], notes=f"pw={secrets['wandb_notes']}"),
]
logger = l2logger.DataLogger(
    f"{out}/logs", "canary", {"metrics_columns": ["reward"], "api_token": secrets["columns"]},
    {"author": "J. Doe", "db": {"password": secrets["scenario"]}}, sinks=sinks, tags=[f"Bearer {secrets['tag']}"])
logger.log_params(lr=0.5, password=secrets["params"], env={"WANDB_API_KEY": secrets["nested"]})
logger.log_config({"db": {"url": f"postgres://me:{secrets['url']}@host/x"}, "headers": [f"Bearer {secrets['bearer']}"],
                   "git": f"ghp_{secrets['github']}", "argv": sys.argv, "api_key": secrets["config"]})
logger.log_params(environment=dict(os.environ), PGPASSWORD=secrets["environment"], argv=["--password", "-" + secrets["dashed"]],
                  pairs=[("password", secrets["pair"])], env=[{"name": "API_TOKEN", "value": secrets["entry"]}],
                  command=["sh", "-c", f"curl -u user:{secrets['login']} http://x"], dump=["mysqldump", "-p" + secrets["mysql"]],
                  access_tokens=[secrets["plural"]], db={"pass": secrets["vague"]}, text=f"password: |\\n  {secrets['block']}\\n")
logger.log_text("yaml", f"db:\\n  password:\\n    {secrets['next_line']}\\n  port: 1\\n", 1)
logger.log_table("variables", [["password", secrets["row"]]], 1, columns=["name", "value"])
logger.bind(variables=[{"name": "DB_PASS", "value": secrets["bound_entry"]}]).log_metrics(loss=0.25, step=2)
logger.log_record(block_num=0, exp_num=0, block_type="train", task_name="Task_a", task_params={}, reward=1.0)
logger.log_metrics(loss=0.5, step=1)
logger.note(f"logged in with token={secrets['note']}", step=1)
logger.note(f"logged in with github_pat_{secrets['note_token']}")
logger.log_table("users", [["me", secrets["table"]], ["you", f"https://you:{secrets['cell']}@host"]], 1, columns=["user", "password"])
logger.log_text("config", f"db:\\n  password: {secrets['text']}\\n", 1)
logger.log_text("key", f"-----BEGIN PRIVATE KEY-----\\n{secrets['pem']}\\n-----END PRIVATE KEY-----", 1)
logger.log_image("frame", np.zeros((8, 8, 3), np.uint8), 1, caption=f"--api-key {secrets['caption']}")
logger.bind(api_key=secrets["bound"]).log_histogram("weights", np.arange(10.0), 1)
logger.describe("loss", unit=f"Bearer {secrets['described']}")
open(f"{out}/model.bin", "wb").write(b"weights")
logger.log_artifact(f"{out}/model.bin", "model", {"hub_token": secrets["metadata"]}, type="model")
logger.log_artifact(f"{out}/model.bin", "other", type=f"password={secrets['type']}")
logger.close()
assert not [each for each in logger.health() if each.failed or each.dropped], logger.health()
print(logger.health())
with open(f"{out}/memory.txt", "w") as file:
    file.write("".join(map(repr, memory.signals)))
print(logger.scenario_dir)
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Everything that came out of a run with secrets, in one directory."""
    directory = tmp_path_factory.mktemp("canary")
    code, out = directory / "code", directory / "out"
    (out / "wandb").mkdir(parents=True)
    code.mkdir()
    (code / "train.py").write_text(SCRIPT)
    (code / "secrets.json").write_text(json.dumps(CANARIES))
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "WANDB_", "L2LOGGER_"))
    }
    environment |= {"MY_API_KEY": CANARIES["variable"], "WANDB_ERROR_REPORTING": "false", "NETRC": os.devnull}
    for command in (
        ["init", "--quiet"],
        ["add", "train.py"],
        ["-c", "user.name=J", "-c", "user.email=j@example.com", "commit", "--quiet", "-m", "x"],
        ["remote", "add", "origin", f"https://me:{CANARIES['remote']}@example.com/x.git"],
    ):
        subprocess.run(["git", "-C", code, *command], check=True, env=environment)
    arguments = [
        "--api-key",
        CANARIES["argument"],
        f"--password={CANARIES['option']}",
        f"db.password={CANARIES['override']}",
        "--set",
        "hub.token",
        CANARIES["arguments"],
        "--passphrase",
        "-" + CANARIES["minus"],
    ]
    command = [sys.executable, code / "train.py", out, code / "secrets.json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    (out / "stdout.txt").write_text(done.stdout)
    (out / "stderr.txt").write_text(done.stderr)
    return out


@pytest.fixture(scope="module")
def said(out):
    """Return what each file says: its bytes, and of W&B's own files also the messages in them."""
    found = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and not path.is_symlink()}
    for path in wandb_file.files(out):
        found[path] += "".join(map(str, wandb_file.messages(path))).encode()
    return found


def test_all_outputs_were_made(out, said):
    names = {path.name for path in said}
    assert {"run.json", "worker-default.jsonl", "mirror.jsonl", "console.txt", "memory.txt", "metadata.json"} <= names
    assert [path for path in said if ".tfevents." in path.name]
    assert [path for path in said if path.suffix == ".csv"]
    assert len(wandb_file.files(out)) == 1


def test_what_is_no_secret_is_everywhere(said):
    """So the secrets would be, too."""
    assert len([path for path, content in said.items() if b"J. Doe" in content]) >= 4
    assert len([path for path, content in said.items() if b"logged in with" in content]) >= 6


@pytest.mark.parametrize("name", PLACES)
def test_a_planted_secret_is_nowhere(said, name):
    """But in the info files, which are the user's own, in the format of l2logger 1.x."""
    allowed = {"scenario": {"scenario_info.json"}, "columns": {"logger_info.json"}}.get(name, set())
    hits = {path.name for path, content in said.items() if CANARIES[name].encode() in content}
    assert hits == allowed
