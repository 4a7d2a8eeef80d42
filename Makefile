# The verbs of this repository; `make` alone lists them. Every verb does its own set-up.

VENV   := .venv
PYTHON := $(VENV)/bin/python
NODE   := tests/flows/node
IMAGE  ?= porta
ARGS   ?=

# The first of these that works and is 3.11 or newer makes the virtual environment.
PYTHONS := python3.11 python3.12 python3.13 python3.14 python3

# One installer for everybody, whatever pip this Python brings: it installs what the locks name and
# resolves nothing, so that no release of a dependency's dependency can change or break a set-up.
UV   := $(VENV)/uv/bin/uv
SYNC := $(UV) pip sync --quiet --python $(PYTHON) --require-hashes
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-strip-extras --no-header
# uv does not read what pip was told: where packages come from is said again.
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
ifeq ($(UV_DEFAULT_INDEX),)
unexport UV_DEFAULT_INDEX
endif
OFFLINE := echo 'The packages could not be installed. The first run needs a package index' \
  'to be reached over the network.' >&2; exit 1

# What the browser tests need beside Chromium: fonts, and a library of the driver of Playwright.
CHROMIUM_PACKAGES := chromium fonts-dejavu-core libatomic1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup dev test long check format serve migrate messages client lock bench scale faults applications sheets walks image chromium node

help: ## list the verbs
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo
	@echo '  Options go into ARGS:  make dev ARGS="--port 4000 --data .porta2"'

setup: $(VENV)/dev.stamp ## make .venv with the locked packages

dev: $(VENV)/dev.stamp ## run a complete Porta on this machine, with its databases
	@$(PYTHON) -m porta dev $(ARGS)

# Tests that were never run here are compiled by one process, not by each that shares them.
COMPILE := [ -d tests/security/__pycache__ ] || [ "$$PYTHONDONTWRITEBYTECODE" ] || $(PYTHON) -m pytest --collect-only -qq >/dev/null 2>&1 || :

# What failed is tried once more, and its failure shown either way (docs/decisions/0055).
AGAIN := --reruns 1 --max-suite-reruns 3 --rerun-show-tracebacks

