"""Sinks by name."""

import importlib
import importlib.metadata
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from l2logger import ConfigError
from l2logger.sinks.csv import CsvSink
from l2logger.sinks.every import Every
from l2logger.sinks.jsonl import JsonlSink
from l2logger.sinks.mean import Mean
from l2logger.sinks.memory import MemorySink
from l2logger.sinks.named import build, from_environment, parse, spell
from l2logger.sinks.only import Only, Without
from l2logger.sinks.prefix import Prefix
from l2logger.sinks.sink import Sink

DECLARED = {"console", "csv", "jsonl", "memory", "tensorboard", "wandb"}


class Probe(Sink):
    """Keep the options it was made with."""

    name = "probe"

    def __init__(self, project=None, *, tags=(), every=None, **more):
        self.given = {"project": project, "tags": tags, "every": every, **more}

    def options(self):
        return {key: value for key, value in self.given.items() if value not in (None, ())}


class Plain(Sink):
    """Have no options."""

    name = "plain"


class Picky(Sink):
    """Have an option that must be given, and check another."""

    name = "picky"

    def __init__(self, url, retries=3):
        if retries < 0:
            raise ConfigError(f"retries must be at least 0, got {retries}")
        self.rate = 1 / retries


@pytest.fixture(autouse=True)
def points(monkeypatch):
    """Declare the sinks of this module beside the real ones; a test may add more."""
    declared = []

    def declare(name, value, package="here"):
        point = importlib.metadata.EntryPoint(name, value, "l2logger.sinks")
        vars(point)["dist"] = SimpleNamespace(name=package)
        declared.append(point)

    for each in (Probe, Plain, Picky):
        declare(each.name, f"{__name__}:{each.__name__}")
    real = importlib.metadata.entry_points

    def entry_points(*, group):
        return [*real(group=group), *declared]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    return declare


def stack(sink):
    """Return the classes from the outermost to the innermost sink."""
    classes = [type(sink)]
    while sink := getattr(sink, "to", None):
        classes.append(type(sink))
    return classes


def given_to(config):
    (sink,) = build(config)
    return sink.given


# Configurations


@pytest.mark.parametrize(
    "config",
    [
        {"jsonl": {}, "csv": None},
        {"jsonl": None, "csv": {}},
        ["jsonl", "csv"],
        ("jsonl", "csv"),
        [{"jsonl": {}}, {"csv": None}],
        [{"name": "jsonl"}, {"name": "csv"}],
        ["jsonl", {"csv": {}}],
        ["jsonl,csv"],
        "jsonl,csv",
        yaml.safe_load("jsonl:\ncsv: {}\n"),
        yaml.safe_load("- jsonl\n- csv:\n"),
        yaml.safe_load("- name: jsonl\n- csv\n"),
        OmegaConf.create({"jsonl": None, "csv": {}}),
        OmegaConf.create(["jsonl", {"csv": {}}]),
    ],
    ids=str,
)
def test_a_configuration_is_a_mapping_a_list_or_a_text(config):
    """S3-1."""
    assert [type(sink) for sink in build(config)] == [JsonlSink, CsvSink]


@pytest.mark.parametrize("config", [None, {}, [], "", "  ", OmegaConf.create({}), OmegaConf.create([])], ids=repr)
def test_no_configuration_is_no_sinks(config):
    assert build(config) == []


def test_options_reach_the_constructor(tmp_path):
    """S3-1."""
    (sink,) = build({"csv": {"path": tmp_path / "x.csv", "spreadsheet_safe": True}})
    assert sink.options() == {"path": str(tmp_path / "x.csv"), "spreadsheet_safe": True}


def test_a_sink_may_be_there_twice():
    assert [type(sink) for sink in build([{"name": "csv", "path": "a.csv"}, {"csv": {"path": "b.csv"}}])] == [
        CsvSink
    ] * 2


