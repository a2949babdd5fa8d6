"""What became of an event that was just written, as the topics show it."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer

from rater.kafka.reader import bounds, reader, span
from rater.kafka.settings import Settings
from rater.kafka.topics import changelog
from rater.seam import heads

LOOKS = 0.2
"""Seconds between two looks."""


class Outcome(NamedTuple):
    """What the rater did with one record."""

    reason: str | None
    """Why it was rejected; None where it was not."""
    detail: str
    charges: list[dict[str, Any]]
    """What was charged for it, of an event that was applied."""


class Watch:
    """Reads on from where the topics of a partition ended before the event was written."""

    def __init__(self, settings: Settings, consumer: AIOKafkaConsumer, partition: int, ends: dict[str, int]) -> None:
        self._settings, self._consumer, self._partition, self._ends = settings, consumer, partition, ends

    async def outcome(self, offset: int) -> Outcome | None:
        """The outcome of the record at `offset`; None where no worker has come to it yet."""
        if not await self._rated(offset):
            return None
        place = f"{self._settings.topic('calls')}/{self._partition}/{offset}".encode()
        for body in await self._made_by("rejected", place):
            return Outcome(body["reason"], body["detail"], [])
        charges = [body for body in await self._made_by("charges", place) if body["type"] == "charge/1"]
        return Outcome(None, "", charges)

    async def _rated(self, offset: int) -> bool:
        topic = changelog(self._settings, heads.HEADS.name)
        starts, ends = await bounds(self._consumer, topic)
        last = None
        begin = max(starts[self._partition], ends[self._partition] - 50)
        async for records, _ in span(self._consumer, topic, self._partition, begin, ends[self._partition]):
            last = records[-1] if records else last
        return last is not None and heads.decode(last.value).next_offset > offset

    async def _made_by(self, role: str, place: bytes) -> list[dict[str, Any]]:
        topic = self._settings.topic("rejected" if role == "rejected" else "charges")
        end = (await bounds(self._consumer, topic)).ends[self._partition]
        found = []
        async for records, _ in span(self._consumer, topic, self._partition, self._ends[topic], end):
            found += [orjson.loads(r.value) for r in records if ("rater-from", place) in r.headers]
        return found


async def wait_for(watch: Watch, offset: int, seconds: float) -> Outcome | None:
    """The outcome, as soon as a worker has come to the record; None where none has after `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while (found := await watch.outcome(offset)) is None and loop.time() < deadline:  # noqa: ASYNC110 - topics tell no event
        await asyncio.sleep(LOOKS)
    return found


async def send_and_watch(settings: Settings, event: Any, seconds: float) -> tuple[tuple[int, int], Outcome | None]:
    """Write an account's event, and wait for what becomes of it: ((partition, offset), outcome)."""
    from rater.kafka.log_writer import home_of, send_event  # noqa: PLC0415 - the writer knows nothing of this

    topics = [settings.topic("charges"), settings.topic("rejected")]
    partition = await home_of(settings, event.account)
    async with reader(settings, *topics, changelog(settings, heads.HEADS.name)) as consumer:
        ends = {topic: (await bounds(consumer, topic)).ends[partition] for topic in topics}
        place = await send_event(settings, event)
        watch = Watch(settings, consumer, partition, ends)
        return place, await wait_for(watch, place[1], seconds)
