"""Protocol bugs planted in a worker, which the fault suite must catch: `python -m tests.faults --planted NAME`.

Each takes one part of the commit protocol away, as somebody could who simplifies it. The plan that goes with it has the
faults against which that part stands.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from rater.engine import engine, partition_worker, restore
from rater.engine.config import EngineConfig
from rater.engine.faust import transport
from rater.engine.producer import Outbox, PartitionProducer
from rater.seam.heads import HEAD_KEY, HEADS, encode
from rater.seam.model import Effects
from tests.faults.plan import Fault, Kind

# ruff: noqa: B010 - what is planted need not be of the declared type

KILLS: Sequence[Kind] = ("kill-worker",) * 8
FREEZES: Sequence[Kind] = ("freeze-worker",) * 3
FULL: Sequence[Kind] = ("refuse-batches",) * 3
MOVES: Sequence[Kind] = ("join-worker", "leave-worker", "freeze-worker", "join-worker", "leave-worker", "kill-worker")


def commit_before_sent() -> None:
    """The commit does not wait until every batch was taken."""

    async def send(self: Outbox, place: tuple[str, int], batches: list[Any]) -> None:
        for batch in batches:
            batch.close()
            await self._producer.send_batch(batch, place[0], partition=place[1])

    setattr(Outbox, "_send", send)


def commit_although_failed() -> None:
    """A batch that failed is logged, and the rest is committed."""
    sends = Outbox._send

    async def send(self: Outbox, place: tuple[str, int], batches: list[Any]) -> None:
        try:
            await sends(self, place, batches)
        except KafkaError as error:
            print("a batch failed:", error)

    setattr(Outbox, "_send", send)


def no_fence() -> None:
    """Each worker has transactional ids of its own, so that taking over fences nobody."""
    mine = uuid.uuid4().hex
    setattr(EngineConfig, "transactional_id", lambda self, p: f"{self.app_id}.{p}.{mine}")


def offset_outside() -> None:
    """The row with `next_offset` is written behind the transaction, by a producer of its own."""
    writers: dict[str, AIOKafkaProducer] = {}
    transact = partition_worker.PartitionWorker._transact

    def pack(self: partition_worker.PartitionWorker, effects: Effects, *rest: Any) -> Outbox:
        effects.changes.pop(HEADS.name, None)
        return packs(self, effects, *rest)

    async def transacted(self: partition_worker.PartitionWorker, *given: Any) -> None:
        await transact(self, *given)
        if "one" not in writers:
            writers["one"] = AIOKafkaProducer(**self.config.client, linger_ms=500)
            await writers["one"].start()
        topic = self.config.changelog(HEADS.name)
        await writers["one"].send(topic, encode(self.head), HEAD_KEY, partition=self.partition)

    packs = partition_worker.PartitionWorker._pack
    setattr(partition_worker.PartitionWorker, "_pack", pack)
    setattr(partition_worker.PartitionWorker, "_transact", transacted)


def ack_before_commit() -> None:
    """A batch is acknowledged before its transaction, and a restart begins where the group says."""
    take = partition_worker.PartitionWorker._take

    def taken(self: partition_worker.PartitionWorker) -> list[Any]:
        deliveries = take(self)
        for delivery in deliveries:
            delivery.ack()
        return deliveries

    setattr(partition_worker.PartitionWorker, "_take", taken)
    seek_to_committed()


def seek_to_committed() -> None:
    """A worker begins where the group's committed offset says, and takes what comes from there."""

    async def seek_all(self: Any, offsets: dict[Any, int]) -> int:
        consumer = self._ensure_consumer()
        self._epoch += 1
        self._positions = {}
        for tp, own in offsets.items():
            committed = await consumer.committed(tp)
            self._positions[tp] = own if committed is None else committed
            consumer.seek(tp, self._positions[tp])
        return int(self._epoch)

    setattr(transport.BatchConsumerThread, "_seek_all", seek_all)
    setattr(
        partition_worker.PartitionWorker,
        "_unseen",
        lambda _self, taken: [r for delivery in taken for r in delivery.value.records],
    )


def new_producer_on_kept_rows() -> None:
    """A partition that stays over a rebalance gets a new producer, and keeps its rows."""
    assign = engine.Engine.assign

    async def assigned(self: engine.Engine, partitions: set[int]) -> None:
        await self.quiesce()
        for kept in self.units.keys() & partitions:
            await self.units[kept].producer.stop()
            self.units[kept].producer = PartitionProducer(self.config, kept)
            await self.units[kept].producer.start()
        await assign(self, partitions)

    setattr(engine.Engine, "assign", assigned)


def restore_by_assignment() -> None:
    """A table's changelog is read only where somebody else's assignment says so: here it says so for half of them."""
    reads = restore._read

    async def read(config: Any, consumer: Any, partitions: set[int], *rest: Any) -> Any:
        rows = await reads(config, consumer, partitions, *rest)
        for partition, found in rows.items():
            if partition % 2:
                found.tables["usage"].clear()
        return rows

    setattr(restore, "_read", read)


class Planted(NamedTuple):
    """A bug, and what it does not survive."""

    plant: Callable[[], None]
    kinds: Sequence[Kind]


BUGS: dict[str, Planted] = {
    "commit-before-sent": Planted(commit_before_sent, FULL),
    "commit-although-failed": Planted(commit_although_failed, FULL),
    "no-fence": Planted(no_fence, FREEZES),
    "offset-outside": Planted(offset_outside, KILLS),
    "ack-before-commit": Planted(ack_before_commit, KILLS),
    "seek-to-committed": Planted(seek_to_committed, (*KILLS, *FREEZES)),
    "new-producer-on-kept-rows": Planted(new_producer_on_kept_rows, (*FREEZES, *MOVES, *FREEZES)),
    "restore-by-assignment": Planted(restore_by_assignment, MOVES),
}


def plan_for(name: str, attempt: int = 0) -> list[Fault]:
    """The faults of a bug's plan; each attempt meets other workers."""
    lasts: dict[Kind, float] = {"freeze-worker": 9.0, "refuse-batches": 3.0}
    return [
        Fault(2.0, kind, (n * 0.37 + attempt * 0.29) % 1, lasts.get(kind, 0.0))
        for n, kind in enumerate(BUGS[name].kinds)
    ]


def main() -> None:
    """Plant the bug and run the command: `python -m tests.faults.planted NAME worker`."""
    BUGS[sys.argv[1]].plant()
    sys.argv[1:] = sys.argv[2:]
    from rater.cli import main as rater  # noqa: PLC0415 - after planting

    rater()


if __name__ == "__main__":
    main()
