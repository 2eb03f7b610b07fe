# Every target works in a fresh clone: it makes .venv first if that is missing or out of date.
HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Before a command of Node's: the pinned Node is in the environment of Python.
NODE := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: help serve test test-numpy check bench soak openapi dist sdk test-sdk test-lab test-docker fuzz pages pictures golden lock assets clean
.DEFAULT_GOAL := help

help: ## Show the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

serve: $(VENV)/.run ## Serve on HOST:PORT, 127.0.0.1:8000 unless told otherwise
	@$(BIN)/python -m service serve --host $(HOST) --port $(PORT)

test: $(VENV)/.develop ## Run the tests, and show what of the service they run
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-numpy: $(VENV)-numpy/.develop ## Run the tests of the numbers and of the formats without Numba
	$(VENV)-numpy/bin/python -c 'from service.numerics.recipe.backend import BACKEND; assert BACKEND == "numpy", BACKEND'
	$(VENV)-numpy/bin/pytest tests/numerics tests/initializers tests/files tests/tensors

test-docker: $(VENV)/.develop ## Run the tests of images, Compose, Swarm and Kubernetes; needs Docker
	deploy/with-engine $(BIN)/pytest deploy/tests -rA --no-header

check: $(VENV)/.develop ## Check style, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.develop ## Measure speed, memory and latency, each against a peer or a limit
	$(BIN)/python -m benchmarks

SECONDS ?= 1800
soak: $(VENV)/.develop ## Run three replicas among crowds and faults for SECONDS, half an hour unless told otherwise
	$(BIN)/python -m soak $(SECONDS)

openapi: $(VENV)/.develop ## Rewrite openapi/openapi.json from the app
	$(BIN)/python -m openapi.write

sdk: $(VENV)/.sdk openapi/node_modules/.package-lock.json ## Generate an SDK into openapi/sdk: make sdk FOR=go
	$(BIN)/python -m openapi.sdk $(FOR)

test-sdk: $(VENV)/.sdk openapi/node_modules/.package-lock.json ## Generate, compile and run a client in each language
	$(BIN)/pytest --durations=0 openapi

test-lab: $(VENV)/.lab tests/lab/node_modules/.package-lock.json ## Check the page at /, and test it in a real browser
	$(BIN)/mypy tests/lab
	$(NODE) tests/lab/node_modules/.bin/eslint --config tests/lab/eslint.config.js service/web/static/lab
	$(NODE) tests/lab/node_modules/.bin/tsc --project tests/lab
	$(BIN)/pytest tests/lab

# How PyTorch is installed: a build for CPUs is enough.
TORCH_INSTALL ?= torch==2.13.0
.PHONY: test-models
test-models: $(VENV)-models/.models ## Compare families of models with their libraries, and put weights into models of PyTorch, JAX and Keras
	$(VENV)-models/bin/pytest tests/models --durations=5
	@cat $(VENV)-models/.models

.PHONY: test-zarr
test-zarr: $(VENV)-zarr/.zarr tests/zarr/node_modules/.package-lock.json ## Have readers of Zarr stores read the service's
	$(VENV)-zarr/bin/pytest tests/zarr --durations=5

EXAMPLES ?= 300
fuzz: $(VENV)/.fuzz ## Send EXAMPLES requests to each operation, 300 unless told otherwise
	$(BIN)/python -m openapi.fuzz $(EXAMPLES)

pages: $(VENV)/.develop ## Render README and docs/ anew, for /docs/
	$(BIN)/python -m harness.pages

pictures: $(VENV)/.develop ## Draw the pictures of README anew
	$(BIN)/python -m harness.pictures

golden: $(VENV)/.develop ## Rewrite the frozen digests; CHANGELOG must say why they changed
	$(BIN)/python -m tests.golden

LOCK = $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet \
	--python-version 3.11 --upgrade
