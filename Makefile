# `make run` and `make test` set up .venv first, if it is not there or out of date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export NO_MKDOCS_2_WARNING := 1
STAMP := $(VENV)/.installed
SOURCES := pyproject.toml $(wildcard plugins/*/pyproject.toml) constraints.txt

.PHONY: run test lint docs docs-serve bench clean

run: $(STAMP)  ## Report DeepSeek-OCR's FLOPs on the sample page.
	$(BIN)/flopbench run deepseek_ocr

test: $(STAMP)  ## Run all tests.
	$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal

lint: $(STAMP)  ## Check style, types and layers.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)  ## Build the docs into site/, and check that they are true.
	$(BIN)/mkdocs build --strict
	$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal tests/docs

docs-serve: $(STAMP)  ## Serve the docs, and build them again when a page changes.
	$(BIN)/mkdocs serve

bench: $(STAMP)  ## Measure speed and memory, as ratios.
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/main_job.py
	$(BIN)/python benchmarks/laws.py
	$(BIN)/python benchmarks/sweep.py

$(STAMP): $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt \
		--editable '.[dev,docs,plot]' --editable 'plugins/deepseek_ocr[vendor]' \
		--editable plugins/unlimited_ocr --editable plugins/deepseek_ocr2 \
		--editable 'plugins/peer_counters[light]' \
		--editable 'plugins/transformers_lm[vendor]'
	touch $@

clean:
	rm -rf $(VENV)
