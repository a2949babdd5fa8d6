"""The commit protocol of one log partition, step by step, on a producer by script."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from rater.engine import partition_worker as unit_module
from rater.engine.partition_worker import PartitionWorker
from rater.kafka.failstop import Exit
from rater.seam.heads import HEAD_KEY
from rater.seam.model import Effects, Head, Output
from tests.support import toy
from tests.support.scripted import Died, MakeUnit, ScriptedProducer, batch, settled

TICK = Output("log", 3, None, b"tick", 0, ())


class ProducerFenced(Exception):  # noqa: N818 - aiokafka's name
    pass


def offsets(producer: ScriptedProducer) -> list[int]:
    """The offsets that were put out, over all transactions."""
    echoes = [value for box in producer.committed for place, _, value in box.added if place == ("toy-echo", 3)]
    return [json.loads(value or b"")["offset"] for value in echoes]


async def test_a_transaction_holds_outputs_rows_and_the_head(make_unit: MakeUnit, producer: ScriptedProducer) -> None:
    """One transaction carries the outputs, the changed rows and the offset that is due next."""
    unit = make_unit()
    unit.offer(batch(0, 1))
    await settled(unit)
    (box,) = producer.committed
    assert [place for place, _, _ in box.added] == [
        ("toy-echo", 3),
        ("toy-echo", 3),
        ("toy-heads-changelog", 3),
        ("toy-counts-changelog", 3),
    ]
    head = next(value for place, _, value in box.added if place == ("toy-heads-changelog", 3))
    assert json.loads(head or b"")["next_offset"] == 2
    assert unit.head.next_offset == 2
    assert unit.rows.get("counts", b"k") == 2
    assert unit.rows.head == unit.head


async def test_a_batch_without_outputs_still_moves_the_offset(make_unit: MakeUnit, producer: ScriptedProducer) -> None:
    """The head is written even where a batch changes nothing else."""

    def silent(_rows: object, head: Head, _partition: int, records: object) -> Effects:
        return Effects(replace(head, next_offset=list(records)[-1].offset + 1), {}, ())  # type: ignore[call-overload]

    unit = make_unit(config=toy.config("nowhere:9", "toy", 4, step=silent))
    unit.offer(batch(0))
    await settled(unit)
    assert [place for place, _, _ in producer.committed[0].added] == [("toy-heads-changelog", 3)]


async def test_acknowledged_only_after_the_commit(make_unit: MakeUnit, producer: ScriptedProducer) -> None:
    """Faust hears of a batch when its transaction is committed, not before."""
    producer.gate = asyncio.Event()
    unit = make_unit()
    first = batch(0)
    unit.offer(first)
    await producer.begun.wait()
    assert (first.acked, unit.head.next_offset, unit.rows.get("counts", b"k")) == (False, 0, None)
    producer.gate.set()
    await settled(unit)
    assert (first.acked, unit.head.next_offset, unit.rows.get("counts", b"k")) == (True, 1, 1)


async def test_what_queues_up_during_a_transaction_is_taken_together(
    make_unit: MakeUnit, producer: ScriptedProducer
) -> None:
    """Batches that wait for a transaction share the next one: latency stays low at any load."""
    producer.gate = asyncio.Event()
    unit = make_unit()
    unit.offer(batch(0))
    await producer.begun.wait()
    unit.offer(batch(1))
    unit.offer(batch(2, 3))
    producer.gate.set()
    await settled(unit)
    assert len(producer.committed) == 2
    assert offsets(producer) == [0, 1, 2, 3]


async def test_a_transaction_has_a_bounded_number_of_records(
    make_unit: MakeUnit, producer: ScriptedProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is queued, a transaction takes batches only until it is full."""
    monkeypatch.setattr(unit_module, "MAX_RECORDS", 3)
    unit = make_unit()
    for first in range(0, 10, 2):
        unit.offer(batch(first, first + 1))
    await settled(unit)
    assert [sum(place == ("toy-echo", 3) for place, _, _ in box.added) for box in producer.committed] == [4, 4, 2]


async def test_records_seen_before_are_skipped(make_unit: MakeUnit, producer: ScriptedProducer) -> None:
    """After a restore from an older place, what the rows already hold is not counted again."""
    unit = make_unit(next_offset=2)
    unit.offer(batch(0, 1))
    unit.offer(batch(1, 2, 3))
    await settled(unit)
    assert offsets(producer) == [2, 3]


