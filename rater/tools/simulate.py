"""A simulated switch, shaped like a bank's call centre with 33,066 calls in a month: a pure function of its seed.

Answered 82 %; talk time log-normal with a median of 107 s and a 95th percentile of 582 s, capped at 4264 s; the top 1 %
of accounts make 20.7 % of the calls; busy in office hours, quiet at night and at weekends. Floats only shape the random
choices; what comes out are whole milliseconds.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import accumulate
from random import Random
from statistics import NormalDist
from typing import NamedTuple

import orjson

ANSWERED = 0.82
MEDIAN_TALK, P95_TALK, LONGEST_TALK = 107, 582, 4264
TALK_SIGMA = math.log(P95_TALK / MEDIAN_TALK) / NormalDist().inv_cdf(0.95)
SKEW_SIGMA = NormalDist().inv_cdf(0.99) + NormalDist().inv_cdf(0.207)
"""Of log-normal weights, the top 1 % make a share of cdf(sigma - z(0.99)): 20.7 %."""

UNANSWERED = (("no-answer", 0.55), ("busy", 0.2), ("failed", 0.1), ("cancelled", 0.15))
DIRECTIONS = (("outbound", 0.7), ("inbound", 0.28), ("internal", 0.02))
HOURS = (1, 1, 1, 1, 1, 2, 5, 15, 50, 90, 100, 95, 60, 80, 100, 98, 90, 70, 45, 35, 25, 12, 5, 2)
"""Relative calls of each hour of a working day."""
WEEKEND = 0.35

PLANS = ("per-minute", "package-basic", "package-premium", "per-call", "hybrid-200", "hybrid-400")
NEGOTIATED = {
    "fee": "1000.00",
    "minutes": {
        "allowance": 1000,
        "increment": "30/6",
        "graduated": [{"from": 0, "rate": "0.14"}, {"from": 5000, "rate": "0.11"}],
    },
}
"""An enterprise plan, written for one account."""


class Event(NamedTuple):
    """An event of the log, ready to be written."""

    account: str
    """Whose partition it is for; empty for all of them."""
    value: bytes


class _Call(NamedTuple):
    ended: int
    number: int
    value: Event


def account_name(number: int) -> str:
    """The id of a simulated account, from 0."""
    return f"A{number:06d}"


def subscriptions(accounts: int, start: datetime) -> Iterator[Event]:
    """Every account on a plan from `start`: the shipped plans in turn, and one negotiated plan for the last account."""
    for number in range(accounts):
        account = account_name(number)
        negotiated = number == accounts - 1 and accounts > len(PLANS)
        words = {
            "type": "account-subscribed/1",
            "account": account,
            "subscription_id": f"sim-{number}",
            "plan": NEGOTIATED if negotiated else PLANS[number % len(PLANS)],
            "from": start.isoformat(),
        }
        yield Event(account, orjson.dumps(words))


def calls(seed: int, count: int, accounts: int, start: datetime, days: int = 30) -> Iterator[Event]:
    """`count` call-ended events in the order of their ends, within `days` days from `start` (an aware midnight)."""
    rng = Random(seed)  # noqa: S311 - a simulation
    pick = _accounts(rng, accounts)
    waiting: list[_Call] = []
    number = 0
    for hour, calls_of_hour in _by_hour(count, start, days):
        begins = start + timedelta(hours=hour)
        latest = 3_600_000 * hour
        while waiting and waiting[0].ended <= latest:
            yield heappop(waiting).value
        for offset in sorted(rng.randrange(3_600_000) for _ in range(calls_of_hour)):
            call = _call(rng, number, pick(rng.random()), begins, offset)
            heappush(waiting, call._replace(ended=latest + call.ended))
            number += 1
    while waiting:
        yield heappop(waiting).value


def _accounts(rng: Random, accounts: int) -> Callable[[float], str]:
    """From a share of all calls (0 to 1) to the account that makes them."""
    normal = NormalDist()
    weights = [math.exp(SKEW_SIGMA * normal.inv_cdf((k + 0.5) / accounts)) for k in range(accounts)]
    rng.shuffle(weights)
    reached = list(accumulate(weights))
    names = [account_name(number) for number in range(accounts)]
    return lambda share: names[bisect(reached, share * reached[-1], hi=accounts - 1)]


def _by_hour(count: int, start: datetime, days: int) -> Iterator[tuple[int, int]]:
    """(hour from the start, calls that begin in it), by the daily and weekly rhythm; they add up to `count`."""
    weights = [
        HOURS[hour % 24] * (WEEKEND if (start + timedelta(days=hour // 24)).weekday() >= 5 else 1)
        for hour in range(24 * days)
    ]
    total = sum(weights)
    before = 0
    for hour, reached in enumerate(accumulate(weights)):
        until = count if hour == 24 * days - 1 else round(count * reached / total)
        yield hour, until - before
        before = until


def _call(rng: Random, number: int, account: str, begins: datetime, offset: int) -> _Call:
    started = begins + timedelta(milliseconds=offset)
    ring = 1000 + int(rng.expovariate(1 / 12_000)) % 60_000
    answered = rng.random() < ANSWERED
    talk = int(min(rng.lognormvariate(math.log(MEDIAN_TALK), TALK_SIGMA), LONGEST_TALK) * 1000) if answered else 0
    picked_up = (started + timedelta(milliseconds=ring)).isoformat(timespec="milliseconds")
    words = {
        "type": "call-ended/1",
        "account": account,
        "source": "pbx-1",
        "call_id": f"sim-{number:09d}",
        "caller": f"+8610{10_000_000 + rng.randrange(1000)}",
        "callee": f"+86{13_000_000_000 + rng.randrange(6_999_999_999)}",
        "direction": _choice(rng, DIRECTIONS),
        "started_at": started.isoformat(timespec="milliseconds"),
        "answered_at": picked_up if answered else None,
        "ended_at": (started + timedelta(milliseconds=ring + talk)).isoformat(timespec="milliseconds"),
        "disposition": "answered" if answered else _choice(rng, UNANSWERED),
    }
    return _Call(offset + ring + talk, number, Event(account, orjson.dumps(words)))


def _choice(rng: Random, shares: tuple[tuple[str, float], ...]) -> str:
    at = rng.random()
    for word, share in shares:
        at -= share
        if at < 0:
            return word
    return shares[0][0]
