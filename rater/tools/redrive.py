"""Rejected records, sent again or dropped: the record and the mark of it in one transaction, so that an item that was
sent again is never sent a second time, whoever tries and whatever dies.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer

from rater.kafka.log_writer import message_marks, writer
from rater.kafka.reader import log_partitions
from rater.kafka.settings import Settings
from rater.processor.outputs import FIRST_PLACE
from rater.seam.partitions import partition_of
from rater.wire.events import CDR, ClockTicked, TariffsPublished
from rater.wire.parse import Invalid, parse
from rater.wire.resolution import Action, RejectionResolved

AT_ONCE = 200
"""Items of a transaction."""


class RejectedRecord(NamedTuple):
    """A rejected record that is left to be done."""

    first: str
    place: str
    """Where it stands as it was rejected last."""
    rejection: str
    body: str
    """Of its latest rejection."""


class Unsent(NamedTuple):
    """An item that cannot be sent again as it is."""

    item: RejectedRecord
    why: str


class Sending(NamedTuple):
    """Where an item goes."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    kind: str
    """The type of what it is, for its headers."""


@dataclass(slots=True)
class Resolver:
    """Resolves items; there is one at a time, since another one fences it. Read what is left after it has started."""

    settings: Settings
    producer: AIOKafkaProducer
    partitions: int
    actor: str

    async def redrive(self, items: Sequence[RejectedRecord], repaired: bytes | None = None) -> tuple[int, list[Unsent]]:
        """Send items again, each with its own bytes or, if given, with a value that was `repaired`.

        Returns how many were sent, and those that cannot be.
        """
        unsent: list[Unsent] = []
        ready: list[tuple[RejectedRecord, Sending]] = []
        for item in items:
            found = self._sending(item, repaired)
            if isinstance(found, str):
                unsent.append(Unsent(item, found))
            else:
                ready.append((item, found))
        left = iter(ready)
        while some := list(islice(left, AT_ONCE)):
            await self._send(some)
        return len(ready), unsent

    async def drop(self, items: Sequence[RejectedRecord], reason: str) -> int:
        """Say of items that nothing is to be done about them, and why."""
        left = iter(items)
        while some := list(islice(left, AT_ONCE)):
            async with self.producer.transaction():
                for item in some:
                    await self._mark(item, "dropped", None, reason)
        return len(items)

    async def _send(self, some: Sequence[tuple[RejectedRecord, Sending]]) -> None:
        async with self.producer.transaction():
            sent = []
            for item, (topic, partition, key, value, kind) in some:
                marks = [*message_marks(kind, self.actor), (FIRST_PLACE, item.first.encode())]
                sent.append(await self.producer.send(topic, value, key, partition=partition, headers=marks))
            for (item, _), future in zip(some, sent, strict=True):
                there = await future
                await self._mark(item, "redriven", f"{there.topic}/{there.partition}/{there.offset}", None)

    async def _mark(self, item: RejectedRecord, action: Action, to: str | None, reason: str | None) -> None:
        words: dict[str, Any] = {"type": "rejection-resolved/1", "first": item.first, "rejection": item.rejection}
        words |= {"action": action, "at": datetime.now(UTC), "actor": self.actor}
        words |= {name: word for name, word in (("to", to), ("reason", reason)) if word is not None}
        key = item.first.encode()
        message = RejectionResolved.model_validate(words).to_json()
        topic = self.settings.topic("resolutions")
        await self.producer.send(topic, message, key, partition=partition_of(key, self.partitions))

    def _sending(self, item: RejectedRecord, repaired: bytes | None) -> Sending | str:
        """Where an item goes, or why it cannot be sent."""
        body = orjson.loads(item.body)
        value = body["value"] if repaired is None else repaired
        if isinstance(value, str):
            value = b64decode(value)
        if not isinstance(value, bytes):
            return "its bytes were too many to be kept with the rejection" if value else "it has no value"
        topic, partition, _ = item.place.rsplit("/", 2)
        if topic != self.settings.topic("calls"):
            key = body["key"]
            return Sending(topic, int(partition), b64decode(key) if isinstance(key, str) else None, value, CDR)
        return self._event(body["key"], value, repaired=repaired is not None)

    def _event(self, key: Any, value: bytes, *, repaired: bool) -> Sending | str:
        """An event of an account, to its partition: under its own key, which must be the account."""
        event = parse(value)
        if isinstance(event, Invalid):
            return f"{event.reason}: {event.detail}; send it repaired: --with FILE"
        if isinstance(event, TariffsPublished | ClockTicked):
            return "a tariff book is published anew, and never sent again; nor is a tick"
        home = event.account.encode()
        if not repaired and (not isinstance(key, str) or b64decode(key) != home):
            return "its key is not its account; send it repaired: --with FILE"
        return Sending(self.settings.topic("calls"), partition_of(home, self.partitions), home, value, event.type)


@asynccontextmanager
async def resolver(settings: Settings, actor: str) -> AsyncIterator[Resolver]:
    """A resolver. Once it has started, no other one can resolve anything: what is left is read behind that."""
    partitions = await log_partitions(settings)
    async with writer(settings, transactional_id=f"{settings.full_app_id}.resolver") as producer:
        yield Resolver(settings, producer, partitions, actor)