async def test_markers_leave_legal_gaps(make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died]) -> None:
    """Offsets of transaction markers hold no records: a batch fetched from the due position may start later."""
    unit = make_unit(next_offset=5)
    unit.offer(batch(7, 9, start=5, end=11))
    await settled(unit)
    unit.offer(batch(12, start=11))
    await settled(unit)
    assert (offsets(producer), unit.head.next_offset, deaths) == ([7, 9, 12], 13, [])


async def test_a_marker_behind_the_last_record_is_no_hole(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died]
) -> None:
    """After a rebalance the consumer is sent to `next_offset`, and finds the marker that it had passed before."""
    unit = make_unit()
    unit.offer(batch(0, end=2))
    await settled(unit)
    await unit.quiesce()
    unit.resume()
    unit.offer(batch(2, start=1))
    await settled(unit)
    assert (offsets(producer), deaths) == ([0, 2], [])


async def test_a_hole_ends_the_process(make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died]) -> None:
    """A batch fetched from beyond the due offset means lost records: nothing of it is committed."""
    unit = make_unit(next_offset=5)
    unit.offer(batch(7))
    await settled(unit)
    assert producer.committed == []
    assert "offset 7" in str(deaths[0].error)
    assert "5 was due" in str(deaths[0].error)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ProducerFenced(), Exit.FENCED),
        (ExceptionGroup("batches", [OSError(), ProducerFenced()]), Exit.FENCED),
        (TimeoutError(), Exit.CRASHED),
        (asyncio.CancelledError(), Exit.CRASHED),
        (MemoryError(), Exit.CRASHED),
    ],
)
async def test_any_error_of_a_commit_ends_the_process(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died], error: BaseException, status: Exit
) -> None:
    """After an unknown outcome the rows stay as they were, nothing is acknowledged, and the process ends."""
    producer.error = error
    unit = make_unit()
    first = batch(0)
    unit.offer(first)
    await settled(unit)
    assert [died.status for died in deaths] == [status]
    assert (unit.head.next_offset, unit.rows.get("counts", b"k"), first.acked) == (0, None, False)


async def test_cancelling_a_transaction_ends_the_process(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died]
) -> None:
    """aiokafka would commit in the background after a cancellation, so there is no going on after one."""
    producer.gate = asyncio.Event()
    unit = make_unit()
    unit.offer(batch(0))
    await producer.begun.wait()
    assert unit._task is not None
    unit._task.cancel()
    await settled(unit)
    assert isinstance(deaths[0].error, asyncio.CancelledError)


async def test_quiesce_waits_for_what_is_in_flight_and_drops_what_is_queued(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died]
) -> None:
    """On a revocation the transaction in flight ends, the queue is forgotten, and nothing more is taken in."""
    producer.gate = asyncio.Event()
    unit = make_unit()
    unit.offer(batch(0))
    await producer.begun.wait()
    unit.offer(batch(1))
    quiescing = asyncio.create_task(unit.quiesce())
    await asyncio.sleep(0)
    assert not quiescing.done()
    producer.gate.set()
    await quiescing
    unit.offer(batch(1))
    await settled(unit)
    assert (offsets(producer), unit.head.next_offset, deaths) == ([0], 1, [])
    assert not producer.stopped


async def test_cancelling_quiesce_leaves_the_transaction_alone(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died]
) -> None:
    """Faust may cancel whoever waits for a transaction; the transaction does not notice."""
    producer.gate = asyncio.Event()
    unit = make_unit()
    unit.offer(batch(0))
    await producer.begun.wait()
    quiescing = asyncio.create_task(unit.quiesce())
    await asyncio.sleep(0)
    quiescing.cancel()
    await asyncio.gather(quiescing, return_exceptions=True)
    producer.gate.set()
    await settled(unit)
    assert (offsets(producer), deaths) == ([0], [])


