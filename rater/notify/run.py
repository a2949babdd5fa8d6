"""Telling one target: the topics read from where it was, what is told of them, the position and the dead letter.

The position and what was given up are one transaction of a producer that fences any other of the same target: two
processes never tell one target beside each other for long, and nothing is given up without standing in the dead letter.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from rater.kafka.log_writer import writer
from rater.kafka.reader import reader
from rater.kafka.settings import Settings
from rater.notify.lanes import Lanes, ToldPlace, Undelivered, Window
from rater.notify.messages import TOPICS, Notification, Source, told_of
from rater.notify.notify_file import NotifyWords, TargetWords, ThresholdWords
from rater.notify.senders import sender_of
from rater.notify.thresholds import Thresholds

WAITING = 2000
"""Messages of a target that wait at most: more are not read before some are done."""
COMMIT_EVERY = 1.0
"""Seconds between two commits of the position."""
ALL_AGAIN_EVERY = 3600.0
"""Seconds until positions that did not move are committed again. Kafka forgets each position of a group without members
a week after its last commit, and a target whose position is forgotten begins with what comes."""
LOOK_BACK_MS = 2 * 60 * 60 * 1000
"""How far back calls and rejections are read before the position, to know what is usual."""

logger = logging.getLogger(__name__)


class TimeSpan(NamedTuple):
    """From when to when to tell, in ms; for a replay, which ends where the topics end and moves no position."""

    since: int
    until: int | None = None


async def notify(settings: Settings, words: NotifyWords) -> None:
    """Tell all targets, until SIGTERM or Ctrl-C. One that is away holds up no other; an error of Kafka ends all."""
    ours = asyncio.current_task()
    assert ours is not None  # noqa: S101 - a coroutine runs in a task
    for asked in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(asked, ours.cancel)
    try:
        async with asyncio.TaskGroup() as group:
            for target in words.targets:
                group.create_task(_Telling(settings, target, words.thresholds).run(None))
    except asyncio.CancelledError:
        logger.info("stopped; it goes on from here when it is started again")
    except ExceptionGroup as errors:  # the others were cancelled because of it
        raise errors.exceptions[0] from None


async def replay(settings: Settings, words: NotifyWords, name: str, span: TimeSpan) -> int:
    """Tell one target again what it was told of in a span of time; gives the number of messages."""
    target = next(one for one in words.targets if one.name == name)
    telling = _Telling(settings, target, words.thresholds)
    await telling.run(span)
    return telling.told


def group_of(settings: Settings, target: str) -> str:
    """The consumer group under which a target's position is kept."""
    return f"{settings.full_app_id}-notify-{target}"


