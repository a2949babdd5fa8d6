"""Writing at the door: each record acknowledged by Kafka before anybody is told that it is there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from rater.console.problems import Problem
from rater.kafka.log_writer import message_marks
from rater.kafka.settings import Settings
from rater.seam.partitions import partition_of

DOOR = "rater-door"
IN_FLIGHT = 20_000
"""Records that may wait for Kafka; beyond that senders are told to come back."""
BATCH = 256 * 1024
"""Bytes of a batch."""
LINGER_MS = 2
"""What a record may wait for others: at most this much later, and many more a second."""


class WrittenAt(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class DoorWriter:
    """One producer for all requests."""

    def __init__(self, settings: Settings) -> None:
        self._patience = settings.request_timeout
        self.in_flight = 0
        self.producer = AIOKafkaProducer(
            **settings.client_options(),
            client_id=f"{settings.full_app_id}-door",
            acks="all",
            enable_idempotence=True,
            linger_ms=LINGER_MS,
            max_batch_size=BATCH,
            request_timeout_ms=int(settings.request_timeout * 1000),
            compression_type=None if settings.compression == "none" else settings.compression,
        )

    async def write(self, topic: str, key: bytes, value: bytes, partition: int, kind: str, actor: str) -> WrittenAt:
        """Write a record; its place once it is acknowledged. Raises `Problem` 503 where that takes too long."""
        with _Room(self, 1):
            try:
                async with asyncio.timeout(self._patience):
                    marks = message_marks(kind, actor, DOOR)
                    sent = await self.producer.send(topic, value, key, partition=partition, headers=marks)
                    there = await sent
            except (TimeoutError, KafkaError) as error:
                raise unavailable() from error
        return WrittenAt(topic, there.partition, there.offset)

    async def write_all(
        self, topic: str, records: Sequence[tuple[bytes, bytes]], partitions: int, kind: str, actor: str
    ) -> list[WrittenAt]:
        """Write (key, value)s, each to its key's partition; their places in the same order. Raises as `write` does."""
        homes: defaultdict[int, list[int]] = defaultdict(list)
        for index, (key, _) in enumerate(records):
            homes[partition_of(key, partitions)].append(index)
        with _Room(self, len(records)):
            try:
                async with asyncio.timeout(self._patience):
                    parts = (self._part(topic, p, [records[n] for n in some], kind, actor) for p, some in homes.items())
                    found = await asyncio.gather(*parts)
            except (TimeoutError, KafkaError) as error:
                raise unavailable() from error
        places: dict[int, WrittenAt] = {}
        for (partition, indexes), offsets in zip(homes.items(), found, strict=True):
            places |= {n: WrittenAt(topic, partition, offset) for n, offset in zip(indexes, offsets, strict=True)}
        return [places[n] for n in range(len(records))]

    async def _part(
        self, topic: str, partition: int, records: Sequence[tuple[bytes, bytes]], kind: str, actor: str
    ) -> list[int]:
        """Records of one partition in whole batches, which cost a fraction of single ones; their offsets."""
        marks, sizes, sent = message_marks(kind, actor, DOOR), [], []
        batch, size = self.producer.create_batch(), 0
        for key, value in records:
            if batch.append(key=key, value=value, timestamp=None, headers=marks) is None:
                sent.append(await self._closed(batch, topic, partition))
                sizes.append(size)
                batch, size = self.producer.create_batch(), 0
                batch.append(key=key, value=value, timestamp=None, headers=marks)
            size += 1
        sent.append(await self._closed(batch, topic, partition))
        sizes.append(size)
        starts = [(await future).offset for future in sent]
        return [start + n for start, count in zip(starts, sizes, strict=True) for n in range(count)]

    async def _closed(self, batch: object, topic: str, partition: int) -> asyncio.Future[WrittenAt]:
        batch.close()  # type: ignore[attr-defined]
        sent: asyncio.Future[WrittenAt] = await self.producer.send_batch(batch, topic, partition=partition)
        return sent


class _Room:
    """Room for so many records among those in flight, or a refusal."""

    def __init__(self, writer: DoorWriter, count: int) -> None:
        self._writer, self._count = writer, count

    def __enter__(self) -> None:
        if self._writer.in_flight + self._count > IN_FLIGHT:
            raise unavailable()
        self._writer.in_flight += self._count

    def __exit__(self, *_: object) -> None:
        self._writer.in_flight -= self._count


def unavailable() -> Problem:
    """Kafka is away or slow. What was sent may be in the log: the same again is charged once."""
    return Problem(503, "unavailable", "Kafka does not take it in time; send the same again", {"Retry-After": "2"})
