"""Faust's transport, moving whole batches: one message per partition and fetch, instead of one per record.

What is replaced of Faust, and why (exactly_once.md, parts 1 and 3):

- `getmany` yields a `FetchedBatch` a partition; Faust's cost per message becomes a cost per batch;
- the offsets that Faust commits are for lag tools only: last acknowledged + 1, no gaps to fill;
- every seek goes to the engine's `next_offset`, never to the group's committed offset;
- the log is read `read_committed`, with `auto_offset_reset=none`: an offset out of range is an error, not a jump;
- Faust's own producer is never started: only the partitions' transactional producers write.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata
from faust.events import Event
from faust.topics import Topic
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode import Service

from rater.engine.batches import FetchedBatch
from rater.engine.faust.closed import ClosedSeeks
from rater.engine.held import held_back
from rater.kafka import failstop

logger = logging.getLogger(__name__)

IDLE = 1.0
"""Seconds to wait for room when every partition is left out of the fetch; being taken in again wakes it up."""


class FailStop:
    """Mixed into Faust's services: where Faust would log a crash and carry on, the process ends."""

    async def crash(self, reason: BaseException) -> None:
        """End the process, unless it is on its way out anyhow."""
        app: Any = getattr(self, "app", self)
        if app.should_stop:
            await super().crash(reason)  # type: ignore[misc]  # the other base is a mode.Service
            return
        failstop.die(f"{type(self).__name__} crashed", reason, failstop.status_of(reason))


