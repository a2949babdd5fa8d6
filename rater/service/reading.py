"""Reading topics as they are: each partition from its start to where it ends now, `read_committed`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from rater.service.settings import Settings
from rater.stream.admin import partitions_of
from rater.stream.failstop import Refused
from rater.stream.model import Record

PATIENCE = 30.0
"""Seconds without a record, before the end, until reading gives up: clients themselves ask for ever."""


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


async def read_topic(settings: Settings, topic: str) -> AsyncIterator[Chunk]:
    """The committed records of a topic by its real name, partition after partition, up to the end as of now.

    Raises `Refused` where the topic is not there.
    """
    partitions = await _existing(settings, topic)
    consumer = AIOKafkaConsumer(
        **settings.client_options(),
        isolation_level="read_committed",
        check_crcs=not settings.embedded,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=50,  # what is read is there already: waiting for more would only hold up the next partition
    )
    loop = asyncio.get_running_loop()
    async with consumer:
        tps = [TopicPartition(topic, p) for p in range(partitions)]
        starts, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        total = sum(ends[tp] - starts[tp] for tp in tps)
        passed = 0
        for tp in tps:
            consumer.assign([tp])
            consumer.seek(tp, starts[tp])
            position = starts[tp]
            moved = loop.time()
            while position < ends[tp]:
                fetched = await consumer.getmany(tp, timeout_ms=50, max_records=5000)
                records = [record for record in fetched.get(tp, []) if record.offset < ends[tp]]
                before, position = position, min(await consumer.position(tp), ends[tp])
                if position > before:
                    moved = loop.time()
                elif loop.time() - moved > PATIENCE:
                    raise Refused(f"{topic}/{tp.partition} gave nothing for {PATIENCE:.0f} s at offset {position}")
                yield Chunk(tp.partition, len(tps), records, passed + position - starts[tp], total)
            passed += ends[tp] - starts[tp]
