"""What became of any record of the log, found by its place: results carry the time of the record that caused them, so
they are looked for at that time in their topics, and nowhere else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from rater.kafka.reader import bounds, reader, span
from rater.kafka.settings import Settings
from rater.kafka.topics import changelog
from rater.seam import heads
from rater.seam.partitions import partition_of


class Came(NamedTuple):
    """What became of a record."""

    outcome: str
    """`charged`, `duplicate`, `applied`, `rejected`, `forwarded` or `not-rated-yet`."""
    reason: str | None = None
    detail: str | None = None
    charges: tuple[dict[str, Any], ...] = ()
    forwarded_to: str | None = None


async def came_of(settings: Settings, partition: int, offset: int) -> Came | None:
    """The outcome of the record at a place of the log; None where there is no record."""
    log, rows = settings.topic("calls"), changelog(settings, heads.HEADS.name)
    async with reader(settings, log, settings.topic("charges"), settings.topic("rejected"), rows) as consumer:
        found = await _record(consumer, log, partition, offset)
        if found is None:
            return None
        if await _rated_until(consumer, rows, partition) <= offset:
            return Came("not-rated-yet")
        place = f"{log}/{partition}/{offset}"
        rejected = await _caused(consumer, settings.topic("rejected"), partition, found.timestamp, place)
        if rejected:
            body = orjson.loads(rejected[0].value)
            return Came("rejected", body["reason"], body["detail"])
        made = await _caused(consumer, settings.topic("charges"), partition, found.timestamp, place)
        charges = tuple(body for one in made if (body := orjson.loads(one.value))["type"] == "charge/1")
        call = b'"call-ended/1"' in (found.value or b"")
        if charges:
            return Came("charged" if call else "applied", charges=charges)
        home = partition_of(found.key or b"", settings.partitions)
        if home != partition:
            there = await _caused(consumer, log, home, found.timestamp, place)
            if there:
                return Came("forwarded", forwarded_to=f"{log}/{home}/{there[0].offset}")
        return Came("duplicate" if call else "applied")


async def _record(consumer: AIOKafkaConsumer, topic: str, partition: int, offset: int) -> Any:
    starts, ends = await bounds(consumer, topic)
    if not starts.get(partition, 0) <= offset < ends.get(partition, 0):
        return None
    async for records, _ in span(consumer, topic, partition, offset, offset + 1):
        for record in records:
            return record
    return None


async def _rated_until(consumer: AIOKafkaConsumer, topic: str, partition: int) -> int:
    """The first offset that is not rated, as the last head of the partition says."""
    starts, ends = await bounds(consumer, topic)
    end, last = ends[partition], None
    async for records, _ in span(consumer, topic, partition, max(starts[partition], end - 50), end):
        last = records[-1] if records else last
    return 0 if last is None or last.value is None else heads.decode(last.value).next_offset


async def _caused(consumer: AIOKafkaConsumer, topic: str, partition: int, timestamp: int, place: str) -> list[Any]:
    """The messages of a partition that a record caused, which had this timestamp."""
    tp = TopicPartition(topic, partition)
    found = (await consumer.offsets_for_times({tp: timestamp}))[tp]
    if found is None:
        return []
    caused: list[Any] = []
    end = (await bounds(consumer, topic)).ends[partition]
    async for records, _ in span(consumer, topic, partition, found.offset, end):
        caused += [record for record in records if ("rater-from", place.encode()) in record.headers]
        if records and records[-1].timestamp > timestamp:
            break
    consumer.pause(tp)
    return caused
