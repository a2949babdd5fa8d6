"""Taking log partitions over: fence the former owner, then read every changelog to its end.

Source: exactly_once.md, parts 3 and 4. What Faust's assignor says of changelogs plays no role here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from time import monotonic
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from rater.engine.config import EngineConfig
from rater.engine.producer import PartitionProducer
from rater.kafka.failstop import Refused
from rater.seam.heads import HEAD_KEY, HEADS
from rater.seam.model import Head, TableSpec
from rater.seam.rows import PartitionRows

logger = logging.getLogger(__name__)

REPORT_EVERY = 5.0
"""Seconds between two progress lines of a restore, so that a slow one is seen to be slow, not hung."""

DECODED_AT_ONCE = 5_000
"""Rows between two answers of the main loop during a restore."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A log partition taken over: rows as of the end of the former owner's last transaction."""

    producer: PartitionProducer
    rows: PartitionRows
    head: Head


Progress = Callable[[int, int], None]
"""Hears of (records read, records to read at most)."""


async def restore(
    config: EngineConfig, partitions: set[int], progress: Progress = lambda _read, _total: None
) -> dict[int, Restored]:
    """Take over `partitions`. Raises `Refused` where going on would lose or repeat records.

    If it raises or is cancelled, it has stopped its producers and its consumer.
    """
    producers = {p: PartitionProducer(config, p) for p in sorted(partitions)}
    consumer = _consumer(config)
    done = False
    try:
        async with asyncio.TaskGroup() as group:
            for producer in producers.values():
                group.create_task(_start(producer))
            group.create_task(consumer.start())
        bounds = await _bounds(config, consumer, partitions)
        rows = await _read(config, consumer, partitions, bounds, progress)
        heads = await _heads(config, rows, await _newer_ends(config, consumer, rows, bounds))
        await consumer.stop()
        done = True
        return {p: Restored(producers[p], rows[p], heads[p]) for p in producers}
    finally:
        if not done:  # also where it is interrupted while the consumer stops: nobody has the producers then
            clients = (consumer, *producers.values())
            await asyncio.gather(*(client.stop() for client in clients), return_exceptions=True)


async def _start(producer: PartitionProducer) -> None:
    """Start a producer, saying so when the former owner's transaction takes its time to end."""
    starting = asyncio.ensure_future(producer.start())
    try:
        while not (await asyncio.wait({starting}, timeout=REPORT_EVERY))[0]:
            logger.warning("partition %d: still waiting for its producer to start", producer.partition)
        await starting
    finally:
        starting.cancel()


def _consumer(config: EngineConfig) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **config.client,
        client_id=f"{config.app_id}-restore",
        isolation_level="read_committed",
        check_crcs=config.check_crcs,
        enable_auto_commit=False,
        auto_offset_reset="none",
        request_timeout_ms=int(config.request_timeout * 1000),
        max_partition_fetch_bytes=4 << 20,
    )


class RestoreBounds(NamedTuple):
    """Where topic partitions start, and where they end for a `read_committed` reader."""

    starts: Mapping[TopicPartition, int]
    ends: Mapping[TopicPartition, int]


async def _bounds(config: EngineConfig, consumer: AIOKafkaConsumer, partitions: set[int]) -> RestoreBounds:
    """Of the changelogs and the log. Asked before the first fetch, behind whose long poll the answers would wait."""
    topics = [*(config.changelog(table.name) for table in config.all_tables), config.log_topic]
    tps = [TopicPartition(topic, p) for topic in topics for p in partitions]
    return RestoreBounds(await consumer.beginning_offsets(tps), await consumer.end_offsets(tps))


async def _read(
    config: EngineConfig, consumer: AIOKafkaConsumer, partitions: set[int], bounds: RestoreBounds, progress: Progress
) -> dict[int, PartitionRows]:
    starts, ends = bounds
    tables = {config.changelog(table.name): table for table in config.all_tables}
    changelogs = [TopicPartition(topic, p) for topic in tables for p in partitions]
    consumer.assign(changelogs)
    for tp in changelogs:
        consumer.seek(tp, starts[tp])
    # Bytes first, rows afterwards: only the last value of a key is worth decoding.
    raw: dict[TopicPartition, dict[bytes, bytes]] = {tp: {} for tp in changelogs}
    total = sum(ends[tp] - starts[tp] for tp in changelogs)
    began = reported = monotonic()
    behind = {tp for tp in changelogs if starts[tp] < ends[tp]}
    read = 0
    while behind:
        for tp, records in (await consumer.getmany(timeout_ms=200, max_records=20_000)).items():
            read += len(records)
            values = raw[tp]
            for record in records:
                if record.value is None:
                    values.pop(record.key, None)
                else:
                    values[record.key] = record.value
        progress(read, total)
        # Markers and aborted records at the tail are no records, but the position passes them.
        behind = {tp for tp in behind if await consumer.position(tp) < ends[tp]}
        if monotonic() - reported >= REPORT_EVERY:
            reported = monotonic()
            logger.info("restoring partitions %s: %s of at most %s records", sorted(partitions), read, total)
    rows = {p: await _decode(tables, raw, p, config) for p in partitions}
    kept = sum(map(len, rows.values()))
    logger.info("restored partitions %s: %d records, %d rows, %.1f s", *_summary(partitions, read, kept, began))
    return rows


def _summary(partitions: set[int], read: int, kept: int, began: float) -> tuple[list[int], int, int, float]:
    return sorted(partitions), read, kept, monotonic() - began


