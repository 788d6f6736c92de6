"""Artifacts: versions that are complete or not there, what they are called, and what is refused."""

import contextlib
import errno
import hashlib
import json
import math
import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import pytest
from reading import files, record, signals
from test_full_disk import limit

from l2logger import DataLogger, LogFormatError, LogWarning, LogWriteError, SignalError, artifacts
from l2logger.processors import canonical
from l2logger.processors.redact import Redact
from l2logger.sinks import MemorySink

WORDS = ["alpha", "beta", "gamma", "delta"]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"first\r\n\x00\xff")
    return path


def directory(logger) -> Path:
    return Path(logger.scenario_dir) / "artifacts"


def kept(logger, name="notes.txt") -> list[str]:
    """Return the versions there are."""
    return [each.version for each in artifacts.versions(logger.scenario_dir, name)]


def metadata(artifact) -> dict:
    return json.loads(Path(artifact.path, "metadata.json").read_text())


def drafts(logger) -> list[str]:
    return [each for each in os.listdir(directory(logger)) if each.startswith(".tmp")]


def log_words(logger, source, words=WORDS, **options):
    """Log versions with different content, and return them."""
    found = []
    for word in words:
        source.write_text(word)
        found.append(logger.log_artifact(source, **options))
    return found


# What is kept ---------------------------------------------------------------------------------------------------------


def test_a_file_is_copied_byte_by_byte(logger, source):
    """S2-14."""
    artifact = logger.log_artifact(source, "data/notes", {"origin": "here"})
    copy = directory(logger) / "data" / "notes" / "v0" / "notes.txt"
    assert Path(artifact.entry) == copy
    assert copy.read_bytes() == source.read_bytes()
    assert not os.path.samefile(copy, source)
    assert (artifact.name, artifact.version, artifact.type) == ("data/notes", "v0", "artifact")
    assert artifact.nbytes == len(source.read_bytes())


def test_all_files_of_a_directory_are_copied(logger, tmp_path):
    """S2-14."""
    content = {"a.txt": b"a", "sub/b.bin": bytes(range(256)), "sub/deep/.hidden": b"", "ünï.txt": b"u"}
    for name, data in content.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(data)
    artifact = logger.log_artifact(tmp_path / "set")
    assert artifact.name == "set"
    assert {file.path: Path(artifact.place_of(file)).read_bytes() for file in artifact.files} == content
    assert artifact.entry == artifact.path


def test_its_name_is_that_of_the_file(logger, source):
    assert logger.log_artifact(str(source)).name == "notes.txt"


def test_the_metadata_tell_everything(logger, source):
    """S2-15, F-152: checksums beside the files."""
    artifact = logger.log_artifact(
        source, "n", {"path": Path("x"), "lr": numpy.float32(0.1), "bad": math.nan}, type="notes"
    )
    stored = metadata(artifact)
    created = stored.pop("created")
    assert created == artifact.created
    assert stored == {
        "name": "n",
        "version": "v0",
        "type": "notes",
        "files": [{"path": "notes.txt", "nbytes": 9, "sha256": hashlib.sha256(source.read_bytes()).hexdigest()}],
        "nbytes": 9,
        "digest": artifact.digest,
        "aliases_when_saved": ["latest"],
        "metadata": {"path": "x", "lr": 0.1, "bad": "NaN"},
        "metrics": {},
        "best": None,
    }


def test_the_signal_tells_where_it_is(make, source):
    memory = MemorySink()
    logger = make(sinks=[memory])
    artifact = logger.log_artifact(
        source, "data/notes", {"a": [1, {"b": None}]}, metrics={"loss": 0.5, "gap": math.nan}, step=7, clock="updates"
    )
    (stored,) = signals(logger.scenario_dir)
    assert stored["kind"] == "artifact"
    assert (stored["clock"], stored["step"]) == ("updates", 7)
    assert {
        name: value for name, value in stored.items() if name not in ("kind", "timestamp", "worker_id", "clock", "step")
    } == {
        "name": "data/notes",
        "version": "v0",
        "path": "artifacts/data/notes/v0",
        "type": "artifact",
        "files": [{"path": "notes.txt", "nbytes": 9, "sha256": artifact.files[0].sha256}],
        "nbytes": 9,
        "digest": artifact.digest,
        "aliases": ["latest"],
        "metadata": {"a": [1, {"b": None}]},
        "metrics": {"loss": 0.5, "gap": "NaN"},
    }
    logger.flush()
    (live,) = [each for each in memory.signals if each.kind == "artifact"]
    assert live.fields["path"] == "artifacts/data/notes/v0"


