# `make retrain` and `make test` set up everything they need on first use. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
ARGS ?=

.PHONY: help setup retrain test test-slow check check-infra format parity bench prove up down kill clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(READY) ## the virtual environment, from the hashed lock

$(READY): requirements.lock pyproject.toml infra/setup.sh
	@infra/setup.sh $(VENV)

retrain: $(READY) ## the main job: raw images in, a promoted model version out (ARGS="--help" for its options)
	@$(VENV)/bin/unimed retrain $(ARGS)

test: $(READY) ## the tests, under 12 minutes on two cores
	@$(PY) -m pytest -m "not slow and not gpu" -n 2 --dist loadfile $(ARGS)

test-slow: $(READY) ## the slow set: kills, equal bytes, browser
	@$(PY) -m pytest -m "slow and not gpu" -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY) ## lint, format, types, import contract
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/lint-imports --no-cache
	@$(VENV)/bin/pyright

check-infra: $(READY) ## what can be known of infra/ without a cluster: linters from the package registry
	@infra/check.sh

format: $(READY) ## let ruff mend what it can
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

parity: $(READY) ## our network beside the published one, set by set (ARGS=--json for a file)
	@$(PY) -m tests.parity $(ARGS)

bench: $(READY) ## measurements against named peers, into bench.jsonl (ONLY=model for one)
	@$(PY) -m tests.benchmarks $(if $(ONLY),$(ONLY))

prove: $(READY) ## proofs that take long, each a program (ONLY=kill for one, ARGS its options)
	@$(PY) -m tests.proofs $(if $(ONLY),$(ONLY) $(ARGS))

up: $(READY) ## the MLflow and Prefect pages and a worker, in the foreground
	@$(VENV)/bin/unimed up

down: $(READY) ## end what `up --detach` started
	@$(VENV)/bin/unimed down

kill: ## kill the tiny run ten times at random moments and compare the weights with an unbroken run
	@$(MAKE) --no-print-directory prove ONLY=kill

clean: ## remove what runs made; the environment stays
	@rm -rf code.json dvc.lock data checkpoints training evaluation .unimed .dvc/cache .dvc/tmp
