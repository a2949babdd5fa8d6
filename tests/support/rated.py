"""What must hold of a log that workers rated, told by reading the topics."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from tests.support.reading import Log, Outcomes, check, growing, read, values
from tests.support.workers import GaveUp, Rater

HEADS = "rater-heads-changelog"
"""Where the workers keep how far they are, and how what they rated came out."""


class Raw(NamedTuple):
    """A record to be written as it is, where it is told."""

    partition: int
    key: bytes | None
    value: bytes | None


def address(rater: Rater) -> str:
    """Where Kafka is."""
    return rater.settings["bootstrap_servers"]


def topic(rater: Rater, role: str) -> str:
    """A topic's real name."""
    return rater.settings["topic_prefix"] + role


async def write(rater: Rater, records: Sequence[Raw]) -> list[str]:
    """Write records into the log as they are; gives their places, `calls/3/10482`."""
    log = topic(rater, "calls")
    async with AIOKafkaProducer(bootstrap_servers=address(rater), enable_idempotence=True, linger_ms=5) as producer:
        sent = [await producer.send(log, r.value, r.key, partition=r.partition) for r in records]
        done = [await future for future in sent]
    return [f"{log}/{place.partition}/{place.offset}" for place in done]


async def so_far(rater: Rater) -> Counter[str]:
    """How many records ended in each outcome until now."""
    return await outcomes_in(rater, HEADS)


async def outcomes_in(rater: Rater, heads: str) -> Counter[str]:
    """The same by any changelog of heads, an intake's too."""
    async with growing(address(rater), topic(rater, heads)) as log:
        return await Outcomes(log).now()


async def until_rated(rater: Rater, records: int, seconds: float = 120) -> Counter[str]:
    """Wait until so many records of the log have their outcome; says how they came out."""

    async def rated(found: Counter[str]) -> bool:
        return found.total() >= records

    return await until_outcomes(rater, rated, f"{records} records rated", seconds)


async def until_all_rated(rater: Rater, seconds: float = 120) -> Counter[str]:
    """Wait until every record of the log has its outcome; says how they came out.

    A log grows by itself: what stood wrong is forwarded, and a worker that leaves work sends a tick. A count that was
    made before is reached by those while a record that was there is not rated yet.
    """
    records = 0

    async with growing(address(rater), topic(rater, "calls")) as log:

        async def all_of_it(found: Counter[str]) -> bool:
            nonlocal records
            # After the outcomes: equal numbers were equal when those were read.
            records += sum(map(len, (await log.more()).values()))
            return found.total() == records

        return await until_outcomes(rater, all_of_it, "all records rated", seconds)


async def until_charged(rater: Rater, calls: int, seconds: float = 120) -> Counter[str]:
    """Wait until so many calls are charged."""

    async def charged(found: Counter[str]) -> bool:
        return found["charged"] >= calls

    return await until_outcomes(rater, charged, f"{calls} calls charged", seconds)


async def until_outcomes(
    rater: Rater,
    holds: Callable[[Counter[str]], Awaitable[bool]],
    what: str,
    seconds: float = 120,
    heads: str = HEADS,
) -> Counter[str]:
    """Wait until something holds of the outcomes that a changelog of heads tells; says what they are then."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    # The timeout is for a broker that is gone: reading on waits for it.
    async with asyncio.timeout(seconds + 60), growing(address(rater), topic(rater, heads)) as log:
        outcomes = Outcomes(log)
        while not await holds(found := await outcomes.now()):
            rater.must_live()
            if loop.time() > deadline:
                raise GaveUp(f"not within {seconds:g} s: {what}; {dict(found)}\n{rater.logs()}")
            await asyncio.sleep(0.1)
    return found


async def charges_of(rater: Rater) -> Log:
    """The charges, as a `read_committed` reader sees them."""
    return await read(address(rater), topic(rater, "charges"))


async def records_in_log(rater: Rater) -> int:
    """How many committed records the log has."""
    return sum(len(records) for records in (await read(address(rater), topic(rater, "calls"))).values())


def charged_calls(charges: Log) -> Counter[tuple[str, str, str]]:
    """(account, source, call id) -> how many charges; the charges must have no gap, and add up in lines and totals."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for partition in values(charges).values():
        found = check(json.loads(value) for value in partition)
        assert found.wrong == []
        seen += found.calls
    return seen


def assert_replay_is_equal(rater: Rater, charges: Log) -> None:
    """`rater rate` over the exported log gives the bytes of the topic, partition by partition."""
    rater.run("export", "--out", "log.jsonl")
    rater.run("rate", "log.jsonl", "--by-partition", "replayed")
    for partition, published in values(charges).items():
        file = rater.folder / "replayed" / f"{partition}.jsonl"
        replayed = file.read_bytes() if file.exists() else b""
        assert replayed == b"".join(value + b"\n" for value in published), f"partition {partition} differs"


async def rejections(rater: Rater) -> list[str]:
    """Place, reason and detail of each record that was rejected."""
    told = []
    for records in (await read(address(rater), topic(rater, "rejected"))).values():
        for record in records:
            body = json.loads(record.value)
            told.append(f"{dict(record.headers)['rater-from'].decode()}: {body['reason']}: {body['detail']}")
    return told