def test_a_bound_handle_logs_its_context(logger, source):
    logger.bind(worker_id="w7", task_name="Task_a").log_artifact(source)
    (stored,) = signals(logger.scenario_dir, "w7")
    assert stored["context"] == {"task_name": "Task_a"}


def test_nothing_of_it_is_in_a_run_without_artifacts(logger):
    logger.log_record(record())
    assert not directory(logger).exists()
    assert artifacts.names(logger.scenario_dir) == []


def test_permissions_follow_the_umask(logger, source):
    """F-153."""
    source.chmod(0o777)
    before = os.umask(0o027)
    try:
        artifact = logger.log_artifact(source, keep=1)
    finally:
        os.umask(before)
    for path in [directory(logger), *directory(logger).rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o750 if path.is_dir() else 0o640), path
    assert Path(artifact.path).is_dir()


def test_secrets_are_not_among_the_metadata(make, source):
    logger = make(processors=[*canonical(), Redact()])
    artifact = logger.log_artifact(
        source, metadata={"api_key": "canary-1", "nested": [{"password": "canary-2"}], "lr": 1}
    )
    assert artifact.metadata == {"api_key": "[redacted]", "nested": [{"password": "[redacted]"}], "lr": 1}
    assert not [
        path for path in files(logger.scenario_dir) if b"canary-" in Path(logger.scenario_dir, path).read_bytes()
    ]


# Versions -------------------------------------------------------------------------------------------------------------


def test_versions_are_counted(logger, source):
    assert [each.version for each in log_words(logger, source)] == ["v0", "v1", "v2", "v3"]
    assert [
        Path(artifacts.path(logger.scenario_dir, "notes.txt", number), "notes.txt").read_text() for number in range(4)
    ] == WORDS


def test_the_same_content_is_not_copied_again(logger, source):
    first, again = logger.log_artifact(source), logger.log_artifact(source)
    assert again == first
    assert kept(logger) == ["v0"]
    assert [each["version"] for each in signals(logger.scenario_dir)] == ["v0", "v0"]


def test_the_same_content_of_which_more_is_said_is_a_new_version(logger, source):
    logger.log_artifact(source, metadata={"epoch": 1})
    assert logger.log_artifact(source).version == "v0"
    assert logger.log_artifact(source, metadata={"epoch": 2}).version == "v1"
    assert logger.log_artifact(source, metrics={"reward": math.nan}).version == "v2"
    assert logger.log_artifact(source, metrics={"reward": math.nan}).version == "v2"
    assert logger.log_artifact(source, type="data").version == "v3"


def test_content_that_came_back_is_a_new_version(logger, source):
    first, _, third = log_words(logger, source, ["a", "b", "a"])
    assert (third.version, third.digest) == ("v2", first.digest)


def test_a_damaged_version_is_not_taken_for_the_same(logger, source):
    first = logger.log_artifact(source)
    Path(first.entry).write_bytes(b"")
    assert logger.log_artifact(source).version == "v1"


def test_a_number_is_never_given_again(logger, source):
    """F-152: nothing is overwritten."""
    *_, newest = log_words(logger, source)
    shutil.rmtree(newest.path)
    assert log_words(logger, source, ["new"])[0].version == "v4"


def test_a_run_that_is_gone_on_with_counts_on(logger, source):
    log_words(logger, source)
    logger.close()
    with DataLogger.join(logger.scenario_dir) as other:
        assert log_words(other, source, ["more"])[0].version == "v4"


def test_keep_leaves_the_newest(logger, source):
    """S3-10."""
    log_words(logger, source, keep=2)
    assert kept(logger) == ["v2", "v3"]