class BatchConsumerThread(ClosedSeeks, FailStop, driver.AIOKafkaConsumerThread):
    """The thread that talks to Kafka. Methods with a leading underscore run in the thread."""

    def __post_init__(self) -> None:
        """Faust's constructor hook."""
        super().__post_init__()
        self._positions: dict[TP, int] = {}
        self._sought: Any = None
        """The assignment (aiokafka's) that the positions belong to."""
        self._epoch = 0

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:  # noqa: ARG002 - Faust's signature
        config = self.app.engine.config
        self._assignor = self.app.assignor
        return AIOKafkaConsumer(
            **config.client,
            client_id=config.app_id,
            group_id=config.app_id,
            group_instance_id=config.instance_id,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            check_crcs=config.check_crcs,
            max_poll_records=config.max_poll_records,
            max_partition_fetch_bytes=1 << 20,
            fetch_max_wait_ms=500,
            # Who joins waits for the session of a worker that is gone, and must not give up just before its end.
            request_timeout_ms=int((config.session_timeout + config.request_timeout) * 1000),
            session_timeout_ms=int(config.session_timeout * 1000),
            rebalance_timeout_ms=int(config.rebalance_timeout * 1000),
            heartbeat_interval_ms=int(config.session_timeout * 1000 / 5),
            max_poll_interval_ms=int(max(300.0, config.rebalance_timeout) * 1000),
        )

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every log partition to its `next_offset` (Faust's name; the group's commit decides nothing)."""
        engine = self.app.engine
        offsets: dict[TP, int] = {TP(engine.config.log_topic, p): o for p, o in engine.next_offsets().items()}
        engine.epoch = await self.call_thread(self._seek_all, offsets)
        return offsets

    async def _seek_all(self, offsets: Mapping[TP, int]) -> int:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        self._epoch += 1
        self._positions = {tp: offset for tp, offset in offsets.items() if tp in assigned}
        self._sought = self._assigned(consumer)
        for tp, offset in self._positions.items():
            consumer.seek(driver.ensure_aiokafka_TP(tp), offset)
        return self._epoch

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """The group's offsets are for lag tools: failing to write them is no reason to stop charging."""
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        commit = {driver.ensure_aiokafka_TP(tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
        try:
            await consumer.commit({tp: offset for tp, offset in commit.items() if tp in assigned})
        except (KafkaError, ValueError) as error:
            logger.warning("the group's offsets were not committed (for lag tools only): %r", error)
            return False
        return True

    async def rewind(self, tp: TP, batch: FetchedBatch) -> None:
        """Fetch again what was fetched but could not be handed on."""
        await self.call_thread(self._rewind, tp, batch)

    async def _rewind(self, tp: TP, batch: FetchedBatch) -> None:
        if batch.epoch == self._epoch and tp in self._ensure_consumer().assignment():
            self._ensure_consumer().seek(driver.ensure_aiokafka_TP(tp), batch.start)
            self._positions[tp] = batch.start

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: frozenset[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> dict[TP, FetchedBatch]:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher  # noqa: SLF001 - as Faust does; there is no public way to name partitions
        with fetcher._subscriptions.fetch_context():  # noqa: SLF001
            try:
                fetched = await fetcher.fetched_records(active_partitions, timeout=timeout, max_records=max_records)
            except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
                if self._assigned(consumer) is self._sought and self._positions.keys() & _named(error):
                    raise
                return {}  # the group's offset, before our own seek: of no interest
        # From here to the return nothing is awaited, so no seek can come between the records and their places.
        batches: dict[TP, FetchedBatch] = {}
        for tp, records in fetched.items():
            start = self._positions.get(tp)
            if start is not None and records:
                size = sum([record.serialized_key_size + record.serialized_value_size for record in records])
                end = self._positions[tp] = self._assigned(consumer).state_value(tp).position
                batches[tp] = FetchedBatch(start, end, self._epoch, records, size)
        return batches

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust tells of partitions whose group offset stands still, as errors; here it decides nothing, and an idle
        partition never moves it. Whether batches move on is what our own watchdog watches."""

    def held_back(self) -> dict[int, int]:
        """Partition of the log -> offsets that an open transaction keeps from readers."""
        return held_back(self._consumer, self.app.engine.config.log_topic)

    @staticmethod
    def _assigned(consumer: AIOKafkaConsumer) -> Any:
        """A new object at each rebalance: of a partition that stays it has forgotten where we sought it."""
        return consumer._subscription.subscription.assignment  # noqa: SLF001


def _named(error: BaseException) -> set[Any]:
    """The partitions that an offset error is about: aiokafka passes one, or a dict of them."""
    (what,) = error.args[:1] or ((),)
    return set(what) if isinstance(what, Mapping) else {what}


class BatchConsumer(FailStop, driver.Consumer):
    """Hands batches to Faust's conductor as if each were one message."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._taken_in = asyncio.Event()

    def _new_consumer_thread(self) -> BatchConsumerThread:
        thread = BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)
        self.app.engine.held_back = thread.held_back
        return thread

    def set_pressure(self, tp: TP, *, high: bool) -> None:
        """Leave a partition out of the fetch, or take it in again."""
        if high:
            self.on_buffer_full(tp)
        else:
            self.on_buffer_drop(tp)
            self._taken_in.set()

    def resume_partitions(self, tps: Any) -> None:
        """Take partitions in after a rebalance."""
        super().resume_partitions(tps)
        self._taken_in.set()

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109
        """Yield (partition, message) with the whole batch as the message's value."""
        batches = await self._wait_next_batches(timeout)
        generation = self.app.consumer_generation_id
        for tp, batch in batches.items():
            if self.should_stop:
                return
            if not self.flow_active or generation != self.app.consumer_generation_id:
                await self._thread.rewind(tp, batch)
                continue
            yield tp, self._message(tp, batch, generation)

    async def _wait_next_batches(self, timeout: float) -> Mapping[TP, FetchedBatch]:  # noqa: ASYNC109
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        log = self.app.engine.config.log_topic
        self._taken_in.clear()
        active = frozenset(tp for tp in self._get_active_partitions() if tp.topic == log)
        if not active:  # an empty set would mean any partition to aiokafka
            with suppress(TimeoutError):
                await asyncio.wait_for(self._taken_in.wait(), IDLE)
            return {}
        batches: Mapping[TP, FetchedBatch] = await self._getmany(active, timeout)
        return batches

    def _message(self, tp: TP, batch: FetchedBatch, generation: int) -> ConsumerMessage:
        last = batch.records[-1]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000,
            0,
            [],
            None,
            batch,
            None,
            0,
            batch.size,
            tp,
            generation_id=generation,
        )

    def _new_offset(self, tp: TP) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        last: int = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return last + 1

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Batches always leave gaps between their last offsets."""


class BatchFetcher(FailStop, faust_consumer.Fetcher):
    """Faust's fetch loop; where it ends, the process ends."""

    @Service.task
    async def _fetcher(self) -> None:
        try:
            await self.app.consumer._drain_messages(self)  # noqa: SLF001 - as Faust's own fetcher does
        except BaseException as error:
            if not (self.should_stop or self.app.should_stop):
                failstop.die("the fetch loop failed", error, failstop.status_of(error))
            raise
        finally:
            self.set_shutdown()
        if not (self.should_stop or self.app.should_stop):
            failstop.die("the fetch loop ended by itself")


class NoProducer(driver.Producer):
    """Faust's shared producer, never connected: everything we write goes through a partition's transaction."""

    async def on_start(self) -> None:
        """Connect nothing."""

    async def on_stop(self) -> None:
        """Nothing to close."""

    async def flush(self) -> None:
        """Nothing is ever buffered."""


class BatchTransport(driver.Transport):
    """The transport that the engine's app returns from `_new_transport`."""

    Consumer: ClassVar[Any] = BatchConsumer
    Fetcher: ClassVar[Any] = BatchFetcher
    Producer: ClassVar[Any] = NoProducer


class BatchTopic(Topic):
    """A topic whose messages are batches: nothing is decoded on the way to the agent."""

    def _compile_decode(self) -> None:
        async def decode(message: Any, *, propagate: bool = False) -> Event:  # noqa: ARG001 - Faust's signature
            return Event(self.app, None, message.value, {}, message)

        self.decode = decode
