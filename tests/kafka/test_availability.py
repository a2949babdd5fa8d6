"""No honest day and no sequence of valid records ends a worker or stops a partition, on a real Kafka."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson

from rater.rating.limits import CHANGES, CHANGES_PER_PERIOD
from tests.availability.days import Size, live_through
from tests.support.logs import Event, book, call, published, subscribed
from tests.support.rated import Raw, rejections, until_rated, write
from tests.support.workers import Rater

SEPTEMBER = datetime.fromisoformat("2026-09-01T00:00:00+08:00")
BANDS = [{"from": number, "rate": f"0.{200 - number:03d}"} for number in range(50)]
PLANS = {
    "even": {"proration": "daily", "fee": "30.00", "minutes": {"graduated": BANDS}},
    "odd": {"proration": "daily", "fee": "60.00", "minutes": {"graduated": BANDS, "increment": "30/6"}},
    "pm": {"minutes": {"rate": "0.10"}},
}


def raw(event: Event) -> Raw:
    account = event.get("account")
    return Raw(0, account.encode() if account else None, orjson.dumps(event))


def change(account: str, number: int, at: datetime, **fields: Any) -> Raw:
    plan = "odd" if number % 2 else "even"
    return raw(subscribed(account, plan, at.isoformat(), subscription_id=f"s-{number}", **fields))


async def test_midnight_the_first_of_the_month_closing_and_forgetting(rater: Rater) -> None:
    """The worker lives through all four, no transaction lasts 2 s, and the calls of the day are charged meanwhile."""
    outcome = await live_through(rater, Size(partitions=16, accounts=600, interval=8, calls=50))
    assert [day.name for day in outcome.days] == ["midnight", "first of the month", "closing", "forgetting"]
    assert all(day.calls > 0 for day in outcome.days)
    assert outcome.longest_commit <= 2


async def test_records_that_once_stopped_a_partition(rater: Rater) -> None:
    """Hundreds of plan changes, late ones over many calls, far ones: done, or rejected with a reason; all goes on."""
    rater.settings["partitions"] = "1"
    rater.run_here("topics", "create")
    worker = rater.worker()
    calls = 30_000
    records = [
        raw(published(book(PLANS, default_plan="pm"))),
        # 521 ordinary records of one account: 260 plan changes, 260 calls, a late subscription
        *(change("A", n, SEPTEMBER + timedelta(hours=2 * n)) for n in range(260)),
        *(raw(call("A", n, 3_000, SEPTEMBER + timedelta(hours=2 * n, minutes=5))) for n in range(260)),
        change("A", 999, SEPTEMBER + timedelta(hours=1)),
        # 80 late changes of an account with very many calls
        *(raw(call("B", n, 61, SEPTEMBER + timedelta(seconds=80 * n))) for n in range(calls)),
        *(change("B", n, SEPTEMBER + timedelta(hours=7 * n)) for n in range(80)),
        # 1,200 changes at distinct instants
        *(change("C", n, SEPTEMBER + timedelta(days=n)) for n in range(1_200)),
        raw(call("D", 1, 61, SEPTEMBER)),
    ]
    await write(rater, records)
    found = await until_rated(rater, len(records), 300)
    assert worker.alive()
    assert found["charged"] == 260 + calls + 1
    refused = [line.split(": ")[1] for line in await rejections(rater)]
    assert set(refused) == {"too-many-changes"}
    assert len(refused) == (260 + 1 - CHANGES_PER_PERIOD) + (1_200 - CHANGES)
    assert "Proved: " in rater.run("audit")