def test_all_versions_stay_by_default(logger, source):
    log_words(logger, source, map(str, range(12)))
    assert kept(logger) == [f"v{number}" for number in range(12)]


def test_the_best_and_what_has_an_alias_stays(logger, source):
    """S3-10."""
    for number, reward in enumerate([1.0, 9.0, 3.0, math.nan, 4.0, 2.0]):
        source.write_text(str(number))
        aliases = ["paper"] if number == 0 else []
        logger.log_artifact(source, metrics={"reward": reward}, best="reward", mode="max", keep=1, aliases=aliases)
    found = {each.version: each.aliases for each in artifacts.versions(logger.scenario_dir, "notes.txt")}
    assert found == {"v0": ("paper",), "v1": ("best",), "v5": ("latest",)}


# Aliases --------------------------------------------------------------------------------------------------------------


def test_latest_is_the_newest(logger, source):
    log_words(logger, source)
    assert artifacts.find(logger.scenario_dir, "notes.txt").version == "v3"
    assert artifacts.find(logger.scenario_dir, "notes.txt", "latest").aliases == ("latest",)


@pytest.mark.parametrize(("mode", "expected"), [("max", "v1"), ("min", "v2")])
def test_the_best_is_found_by_a_metric(logger, source, mode, expected):
    """S3-10."""
    for number, value in enumerate([3, 7, -math.inf, 7, math.nan]):
        source.write_text(str(number))
        logger.log_artifact(source, metrics={"score": numpy.float32(value)}, best="score", mode=mode)
    assert artifacts.find(logger.scenario_dir, "notes.txt", "best").version == expected


def test_what_is_better_may_have_been_described(logger, source):
    logger.describe("loss", better="min")
    for loss in (0.5, 0.25, 1.0):
        source.write_text(str(loss))
        logger.log_artifact(source, metrics={"loss": loss}, best="loss")
    assert artifacts.find(logger.scenario_dir, "notes.txt", "best").metrics == {"loss": 0.25}


def test_versions_from_before_count_for_a_new_rule(logger, source):
    for number, reward in enumerate([5.0, 9.0, 1.0]):
        source.write_text(str(number))
        logger.log_artifact(source, metrics={"reward": reward})
    assert not (set(artifacts.find(logger.scenario_dir, "notes.txt").aliases) & {"best"})
    source.write_text("x")
    logger.log_artifact(source, metrics={"reward": 2.0}, best="reward", mode="max")
    assert artifacts.find(logger.scenario_dir, "notes.txt", "best").version == "v1"
    logger.log_artifact(source, metrics={"reward": 2.5}, best="reward", mode="min")
    assert artifacts.find(logger.scenario_dir, "notes.txt", "best").version == "v2"


def test_a_rule_holds_on(logger, source):
    log_words(logger, source, ["a"], metrics={"reward": 1.0}, best="reward", mode="max")
    log_words(logger, source, ["b"], metrics={"reward": 2.0})
    log_words(logger, source, ["c"], metrics={"other": 3.0})
    assert artifacts.find(logger.scenario_dir, "notes.txt", "best").version == "v1"


def test_an_alias_moves_to_the_version_that_gets_it(logger, source):
    log_words(logger, source, ["a", "b"], aliases=["production"])
    logger.log_artifact(source, aliases=["paper"])
    found = {each.version: set(each.aliases) for each in artifacts.versions(logger.scenario_dir, "notes.txt")}
    assert found == {"v0": set(), "v1": {"latest", "production", "paper"}}


def test_the_aliases_are_found_again_without_their_file(logger, source):
    """S3-10: readable after a crash, here between the version and its aliases."""
    for number, reward in enumerate([1.0, 9.0, 3.0]):
        source.write_text(str(number))
        logger.log_artifact(source, metrics={"reward": reward}, best="reward", mode="max", aliases=[f"no{number}"])
        if number == 0:
            early = (directory(logger) / "notes.txt" / "aliases.json").read_bytes()
    before = [each.aliases for each in artifacts.versions(logger.scenario_dir, "notes.txt")]
    assert metadata(artifacts.find(logger.scenario_dir, "notes.txt", "v0"))["aliases_when_saved"] == [
        "latest",
        "best",
        "no0",
    ]
    for content in (early, b"", b"{", b'{"aliases": 3}', None):
        path = directory(logger) / "notes.txt" / "aliases.json"
        path.unlink() if content is None else path.write_bytes(content)
        after = [each.aliases for each in artifacts.versions(logger.scenario_dir, "notes.txt")]
        assert list(map(set, after)) == list(map(set, before)), content


