# Every target works in a fresh clone: it makes .venv first if that is missing or out of date.
HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help serve test test-numpy check bench openapi sdk test-sdk test-lab test-docker fuzz golden lock assets clean
.DEFAULT_GOAL := help

help: ## Show the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

serve: $(VENV)/.run ## Serve on HOST:PORT, 127.0.0.1:8000 unless told otherwise
	FANIN_HOST=$(HOST) FANIN_PORT=$(PORT) $(BIN)/python -m service

test: $(VENV)/.develop ## Run the tests
	$(BIN)/pytest

test-numpy: $(VENV)-numpy/.develop ## Run the tests of the numbers and of the formats without Numba
	$(VENV)-numpy/bin/python -c 'from service.numerics.sampler import TWIN; assert TWIN == "numpy", TWIN'
	$(VENV)-numpy/bin/pytest tests/numerics tests/formats tests/test_tensor.py

test-docker: $(VENV)/.develop ## Run the tests of images, Compose, Swarm and Kubernetes; needs Docker
	deploy/with-engine $(BIN)/pytest deploy/tests -rA --no-header

check: $(VENV)/.develop ## Check style, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.develop ## Measure speed, memory and latency, each against a peer or a limit
	$(BIN)/python -m benchmarks

openapi: $(VENV)/.develop ## Rewrite openapi/openapi.json from the app
	$(BIN)/python -m openapi.write

sdk: $(VENV)/.sdk openapi/node_modules/.package-lock.json ## Generate an SDK into openapi/sdk: make sdk FOR=go
	$(BIN)/python -m openapi.sdk $(FOR)

test-sdk: $(VENV)/.sdk openapi/node_modules/.package-lock.json ## Generate, compile and run a client in each language
	$(BIN)/pytest --durations=0 openapi

test-lab: $(VENV)/.sdk $(VENV)/.lab ## Run the tests of the page at / in a real browser
	$(BIN)/mypy tests/lab
	$(BIN)/pytest tests/lab

EXAMPLES ?= 300
fuzz: $(VENV)/.fuzz ## Send EXAMPLES requests to each operation, 300 unless told otherwise
	$(BIN)/python -m openapi.fuzz $(EXAMPLES)

golden: $(VENV)/.develop ## Rewrite the frozen digests; CHANGELOG must say why they changed
	$(BIN)/python -m tests.golden

LOCK = $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	--python-version 3.11 --upgrade
lock: | $(BIN)/python ## Pin the newest versions of all dependencies, with hashes
	$(BIN)/pip install --quiet uv
	$(LOCK) pyproject.toml --extra fast -o requirements-fast.txt
	$(LOCK) pyproject.toml -c requirements-fast.txt -o requirements.txt
	$(LOCK) pyproject.toml --group develop -c requirements-fast.txt -o requirements-develop.txt
	for group in sdk fuzz lab; do $(LOCK) --group $$group -c requirements-develop.txt -o requirements-$$group.txt; done
	cd openapi && PATH="$(CURDIR)/$(BIN):$$PATH" npm install --package-lock-only --ignore-scripts

EXPLORER := 2.4.820
EXPLORER_SHA256 := 6bb3f4f29b0d740f1fc0970cd4245e01d2c1346df5a26ecd20a2f7a5dda5f837
D3 := 7.9.2
D3_SHA256 := 912111098ea99503a6f4967361d2bbdc9dbf58cf9c678c8e27e5b02d1a07f0c1
# $(call asset,package,version,file,SHA-256,folder): the file, and its license beside it
define asset
	cd $$(mktemp -d) && npm pack --silent $(1)@$(2) && tar xzf *.tgz && echo "$(4)  package/$(3)" | sha256sum --check \
		&& cp package/$(3) $(CURDIR)/service/web/$(5)/ && cp package/LICENSE $(CURDIR)/service/web/$(5)/$(1).LICENSE.txt
endef
assets: ## Fetch the scripts of /docs and / again, at their pinned versions and digests
	$(call asset,openapi-explorer,$(EXPLORER),dist/browser/openapi-explorer.min.js,$(EXPLORER_SHA256),static)
	$(call asset,d3,$(D3),dist/d3.min.js,$(D3_SHA256),static/lab)

clean: ## Remove what was made
	rm -rf $(VENV) $(VENV)-numpy openapi/sdk openapi/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

%/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fanin needs Python 3.11 or newer: make PYTHON=python3.13")'
	$(PYTHON) -m venv $*

INSTALL = pip install --quiet --disable-pip-version-check --require-hashes
$(VENV)/.run: requirements-fast.txt | $(BIN)/python
	$(BIN)/$(INSTALL) -r requirements-fast.txt
	touch $@

$(VENV)/.develop: requirements-fast.txt requirements-develop.txt | $(BIN)/python
	$(BIN)/$(INSTALL) -r requirements-fast.txt -r requirements-develop.txt
	touch $@ $(VENV)/.run

$(VENV)-numpy/.develop: requirements-develop.txt | $(VENV)-numpy/bin/python
	$(VENV)-numpy/bin/$(INSTALL) -r requirements-develop.txt
	touch $@

$(VENV)/.sdk $(VENV)/.fuzz $(VENV)/.lab: $(VENV)/.%: requirements-%.txt $(VENV)/.develop
	$(BIN)/$(INSTALL) -r requirements-$*.txt
	touch $@

openapi/node_modules/.package-lock.json: openapi/package-lock.json | $(VENV)/.sdk
	cd openapi && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --no-audit --no-fund
	touch $@
