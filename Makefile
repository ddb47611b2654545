# The same verbs on a laptop and in CI. Everything that a verb needs, it makes ready itself.

PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest
ARGS   :=
NAME   :=

# Python keeps what it has compiled; without that every start reads all sources anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up test check bench docs new-service style types imports house
.NOTPARALLEL:

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 @\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F@ '{ printf "%-20s %s\n", $$1, $$2 }'

up: ## open the city at http://127.0.0.1:8000 (ARGS=--no-serve: all but serving)
	@scripts/setup run
	@.venv/bin/yucun up $(ARGS)

test: ## every check and every test
	@scripts/setup test
	@$(MAKE) --no-print-directory check
	@echo "== tests that must run alone"
	@$(PYTEST) -q -m alone || [ $$? -eq 5 ]
	@echo "== all other tests"
	@$(PYTEST) -q -m "not alone" -n 2 --dist loadfile

check: ## style, types, imports and the rules of the house; no server needed
	@scripts/setup check
	@$(MAKE) --no-print-directory --keep-going style types imports house

bench: ## measure every speed claim beside its peer (ARGS="pages" runs one)
	@scripts/setup check
	@$(PYTHON) bench/run.py $(ARGS)

docs: ## write again what is generated: MAP.md, docs/reference
	@scripts/setup check
	@for script in scripts/make_*.py; do $(PYTHON) "$$script" || exit 1; done

new-service: ## start a service: make new-service NAME=x
	@scripts/setup run
	@.venv/bin/yucun new-service $(NAME)

style:
	@echo "== style"
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .

types:
	@echo "== types"
	@$(PYTHON) -m mypy

imports:
	@echo "== imports"
	@.venv/bin/lint-imports --no-logo

house:
	@echo "== house"
	@$(PYTEST) -q tests/house
