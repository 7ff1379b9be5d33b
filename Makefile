# Everything here works in a fresh clone: a virtual environment and the tools are made on first use.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo demo-down sandbox sandbox-down test check bench clean
.DEFAULT_GOAL := help

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/ready: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements.txt
	# mypy finds the package under its own name
	mkdir -p .venv/types && ln -sfn ../../components .venv/types/mesh_federation
	touch $@

demo: .venv/ready ## the article's example on two embedded clusters; run again: no change
	$(BIN)/python -m sandbox demo

demo-down: .venv/ready ## remove the demo, its clusters and its state
	$(BIN)/python -m sandbox down

sandbox: .venv/ready ## start two API servers with Istio's CRDs; says how to use them
	$(BIN)/python -m sandbox up

sandbox-down: .venv/ready ## stop them and remove everything they left
	$(BIN)/python -m sandbox down

test: check ## every check and every test, on real API servers and the real engine
	$(BIN)/pytest

check: .venv/ready ## formatting, lint, types and import rules
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy -p mesh_federation
	$(BIN)/mypy __main__.py sandbox tests
	$(BIN)/lint-imports

bench: .venv/ready ## the figures that the README quotes
	$(BIN)/python -m tests.bench

clean: ## remove the virtual environment; `make demo-down` removes running clusters
	rm -rf .venv build *.egg-info