def test_when_the_best_was_deleted_the_next_best_is_it(logger, source):
    for number, reward in enumerate([1.0, 9.0, 3.0, 2.0]):
        source.write_text(str(number))
        logger.log_artifact(source, metrics={"reward": reward}, best="reward", mode="max")
    shutil.rmtree(artifacts.path(logger.scenario_dir, "notes.txt", "best"))
    assert artifacts.find(logger.scenario_dir, "notes.txt", "best").version == "v2"


def test_a_damaged_version_does_not_stop_the_next(logger, source):
    versions = log_words(logger, source, ["a", "b"], metrics={"reward": 1.0}, best="reward", mode="max")
    for each in versions:
        Path(each.path, "metadata.json").write_text("{}")
    assert log_words(logger, source, ["c"])[0].version == "v2"
    with pytest.raises(LogFormatError, match="metadata.json: does not describe a version"):
        artifacts.find(logger.scenario_dir, "notes.txt", "v1")


# Reading --------------------------------------------------------------------------------------------------------------


def test_the_names_of_a_run(logger, source):
    for name in ("model", "agent/policy", "agent"):
        logger.log_artifact(source, name)
    assert artifacts.names(logger.scenario_dir) == ["agent", "agent/policy", "model"]
    assert artifacts.versions(logger.scenario_dir, "other") == []


@pytest.mark.parametrize("version", ["v9", 9, "best", "../v0", "", "v00", None])
def test_a_missing_version_lists_those_there_are(logger, source, version):
    """S2-16."""
    log_words(logger, source, ["a", "b"])
    with pytest.raises(FileNotFoundError, match="there are v0, v1 = latest"):
        artifacts.path(logger.scenario_dir, "notes.txt", version)


def test_a_missing_artifact_lists_those_there_are(logger, source):
    """S2-16."""
    logger.log_artifact(source)
    with pytest.raises(FileNotFoundError, match=r"has no artifact 'model'; it has 'notes\.txt'$"):
        artifacts.path(logger.scenario_dir, "model")
    with pytest.raises(FileNotFoundError, match=r"'note\.txt' \(did you mean 'notes\.txt'\?\); it has"):
        artifacts.path(logger.scenario_dir, "note.txt")
    with pytest.raises(FileNotFoundError, match=r"no version 'lates' \(did you mean 'latest'\?\); there are v0"):
        artifacts.path(logger.scenario_dir, "notes.txt", "lates")


def test_verify_finds_what_is_as_it_was(logger, source):
    artifact = logger.log_artifact(source)
    assert artifacts.verify(logger.scenario_dir, "notes.txt") == artifact


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b"firsT\r\n\x00\xff"), "was changed"),
        (lambda path: path.write_bytes(b"first"), "was changed: it has 5 bytes"),
        (lambda path: path.unlink(), "cannot be read: No such file"),
        (lambda path: (path.unlink(), path.symlink_to("/etc/hostname")), "outside"),
    ],
)
def test_verify_names_the_file_that_was_changed(logger, source, damage, said):
    """F-152: a checksum mismatch."""
    artifact = logger.log_artifact(source)
    damage(Path(artifact.entry))
    with pytest.raises(LogFormatError, match=said) as caught:
        artifacts.verify(logger.scenario_dir, "notes.txt")
    assert os.fspath(caught.value.path) == artifact.entry


@pytest.mark.parametrize("path", ["../../../../secret.txt", "/etc/hostname", "a//b", ""])
def test_metadata_that_lead_out_of_the_version_are_refused(logger, source, path):
    """F-152: whoever wrote them."""
    from l2logger.artifacts.contents import File, digest

    artifact = logger.log_artifact(source)
    file = File(path, 9, artifact.files[0].sha256)
    changed = metadata(artifact) | {"files": [file._asdict()], "digest": digest([file])}
    Path(artifact.path, "metadata.json").write_text(json.dumps(changed))
    with pytest.raises(LogFormatError, match="does not describe a version"):
        artifacts.verify(logger.scenario_dir, "notes.txt")


