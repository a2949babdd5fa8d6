"""A broker that is gone for good: whoever is asked to stop then stops."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, sleep

from rater.engine.engine import LEAVE_TIMEOUT
from rater.kafka.failstop import Exit
from tests.support.broker import cluster
from tests.support.workers import Rater


def test_a_worker_without_a_broker_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    """It has closed its partitions; only the group cannot be told. A supervisor that waits 30 s need not kill it."""
    with cluster(1) as broker:
        rater = Rater({"bootstrap_servers": broker.address, "replication": "1", "dev": "1"}, tmp_path)
        try:
            rater.run("topics", "create")
            worker = rater.worker(tick_interval=0)
            broker.kill(1)
            sleep(2)  # it has noticed
            began = monotonic()
            worker.terminate()
            status = worker.wait()
        finally:
            rater.clean_up()
    assert status in {0, Exit.HUNG}, worker.text()
    assert monotonic() - began < LEAVE_TIMEOUT + 20
