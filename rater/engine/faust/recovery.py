"""Faust's recovery, replaced: at each assignment the engine takes over what is new and keeps what stays."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from mode import Service

from rater.engine.faust.transport import FailStop
from rater.engine.restore import changed_partitions
from rater.kafka import failstop

logger = logging.getLogger(__name__)
SERVICES = logging.getLogger("faust.tables")
"""Where Faust tells of services that start and stop."""


class EngineRecovery(FailStop, Recovery):
    """Runs after each rebalance; `signal_recovery_start` is set by Faust's `on_rebalance`."""

    logger = SERVICES

    @Service.task
    async def _restart_recovery(self) -> None:
        try:
            while not await self.wait_for_stopped(self.signal_recovery_start):
                self.signal_recovery_start.clear()
                await self._recover(self._generation_id)
        except BaseException as error:
            if not (self.should_stop or self.app.should_stop):
                failstop.die("recovery failed", error, failstop.status_of(error))
            raise
        if not (self.should_stop or self.app.should_stop):
            failstop.die("recovery ended by itself")

    @Service.task
    async def _slurp_changelogs(self) -> None:
        """Faust's way to read changelogs; ours is `rater.engine.restore`."""

    async def _recover(self, generation: int) -> None:
        self._set_recovery_started()
        if await self._assign() and self.app.consumer_generation_id == generation:
            await self._resume(generation)

    async def _assign(self) -> bool:
        """Bring the engine to the new assignment; False when a newer rebalance or the end came first."""
        config = self.app.engine.config
        log = config.log_topic
        # A changed metadata snapshot makes aiokafka rejoin, so this sees every change of N.
        known = self.app.consumer.topic_partitions(log)
        if known not in {None, config.partitions}:
            raise failstop.Refused(changed_partitions(log, config.partitions, known))
        wanted = {tp.partition for tp in self.app.consumer.assignment() if tp.topic == log}
        assigning = asyncio.ensure_future(self.app.engine.assign(wanted))
        again = asyncio.ensure_future(self.signal_recovery_start.wait())
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({assigning, again, stopped}, return_when=asyncio.FIRST_COMPLETED)
            done: bool = assigning.done()
        finally:
            for task in (assigning, again, stopped):
                task.cancel()
            # An interrupted restore has stopped its producers and consumer before the next one begins.
            await asyncio.gather(assigning, again, stopped, return_exceptions=True)
        if done:
            assigning.result()
        return done

    async def _resume(self, generation: int) -> None:
        app: Any = self.app
        consumer = app.consumer
        log = app.engine.config.log_topic
        await app.on_rebalance_complete.send()
        self._set_recovery_ended()
        consumer.resume_partitions({tp for tp in consumer.assignment() if tp.topic == log})
        # A time-out here is an error: Faust would go on without a word, heartbeating, and rate nothing.
        await asyncio.wait_for(consumer.perform_seek(), app.engine.config.stall_timeout)
        if app.consumer_generation_id != generation or self.signal_recovery_start.is_set():
            return  # the next recovery resumes
        app.engine.resume()
        self.completed.set()
        app.flow_control.resume()
        consumer.resume_flow()
        await app._fetcher.maybe_start()  # noqa: SLF001 - as Faust's own recovery does
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        app.on_rebalance_end()
        logger.info("ready: rating partitions %s", sorted(app.engine.units))


class EngineTables(TableManager):
    """Installs the recovery, and keeps the changelogs out of the group's subscription: nothing reads them that way."""

    logger = SERVICES
    _recovery: EngineRecovery | None

    @property
    def recovery(self) -> EngineRecovery:
        """The one recovery service."""
        if self._recovery is None:
            self._recovery = EngineRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

    async def on_start(self) -> None:
        """Start without Faust's second of waiting."""
        await self._update_channels()
        await self.recovery.start()

    async def _update_channels(self) -> None:
        self._tables_finalized.set()
        for table in self.values():
            await table.maybe_start()
        self._tables_registered.set()
