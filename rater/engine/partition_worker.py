"""One log partition at work: its rows, its producer, and the queue between fetching and committing.

The commit protocol (exactly_once.md), the numbers of `PartitionWorker._transact`:

1. fold the records into an overlay of row changes and outputs (pure; the rows are not touched), in the partition's
   turn and for a bounded time: what is not folded then has the next transaction;
2. fill record batches with outputs, the next tick, and changelog rows, the head among them (1 and 2 in the thread of
   folds, all else on the event loop);
3. begin, send every batch, await every result, commit;
4. put the overlay into the rows;
5. acknowledge to Faust what was folded whole (this commits the group's offset, which decides nothing).

From 3 to 4 nothing may cancel it and every exception ends the process: after an unknown outcome the rows are no longer
known to be the committed ones.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter, time_ns

from rater.engine.batches import Delivery, Folded, Tally
from rater.engine.config import EngineConfig
from rater.engine.folding import FoldThread, Pace, Slice
from rater.engine.producer import Outbox, PartitionProducer
from rater.kafka import failstop
from rater.seam.heads import HEAD_KEY, HEADS
from rater.seam.model import Changes, Effects, Head, Output, Record
from rater.seam.rows import PartitionRows

logger = logging.getLogger(__name__)

MAX_RECORDS = 8000
"""Records of one transaction: enough to make its fixed cost small, few enough to fit a fold's time."""

MAX_BYTES = 4 * 1024 * 1024
"""Bytes of records in one transaction (more only where one fetched batch is larger)."""

HIGH_WATER = 8 * 1024 * 1024
"""Bytes queued above which the partition is left out of the fetch; it comes back below half of it."""


