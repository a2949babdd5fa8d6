"""Rate and reply: what becomes of records that were just written, as the topics tell it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from rater.door.writing import WrittenAt
from rater.kafka import failstop
from rater.kafka.reader import bounds, reader
from rater.kafka.settings import Settings
from rater.wire.progress import Progress

logger = logging.getLogger(__name__)

LOOK_MS = 20


@dataclass(slots=True, eq=False)
class _Waiting:
    """Somebody who waits for a record's outcome."""

    place: WrittenAt
    call: bool
    """Whether it is a call, of which nothing new is a duplicate."""
    done: asyncio.Future[dict[str, Any]]
    until: dict[TopicPartition, int] | None = None
    """Where the results of its transaction end, once the record is rated; they may come behind the word of it."""


class Outcomes:
    """Follows charges, rejections and progress from now on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._charges, self._rejected = settings.topic("charges"), settings.topic("rejected")
        self._progress = settings.topic("progress")
        self._waiting: set[_Waiting] = set()
        self._expected = 0
        self._recent: dict[str, list[tuple[str, bytes]]] = {}
        """Place of a record -> (topic, message) of what came of it, while somebody is about to ask."""
        self.rated: dict[int, int] = {}
        """Partition of the log -> the first offset that is not rated."""

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow while the block runs."""
        started = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._follow(started))
        task.add_done_callback(_must_not_end)
        await asyncio.wait({started, task}, return_when=asyncio.FIRST_COMPLETED)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @contextmanager
    def expected(self) -> Iterator[None]:
        """Note whatever comes while the block runs: a record may be rated before its writer knows its place."""
        self._expected += 1
        try:
            yield
        finally:
            self._expected -= 1
            if not self._expected:
                self._recent.clear()

    async def of(self, place: WrittenAt, seconds: float, *, call: bool) -> dict[str, Any] | None:
        """What became of the record at a place of the log, written in `expected`; None where it takes longer."""
        waiting = _Waiting(place, call, asyncio.get_running_loop().create_future())
        self._waiting.add(waiting)
        try:
            return await asyncio.wait_for(waiting.done, seconds)
        except TimeoutError:
            return None
        finally:
            self._waiting.discard(waiting)

    async def _follow(self, started: asyncio.Future[None]) -> None:
        async with reader(self._settings, self._charges, self._rejected, self._progress) as consumer:
            for topic in (self._charges, self._rejected, self._progress):
                starts, ends = await bounds(consumer, topic)
                back = 2 if topic == self._progress else 0  # its last word, and the marker behind it
                for p, end in ends.items():
                    consumer.seek(TopicPartition(topic, p), max(starts[p], end - back))
            consumer.resume(*consumer.assignment())
            started.set_result(None)
            while True:
                for tp, records in (await consumer.getmany(timeout_ms=LOOK_MS, max_records=5000)).items():
                    self._take(tp, records)
                await self._settle(consumer)

    def _take(self, tp: TopicPartition, records: list[Any]) -> None:
        if tp.topic == self._progress:
            if records[-1].value:
                self.rated[tp.partition] = Progress.model_validate_json(records[-1].value).next_offset
            return
        if self._expected:
            for record in records:
                self._recent.setdefault(_from(record), []).append((tp.topic, record.value))

    async def _settle(self, consumer: AIOKafkaConsumer) -> None:
        """Answer whoever's record is rated, once all that was published with that has been read."""
        rated = [one for one in self._waiting if self.rated.get(one.place.partition, 0) > one.place.offset]
        fresh = [one for one in rated if one.until is None]
        if fresh:
            tps = {tp for one in fresh for tp in self._of(one.place.partition)}
            ends = await consumer.end_offsets(list(tps))
            for one in fresh:
                one.until = {tp: ends[tp] for tp in self._of(one.place.partition)}
        for one in rated:
            behind = [tp for tp, end in (one.until or {}).items() if await consumer.position(tp) < end]
            if not behind and not one.done.done():
                one.done.set_result(self._outcome(one))

    def _of(self, partition: int) -> tuple[TopicPartition, TopicPartition]:
        return TopicPartition(self._charges, partition), TopicPartition(self._rejected, partition)

    def _outcome(self, waiting: _Waiting) -> dict[str, Any]:
        found = [(topic, orjson.loads(value)) for topic, value in self._recent.get(str(waiting.place), ())]
        for topic, body in found:
            if topic == self._rejected:
                return {"outcome": "rejected", "reason": body["reason"], "detail": body["detail"]}
        charges = [body for _, body in found if body["type"] == "charge/1"]
        if waiting.call:
            return {"outcome": "charged" if charges else "duplicate", "charges": charges}
        return {"outcome": "applied", "charges": charges}


def _from(record: Any) -> str:
    return next((value.decode(errors="replace") for name, value in record.headers if name == "rater-from"), "")


def _must_not_end(task: asyncio.Task[None]) -> None:
    """Without it nobody would get a reply, and nobody would know why: the process ends loudly instead."""
    if not task.cancelled() and (error := task.exception()) is not None:
        failstop.die("outcomes cannot be followed", error, failstop.status_of(error))
