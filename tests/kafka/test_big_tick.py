"""Closing the month of very many accounts on a real Kafka: in transactions of a size that is known."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime

import orjson

from rater.app.worker import WORK_OF_A_TICK
from rater.rating.limits import TICK_CHANGES
from tests.support.logs import call
from tests.support.rated import Raw, address, charges_of, topic, until_charged, write
from tests.support.reading import end_of
from tests.support.workers import GaveUp, Rater

ACCOUNTS = 20_000
START = datetime.fromisoformat("2026-06-03T09:00:00+08:00")
"""In a month that is long over."""


async def closings(rater: Rater) -> Counter[tuple[str, str]]:
    """(cause, account) of each period that was closed."""
    return Counter(
        (dict(record.headers)["rater-from"].decode(), record.key.decode())
        for records in (await charges_of(rater)).values()
        for record in records
        if b'"period-closed/1"' in record.value[:40]
    )


async def all_closed(rater: Rater, seconds: float) -> Counter[tuple[str, str]]:
    """Wait until every account's period is closed."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while (end := await end_of(address(rater), topic(rater, "charges"))) < 2 * ACCOUNTS:
        rater.must_live()
        if loop.time() > deadline:
            raise GaveUp(f"charges end at {end} after {seconds:g} s")
        await asyncio.sleep(0.5)
    return await closings(rater)


async def test_20_000_accounts_close_in_bounded_transactions(rater: Rater) -> None:
    """The worker's own ticks close them all, each once; none does more than its budget, and the worker lives on."""
    rater.settings["partitions"] = "1"
    rater.run_here("topics", "create")
    rater.run_here("tariffs", "publish")
    first = rater.worker()
    calls = (call(f"A{n:05d}", n, 60, START) for n in range(ACCOUNTS))
    await write(rater, [Raw(0, event["account"].encode(), orjson.dumps(event)) for event in calls])
    await until_charged(rater, ACCOUNTS)
    first.terminate()
    first.wait()
    rater.settings["tick_interval"] = "3600"
    rater.worker()
    rater.run("tick", "--at", "2026-11-01T00:00:00Z")  # the worker's own follow at once, while work is left
    found = await all_closed(rater, 400)
    assert len({account for _, account in found}) == ACCOUNTS
    assert set(found.values()) == {1}
    of_ticks = Counter(cause for cause, _ in found)
    by_hand = TICK_CHANGES  # the operator's tick does not say how many
    largest, *others = sorted(of_ticks.values(), reverse=True)
    assert largest * 2 <= by_hand, "each changes a usage row and an account row"
    assert max(others) * 2 <= WORK_OF_A_TICK
    assert len(others) >= (ACCOUNTS * 2 - by_hand) // WORK_OF_A_TICK
