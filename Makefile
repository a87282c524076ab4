# make run | ui | test | soak | bench | lint | lock | clean.  Needs python3 (3.11 or later) and make.
SHELL := /bin/bash
PY := .venv/bin/python
export DAGSTER_HOME ?= $(CURDIR)/var/dagster
export PYTHONUNBUFFERED := 1
# where it is set, as it is in many containers, each start compiles thousands of files anew: 3 s
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run ui test soak bench lint lock clean

# the stamp holds the lock's hash, so that a changed lock renews the environment
RUN_STAMP := .venv/.run-$(shell cksum requirements.lock pyproject.toml | cksum | cut -d' ' -f1)
DEV_STAMP := .venv/.dev-$(shell cksum requirements-dev.lock pyproject.toml | cksum | cut -d' ' -f1)

# uv installs in seconds; where it finds no index, pip does the same, slower
PIP := $(PY) -m pip install -q --disable-pip-version-check --no-deps
define install
	@$(PIP) --require-hashes -r requirements-setup.lock 2>/dev/null || true
	@.venv/bin/uv pip install -q --python $(PY) --no-deps --require-hashes -r $(1) 2>/dev/null \
	  || $(PIP) --require-hashes -r $(1)
	@$(PIP) --no-build-isolation -e .
endef

$(PY):
	@echo "Making the environment in .venv ..."
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "python3 is $$(python3 -V); the hub needs Python 3.11 or later"; exit 2; }
	@python3 -m venv .venv

$(RUN_STAMP): | $(PY)
	@echo "Installing pinned dependencies ..."
	$(call install,requirements.lock)
	@touch $@

$(DEV_STAMP): | $(PY)
	@echo "Installing pinned dependencies, those of the tests included ..."
	$(call install,requirements-dev.lock)
	@touch $@ $(RUN_STAMP)

run: $(RUN_STAMP)
	@.venv/bin/oms demo

ui: $(RUN_STAMP)
	@.venv/bin/oms ui

lint: $(DEV_STAMP)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/ty check oms_pipelines assets resources
	.venv/bin/lint-imports

test: $(DEV_STAMP) lint
	.venv/bin/pytest -n 2 --dist worksteal

soak: $(DEV_STAMP)
	.venv/bin/pytest -n 2 --dist worksteal -m soak -rP

bench: $(DEV_STAMP)
	$(PY) -m bench

lock:
	@for f in requirements-setup requirements requirements-dev; do \
	  .venv/bin/uv pip compile -q $$f.in -o $$f.lock --universal --python-version 3.11 \
	    --generate-hashes --no-header; done

clean:
	rm -rf var