def test_one_sink_may_be_given_with_its_name_among_the_options():
    assert given_to({"name": "probe", "project": "x"})["project"] == "x"


def test_an_option_may_be_called_name_as_well():
    assert given_to({"probe": {"name": "x"}})["name"] == "x"


def test_values_of_omegaconf_become_plain_ones():
    """S3-1: interpolated, and of no class of OmegaConf."""
    config = OmegaConf.create({"lr": 0.1, "sinks": {"probe": {"tags": ["a", {"b": "${lr}"}], "more": {"x": [1]}}}})
    given = given_to(config.sinks)
    assert (given["tags"], given["more"]) == (["a", {"b": 0.1}], {"x": [1]})
    assert (type(given["tags"]), type(given["tags"][1]), type(given["more"]["x"])) == (list, dict, list)


def test_a_value_that_omegaconf_cannot_give_is_an_error():
    with pytest.raises(ConfigError, match=r"cannot be read: Missing mandatory value: probe\.project"):
        build(OmegaConf.create({"probe": {"project": "???"}}))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (5, "sinks are configured by a mapping such as .* got int"),
        ([5, "csv"], "got a list of int, str"),
        ([["csv"]], "got a list of list"),
        ([MemorySink()], "got a list of MemorySink"),
        ({"csv": 5}, "'csv' needs a mapping of its options, .* got a int"),
        ({"csv": "a.csv"}, "got a str"),
        ({"csv": ["path"]}, "got a list"),
        ({"csv": {1: 2}}, "'csv' needs a mapping of its options"),
        ({3: {}}, "the sink 3 needs"),
    ],
    ids=str,
)
def test_what_is_no_configuration_is_refused(config, message):
    """F-014."""
    with pytest.raises(ConfigError, match=message):
        build(config)


# Names and options


def test_the_names_of_this_package_are_declared_as_entry_points(monkeypatch):
    monkeypatch.undo()
    own = importlib.metadata.distribution("l2logger").entry_points.select(group="l2logger.sinks")
    assert {point.name for point in own} == DECLARED


def test_an_unknown_name_is_refused_with_those_there_are():
    """F-014, S3-1."""
    with pytest.raises(ConfigError, match="no sink called 'tensorbord', did you mean 'tensorboard'") as caught:
        build({"tensorbord": {}})
    assert all(name in str(caught.value) for name in DECLARED)
    with pytest.raises(ConfigError, match=r"no sink called 'xyz'; there are console, csv"):
        build({"xyz": {}})


def test_a_copy_that_is_not_installed_says_so(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [])
    with pytest.raises(ConfigError, match="there are none, as l2logger itself is not installed"):
        build("console")


def test_an_unknown_option_is_refused_with_those_there_are():
    """F-014, S3-1."""
    message = (
        r"the sink 'csv' has no option 'pth', did you mean 'path'\?; it takes path, spreadsheet_safe, "
        "and like every sink only, without, mean, every, prefix, isolate"
    )
    with pytest.raises(ConfigError, match=message):
        build({"csv": {"pth": "x.csv"}})
    with pytest.raises(ConfigError, match="the sink 'plain' has no option 'x'; it has none of its own"):
        build("plain:x=1")


def test_no_sink_is_made_to_find_out_its_options(monkeypatch):
    monkeypatch.setattr(Plain, "__init__", lambda self: pytest.fail("it was made"))
    with pytest.raises(ConfigError, match="has no option"):
        build("plain:x=1")


def test_a_sink_that_takes_any_option_gets_it():
    assert given_to("probe:anything=1")["anything"] == 1


def test_a_missing_option_is_an_error():
    with pytest.raises(ConfigError, match="the sink 'picky': missing a required argument: 'url'"):
        build("picky")


def test_what_a_constructor_raises_is_told_with_the_name_of_the_sink():
    with pytest.raises(ConfigError, match="the sink 'picky': retries must be at least 0, got -1"):
        build("picky:url=x,retries=-1")
    with pytest.raises(ConfigError, match=r"the sink 'picky': ZeroDivisionError: division by zero"):
        build("picky:url=x,retries=0")


