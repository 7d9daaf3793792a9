# make reproduce | make test | make results | make benchmark | make docs: each makes its own .venv from requirements.lock first.
PYTHON ?= python3
PRESET ?= quick
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# Images for containers often set it; where pip has not compiled (below), each process would compile numba's source anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: reproduce results benchmark test soak mutants lint docs lock clean

# Computes into outputs/ and compares with results/, which stays as it is. ONLY=latch,adding runs these alone.
reproduce: $(STAMP)
	$(BIN)/python experiments/reproduce.py --preset $(PRESET) $(if $(ONLY),--only "$(ONLY)")

# Renews the committed tables.
results: $(STAMP)
	$(BIN)/python experiments/reproduce.py --renew --preset $(PRESET) $(if $(ONLY),--only "$(ONLY)")

# The peers' environments go to outputs/benchmark; where pip offers a large GPU build of torch, install a CPU build in
# .venv first.
benchmark: $(STAMP)
	$(BIN)/python experiments/benchmark/benchmark.py

# Three processes on two cores, since tests of sweeps and clusters wait; those of a file, which share what they compile,
# in one. Kernels are compiled before, once for all.
test: $(STAMP)
	$(BIN)/python -m rnnkit.warmup
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

# Twenty kills of each kind, with Slurm where .ci/install-slurm could install it: half an hour. Writes results/soak.log.
soak: $(STAMP)
	$(BIN)/python tests/cluster/kills.py 20

# Faults planted one at a time into a copy of the tree: tests must see each. ONLY=kernels plants those alone, JOBS=2 two
# at a time; with cold kernels a minute for each fault in one.
mutants: $(STAMP)
	$(BIN)/python tests/mutants.py $(if $(ONLY),--only $(ONLY)) $(if $(JOBS),--jobs $(JOBS))

lint: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

# The site, in outputs/docs/html; no network but for the installation. A warning is an error.
docs: $(STAMP).docs
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet docs outputs/docs/html
	@echo "outputs/docs/html/index.html"

$(STAMP).docs: $(STAMP) docs/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r docs/requirements.lock
	@touch $@

# --no-compile: pip would take most of its time for the bytecode of 7,000 files; Python makes it of those that are imported.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 16) or sys.exit(f"Python 3.11 to 3.15 is needed, this is {sys.version.split()[0]}: make PYTHON=python3.14 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $(STAMP)

# Exact versions for every supported Python, those of `make docs` beside them; needs uv.
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url
lock:
	$(LOCK) --extra dev -o requirements.lock
	$(LOCK) --extra docs --constraint requirements.lock -o docs/requirements.lock

clean:
	rm -rf $(VENV) outputs .pytest_cache .ruff_cache docs/learn/gallery docs/findings/results
