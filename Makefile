# Odyssey. `make demo` and `make test` set up everything they need in .venv on first use.
# Wheels from another index:  make setup PIP_INDEX=https://download.pytorch.org/whl/cpu
PYTHON ?= python3
PIP_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PIP_FLAGS := -q --disable-pip-version-check -c constraints.txt $(if $(PIP_INDEX),--extra-index-url $(PIP_INDEX))

.PHONY: setup demo run test test-slow lint bench clean
.DEFAULT_GOAL := setup

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@set -e; start=$$(date +%s); \
	echo "Setting up in $(VENV) (first time: two to four minutes, 2.5 GB) …"; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Odyssey needs Python 3.11 or newer; set PYTHON=/path/to/python3.11."; exit 1; }; \
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	$(BIN)/python -m pip install -q --disable-pip-version-check --upgrade 'pip>=26'; \
	$(BIN)/python -m pip install $(PIP_FLAGS) torch; \
	$(BIN)/python -m pip install $(PIP_FLAGS) -e '.[dev]'; \
	$(BIN)/odyssey prepare; \
	touch $(STAMP); \
	echo "Set up in $$(( $$(date +%s) - start )) s."

demo: $(STAMP)
	@$(BIN)/odyssey demo $(ARGS)

run: $(STAMP)
	@$(BIN)/odyssey serve $(ARGS)

test: $(STAMP)
	@$(BIN)/python -m pytest -m "not slow and not bench" $(ARGS)

test-slow: $(STAMP)
	@$(BIN)/python -m pytest -m slow $(ARGS)

bench: $(STAMP)
	@$(BIN)/python -m pytest -m bench -s $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
