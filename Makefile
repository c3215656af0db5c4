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
HELM ?= $(shell command -v helm || echo go run helm.sh/helm/v3/cmd/helm@v3.19.5)

.DEFAULT_GOAL := help
.PHONY: help debian setup check test airflow-test cluster-test e2e demo airflow bench images images-test push deploy contract-diff \
	comment secrets advisories clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

debian: ## Install what a new Debian machine of CI lacks; as root
	@apt-get update -qq
	@DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3.11-venv chromium curl >/dev/null

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
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.gitlab-ci .gitlab-ci.yml
	$(VENV)/bin/codespell
	$(VENV)/bin/pytest tests/repository

test: setup ## Run all tests
	@$(AIRFLOW)/bin/pytest -n 2 tests/orchestration tests/cluster_api tests/manifests
	@$(VENV)/bin/pytest -n 2

airflow-test: setup ## Run pipelines in the real Airflow, killed and back (7 minutes)
	@CALVE_TEST_AIRFLOW=1 $(VENV)/bin/pytest tests/airflow_for_real

cluster-test: setup ## Run what is asked of Kubernetes, and the chart, against a real API server (8 minutes; the first time Go builds it, 15 more)
	@CALVE_TEST_CLUSTER=1 $(AIRFLOW)/bin/pytest -n 2 -k "kube-apiserver or control_plane" tests/orchestration tests/cluster_api tests/cluster
	@CALVE_TEST_CLUSTER=1 $(AIRFLOW)/bin/pytest -n 2 tests/charts

e2e: setup ## Run the pipelines in a real cluster on this machine, a driver killed on the way (Linux, root, Go)
	@CALVE_TEST_CLUSTER=1 $(AIRFLOW)/bin/pytest tests/cluster/test_a_node_leaves_nothing.py tests/cluster/test_a_node_runs_pods.py tests/cluster/e2e

demo: setup ## Run the whole story on this machine (SCALE=1: about 200,000 order lines)
	@SCALE=$(SCALE) $(VENV)/bin/calve demo

airflow: setup ## Start the real Airflow with the pipelines' DAGs on this machine, until Ctrl-C (CALVE_AIRFLOW_PORT)
	@SCALE=$(SCALE) $(PY) -m calve.standin.airflow

bench: setup ## Measure calve against its peers and print a table; wants a quiet machine (BENCH='--only staging')
	@$(PY) -m bench $(BENCH)

images: setup ## Build the images by Docker, each under a tag that names its content
	@PYTHONPATH=tests $(PY) -m cluster.docker_engine $(PY) -m images.build

images-test: setup ## Try the images: what they hold, and that they run (10 minutes)
	@CALVE_TEST_CLUSTER=1 $(VENV)/bin/pytest tests/images

push: setup ## Push the images that are built (REGISTRY=registry.example.org/team)
	@PYTHONPATH=tests $(PY) -m cluster.docker_engine $(PY) -m images.build --push $(REGISTRY)

deploy: setup ## Install or upgrade a release (NAMESPACE=calve-dev VALUES=file REGISTRY=…; asks the cluster of KUBECONFIG)
	@$(HELM) upgrade --install calve charts/calve --namespace $(NAMESPACE) --values $(VALUES) --wait --timeout 15m \
		$(shell $(PY) -m images.build --helm $(REGISTRY))

contract-diff: setup ## Write what differs from the contracts of BASE=origin/main to build/contract-diff.md
	@rm -rf build/base && mkdir -p build/base
	@git archive $(BASE) iceberg spark_apps | tar -x -C build/base
	@$(VENV)/bin/calve diff build/base --markdown | tee build/contract-diff.md

comment: ## Add FILE as a comment to the merge request of a GitLab job
	@curl --fail --silent --show-error --output /dev/null --header "PRIVATE-TOKEN: $$CALVE_REVIEW_TOKEN" \
		--data-urlencode "body@$(FILE)" \
		"$$CI_API_V4_URL/projects/$$CI_PROJECT_ID/merge_requests/$$CI_MERGE_REQUEST_IID/notes"

secrets: ## Look for secrets in all commits; wants Go
	@go run github.com/zricethezav/gitleaks/v8@v8.30.0 git . --redact --no-banner

advisories: ## Say what is known against the locked packages; wants the package index's advisories
	@test -x .venv-audit/bin/pip-audit || $(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/audit.txt
	@for lock in engine airflow; do .venv-audit/bin/pip-audit --disable-pip --require-hashes -r requirements/$$lock.txt || exit; done

clean: ## End the local engine, remove its data and the tools' caches; .venv stays
	@test ! -e .calve/settings.json || $(VENV)/bin/calve local down --wipe
	@rm -rf .calve .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
