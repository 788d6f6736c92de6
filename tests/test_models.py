"""Models: what can be saved, how it comes back, and that nothing is ever unpickled."""

import errno
import json
import math
import pickle
import re
import resource
import stat
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import safetensors.numpy
from reading import files, signals
from test_full_disk import limit

from l2logger import LogFormatError, LogWriteError, SignalError, artifacts, weights

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")


def net() -> torch.nn.Module:
    torch.manual_seed(7)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 2))


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# Arrays ---------------------------------------------------------------------------------------------------------------

DTYPES = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?", "c8"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_come_back_as_they_were(logger, dtype):
    """S2-15: without loss, of any type and shape."""
    limits = {"f": [0.1, math.nan, -math.inf, 1e-7], "c": [1 + 2j, math.nan, 0, -1j], "b": [True, False, True, True]}
    kind = numpy.dtype(dtype).kind
    values = limits.get(kind) or [0, 1, numpy.iinfo(dtype).max, numpy.iinfo(dtype).min]
    given = {
        "a": numpy.array(values, dtype),
        "b/c.d": numpy.array(values, dtype).reshape(2, 2).T,
        "e": numpy.empty((0, 3), dtype),
    }
    given["scalar"] = given["a"][0]
    logger.save_model(given)
    found = logger.load_model()
    assert list(found) == list(given)
    for name, array in given.items():
        assert found[name].dtype == array.dtype
        numpy.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape


def test_arrays_of_the_other_byte_order_are_arrays(logger):
    logger.save_model({"big": numpy.arange(3, dtype=">i4")})
    found = logger.load_model()
    assert found["big"].tolist() == [0, 1, 2]
    found["big"][0] = 7  # what was loaded can be changed


def test_tensors_come_back_as_arrays(logger):
    """S2-15: off their graph, views and conjugates as what they show."""
    given = {
        "grad": torch.arange(6.0, requires_grad=True).reshape(2, 3).T,
        "half": torch.tensor([0.1, 3e38]).to(torch.bfloat16),
        "conj": torch.tensor([1 + 2j]).conj(),
        "count": torch.tensor(3),
    }
    logger.save_model(given)
    found = logger.load_model()
    assert found["grad"].tolist() == given["grad"].tolist()
    assert found["half"].tolist() == given["half"].tolist()
    assert found["conj"].tolist() == [1 - 2j]
    assert found["count"] == 3
    assert found["half"].dtype == numpy.float32


def test_tensors_and_arrays_may_be_mixed(logger):
    given = {
        "tensor": torch.tensor([0.5, 3e38]).half(),
        "array": numpy.arange(6, dtype=">i4").reshape(2, 3).T,
        "nested": {"count": 3, "bits": numpy.array([1, 65535], "u2")},
    }
    given["array"].flags.writeable = False
    logger.save_model(given)
    found = logger.load_model()
    assert found["tensor"].dtype == numpy.float16
    assert found["tensor"].tolist() == given["tensor"].tolist()
    assert found["array"].tolist() == given["array"].tolist()
    assert found["nested"]["count"] == 3
    assert found["nested"]["bits"].tolist() == [1, 65535]


def test_what_numpy_understands_is_an_array(logger):
    """As those of jax, which is not at hand here."""

    class Array:
        dtype = numpy.dtype("float32")
        shape = (2,)

        def __array__(self, dtype=None, copy=None):
            return numpy.array([1, 2], self.dtype)

    logger.save_model({"a": Array()})
    assert logger.load_model()["a"].tolist() == [1, 2]


def test_nested_names_are_kept(logger):
    """S2-15: with whatever characters."""
    given = {
        "mlp/~/linear_0": {"w": numpy.ones((2, 2)), "b~1": numpy.zeros(2)},
        "": {"x": {"": numpy.zeros(())}},
        "none": {},
        "deep": {"empty": {}},
        "step": 3,
    }
    logger.save_model(given)
    found = logger.load_model()

    def tree(each):
        return (
            {key: tree(value) for key, value in each.items()}
            if isinstance(each, dict)
            else numpy.asarray(each).tolist()
        )

    assert tree(found) == tree(given)


def test_the_same_arrays_are_the_same_file(logger):
    """And so the same version."""
    given = {"b": {"x": numpy.ones(2), "none": {}}, "a": torch.ones(3), "nothing": {}}
    assert {logger.save_model(given).version for _ in range(8)} == {"v0"}


