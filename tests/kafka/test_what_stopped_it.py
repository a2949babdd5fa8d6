"""Valid records that once stopped a partition or charged a call twice, on a real broker, over many restarts."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from rater.seam.partitions import partition_of
from tests.support.logs import Event, book, call, published, subscribed, tick
from tests.support.rated import Raw, assert_replay_is_equal, charged_calls, charges_of, rejections, until_rated, write
from tests.support.reading import values
from tests.support.workers import Rater

N = 4
A = "A"
HOME = partition_of(A.encode(), N)
BESIDE = next(f"B{n}" for n in range(99) if partition_of(f"B{n}".encode(), N) == HOME)
"""Another account of the same partition."""
OCTOBER = datetime.fromisoformat("2025-10-01T00:00:00+08:00")
"""In the past of any clock that runs these tests."""


def raw(event: Event) -> Raw:
    """The event in the one partition that these tests use."""
    account = event.get("account")
    return Raw(HOME, None if account is None else str(account).encode(), json.dumps(event).encode())


def at(days: float, hours: float = 0) -> datetime:
    return OCTOBER + timedelta(days=days, hours=hours)


def said(account: str, number: int, plan: Any, days: float, **fields: Any) -> Event:
    return subscribed(account, plan, at(days).isoformat(), subscription_id=f"s-{number}", **fields)


def moved(days: float) -> Event:
    return tick(at(days).isoformat(), operator=True)


PLANS: Event = {
    "p": {"fee": "10.00", "proration": "daily", "calls": {"rate": "2.00"}, "minutes": {"rate": "0.20", "allowance": 9}},
    "q": {"fee": "20.00", "proration": "daily", "calls": {"rate": "1.00"}, "minutes": {"rate": "0.30", "allowance": 9}},
    "zeros": {"fee": "10.0", "proration": "daily", "minutes": {"rate": "0.2000", "allowance": 9}},
}
OCTOBERS = call(A, "october", 600, at(29, 9))
CREDIT: Event = {"type": "account-adjusted/1", "account": A, "adjustment_id": "a", "amount": "-1.00", "reason": "x"}
VOID: Event = {"type": "call-voided/1", "account": A, "source": "pbx-1", "call_id": "c-2", "reason": "test call"}

LIFE: list[Event] = [
    published(book(PLANS, remember="31d")),
    said(A, 1, "p", 0),
    said(BESIDE, 2, "zeros", 15),
    call(BESIDE, 1, 3600, at(20)),
    OCTOBERS,
    moved(42),  # closes October
    OCTOBERS,
    CREDIT,
    moved(73),  # forgets October, closes November
    OCTOBERS,
    said(A, 3, "p", 73.5, billing_day=15),
    OCTOBERS,
    call(A, 2, 700, at(74)),
    call(A, 3, 800, at(75)),
    said(A, 4, "q", 62),
    VOID,
    CREDIT,
    call(BESIDE, 2, 61, at(75)),
    published(book(PLANS, version=2, remember="31d", close_after="1d")),
    call(A, 4, None, at(76)),
    moved(110),
    call(A, 5, 60, at(106)),
]


async def test_one_charge_for_each_call_whatever_restarts_between_any_two_transactions(rater: Rater) -> None:
    """Each record is a transaction of its own, and after each the worker is stopped; after some it is killed."""
    rater.run_here("topics", "create")
    for number, event in enumerate(LIFE, 1):
        worker = rater.worker()
        await write(rater, [raw(event)])
        await until_rated(rater, number)
        if number % 8 == 0:
            worker.kill()
        else:
            worker.stop()
    charges = await charges_of(rater)
    bodies = [json.loads(value) for partition in values(charges).values() for value in partition]
    calls = Counter(body["call"]["call_id"] for body in bodies if body.get("kind") == "usage" and body["account"] == A)
    assert calls == {"c-october": 1, "c-2": 1, "c-3": 1, "c-4": 1, "c-5": 1}
    reasons = Counter(line.split(": ")[1] for line in await rejections(rater))
    assert reasons == {"too-old": 2}
    rates = {
        line["rate"]
        for body in bodies
        if body["account"] == BESIDE
        for line in body.get("lines", ())
        if line["meter"] == "minutes"
    }
    assert rates == {"0.2000"}, "as its own plan writes it, whatever the other account's says"
    assert_replay_is_equal(rater, charges)


BANDS: Event = {
    name: {
        "fee": "30.00",
        "proration": "daily",
        "minutes": {"graduated": [{"from": n, "rate": f"{1 - n / 100:.2f}"} for n in range(50)]},
    }
    for name in ("even", "odd")
}


async def test_521_records_of_one_account_do_not_stop_its_partition(rater: Rater) -> None:
    """260 changes of plan, 260 calls and a late change: what is too much is rejected, and the next call is charged."""
    rater.run_here("topics", "create")
    changes = [said(A, n, ("even", "odd")[n % 2], 2 * n / 24) for n in range(260)]
    calls = [call(A, n, 3000, at(0, 2 * n + 0.1)) for n in range(260)]
    beside = [said(BESIDE, 1000, "even", 0), call(BESIDE, 1, 60, at(29))]
    events = [
        published(book(BANDS)),
        *changes,
        *calls,
        said(A, 999, "odd", 1 / 24),
        *beside,
        call(A, "last", 60, at(29)),
    ]
    rater.worker()
    await write(rater, [raw(event) for event in events])
    outcomes = await until_rated(rater, len(events))
    rater.must_live()
    assert outcomes == {"applied": 102, "charged": 262, "rejected:too-many-changes": 161}
    charges = await charges_of(rater)
    assert charged_calls(charges)[BESIDE, "pbx-1", "c-1"] == 1
    assert max(len(value) for partition in values(charges).values() for value in partition) < 64 * 1024
    assert_replay_is_equal(rater, charges)
