# `make demo` and `make test` need nothing but Python 3.11 or newer; `make test-kafka` and `make bench` also need Java 17 and Maven.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Lock files carry versions and hashes, and the name of no registry.
LOCK := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	--python-version 3.11 pyproject.toml

.PHONY: help setup demo lint test pytest test-pythons test-kafka test-kafka-old test-faults test-planted test-client test-upgrade test-days test-large-account soak bench bench-step bench-restart bench-console bench-month bench-door mutants schemas docs lock clean

help:
	@echo "make demo                the whole thing on this machine, without Kafka; KEEP=1 leaves the console open"
	@echo "make test                lint, types and the quick suite"
	@echo "make test-pythons        the quick suite on Python 3.12 and 3.13, where they are here"
	@echo "make test-kafka          the engine on a real Kafka (Java 17 and Maven)"
	@echo "make test-kafka-old      foreign producers and topics on Kafka 3.9"
	@echo "make test-faults SEED=1  brokers and workers killed, frozen and cut off, then the audit; make soak MINUTES=60 for longer"
	@echo "make test-planted        each planted bug of the engine must be caught by the fault suite"
	@echo "make test-client         a client generated from the door's OpenAPI document, on a real Kafka"
	@echo "make test-upgrade        from an earlier version to this one on a real Kafka, killed at every stage"
	@echo "make test-days           one worker through midnight, the first of the month, closing and forgetting"
	@echo "make test-large-account  one account with a million calls and a late subscription"
	@echo "make mutants             mistakes planted in the rules and the step, with the score"
	@echo "make bench               calls a second beside Kafka Streams, Quix Streams, Faust and aiokafka; make bench-console for the page"
	@echo "make bench-door          single posts in an open loop with a kill, batches, and rate and reply at the door"
	@echo "make bench-month         a month of a million charges: what its page reads, what an export costs a row"
	@echo "make bench-step          the step beside an earlier version's, in turn, on a fixed mix"
	@echo "make bench-restart       a worker killed and started again: how long nothing is charged"
	@echo "make docs                the documentation as a site in build/site"
	@echo "make schemas             JSON Schemas, AsyncAPI and docs/reasons.md from the models"
	@echo "make lock                the lock files anew; make clean removes what was built"

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("rater needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/rater demo $(if $(KEEP),--keep)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -q -n auto

# The suite on each other Python that we promise and that is here, each in an environment of its own; PYTHONS names some.
PYTHONS ?= 3.12 3.13
test-pythons:
	@for version in $(PYTHONS); do \
		python=; for one in python$$version $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$version.*/bin/python; do \
			$$one -c "" 2>/dev/null && python=$$one && break; done; \
		if [ -z "$$python" ]; then echo "Python $$version is not here: not tried"; continue; fi; \
		echo "== Python $$version"; \
		$(MAKE) --no-print-directory pytest PYTHON=$$python VENV=.venv-$$version || exit 1; done

# Not the tests of the tests (planted bugs and mistakes) and not what tries random months and files for long: what these
# prove does not depend on the Python.
LONG = planted or mistake or lives or common_call or fuzz or wild or poison
pytest: setup
	$(BIN)/pytest -q -n auto -k "not ($(LONG))"

# Three at once, each with a broker of its own: most of them wait for something most of the time. A file stays together:
# some make a server for all of their tests.
test-kafka: setup
	$(BIN)/pytest -v -m kafka -n 3 --dist loadfile --durations=20

# What a broker decides, on the oldest version that we promise.
test-kafka-old: setup
	RATER_TEST_KAFKA=3.9.1 $(BIN)/pytest -q -m kafka tests/kafka/test_foreign.py tests/kafka/test_topics.py

# Faults by a seed: SEED=2 is another run, MINUTES a longer one; the same seed gives the same plan.
SEED ?= 1
MINUTES ?= 30

test-faults: setup
	$(BIN)/python -m tests.faults --seed $(SEED)

# Each bug that can be planted in the engine must be caught by the fault suite.
test-planted: setup
	@for bug in $$($(BIN)/python -c 'from tests.faults.planted import BUGS; print(*BUGS)'); do \
		$(BIN)/python -m tests.faults --planted $$bug || exit 1; done

# A client made of the door's OpenAPI document, by a generator in an environment of its own: it needs another typer.
test-client: setup .venv-client/.ready
	$(BIN)/python -m tests.client

.venv-client/.ready: tests/client/requirements.lock
	$(PYTHON) -m venv .venv-client
	.venv-client/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/client/requirements.lock
	@touch $@

# One worker with 64 partitions of 20,000 accounts through midnight, the first of the month, closing and forgetting.
test-upgrade: setup
	$(BIN)/python -m tests.upgrade

test-days: setup
	$(BIN)/python -m tests.availability

# One account with a million calls and a late subscription in the middle: the speed before it and after it.
test-large-account: setup
	$(BIN)/python -m tests.availability.large_account

soak: setup
	$(BIN)/python -m tests.faults --minutes $(MINUTES)

# Mistakes planted one at a time in the rules and the step, and the score by module; some 30 minutes on two cores.
mutants: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-mutants.lock
	$(BIN)/mutmut run --max-children 2
	$(BIN)/python -m tests.mutants

bench: setup
	$(BIN)/python -m benchmarks.drain

bench-step: setup
	$(BIN)/python -m benchmarks.step_beside

bench-restart: setup
	$(BIN)/python -m benchmarks.restart

bench-door: setup
	$(BIN)/python -m benchmarks.door

bench-console: setup
	$(BIN)/python -m benchmarks.visible

bench-month: setup
	$(BIN)/python -m benchmarks.month

schemas: setup
	$(BIN)/python -m rater.wire.schemas schemas
	$(BIN)/python -m rater.wire.reasons > docs/reasons.md

lock:
	$(LOCK) --extra demo --extra console --extra notify --extra parquet --extra pdf --extra dev --extra build -o requirements.lock
	$(LOCK) --extra console --extra notify --extra pdf --extra build -o requirements-runtime.lock
	$(LOCK) --extra mutants --constraint requirements.lock -o requirements-mutants.lock
	$(subst pyproject.toml,benchmarks/peers/requirements.in,$(LOCK)) -o benchmarks/peers/requirements.lock
	$(subst pyproject.toml,tests/client/requirements.in,$(LOCK)) -o tests/client/requirements.lock

clean:
	rm -rf $(VENV) .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants
