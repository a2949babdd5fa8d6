"""What a worker owns: assignments, kept partitions, the agent's body, ticks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from rater.engine import engine as engine_module
from rater.engine.config import EngineConfig
from rater.engine.engine import NOWHERE, Engine
from rater.engine.restore import Restored
from rater.seam.heads import HEAD_KEY, HEADS
from rater.seam.model import Head, Output
from rater.seam.rows import PartitionRows
from tests.support import toy
from tests.support.scripted import Delivered, Died, ScriptedProducer, batch, settled

CONFIG = toy.config("nowhere:9", "toy", 4)


class Restores:
    """Stands for the changelogs: restores instantly, and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.producers: dict[int, ScriptedProducer] = {}

    async def __call__(self, config: EngineConfig, partitions: set[int], _told: object) -> dict[int, Restored]:
        self.asked.append(sorted(partitions))
        return {p: self._restored(config, p) for p in partitions}

    def _restored(self, config: EngineConfig, partition: int) -> Restored:
        rows = PartitionRows(config.all_tables)
        head = rows.tables[HEADS.name][HEAD_KEY] = Head(10 * partition, 4)
        self.producers[partition] = ScriptedProducer()
        return Restored(self.producers[partition], rows, head)  # type: ignore[arg-type]


@pytest.fixture
def restores(monkeypatch: pytest.MonkeyPatch) -> Restores:
    made = Restores()
    monkeypatch.setattr(engine_module, "restore", made)
    return made


@pytest.fixture
def engine(deaths: list[Died], restores: Restores) -> Engine:
    assert (deaths, restores.asked) == ([], [])
    return Engine(CONFIG)


async def stream(*deliveries: Delivered) -> AsyncIterator[Any]:
    for delivery in deliveries:
        yield delivery


def to(partition: int, delivery: Delivered, epoch: int = 1) -> Delivered:
    """The delivery as fetched for a partition in an epoch."""
    delivery.message = SimpleNamespace(partition=partition)
    delivery.value = delivery.value._replace(epoch=epoch)
    return delivery


async def test_partitions_that_stay_are_not_restored(engine: Engine, restores: Restores) -> None:
    """A rebalance restores what is new, closes what is gone, and leaves rows and producers of the rest alone."""
    await engine.assign({0, 1})
    kept, gone = engine.units[1], restores.producers[0]
    await engine.assign({1, 2})
    assert restores.asked == [[0, 1], [2]]
    assert engine.units[1] is kept
    assert gone.stopped
    assert not restores.producers[1].stopped
    assert engine.next_offsets() == {1: 10, 2: 20}


async def test_a_kept_partition_proves_itself_at_each_rebalance(engine: Engine, restores: Restores) -> None:
    """Whoever was fenced while away finds out at the rebalance."""
    await engine.assign({0})
    assert restores.producers[0].committed == []
    await engine.assign({0})
    assert len(restores.producers[0].committed) == 1


async def test_a_partition_away_and_back_is_restored(engine: Engine, restores: Restores) -> None:
    """Rows are dropped with their producer: coming back means a new one and a full restore."""
    await engine.assign({0})
    first = engine.units[0].producer
    await engine.assign(set())
    await engine.assign({0})
    assert restores.asked == [[0], [0]]
    assert engine.units[0].producer is not first


async def test_the_tables_show_what_is_held(engine: Engine) -> None:
    """The Faust tables see the rows of the partitions that are here, and no others."""
    await engine.assign({0, 1})
    assert sorted(engine.held["counts"]) == [0, 1]
    assert engine.held["counts"][0] is engine.units[0].rows.tables["counts"]
    await engine.assign({1})
    assert sorted(engine.held["counts"]) == [1]


async def test_batches_from_before_the_last_seek_are_dropped(engine: Engine, deaths: list[Died]) -> None:
    """Whatever was on its way during a rebalance is fetched again, so it must not be worked on."""
    await engine.assign({0})
    await engine.consume(stream(to(0, batch(0)), to(3, batch(0))))
    engine.epoch = 2
    engine.resume()
    await engine.consume(stream(to(0, batch(0), epoch=1)))
    await settled(engine.units[0])
    assert engine.next_offsets() == {0: 0}
    await engine.consume(stream(to(0, batch(0), epoch=2)))
    await settled(engine.units[0])
    assert (engine.next_offsets(), deaths) == ({0: 1}, [])


async def test_a_batch_for_rows_that_are_not_here_ends_the_process(engine: Engine, deaths: list[Died]) -> None:
    """A batch is never dropped for want of rows."""
    await engine.assign({0})
    engine.epoch = 1
    engine.resume()
    with pytest.raises(Died):
        await engine.consume(stream(to(3, batch(0))))
    assert "partition 3" in deaths[0].reason


async def test_quiesce_takes_nothing_in_until_resume(engine: Engine) -> None:
    """Between revocation and the seek after the next assignment no batch and no tick is accepted."""
    await engine.assign({0})
    engine.epoch = 1
    engine.resume()
    await engine.quiesce()
    assert engine.epoch == NOWHERE
    engine.units[0].offer_tick(Output("log", 0, None, b"t", 0, ()))
    await settled(engine.units[0])
    assert engine.next_offsets() == {0: 0}
    assert not engine.units[0].accepting


async def test_a_rebalance_has_a_deadline(engine: Engine) -> None:
    """From revocation to resumption the watchdog watches, so that a worker cannot heartbeat and rate nothing."""
    await engine.quiesce()
    assert list(engine.watchdog._armed) == ["the rebalance"]
    await engine.assign({0})
    assert list(engine.watchdog._armed) == ["the rebalance"]
    engine.resume()
    assert list(engine.watchdog._armed) == []


async def test_ticks_go_to_every_partition(deaths: list[Died], restores: Restores) -> None:
    """The clock writes a tick into each partition through its own transaction."""
    written: asyncio.Queue[int] = asyncio.Queue()

    def tick(partition: int, now: int) -> Output:
        written.put_nowait(partition)
        return Output("log", partition, None, b"t", now, ())

    ticking = Engine(toy.config("nowhere:9", "toy", 4, tick=tick, tick_interval=0.001))
    ticking.watchdog.start = lambda: None  # type: ignore[method-assign]
    await ticking.assign({0, 1})
    ticking.epoch = 1
    ticking.resume()
    ticking.start()
    assert {await written.get(), await written.get()} == {0, 1}
    await ticking.quiesce()
    for producer in restores.producers.values():
        assert producer.committed[0].added[0][2] == b"t"
    assert deaths == []