def test_an_error_does_not_show_the_values_of_options():
    """F-151."""
    for config in ({"csv": {"secret": "canary"}}, [{"plain": {"key": "canary"}}, 5], {"xyz": {"key": "canary"}}):
        with pytest.raises(ConfigError) as caught:
            build(config)
        assert "canary" not in str(caught.value)


def test_a_class_is_named_by_its_path():
    """S3-1."""
    assert [type(sink) for sink in build({"l2logger.sinks.memory.MemorySink": {}})] == [MemorySink]
    assert [type(sink) for sink in build("l2logger.sinks.csv.CsvSink:path=a.csv")] == [CsvSink]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.at_all.Sink", r"cannot be imported: ModuleNotFoundError"),
        ("l2logger.sinks.memory.Mistake", "cannot be imported: AttributeError"),
        ("a..b", "cannot be imported: ValueError"),
        (".", "cannot be imported"),
        ("os.getcwd", "'os.getcwd' is no subclass of l2logger.sinks.Sink"),
        ("l2logger.sinks.memory", "is no subclass of"),
        ("builtins.dict", "is no subclass of"),
    ],
)
def test_a_path_that_leads_to_no_sink_is_refused(path, message):
    with pytest.raises(ConfigError, match=message):
        build({path: {}})


def test_a_package_that_cannot_be_imported_is_named(points):
    points("lost", "no_such_module:LostSink", "l2logger-lost")
    with pytest.raises(
        ConfigError, match="the sink 'lost' of the package l2logger-lost cannot be imported: ModuleNotFound"
    ):
        build({"lost": {}})


def test_two_packages_with_the_same_name_are_named(points):
    points("csv", "other:CsvSink", "l2logger-other")
    with pytest.raises(
        ConfigError, match=r"called 'csv': l2logger \(l2logger.sinks.csv:CsvSink\), l2logger-other \(other:CsvSink\)"
    ):
        build({"csv": {}})


def test_the_same_sink_declared_twice_is_no_trouble(points):
    points("csv", "l2logger.sinks.csv:CsvSink", "l2logger-again")
    assert len(build({"csv": {}})) == 1


# Options of every sink


def test_wrappers_are_options_of_every_sink():
    """S3-5, S2-20, S4-11: chosen, averaged, thinned out and renamed in this order, whatever the order of the options."""
    options = {"prefix": "a", "every": 10, "only": ["l*"], "mean": 5, "without": "lr"}
    (sink,) = build({"memory": options})
    assert stack(sink) == [Only, Without, Mean, Every, Prefix, MemorySink]
    assert sink.options() == options


def test_an_option_of_the_sink_itself_comes_before_a_wrapper():
    (sink,) = build("probe:every=3,mean=2")
    assert stack(sink) == [Mean, Probe]
    assert sink.to.given["every"] == 3


def test_a_wrapper_may_be_switched_off():
    assert stack(build({"memory": {"every": None}})[0]) == [MemorySink]


def test_intervals_of_metrics_can_be_configured():
    """S4-11."""
    (sink,) = build({"memory": {"every": {"grad/*": 100, "*": "2s"}}})
    assert stack(sink) == [Every, MemorySink]


@pytest.mark.parametrize("option", ["every=0", "mean=x", "only=3", "without=[]", "prefix=../x"])
def test_what_a_wrapper_refuses_is_told_with_the_name_of_the_sink(option):
    with pytest.raises(ConfigError, match="the sink 'memory': "):
        build(f"memory:{option}")


def test_where_a_sink_runs_is_an_option():
    (sink,) = build("memory:isolate=process,every=2")
    assert (sink.isolate, sink.to.isolate) == ("process", "process")
    assert MemorySink.isolate != "process"
    with pytest.raises(ConfigError, match="isolate must be one of 'thread', 'process', 'none', got 'moon'"):
        build("memory:isolate=moon")