test: $(VENV)/test.stamp chromium node ## run the tests (ARGS="tests/porta -k pkce")
	@$(COMPILE)
	@$(PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(AGAIN) $(ARGS)

long: $(VENV)/test.stamp ## run what takes minutes: many random installations
	@$(PYTHON) -m pytest -q -m long $(ARGS)

check: $(VENV)/test.stamp ## format, lint, types, floors of the architecture, Dockerfile
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m mypy
	@$(PYTHON) -m pytest -q tests/test_architecture.py
	@$(VENV)/bin/hadolint Dockerfile

format: $(VENV)/test.stamp ## format the code, and mend what lint can mend
	@$(PYTHON) -m ruff check --fix
	@$(PYTHON) -m ruff format

serve: $(VENV)/dev.stamp ## run the server with the settings of the environment or .env
	@$(PYTHON) -m porta serve $(ARGS)

migrate: $(VENV)/dev.stamp ## migrate the database of DATABASE_URL (ARGS="status")
	@$(PYTHON) -m porta migrate $(or $(ARGS),up)

client: $(VENV)/test.stamp ## make the Python client of the Admin API anew, from its document
	@$(PYTHON) -m tests.porta.admin_client.generate

messages: $(VENV)/test.stamp ## check that every language of locale/ says everything
	@$(PYTHON) -m pytest -q tests/porta/pages/test_catalogs.py

faults: $(VENV)/test.stamp ## take databases away under load, and tell what it cost
	@$(PYTHON) -m pytest -q -s -m faults $(or $(ARGS),tests/faults)

fuzz: $(VENV)/test.stamp ## hold the Admin API to its document by 10,000 requests
	@ADMIN_API_CASES=$${ADMIN_API_CASES:-10000} $(PYTHON) -m pytest -q --timeout=3600 \
	  tests/handlers/admin_api/test_schema.py $(ARGS)

scale: $(VENV)/test.stamp ## time the Admin API at a million people (PORTA_SCALE_PEOPLE, PORTA_SCALE_COUNT)
	@$(PYTHON) -m pytest -q -s -n 0 -m scale -p no:randomly $(or $(ARGS),tests/scale)

bench: $(VENV)/test.stamp ## measure what a request costs (ARGS="--target FILE")
	@$(PYTHON) -m tests.bench $(ARGS)

applications: $(VENV)/test.stamp chromium ## sign in to finished applications (ARGS="django streamlit")
	@$(PYTHON) -m tests.applications $(ARGS)

sheets: $(VENV)/test.stamp chromium ## picture every page in every brand, scheme, language and size (ARGS="brand=light")
	@$(PYTHON) -m tests.sheets $(ARGS)

walks: $(VENV)/test.stamp chromium node ## walk people's ways in a few looks, and picture them (ARGS="-k passkey", or "-m every_look")
	@$(PYTHON) -m pytest -n auto --dist load --timeout=600 -m walks tests/flows/walks $(ARGS)

image: ## build the container image
	docker build --tag $(IMAGE) .

lock: $(UV) ## write the hash-locked requirement files anew, from setup.py (ARGS="--upgrade")
	@$(LOCK) $(ARGS) --output-file requirements.txt setup.py
	@$(LOCK) $(ARGS) --extra s3 --output-file requirements-s3.txt setup.py
	@$(LOCK) $(ARGS) --extra dev --output-file requirements-dev.txt setup.py
	@$(LOCK) $(ARGS) --extra dev --extra s3 --extra test --output-file requirements-test.txt setup.py

$(VENV)/bin/pip:
	@for python in $(PYTHONS); do \
	  if $$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then echo "Making $(VENV) with $$python"; $$python -m venv $(VENV) && exit 0; fi; \
	done; \
	echo 'Python 3.11 or newer with its venv module is needed.' \
	  'Debian and Ubuntu: apt-get install python3 python3-venv' >&2; exit 1

$(UV): requirements-uv.txt | $(VENV)/bin/pip
	@echo 'Fetching the installer that $< names'
	@$(PYTHON) -m pip install --quiet --retries 2 --disable-pip-version-check --require-hashes --no-deps \
	  --upgrade --target $(VENV)/uv -r $< || { $(OFFLINE); }
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(UV)
	@echo "Installing the $$(grep -c '^[^ #]*==' $<) packages of $< into $(VENV)"
	@$(SYNC) $< || { $(OFFLINE); }
	@rm -f $(VENV)/test.stamp && touch $@

$(VENV)/test.stamp: requirements-test.txt requirements-dev.txt $(UV)
	@echo "Installing the $$(grep -c '^[^ #]*==' $<) packages of $< into $(VENV)"
	@$(SYNC) $< || { $(OFFLINE); }
	@touch $(VENV)/dev.stamp $@

# The browser tests drive the system's Chromium: no other package brings one.
chromium: $(VENV)/test.stamp
	@reason=$$($(PYTHON) -m tests.world.machine) && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo 'Installing Chromium with apt-get, for the browser tests'; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -qq -y --no-install-recommends $(CHROMIUM_PACKAGES) >/dev/null; \
	else \
	  echo "$$reason: the browser tests are skipped." \
	    'Debian and Ubuntu: apt-get install $(CHROMIUM_PACKAGES)'; \
	fi

node:
	@if [ ! -f $(NODE)/package-lock.json ]; then :; \
	elif ! command -v npm >/dev/null; then \
	  echo 'No Node.js is installed: the tests that need it are skipped.' \
	    'Debian and Ubuntu: apt-get install nodejs npm'; \
	elif [ ! -f $(NODE)/node_modules/.package-lock.json ] || \
	  [ $(NODE)/package-lock.json -nt $(NODE)/node_modules/.package-lock.json ]; then \
	  npm ci --prefix $(NODE) --no-audit --no-fund --loglevel=error >/dev/null; \
	fi
