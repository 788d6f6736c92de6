# Two commands do everything on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
# PYTHON chooses the interpreter: make test PYTHON=python3.13

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
KILLS ?= 1000
MEDIA_KILLS ?= 300
MUTATIONS ?= 10000
# For the tests that train with Stable-Baselines3; without it (make test TORCH=) they are skipped. It is named, as the newest one
# may bring gigabytes of libraries for graphics cards.
TORCH ?= torch==2.13.0

.PHONY: help demo live test quick lint torture fuzz interop bench goldens docs clean

help:
	@echo "make demo     train on a real task, log it, show the log (about 30 s)"
	@echo "make live     the same with a live table, TensorBoard files and a W&B run (offline)"
	@echo "make test     linters, types and all tests"
	@echo "make quick    the tests without the slow ones"
	@echo "make torture  kill a logging process KILLS=$(KILLS) and MEDIA_KILLS=$(MEDIA_KILLS) times and count what is lost"
	@echo "make fuzz     read MUTATIONS=$(MUTATIONS) damaged logs and count what comes of it"
	@echo "make interop  let the original l2logger and l2metrics read what we write, and compare"
	@echo "make bench    speed and memory beside the original"
	@echo "make goldens  write the golden runs anew with the original"
	@echo "make docs     write the pages of the interface and of the command line anew"
	@echo "make clean    remove environments and caches"

demo: $(BIN)/.demo
	@$(BIN)/python examples/lifelong_cartpole.py

live: $(BIN)/.live
	@$(BIN)/python examples/lifelong_cartpole.py --live

test: lint
	@$(BIN)/python -m pytest -q --durations=5

quick: $(BIN)/.test
	@$(BIN)/python -m pytest -q -m "not slow"

lint: $(BIN)/.test
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "run '$(BIN)/ruff format .'"; exit 1; }
	@$(BIN)/mypy

torture: $(BIN)/.test
	@$(BIN)/python tests/torture.py --kills $(KILLS)
	@$(BIN)/python tests/torture_media.py --kills $(MEDIA_KILLS)

fuzz: $(BIN)/.test
	@$(BIN)/python tests/fuzz_reader.py --mutations $(MUTATIONS)

interop: $(BIN)/.test
	@$(BIN)/python -m pytest -q tests/interop

bench: $(BIN)/.test
	@$(BIN)/python benchmarks/write.py
	@$(BIN)/python benchmarks/read.py
	@$(BIN)/python benchmarks/mirrors.py
	@$(BIN)/python benchmarks/media.py

goldens: $(BIN)/.test
	@$(BIN)/python tests/golden/make.py

docs: $(BIN)/.test
	@$(BIN)/python docs/commands.py
	@$(BIN)/python docs/reference.py

clean:
	rm -rf $(VENV) .upstream-venv .l2metrics-venv .old-pandas-venv .pytest_cache .mypy_cache .ruff_cache .hypothesis dist

# An environment is made once, and installed into again when pyproject.toml changes.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "l2logger needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; try: make PYTHON=python3.11")'
	@echo "making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(BIN)/.demo: pyproject.toml | $(BIN)/python
	@echo "installing l2logger and what the examples need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[examples]"
	@touch $@

$(BIN)/.live: pyproject.toml | $(BIN)/python
	@echo "installing l2logger, what the examples need, TensorBoard and W&B ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[examples,tensorboard,wandb]" tensorboard
	@touch $@ $(BIN)/.demo

$(BIN)/.test: pyproject.toml | $(BIN)/python
	@echo "installing l2logger and what the tests need ..."
	@test -z "$(TORCH)" || $(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	@test -z "$(TORCH)" || $(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[sb3]"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	@touch $@ $(BIN)/.demo
