# Everything one does here, by name. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check faults bench lock fmt clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## Install into .venv (PYTHON=/path/to/python chooses the Python)
	@sh scripts/setup.sh

demo: setup ## Try it: everything on this machine, a phone in the browser, no account anywhere
	@exec .venv/bin/secondme up --demo

test: setup ## All tests (ARGS='tests/pipeline -x' go to pytest)
	@sh scripts/test.sh $(ARGS)

check: setup ## Format, lint, types, import contracts
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

faults: setup ## The long forms of tests (hours): faults, isolation, injection, fuzzing (ARGS as for test)
	.venv/bin/python -m pytest --long -m long $(ARGS)

bench: setup ## Measure it (PEERS=… compares)
	.venv/bin/secondme bench $(if $(PEERS),--peers $(PEERS)) $(foreach name,$(ONLY),--only $(name)) \
	  $(if $(JSON),--json $(JSON)) $(if $(MARKDOWN),--markdown $(MARKDOWN))

fmt: setup ## Format, and mend what can be mended
	.venv/bin/ruff check --fix-only -q .
	.venv/bin/ruff format .

lock: setup ## Make requirements.lock again from pyproject.toml (UPGRADE=1 takes newer versions)
	env -u UV_PYTHON .tools/bin/uv pip compile -q --universal --python-version 3.12 --generate-hashes \
	  --no-header --no-annotate --extra embedded --group dev $(if $(UPGRADE),--upgrade) \
	  -o requirements.lock pyproject.toml

clean: ## Remove .venv, .tools and caches; your data in .secondme/ stays
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .test-results dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
