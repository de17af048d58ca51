# Teller: the two commands are `make up` and `make test`. `make help` lists all.

# The first interpreter that runs and is new enough; evaluated only where it is used. A file on PATH may be a shim that fails.
PYTHON ?= $(shell for candidate in python3.11 python3.12 python3.13 python3 $(HOME)/.pyenv/versions/3.1[1-3]*/bin/python3; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$candidate"; break; }; done)
BIN := .venv/bin
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.PHONY: help up down setup test lint bench asr-model clean python

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*##[[:space:]]*\(.*\)$$/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

up: python  ## set up what is missing and start everything; Ctrl-C stops it
	@$(PYTHON) -m app.setup --database
	@exec $(BIN)/teller up

down:  ## stop everything
	@test -x $(BIN)/teller || { echo "Teller is not set up here, so nothing runs"; exit 0; }; exec $(BIN)/teller down

setup: python  ## make the environments, the pages and the models, where they are missing or out of date
	@$(PYTHON) -m app.setup

test: python  ## set up what the tests need, then check and test everything
	@$(PYTHON) -m app.setup --dev
	@$(MAKE) --no-print-directory lint
	@$(BIN)/pytest

lint:  ## style, types and import rules, of Python and of the pages (after `make test` or `app.setup --dev`)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	npm --prefix web run --silent typecheck
	npm --prefix web run --silent test

bench: python  ## measure the figures of the README
	@$(PYTHON) -m app.setup --dev
	@$(BIN)/python -m bench

asr-model: python  ## make the bundled speech model anew, over days; resumable (docs/asr-model.md)
	@$(PYTHON) -m app.setup
	@$(BIN)/python -m asr.training.environment

clean: python  ## remove what set-up made; the data in var stays
	@$(PYTHON) -m app.setup --clean

python:
	@test -n "$(PYTHON)" || { echo "No working Python of 3.11 or newer: install python3.11 and python3-venv, or set PYTHON=" >&2; exit 1; }