lock: | $(BIN)/python ## Pin the newest versions of all dependencies, with hashes
	$(BIN)/pip install --quiet uv
	$(LOCK) pyproject.toml --extra fast -o requirements/fast.txt
	$(LOCK) pyproject.toml -c requirements/fast.txt -o requirements/run.txt
	$(LOCK) pyproject.toml --group develop -c requirements/fast.txt -o requirements/develop.txt
	for group in sdk fuzz lab; do $(LOCK) --group $$group -c requirements/develop.txt -o requirements/$$group.txt; done
	for folder in openapi tests/lab tests/zarr; do (cd $$folder && $(NODE) npm install --package-lock-only --ignore-scripts) || exit; done
	$(LOCK) --group zarr -c requirements/develop.txt -o requirements/zarr.txt
	$(LOCK) --group models -c requirements/develop.txt -o requirements/models.txt

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

# As installers do: the wheel is built from the source distribution, with the locked setuptools.
dist: $(VENV)/.develop ## Build a source distribution and a wheel in dist/
	rm -rf dist
	$(BIN)/python -c 'from setuptools import build_meta; build_meta.build_sdist("dist")' >/dev/null
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation --wheel-dir dist dist/*.tar.gz
	@ls -l dist

clean: ## Remove what was made
	rm -rf $(VENV) $(VENV)-numpy $(VENV)-models $(VENV)-zarr dist fanin.egg-info openapi/sdk openapi/node_modules tests/lab/node_modules \
		tests/zarr/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage*

%/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fanin needs Python 3.11 or newer: make PYTHON=python3.13")'
	$(PYTHON) -m venv $*

INSTALL = pip install --quiet --disable-pip-version-check --require-hashes
$(VENV)/.run: requirements/fast.txt | $(BIN)/python
	$(BIN)/$(INSTALL) -r requirements/fast.txt
	touch $@

$(VENV)/.develop: requirements/fast.txt requirements/develop.txt | $(BIN)/python
	$(BIN)/$(INSTALL) -r requirements/fast.txt -r requirements/develop.txt
	touch $@ $(VENV)/.run

$(VENV)-numpy/.develop: requirements/develop.txt | $(VENV)-numpy/bin/python
	$(VENV)-numpy/bin/$(INSTALL) -r requirements/develop.txt
	touch $@

# All that the libraries need beside PyTorch is in the lock file, so pip is to add nothing.
$(VENV)-models/.models: requirements/fast.txt requirements/develop.txt requirements/models.txt | $(VENV)-models/bin/python
	start=$$(date +%s) && $(VENV)-models/bin/pip install --quiet --disable-pip-version-check $(TORCH_INSTALL) \
		&& $(VENV)-models/bin/$(INSTALL) -r requirements/fast.txt -r requirements/develop.txt \
		&& $(VENV)-models/bin/$(INSTALL) --no-deps -r requirements/models.txt \
		&& echo "$(VENV)-models: $$(du -sh $(VENV)-models | cut -f1), made in $$(($$(date +%s) - start)) s" >$@

$(VENV)-zarr/.zarr: requirements/fast.txt requirements/develop.txt requirements/zarr.txt | $(VENV)-zarr/bin/python
	$(VENV)-zarr/bin/$(INSTALL) -r requirements/fast.txt -r requirements/develop.txt -r requirements/zarr.txt
	touch $@

tests/zarr/node_modules/.package-lock.json: tests/zarr/package-lock.json $(VENV)-zarr/.zarr
	cd $(@D)/.. && PATH="$(CURDIR)/$(VENV)-zarr/bin:$$PATH" npm ci --ignore-scripts --no-audit --no-fund
	touch $@

$(VENV)/.sdk $(VENV)/.fuzz $(VENV)/.lab: $(VENV)/.%: requirements/%.txt $(VENV)/.develop
	$(BIN)/$(INSTALL) -r requirements/$*.txt
	touch $@

openapi/node_modules/.package-lock.json tests/lab/node_modules/.package-lock.json: %/node_modules/.package-lock.json: %/package-lock.json | $(VENV)/.sdk
	cd $* && $(NODE) npm ci --ignore-scripts --no-audit --no-fund
	touch $@
