# `make demo` and `make test` need nothing but Python 3.11 or newer: the rest is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test check clean weights

install: .venv/installed

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable ".[dev,train,export,demo,gallery,heic,milvus,ray,serve,table,track]"
	touch $@

demo: install
	$(BIN)/msinet demo

# Two processes of one thread each take half of the time that one of two threads takes. One that dies is not replaced: the rest
# of its tests would wait for ever.
test: install
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --max-worker-restart 0

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

# The models that ship (docs/weights.md), hours of two cores: make weights DATA=real-vehicles TEACHERS=folder
weights: install
	$(BIN)/pip install --quiet --editable ".[train,demo,openvino]"
	for size in full small; do $(BIN)/python examples/make_weights.py $(DATA) $(TEACHERS) --size $$size || exit 1; done

clean:
	rm -rf .venv
