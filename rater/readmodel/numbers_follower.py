"""The log's called numbers into the read model, as they come."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from rater.kafka.reader import reader
from rater.kafka.settings import Settings
from rater.readmodel.follower import AGAIN, AT_ONCE
from rater.readmodel.projection import Overtaken, position, project
from rater.readmodel.store import Store, TopicMessage

logger = logging.getLogger(__name__)


async def follow_numbers(settings: Settings, store: Store) -> None:
    """Take them in, forever, as `keep_numbers` has said; while Kafka is away what was read is shown."""
    while True:
        try:
            await _follow(settings, store)
        except KafkaConnectionError as error:
            logger.warning("Kafka is not reachable, called numbers are as of the last look: %s", error)
            await asyncio.sleep(AGAIN)


async def _follow(settings: Settings, store: Store) -> None:
    async with reader(settings, settings.topic("calls")) as consumer:
        tps = sorted(consumer.assignment())
        starts = await consumer.beginning_offsets(tps)
        since = {tp: _position(store, tp) for tp in tps}
        for tp in tps:
            consumer.seek(tp, max(since[tp] or 0, starts[tp]))
        consumer.resume(*tps)
        while True:
            for tp, records in (await consumer.getmany(timeout_ms=500, max_records=AT_ONCE)).items():
                messages = [TopicMessage(r.offset, r.timestamp, r.key, r.value, {}) for r in records]
                try:
                    await asyncio.to_thread(partial(_take, store, tp, messages, since[tp]))
                    since[tp] = records[-1].offset + 1
                except Overtaken:
                    since[tp] = _position(store, tp)
                    consumer.seek(tp, since[tp] or 0)


def _position(store: Store, tp: TopicPartition) -> int | None:
    with store.read() as connection:
        return position(connection, "calls", tp.partition)


def _take(store: Store, tp: TopicPartition, messages: list[TopicMessage], since: int | None) -> None:
    with store.write() as connection:
        project(connection, "calls", tp.partition, messages, since, messages[-1].offset + 1)
