"""Reading topics as they are: each partition from its start to where it ends now, `read_committed`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from rater.kafka.admin import partitions_of
from rater.kafka.failstop import Refused
from rater.kafka.settings import Settings
from rater.seam.model import Record

PATIENCE = 30.0
"""Seconds without a record, before the end, until reading gives up: clients themselves ask forever."""


class Chunk(NamedTuple):
    """Some records of a partition, in order."""

    partition: int
    partitions: int
    records: list[Record]
    done: int
    """Offsets passed so far, over all partitions."""
    total: int
    """Offsets to pass, over all partitions."""


async def log_partitions(settings: Settings) -> int:
    """N, as the broker has it. Raises `Refused` where the log is not there or the settings say another N."""
    topic = settings.topic("calls")
    there = await _existing(settings, topic)
    if there != settings.partitions:
        raise Refused(f"{topic} has {there} partitions, not {settings.partitions}: set RATER_PARTITIONS={there}")
    return there


async def _existing(settings: Settings, topic: str) -> int:
    partitions = await partitions_of(settings.client_options(), topic)
    if not partitions:
        raise Refused(f"there is no topic {topic} on {settings.bootstrap_servers}; run: rater topics create")
    return partitions


class Bounds(NamedTuple):
    """Where a topic's partitions start, and where they end for a `read_committed` reader."""

    starts: dict[int, int]
    ends: dict[int, int]


@asynccontextmanager
async def reader(settings: Settings, *topics: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of topics, in no group, which sees what is committed; `bounds` and `span` read with it.

    Raises `Refused` where a topic is not there.
    """
    tps = [TopicPartition(topic, p) for topic in topics for p in range(await _existing(settings, topic))]
    consumer = AIOKafkaConsumer(
        **settings.client_options(),
        isolation_level="read_committed",
        check_crcs=not settings.embedded,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=50,  # what is read is there already: waiting for more would only hold up the next partition
    )
    async with consumer:
        # Assigned once, and paused but for what is being read: aiokafka's stop() can wait forever where it comes soon
        # after a second assign(), because its fetcher swallows the cancellation (`suppress` around awaiting a task).
        starts = await consumer.beginning_offsets(tps)
        consumer.assign(tps)
        for tp in tps:
            consumer.seek(tp, starts[tp])
        consumer.pause(*tps)
        yield consumer


async def bounds(consumer: AIOKafkaConsumer, topic: str) -> Bounds:
    """Of every partition, as of now."""
    tps = sorted(tp for tp in consumer.assignment() if tp.topic == topic)
    starts, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
    return Bounds({tp.partition: starts[tp] for tp in tps}, {tp.partition: ends[tp] for tp in tps})


async def span(
    consumer: AIOKafkaConsumer, topic: str, partition: int, start: int, end: int
) -> AsyncIterator[tuple[list[Any], int]]:
    """The records of a partition from `start` up to `end`, in pieces, each with the position behind it.

    A piece may have no records, where there are only markers and aborted ones; an answer with nothing is no piece.

    Raises `Refused` where the broker gives nothing for `PATIENCE` seconds.
    """
    tp = TopicPartition(topic, partition)
    loop = asyncio.get_running_loop()
    consumer.seek(tp, start)
    consumer.resume(tp)
    position, moved = start, loop.time()
    while position < end:
        fetched = await consumer.getmany(tp, timeout_ms=50, max_records=5000)
        records = [record for record in fetched.get(tp, []) if record.offset < end]
        before, position = position, min(await consumer.position(tp), end)
        if position > before:
            yield records, position
            moved = loop.time()  # what is done with them takes as long as it takes
        elif loop.time() - moved > PATIENCE:
            raise Refused(f"{topic}/{partition} gave nothing for {PATIENCE:.0f} s at offset {position}")
    consumer.pause(tp)


async def read_topic(settings: Settings, topic: str) -> AsyncIterator[Chunk]:
    """The committed records of a topic by its real name, partition after partition, up to the end as of now.

    Raises `Refused` where the topic is not there.
    """
    async with reader(settings, topic) as consumer:
        starts, ends = await bounds(consumer, topic)
        total = sum(ends.values()) - sum(starts.values())
        passed = 0
        for p, start in starts.items():
            async for records, position in span(consumer, topic, p, start, ends[p]):
                yield Chunk(p, len(starts), records, passed + position - start, total)
            passed += ends[p] - start
