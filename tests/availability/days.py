"""One worker, all its partitions full of accounts, through the days on which much falls due at once.

The worker's own ticks bring them, on a clock that the test sets; calls are made all the while, and it is measured how
soon the charge of each can be read.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, time_ns
from typing import NamedTuple
from zoneinfo import ZoneInfo

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from rater.engine.batches import BUCKETS
from rater.seam.partitions import partition_of
from tests.support.logs import call
from tests.support.rated import address, topic, until_charged
from tests.support.reading import read
from tests.support.workers import GaveUp, Rater

SHANGHAI = ZoneInfo("Asia/Shanghai")
BATCH = 500
"""Records in one batch of the load."""


class Size(NamedTuple):
    """How much of it."""

    partitions: int
    accounts: int
    """Of each partition."""
    interval: float
    """Seconds between two ticks of a partition."""
    calls: int
    """Calls a second that are made meanwhile."""


class Day(NamedTuple):
    """What came of one of these days."""

    name: str
    seconds: float
    """Until all that was due was done."""
    calls: int
    median: float
    p99: float
    """Seconds from a call's record to its charge, of the calls that were made meanwhile."""


class Outcome(NamedTuple):
    """What came of all of them."""

    days: list[Day]
    longest_fold: float
    """Seconds that none took longer than."""
    longest_commit: float


