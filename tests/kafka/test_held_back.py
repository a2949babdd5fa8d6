"""A foreign producer's open transaction holds the log; that is told, for it looks like idleness."""

from __future__ import annotations

import asyncio

import orjson
from confluent_kafka import Producer

from tests.availability.days import free_port, metrics
from tests.support.logs import call
from tests.support.rated import address, topic, until_charged
from tests.support.workers import GaveUp, Rater


async def held(rater: Rater, wanted: bool) -> None:  # noqa: FBT001
    """Wait until the worker says that records are held back, or that none are."""
    for _ in range(300):
        rater.must_live()
        found = [value for name, value in metrics(rater).items() if name.startswith("rater_held_back")]
        if any(found) is wanted:
            return
        await asyncio.sleep(0.1)
    raise GaveUp(f"held back: {found}\n{rater.logs()}")


async def test_an_open_transaction_is_told_and_its_end_lets_go(ready: Rater) -> None:
    """While it is open nothing behind it is rated; when it ends all is, each call once."""
    ready.settings["health_port"] = str(free_port())
    ready.worker()
    log = topic(ready, "calls")
    foreign = Producer({"bootstrap.servers": address(ready), "transactional.id": f"{log}-held"})
    foreign.init_transactions(30)
    foreign.begin_transaction()
    first = orjson.dumps(call("A000001", "in", 60))
    foreign.produce(log, first, b"A000001", partition=0)
    foreign.flush(30)
    ready.run("simulate", "--calls", "200", "--accounts", "40", "--no-subscribe")
    await held(ready, wanted=True)
    foreign.abort_transaction(30)
    await held(ready, wanted=False)
    found = await until_charged(ready, 200)
    assert found["charged"] == 200
