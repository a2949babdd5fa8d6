"""A worker that a test leads by the hand: what it owns, and which records it is handed."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

from rater.engine.batches import FetchedBatch
from rater.engine.config import EngineConfig
from rater.engine.engine import Engine
from rater.engine.faust.recovery import EngineRecovery
from rater.kafka.failstop import Exit
from tests.seam.fake import PROCESS, Process
from tests.seam.world import CONFIG, LOG, Delivery, World, stream


class Owner:
    """A process with an engine in it."""

    def __init__(self, world: World, name: str, config: EngineConfig = CONFIG) -> None:
        self.world = world
        self.process = Process(name)
        self.context = contextvars.copy_context()
        self.context.run(PROCESS.set, self.process)
        self.engine = Engine(config)
        self.acked: list[int] = []

    def does(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start something in this process."""
        return asyncio.create_task(work, context=self.context)

    async def own(self, *partitions: int) -> None:
        """Take part in a rebalance that assigns these partitions."""
        await self.does(self.engine.assign(set(partitions)))
        self._resume()

    def _resume(self) -> None:
        self.engine.epoch += 2
        self.engine.resume()

    async def rate(self, most: int | None = None, *, start: int | None = None, partition: int = 0) -> None:
        """Hand over what is in the log from `start` (what is due next) on, in one batch, and wait until it is rated."""
        unit = self.engine.units[partition]
        at = unit.head.next_offset if start is None else start
        records = list(self.world.kafka.log((LOG.topic, partition)).read(at, committed=True))[:most]
        batch = FetchedBatch(at, records[-1].offset + 1, self.engine.epoch, records, 100)
        delivery = Delivery(batch, self._ack, SimpleNamespace(partition=partition))
        await self.does(self.engine.consume(stream(delivery)))
        await self.idle(partition)

    async def idle(self, partition: int = 0) -> None:
        """Wait until a partition's unit has nothing to do, or is dead, or frozen."""
        while (task := self.engine.units[partition]._task) is not None and self._runs:
            await asyncio.wait({task}, timeout=0)
            await asyncio.sleep(0)

    @property
    def _runs(self) -> bool:
        return self.process.alive and self.process.running.is_set()

    def _ack(self, batch: FetchedBatch) -> None:
        self.acked.append(batch.end)

    def recovery(self, *partitions: int) -> Any:
        """What `EngineRecovery._assign` needs of Faust, where the group assigns these partitions."""
        assignment = [SimpleNamespace(topic=LOG.topic, partition=partition) for partition in partitions]
        consumer = SimpleNamespace(
            topic_partitions=lambda _topic: self.engine.config.partitions, assignment=lambda: assignment
        )
        return SimpleNamespace(
            app=SimpleNamespace(engine=self.engine, consumer=consumer),
            signal_recovery_start=asyncio.Event(),
            _stopped=asyncio.Event(),
        )

    async def recover(self, recovery: Any) -> bool:
        """One round of the recovery; False when a rebalance interrupted it."""
        done: bool = await self.does(EngineRecovery._assign(recovery))
        if done:
            self._resume()
        return done

    @property
    def ended(self) -> Exit | None:
        """How the process ended by itself."""
        return next((died.status for name, died in self.world.deaths if name == self.process.name), None)
