"""What the engine's tests share."""

from __future__ import annotations

from typing import NoReturn

import pytest

from rater.engine.config import EngineConfig
from rater.engine.partition_worker import PartitionWorker
from rater.kafka import failstop
from rater.kafka.failstop import Exit
from rater.seam.heads import HEAD_KEY, HEADS
from rater.seam.model import Head
from rater.seam.rows import PartitionRows
from tests.support import toy
from tests.support.scripted import Died, MakeUnit, ScriptedProducer


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> list[Died]:
    """The ends of the process, in order; each also stops whoever caused it."""
    seen: list[Died] = []

    def die(reason: str, error: BaseException | None = None, status: Exit = Exit.CRASHED) -> NoReturn:
        seen.append(Died(reason, error, status))
        raise seen[-1]

    monkeypatch.setattr(failstop, "die", die)
    return seen


@pytest.fixture
def producer() -> ScriptedProducer:
    return ScriptedProducer()


@pytest.fixture
def pressure() -> list[tuple[int, bool]]:
    """What the unit told the consumer: (partition, leave it out?)."""
    return []


@pytest.fixture
def make_unit(deaths: list[Died], producer: ScriptedProducer, pressure: list[tuple[int, bool]]) -> MakeUnit:
    """A unit of the toy application on partition 3, taking in, with `next_offset` as told."""

    def make(next_offset: int = 0, config: EngineConfig | None = None) -> PartitionWorker:
        assert deaths == []
        head = Head(next_offset, 4)
        rows = PartitionRows([HEADS, toy.COUNTS])
        rows.tables[HEADS.name][HEAD_KEY] = head
        unit = PartitionWorker(
            partition=3,
            rows=rows,
            head=head,
            producer=producer,  # type: ignore[arg-type]
            config=config or toy.config("nowhere:9", "toy", 4),
            watchdog=failstop.Watchdog(),
            on_pressure=lambda partition, high: pressure.append((partition, high)),
        )
        unit.resume()
        return unit

    return make