async def test_a_kept_partition_proves_its_ownership(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died]
) -> None:
    """At a rebalance a kept partition writes its head again; one that was fenced meanwhile ends there."""
    unit = make_unit(next_offset=7)
    await unit.quiesce()
    await unit.verify_ownership()
    assert [(place, key) for place, key, _ in producer.committed[0].added] == [(("toy-heads-changelog", 3), HEAD_KEY)]
    assert unit.head.next_offset == 7
    producer.error = ProducerFenced()
    await unit.verify_ownership()
    assert [died.status for died in deaths] == [Exit.FENCED]


async def test_a_tick_goes_out_with_the_next_transaction(make_unit: MakeUnit, producer: ScriptedProducer) -> None:
    """A tick is written to the log through the partition's own transaction, alone or beside records."""
    unit = make_unit()
    unit.offer_tick(TICK)
    await settled(unit)
    assert [(place, value) for place, _, value in producer.committed[0].added] == [(("toy-log", 3), b"tick")]
    producer.gate = asyncio.Event()
    producer.begun.clear()
    unit.offer(batch(0))
    await producer.begun.wait()
    unit.offer_tick(TICK)
    unit.offer_tick(TICK)
    producer.gate.set()
    await settled(unit)
    ticks = [place for box in producer.committed[1:] for place, _, _ in box.added if place == ("toy-log", 3)]
    assert len(ticks) == 1


async def test_pressure_is_by_bytes_and_released_at_half(
    make_unit: MakeUnit, producer: ScriptedProducer, pressure: list[tuple[int, bool]]
) -> None:
    """Above the high water the partition is left out of the fetch; it comes back when half of that is done."""
    producer.gate = asyncio.Event()
    unit = make_unit()
    third = unit_module.HIGH_WATER // 3 + 1
    unit.offer(batch(0, size=third))
    await producer.begun.wait()  # the first is in flight, and not queued
    for first in (1, 2):
        unit.offer(batch(first, size=third))
    assert pressure == []
    unit.offer(batch(3, size=third))
    unit.offer(batch(4, size=third))
    assert pressure == [(3, True)]
    producer.gate.set()
    await settled(unit)
    assert pressure == [(3, True), (3, False)]
    assert unit._queued_bytes == 0


async def test_the_watchdog_watches_transactions_and_queues(make_unit: MakeUnit, producer: ScriptedProducer) -> None:
    """While a transaction runs it has its deadline, the queue has another; an idle partition has none."""
    producer.gate = asyncio.Event()
    unit = make_unit()
    unit.offer(batch(0))
    await producer.begun.wait()
    assert sorted(unit.watchdog._armed) == [
        "fetched batches of partition 3 waiting",
        "the transaction of log partition 3",
    ]
    producer.gate.set()
    await settled(unit)
    assert unit.watchdog._armed == {}


async def test_a_step_that_miscounts_ends_the_process(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died]
) -> None:
    """A step whose head does not follow its records would lose or repeat some: it is not committed."""

    def lazy(_rows: object, head: Head, _partition: int, _records: object) -> Effects:
        return Effects(head, {}, ())

    unit = make_unit(config=toy.config("nowhere:9", "toy", 4, step=lazy))
    unit.offer(batch(0))
    await settled(unit)
    assert producer.committed == []
    assert "next_offset" in str(deaths[0].error)


async def resumed_beyond(unit: PartitionWorker, start: int) -> None:
    """A transaction with a marker behind it, a rebalance, and a batch that was fetched from `start` on."""
    unit.offer(batch(0, end=2))
    await settled(unit)
    await unit.quiesce()
    unit.resume()
    unit.offer(batch(2, start=start))
    await settled(unit)


async def test_after_a_rebalance_the_next_batch_is_due_from_next_offset_on(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died]
) -> None:
    """Where it went before the rebalance does not count: the consumer was sent back, and a record may lie there now."""
    await resumed_beyond(make_unit(), 2)
    assert offsets(producer) == [0]
    assert "1 was due" in str(deaths[0].error)


async def test_a_unit_that_keeps_where_it_was_would_be_caught(
    make_unit: MakeUnit, producer: ScriptedProducer, deaths: list[Died], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake: the hole goes by unseen."""
    monkeypatch.setattr(PartitionWorker, "resume", lambda unit: setattr(unit, "accepting", True))
    await resumed_beyond(make_unit(), 2)
    assert (offsets(producer), deaths) == ([0, 2], [])