def test_a_version_that_is_a_link_out_of_the_run_is_not_read(logger, source, tmp_path):
    """F-133."""
    artifact = logger.log_artifact(source)
    shutil.move(artifact.path, tmp_path / "elsewhere")
    Path(artifact.path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LogFormatError, match="outside"):
        artifacts.find(logger.scenario_dir, "notes.txt")


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("..", "a/../../b", "/etc/x", "a\\b", "a\0b", "", "x" * 201, "a//b", 7, None),
        *("v0", "a/v12", ".tmp-x", ".lock", "aliases.json", "data-log.tsv", "x/logger_info.json"),
    ],
)
def test_names_that_could_lead_elsewhere_are_refused(logger, source, name):
    """F-133, F-152."""
    before = files(logger.scenario_dir)
    with pytest.raises(SignalError):
        logger.save_model({"w": numpy.zeros(1)}, name)
    if name is not None:
        with pytest.raises(SignalError):
            logger.log_artifact(source, name)
        with pytest.raises(SignalError):
            artifacts.path(logger.scenario_dir, name)
    assert files(logger.scenario_dir) == before


@pytest.mark.parametrize("name", ["data-log.tsv", "logger_info.json", "Scenario_Info.json", "sub/data-log.tsv"])
def test_files_that_readers_take_for_a_log_are_refused(logger, tmp_path, name):
    path = tmp_path / "set" / name
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(SignalError, match="pack it into an archive first"):
        logger.log_artifact(tmp_path / "set")
    with pytest.raises(SignalError, match="pack it into an archive first"):
        logger.log_artifact(path, "x")
    assert signals(logger.scenario_dir) == []
    assert files(directory(logger)) == [".lock"]


def test_a_file_with_the_name_of_our_metadata_is_refused(logger, tmp_path):
    (tmp_path / "set" / "sub").mkdir(parents=True)
    (tmp_path / "set" / "sub" / "metadata.json").write_text("{}")
    logger.log_artifact(tmp_path / "set")
    with pytest.raises(SignalError, match=r"metadata.json of its own; rename yours"):
        logger.log_artifact(tmp_path / "set" / "sub")


@pytest.mark.parametrize("path", ["missing", 7, b"notes.txt", None])
def test_what_is_no_path_of_a_file_is_refused(logger, path):
    with pytest.raises(SignalError):
        logger.log_artifact(path, "x")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"metadata": [1]}, "metadata must be a dict"),
        ({"metrics": {"reward": "high"}}, "a metric is one number"),
        ({"metrics": [1.0]}, "metrics must be a dict"),
        ({"best": "reward"}, "must be one of the metrics of this version"),
        ({"best": "reward", "metrics": {"reward": 1.0}}, r"or once by describe\('reward'"),
        ({"best": "reward", "metrics": {"reward": 1.0}, "mode": "most"}, "mode='most'"),
        ({"keep": 0}, "a whole number from 1 on"),
        ({"keep": True}, "a whole number from 1 on"),
        ({"aliases": "best"}, "must be a list"),
        ({"aliases": ["v3"]}, "looks like a version"),
        ({"aliases": ["a/b"]}, "one word"),
        ({"type": ""}, "a type"),
    ],
)
def test_what_is_said_of_it_is_checked_first(logger, source, options, said):
    with pytest.raises(SignalError, match=said):
        logger.log_artifact(source, **options)
    assert not directory(logger).exists()


def test_the_artifacts_are_not_copied_into_themselves(logger, source):
    log_words(logger, source, ["a"])
    for path in (directory(logger), directory(logger).parent):
        with pytest.raises(SignalError, match="artifacts of this run themselves"):
            logger.log_artifact(path, "x")
    assert logger.log_artifact(directory(logger) / "notes.txt" / "v0" / "notes.txt", "copy").version == "v0"


def test_artifacts_that_are_a_link_out_of_the_run_are_not_written(logger, source, tmp_path):
    """F-133."""
    directory(logger).symlink_to(tmp_path)
    before = files(tmp_path)
    with pytest.raises(LogWriteError, match="outside"):
        logger.log_artifact(source)
    assert files(tmp_path) == before


# What is left out -----------------------------------------------------------------------------------------------------


@pytest.fixture
def odd(tmp_path):
    """A directory in which something odd can lie beside a file."""
    path = tmp_path / "odd"
    path.mkdir()
    (path / "good.txt").write_text("good")
    return path


def left_out(artifact) -> dict[str, str]:
    return {each["path"]: each["reason"] for each in metadata(artifact)["left_out"]}


def test_links_that_lead_out_are_left_out_with_a_note(logger, odd, source):
    """F-149."""
    (odd / "out").symlink_to(source)
    (odd / "dir").symlink_to(source.parent)
    (odd / "loop").symlink_to(odd)
    (odd / "broken").symlink_to("nowhere")
    with pytest.warns(LogWarning, match="4 of .* left out of the artifact 'odd': .* is a link"):
        artifact = logger.log_artifact(odd)
    assert [file.path for file in artifact.files] == ["good.txt"]
    assert sorted(left_out(artifact)) == ["broken", "dir", "loop", "out"]


def test_links_to_files_of_the_directory_are_copied_as_files(logger, odd):
    (odd / "latest").symlink_to("good.txt")
    artifact = logger.log_artifact(odd)
    assert [file.path for file in artifact.files] == ["good.txt", "latest"]
    assert not any(Path(artifact.place_of(file)).is_symlink() for file in artifact.files)


def test_a_link_that_is_named_itself_is_followed(logger, tmp_path, source):
    (tmp_path / "latest.txt").symlink_to(source)
    artifact = logger.log_artifact(tmp_path / "latest.txt")
    assert Path(artifact.entry).read_bytes() == source.read_bytes()


def test_sockets_and_pipes_are_left_out_with_a_note(logger, odd, monkeypatch):
    """F-149: nothing is opened that would block."""
    os.mkfifo(odd / "pipe")
    monkeypatch.chdir(odd)
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind("socket")
        with pytest.warns(LogWarning, match="'pipe' is no regular file; 'socket' is no regular file"):
            artifact = logger.log_artifact(odd)
    assert left_out(artifact) == {"pipe": "is no regular file", "socket": "is no regular file"}
    with pytest.raises(SignalError, match="no file or directory"):
        logger.log_artifact(odd / "pipe")


def test_names_that_are_no_text_are_left_out_with_a_note(logger, odd):
    Path(os.fsdecode(os.fsencode(odd) + b"/\xff")).write_text("x")
    with pytest.warns(LogWarning, match="not UTF-8"):
        artifact = logger.log_artifact(odd)
    assert left_out(artifact) == {"\\udcff": "has a name that is not UTF-8 text"}


