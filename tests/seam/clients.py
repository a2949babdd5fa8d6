"""The clients of the fake Kafka: as much of aiokafka's producer and consumer as the engine uses, and as they behave.

- What was sent is written by a task of the producer's own, so cancelling the caller does not take it back; a commit
  that was asked for goes on in the background.
- A batch that the broker refuses fails its own future, not the transaction: a commit then succeeds without it.
- A fenced producer answers with `ProducerFenced`, and with an `AssertionError` when it is used again.
- An end of a transaction whose answer is lost is asked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    ConcurrentTransactions,
    CoordinatorNotAvailableError,
    IllegalOperation,
    KafkaError,
    NoOffsetForPartitionError,
)

from rater.engine.producer import Header
from tests.seam.fake import PROCESS, Entry, FakeKafka, Phase, Place, Process


class FakeBatch:
    """A batch being filled."""

    def __init__(self, limit: int) -> None:
        self.records: list[tuple[bytes | None, bytes | None, int, tuple[Header, ...]]] = []
        self._limit, self._size = limit, 0

    def append(
        self, *, key: bytes | None, value: bytes | None, timestamp: int | None, headers: list[Header]
    ) -> object | None:
        size = len(key or b"") + len(value or b"")
        if self.records and self._size + size > self._limit:
            return None
        self._size += size
        self.records.append((key, value, timestamp or 0, tuple(headers)))
        return self

    def size(self) -> int:
        return self._size

    def close(self) -> None:
        """No more records."""


class Client:
    """What both kinds have: a process, and steps."""

    def __init__(self, kafka: FakeKafka) -> None:
        self.kafka = kafka
        self.process: Process = PROCESS.get()
        self.started = False

    async def _step(self, name: str) -> None:
        await self.kafka.step(self.process, name)

    def _open(self) -> None:
        self.started = True
        self.process.open_clients += 1

    def _close(self) -> bool:
        """Whether there is anything to close."""
        was, self.started = self.started, False
        self.process.open_clients -= was
        return was and self.process.alive


class FakeProducer(Client):
    """`AIOKafkaProducer` with a transactional id."""

    def __init__(self, kafka: FakeKafka, **options: Any) -> None:
        super().__init__(kafka)
        self.ident: str = options["transactional_id"]
        self._timeout = options["transaction_timeout_ms"] / 1000
        self._limit: int = options["max_batch_size"]
        self._epoch = -1
        self._state = "new"
        self._added: set[Place] = set()
        self._jobs: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._waiting: list[asyncio.Future[Any]] = []
        self._sender: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._open()
        await self._step("InitProducerId")
        while True:
            try:
                self._epoch = self.kafka.init_producer_id(self.ident, self._timeout)
                break
            except ConcurrentTransactions:
                await self._wait_for_markers()
        await self._step("InitProducerId answered")
        self._state = "ready"
        self._sender = asyncio.create_task(self._send_all())

    async def stop(self) -> None:
        closing = self._close()
        self._state = "stopped"
        if self._sender is not None:
            self._sender.cancel()
        if closing:
            await self._step("producer stops")

    def create_batch(self) -> FakeBatch:
        return FakeBatch(self._limit)

    async def begin_transaction(self) -> None:
        await self._step("begin")
        self._move("ready", "open")

    async def send_batch(self, batch: FakeBatch, topic: str, *, partition: int) -> asyncio.Future[object]:
        await self._step(f"send {_role(topic)}")
        if self._state != "open":
            raise IllegalOperation("Can't send messages while not in transaction")
        future = self._future()
        self._jobs.put_nowait(partial(self._write, batch, (topic, partition), future))
        return future

    async def commit_transaction(self) -> None:
        await self._step("commit")
        self._move("open", "committing")
        ended = self._future()
        self._jobs.put_nowait(partial(self._end, ended))
        await asyncio.shield(ended)
        await self._step("committed")

    def _move(self, before: str, after: str) -> None:
        # A bare AssertionError about the state is what aiokafka raises of a producer that was fenced.
        assert self._state == before, f"Invalid state transition {self._state} -> {after}"
        self._state = after

    def _future(self) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future

    async def _send_all(self) -> None:
        while True:
            job = await self._jobs.get()
            try:
                await job()
            except KafkaError as error:
                self._state = "fatal"
                for future in self._waiting:
                    if not future.done():
                        future.set_exception(error)
                        future.exception()  # looked at: not everyone waits for each
                return

    async def _write(self, batch: FakeBatch, place: Place, future: asyncio.Future[object]) -> None:
        role = _role(place[0])
        while place not in self._added:
            await self._step(f"add {role}")
            try:
                self.kafka.add_partition(self.ident, self._epoch, place)
                self._added.add(place)
            except ConcurrentTransactions:
                await self._wait_for_markers()
        try:
            await self._step(f"produce {role}")
            first = self.kafka.produce(self.ident, self._epoch, place, batch.records)
            await self._step(f"produced {role}")
        except KafkaError as error:  # the batch's own; the transaction is still open
            if not future.done():
                future.set_exception(error)
                future.exception()
        else:
            if not future.done():
                future.set_result(first)

    async def _end(self, ended: asyncio.Future[None]) -> None:
        while self._added:  # where nothing was sent, nothing is asked
            try:
                await self._step("EndTxn")
                self.kafka.end_transaction(self.ident, self._epoch, commit=True)
                await self._step("EndTxn answered")
                break
            except CoordinatorNotAvailableError:
                continue
            except ConcurrentTransactions:
                await self._wait_for_markers()
        self._added.clear()
        self._move("committing", "ready")
        if not ended.done():
            ended.set_result(None)

    async def _wait_for_markers(self) -> None:
        await self._step("concurrent transactions")
        while self.kafka.ids[self.ident].phase is Phase.PREPARED:
            await self.kafka.changed(self.process)


class FakeConsumer(Client):
    """`AIOKafkaConsumer`, of partitions that it is told."""

    MOST = 3
    """Offsets of a partition in one answer, so that a short log takes several."""

    def __init__(self, kafka: FakeKafka, **options: Any) -> None:
        super().__init__(kafka)
        self._committed = options.get("isolation_level") == "read_committed"
        self._group: str | None = options.get("group_id")
        self._kind = "reader" if not self._group else "log" if self._committed else "group"
        self._at: dict[TopicPartition, int | None] = {}

    async def start(self) -> None:
        self._open()
        await self._step(f"{self._kind} starts")

    async def stop(self) -> None:
        if self._close():
            await self._step(f"{self._kind} stops")

    def assign(self, tps: Iterable[TopicPartition]) -> None:
        self._at = dict.fromkeys(tps)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._at[tp] = offset

    async def beginning_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await self._step(f"{self._kind} starts asked")
        return dict.fromkeys(tps, 0)

    async def end_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await self._step(f"{self._kind} ends asked")
        return {tp: self._end(tp) for tp in tps}

    async def position(self, tp: TopicPartition) -> int:
        await self._step(f"{self._kind} position asked")
        at = self._at[tp]
        if at is None:
            raise NoOffsetForPartitionError(tp)
        return at

    async def getmany(
        self, *, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Entry]]:
        """At most `MOST` offsets of each partition; whoever is at the end waits for one turn of the loop."""
        del timeout_ms, max_records
        await self._step(f"{self._kind} fetch")
        found: dict[TopicPartition, list[Entry]] = {}
        for tp, at in self._at.items():
            if at is None:
                raise NoOffsetForPartitionError(tp)
            upto = min(at + self.MOST, self._end(tp))
            shown = [e for e in self.kafka.log(tuple(tp)).read(at, committed=self._committed) if e.offset < upto]
            self._at[tp] = max(at, upto)
            if shown:
                found[tp] = shown
        await self._step(f"{self._kind} fetched")
        return found

    async def committed(self, tp: TopicPartition) -> int | None:
        await self._step("group's offset asked")
        return self.kafka.groups.get((self._group or "", tuple(tp)))

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        await self._step("group's offset committed")
        for tp, offset in offsets.items():
            self.kafka.groups[(self._group or "", tuple(tp))] = offset

    def _end(self, tp: TopicPartition) -> int:
        log = self.kafka.log(tuple(tp))
        return log.stable if self._committed else log.end


def _role(topic: str) -> str:
    """`toy-counts-changelog` -> `counts-changelog`."""
    return topic.partition("-")[2]