# Text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("console", [{"console": {}}]),
        ("console:", [{"console": {}}]),
        ("console,tensorboard", [{"console": {}}, {"tensorboard": {}}]),
        (" console , tensorboard ,", [{"console": {}}, {"tensorboard": {}}]),
        ("console:every=10,tensorboard", [{"console": {"every": 10}}, {"tensorboard": {}}]),
        ("wandb:project=x,mode=offline", [{"wandb": {"project": "x", "mode": "offline"}}]),
        ("a:x=1,b:y=2,z=3,c", [{"a": {"x": 1}}, {"b": {"y": 2, "z": 3}}, {"c": {}}]),
        ("csv,csv", [{"csv": {}}, {"csv": {}}]),
        ("a: x = 1 , y = b c ", [{"a": {"x": 1, "y": "b c"}}]),
        ("a:x=1.5,y=-2,z=1e3", [{"a": {"x": 1.5, "y": -2, "z": 1000.0}}]),
        ("a:x=true,y=False,z=null,n=None,t=TRUE", [{"a": {"x": True, "y": False, "z": None, "n": None, "t": "TRUE"}}]),
        ('a:x=["p","q,r"],y=[1,[2]]', [{"a": {"x": ["p", "q,r"], "y": [1, [2]]}}]),
        ('a:x={"p": [1, 2], "q": "}"},y=1', [{"a": {"x": {"p": [1, 2], "q": "}"}, "y": 1}}]),
        ('a:x="p,q=1:2", y="1"', [{"a": {"x": "p,q=1:2", "y": "1"}}]),
        ("a:url=http://x:80/?q=1,b", [{"a": {"url": "http://x:80/?q=1"}}, {"b": {}}]),
        ("a:x=[p,b", [{"a": {"x": "[p"}}, {"b": {}}]),
        ('a:x="p"q,b', [{"a": {"x": '"p"q'}}, {"b": {}}]),
        ("a:x=,y=", [{"a": {"x": "", "y": ""}}]),
        ("a:s.x=1,s.y.z=b", [{"a": {"s": {"x": 1, "y": {"z": "b"}}}}]),
        ("my.module.MySink:x=1", [{"my.module.MySink": {"x": 1}}]),
        ("a:x=NaN,y=Infinity,z=1e999,l=[NaN]", [{"a": {"x": "NaN", "y": "Infinity", "z": "1e999", "l": "[NaN]"}}]),
        ("a:x=1_000,y=0x1,z=٣", [{"a": {"x": "1_000", "y": "0x1", "z": "٣"}}]),
        ("a:only=loss*", [{"a": {"only": "loss*"}}]),
        ("", []),
        (" ,, ", []),
    ],
)
def test_text_names_sinks_with_options(text, expected):
    """S3-1."""
    assert parse(text) == expected


def test_a_value_that_no_reader_of_json_can_hold_is_text():
    (sink,) = parse("a:x=" + "9" * 5000)
    assert sink["a"]["x"] == "9" * 5000
    (sink,) = parse("a:x=" + "[" * 100_000)
    assert sink["a"]["x"] == "[" * 100_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("every=10", "every=... is an option without a sink"),
        ("console:every", "'every' has no value; options are written as in console:every=10"),
        ("console:tensorboard:x=1", "'tensorboard' has no value"),
        (":x=1", "no name of a sink before a colon"),
        ("a:=1", "is given twice, or is not a name"),
        ("a:x=1,x=2", "'x' is given twice"),
        ("a:x=1,x.y=2", "'x.y' is given twice"),
        ("a:x.y=1,x=2", "'x' is given twice"),
        ("a:x..y=1", "'x..y' is given twice, or is not a name"),
        ("a:x.=1", "'x.' is given twice, or is not a name"),
    ],
)
def test_text_that_names_no_sinks_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        parse(text)


