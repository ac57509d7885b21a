# Everything runs in .venv, which `make setup` creates: with uv where it is installed, else with venv and pip.
# A newer Python than `python3` is named by `make PYTHON=python3.12 …`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# One thread for each library call: tests run on every core already.
export OPENBLAS_NUM_THREADS = 1

.DEFAULT_GOAL := help
.PHONY: help setup explore test check test-slow five-minutes docs bench bench-search constraints clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## create .venv and install Apollo in it

$(STAMP): pyproject.toml constraints.txt
	@if command -v uv >/dev/null 2>&1; then \
	  { [ -x $(BIN)/python ] || uv venv --quiet --python $(PYTHON) $(VENV); } && \
	  uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'; \
	else \
	  { [ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV); } && \
	  $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'; \
	fi
	@touch $@

explore: $(STAMP)  ## the main job: search accelerators for MobileNet V2 under 6.8 mm²
	$(BIN)/apollo explore mobilenet_v2 --optimizer evolutionary --trials 2000 --max-area 6.8 --study explore

test: check  ## all checks and the default tests
	$(BIN)/pytest -n auto

check: $(STAMP)  ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-slow: $(STAMP)  ## the long studies
	$(BIN)/pytest -n auto -m slow

five-minutes: $(STAMP)  ## those of the README, from a wheel in an empty environment
	$(BIN)/python -m tests.wheel.five_minutes

docs: $(STAMP)  ## the documentation as a site in build/docs, to read without a network
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs build/docs

bench: $(STAMP)  ## benchmarks: evaluations per second and where the time goes
	$(BIN)/python -m tests.benchmarks

bench-search: $(STAMP)  ## benchmarks: how good optimizers become and how long they take (half an hour)
	$(BIN)/python -m tests.benchmarks.search

constraints: $(STAMP)  ## recompile constraints.txt (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --extra dev --output-file constraints.txt pyproject.toml

clean:  ## remove the environment and caches
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis
