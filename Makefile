.DEFAULT_GOAL := help
UV := $(shell command -v uv || echo .tools/bin/uv)
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
export MPLBACKEND ?= Agg

.PHONY: help install demo test slow fuzz legs lint format docs bench lock clean

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/pip install -q --disable-pip-version-check uv

# two stamps: `demo` needs the package alone, everything else the tools and extras too
.venv/.core: pyproject.toml requirements.lock $(filter .tools/bin/uv,$(UV))
	$(UV) venv -q --no-python-downloads --allow-existing --python '>=3.11' .venv
	$(UV) pip install -q --python .venv --require-hashes -r requirements.lock
	$(UV) pip install -q --python .venv --no-deps -e .
	@touch $@

.venv/.dev: .venv/.core requirements-dev.lock
	$(UV) pip install -q --python .venv --require-hashes -r requirements-dev.lock
	@touch $@

install: .venv/.dev  ## install everything into .venv, extras and development tools included

demo: .venv/.core  ## backtest and forecast the sample shop, then name the report
	$(BIN)/ltv backtest data/sample/online_retail_ii.csv.gz --customer customer_id --date date --value amount \
	  --currency GBP --horizon 13W --origins 3 --models ensemble btyd boosting cohort_curve seasonal_series own_rate --workers 2 \
	  --out out/demo/backtest --overwrite
	$(BIN)/ltv forecast data/sample/online_retail_ii.csv.gz --customer customer_id --date date --value amount \
	  --currency GBP --horizon 26W --backtest out/demo/backtest --out out/demo/forecast --overwrite

test: .venv/.dev lint  ## lint, types, tests, notebooks and the browser check
	$(BIN)/python -m pytest -n 2 --dist loadfile

slow: .venv/.dev  ## calibration by simulation, oracles, fuzzing
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

fuzz: .venv/.dev  ## damaged logs and job files, MINUTES=10 a fuzzer
	LTV_FUZZ_MINUTES=$(or $(MINUTES),10) $(BIN)/python -m pytest -n 2 -m slow tests/fuzz

legs: $(filter .tools/bin/uv,$(UV))  ## quick tests at the lowest versions, on newer Pythons, beside pymc-marketing
	.ci/legs

lint: .venv/.dev  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.dev  ## let ruff rewrite the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.dev  ## build the documentation site into out/docs
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs out/docs
	@echo "Documentation: out/docs/index.html"

bench: .venv/.dev  ## measure speed beside the peers; prints ratios
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

lock: $(filter .tools/bin/uv,$(UV))  ## resolve the dependencies anew
	$(UV) pip compile -q pyproject.toml --universal --generate-hashes --no-header -U -o requirements.lock
	$(UV) pip compile -q pyproject.toml --all-extras --group dev -c requirements.lock \
	  --universal --generate-hashes --no-header -U -o requirements-dev.lock
	$(UV) pip compile -q pyproject.toml --extra mcmc --extra polars --group test \
	  --resolution lowest-direct --python-version 3.11 --generate-hashes --no-header -U \
	  -o requirements-lowest.lock
	$(UV) pip compile -q pyproject.toml --extra arviz --group pymc \
	  --python-version 3.12 --generate-hashes --no-header -U -o requirements-pymc.lock

clean:  ## remove the environment and all outputs
	rm -rf .venv .tools .legs out
