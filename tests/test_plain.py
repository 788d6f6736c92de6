"""Sections of OmegaConf as plain values; other things are in test_signals.py."""

import pytest
from omegaconf import OmegaConf

from l2logger.configuration import from_config
from l2logger.errors import ConfigError, SignalError
from l2logger.plain import plain, resolved
from l2logger.sinks.wandb import WandbSink

BROKEN = [
    pytest.param({"a": {"b": "???"}}, r"cannot be resolved: a\.b: Missing mandatory value: b$", id="missing"),
    pytest.param({"a": {"b": "${c}"}}, r"cannot be resolved: a\.b: Interpolation key 'c' not found$", id="to nothing"),
    pytest.param({"a": "${b}", "b": "???"}, r"cannot be resolved: .*Missing mandatory value", id="to a missing one"),
    pytest.param({"a": "${b}", "b": "${a}"}, "cannot be resolved: ", id="in a circle"),
]


def test_references_are_resolved():
    assert plain({"x": OmegaConf.create({"a": 1, "b": ["${a}"]})}) == {"x": {"a": 1, "b": [1]}}


def test_what_is_no_section_stays_as_it_is():
    value = {"a": "${b}"}
    assert resolved(value) is value


@pytest.mark.parametrize(("section", "message"), BROKEN)
def test_what_cannot_be_resolved_is_an_error_of_the_signal(section, message):
    """S4-2: not one of a package that the caller may not know."""
    with pytest.raises(SignalError, match=message):
        plain({"config": OmegaConf.create(section)})


@pytest.mark.parametrize(("section", "message"), BROKEN)
def test_what_cannot_be_resolved_is_no_configuration_of_a_run(tmp_path, section, message):
    config = {
        "scenario": "x",
        "dir": str(tmp_path / "logs"),
        "metrics": ["reward"],
        "params": OmegaConf.create(section),
    }
    with pytest.raises(ConfigError, match=message):
        from_config(config)
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(("section", "message"), BROKEN)
def test_what_cannot_be_resolved_is_no_configuration_of_a_sink(section, message):
    with pytest.raises(ConfigError, match=message):
        WandbSink(config=OmegaConf.create(section))