def test_who_may_read_other_files_may_read_this_one(logger):
    artifact = logger.save_model({"w": numpy.ones(2)})
    modes = {stat.S_IMODE(path.stat().st_mode) for path in Path(artifact.path).iterdir()}
    assert len(modes) == 1


def test_without_safetensors_the_error_says_what_to_install(tmp_path):
    """S2-15: and nothing is left."""
    code = (
        "import sys; sys.modules['safetensors'] = None\n"
        "import numpy; from l2logger import weights\n"
        "for call in (lambda: weights.write('w', {'w': numpy.ones(2)}), lambda: weights.read('w')):\n"
        "    try: call()\n"
        "    except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.count('pip install "l2logger[models]"') == 2
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_one_of_safetensors(logger, tmp_path):
    """S2-15: read by other programs, and what they write is read here."""
    given = net().state_dict() | {"half": torch.ones(3, dtype=torch.bfloat16)}
    artifact = logger.save_model(given)
    assert same(safetensors_torch.load_file(artifact.entry), given)
    safetensors_torch.save_file(given, tmp_path / "x.safetensors", metadata={"format": "pt"})
    found = weights.read(str(tmp_path / "x.safetensors"))
    assert all(numpy.array_equal(found[name], each.float().numpy()) for name, each in given.items())
    logger.save_model({"a": {"b": numpy.arange(3)}}, "nested")
    assert list(safetensors.numpy.load_file(artifacts.find(logger.scenario_dir, "nested").entry)) == ["a/b"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"w": numpy.array(["a"])}, "'w' is an array of str32.*there can be float64, "),
        ({"w": numpy.array([object()])}, "an array of object"),
        ({"w": numpy.zeros(2, complex)}, "an array of complex128"),
        ({"w": numpy.zeros(2, "M8[s]")}, "an array of datetime64"),
        ({"w": torch.zeros(2, device="meta")}, "'w' cannot be saved: Cannot copy out of meta"),
        ({"w": torch.eye(2).to_sparse()}, "'w' cannot be saved: .*to_dense"),
        ({"w": torch.zeros(2, dtype=torch.float8_e5m2)}, "'w' is an array of float8_e5m2"),
        ({"a": [{"w": len}]}, "'a/0/w' is of the type builtin_function_or_method, which cannot be saved; there can be"),
        ({"a": [1j]}, "'a/0' is of the type complex"),
        ({"a": {1, 2}}, "'a' is of the type set"),
        ({"a": torch.float32}, "'a' is of the type dtype"),
        ({"net": torch.nn.ReLU()}, r"'net' is of the type ReLU, .*; save its state_dict\(\)"),
        ({1.5: numpy.zeros(2)}, "names that are text or whole numbers, got 1.5"),
        ({"a": {True: 1}}, r"got True \(bool\)"),
        pytest.param({"a": [0] * 2**24}, "too much besides the arrays", marks=pytest.mark.slow),
        ({"\udcff": numpy.zeros(2)}, "cannot be saved: UnicodeEncodeError"),
        ({}, "nothing to save"),
        (torch.nn.ReLU(), "nothing to save"),
        (numpy.zeros(3), "a numpy.ndarray cannot be saved as a model: that takes an object with save"),
        (b"weights", "a builtins.bytes cannot be saved"),
        (lambda: 3, "a builtins.function cannot"),
        (None, "a builtins.NoneType cannot"),
        (torch.nn.Linear, "the class Linear cannot"),
    ],
)
def test_what_cannot_be_saved_is_an_error_that_says_what_can(logger, given, said):
    before = files(logger.scenario_dir)
    with pytest.raises(SignalError, match=said):
        logger.save_model(given)
    assert [path for path in files(logger.scenario_dir) if path != "artifacts/.lock"] == before


def test_a_mapping_that_holds_itself_is_refused(logger):
    given = {"w": numpy.zeros(2)}
    given["self"] = [given, given]
    with pytest.raises(SignalError, match="nested too deeply"):
        logger.save_model(given)


# Checkpoints ----------------------------------------------------------------------------------------------------------

