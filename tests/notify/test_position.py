"""What a target's position is committed with: what was given up, and now and then though nothing moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiokafka import TopicPartition

from rater.kafka.settings import Settings
from rater.notify.lanes import Undelivered, Window
from rater.notify.messages import Notification
from rater.notify.notify_file import TargetWords
from rater.notify.run import _Telling
from rater.wire.undelivered import UndeliveredMessage

TARGET = TargetWords(name="erp", apprise_in="RATER_NOTIFY_ERP", events=("alerts",))
QUIET, BUSY = TopicPartition("alerts", 0), TopicPartition("alerts", 1)


class Producer:
    """What was sent and committed, a transaction each."""

    def __init__(self) -> None:
        self.done: list[tuple[list[bytes], dict[TopicPartition, int]]] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        self.done.append(([], {}))
        yield

    async def send(self, topic: str, value: bytes, key: bytes) -> None:
        assert (topic, key) == ("undelivered", b"A")
        self.done[-1][0].append(value)

    async def send_offsets_to_transaction(self, offsets: dict[TopicPartition, int], group: str) -> None:
        assert group == "rater-notify-erp"
        self.done[-1][1].update(offsets)


async def test_what_moved_is_committed_and_now_and_then_all() -> None:
    """A quiet partition's position would be forgotten by Kafka a week after its only commit."""
    producer: Any = Producer()
    telling = _Telling(Settings(_env_file=None), TARGET, ())
    telling._windows = {QUIET: Window(5), BUSY: Window(7)}
    await telling._commit(producer)
    telling._windows[BUSY].begin(7, 0)
    await telling._commit(producer)
    await telling._commit(producer)
    await telling._commit(producer, unmoved=True)
    assert [offsets for _, offsets in producer.done] == [{QUIET: 5, BUSY: 7}, {BUSY: 8}, {QUIET: 5, BUSY: 8}]


async def test_what_was_given_up_stands_beside_the_position_behind_it() -> None:
    producer: Any = Producer()
    telling = _Telling(Settings(_env_file=None), TARGET, ())
    telling._windows = {BUSY: Window(7)}
    telling._windows[BUSY].begin(7, 1)
    alert = {"kind": "spend-cap-reached", "period": "2026-11", "value": "5", "limit": "5"}
    at = "2026-11-01T00:00:00.000+00:00"
    told = Notification("A:2026-11:spend-cap-reached", "alert.raised", at, "A", alert)
    telling._passed((BUSY, 7), Undelivered(told, 3, "HTTP status 500"))
    await telling._commit(producer)
    ((dead,), offsets) = producer.done[0]
    assert offsets == {BUSY: 8}
    assert UndeliveredMessage.model_validate_json(dead).message.id == told.ident
    assert orjson.loads(dead)["attempts"] == 3
