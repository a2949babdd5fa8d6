"""Parts of the engine by script: a process that can die without ending the test run, a producer, fetched batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rater.engine.batches import FetchedBatch
from rater.engine.partition_worker import PartitionWorker
from rater.kafka.failstop import Exit
from rater.seam.model import LogRecord

MakeUnit = Callable[..., PartitionWorker]


class Died(BaseException):
    """Stands for the end of the process."""

    def __init__(self, reason: str, error: BaseException | None, status: Exit) -> None:
        super().__init__(reason, error, status)
        self.reason, self.error, self.status = reason, error, status


@dataclass
class ScriptedOutbox:
    """Remembers what it is given."""

    added: list[tuple[tuple[str, int], bytes | None, bytes | None]] = field(default_factory=list)

    def lane(self, place: tuple[str, int]) -> Callable[..., None]:
        def add(key: bytes | None, value: bytes | None, *_: object) -> None:
            self.added.append((place, key, value))

        return add

    def add_outputs(self, outputs: Sequence[Any], topics: Mapping[str, str]) -> None:
        for output in outputs:
            self.lane((topics[output.topic], output.partition))(output.key, output.value)


@dataclass
class ScriptedProducer:
    """Commits at once, or when let, or fails; what was committed is in `committed`, one entry a transaction."""

    committed: list[ScriptedOutbox] = field(default_factory=list)
    gate: asyncio.Event | None = None
    error: BaseException | None = None
    stopped: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """A first transaction is in flight, or was."""

    def outbox(self) -> ScriptedOutbox:
        return ScriptedOutbox()

    async def commit(self, outbox: ScriptedOutbox) -> None:
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.committed.append(outbox)

    async def stop(self) -> None:
        self.stopped = True


@dataclass
class Delivered:
    """A fetched batch, as Faust would hand it over."""

    value: FetchedBatch
    acked: bool = False
    message: Any = None

    def ack(self) -> bool:
        self.acked = True
        return True


def batch(*offsets: int, start: int | None = None, end: int | None = None, size: int = 100) -> Delivered:
    """A batch of records at `offsets`, fetched from the position `start` up to `end` (close to them, unless told)."""
    records = [LogRecord(offset, 1_000 + offset, b"k", b"v") for offset in offsets]
    return Delivered(FetchedBatch(offsets[0] if start is None else start, end or offsets[-1] + 1, 1, records, size))


async def settled(unit: PartitionWorker) -> None:
    """Wait until the unit has nothing more to do."""
    while unit._task is not None:
        await asyncio.wait({unit._task})
