"""The tables as their changelogs have them, for tools; the worker reads them in `rater.engine.restore`."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer

from rater.kafka.reader import bounds, log_partitions, reader, span
from rater.kafka.settings import Settings
from rater.kafka.topics import changelog
from rater.processor.rows import TABLES
from rater.seam.heads import HEAD_KEY, HEADS
from rater.seam.model import Head, TableSpec
from rater.seam.rows import PartitionRows


async def latest_rows(
    settings: Settings, consumer: AIOKafkaConsumer, partition: int, tables: tuple[TableSpec, ...] = TABLES
) -> PartitionRows:
    """A partition's rows, as the changelogs have them now; `consumer` is a reader of these.

    While a worker rates it, tables may be of two moments.
    """
    found = PartitionRows(tables)
    for table in tables:
        topic = changelog(settings, table.name)
        starts, ends = await bounds(consumer, topic)
        values: dict[bytes, bytes] = {}
        async for records, _ in span(consumer, topic, partition, starts[partition], ends[partition]):
            for record in records:
                if record.value is None:
                    values.pop(record.key, None)
                else:
                    values[record.key] = record.value
        found.tables[table.name] = {key: table.decode(value) for key, value in values.items()}
    return found


async def latest_head(settings: Settings, consumer: AIOKafkaConsumer, partition: int) -> Head | None:
    """Up to where a partition was rated; None before its first transaction."""
    head: Head | None = (await latest_rows(settings, consumer, partition, (HEADS,))).get(HEADS.name, HEAD_KEY)
    return head


async def latest_heads(settings: Settings) -> dict[int, Head]:
    """The head of each log partition that has one."""
    partitions = await log_partitions(settings)
    async with reader(settings, changelog(settings, HEADS.name)) as consumer:
        heads = {p: await latest_head(settings, consumer, p) for p in range(partitions)}
    return {p: head for p, head in heads.items() if head is not None}


async def outcomes_so_far(settings: Settings) -> int:
    """How many records of the log have their outcome, by the partitions' heads."""
    return sum(sum(head.outcomes.values()) for head in (await latest_heads(settings)).values())
