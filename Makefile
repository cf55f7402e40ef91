# Two commands for everybody: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: setup demo demo-portal portal-vendor test test-slow accuracy cuts wear long-export check bench bench-device fuzz pictures clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "wattseal needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
	  echo "could not make a virtual environment: on Debian, apt install python3-venv" >&2; exit 1; }
	@echo "installing wattseal and what it needs into $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: setup
	@$(BIN)/wattseal demo $(ARGS)

# A meter on the emulated board, the relay and the portal. The terminal is the meter's display, Enter
# its button.
demo-portal: setup
	@mkdir -p build
	@$(BIN)/wattseal portal demo --out build/readings.json $(ARGS)

# The portal's curve library, built from its npm package; ARGS=--check compares with the kept file.
portal-vendor:
	@host/wattseal_host/portal/static/vendor/source/build.sh $(ARGS)

# A file's tests stay in one process, so that they share its board; many of them wait for others.
test: setup
	@$(BIN)/python -m pytest -n 3 --dist loadfile -m "not slow" $(ARGS)

# The rest: whole demonstrations and long scenarios, some minutes.
test-slow: setup
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m slow $(ARGS)

# Emulated test points on many boards, and the extremes; some minutes.
accuracy: setup
	@WATTSEAL_CHIPS=12 $(BIN)/python -m pytest tests/hil/test_accuracy.py $(ARGS)
	@mkdir -p build
	@$(BIN)/wattseal rig accuracy --chips 12 --picture build/accuracy.svg

# Power fails before, inside and after every flash operation of two recorded days: over 4,000 cuts in
# some minutes. ARGS="--every 10" is quick; the seed is printed.
cuts: setup
	@$(BIN)/python tests/meter/cut_matrix.py $(ARGS)

# A month of erases, and a log filled for more than a year, on the emulated flash.
wear: setup
	@$(BIN)/python tests/meter/wear.py $(ARGS)

# An export of 13 months of half-hours by a meter with 128 KiB of heap; some minutes.
long-export: setup
	@$(BIN)/python tests/meter/long_export.py $(ARGS)

check: setup typings/.ready
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy --config-file firmware/mypy.ini

# A few minutes; a table on the terminal, the same in build/bench.json. ARGS=--no-board is quick.
# ARGS=--proofs has the proofs of minutes as well: demand, and steps on every reading.
bench: setup
	@$(BIN)/python tests/bench/run.py $(ARGS)

# Instructions of sealing, on MicroPython for RISC-V 32 under QEMU. Needs a cross-compiler and QEMU,
# and says which packages are missing.
bench-device: setup
	@$(BIN)/python -m wattseal_hil.bench_device build/bench-device.json

# Coverage-guided fuzzing of the parsers: FUZZ_SECONDS for each target, ARGS to name some.
FUZZ_SECONDS ?= 20

fuzz: setup
	@$(BIN)/python -c 'import atheris' 2>/dev/null || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@$(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS) $(ARGS)

# The README's pictures, made anew by the test that checks its commands. Needs Chromium.
pictures: setup
	@$(BIN)/python -m pytest -q 'tests/test_docs.py::test_commands[README.md]'
	@cp build/report.png docs/report.png

typings/.ready: pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade \
	  --target typings 'micropython-esp32-stubs>=1.24'
	@touch $@

clean:
	rm -rf $(VENV) typings build
