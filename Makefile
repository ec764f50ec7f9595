PYTHON ?= python3

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
READY := .venv/.ready
READY_DEV := .venv/.ready-dev

READY_SMALL := .venv/.ready-small

.PHONY: demo demo-small test

demo: $(READY)
	$(BIN)/unsee demo --out runs/demo --overwrite

# The same story on a language model that can really talk; the first run downloads 183 MB of its parts.
demo-small: $(READY_SMALL)
	$(BIN)/unsee demo --tier small --out runs/demo-small --overwrite

test: $(READY_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

# torch goes in first and alone: the exact version settles which build a machine gets before anything else asks for one.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install torch==2.13.0
	$(PIP) install -c constraints.txt -e .
	touch $@

$(READY_DEV): $(READY)
	$(PIP) install -c constraints.txt -e '.[dev,small]'
	touch $@

$(READY_SMALL): $(READY)
	$(PIP) install -c constraints.txt -e '.[small]'
	touch $@
