# Each target makes .venv and fills it by itself, with plain python3 and pip; the second run of a
# target starts at once. Another interpreter: make test PYTHON=python3.13

VENV ?= .venv
RUN := $(VENV)/bin/python
# More processes than this only wait for one another: most tests are shorter than a start.
JOBS ?= auto --maxprocesses=8
# More words for pytest: make test ARGS="-k softmax"
ARGS ?=
# What `make matrix` tries.
PYTHONS ?= python3.11 python3.12 python3.13

export VENV
ifdef PYTHON
export PYTHON
endif

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench sweep matrix clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | expand -t 12

demo: ## train a network on handwritten digits, save it, load it in another process
	@tools/environment.sh demo
	@$(RUN) -m lamina demo

test: ## run the tests
	@tools/environment.sh test
	@$(RUN) -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: ## everything: format, lint, types, import rules, sizes, tests (pages in Chromium, if there), doctests, examples
	@tools/environment.sh check
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m pyright --pythonpath $(RUN)
	$(RUN) tools/layers.py
	$(RUN) tools/size.py
	$(RUN) tools/counts.py
	$(RUN) -m pytest -n $(JOBS) --dist worksteal $(ARGS)
	$(RUN) -m pytest -q --doctest-modules src
	@for example in examples/*.py; do \
	    [ -e "$$example" ] || continue; \
	    echo "$(RUN) $$example --quick"; \
	    $(RUN) -W error "$$example" --quick || exit 1; \
	done

format: ## let ruff format the code and mend what it can
	@tools/environment.sh check
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

bench: ## run the benchmarks, one script a question
	@tools/environment.sh demo
	@for script in benchmarks/*.py; do \
	    [ -e "$$script" ] || continue; \
	    echo "$(RUN) $$script"; \
	    $(RUN) "$$script" || exit 1; \
	done

sweep: ## random cases of all operators, against SciPy, and PyTorch where PEERS names a Python with it
	@[ -n "$(PEERS)" ] || tools/environment.sh test
	PYTHONPATH=src $(or $(PEERS),$(RUN)) -m tools.sweep $(ARGS)

matrix: ## run the tests on each of PYTHONS, with the oldest and the newest NumPy
	@tools/matrix.sh $(PYTHONS)

clean: ## remove .venv and every cache; runs/ stays
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
	find src tests tools examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
