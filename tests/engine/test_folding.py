"""Folds are bounded in time, one at a time, and the loop does its own work meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable

import pytest

from rater.engine import folding
from rater.engine.folding import LOOKS, FoldThread, Pace, Slice
from rater.seam.model import Effects, Head, LogRecord, Record, Rows
from tests.engine.test_partition_worker import offsets
from tests.support import toy
from tests.support.scripted import Died, MakeUnit, ScriptedProducer, batch, settled

RECORDS = [LogRecord(offset, 0, b"k", b"v") for offset in range(10)]


def test_a_slice_takes_all_that_fits_its_time() -> None:
    """With time enough it is the whole of what there is."""
    part = Slice(RECORDS, seconds=60)
    assert list(part) == RECORDS
    assert (part.taken, part.last.offset) == (10, 9)


def test_a_slice_takes_some_records_however_long_they_take() -> None:
    """With no time at all some are taken, so that work always goes on."""
    part = Slice(RECORDS, seconds=0)
    assert [record.offset for record in part] == list(range(LOOKS))
    assert (part.taken, part.last.offset) == (LOOKS, LOOKS - 1)


async def test_the_loop_goes_on_while_a_fold_runs() -> None:
    """A fold waits here for something that only the loop can do: on the loop it would wait in vain."""
    loop_was_free = threading.Event()
    asyncio.get_running_loop().call_later(0.01, loop_was_free.set)
    assert await FoldThread().run(lambda: loop_was_free.wait(10.0))


async def test_one_partition_folds_at_a_time_in_the_order_in_which_they_came(
    make_unit: MakeUnit, deaths: list[Died]
) -> None:
    """No partition waits forever, and the caches of the step are used by one fold alone."""
    folds, running, order = FoldThread(), list[int](), list[int]()

    def step(rows: Rows, head: Head, partition: int, records: Iterable[Record]) -> Effects:
        running.append(partition)
        time.sleep(0.005)
        assert running == [partition], "two folds at once"
        order.append(running.pop())
        return toy.count(rows, head, partition, records)

    units = [make_unit(config=toy.config("nowhere:9", "toy", 4, step=step)) for _ in range(8)]
    for number, unit in enumerate(units):
        unit.partition, unit.folds = number, folds
        unit.offer(batch(0))
    for unit in units:
        await settled(unit)
    assert (order, deaths) == (list(range(8)), [])


async def test_a_revocation_waits_for_the_fold_and_its_transaction(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died]
) -> None:
    """What is being folded when the partition is revoked is committed, and acknowledged, before it is given up."""
    folding_began, go_on = threading.Event(), threading.Event()

    def step(rows: Rows, head: Head, partition: int, records: Iterable[Record]) -> Effects:
        folding_began.set()
        assert go_on.wait(10.0)
        return toy.count(rows, head, partition, records)

    unit = make_unit(config=toy.config("nowhere:9", "toy", 4, step=step))
    first = batch(0)
    unit.offer(first)
    assert await asyncio.to_thread(folding_began.wait, 10.0)
    quiescing = asyncio.create_task(unit.quiesce())
    await asyncio.sleep(0.01)
    assert (quiescing.done(), producer.committed) == (False, [])
    go_on.set()
    await quiescing
    assert (offsets(producer), unit.head.next_offset, first.acked, deaths) == ([0], 1, True, [])


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
    monkeypatch.setattr(folding, "LOOKS", 1)
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
    monkeypatch.setattr(folding, "LOOKS", 1)
    unit = make_unit()
    producer.gate = asyncio.Event()
    first = batch(0, 1, 2)
    unit.offer(first)
    await producer.begun.wait()
    quiescing = asyncio.create_task(unit.quiesce())
    await asyncio.sleep(0)
    producer.gate.set()
    await quiescing
    assert (offsets(producer), unit.head.next_offset, first.acked) == ([0], 1, False)
    unit.resume()
    unit.offer(batch(1, 2))
    await settled(unit)
    assert (offsets(producer), unit.head.next_offset, deaths) == ([0, 1, 2], 3, [])
