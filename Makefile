# make run | ui | test | bench | soak | lint | lock.  Needs python3 (3.11 or later) and make.
SHELL := /bin/bash
PY := .venv/bin/python
export DAGSTER_HOME ?= $(CURDIR)/var/dagster
export PYTHONUNBUFFERED := 1

.PHONY: run ui test bench lint lock clean

# the stamp holds the lock's hash, so that a changed lock renews the environment
RUN_STAMP := .venv/.run-$(shell cksum requirements.lock pyproject.toml | cksum | cut -d' ' -f1)
DEV_STAMP := .venv/.dev-$(shell cksum requirements-dev.lock pyproject.toml | cksum | cut -d' ' -f1)

$(PY):
	@echo "Making the environment in .venv ..."
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "python3 is $$(python3 -V); the hub needs Python 3.11 or later"; exit 2; }
	@python3 -m venv .venv

$(RUN_STAMP): | $(PY)
	@if [ ! -e "$(DEV_STAMP)" ]; then \
	  echo "Installing pinned dependencies (about a minute) ..."; \
	  $(PY) -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements.lock && \
	  $(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; fi
	@touch $@

$(DEV_STAMP): | $(PY)
	@echo "Installing pinned dependencies, those of the tests included (about two minutes) ..."
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

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

bench: $(DEV_STAMP)
	$(PY) -m bench

lock:
	@for f in requirements requirements-dev; do \
	  .venv/bin/uv pip compile -q $$f.in -o $$f.lock --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-header; done

clean:
	rm -rf var