@dataclass(slots=True, eq=False)
class PartitionWorker:
    """A log partition that this worker owns. All methods run on the engine's event loop."""

    partition: int
    rows: PartitionRows
    head: Head
    producer: PartitionProducer
    config: EngineConfig
    watchdog: failstop.Watchdog
    on_pressure: Callable[[int, bool], None]
    """(partition, too much queued?): tells the consumer to leave the partition out of the fetch, or to take it in."""
    accepting: bool = False
    due: int = 0
    """Where the next batch must start: the end of the last one, or the target of the seek."""
    tally: Tally = field(default_factory=Tally)
    folds: FoldThread = field(default_factory=FoldThread)
    """The worker's one thread, in which all its partitions fold."""
    pace: Pace = field(default_factory=Pace)
    """When work that ticks have left goes on, over all partitions of the worker."""
    _queue: deque[Delivery] = field(default_factory=deque)
    _taken: list[Delivery] = field(default_factory=list)
    """Deliveries whose records are being worked on."""
    _records: Sequence[Record] = ()
    """Records of these that have no transaction yet."""
    _queued_bytes: int = 0
    _pressed: bool = False
    _tick: Output | None = None
    _going_on: asyncio.TimerHandle | None = None
    _work_seconds: float = 0.0
    """What the last fold took that did work of a tick."""
    _task: asyncio.Task[None] | None = None

    def offer(self, delivery: Delivery) -> None:
        """Queue a fetched batch and see that it is worked on. Never waits."""
        if not self.accepting:
            return  # Revoked meanwhile: the records are fetched again from `next_offset` after the rebalance.
        self._queue.append(delivery)
        self._queued_bytes += delivery.value.size
        if not self._pressed and self._queued_bytes > HIGH_WATER:
            self._pressed = True
            self.on_pressure(self.partition, True)  # noqa: FBT003 - a callback's only word
        self._wake()

    def offer_tick(self, tick: Output) -> None:
        """Write `tick` into the log with the next transaction; a newer one replaces one that still waits."""
        if self.accepting:
            self._tick = tick
            self._wake()

    def resume(self) -> None:
        """Take in batches again; the consumer was sent to `next_offset`."""
        self.due = self.head.next_offset
        self.accepting = True

    async def quiesce(self) -> None:
        """Stop taking in, forget what is queued, and wait for the transaction in flight. Closes nothing."""
        self.accepting = False
        self._queue.clear()
        self._queued_bytes = 0
        self._tick = None
        if self._going_on is not None:
            self._going_on.cancel()
            self._going_on = None
        if self._task is not None:
            await asyncio.wait({self._task})  # wait() does not cancel the task when we are cancelled
        self.watchdog.disarm(self._stall)
        self._release()

    async def verify_ownership(self) -> None:
        """Write the head once more: a worker that was fenced while it was away ends here, and not at its next record.

        Only after `quiesce`.
        """
        self._task = asyncio.create_task(self._prove(), name=f"proof of log partition {self.partition}")
        await asyncio.wait({self._task})

    async def close(self) -> None:
        """Give the partition up: only after `quiesce`. The rows and the producer go together."""
        await self.producer.stop()

    @property
    def _stall(self) -> str:
        return f"fetched batches of partition {self.partition} waiting"

    def _wake(self) -> None:
        if self._task is None:
            self.watchdog.arm(self._stall, self.config.stall_timeout)
            self._task = asyncio.create_task(self._work(), name=f"log partition {self.partition}")

    async def _prove(self) -> None:
        try:
            effects = Effects(self.head, {HEADS.name: {HEAD_KEY: self.head}}, ())
            await self._commit(self._pack(effects, None, None))
        except BaseException as error:  # noqa: BLE001
            failstop.die(f"log partition {self.partition}, kept over a rebalance", error, failstop.status_of(error))
        finally:
            self._task = None

    async def _work(self) -> None:
        try:
            while self._records or self._queue or self._tick:
                if not self._records:
                    self._taken = self._take()
                    self._records = self._unseen(self._taken)
                await self._turn()
                self.watchdog.arm(self._stall, self.config.stall_timeout)
                self._release()
        except BaseException as error:  # noqa: BLE001 - the whole point: nothing goes on after an unknown outcome
            failstop.die(f"log partition {self.partition}", error, failstop.status_of(error))
        finally:
            self._task = None
        self.watchdog.disarm(self._stall)

    async def _turn(self) -> None:
        """One transaction, when it is this partition's turn to fold.

        The turn comes when others have had theirs: that is no stall of this partition, and has its own, longer, time.
        """
        self.watchdog.arm(self._stall, self.config.turn_timeout)
        async with self.folds.turn:
            if not self.accepting:  # revoked while it waited: all is fetched again from `next_offset`
                self._records, self._taken = (), []
                return
            self.watchdog.arm(self._stall, self.config.stall_timeout)
            began = perf_counter()
            folded = await self.folds.run(partial(self._fold, self._take_tick()))
            seconds = perf_counter() - began
        before = self.head.state
        await self._transact(folded, seconds)
        if self.head.state != before:  # a tick, most likely: calls come between, whose folds are short
            self._work_seconds = seconds
        if not self._records:
            for delivery in self._taken:
                delivery.ack()
            self._taken = []
        self._go_on()

    def _go_on(self) -> None:
        """Where a tick has left work, the next one follows soon: a transaction at a time, until all is done."""
        if self.config.tick is None or self._going_on is not None or not self.accepting:
            return
        if self.config.work_left(self.head.state):
            delay = self.pace.reserve(self._work_seconds)
            self._going_on = asyncio.get_running_loop().call_later(delay, self._tick_again)

    def _tick_again(self) -> None:
        self._going_on = None
        if self.config.tick is not None:
            self.offer_tick(self.config.tick(self.partition, time_ns() // 1_000_000))

    def _take(self) -> list[Delivery]:
        """What queued up while the last transaction ran, up to a transaction's worth."""
        taken: list[Delivery] = []
        count = size = 0
        while self._queue and (not taken or (count < MAX_RECORDS and size < MAX_BYTES)):
            delivery = self._queue.popleft()
            taken.append(delivery)
            count += len(delivery.value.records)
            size += delivery.value.size
        self._queued_bytes -= size
        return taken

    def _take_tick(self) -> Output | None:
        tick, self._tick = self._tick, None
        return tick

    def _release(self) -> None:
        if self._pressed and self._queued_bytes < HIGH_WATER // 2:
            self._pressed = False
            self.on_pressure(self.partition, False)  # noqa: FBT003

    def _unseen(self, taken: list[Delivery]) -> list[Record]:
        """The records from `next_offset` on. A hole before a batch means that something was lost: never go on."""
        seen = self.head.next_offset
        records: list[Record] = []
        for start, end, _, fetched, _ in (delivery.value for delivery in taken):
            if start > self.due:
                message = f"a batch from offset {start} came where {self.due} was due: records are missing between"
                raise RuntimeError(message)
            self.due = max(self.due, end)
            if fetched[0].offset >= seen:
                records += fetched
            else:
                records += [record for record in fetched if record.offset >= seen]
        return records

    def _fold(self, tick: Output | None) -> Folded:
        """Steps 1 and 2, for what fits the time of a fold. Nothing of it is to be seen before it is committed.

        It runs in the thread of folds, and changes nothing: what it reads stays as it is until `_transact`.
        """
        if not self._records:  # a tick alone, or records that the rows hold already
            effects = Effects(self.head, {}, ())
            return Folded(effects, self._pack(effects, tick, None) if tick else None, 0)
        part = Slice(self._records)
        effects = self.config.step(self.rows, self.head, self.partition, part)
        due = part.last.offset + 1 if part.taken else self.head.next_offset
        if not part.taken or effects.head.next_offset != due:
            message = f"the step says next_offset {effects.head.next_offset} after the record at {due - 1}"
            raise RuntimeError(message)
        effects.changes[HEADS.name] = {HEAD_KEY: effects.head}
        return Folded(effects, self._pack(effects, tick, part.last.timestamp), part.taken)

    async def _transact(self, folded: Folded, fold_seconds: float) -> None:
        if folded.outbox is None:
            return
        began = perf_counter()
        await self._commit(folded.outbox)  # 3
        self.rows.apply(folded.effects.changes)  # 4
        self.head = folded.effects.head
        self._records = self._records[folded.records :]
        self.tally.add(folded.records, fold_seconds, perf_counter() - began)

    async def _commit(self, outbox: Outbox) -> None:
        transaction = f"the transaction of log partition {self.partition}"
        self.watchdog.arm(transaction, self.config.transaction_timeout)
        await self.producer.commit(outbox)
        self.watchdog.disarm(transaction)

    def _pack(self, effects: Effects, tick: Output | None, timestamp: int | None) -> Outbox:
        outbox = self.producer.outbox()
        outbox.add_outputs(effects.outputs, self.config.topics)
        if tick is not None:
            outbox.add_outputs((tick,), self.config.topics)
        self._pack_changelogs(outbox, effects.changes, timestamp)
        return outbox

    def _pack_changelogs(self, outbox: Outbox, changes: Changes, timestamp: int | None) -> None:
        for table in self.config.all_tables:
            changed = changes.get(table.name)
            if changed:
                add = outbox.lane((self.config.changelog(table.name), self.partition))
                encode = table.encode
                for key, row in changed.items():
                    add(key, None if row is None else encode(row), timestamp, [])
