# All that a person or CI types. Recipes hold no logic that a tool can't show by itself: look at the command.
PYTHON ?= python3.11
VENV := .venv
PY := $(VENV)/bin/python
# Airflow and the engine want different versions of the same packages.
AIRFLOW := .venv-airflow
# A set-up that saw the same locks is not repeated.
LOCKS := requirements/dev.txt requirements/airflow.txt requirements/jars.lock pyproject.toml
STAMP = $(VENV)/.setup-$(shell cat $(LOCKS) | cksum | tr ' ' '-')
SCALE ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup check test airflow-test cluster-test demo airflow bench clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv from the locks and fetch the jars; instant when nothing changed
	@test -e $(STAMP) || $(MAKE) --no-print-directory install

.PHONY: install
install:
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "setup: no Python 3.11 behind '$(PYTHON)'; install it, or name one: make setup PYTHON=/path/to/python3.11" >&2; exit 65; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "setup: $(PYTHON) has no venv module; install it (Debian: the package python3.11-venv)" >&2; exit 65; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@test -x $(AIRFLOW)/bin/python || $(PYTHON) -m venv $(AIRFLOW)
	@echo "setup: installing the locked packages (a minute or two the first time)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(AIRFLOW)/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/airflow.txt
	@$(AIRFLOW)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(PY) -m calve.standin.local.java
	@rm -f $(VENV)/.setup-*
	@touch $(STAMP)

check: setup ## Run every linter: style, types, import rules, SQL, YAML, spelling, budgets and docs
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy src/calve --exclude src/calve/airflow
	$(AIRFLOW)/bin/mypy src/calve/airflow
	$(VENV)/bin/lint-imports
	$(VENV)/bin/sqlfluff lint iceberg/views
	$(VENV)/bin/yamllint --strict .
	$(VENV)/bin/codespell
	$(VENV)/bin/pytest tests/repository

test: setup ## Run all tests
	@$(AIRFLOW)/bin/pytest -n 2 tests/orchestration tests/cluster_api tests/manifests
	@$(VENV)/bin/pytest -n 2

airflow-test: setup ## Run pipelines in the real Airflow, killed and back (7 minutes)
	@CALVE_TEST_AIRFLOW=1 $(VENV)/bin/pytest tests/airflow_for_real

cluster-test: setup ## Run the tests of Kubernetes and Airflow against a real API server (5 minutes; the first time Go builds it, 10 more)
	@CALVE_TEST_CLUSTER=1 $(AIRFLOW)/bin/pytest -n 2 -k "kube-apiserver or control_plane" tests/orchestration tests/cluster_api tests/cluster

demo: setup ## Run the whole story on this machine (SCALE=1: about 200,000 order lines)
	@SCALE=$(SCALE) $(VENV)/bin/calve demo

airflow: setup ## Start the real Airflow with the pipelines' DAGs on this machine, until Ctrl-C (CALVE_AIRFLOW_PORT)
	@SCALE=$(SCALE) $(PY) -m calve.standin.airflow

bench: setup ## Measure calve against its peers and print a table; wants a quiet machine (BENCH='--only staging')
	@$(PY) -m bench $(BENCH)

clean: ## End the local engine, remove its data and the tools' caches; .venv stays
	@test ! -e .calve/settings.json || $(VENV)/bin/calve local down --wipe
	@rm -rf .calve .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