def first_of(day: datetime, months: int) -> datetime:
    """The first of the month so many months before or after that of a day."""
    count = day.year * 12 + day.month - 1 + months
    return datetime(count // 12, count % 12 + 1, 1, tzinfo=SHANGHAI)


def days_of(month: datetime) -> list[tuple[str, datetime]]:
    """The instants at which much falls due for the calls of the first morning of a month."""
    after = first_of(month, 1)
    return [
        ("midnight", month + timedelta(days=1)),
        ("first of the month", after),
        ("closing", after + timedelta(days=10)),
        ("forgetting", after + timedelta(days=70)),
    ]


class Clock:
    """What time the worker's ticks tell."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def set(self, at: datetime) -> None:
        """From now on it is this time, and goes on."""
        wanted = int(at.timestamp() * 1_000_000_000)
        beside = self.file.with_suffix(".new")
        beside.write_text(str(wanted - time_ns()))
        beside.replace(self.file)


async def live_through(rater: Rater, size: Size) -> Outcome:
    """Fill the partitions, and let the days come; raises where the worker ends or something does not get done."""
    month = first_of(datetime.now(SHANGHAI), -4)
    clock = Clock(rater.folder / "clock")
    rater.settings |= {"partitions": str(size.partitions), "health_port": str(free_port())}
    rater.settings |= {"tick_interval": str(size.interval)}
    rater.program = ("tests.availability.clock", str(clock.file))
    clock.set(month + timedelta(hours=10))
    rater.run("topics", "create")
    rater.run("tariffs", "publish")
    rater.worker()
    names = placed(size)
    await write(rater, loads(names, month + timedelta(hours=9)))
    await until_charged(rater, size.partitions * size.accounts, 1_800)
    before = metrics(rater)
    days: list[Day] = []
    for name, at in days_of(month):
        days.append(await one_day(rater, size, names, name, at, clock))
        print(days[-1], flush=True)
    after = metrics(rater)
    return Outcome(days, *(slowest(before, after, what) for what in ("fold", "commit")))


def slowest(before: Mapping[str, float], after: Mapping[str, float], what: str) -> float:
    """No fold or commit between two looks at the metrics took longer than this: the end of a class, in seconds."""
    counts = {end: f'rater_{what}_duration_seconds_bucket{{le="{end}"}}' for end in (*BUCKETS, "+Inf")}
    done = {end: after[name] - before[name] for end, name in counts.items()}
    return min(float(end) for end, count in done.items() if count == done["+Inf"])


def placed(size: Size) -> list[list[str]]:
    """So many accounts for each partition, where their keys belong."""
    names: list[list[str]] = [[] for _ in range(size.partitions)]
    number = 0
    while min(map(len, names)) < size.accounts:
        name = f"A{number:07d}"
        there = names[partition_of(name.encode(), size.partitions)]
        if len(there) < size.accounts:
            there.append(name)
        number += 1
    return names


class Raw(NamedTuple):
    """A record for a partition."""

    partition: int
    key: bytes | None
    value: bytes


def loads(names: list[list[str]], started: datetime) -> Iterator[Raw]:
    """One call of each account."""
    for partition, accounts in enumerate(names):
        for account in accounts:
            yield Raw(partition, account.encode(), orjson.dumps(call(account, f"load-{account}", 90, started)))


async def write(rater: Rater, records: Iterable[Raw]) -> None:
    """Write very many records, a batch at a time."""
    log, waiting = topic(rater, "calls"), list[asyncio.Future[object]]()
    async with AIOKafkaProducer(bootstrap_servers=address(rater), acks="all", max_batch_size=1 << 20) as producer:
        batch, partition, count = producer.create_batch(), 0, 0

        async def send() -> None:
            if count:
                batch.close()
                waiting.append(await producer.send_batch(batch, log, partition=partition))

        for record in records:
            if record.partition != partition or count == BATCH:
                await send()
                batch, partition, count = producer.create_batch(), record.partition, 0
            batch.append(key=record.key, value=record.value, timestamp=None)
            count += 1
        await send()
        await asyncio.gather(*waiting)


async def one_day(rater: Rater, size: Size, names: list[list[str]], name: str, at: datetime, clock: Clock) -> Day:
    """Let time come to `at` in every partition, and wait until nothing is due; make calls all the while."""
    mark = name.replace(" ", "-")
    made: dict[str, float] = {}
    seen: dict[str, float] = {}
    placed_at_end = asyncio.Event()
    reading = asyncio.create_task(watch(rater, mark, seen, placed_at_end))
    await placed_at_end.wait()
    calling = asyncio.create_task(make_calls(rater, size, names, mark, at - timedelta(hours=2), made))
    try:
        began = monotonic()
        clock.set(at)
        await until_done(rater, at)
        seconds = monotonic() - began
    finally:
        calling.cancel()
        with suppress(asyncio.CancelledError):
            await calling
    await until_all_seen(rater, made, seen)
    reading.cancel()
    waits = sorted(seen[ident] - when for ident, when in made.items())
    return Day(name, seconds, len(waits), waits[len(waits) // 2], waits[int(len(waits) * 0.99)])


async def until_done(rater: Rater, at: datetime, seconds: float = 3_000) -> None:
    """Wait until no partition has work left that was due at `at`."""
    micros = int(at.timestamp() * 1_000_000)
    deadline = monotonic() + seconds
    while True:
        rater.must_live()
        heads = await read(address(rater), topic(rater, "rater-heads-changelog"))
        states = [json.loads(records[-1].value)["state"] for records in heads.values() if records]
        if all((s["now"] or 0) >= micros and not s["left"] for s in states):
            return
        if monotonic() > deadline:
            raise GaveUp(f"work is left after {seconds:g} s\n{rater.logs()}")
        await asyncio.sleep(2)


async def make_calls(
    rater: Rater, size: Size, names: list[list[str]], mark: str, started: datetime, made: dict[str, float]
) -> None:
    """Calls of accounts by chance, at an even rate, until cancelled."""
    rng = random.Random(mark)  # the same accounts in each run
    async with AIOKafkaProducer(bootstrap_servers=address(rater), acks="all", linger_ms=2) as producer:
        while True:
            partition = rng.randrange(size.partitions)
            account = rng.choice(names[partition])
            event = call(account, f"{mark}-{len(made)}", 61, started + timedelta(seconds=len(made) % 3_000))
            began = monotonic()
            await producer.send(topic(rater, "calls"), orjson.dumps(event), account.encode(), partition=partition)
            made[event["call_id"]] = began
            await asyncio.sleep(1 / size.calls)


CALL_ID = re.compile(rb'"call_id":"([^"]+)"')


async def watch(rater: Rater, mark: str, seen: dict[str, float], ready: asyncio.Event) -> None:
    """When the charge of each of the day's calls could be read, from now on, until cancelled."""
    ours = f'"call_id":"c-{mark}-'.encode()
    async with AIOKafkaConsumer(bootstrap_servers=address(rater), isolation_level="read_committed") as consumer:
        charges = topic(rater, "charges")
        consumer.assign([TopicPartition(charges, 0)])
        await consumer.position(TopicPartition(charges, 0))
        tps = [TopicPartition(charges, p) for p in consumer.partitions_for_topic(charges) or ()]
        consumer.assign(tps)
        await consumer.seek_to_end(*tps)
        for tp in tps:
            await consumer.position(tp)
        ready.set()
        while True:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                now = monotonic()
                for record in records:
                    if ours in record.value and (found := CALL_ID.search(record.value)):
                        seen.setdefault(found[1].decode(), now)


async def until_all_seen(rater: Rater, made: dict[str, float], seen: dict[str, float]) -> None:
    """Wait until each call has its charge."""
    deadline = monotonic() + 120
    while made.keys() - seen.keys():
        rater.must_live()
        if monotonic() > deadline:
            raise GaveUp(f"{len(made.keys() - seen.keys())} of {len(made)} calls have no charge\n{rater.logs()}")
        await asyncio.sleep(0.2)


def metrics(rater: Rater) -> dict[str, float]:
    """What the worker tells of itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{rater.settings['health_port']}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    words = (line.split() for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in words}


def free_port() -> int:
    """A port that nothing listens on."""
    import socket  # noqa: PLC0415 - one use

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
