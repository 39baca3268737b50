# Every target sets up what it needs. `make test` is what CI runs.
VENV := .venv
PYTHON := $(VENV)/bin/python

.PHONY: docs help setup engine docker browser pipelines demo trust-demo test prove soak fuzz lint format bench vendor clean

help:  ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/installed: pyproject.toml
	@echo "setting up $(VENV) (about a minute the first time)"
	@python3 -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

setup: $(VENV)/installed  ## a virtual environment with the planner and its tools

engine: setup  ## BuildKit, buildx and a registry of our own, built once; needs root, or runc and busybox-static
	@$(PYTHON) -m tests.engine.install

docker: setup  ## the same, and a current Docker Engine for the tests that need one
	@$(PYTHON) -m tests.engine.install --docker

browser: setup  ## Chromium, for the tests of the page
	@$(PYTHON) -m tests.page.install

pipelines: setup  ## actionlint, gitlab-ci-local and Argo's validation, for the tests of pipelines; needs Node and rsync, or root
	@$(PYTHON) -m tests.ci.install

demo: setup  ## the main job on nine images, with your Docker or with an engine of its own
	@$(PYTHON) -m tests.demo

trust-demo: setup  ## a registry with its token server on loopback: one grant and one refusal
	@$(PYTHON) -m tests.trust.demo

test: setup lint docker browser pipelines  ## everything CI runs: lint, types, import rules, tests
	$(PYTHON) -m pytest tests -n auto --maxprocesses 4 --dist loadfile --durations 25

EXAMPLES ?= 10000
EDITS ?= 2000
SEED ?= 1

prove: setup engine pipelines  ## BuildKit as the judge: 10,000 mutations, 2,000 edits really built, planted bugs that both must catch
	$(PYTHON) -m tests.oracle.graph --examples $(EXAMPLES) --seed $(SEED)
	$(PYTHON) -m tests.oracle.planted --seed $(SEED)
	$(PYTHON) -m tests.oracle.builds --edits $(EDITS) --seed $(SEED)
	$(PYTHON) -m tests.oracle.builds.planted --seed $(SEED)
	$(PYTHON) -m tests.sources.doors.compose --seed $(SEED)
	$(PYTHON) -m tests.sources.doors.bake --seed $(SEED)
	$(PYTHON) -m tests.ci.judged --graphs 200
	$(PYTHON) -m tests.ci.cluster_judged --graphs 200

CYCLES ?= 1000
MINUTES ?= 60

soak: setup engine  ## cycles of edit, plan and build with kills, two builders and a registry that fails: 0 stale, 0 lost
	$(PYTHON) -m tests.soak --cycles $(CYCLES) --minutes $(MINUTES) --seed $(SEED) --plot .cache/soak.svg

FUZZ_MINUTES ?= 60
PARSER ?=

fuzz: setup  ## every parser against inputs that reach its branches, an hour each; PARSER=NAME for one
	$(PYTHON) -m tests.fuzz $(PARSER) --minutes $(FUZZ_MINUTES)

lint: setup  ## format, lint, types and the import rules between rooms
	$(VENV)/bin/ruff format --check planner tests docs
	$(VENV)/bin/ruff check planner tests docs
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: setup  ## write the format
	$(VENV)/bin/ruff format planner tests docs
	$(VENV)/bin/ruff check --fix planner tests docs

bench: setup engine browser  ## what a plan costs beside git status, builds beside Bake, a page beside a plan, as ratios
	$(PYTHON) -m tests.bench
	$(PYTHON) -m tests.bench.build
	$(PYTHON) -m tests.bench.builders
	$(PYTHON) -m tests.bench.page
	$(PYTHON) -m tests.bench.answers
	$(PYTHON) -m tests.bench.watch
	$(PYTHON) -m tests.bench.lock
	$(PYTHON) -m tests.bench.doors
	$(PYTHON) -m tests.bench.schedule
	$(PYTHON) -m tests.bench.clean
	$(PYTHON) -m tests.bench.against
	$(PYTHON) -m tests.bench.replay
	$(PYTHON) -m tests.bench.trust

docs: setup  ## the documentation as a site, in .cache/site
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet

vendor: setup  ## fetch the layout library of the page anew, as recorded; needs npm
	$(PYTHON) .ci/page/vendor.py

clean:  ## remove what the targets made
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