NESTED = {
    "epoch": 3,
    "large": 2**70,
    "lr": 0.1,
    "odd": [math.inf, -math.inf],
    "name": "a~b/c ünï \udcff",
    "yes": True,
    "none": None,
    "betas": (0.9, [0.999, ()]),
    "empty": [{}, [], (), ""],
    "state": {0: {"step": 1}, -3: "minus", "0": "text"},
    "array": {"array": "dict"},
    "__metadata__": 1,
    "": {"": {}},
}


def test_what_is_beside_arrays_comes_back_as_it_was(logger):
    """R18: numbers, text and truth values, lists and tuples, and keys that are numbers."""
    logger.save_model(NESTED)
    found = logger.load_model()
    assert found == NESTED
    assert repr(found) == repr(NESTED)  # True is not 1, and the order is the same


def test_arrays_are_anywhere_in_a_checkpoint(logger):
    given = {
        "list": [numpy.ones(2), (numpy.zeros(()), {7: numpy.arange(3)})],
        "same": {1: numpy.array([1]), "1": numpy.array([2])},
        "a/b": {"c": numpy.array([3])},
        "a": {"b/c": numpy.array([4]), "b": {"c": numpy.array([5])}},
        "__metadata__": numpy.array([6]),
        "nan": math.nan,
    }
    artifact = logger.save_model(given)
    found = logger.load_model()
    assert math.isnan(found.pop("nan"))
    assert found["list"][0].tolist() == [1, 1]
    assert found["list"][1][0].shape == ()
    assert isinstance(found["list"][1], tuple)
    assert found["list"][1][1][7].tolist() == [0, 1, 2]
    assert [found["same"][key].item() for key in (1, "1")] == [1, 2]
    assert (found["a/b"]["c"], found["a"]["b/c"], found["a"]["b"]["c"], found["__metadata__"]) == (3, 4, 5, 6)
    assert "a/b/c" in safetensors.numpy.load_file(artifact.entry)


def trained(steps: int) -> tuple[torch.nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    model = net()
    optimizer = torch.optim.Adam(
        [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[2].parameters()}], lr=0.01, amsgrad=True
    )
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
    for step in range(steps):
        optimizer.zero_grad()
        model(torch.arange(12.0).reshape(3, 4) + step).square().sum().backward()
        optimizer.step()
        scheduler.step()
    return model, optimizer, scheduler


