# `make run` and `make test` set up .venv first, if it is not there or out of date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export NO_MKDOCS_2_WARNING := 1
STAMP := $(VENV)/.installed
SOURCES := pyproject.toml $(wildcard plugins/*/pyproject.toml) constraints.txt

PYTEST := $(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal --durations=15

.PHONY: run test test-all test-min slow lint site docs docs-serve bench bench-check dist dist-check clean

run: $(STAMP)  ## Report DeepSeek-OCR's FLOPs on the sample page.
	$(BIN)/flopbench run deepseek_ocr

test: $(STAMP)  ## Run the tests, but those that take long: 12 minutes at most on two cores.
	$(PYTEST) -m "not slow"

test-all: test slow  ## Run all tests.

slow: $(STAMP)  ## Run the tests that `make test` leaves out.
	$(PYTEST) -m slow

test-min: dist  ## Run some tests with the lowest versions of all libraries: 6 GB of disk, meanwhile.
	$(BIN)/python scripts/test_min.py

dist: $(STAMP)  ## Build the wheels and sdists of all distributions into dist/.
	$(BIN)/python scripts/build_dist.py

dist-check: dist  ## Install the wheels into an empty environment, and run them there.
	$(BIN)/python scripts/check_dist.py

lint: $(STAMP)  ## Check style, types and layers.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

site: $(STAMP)  ## Build the docs into site/; a broken link or a warning fails.
	$(BIN)/mkdocs build --strict

docs: site  ## Build the docs, and check that they are true.
	$(PYTEST) tests/docs

docs-serve: $(STAMP)  ## Serve the docs, and build them again when a page changes.
	$(BIN)/mkdocs serve

bench: $(STAMP)  ## Measure speed and memory, as ratios.
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/main_job.py
	$(BIN)/python benchmarks/laws.py
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python benchmarks/modules.py
	$(BIN)/python benchmarks/pages.py
	$(BIN)/python benchmarks/explorer.py
	$(BIN)/python benchmarks/executors.py
	$(BIN)/python benchmarks/exported.py

bench-check: $(STAMP)  ## Compare ratios of a quick run with the committed ones.
	$(BIN)/python benchmarks/check.py

$(STAMP): $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt \
		--editable '.[dev,docs,plot]' --editable 'plugins/deepseek_ocr[vendor]' \
		--editable plugins/unlimited_ocr --editable plugins/deepseek_ocr2 \
		--editable 'plugins/peer_counters[light]' \
		--editable 'plugins/transformers_lm[vendor]' --editable plugins/transformers_vlm
	$(BIN)/python -m compileall -q src plugins
	touch $@

clean:
	rm -rf $(VENV) dist
