# A bare machine with Python 3.11 or newer and make needs two commands: `make run` and `make test`.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check chaos fake bench venv lock

VENV := .venv
PYTHON := $(VENV)/bin/python
ARGS ?=
BENCH_LIMIT_S ?= 900
CHAOS_SECONDS ?= 3600

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: $(VENV)/run.lock ## a connected demo shop on http://127.0.0.1:8000, until Ctrl-C
	@exec $(PYTHON) -m tools.dev $(ARGS)

test: $(VENV)/test.lock ## the whole suite (ARGS="-k name" for a part)
	@$(PYTHON) -m pytest $(ARGS)

check: $(VENV)/test.lock ## what CI runs: format, lint, types, architecture, tests
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -m pytest -q tests/test_architecture.py
	@$(PYTHON) -m pytest $(ARGS)

chaos: $(VENV)/test.lock ## the inbox while everything is killed, for an hour (CHAOS_SECONDS=600 for less)
	@CHAOS_SECONDS=$(CHAOS_SECONDS) $(PYTHON) -m pytest tests/test_chaos.py $(ARGS)

fake: $(VENV)/run.lock ## the fake store alone, on port 4000
	@exec $(PYTHON) -m fake_shopify --port 4000 $(ARGS)

bench: $(VENV)/bench.lock ## every benchmark, one after the other
	@for bench in benchmarks/bench_*.py; do \
		[ -e "$$bench" ] || { echo "no benchmarks yet"; break; }; \
		echo "== $$bench"; \
		PYTHONPATH=. timeout $(BENCH_LIMIT_S) $(PYTHON) "$$bench" $(ARGS) || exit 1; \
	done

venv: $(VENV)/test.lock ## the virtual environment with everything locked for tests

# A copy of the lock file inside the environment says what is installed there.
$(VENV)/%.lock: requirements/%.txt | $(PYTHON)
	@cmp -s $< $@ || { \
		echo "Installing $< into $(VENV) (about a minute, once) …"; \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r $<; }
	@cp $< $@

$(PYTHON):
	@for name in python3.14 python3.13 python3.12 python3.11 python3; do \
		if $$name -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making $(VENV) with $$name …"; \
			exec $$name -m venv $(VENV); \
		fi; \
	done; \
	echo "Python 3.11 or newer with its venv module is needed and was not found: install it (Debian: apt install python3 python3-venv)." >&2; \
	exit 1

# One resolution for all: what the suite is locked to binds the others. UPGRADE=--upgrade takes newer versions.
COMPILE = env -u UV_INDEX -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
	$(PYTHON) -m uv --no-config --quiet pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)

lock: $(VENV)/test.lock ## lock requirements/*.txt anew (UPGRADE=--upgrade for newer versions)
	@$(COMPILE) requirements/test.in --extra analytics --extra embedded --extra lake --extra server -o requirements/test.txt
	@$(COMPILE) --extra analytics --extra embedded --extra server -c requirements/test.txt -o requirements/run.txt
	@$(COMPILE) requirements/bench.in --extra analytics --extra embedded --extra lake --extra server \
		-c requirements/test.txt -o requirements/bench.txt
