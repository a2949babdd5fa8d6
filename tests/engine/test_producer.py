"""Filling and sending record batches, with aiokafka's own builder and a broker by script."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from rater.engine.producer import Outbox, OversizedRecord, PartitionProducer
from rater.seam.model import Output

LIMIT = 2_000
PLACE = ("t", 1)


class FakeBroker:
    """Takes batches in order; may refuse one, or answer later."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.sent: list[tuple[str, int, int]] = []
        self.refuse: BaseException | None = None
        self.hold: asyncio.Event | None = None

    def create_batch(self) -> Any:
        return BatchBuilder(LIMIT, 0, is_transactional=True, key_serializer=None, value_serializer=None)

    async def begin_transaction(self) -> None:
        self.log.append("begin")

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[object]:
        self.sent.append((topic, partition, batch.record_count()))
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        async def answer() -> None:
            if self.hold is not None:
                await self.hold.wait()
            self.log.append("taken")
            if self.refuse is not None:
                future.set_exception(self.refuse)
            else:
                future.set_result(object())

        self.task = asyncio.create_task(answer())
        return future

    async def commit_transaction(self) -> None:
        self.log.append("commit")


def test_a_full_batch_is_followed_by_another_in_order() -> None:
    """Nothing is lost at a batch's end: the record that did not fit opens the next one."""
    outbox = Outbox(FakeBroker(), LIMIT)
    for number in range(50):
        outbox.lane(PLACE)(b"k%d" % number, b"v" * 100, 1, [])
    (batches,) = outbox._batches.values()
    assert len(batches) > 1
    assert sum(batch.record_count() for batch in batches) == 50


def test_outputs_go_to_the_real_topics_with_headers() -> None:
    """A role is mapped to its topic; headers are written."""
    outbox = Outbox(FakeBroker(), LIMIT)
    outbox.add_outputs([Output("charges", 1, b"k", b"v", 5, (("ce_id", b"1"),))], {"charges": "prod-charges"})
    (batch,) = outbox._batches[("prod-charges", 1)]
    assert b"ce_id" in bytes(batch._build())


def test_a_record_that_no_batch_takes_is_an_error() -> None:
    """aiokafka takes an oversized first record without a word, and the commit would succeed without it."""
    outbox = Outbox(FakeBroker(), LIMIT)
    with pytest.raises(OversizedRecord, match="t/1"):
        outbox.lane(PLACE)(b"k", b"v" * LIMIT, 1, [])


def _producer(broker: FakeBroker) -> PartitionProducer:
    producer = PartitionProducer.__new__(PartitionProducer)
    producer._producer = broker
    producer._max_batch_size = LIMIT
    return producer


async def test_commit_waits_for_every_answer() -> None:
    """The commit is asked for only when the broker has taken every batch."""
    broker = FakeBroker()
    broker.hold = asyncio.Event()
    producer = _producer(broker)
    outbox = producer.outbox()
    outbox.lane(PLACE)(b"k", b"v", 1, [])
    outbox.lane(("t", 2))(b"k", b"v", 1, [])
    committing = asyncio.create_task(producer.commit(outbox))
    for _ in range(5):
        await asyncio.sleep(0)
    assert broker.log == ["begin"]
    broker.hold.set()
    await committing
    assert broker.log == ["begin", "taken", "taken", "commit"]
    assert sorted(broker.sent) == [("t", 1, 1), ("t", 2, 1)]


async def test_no_commit_after_a_refused_batch() -> None:
    """One batch that the broker refuses fails the transaction, whatever the others did."""
    broker = FakeBroker()
    broker.refuse = OSError("refused")
    producer = _producer(broker)
    outbox = producer.outbox()
    outbox.lane(PLACE)(b"k", b"v", 1, [])
    with pytest.raises(ExceptionGroup) as caught:
        await producer.commit(outbox)
    assert caught.group_contains(OSError)
    assert "commit" not in broker.log
