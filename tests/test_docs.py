"""The documentation is true: its code runs, its links lead somewhere, its commands exist."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from l2logger.signals import Signal

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


README_BLOCKS = blocks(ROOT / "README.md")


@pytest.mark.parametrize("block", README_BLOCKS, ids=range(len(README_BLOCKS)))
def test_a_block_of_the_readme_runs_as_it_is_pasted(block, tmp_path):
    if "stable_baselines3" in block:
        pytest.importorskip("stable_baselines3")
        block = block.replace("import gymnasium", "import warnings; import gymnasium; warnings.simplefilter('default')")
    command = [sys.executable, "-W", "error", "-c", block]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout
    runs = tmp_path / "logs"
    assert [*runs.glob("*/*/*/data-log.tsv"), *runs.glob("*/signals/*.jsonl")]


@pytest.mark.parametrize("block", blocks(ROOT / "docs" / "signals.md"))
def test_a_block_of_the_page_on_signals_runs_as_it_is_pasted(block, tmp_path):
    command = [sys.executable, "-W", "error", "-c", block]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_sink_of_the_page_on_mirrors_is_one():
    (block,) = blocks(ROOT / "docs" / "mirrors.md")
    names: dict = {}
    exec(block, names)
    sink = names["WebhookSink"]("http://127.0.0.1:9")
    assert sink.options() == {"url": "http://127.0.0.1:9"}
    with pytest.raises(OSError, match="refused"):
        sink.open(None) or sink.write(Signal("record", {"reward": 1.0}))


def test_the_readme_begins_with_code_that_is_ten_lines_long():
    assert len(README_BLOCKS[0].strip().splitlines()) <= 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_page_of_the_interface_is_up_to_date():
    """``python docs/reference.py`` writes it; it needs all packages of which the page tells."""
    pytest.importorskip("stable_baselines3")
    page = runpy.run_path(str(ROOT / "docs" / "reference.py"))["page"]
    assert (ROOT / "docs" / "interface.md").read_text(encoding="utf-8") == page()


def test_make_lists_every_command():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()) - {"help"}
    listed = set(re.findall(r'@echo "make (\w+) ', makefile))
    assert commands - {"lint"} == listed


@pytest.mark.skipif(not os.path.exists("/usr/bin/make"), reason="make is not installed")
def test_commands_named_in_the_documentation_exist():
    for page in PAGES:
        for command in re.findall(r"`make (\w+)`", page.read_text(encoding="utf-8")):
            result = subprocess.run(["make", "-n", command], capture_output=True, text=True, cwd=ROOT)
            assert result.returncode == 0, command


def test_nothing_is_left_to_be_filled_in():
    for page in PAGES:
        assert not re.findall(r"BENCH_|READ_SECS|TODO|FIXME|XXX", page.read_text(encoding="utf-8")), page
