"""Writing events into the log as a switch would: keyed by account, to the partition of the account's hash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from rater.kafka.reader import log_partitions
from rater.kafka.settings import Settings
from rater.seam.partitions import partition_of
from rater.tools.simulate import Event

CHUNK = 500


class Placed(NamedTuple):
    """A record, and where it goes: a topic by its real name, and partitions."""

    topic: str
    key: bytes | None
    value: bytes
    partitions: Sequence[int]


async def feed(settings: Settings, events: Iterable[Event], rate: float | None = None) -> AsyncIterator[int]:
    """Write events in order, at most `rate` a second if given; yields how many are written so far."""
    topic, partitions = settings.topic("calls"), await log_partitions(settings)

    @cache
    def home(key: bytes) -> tuple[int]:
        return (partition_of(key, partitions),)

    everywhere = range(partitions)
    placed = (
        Placed(topic, account.encode() or None, value, home(account.encode()) if account else everywhere)
        for account, value in events
    )
    async for written in feed_placed(settings, placed, rate):
        yield written


async def feed_placed(settings: Settings, records: Iterable[Placed], rate: float | None = None) -> AsyncIterator[int]:
    """Write records in order, as `feed` does."""
    async with AIOKafkaProducer(
        **settings.client_options(),
        linger_ms=10,
        max_batch_size=256 * 1024,
        enable_idempotence=True,
        compression_type=None if settings.compression == "none" else settings.compression,
    ) as producer:
        loop = asyncio.get_running_loop()
        began, written = loop.time(), 0
        waiting = iter(records)
        size = CHUNK if rate is None else max(1, min(CHUNK, int(rate / 20)))
        before: list[asyncio.Future[object]] = []
        while chunk := list(islice(waiting, size)):
            sent = []
            for topic, key, value, homes in chunk:
                sent += [await producer.send(topic, value, key, partition=p) for p in homes]
            # One chunk may be on its way while the next is made; a send that fails must be heard of.
            await asyncio.gather(*before)
            before = sent
            written += len(chunk)
            if rate is not None:
                await asyncio.sleep(max(0.0, began + written / rate - loop.time()))
            yield written
        await asyncio.gather(*before)