options = st.dictionaries(
    st.from_regex("[a-z][a-z_]{0,8}", fullmatch=True),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


@given(st.lists(options, max_size=3))
@example(
    [{"a": "1", "b": "true", "c": " x ", "d": "", "e": "a,b=c:d", "f": "[1", "g": '"', "h": "\n\x1b\x85", "i": "[1]"}]
)
def test_what_is_spelled_is_parsed_back(each_options):
    """S3-1: and is one line that a terminal can show."""
    sinks = [Probe() for _ in each_options]
    for sink, its_options in zip(sinks, each_options, strict=True):
        sink.options = lambda its_options=its_options: its_options
    text = ",".join(map(spell, sinks))
    assert parse(text) == [{"probe": its_options} for its_options in each_options]
    assert text.isprintable()


@pytest.mark.parametrize(
    ("config", "spelled"),
    [
        ("memory", "memory"),
        ({"csv": {"path": "/a b.csv", "spreadsheet_safe": True}}, "csv:path=/a b.csv,spreadsheet_safe=true"),
        ({"memory": {"every": 10, "only": ["a", "b"]}}, 'memory:every=10,only=["a","b"]'),
        ({"memory": {"every": {"grad/*": 2}}}, 'memory:every={"grad/*":2}'),
    ],
    ids=str,
)
def test_a_sink_is_spelled_as_it_is_named(config, spelled):
    (sink,) = build(config)
    assert spell(sink) == spelled
    (again,) = build(shlex.split(shlex.quote(spelled))[0])
    assert (stack(again), again.options()) == (stack(sink), sink.options())


def test_a_sink_without_a_name_is_not_spelled():
    class Nameless(Sink):
        pass

    assert spell(Nameless()) == ""
    assert spell(Every(2, Nameless())) == ""


# The environment


def test_the_environment_adds_sinks(monkeypatch):
    """S3-1."""
    monkeypatch.setenv("L2LOGGER_SINKS", "memory:every=2,csv")
    assert [stack(sink) for sink in from_environment([])] == [[Every, MemorySink], [CsvSink]]


def test_the_environment_adds_no_sink_of_a_class_that_is_there(monkeypatch):
    monkeypatch.setenv("L2LOGGER_SINKS", "memory:every=2,csv,jsonl")
    present = [Mean(3, Every(2, MemorySink())), JsonlSink("elsewhere.jsonl")]
    assert [stack(sink) for sink in from_environment(present)] == [[CsvSink]]


@pytest.mark.parametrize("value", ["", "  ", None])
def test_an_empty_environment_adds_nothing(monkeypatch, value):
    monkeypatch.delenv("L2LOGGER_SINKS", raising=False)
    if value is not None:
        monkeypatch.setenv("L2LOGGER_SINKS", value)
    assert from_environment([]) == []


@pytest.mark.parametrize("value", ["nonsense", "every=1", "csv:pth=x"])
def test_errors_say_that_they_come_from_the_environment(monkeypatch, value):
    """F-014."""
    monkeypatch.setenv("L2LOGGER_SINKS", value)
    with pytest.raises(ConfigError, match="the environment variable L2LOGGER_SINKS: "):
        from_environment([])


def test_the_module_loads_nothing_heavy():
    script = "import sys, l2logger.sinks.named\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "importlib.metadata",
        "inspect",
        "pkgutil",
        "difflib",
        "dataclasses",
        "structlog",
        "numpy",
        "omegaconf",
        "asyncio",
    }
    assert heavy.isdisjoint(loaded)


def test_sinks_are_found_where_pyproject_says():
    import tomllib

    pyproject = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    declared = pyproject["project"]["entry-points"]["l2logger.sinks"]
    for name, value in declared.items():
        (sink,) = build({name: {}})
        module, _, attribute = value.partition(":")
        assert type(sink) is getattr(importlib.import_module(module), attribute)
        assert sink.name == name
