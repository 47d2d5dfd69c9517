# Groundswell's commands. Nothing but Python 3.11+, git and make has to be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
REPO ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run test soak check format lock bench clean

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: $(READY) ## a virtual environment from the hashed lock

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Groundswell needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try make PYTHON=python3.12"; exit 2; }
	@echo "setting up $(VENV)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true # some packages have files for other Pythons
	@$(BIN)/python -m compileall -q -j 0 services shared cli deploy tests/support
	@touch $@

run: $(READY) ## a large wave on the bundled example, or a wave on REPO=path
ifeq ($(REPO),)
	@$(BIN)/groundswell example .example/shop --keep
	@$(BIN)/groundswell run .example/shop $(or $(ARGS),--size large)
else
	@$(BIN)/groundswell run "$(REPO)" $(ARGS)
endif

# Tests wait a lot: for servers, for processes that are killed, for re-deliveries.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')

test: $(READY) ## every test
	@$(BIN)/pytest -n $(WORKERS) --durations 25 $(ARGS)

soak: $(READY) ## all random rounds of landing, rollback and kill -9, hostile trees and patches (minutes)
	@GROUNDSWELL_HOSTILE_TREES=2000 $(BIN)/pytest tests/unit/targets/test_hostile_trees.py $(ARGS)
	@GROUNDSWELL_PATCHES=10000 $(BIN)/pytest -n $(WORKERS) tests/unit/validator/git/test_patch_mutations.py $(ARGS)
	@GROUNDSWELL_ROUNDS=200 $(BIN)/pytest -n $(WORKERS) tests/chaos/test_rounds.py $(ARGS)

check: $(READY) ## format, lint, types, import rules
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff --quiet .; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(READY) ## format, and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(READY) ## new hashed locks, without index URLs
	@$(BIN)/python -m deploy.lock

bench: $(READY) ## every benchmark, and docs/benchmarks.md from them
	@$(BIN)/python -m bench.all $(ARGS)

clean: ## everything that was made here
	rm -rf $(VENV) .example build *.egg-info .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