@contextlib.contextmanager
def as_nobody():
    """Work without the rights of root, who can read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_files_that_cannot_be_read_are_left_out_with_a_note():
    """F-149."""
    with tempfile.TemporaryDirectory() as base:
        os.chmod(base, 0o777)
        with as_nobody(), DataLogger(Path(base, "logs"), "run", {"metrics_columns": ["reward"]}) as logger:
            odd = Path(base, "odd")
            odd.mkdir()
            for name in ("good", "locked"):
                (odd / name).write_text("x")
            (odd / "closed").mkdir()
            (odd / "locked").chmod(0)
            (odd / "closed").chmod(0)
            with pytest.warns(LogWarning, match="cannot be read: Permission denied"):
                artifact = logger.log_artifact(odd)
            assert sorted(left_out(artifact)) == ["closed/", "locked"]
            with pytest.raises(SignalError, match="nothing to keep .* cannot be read"):
                logger.log_artifact(odd / "locked")


def test_a_file_that_cannot_be_read_to_the_end_is_left_out(logger):
    """F-149: Linux lets us open the memory of a process, and reading its first page fails."""
    with pytest.raises(SignalError, match="nothing to keep .*mem.*Input/output error"):
        logger.log_artifact("/proc/self/mem")
    assert drafts(logger) == []


def test_an_empty_directory_is_refused(logger, tmp_path):
    (tmp_path / "empty" / "sub").mkdir(parents=True)
    with pytest.raises(SignalError, match="nothing to keep"):
        logger.log_artifact(tmp_path / "empty")


# What goes wrong ------------------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_nothing_half(logger, source, tmp_path):
    """S3-10: neither a file nor a line."""
    log_words(logger, source, ["before"])
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(100_000))
    before = files(logger.scenario_dir)
    with (
        limit(resource.RLIMIT_FSIZE, 50_000),
        pytest.raises(LogWriteError, match="artifact 'large.bin' was not stored") as caught,
    ):
        logger.log_artifact(large)
    assert caught.value.errno == errno.EFBIG
    assert files(logger.scenario_dir) == before
    assert sorted(os.listdir(directory(logger))) == [".lock", "notes.txt"]
    assert len(signals(logger.scenario_dir)) == 1
    assert logger.log_artifact(large).version == "v0"


def test_a_disk_too_full_for_the_metadata_leaves_nothing_half(logger, source):
    log_words(logger, source, ["before"])
    with limit(resource.RLIMIT_FSIZE, 100), pytest.raises(LogWriteError, match="was not stored"):
        log_words(logger, source, ["after"])
    with limit(resource.RLIMIT_FSIZE, 100), pytest.raises(LogWriteError, match="was not stored"):
        logger.log_artifact(source, "new")
    assert kept(logger) == ["v0"]
    assert drafts(logger) == []
    assert not (directory(logger) / "new").exists()


def test_versions_that_cannot_be_deleted_are_a_warning(logger, source, monkeypatch):
    """The new one is safe, and the next one makes up for it."""
    log_words(logger, source, ["a", "b"])
    rename = os.rename

    def refuse(old, new):
        if os.path.basename(old) == "v0":
            raise PermissionError(errno.EACCES, "Permission denied", old)
        rename(old, new)

    with monkeypatch.context() as patch, pytest.warns(LogWarning, match="is stored, but .* older versions"):
        patch.setattr(os, "rename", refuse)
        log_words(logger, source, ["c"], keep=1)
    assert kept(logger) == ["v0", "v1", "v2"]
    log_words(logger, source, ["d"], keep=1)
    assert kept(logger) == ["v3"]


def test_another_process_that_is_faster_is_not_overwritten(logger, source, monkeypatch):
    """Even on a file system without locks."""
    log_words(logger, source, ["a"])
    rename = os.rename

    def late(old, new):
        if os.path.basename(new) == "v1":
            shutil.copytree(directory(logger) / "notes.txt" / "v0", new)
        rename(old, new)

    monkeypatch.setattr(os, "rename", late)
    artifact = log_words(logger, source, ["b"])[0]
    assert artifact.version == metadata(artifact)["version"] == "v2"
    assert Path(artifact.entry).read_text() == "b"
    assert Path(directory(logger), "notes.txt/v1/notes.txt").read_text() == "a"


def python(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-W", "error", "-c", code, *map(str, arguments)], stderr=subprocess.PIPE)


KILLED = """
import os, signal, sys
from l2logger import DataLogger

class Model:
    def save(self, path):
        with open(path, "wb") as file:
            file.write(bytes(1000))
        os.kill(os.getpid(), signal.SIGKILL)

