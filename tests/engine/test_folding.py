"""Folds are bounded in time, one at a time, with the loop's own work between them."""

from __future__ import annotations

import asyncio

import pytest

from rater.engine import folding
from rater.engine.folding import FoldGate, Pace, Slice
from rater.seam.model import LogRecord
from tests.engine.test_partition_worker import offsets
from tests.support.scripted import Died, MakeUnit, ScriptedProducer, batch, settled

RECORDS = [LogRecord(offset, 0, b"k", b"v") for offset in range(10)]


def test_a_slice_takes_all_that_fits_its_time() -> None:
    """With time enough it is the whole of what there is."""
    part = Slice(RECORDS, seconds=60)
    assert list(part) == RECORDS
    assert (part.taken, part.last.offset) == (10, 9)


def test_a_slice_takes_one_record_however_long_that_is() -> None:
    """With no time at all one record is taken, so that work always goes on."""
    part = Slice(RECORDS, seconds=0)
    assert [record.offset for record in part] == [0]
    assert (part.taken, part.last.offset) == (1, 0)


async def test_between_two_folds_the_loop_does_its_own_work() -> None:
    """However many partitions wait for their turn, the loop passes often enough for a transaction to go on."""
    gate, order = FoldGate(), list[str]()

    async def fold(name: str) -> None:
        await gate.enter()
        order.append(name)
        gate.leave()

    async def transaction() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            order.append("sent")

    await asyncio.gather(*(fold(f"fold {n}") for n in range(4)), transaction())
    assert order[0] == "fold 0"
    assert order.index("sent") < order.index("fold 1"), "what was sent goes on before the next fold"
    assert order.index("fold 3") > max(at for at, what in enumerate(order) if what == "sent")


async def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    """No partition waits forever."""
    gate, order = FoldGate(), list[int]()

    async def fold(number: int) -> None:
        await gate.enter()
        order.append(number)
        gate.leave()

    await asyncio.gather(*(fold(number) for number in range(20)))
    assert order == list(range(20))


def test_left_work_is_spread_over_all_partitions() -> None:
    """Each turn begins when the one before it is over, and leaves time for calls."""
    pace = Pace()
    waits = [pace.reserve(10.0) for _ in range(3)]
    assert waits[0] == 0.0
    assert 14.9 < waits[1] <= 15.0
    assert 29.9 < waits[2] <= 30.0


async def test_what_does_not_fit_a_fold_has_the_next_transaction(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow records are committed one by one, each once, and acknowledged when the last of their batch is."""
    monkeypatch.setattr(folding, "FOLD_SECONDS", 0.0)
    unit = make_unit()
    first, second = batch(0, 1, 2), batch(3, 4)
    unit.offer(first)
    unit.offer(second)
    await settled(unit)
    assert offsets(producer) == [0, 1, 2, 3, 4]
    assert len(producer.committed) == 5
    assert (first.acked, second.acked, unit.head.next_offset, deaths) == (True, True, 5, [])


async def test_a_revocation_drops_what_was_not_folded(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a transaction left over is fetched again from `next_offset` after the rebalance, and folded once."""
    monkeypatch.setattr(folding, "FOLD_SECONDS", 0.0)
    unit = make_unit()
    producer.gate = asyncio.Event()
    first = batch(0, 1, 2)
    unit.offer(first)
    await asyncio.sleep(0)
    quiescing = asyncio.create_task(unit.quiesce())
    await asyncio.sleep(0)
    producer.gate.set()
    await quiescing
    assert (offsets(producer), unit.head.next_offset, first.acked) == ([0], 1, False)
    unit.resume()
    unit.offer(batch(1, 2))
    await settled(unit)
    assert (offsets(producer), unit.head.next_offset, deaths) == ([0, 1, 2], 3, [])
