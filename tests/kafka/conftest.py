"""A real Kafka for all of these tests, and a rater with topics of its own for each."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.broker import kafka, log_of
from tests.support.workers import Rater

RUN = uuid4().hex[:8]
"""Keeps two runs on one broker apart (`RATER_TEST_BOOTSTRAP`)."""
NUMBERS = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the broker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session", autouse=True)
def _ended_as_by_ctrl_c() -> None:
    """A run that is told to end (a CI's time limit) ends as by Ctrl-C: workers and brokers end with it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The address of a real Kafka."""
    with kafka() as address:
        yield address


@pytest.fixture
def rater(broker: str, tmp_path: Path) -> Iterator[Rater]:
    """The command on topics that no other test has; its workers end with the test."""
    settings = {
        "bootstrap_servers": broker,
        "topic_prefix": f"t{RUN}-{next(NUMBERS)}-",
        "replication": "1",
        "dev": "1",
        "session_timeout": "6",  # the least that a broker allows, so that a killed worker's partitions move soon
        "tick_interval": "0",
    }
    made = Rater(settings, tmp_path)
    try:
        yield made
    finally:
        made.clean_up()
        print(made.logs(), log_of(broker), sep="\n")  # shown only where the test failed


@pytest.fixture
def ready(rater: Rater) -> Rater:
    """With its topics made and the shipped tariff book published."""
    rater.run_here("topics", "create")
    rater.run_here("tariffs", "publish")
    return rater
