# One command per chore. Everything runs in .venv, made here from any Python 3.11 or newer; PYTHON=… chooses one.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3; do \
	command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { command -v $$name; break; }; done)
BIN := .venv/bin
PYTEST_ARGS ?=

.PHONY: help demo test lint check-readme bench nightly clean
.DELETE_ON_ERROR:

help:
	@echo 'make demo    build a sloppy image from this Python, make it small, show that it still answers (no Docker needed)'
	@echo 'make test    lint, README check and all tests; tests of engines are skipped where there is no engine'
	@echo 'make lint    ruff, mypy --strict, import directions'
	@echo 'make bench   build the benchmark images, optimize and probe them (Docker needed)'
	@echo 'make nightly measure, keep, draw and judge what a night does (docs/nightly.md); NIGHTLY_PROFILE=smoke, quick, full'
	@echo 'make clean   remove what the other commands made in this checkout'

# The version in the stamps' directory makes a changed Python show up as a missing environment.
.venv/bin/python:
	@test -n "$(PYTHON)" || { echo 'slimml needs Python 3.11 or newer; none is on PATH (PYTHON=/path/to/python make …)'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
	  '$(PYTHON) cannot make virtual environments: its venv or ensurepip is missing (Debian, Ubuntu: apt install python3-venv)'; exit 1; }
	$(PYTHON) -m venv .venv

# pip's packages are installed again only when pyproject.toml changed.
.venv/demo.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

.venv/dev.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,demo,charts,history,explore]'
	@touch $@

demo: .venv/demo.stamp
	$(BIN)/slimml demo

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

check-readme: .venv/dev.stamp
	$(BIN)/python scripts/check_readme.py

# What measures time or runs engines has the machine to itself.
ALONE := tests/integration tests/bench tests/benchmarks tests/engine

test: lint check-readme
	$(BIN)/python -m pytest -n logical --dist loadfile $(ALONE:%=--ignore=%) $(PYTEST_ARGS)
	$(BIN)/python -m pytest $(ALONE) $(PYTEST_ARGS)

bench: .venv/dev.stamp
	$(BIN)/python benchmarks/images/build.py
	$(BIN)/python benchmarks/images/measure.py

# Docker is not needed; NIGHTLY_ARGS takes the options of the script.
nightly: .venv/dev.stamp
	$(BIN)/python benchmarks/nightly/run.py $(NIGHTLY_ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find slimml tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +
