"""Reading topics as they are: each partition from its start to where it ends now, `read_committed`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from rater.service.settings import Settings
from rater.stream.model import Record


class Chunk(NamedTuple):
    """Some records of a partition, in order."""

    partition: int
    partitions: int
    records: list[Record]
    done: int
    """Offsets passed so far, over all partitions."""
    total: int
    """Offsets to pass, over all partitions."""


async def read_topic(settings: Settings, topic: str) -> AsyncIterator[Chunk]:
    """The committed records of a topic by its real name, partition after partition, up to the end as of now."""
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
        partitions = sorted(consumer.partitions_for_topic(topic) or await _learn(consumer, topic))
        tps = [TopicPartition(topic, p) for p in partitions]
        starts, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        total = sum(ends[tp] - starts[tp] for tp in tps)
        passed = 0
        for tp in tps:
            consumer.assign([tp])
            consumer.seek(tp, starts[tp])
            position = starts[tp]
            while position < ends[tp]:
                fetched = await consumer.getmany(tp, timeout_ms=50, max_records=5000)
                records = [record for record in fetched.get(tp, []) if record.offset < ends[tp]]
                position = min(await consumer.position(tp), ends[tp])
                yield Chunk(tp.partition, len(tps), records, passed + position - starts[tp], total)
            passed += ends[tp] - starts[tp]


async def _learn(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    consumer.assign([TopicPartition(topic, 0)])
    await consumer._client._wait_on_metadata(topic)  # noqa: SLF001 - no public way to learn of an unassigned topic
    return consumer.partitions_for_topic(topic) or set()