DataLogger.join(sys.argv[1]).save_model(Model(), "notes.txt")
"""


def test_a_killed_process_leaves_no_version_and_the_next_write_cleans_up(logger, source):
    """S3-10: readable after a crash."""
    log_words(logger, source, ["a"])
    with python(KILLED, logger.scenario_dir) as process:
        assert process.wait() == -signal.SIGKILL
    assert len(drafts(logger)) == 1
    assert kept(logger) == ["v0"]
    assert artifacts.names(logger.scenario_dir) == ["notes.txt"]
    assert log_words(logger, source, ["b"])[0].version == "v1"
    assert drafts(logger) == []


def test_what_a_living_process_is_writing_is_left_alone(logger, source):
    seen = []

    class Model:
        def save(self, path):
            Path(path).write_text("mine")
            log_words(logger, source, ["a"])
            seen.extend(drafts(logger))

    artifact = logger.save_model(Model())
    assert len(seen) == 1
    assert Path(artifact.entry).read_text() == "mine"


def test_what_another_host_is_writing_is_left_alone(logger, source):
    """Not every file system lets us see its locks."""
    log_words(logger, source, ["a"])
    (directory(logger) / ".tmp-elsewhere-7-00000000").mkdir()
    log_words(logger, source, ["b"])
    assert drafts(logger) == [".tmp-elsewhere-7-00000000"]


def test_without_locks_nothing_is_cleaned_up(logger, source, monkeypatch):
    from l2logger import lock

    log_words(logger, source, ["a"])
    monkeypatch.setattr(lock, "fcntl", None)
    abandoned = (
        directory(logger) / f".tmp-{''.join(c if c.isalnum() else '_' for c in socket.gethostname())}-7-00000000"
    )
    abandoned.mkdir()
    log_words(logger, source, ["b"])
    assert drafts(logger) == [abandoned.name]
    monkeypatch.undo()
    log_words(logger, source, ["c"])
    assert drafts(logger) == []


SIDE_BY_SIDE = """
import sys
from pathlib import Path
from l2logger import DataLogger

run, worker, source = sys.argv[1:]
logger = DataLogger.join(run).bind(worker_id=worker)
for number in range(12):
    Path(source).write_text(f"{worker} {number}")
    logger.log_artifact(source, "shared", metrics={"score": number}, best="score", mode="max")
"""


def test_processes_side_by_side_take_different_numbers(logger, tmp_path):
    """F-152: no version is overwritten."""
    workers = [f"w{number}" for number in range(4)]
    processes = [python(SIDE_BY_SIDE, logger.scenario_dir, each, tmp_path / each) for each in workers]
    for process in processes:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()
    logged = [each for worker in workers for each in signals(logger.scenario_dir, worker)]
    assert sorted(each["version"] for each in logged) == sorted(f"v{number}" for number in range(48))
    assert kept(logger, "shared") == [f"v{number}" for number in range(48)]
    for each in logged:
        found = artifacts.verify(logger.scenario_dir, "shared", each["version"])
        assert found.digest == each["digest"]
    assert artifacts.find(logger.scenario_dir, "shared", "best").metrics == {"score": 11.0}


def test_threads_side_by_side_take_different_numbers(logger, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    def work(worker: int) -> list[str]:
        source = tmp_path / f"{worker}.txt"
        found = []
        for number in range(5):
            source.write_text(f"{worker} {number}")
            found.append(logger.log_artifact(source, "shared").version)
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [version for versions in pool.map(work, range(4)) for version in versions]
    assert sorted(found) == sorted(f"v{number}" for number in range(20))


def test_forked_children_log_artifacts_too(logger, source):
    source.write_text("parent")
    logger.log_artifact(source)
    child = os.fork()
    if child == 0:
        try:
            source.write_text("child")
            os._exit(logger.bind(worker_id="w1").log_artifact(source).version != "v1")
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert kept(logger) == ["v0", "v1"]


def test_it_works_after_a_change_of_directory_and_after_close(tmp_path, source, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logger = DataLogger("logs", "run", {"metrics_columns": ["reward"]})
    monkeypatch.chdir("/")
    logger.log_artifact(source)
    logger.close()
    log_words(logger, source, ["later"])
    monkeypatch.chdir(tmp_path)
    assert kept(logger) == ["v0", "v1"]
    logger.close()


def test_readers_of_the_log_do_not_see_the_artifacts(logger, tmp_path):
    """Nor does the layout look like workers."""
    from l2logger import read

    logger.log_record(record())
    (tmp_path / "set" / "0-train").mkdir(parents=True)
    (tmp_path / "set" / "0-train" / "log.tsv").write_text("x")
    logger.log_artifact(tmp_path / "set")
    logger.close()
    assert len(read.records(logger.scenario_dir).df()) == 1
