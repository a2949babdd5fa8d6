"""The one job that all contenders of `make bench` do, and what must come out of it.

Simulated calls of 10,000 accounts within one month, all on one plan: 50 minutes a month are included, then 0.18 a
started minute, and 2.50 a connected call; unanswered calls are free. What each call costs is worked out here once more,
from the calls alone and without any of the rater's rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import orjson

from rater.tools import simulate
from rater.tools.simulate import Event
from rater.wire.tariff_book import TariffBook

ACCOUNTS = 10_000
ALLOWANCE, PER_MINUTE, PER_CALL = 50, Decimal("0.18"), Decimal("2.50")
PLAN = {
    "minutes": {"allowance": ALLOWANCE, "rate": str(PER_MINUTE)},
    "calls": {"rate": str(PER_CALL)},
}


def book() -> TariffBook:
    """The plan, for every account."""
    return TariffBook.model_validate(
        {
            "version": 1,
            "currency": "CNY",
            "time_zone": "Asia/Shanghai",
            "default_plan": "hybrid",
            "plans": {"hybrid": PLAN},
        }
    )


@cache
def calls(count: int) -> tuple[Event, ...]:
    """The calls, the same ones for all, in the order of their ends, on 26 days of the last month that is over.

    They are what all contenders read alike: talk time in whole seconds, and none is internal.
    """
    first = (datetime.now(UTC).replace(day=1) - timedelta(days=1)).replace(
        day=2, hour=0, minute=0, second=0, microsecond=0
    )
    made = []
    for account, value in simulate.calls(1, count, ACCOUNTS, first, days=26):
        call = orjson.loads(value)
        if call["direction"] == "internal":
            call["direction"] = "outbound"
        if call["answered_at"]:
            answered, ended = datetime.fromisoformat(call["answered_at"]), datetime.fromisoformat(call["ended_at"])
            talk = timedelta(seconds=max(1, (ended - answered) // timedelta(seconds=1)))
            call["ended_at"] = (answered + talk).isoformat(timespec="milliseconds")
        made.append(Event(account, orjson.dumps(call)))
    return tuple(made)


class Due(NamedTuple):
    """What must come out for a call."""

    amount: Decimal
    total: Decimal
    """Of its account, with this call."""


def due(events: Iterable[Event]) -> dict[str, Due]:
    """Call id to what it costs, in the order of the log."""
    minutes: dict[str, int] = defaultdict(int)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    found: dict[str, Due] = {}
    for account, value in events:
        call = orjson.loads(value)
        amount = Decimal(0)
        if call["disposition"] == "answered":
            talk = datetime.fromisoformat(call["ended_at"]) - datetime.fromisoformat(call["answered_at"])
            started = max(1, -(-talk // timedelta(minutes=1)))
            included = max(0, min(started, ALLOWANCE - minutes[account]))
            minutes[account] += started
            amount = PER_CALL + PER_MINUTE * (started - included)
        totals[account] += amount
        found[call["call_id"]] = Due(amount, totals[account])
    return found


@cache
def due_of(count: int) -> Mapping[str, Due]:
    """What must come out for so many calls."""
    return due(calls(count))


class Result(NamedTuple):
    """What a contender put out for a call."""

    call_id: str
    amount: str | None
    """None of one that copies calls, and charges nothing."""
    total: str | None


def result_of(value: bytes) -> Result | None:
    """Read a record of `charges`: the rater's, a peer's, or a copied call. None is no call: a fee, an adjustment."""
    words: dict[str, Any] = orjson.loads(value)
    if words.get("kind") == "usage":
        return Result(words["call"]["call_id"], words["amount"], words["period_total"])
    if "spend_to_date" in words:
        return Result(words["call_id"], words["amount"], words["spend_to_date"])
    if words.get("type") == "call-ended/1":
        return Result(words["call_id"], None, None)
    return None


def problems(results: Sequence[Result], wanted: Mapping[str, Due]) -> list[str]:
    """What is wrong with what came out: calls lost, repeated, or charged otherwise."""
    counts: dict[str, int] = defaultdict(int)
    wrong = 0
    for call_id, amount, total in results:
        counts[call_id] += 1
        if amount is not None and total is not None:
            wrong += call_id not in wanted or wanted[call_id] != (Decimal(amount), Decimal(total))
    found = {
        "lost": sum(call_id not in counts for call_id in wanted),
        "of no call": sum(call_id not in wanted for call_id in counts),
        "more than once": sum(count > 1 for count in counts.values()),
        "charged wrong": wrong,
    }
    return [f"{count} {what}" for what, count in found.items() if count]
