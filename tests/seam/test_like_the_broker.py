"""The fake Kafka beside a real one: the same script, the same observations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.seam.clients import FakeConsumer, FakeProducer
from tests.seam.fake import PROCESS, FakeKafka, Process
from tests.support.broker import kafka

PATIENCE = 20.0
"""Seconds until the real broker has written the markers, or aborted what took too long; mostly it is at once."""


@dataclass
class Side:
    """A Kafka with clients: the fake one, or the real one."""

    make_producer: Callable[..., Any]
    make_consumer: Callable[..., Any]
    pass_time: Callable[[float], None]
    expected: list[Any] | None = None
    """What is observed on the other side; markers take a moment on the real one, so it is asked until it agrees."""
    seen: list[Any] = field(default_factory=list)
    topic: str = field(default_factory=lambda: f"seam-{uuid4().hex[:8]}")

    async def producer(self, ident: str) -> Any:
        """A started one."""
        made = self.make_producer(
            transactional_id=f"{self.topic}.{ident}", transaction_timeout_ms=1_000, max_batch_size=100_000
        )
        await made.start()
        return made

    async def send(self, producer: Any, *values: bytes) -> None:
        """One batch, whose answer is awaited."""
        batch = producer.create_batch()
        for value in values:
            batch.append(key=b"k", value=value, timestamp=1, headers=[])
        batch.close()
        await (await producer.send_batch(batch, self.topic, partition=0))

    async def look(self, what: str) -> None:
        """Note the ends and the records that both kinds of readers are shown."""
        deadline = monotonic() + PATIENCE
        found = await self._both(what)
        while self.expected is not None and found != self.expected[len(self.seen)] and monotonic() < deadline:
            found = await self._both(what)
        self.seen.append(found)

    async def _both(self, what: str) -> tuple[str, Any, Any]:
        return what, await self._read("read_committed"), await self._read("read_uncommitted")

    async def _read(self, isolation: str) -> tuple[int, list[tuple[int, bytes]]]:
        tp = TopicPartition(self.topic, 0)
        consumer = self.make_consumer(isolation_level=isolation, enable_auto_commit=False, auto_offset_reset="none")
        await consumer.start()
        try:
            end: int = (await consumer.end_offsets([tp]))[tp]
            consumer.assign([tp])
            consumer.seek(tp, 0)
            records: list[tuple[int, bytes]] = []
            while await consumer.position(tp) < end:
                found = (await consumer.getmany(timeout_ms=100)).get(tp, [])
                records += [(record.offset, record.value) for record in found if record.offset < end]
            return end, records
        finally:
            await consumer.stop()

    async def tried(self, what: str, attempt: Awaitable[Any]) -> None:
        """Note how a request ends."""
        try:
            await attempt
        except Exception as error:  # noqa: BLE001 - whatever it is, it is noted
            self.seen.append((what, type(error).__name__))
        else:
            self.seen.append((what, "well"))

    async def group(self, what: str, commit: int | None = None) -> None:
        """Note the group's offset, after a commit of it where one is told."""
        tp = TopicPartition(self.topic, 0)
        consumer = self.make_consumer(group_id=self.topic, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([tp])
            if commit is not None:
                await consumer.commit({tp: commit})
            self.seen.append((what, await consumer.committed(tp)))
        finally:
            await consumer.stop()


async def script(side: Side) -> list[Any]:
    """Begin, send, commit, fence, abort, time out, and read it all in both ways."""
    await side.look("nothing")
    await side.group("no commit of the group")
    one, other = await side.producer("p"), await side.producer("other")
    await one.begin_transaction()
    await side.look("begun")
    await side.send(one, b"a", b"b")
    await side.look("sent and open")
    await one.commit_transaction()
    await side.look("committed: the marker has an offset")
    await one.begin_transaction()
    await one.commit_transaction()
    await side.look("an empty transaction leaves nothing")

    await other.begin_transaction()
    await side.send(other, b"x")
    await one.begin_transaction()
    await side.send(one, b"c")
    await one.commit_transaction()
    await side.look("committed behind the open one of another: held")
    await other.commit_transaction()
    await side.look("the other has committed: both are shown")

    await one.begin_transaction()
    await side.send(one, b"d")
    two = await side.producer("p")
    await side.look("fenced in the midst: aborted")
    await side.tried("the fenced one commits", one.commit_transaction())
    await side.tried("the fenced one begins again", one.begin_transaction())
    three = await side.producer("p")
    await two.begin_transaction()
    await side.tried("fenced while idle: it begins, and sends", side.send(two, b"e"))
    await three.begin_transaction()
    await side.send(three, b"f", b"g")
    await side.send(three, b"h")
    await three.commit_transaction()
    await side.look("the newest goes on")

    await three.begin_transaction()
    await side.send(three, b"i")
    side.pass_time(1.0)
    await side.look("open for too long: aborted")
    await side.tried("the slow one commits", three.commit_transaction())
    await side.group("the group's offset decides nothing", 3)
    await side.look("the end")
    for producer in (one, two, three, other):
        await producer.stop()
    return side.seen


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """The address of a real Kafka."""
    with kafka() as address:
        yield address


async def on_the_fake() -> list[Any]:
    """What the script sees on the fake."""
    PROCESS.set(Process("script"))
    fake = FakeKafka()
    return await script(Side(partial(FakeProducer, fake), partial(FakeConsumer, fake), fake.advance))


async def test_the_script_on_the_fake() -> None:
    """The observations are what the documents of Kafka promise; the real broker is held to the same ones."""
    seen = dict((what, found) for what, *found in await on_the_fake())  # noqa: C402
    assert seen["sent and open"] == [(0, []), (2, [(0, b"a"), (1, b"b")])]
    assert seen["committed: the marker has an offset"] == [(3, [(0, b"a"), (1, b"b")])] * 2
    assert seen["committed behind the open one of another: held"][0][0] == 3
    assert seen["the other has committed: both are shown"][0] == (7, [(0, b"a"), (1, b"b"), (3, b"x"), (4, b"c")])
    assert seen["fenced in the midst: aborted"][0][0] == 9
    assert seen["the fenced one commits"] == ["ProducerFenced"]
    assert seen["the fenced one begins again"] == ["AssertionError"]
    assert seen["the slow one commits"] == ["ProducerFenced"]
    shown = [value for _, value in seen["the end"][0][1]]
    assert shown == [b"a", b"b", b"x", b"c", b"f", b"g", b"h"]


@pytest.mark.kafka
async def test_the_fake_is_like_the_broker(broker: str) -> None:
    """The same script gives the same observations on a real Kafka, one by one."""
    expected = await on_the_fake()
    at = {"bootstrap_servers": broker}
    real = Side(partial(AIOKafkaProducer, **at), partial(AIOKafkaConsumer, **at), lambda _seconds: None, expected)
    admin = AIOKafkaAdminClient(**at)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(real.topic, 1, 1)])
    finally:
        await admin.close()
    assert await script(real) == expected
