"""`python -m tests.availability.large_account`: one account with a million calls, and late subscriptions in the middle.

The log is written first and then drained by one worker at full speed; the speed before the late subscriptions is
compared with the speed after them, in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import monotonic
from typing import NamedTuple

import orjson

from tests.availability.days import Raw, free_port, metrics, write
from tests.support.broker import kafka
from tests.support.logs import Event, book, call, published, subscribed
from tests.support.rated import until_charged
from tests.support.workers import Rater

SEPTEMBER = datetime.fromisoformat("2026-09-01T00:00:00+08:00")
PLANS: Event = {
    "even": {"proration": "daily", "fee": "30.00", "minutes": {"allowance": 100, "rate": "0.10"}},
    "odd": {"proration": "daily", "fee": "60.00", "minutes": {"allowance": 200, "rate": "0.08"}},
}


class Sample(NamedTuple):
    """How far the worker was at an instant of the monotonic clock."""

    at: float
    done: int


class Drained(NamedTuple):
    """Calls a second, before the late subscriptions and after them; and the longest time without any."""

    before: float
    after: float
    gap: float


def raw(event: Event) -> Raw:
    account = event.get("account")
    return Raw(0, account.encode() if account else None, orjson.dumps(event))


def log(calls: int) -> Iterator[Raw]:
    """A book, two subscriptions, half of the calls, two late subscriptions, the other half."""
    yield raw(published(book(PLANS)))
    for name in "AB":
        yield raw(subscribed(name, "even", SEPTEMBER.isoformat(), subscription_id=f"{name}-1"))
    yield raw(call("B", "b-1", 61, SEPTEMBER + timedelta(hours=1)))
    apart = timedelta(days=29) / calls
    for number in range(calls):
        if number == calls // 2:
            for name in "AB":
                late = SEPTEMBER + timedelta(days=9)
                yield raw(subscribed(name, "odd", late.isoformat(), subscription_id=f"{name}-2"))
        yield raw(call("A", number, 61, SEPTEMBER + apart * number))


async def drain(rater: Rater, calls: int) -> Drained:
    """Write the log, start a worker, wait until each call is charged."""
    rater.settings |= {"partitions": "1", "health_port": str(free_port())}
    rater.run("topics", "create")
    await write(rater, log(calls))
    rater.worker()
    sampling = asyncio.create_task(samples(rater, calls))
    counted = await until_charged(rater, calls + 1, 1_800)
    assert counted["charged"] == calls + 1, counted
    assert counted["applied"] >= 5, counted
    return speeds(await sampling, calls)


async def samples(rater: Rater, calls: int) -> list[Sample]:
    """The next offset that the worker tells, again and again until the log is done."""
    found = [Sample(monotonic(), 0)]
    while found[-1].done < calls:
        await asyncio.sleep(0.1)
        done = int(metrics(rater).get('rater_next_offset{partition="0"}', 0))
        found.append(Sample(monotonic(), done))
    return found


def speeds(found: list[Sample], calls: int) -> Drained:
    """The medians over seconds; those in which the worker started or did the late subscriptions count for neither."""
    half = calls // 2
    seconds = [(sooner, later) for sooner, later in zip(found, found[10:], strict=False)]
    before = [rate(*pair) for pair in seconds if pair[0].done > 20_000 and pair[1].done <= half]
    after = [rate(*pair) for pair in seconds if half + 20_000 < pair[0].done]
    moved = [sample.at for sooner, sample in pairwise(found) if sample.done > sooner.done]
    return Drained(median(before), median(after), max(later - sooner for sooner, later in pairwise(moved)))


def rate(sooner: Sample, later: Sample) -> float:
    return (later.done - sooner.done) / (later.at - sooner.at)


def main() -> None:
    """Run, and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=1_000_000)
    calls = options.parse_args().calls
    with kafka() as broker, tempfile.TemporaryDirectory() as folder:
        settings = {"bootstrap_servers": broker, "topic_prefix": "large-", "replication": "1", "dev": "1"}
        rater = Rater(settings, Path(folder))
        try:
            drained = asyncio.run(drain(rater, calls))
        finally:
            rater.clean_up()
    print(f"one account with {calls:,} calls, a late subscription of it and one of another account in the middle")
    print(f"before {drained.before:10,.0f} calls/s")
    print(f"after  {drained.after:10,.0f} calls/s: {drained.after / drained.before:.2f} of it")
    print(f"the longest time in which nothing was charged: {drained.gap:.1f} s")
    assert drained.after >= 0.8 * drained.before, "late subscriptions made the calls after them slower"


if __name__ == "__main__":
    main()