async def _decode(
    tables: Mapping[str, TableSpec],
    raw: Mapping[TopicPartition, Mapping[bytes, bytes]],
    partition: int,
    config: EngineConfig,
) -> PartitionRows:
    """A partition's rows from their bytes, a few at a time: the loop must answer, however many there are."""
    rows = PartitionRows(tables.values())
    for topic, table in tables.items():
        decode = table.decode
        values = iter(raw[TopicPartition(topic, partition)].items())
        while some := {key: decode(value) for key, value in islice(values, DECODED_AT_ONCE)}:
            rows.apply({table.name: some})
            await asyncio.sleep(0)
        if table is HEADS and rows.head is not None:  # before any other row is read
            theirs, ours = rows.head.format, config.row_format
            if theirs not in {ours, *config.readable_formats}:
                raise Refused(_other_format(partition, theirs, ours))
            rows.put(HEADS.name, HEAD_KEY, replace(rows.head, format=ours))
    return rows


def _other_format(partition: int, theirs: int, ours: int) -> str:
    return (
        f"partition {partition}: its rows have format {theirs}, and this rater reads format {ours}. Run the version of"
        " the rater that wrote them; or, to rate the log anew into new topics, set another RATER_TOPIC_PREFIX"
    )


async def _heads(config: EngineConfig, rows: Mapping[int, PartitionRows], bounds: RestoreBounds) -> dict[int, Head]:
    logs = {p: TopicPartition(config.log_topic, p) for p in rows}
    starts, ends = bounds
    commits = await _group_commits(config, [tp for p, tp in logs.items() if rows[p].head is None])
    heads: dict[int, Head] = {}
    for p, tp in logs.items():
        head = rows[p].head
        if head is None:
            _check_new(config, tp, starts[tp], commits[tp], rows[p])
            head = Head(starts[tp], config.partitions, format=config.row_format)
        heads[p] = _check_known(config, tp, head, starts[tp], ends[tp])
        rows[p].tables[HEADS.name][HEAD_KEY] = heads[p]
    return heads


async def _newer_ends(
    config: EngineConfig, consumer: AIOKafkaConsumer, rows: Mapping[int, PartitionRows], bounds: RestoreBounds
) -> RestoreBounds:
    """The bounds, with the log's ends as of now where rows say that it had gone on.

    A restore that takes long (a machine that slept) reads rows of an owner that came after it. The log is not cut off
    then: the partition is another's, and the first transaction here finds that out.
    """
    logs = {p: TopicPartition(config.log_topic, p) for p in rows}
    beyond = [tp for p, tp in logs.items() if (head := rows[p].head) and head.next_offset > bounds.ends[tp]]
    if not beyond:
        return bounds
    return bounds._replace(ends={**bounds.ends, **await consumer.end_offsets(beyond)})


async def _group_commits(config: EngineConfig, logs: list[Any]) -> dict[Any, int | None]:
    if not logs:
        return {}
    group = AIOKafkaConsumer(**config.client, group_id=config.app_id, enable_auto_commit=False)
    try:
        await group.start()
        return {tp: await group.committed(tp) for tp in logs}
    finally:
        await group.stop()


def _check_new(config: EngineConfig, tp: Any, start: int, committed: int | None, rows: PartitionRows) -> None:
    """A log without rows may be begun only where it is surely new: if rows were lost, calls would be charged twice."""
    if config.adopt:
        logger.warning("%s/%d: adopted at offset %d by an operator's word", tp.topic, tp.partition, start)
        return
    why = ""
    if len(rows):
        why = "other tables have rows"
    elif start > 0:
        why = f"the log starts at offset {start}, not 0"
    elif committed is not None:
        why = f"the group {config.app_id} has committed offset {committed}"
    if why:
        message = (
            f"{tp.topic}/{tp.partition}: no state is there, but {why}. If the changelogs {config.app_id}-*-changelog"
            " were lost, restore them. If this log is to be rated anew from its start, run: rater worker --adopt"
        )
        raise Refused(message)


def changed_partitions(place: str, first: int, now: int) -> str:
    """Why a log whose number of partitions changed is refused, and what to do."""
    return (
        f"{place}: this log was first rated with {first} partitions, and now there are {now}; accounts would be split"
        f" over partitions and billed wrong. Set RATER_PARTITIONS={first} where only the setting changed; otherwise"
        " move to a new log: set another RATER_TOPIC_PREFIX and run: rater topics create"
    )


def _check_known(config: EngineConfig, tp: Any, head: Head, start: int, end: int) -> Head:
    place = f"{tp.topic}/{tp.partition}"
    if head.partitions != config.partitions:
        raise Refused(changed_partitions(place, head.partitions, config.partitions))
    if start > head.next_offset:
        lost = f"{place}: offsets {head.next_offset} to {start - 1} are gone from the log before they were rated"
        if not config.adopt:
            message = (
                f"{lost}. Restore them; or, to go on without them (those calls are never charged): rater worker --adopt"
            )
            raise Refused(message)
        logger.warning("%s: given up by an operator's word", lost)
        head = replace(head, next_offset=start)
    if head.next_offset > end:
        message = (
            f"{place}: the log ends at offset {end}, before {head.next_offset}, which is due next: it was truncated or"
            " made anew. Restore it, or move to a new log with another RATER_TOPIC_PREFIX: rater topics create"
        )
        raise Refused(message)
    return head