def same_state(one, other) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_state(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and all(map(same_state, one, other))
    return one == other


def test_an_optimizer_comes_back_into_another(logger):
    """R18."""
    _, optimizer, _ = trained(3)
    _, other, _ = trained(0)
    artifact = logger.save_model(optimizer, "optimizer")
    assert artifact.model["class"] == "torch.optim.adam.Adam"
    assert logger.load_model("optimizer", into=other) is other
    assert same_state(other.state_dict(), optimizer.state_dict())


def test_learning_goes_on_from_a_checkpoint(logger):
    """R18: module, optimizer and scheduler together, and the epoch."""
    model, optimizer, scheduler = trained(3)
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    logger.save_model({name: part.state_dict() for name, part in parts.items()} | {"epoch": 3}, "checkpoint")
    found = logger.load_model("checkpoint")
    assert found["epoch"] == 3
    assert found["optimizer"]["param_groups"][0]["betas"] == (0.9, 0.999)
    assert found["scheduler"] == scheduler.state_dict()

    class Everything:
        def load_state_dict(self, state):
            for name, part in zip(("model", "optimizer", "scheduler"), trained(0), strict=True):
                part.load_state_dict(state[name])
                assert same_state(part.state_dict(), parts[name].state_dict())
            self.epoch = state["epoch"]

    assert logger.load_model("checkpoint", into=Everything()).epoch == 3


def test_the_same_checkpoint_is_the_same_version(logger):
    given = {"state": {0: {"w": torch.ones(2)}, 1: {}}, "groups": [{"lr": 0.1, "params": [0, 1]}]}
    assert {logger.save_model(given).version for _ in range(8)} == {"v0"}


@pytest.mark.parametrize(
    "tree",
    [
        "[",
        "[]",
        "3",
        "{}",
        '{"dict": 3}',
        '{"dict": [["a"]]}',
        '{"dict": [[[], 1]]}',
        '{"dict": [["a", {"array": "b"}]]}',
        '{"dict": [["a", {"array": []}]]}',
        '{"dict": [["a", {"float": "x"}]]}',
        '{"dict": [["a", {"float": []}]]}',
        '{"dict": [["a", {"set": []}]]}',
        '{"dict": [["a", {"tuple": 1}]]}',
        '{"dict": [["a", {"array": "a", "dict": []}]]}',
        '{"tuple": []}',
        "[" * 100_000,
        '{"dict": [["a", ' + "[" * 5_000 + "]" * 5_000 + "]]}",
    ],
)
def test_a_tree_that_is_none_is_an_error(tmp_path, tree):
    path = tmp_path / "x.safetensors"
    safetensors.numpy.save_file({"a": numpy.ones(2)}, path, {"tree": tree})
    with pytest.raises(LogFormatError, match="is no file of arrays"):
        weights.read(str(path))


# Modules --------------------------------------------------------------------------------------------------------------


def test_a_module_comes_back_into_another(logger):
    """S2-15, S4-5."""
    model, other = net(), net()
    with torch.no_grad():
        other[0].weight.zero_()
    logger.save_model(model, "policy", {"epoch": 3})
    assert logger.load_model("policy", into=other) is other
    assert same(other.state_dict(), model.state_dict())


def test_a_module_of_half_precision_comes_back_exactly(logger):
    model, other = net().bfloat16(), net().bfloat16()
    with torch.no_grad():
        model[0].weight.normal_()
    logger.save_model(model)
    logger.load_model(into=other)
    assert same(other.state_dict(), model.state_dict())


def test_weights_that_are_shared_are_saved(logger):
    model = torch.nn.Sequential(torch.nn.Embedding(4, 3), torch.nn.Linear(3, 4, bias=False))
    model[1].weight = model[0].weight
    logger.save_model(model)
    assert list(logger.load_model()) == ["0.weight", "1.weight"]
    logger.load_model(into=model)


def test_a_state_dict_is_saved_as_it_is_now(logger):
    """The model may be trained on at once."""
    model = net()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    logger.save_model(model.state_dict())
    with torch.no_grad():
        model[0].weight.zero_()
    logger.load_model(into=model)
    assert same(model.state_dict(), before)


def test_a_module_of_another_shape_is_refused_by_torch(logger):
    logger.save_model(net())
    with pytest.raises(RuntimeError, match="Missing key"):
        logger.load_model(into=torch.nn.Linear(2, 2))


# Objects with a method of their own -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ppo():
    from stable_baselines3 import PPO

    return PPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32, device="cpu", seed=1)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", ["model", "agent/policy.v2", "best.zip"])
def test_a_model_of_stable_baselines3_comes_back(logger, ppo, name):
    """S4-5: with the suffix that its library adds."""
    artifact = logger.save_model(ppo, name, {"steps": 1000})
    assert artifact.model["format"] == "own"
    assert artifact.model["class"] == "stable_baselines3.ppo.ppo.PPO"
    path = logger.load_model(name)
    assert Path(path).is_file()
    assert path == artifact.entry
    found = logger.load_model(name, using=lambda path: type(ppo).load(path, device="cpu"))
    assert same(found.policy.state_dict(), ppo.policy.state_dict())


def test_the_suffix_is_found(logger, ppo):
    """S4-5."""
    artifact = logger.save_model(ppo)
    assert [file.path for file in artifact.files] == ["model.zip"]


class Writes:
    """Saves files as some libraries do: by a suffix, in a directory, several beside one another."""

    def __init__(self, *endings: str) -> None:
        self.endings = endings

    def save(self, path: str) -> None:
        for ending in self.endings:
            file = Path(path + ending)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(ending)


@pytest.mark.parametrize(
    ("endings", "entry"),
    [([""], "model"), ([".zip"], "model.zip"), (["/a", "/b/metadata.json"], "model"), ([".index", ".data-0"], "model")],
)
def test_whatever_a_library_writes_is_found(logger, endings, entry):
    """S4-5."""
    artifact = logger.save_model(Writes(*endings))
    assert sorted(file.path for file in artifact.files) == sorted(f"model{ending}" for ending in endings)
    assert logger.load_model() == artifact.entry == str(Path(artifact.path, entry))


