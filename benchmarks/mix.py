"""The fixed mix that the step is measured on: what a rater's partition sees in a busy hour.

20,000 calls of 2,000 accounts, one of which has half of all; the shipped plans, a tenth of the accounts per second, a
tenth on graduated prices, a fifth with a spend cap; 82 % answered. The calls of seed 0 are the month so far, those of
another seed the hour that is measured. The same seed gives the same records.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson

from rater.wire.shipped import shipped_book

ACCOUNTS = 2_000
BUSY = 0
"""The account with half of the calls; of the first of the shipped plans."""
CALLS = 20_000
STAMP = 1_793_500_000_000
"""2026-11-01T02:26:40Z in milliseconds."""
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)

PER_SECOND = {"minutes": {"rate": "0.25", "increment": "1/1"}}
GRADUATED = {"minutes": {"graduated": [{"from": 0, "rate": "0.20"}, {"from": 20, "rate": "0.15"}], "increment": "30/6"}}

Raw = tuple[int, int, bytes | None, bytes]
"""Offset, timestamp in ms, key, value."""


def plan_names() -> list[str]:
    """The plans, so often as accounts have them: ten of each in twelve."""
    shipped = list(orjson.loads(shipped_book().model_dump_json(exclude_unset=True))["plans"])
    return [*(shipped * 2)[:8], "per-second", "graduated"]


def control(only: str | None = None, *, capped: bool = True) -> Iterator[dict[str, Any]]:
    """The book and the subscriptions; all on the plan `only`, where one is named."""
    words = orjson.loads(shipped_book().model_dump_json(exclude_unset=True))
    words["plans"] |= {"per-second": PER_SECOND, "graduated": GRADUATED}
    yield {"type": "tariffs-published/1", "book": words}
    names = plan_names()
    for number in range(ACCOUNTS):
        event = {
            "type": "account-subscribed/1",
            "account": account(number),
            "subscription_id": f"s-{number}",
            "plan": only or names[number % len(names)],
            "from": "2026-11-01T00:00:00+08:00",
        }
        if capped and number % 5 == 4:
            event["spend_cap"] = "5000.00"
        yield event


def account(number: int) -> str:
    """An account's id."""
    return f"A{number:06d}"


def calls(seed: int) -> Iterator[dict[str, Any]]:
    """The calls, in the order of their ends as far as that matters: within an hour."""
    rng = Random(seed)
    for number in range(CALLS):
        owner = BUSY if rng.random() < 0.5 else int(ACCOUNTS * rng.random() ** 2)
        yield call(rng, account(owner), f"c-{seed}-{number:07d}")


def call(rng: Random, owner: str, call_id: str) -> dict[str, Any]:
    """A call of the hour: 82 % are answered, talk times are log-normal with a median of 107 seconds."""
    start = BEGAN + timedelta(milliseconds=rng.randrange(3_600_000))
    answered = start + timedelta(milliseconds=rng.randrange(20_000))
    end = answered + timedelta(milliseconds=int(min(rng.lognormvariate(4.67, 1.0), 3600) * 1000))
    event: dict[str, Any] = {
        "type": "call-ended/1",
        "account": owner,
        "source": "pbx-1",
        "call_id": call_id,
        "caller": "+861012345678",
        "callee": f"+86108765{rng.randrange(10_000):04d}",
        "direction": "outbound",
        "started_at": start.isoformat(timespec="milliseconds"),
    }
    if rng.random() < 0.82:
        event["answered_at"] = answered.isoformat(timespec="milliseconds")
    event["ended_at"] = end.isoformat(timespec="milliseconds")
    event["disposition"] = "answered" if "answered_at" in event else "no-answer"
    return event


def records(events: Iterator[dict[str, Any]], offset: int = 0) -> list[Raw]:
    """Events as records from an offset on."""
    return [
        (n, STAMP + n, event["account"].encode() if "account" in event else None, orjson.dumps(event))
        for n, event in enumerate(events, start=offset)
    ]
