"""Workers over the fake Kafka, one after the other on the same partition, and the judge of what they leave behind.

A worker is the real engine (`Engine`, `PartitionWorker`, `restore`, `PartitionProducer`) with the toy step; only what
Faust does around it is played here: fetch from `next_offset` on, hand batches over, rebalance, commit the group's
offset on an ack.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from rater.engine import engine as engine_module
from rater.engine import producer as producer_module
from rater.engine import restore as restore_module
from rater.engine.batches import FetchedBatch
from rater.engine.engine import Engine
from rater.kafka import failstop
from rater.kafka.failstop import Exit
from rater.seam import heads
from rater.seam.model import Output
from tests.seam.clients import FakeConsumer, FakeProducer
from tests.seam.fake import PROCESS, FakeKafka, Process
from tests.support import toy
from tests.support.scripted import Died

CONFIG = toy.config("nowhere:9", "toy", 1)
LOG = TopicPartition("toy-log", 0)
ECHO = TopicPartition("toy-echo", 0)
HEADS_LOG = TopicPartition("toy-heads-changelog", 0)
COUNTS_LOG = TopicPartition("toy-counts-changelog", 0)
TICK = Output("log", 0, b"tick", b"", 0, ())

MOST_POLLS = 300
"""Of a worker that goes on; one that needs more is stuck."""


class Wrong(AssertionError):  # noqa: N818 - it is a verdict
    """What the engine may never do: the words say what it did."""


@dataclass(eq=False)
class Delivery:
    """A batch on its way; its acknowledgement goes to the worker."""

    value: FetchedBatch
    acknowledge: Callable[[FetchedBatch], None]
    message: Any = field(default_factory=lambda: SimpleNamespace(partition=0))

    def ack(self) -> bool:
        self.acknowledge(self.value)
        return True


@dataclass(eq=False)
class Worker:
    """One process that owns the partition: it restores, rates, lives through a rebalance, and closes."""

    world: World
    name: str
    upto: int | None = None
    """Close when everything below this offset of the log is rated; None: when there is no more."""
    restored: int = -1
    """What was due next when it took the partition over."""

    leaving: bool = False
    epoch: int = 0
    """Of the last seek."""

    def start(self) -> None:
        self.process = Process(self.name, cancel=self._cancel, leave=self._leave)
        context = contextvars.copy_context()
        context.run(PROCESS.set, self.process)
        self.main = asyncio.create_task(self._main(), context=context)

    def _cancel(self, step: str) -> None:
        unit = self.engine.units.get(0)
        fetching = ": log " in step or ": group" in step
        task = self.main if unit is None or unit._task is None or fetching else unit._task
        task.cancel()

    def _leave(self) -> None:
        self.leaving = True
        if self.process.phase == "restore":
            self.assigning.cancel()
        else:
            self.quiescing = asyncio.create_task(self.engine.quiesce())

    async def _main(self) -> None:
        self.engine = Engine(self.world.config)
        self.world.workers.append(self)
        try:
            await self._work()
        except BaseException as error:  # noqa: BLE001 - as the engine's services do
            failstop.die(self.name, error, failstop.status_of(error))
        finally:
            self.process.over.set()

    async def _work(self) -> None:
        self.process.phase = "restore"
        self.assigning = asyncio.create_task(self.engine.assign({0}))
        try:
            await self.assigning
        except asyncio.CancelledError:
            if self.leaving:
                return
            raise
        await self._rate()
        self.process.phase = "close"
        await self.engine.close()
        await self.reader.stop()

    async def _rate(self) -> None:
        self.restored = self.engine.next_offsets()[0]
        self.reader = FakeConsumer(self.world.kafka, isolation_level="read_committed", group_id=CONFIG.app_id)
        await self.reader.start()
        self._resume()
        polls = 0
        while not self.leaving and not self._done():
            polls += 1
            if polls > MOST_POLLS:
                raise Wrong(f"{self.name} does not get on")
            if not await self._poll() or polls == 1:
                await self.idle()
            if polls == 2:
                await self._tick_and_rebalance()

    async def _tick_and_rebalance(self) -> None:
        """A tick goes into the log; then a rebalance comes, the partition stays, and its owner proves that it does."""
        self.engine.units[0].offer_tick(TICK)
        await self.idle()
        self.process.phase = "kept"
        await self.engine.assign({0})
        self._resume()

    def _resume(self) -> None:
        if self.leaving:
            return  # as `EngineRecovery._resume`: a newer rebalance came first
        self.process.phase = "rate"
        self.reader.assign([LOG])
        self.position = self.engine.next_offsets()[0]
        self.reader.seek(LOG, self.position)
        self.epoch += 1
        self.engine.epoch = self.epoch
        self.engine.resume()

    async def _poll(self) -> bool:
        """Fetch once and hand on what came; False when the log had nothing more."""
        start = self.position
        records = (await self.reader.getmany()).get(LOG)
        if records:
            self.position = await self.reader.position(LOG)
            batch = FetchedBatch(start, self.position, self.epoch, records, 100)
            await self.engine.consume(stream(Delivery(batch, self._acked)))
        return bool(records)

    def _acked(self, batch: FetchedBatch) -> None:
        offset = batch.records[-1].offset + 1
        self.world.judge_ack(self.name, offset)
        self.acking = asyncio.create_task(self._commit_group(offset))

    async def _commit_group(self, offset: int) -> None:
        try:
            await self.reader.commit({LOG: offset})
        except KafkaError:
            """For lag tools only."""

    async def idle(self) -> None:
        """Wait until the unit has nothing more to do."""
        while (unit := self.engine.units.get(0)) is not None and unit._task is not None:
            await asyncio.wait({unit._task})

    def _done(self) -> bool:
        unit = self.engine.units[0]
        upto = self.world.kafka.log(tuple(LOG)).stable if self.upto is None else self.upto
        left = self.world.kafka.log(tuple(LOG)).read(unit.head.next_offset, committed=True)
        return unit._task is None and not [entry for entry in left if entry.offset < upto]


async def stream(delivery: Delivery) -> AsyncIterator[Any]:
    """One delivery, as the agent would be given it."""
    yield delivery


@dataclass(eq=False)
class World:
    """A fake Kafka, the workers that lived on it, and how their processes ended."""

    kafka: FakeKafka = field(default_factory=FakeKafka)
    config: Any = CONFIG
    workers: list[Worker] = field(default_factory=list)
    deaths: list[tuple[str, Died]] = field(default_factory=list)
    """The ends by fail-stop: (process, how)."""
    others: set[asyncio.Task[Any]] = field(default_factory=set)
    """Tasks that were there before."""

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Give the engine this Kafka's clients, and an end of the process that the test survives."""
        patch.setattr(producer_module, "AIOKafkaProducer", partial(FakeProducer, self.kafka))
        patch.setattr(restore_module, "AIOKafkaConsumer", partial(FakeConsumer, self.kafka))
        patch.setattr(engine_module, "gc", SimpleNamespace(freeze=lambda: None))
        patch.setattr(failstop, "die", self._die)
        self.others = asyncio.all_tasks()
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)  # a dead process' last words

    def _die(self, reason: str, error: BaseException | None = None, status: Exit = Exit.CRASHED) -> NoReturn:
        process = PROCESS.get()
        died = Died(reason, error, status)
        if process.alive:
            self.deaths.append((process.name, died))
            process.end()
        raise died

    def fill_log(self) -> None:
        """Records of three accounts: some alone, some in transactions, of which one was aborted."""
        log = self.kafka.log(tuple(LOG))
        for number, key in enumerate([b"a", b"b", b"a", b"c"]):
            log.append(key, b"alone", 1_000 + number)
        for commit, keys in ((True, [b"a", b"b"]), (False, [b"c", b"c"]), (True, [b"c", b"a", b"b"])):
            epoch = self.kafka.init_producer_id("intake", 10)
            self.kafka.add_partition("intake", epoch, tuple(LOG))
            self.kafka.produce("intake", epoch, tuple(LOG), [(key, b"together", 2_000, ()) for key in keys])
            self.kafka.end_transaction("intake", epoch, commit=commit)
        log.append(b"a", b"alone", 3_000)

    async def live(self, name: str, upto: int | None = None) -> Worker:
        """Run a worker until it is done, dead, or frozen."""
        worker = Worker(self, name, upto)
        worker.start()
        await worker.process.over.wait()
        return worker

    async def over(self) -> None:
        """Take away what tasks the ended processes have left."""
        left = asyncio.all_tasks() - self.others - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def committed_head(self) -> Any:
        """The head that a restore would find, None where there is none."""
        found = [entry for entry in self.kafka.log(tuple(HEADS_LOG)).entries if _is_committed(entry)]
        return heads.decode(found[-1].value or b"") if found else None

    def judge_ack(self, name: str, offset: int) -> None:
        head = self.committed_head()
        if head is None or offset > head.next_offset:
            raise Wrong(f"{name} acknowledged {offset} before it was committed")

    def judge_rows(self) -> None:
        """At any moment: no living owner shows rows that are not committed."""
        for worker in self.workers:
            unit = worker.engine.units.get(0) if worker.process.alive else None
            if unit is not None and unit.rows.head is not None and unit.rows.head.next_offset > 0:
                head = self.committed_head()
                if head is None or unit.rows.head.next_offset > head.next_offset:
                    raise Wrong(f"{worker.name} shows rows of an uncommitted transaction")

    def judge(self) -> None:
        """At the end: one echo for each record of the log, in order; rows and head are the fold of the log."""
        log = list(self.kafka.log(tuple(LOG)).read(0, committed=True))
        counts: Counter[bytes] = Counter()
        due = []
        for record in log:
            counts[record.key or b""] += 1
            due.append((record.key, {"seq": counts[record.key or b""], "offset": record.offset}))
        echoes = self.kafka.log(tuple(ECHO)).read(0, committed=True)
        found = [(echo.key, json.loads(echo.value or b"")) for echo in echoes]
        if found != due:
            raise Wrong(_difference([e["offset"] for _, e in found], [e["offset"] for _, e in due]))
        rows = {e.key: json.loads(e.value or b"") for e in self.kafka.log(tuple(COUNTS_LOG)).read(0, committed=True)}
        if rows != counts:
            raise Wrong(f"the rows are {rows}, and the log says {dict(counts)}")
        head = self.committed_head()
        if head.next_offset != log[-1].offset + 1 or head.outcomes != {"counted": len(log)}:
            raise Wrong(f"the head is {head} after {len(log)} records")


def _is_committed(entry: Any) -> bool:
    """Decided and marked: what a reader without a bound would be shown."""
    return not entry.marker and entry.span is not None and entry.span.committed is True


def _difference(found: list[int], due: list[int]) -> str:
    lost = sorted((Counter(due) - Counter(found)).elements())
    twice = sorted((Counter(found) - Counter(due)).elements())
    return f"lost: {lost}, twice: {twice}, seq wrong or out of order: {not lost and not twice}"