@pytest.mark.parametrize(
    ("endings", "said"),
    [
        ([], "wrote nothing at the path"),
        (["/data-log.tsv"], "pack it into an archive"),
        (["/../metadata.json"], "metadata.json of its own"),
    ],
)
def test_what_a_library_writes_may_be_refused(logger, endings, said):
    with pytest.raises(SignalError, match=said):
        logger.save_model(Writes(*endings))
    assert signals(logger.scenario_dir) == []
    assert files(Path(logger.scenario_dir, "artifacts")) == [".lock"]


def test_links_that_a_library_makes_are_refused(logger):
    class Links:
        def save(self, path: str) -> None:
            Path(path).symlink_to("/etc/hostname")

    with pytest.raises(SignalError, match="'model' is a link"):
        logger.save_model(Links())


def test_links_within_what_a_library_writes_become_files(logger):
    class Links(Writes):
        def save(self, path: str) -> None:
            super().save(path)
            Path(path, "latest").symlink_to(Path(path, "a"))

    artifact = logger.save_model(Links("/a"))
    assert [Path(artifact.place_of(file)).read_text() for file in artifact.files] == ["/a", "/a"]
    assert artifacts.verify(logger.scenario_dir, "model") == artifact
    assert not Path(artifact.entry, "latest").is_symlink()


def test_an_error_of_a_library_is_the_callers(logger):
    """And leaves nothing half."""

    class Breaks:
        def save(self, path: str) -> None:
            Path(path).write_text("half")
            raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"):
        logger.save_model(Breaks())
    assert files(Path(logger.scenario_dir, "artifacts")) == [".lock"]


def test_a_disk_that_fills_while_a_model_is_saved(logger):
    """S3-10."""

    class Large:
        def save(self, path: str) -> None:
            Path(path).write_bytes(bytes(100_000))

    for model in (Large(), {"w": numpy.zeros(100_000)}):
        with limit(resource.RLIMIT_FSIZE, 50_000), pytest.raises(LogWriteError, match="was not stored") as caught:
            logger.save_model(model)
        assert caught.value.errno == errno.EFBIG
    assert files(Path(logger.scenario_dir, "artifacts")) == [".lock"]


def test_a_full_disk_as_older_versions_of_safetensors_say_it(logger, monkeypatch):
    """S3-10: those of 0.4 and 0.5 gave the error as Rust shows it."""

    def save_file(*_):
        said = 'IoError(Os { code: 28, kind: StorageFull, message: "No space left on device" })'
        raise safetensors.SafetensorError(f"Error while serializing: {said}")

    monkeypatch.setattr(safetensors.numpy, "save_file", save_file)
    with pytest.raises(LogWriteError, match="No space left on device; the artifact 'model' was not stored") as caught:
        logger.save_model({"w": numpy.zeros(2)})
    assert caught.value.errno == errno.ENOSPC


# Versions -------------------------------------------------------------------------------------------------------------


def test_the_newest_and_the_best_stay(logger):
    """S3-10: newest or chosen one loaded, related variables beside them."""
    for step, reward in enumerate([1.0, 21.0, 3.0, 5.0]):
        logger.save_model(
            {"w": numpy.array([reward])},
            metadata={"step": step},
            metrics={"reward": reward},
            best="reward",
            mode="max",
            keep=2,
        )
    assert logger.load_model()["w"] == 5.0
    assert logger.load_model(version="best")["w"] == 21.0
    assert logger.load_model(version="v2")["w"] == 3.0
    assert [each.metadata["step"] for each in artifacts.versions(logger.scenario_dir, "model")] == [1, 2, 3]


def test_the_same_weights_are_not_kept_twice(logger):
    model = net()
    assert [logger.save_model(model).version for _ in range(3)] == ["v0"] * 3


def test_a_model_is_registered_as_one(logger):
    """S4-5: for the mirrors."""
    artifact = logger.save_model(net(), "agent/policy", {"note": "x"}, step=5, aliases=["paper"])
    (stored,) = signals(logger.scenario_dir)
    assert stored["type"] == "model"
    assert stored["path"] == "artifacts/agent/policy/v0"
    assert stored["metadata"] == {"note": "x"}
    assert sorted(stored["aliases"]) == ["latest", "paper"]
    assert json.loads(Path(artifact.path, "metadata.json").read_text())["model"] == {
        "format": "safetensors",
        "entry": "policy.safetensors",
        "class": "torch.nn.modules.container.Sequential",
    }