class _Telling:
    """One target, while it is told."""

    def __init__(self, settings: Settings, target: TargetWords, thresholds: Sequence[ThresholdWords]) -> None:
        self._settings, self._target = settings, target
        self._thresholds = Thresholds(thresholds if "thresholds" in target.events else ())
        self._roles = {
            settings.topic(role): role
            for group in target.events
            for role in TOPICS[group]
            if role != "spend" or any(one.allowance or one.spend for one in thresholds)
        }
        self._windows: dict[TopicPartition, Window] = {}
        self._known: dict[TopicPartition, int] = {}
        """Up to where records only tell the thresholds what is known."""
        self._dead: list[Undelivered] = []
        self._committed: dict[TopicPartition, int] = {}
        self.told = 0

    async def run(self, span: TimeSpan | None) -> None:
        """Until cancelled; with a span, until its end."""
        group = group_of(self._settings, self._target.name)
        async with (
            sender_of(self._target) as sender,
            _fencing(self._settings, group, only_read=span is not None) as producer,
            reader(self._settings, *self._roles) as consumer,
        ):
            ends = await self._begin(consumer, group, span)
            if producer is not None:  # a target's first position must stand before anything that may be lost with it
                await self._commit(producer)
                logger.info("ready: telling %s of %s", self._target.name, ", ".join(self._target.events))
            lanes = Lanes(sender, self._target.give_up_after, self._passed)
            try:
                await self._follow(consumer, lanes, producer, span, ends)
            finally:
                await lanes.stop()
                if producer is not None:
                    await self._commit(producer)

    async def _begin(self, consumer: AIOKafkaConsumer, group: str, span: TimeSpan | None) -> dict[TopicPartition, int]:
        tps = sorted(consumer.assignment())
        ends: dict[TopicPartition, int] = await consumer.end_offsets(tps)
        if span is not None:
            positions = await _at(consumer, tps, span.since, ends)
        else:
            there = await _positions(self._settings, group)
            # A target that was never told begins now: nobody wants the alerts of last year.
            positions = {tp: there.get(tp, ends[tp]) for tp in tps}
        starts = await consumer.beginning_offsets(tps)
        for tp in tps:
            position = max(positions[tp], starts[tp])
            self._windows[tp], self._known[tp] = Window(position), position
            consumer.seek(tp, await self._from(consumer, tp, position, starts[tp]))
        consumer.resume(*tps)
        return ends

    async def _from(self, consumer: AIOKafkaConsumer, tp: TopicPartition, position: int, start: int) -> int:
        """Where reading begins: before the position, where thresholds must know what was."""
        if "thresholds" not in self._target.events:
            return position
        if self._roles[tp.topic] == "spend":
            return start
        now = int(datetime.now(UTC).timestamp() * 1000)
        back = await consumer.offsets_for_times({tp: now - LOOK_BACK_MS})
        found = back[tp]
        return position if found is None else max(start, min(position, found.offset))

    async def _follow(
        self,
        consumer: AIOKafkaConsumer,
        lanes: Lanes,
        producer: AIOKafkaProducer | None,
        span: TimeSpan | None,
        ends: dict[TopicPartition, int],
    ) -> None:
        loop = asyncio.get_running_loop()
        committed, all_again, said = loop.time(), loop.time(), loop.time()
        while True:
            lanes.must_work()
            if lanes.waiting < WAITING:
                for tp, records in (await consumer.getmany(timeout_ms=200, max_records=WAITING)).items():
                    for record in records:
                        self._read(lanes, tp, record, span)
            else:
                await asyncio.sleep(0.05)
            if producer is not None and loop.time() - committed > COMMIT_EVERY:
                again = loop.time() - all_again > ALL_AGAIN_EVERY
                await self._commit(producer, unmoved=again)
                committed, all_again = loop.time(), loop.time() if again else all_again
            if lanes.failing and loop.time() - said > 60:
                said = loop.time()
                logger.warning("notify %s: %d messages wait; %s", self._target.name, lanes.waiting, lanes.failing)
            if span is not None and not lanes.waiting and await _all_passed(consumer, ends):
                return

    def _read(self, lanes: Lanes, tp: TopicPartition, record: Any, span: TimeSpan | None) -> None:
        """Put what a record tells into the lanes; one from before the position only tells what is known."""
        messages = self._messages(tp, record, span)
        if record.offset < self._known[tp]:
            return
        self._windows[tp].begin(record.offset, len(messages))
        for one in messages:
            lanes.put((tp, record.offset), one)

    def _messages(self, tp: TopicPartition, record: Any, span: TimeSpan | None) -> list[Notification]:
        if record.value is None or (span is not None and span.until is not None and record.timestamp >= span.until):
            return []
        role = self._roles[tp.topic]
        at = datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(timespec="milliseconds")
        first = next((value.decode() for name, value in record.headers if name == "rater-from"), None)
        source = Source(role, tp.topic, tp.partition, record.offset, record.timestamp, first)
        found = told_of(source, record.value, at)
        messages = [] if found is None or found[0] not in self._target.events else [found[1]]
        if "thresholds" in self._target.events:
            messages += self._thresholds.take(role, orjson.loads(record.value), record.timestamp, at)
        accounts = self._target.accounts
        return [one for one in messages if accounts is None or one.account in accounts]

    def _passed(self, place: ToldPlace, undelivered: Undelivered | None) -> None:
        tp, offset = place
        if undelivered is None:
            self.told += 1
        else:
            self._dead.append(undelivered)
            logger.error("notify %s: given up: %s", self._target.name, undelivered.wrong)
        self._windows[tp].done(offset)

    async def _commit(self, producer: AIOKafkaProducer, *, unmoved: bool = False) -> None:
        """What was given up, and the position behind it, all or nothing; `unmoved` positions too, to be remembered."""
        positions = {tp: window.position for tp, window in self._windows.items()}
        moved = {tp: position for tp, position in positions.items() if unmoved or position != self._committed.get(tp)}
        dead, self._dead = self._dead, []
        if not moved and not dead:
            return
        async with producer.transaction():
            for one in dead:
                value = orjson.dumps(undelivered_message(self._target.name, one))
                await producer.send(
                    self._settings.topic("undelivered"), value, (one.notification.account or "").encode()
                )
            await producer.send_offsets_to_transaction(moved, group_of(self._settings, self._target.name))
        self._committed |= moved


def undelivered_message(target: str, one: Undelivered) -> dict[str, Any]:
    """What stands in the dead letter."""
    told = orjson.loads(one.notification.body())
    return {"type": "undelivered/1", "target": target, "attempts": one.attempts, "wrong": one.wrong, "message": told}


@asynccontextmanager
async def _fencing(settings: Settings, group: str, *, only_read: bool) -> AsyncIterator[AIOKafkaProducer | None]:
    if only_read:
        yield None
        return
    async with writer(settings, transactional_id=group) as producer:
        yield producer


async def _positions(settings: Settings, group: str) -> dict[TopicPartition, int]:
    admin = AIOKafkaAdminClient(**settings.client_options())
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return {tp: place.offset for tp, place in found.items() if place.offset >= 0}


async def _at(
    consumer: AIOKafkaConsumer, tps: Sequence[TopicPartition], since: int, ends: dict[TopicPartition, int]
) -> dict[TopicPartition, int]:
    found = await consumer.offsets_for_times(dict.fromkeys(tps, since))
    return {tp: ends[tp] if (place := found.get(tp)) is None else place.offset for tp in tps}


async def _all_passed(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    return all([await consumer.position(tp) >= end for tp, end in ends.items()])
