"""The transactional producer of one log partition: a whole transaction is one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaProducer

from rater.engine.config import EngineConfig
from rater.seam.errors import RaterError
from rater.seam.model import Output

Header = tuple[str, bytes]
Place = tuple[str, int]
"""A real topic name and a partition."""
Append = Callable[["bytes | None", "bytes | None", "int | None", list[Header]], None]


class OversizedRecord(RaterError):  # noqa: N818
    """A row or output that the broker would refuse; the step is bound never to make one."""


class Outbox:
    """Record batches being filled for one transaction, in order within each topic partition."""

    def __init__(self, producer: AIOKafkaProducer, max_batch_size: int) -> None:
        self._producer = producer
        self._max_batch_size = max_batch_size
        self._batches: dict[Place, list[Any]] = {}

    def lane(self, place: Place) -> Append:
        """What appends records for a topic partition: (key, value, timestamp, headers).

        It raises `OversizedRecord` for a record larger than a batch may be.
        """
        batches = self._batches.setdefault(place, [])
        append: Any = batches[-1].append if batches else None

        def add(key: bytes | None, value: bytes | None, timestamp: int | None, headers: list[Header]) -> None:
            nonlocal append
            if append is not None and append(key=key, value=value, timestamp=timestamp, headers=headers) is not None:
                return
            batch = self._producer.create_batch()
            batches.append(batch)
            append = batch.append
            # The first record of a batch is never refused here, whatever its size, and the broker's refusal of the
            # batch would not fail the commit: so its size is checked by hand.
            append(key=key, value=value, timestamp=timestamp, headers=headers)
            if batch.size() > self._max_batch_size:
                topic, partition = place
                message = f"a record of {batch.size()} bytes for {topic}/{partition}; {self._max_batch_size} fit"
                raise OversizedRecord(message)

        return add

    def add_outputs(self, outputs: Iterable[Output], topics: Mapping[str, str]) -> None:
        """Append outputs; `topics` maps their roles to real topic names."""
        lanes: dict[Place, Append] = {}
        for topic, partition, key, value, timestamp, headers in outputs:
            place = (topic, partition)
            add = lanes.get(place)
            if add is None:
                add = lanes[place] = self.lane((topics[topic], partition))
            add(key, value, timestamp, list(headers))

    async def send(self) -> None:
        """Send every batch and wait until the broker has taken each one."""
        async with asyncio.TaskGroup() as group:
            for place, batches in self._batches.items():
                group.create_task(self._send(place, batches))

    async def _send(self, place: Place, batches: list[Any]) -> None:
        topic, partition = place
        for batch in batches:
            batch.close()
            sent = await self._producer.send_batch(batch, topic, partition=partition)
            if await sent is None:
                message = f"{topic}/{partition}: a batch ended without a result"
                raise RuntimeError(message)


class PartitionProducer:
    """Owns a log partition's transactional id.

    `start` fences whoever had it before and returns when that one's transaction is finished on the broker. An instance
    is started once; rows read after its start belong to it and are dropped with it.
    """

    def __init__(self, config: EngineConfig, partition: int) -> None:
        self.partition = partition
        self._max_batch_size = config.max_batch_size
        self._producer = AIOKafkaProducer(
            **config.client,
            client_id=f"{config.app_id}-{partition}",
            transactional_id=config.transactional_id(partition),
            transaction_timeout_ms=int(config.transaction_timeout * 1000),
            request_timeout_ms=int(config.request_timeout * 1000),
            max_batch_size=config.max_batch_size,
            max_request_size=2 * config.max_batch_size,
            compression_type=config.compression,
        )

    async def start(self) -> None:
        """Fence the former owner (InitProducerId)."""
        await self._producer.start()

    async def stop(self) -> None:
        """Close the connections; an open transaction is left to the next owner's fence."""
        await self._producer.stop()

    def outbox(self) -> Outbox:
        """An empty outbox for the next transaction."""
        return Outbox(self._producer, self._max_batch_size)

    async def commit(self, outbox: Outbox) -> None:
        """One transaction: begin, send all, and commit only when the broker has taken every batch.

        Any exception leaves the outcome unknown: the caller must end the process, never retry or abort.
        """
        await self._producer.begin_transaction()
        await outbox.send()
        await self._producer.commit_transaction()