def test_a_handle_saves_and_loads(logger):
    handle = logger.bind(worker_id="w1")
    handle.save_model({"w": numpy.ones(2)})
    assert handle.load_model()["w"].tolist() == [1, 1]
    assert [each["kind"] for each in signals(logger.scenario_dir, "w1")] == ["artifact"]


# Loading --------------------------------------------------------------------------------------------------------------


def test_a_missing_model_lists_what_there_is(logger):
    """S2-16."""
    with pytest.raises(FileNotFoundError, match="no artifact 'model', and no other either"):
        logger.load_model()
    logger.save_model(net())
    with pytest.raises(FileNotFoundError, match="no version 'best'; there are v0 = latest"):
        logger.load_model(version="best")


def test_a_changed_file_is_not_loaded(logger):
    """F-152."""
    artifact = logger.save_model(net())
    with open(artifact.entry, "r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    called = []
    with pytest.raises(LogFormatError, match=re.escape(artifact.entry)):
        logger.load_model(using=called.append)
    assert called == []


def test_a_file_that_was_logged_is_loaded_by_its_path(logger, tmp_path):
    numpy.save(tmp_path / "w.npy", numpy.ones(2))
    logger.log_artifact(tmp_path / "w.npy", "w")
    assert logger.load_model("w", using=numpy.load).tolist() == [1, 1]


def test_a_model_is_loaded_without_a_logger(logger, tmp_path):
    """R19: and what is no model as well."""
    model, other = net(), net()
    logger.save_model(model, "policy", metrics={"loss": 0.5}, best="loss", mode="min")
    numpy.save(tmp_path / "w.npy", numpy.ones(2))
    plain = logger.log_artifact(tmp_path / "w.npy", "w")
    run = Path(logger.scenario_dir)
    logger.close()
    before = files(run)
    assert artifacts.load(run, "policy", "best", into=other) is other
    assert same(other.state_dict(), model.state_dict())
    assert list(artifacts.load(run, "policy")) == list(model.state_dict())
    assert artifacts.load(run, "w", 0) == plain.entry
    assert artifacts.load(run, "w", using=numpy.load).tolist() == [1, 1]
    assert files(run) == before


def test_what_is_no_model_is_loaded_as_its_path(logger, tmp_path):
    """R19."""
    for name in "ab":
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / name).write_text(name)
    artifact = logger.log_artifact(tmp_path / "set")
    assert logger.load_model("set") == artifact.path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"into": {}}, "a module or an optimizer of torch"),
        ({"into": torch.nn.Linear}, "an object that is there already, got the class Linear"),
        ({"into": torch.nn.Linear(1, 1), "using": len}, "without using="),
        ({"using": "PPO"}, "such as PPO.load"),
        ({"into": torch.nn.Linear(1, 1)}, "holds no arrays for a module"),
    ],
)
def test_ways_of_loading_that_cannot_be(logger, options, said):
    logger.save_model(Writes(".zip"))
    with pytest.raises(SignalError, match=said):
        logger.load_model(**options)


class Evil:
    def __reduce__(self):
        return pytest.fail, ("this was unpickled",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Evil()),
        b"",
        b"\x10",
        b"\xff" * 100,
        (2**40).to_bytes(8, "little"),
        b"\x02" + bytes(7) + b"[]",
        b"\x04" + bytes(7) + b"null",
        b"\x09" + bytes(7) + b'{"a": {}}',
    ],
)
def test_what_is_no_file_of_arrays_is_an_error(tmp_path, content):
    """Never unpickled."""
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(LogFormatError, match="is no file of arrays"):
        weights.read(str(path))


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
        {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]},
        {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]},
        {"dtype": "F32", "shape": "ab", "data_offsets": [0, 8]},
        {"dtype": "O", "shape": [1], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2], "data_offsets": [0]},
        {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2], "data_offsets": ["0", "8"]},
    ],
)
def test_a_header_that_lies_is_an_error(tmp_path, entry):
    header = json.dumps({"a": entry}).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(LogFormatError, match="is no file of arrays"):
        weights.read(str(path))


def test_a_header_that_claims_bytes_twice_is_an_error(tmp_path):
    """Otherwise a small file fills the memory."""
    header = json.dumps(
        {str(number): {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]} for number in range(2)}
    ).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(LogFormatError, match="is no file of arrays"):
        weights.read(str(path))
