# Runs the main job, the tests and the checks from a fresh checkout: needs Python 3.11+ and make, nothing else.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
ARGS ?=
LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate

.PHONY: demo test lint live bench screenshots lock clean help

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## A local stack with live traffic: the console on a terminal, a table and the accounting without one
	@$(BIN)/leadsctl demo $(ARGS)

test: $(VENV)/.test ## All tests, on real servers; those on Docker run when an engine answers
	@$(BIN)/python -m pytest -n 3 --dist loadfile $(ARGS)

live: $(VENV)/.test ## Only the tests on a Docker Engine
	@$(BIN)/python -m pytest -m docker $(ARGS)

lint: $(VENV)/.test ## ruff, mypy strict, layering
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: $(VENV)/.test ## Benchmarks, beside a peer in the same run
	@$(BIN)/python -m tests.bench $(ARGS)

screenshots: $(VENV)/.test ## Take the pictures in .github/screens from a running demo
	@$(BIN)/python -m tests.screenshots

lock: $(VENV)/.test ## Write the three hashed locks anew
	@$(LOCK) --extra local -o requirements.lock pyproject.toml
	@$(LOCK) --extra dev -c requirements.lock -o tests/requirements.lock pyproject.toml
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["server"], sep="\n")' \
		| $(LOCK) -c requirements.lock -o compose/requirements.lock -

clean: ## Remove what was installed and cached here
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "make: Python 3.11 or later with venv is needed (Debian: apt install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) ..." >&2
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps -e .
	@touch $@

$(VENV)/.test: tests/requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) ..." >&2
	@$(PIP) install --require-hashes -r tests/requirements.lock
	@$(PIP) install --no-deps -e .
	@touch $@ $(VENV)/.run
