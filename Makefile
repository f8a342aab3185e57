# Everything starts here: `make demo` shows KAP at work, `make test` proves it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := shared services/intake services/session-monitor services/integration services/projections deploy/local
DASHBOARD := services/projections/dashboard
# trust what the machine trusts, as pip and npm do
export UV_SYSTEM_CERTS ?= true

.PHONY: demo test check setup lock browser dashboard

demo: setup            ## start everything with simulated patients
	@exec $(BIN)/kap demo

test: setup browser check  ## every check and every test
	@cd $(DASHBOARD) && PATH="$(abspath $(BIN)):$$PATH" npm test --silent
	@$(BIN)/python -m pytest -n 2 --no-loadscope-reorder  # most tests wait for something: two at a time

check: setup           ## linters and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports
	@cd $(DASHBOARD) && PATH="$(abspath $(BIN)):$$PATH" npm run --silent check

setup: .make/python dashboard  ## .venv and the built dashboard

.make/uv: requirements.lock
	@mkdir -p .make && $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r <(awk '/^uv==/{p=1} p{print} p&&!/\\$$/{exit}' requirements.lock)
	@touch $@

.make/python: .make/uv $(MEMBERS:%=%/pyproject.toml)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps $(MEMBERS:%=-e %)
	@touch $@

# Node to build the dashboard: the machine's when new enough, else the wheel's, put beside our Python.
.make/node: .make/python requirements-node.lock
	@node -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>20||(a==20&&b>=19)?0:1)' 2>/dev/null && command -v npm >/dev/null \
	  || $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-node.lock
	@touch $@

dashboard: $(DASHBOARD)/dist/index.html

$(DASHBOARD)/node_modules/.package-lock.json: .make/node $(DASHBOARD)/package-lock.json
	@cd $(DASHBOARD) && PATH="$(abspath $(BIN)):$$PATH" npm ci --ignore-scripts --no-progress --loglevel=error
	@touch $@

$(DASHBOARD)/dist/index.html: $(DASHBOARD)/node_modules/.package-lock.json $(shell find $(DASHBOARD) -path '*/node_modules' -prune -o -path '*/dist' -prune -o -type f -print 2>/dev/null)
	@cd $(DASHBOARD) && PATH="$(abspath $(BIN)):$$PATH" npm run --silent build
	@touch $@

browser:               ## Chromium for the browser tests
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } \
	  || { echo "The browser tests need Chromium: install the package 'chromium'."; exit 1; }

PIN := pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 --universal

lock: .make/uv         ## pin every version again, with hashes
	@$(BIN)/uv $(PIN) --group dev $(foreach m,kap intake session-monitor integration projections kap-local,--no-emit-package $(m)) \
	  $(MEMBERS:%=%/pyproject.toml) -o requirements.lock
	@$(BIN)/uv $(PIN) --group node -o requirements-node.lock
