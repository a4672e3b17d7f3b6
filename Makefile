# make run · make test · make check · make lock · make bench · make faults
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check --no-input -q

# `make run` installs only what running needs; development adds its own tools on top.
RUN_STAMP := $(VENV)/.run-stamp
DEV_STAMP := $(VENV)/.dev-stamp

.PHONY: run test check lock faults bench format clean
.DEFAULT_GOAL := run

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

run: $(RUN_STAMP)
	@exec $(BIN)/rollcall run

test: $(DEV_STAMP)
	$(BIN)/python -m pytest $(ARGS)

check: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_architecture.py

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV_STAMP)
	$(BIN)/python -m bench $(ARGS)

# Every call that can fail, one after the other; `make test` tries a spread of them.
faults: $(DEV_STAMP)
	ROLLCALL_ALL_FAULTS=1 $(BIN)/python -m pytest -q tests/db/faults $(ARGS)

LOCK := $(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links \
	--strip-extras --no-header --allow-unsafe pyproject.toml
lock: $(DEV_STAMP)
	$(LOCK) -o requirements.lock --upgrade --extra install
	$(LOCK) -o requirements-dev.lock --upgrade --extra install --extra dev --extra bench -c requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
