# Everything here works in a fresh clone: a virtual environment and the tools are made on first use.

PYTHON ?= python3
BIN := .venv/bin

# the programs are started thousands of times; a machine may say that none of them keeps what it compiled
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-down sandbox sandbox-down mesh mesh-down network-tools tools releases soak test check docs bench clean
.DEFAULT_GOAL := help

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/ready: requirements.txt constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements.txt
	# mypy finds the package under its own name
	mkdir -p .venv/types && ln -sfn ../../components .venv/types/mesh_federation
	touch $@

demo: .venv/ready ## the bookinfo example on two embedded clusters; run again: no change
	$(BIN)/python -m sandbox demo

demo-down: .venv/ready ## remove the demo, its clusters and its state
	$(BIN)/python -m sandbox down

sandbox: .venv/ready ## start two API servers with Istio's CRDs; says how to use them
	$(BIN)/python -m sandbox up

sandbox-down: .venv/ready ## stop them and remove everything they left
	$(BIN)/python -m sandbox down

mesh: .venv/ready network-tools ## a real mesh on the two clusters: istiod, sidecars, gateways; says how to use it
	$(BIN)/python -m sandbox.mesh up

mesh-down: .venv/ready ## remove the mesh and its clusters without a trace, also after a crash
	$(BIN)/python -m sandbox.mesh down

# what network namespaces take; a package each, and all but iptables are part of most systems
network-tools:
	@missing=; for tool in ip:iproute2 iptables:iptables setpriv:util-linux; do \
	    command -v $${tool%:*} > /dev/null || missing="$$missing $${tool#*:}"; \
	done; \
	[ -z "$$missing" ] || { [ "$$(id -u)" = 0 ] && apt-get update -qq && \
	    apt-get install -qq --yes --no-install-recommends $$missing; } || \
	    echo "the mesh needs these, as root: apt-get install$$missing" >&2

# first what starts API servers, then what judges by the clock; all else takes only the time that the latter leaves
CLUSTERS := (engine or sandbox or mesh)

test: check tools network-tools ## every check and every test, on real API servers, the real engine and a real mesh
	$(BIN)/pytest -m "$(CLUSTERS) and not quiet" --numprocesses 4 --dist loadfile --no-loadscope-reorder
	$(BIN)/pytest -m "quiet or not $(CLUSTERS)" --numprocesses 4 --dist loadfile --no-loadscope-reorder

# built before the tests, where one can see it: it takes some 12 minutes, once
tools: .venv/ready
	$(BIN)/python -m sandbox tools

releases: .venv/ready ## Istio's schemas per release, made again from Istio's own definitions
	$(BIN)/python -m sandbox.istio_releases

soak: .venv/ready network-tools ## every kind of update five times at 12 s, on an idle and on a busy istiod: the table of what was lost
	$(BIN)/python -m tests.traffic.soak

check: .venv/ready ## formatting, lint, types and import rules
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy -p mesh_federation
	$(BIN)/mypy __main__.py docs sandbox tests
	$(BIN)/lint-imports

docs: .venv/ready ## write the parts of the documentation that come from the code
	$(BIN)/python -m docs.generate

bench: .venv/ready ## the figures that the documentation quotes
	$(BIN)/python -m tests.bench

clean: ## remove the virtual environment; `make demo-down` removes running clusters
	rm -rf .venv build *.egg-info
