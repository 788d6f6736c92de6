"""What an import costs, and who may import whom."""

import ast
import functools
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import l2logger

PACKAGE = Path(l2logger.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
FACTS = {"l2logger.errors", "l2logger.schema"}
SHARED = (
    FACTS
    | {f"l2logger.{name}" for name in ("cells", "diagnostics", "info_files", "lock", "paths", "signals", "tail")}
    | {
        f"l2logger.{name}" for name in ("artifacts", "liveness", "manifest_file", "trees", "weights")
    }  # what is kept, as writers and readers see it
    | {f"l2logger.artifacts.{name}" for name in ("aliases", "contents", "loading", "stored", "version")}
    | {"l2logger"}
)
BRIDGE = {f"l2logger.{name}" for name in ("replay", "replayer", "course", "stored", "mirror", "commands.replay")}


@functools.cache
def imports(name: str) -> set[str]:
    """Return the modules of the package that a module imports at run time, on its top level or within functions."""
    found = set()
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    typing_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {each for each in found if each in MODULES}


@pytest.mark.parametrize(
    "what", ["import l2logger", "from l2logger import l2logger", "from l2logger import DataLogger"]
)
def test_importing_the_writer_loads_nothing_heavy(what):
    """Not even structlog, which is loaded by whoever puts one of its processors into the chain."""
    script = f"import sys\n{what}\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "numpy",
        "pandas",
        "duckdb",
        "click",
        "rich",
        "asyncio",
        "structlog",
        "dataclasses",
        "inspect",
        "typing_extensions",
    }
    assert heavy.isdisjoint(loaded)


def test_a_whole_run_needs_nothing_but_the_standard_library(tmp_path):
    """Every other package is hidden."""
    script = (
        "import sys; sys.path = [path for path in sys.path if 'site-packages' not in path]\n"
        f"sys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        "from l2logger import DataLogger\n"
        "logger = DataLogger(sys.argv[1], 'run', {'metrics_columns': ['reward']})\n"
        "logger.log_record(block_num=0, block_type='train', task_name='Task_a', task_params={}, exp_num=0, reward=1.0)\n"
        "print(len(DataLogger.join(logger.scenario_dir).columns))\n"
    )
    result = subprocess.run([sys.executable, "-I", "-S", "-c", script, str(tmp_path)], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("10\n", "")


def test_facts_import_nothing_of_the_package():
    for name in FACTS:
        assert imports(name) <= FACTS, name


def reached(*names: str) -> set[str]:
    """Return these modules and all that they import, directly or not."""
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += imports(name)
    return found


def test_the_planes_meet_only_in_the_facts_of_the_format():
    """The write plane imports no reader, the read plane no pipeline and no sink."""
    writing = reached("l2logger.l2logger", "l2logger.legacy")
    reading = reached("l2logger.cli", "l2logger.read", "l2logger.util", "l2logger.validate", "l2logger.aggregate")
    assert writing & reading <= SHARED


def test_replay_is_the_one_bridge_between_the_planes():
    sinks = {name for name in MODULES if name.startswith("l2logger.sinks.")}
    writing = (reached("l2logger.l2logger", "l2logger.legacy") | sinks) - SHARED
    reading = reached("l2logger.read", "l2logger.util", "l2logger.validate", "l2logger.follow") - SHARED
    both = {name for name in MODULES if reached(name) & writing and reached(name) & reading}
    assert both == BRIDGE


def test_processors_know_no_sinks_and_sinks_no_processors():
    for name in MODULES:
        if name.startswith("l2logger.processors"):
            assert not [each for each in imports(name) if each.startswith("l2logger.sinks")], name
        if name.startswith("l2logger.sinks"):
            assert not [each for each in imports(name) if each.startswith("l2logger.processors")], name


def test_nothing_imports_the_logger_but_the_edges():
    for name in MODULES:
        if "l2logger.l2logger" in imports(name):
            assert name in {"l2logger", "l2logger.configuration"}, name


@pytest.mark.parametrize("name", sorted(l2logger.__all__))
def test_public_names_are_there(name):
    assert getattr(l2logger, name).__name__ == name
    assert getattr(l2logger, name).__doc__


def test_public_names_are_sorted_and_known_to_dir():
    assert l2logger.__all__ == sorted(l2logger.__all__)
    assert set(l2logger.__all__) <= set(dir(l2logger))
    assert l2logger.__version__.startswith("2.")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Logger'"):
        l2logger.Logger  # noqa: B018
    with pytest.raises(AttributeError, match="has no attribute 'Logger'"):
        importlib.import_module("l2logger.l2logger").Logger  # noqa: B018


def test_the_legacy_writers_are_reachable_where_they_were():
    """S0-1, S0-2."""
    from l2logger import l2logger as module

    assert module.RLPerformanceLogger.__module__ == "l2logger.legacy"
    assert module.ClassifPerformanceLogger.__module__ == "l2logger.legacy"


def test_errors_of_records_are_runtime_errors():
    """Clients of the original catch RuntimeError."""
    assert issubclass(l2logger.RecordError, RuntimeError)
    assert issubclass(l2logger.SchemaError, l2logger.RecordError)
    assert issubclass(l2logger.ConfigError, RuntimeError)
    assert issubclass(l2logger.LogWriteError, OSError)


def test_an_error_of_a_file_pickles_with_its_place():
    import pickle

    error = l2logger.LogFormatError("no good", "a/b.tsv", 7, "exp_num")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "a/b.tsv:7 (exp_num): no good"
