"""The engine's state in one worker: which log partitions it owns, and the agent's body."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any

from rater.engine.batches import Delivery, Tally
from rater.engine.config import EngineConfig
from rater.engine.folding import FoldThread, Pace
from rater.engine.partition_worker import PartitionWorker
from rater.engine.restore import Restored, restore
from rater.kafka import failstop
from rater.kafka.failstop import Watchdog

logger = logging.getLogger(__name__)

REPORT_EVERY = 10.0
"""Seconds between two lines in the log that say what was done."""

NOWHERE = -1
"""The epoch while nothing is taken in: no batch carries it."""

REBALANCE = "the rebalance"

LEAVE_TIMEOUT = 10.0
"""Seconds that a worker that was asked to stop may take to leave the group, when all its partitions are closed.

Without a broker Faust would wait forever, and there is nothing to lose any more.
"""

LOOP_TIMEOUT = 10.0
"""Seconds after which a main loop that does not answer is taken for hung."""


class Engine:
    """Owns the units (one per log partition). Knows nothing of Faust beyond what is handed to it."""

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.watchdog = Watchdog()
        self.units: dict[int, PartitionWorker] = {}
        self.epoch = NOWHERE
        """Which seek the units' positions come from; set by the transport."""
        self.on_pressure: Callable[[int, bool], None] = lambda _partition, _high: None
        self.held_back: Callable[[], Mapping[int, int]] = dict
        """Partition -> offsets that an open transaction of anybody keeps from readers; set by the transport."""
        self.held: dict[str, dict[int, dict[bytes, Any]]] = {table.name: {} for table in config.all_tables}
        """table -> partition -> rows: what the Faust tables show."""
        self.restored = (0, 0)
        """Of the last restore: changelog records read, and how many there are at most."""
        self._reported = Tally()
        self._folds = FoldThread()
        self._pace = Pace()
        self._ticked = 0

    def start(self) -> None:
        """Start the watchdog and the clock that writes ticks; call it on the event loop."""
        self.watchdog.start()
        self._beat()
        self._report()
        if self.config.tick is not None:
            asyncio.get_running_loop().call_later(self.config.tick_interval, self._tick)

    def _beat(self) -> None:
        self.watchdog.arm("the main loop's answer", LOOP_TIMEOUT)
        asyncio.get_running_loop().call_later(1.0, self._beat)

    def _report(self) -> None:
        asyncio.get_running_loop().call_later(REPORT_EVERY, self._report)
        done = sum((unit.tally for unit in self.units.values()), Tally())
        before, self._reported = self._reported, done
        transactions = done.transactions - before.transactions
        if transactions > 0:
            records = done.records - before.records
            logger.info(
                "%d records in %d transactions (%.0f records/s; %.1f ms to fold, %.1f ms to commit one)",
                records,
                transactions,
                records / REPORT_EVERY,
                1000 * (done.folds.seconds - before.folds.seconds) / transactions,
                1000 * (done.commits.seconds - before.commits.seconds) / transactions,
            )

    def _tick(self) -> None:
        """Tick one partition after the other, spread over the interval: at midnight each has its own moment."""
        turns = max(1, len(self.units))
        asyncio.get_running_loop().call_later(self.config.tick_interval / turns, self._tick)
        assert self.config.tick is not None  # noqa: S101 - start() saw it
        if self.units:
            self._ticked += 1
            partition = sorted(self.units)[self._ticked % turns]
            self.units[partition].offer_tick(self.config.tick(partition, time.time_ns() // 1_000_000))

    def next_offsets(self) -> dict[int, int]:
        """Log partition to the offset that is due next."""
        return {partition: unit.head.next_offset for partition, unit in self.units.items()}

    @property
    def ready(self) -> bool:
        """Whether batches are taken in: every assigned partition is restored, and no rebalance is under way."""
        return self.epoch != NOWHERE

    async def consume(self, stream: AsyncIterable[Delivery]) -> None:
        """The agent: hand each batch to its partition's unit, and never wait for one of them."""
        async for delivery in stream:
            if delivery.value.epoch != self.epoch:
                continue  # fetched before the last seek, or while nothing is taken in: it is fetched again
            partition = delivery.message.partition
            unit = self.units.get(partition)
            if unit is None:
                failstop.die(f"a batch for partition {partition}, whose rows are not here")
            unit.offer(delivery)

    async def quiesce(self) -> None:
        """Stop taking in and let every transaction in flight end; partitions, rows and producers stay."""
        self.epoch = NOWHERE
        self.watchdog.arm(REBALANCE, self.config.stall_timeout + self.config.rebalance_timeout)
        await asyncio.gather(*(unit.quiesce() for unit in self.units.values()))

    async def assign(self, partitions: set[int]) -> None:
        """Own exactly `partitions`: close those gone, keep those that stay as they are, restore the new ones."""
        await self.quiesce()
        gone = sorted(self.units.keys() - partitions)
        kept = sorted(self.units.keys() & partitions)
        new = sorted(partitions - self.units.keys())
        logger.info("assigned partitions %s: keeping %s, restoring %s, closing %s", sorted(partitions), kept, new, gone)
        await asyncio.gather(*(self._drop(p).close() for p in gone), *(self.units[p].verify_ownership() for p in kept))
        if new:
            self.watchdog.disarm(REBALANCE)  # a restore takes the time it takes, and reports it
            for partition, restored in (await restore(self.config, set(new), self._restoring)).items():
                self._add(partition, restored)
            gc.freeze()  # rows live long: the garbage collector need not look at them again and again
            self.watchdog.arm(REBALANCE, self.config.stall_timeout)

    def _restoring(self, read: int, total: int) -> None:
        self.restored = (read, total)

    def resume(self) -> None:
        """Take in batches again, after the seek to `next_offsets`."""
        self.watchdog.disarm(REBALANCE)
        for unit in self.units.values():
            unit.resume()

    async def close(self) -> None:
        """Leave every partition in good order. What remains is to leave the group, which must not wait for a broker."""
        await self.assign(set())
        self.watchdog.disarm(REBALANCE)
        self.watchdog.arm("leaving the group", LEAVE_TIMEOUT)

    def _add(self, partition: int, restored: Restored) -> None:
        unit = PartitionWorker(
            partition=partition,
            rows=restored.rows,
            head=restored.head,
            producer=restored.producer,
            config=self.config,
            watchdog=self.watchdog,
            on_pressure=self.on_pressure,
            folds=self._folds,
            pace=self._pace,
        )
        self.units[partition] = unit
        for table, rows in restored.rows.tables.items():
            self.held[table][partition] = rows

    def _drop(self, partition: int) -> PartitionWorker:
        for rows in self.held.values():
            rows.pop(partition, None)
        return self.units.pop(partition)
