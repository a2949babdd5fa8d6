"""Two owners, dead leaders and lost answers, one interleaving at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.errors import CoordinatorNotAvailableError

from rater.kafka.failstop import TICK, Exit
from rater.seam.model import Effects, Head, Output, Record, Rows
from tests.seam.fake import Crash, Process
from tests.seam.owner import Owner
from tests.seam.world import CONFIG, COUNTS_LOG, ECHO, HEADS_LOG, LOG, World
from tests.support import toy
from tests.support.scripted import Died

A_WHILE = 50
"""Turns of the loop in which anything that can happen has happened."""


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A log of ten records to be rated, on a Kafka of its own."""
    made = World()
    made.install(monkeypatch)
    made.fill_log()
    yield made
    await made.over()


async def a_while() -> None:
    for _ in range(A_WHILE):
        await asyncio.sleep(0)


async def finish(world: World) -> None:
    """Whoever comes next can go on, and every record has had its echo once."""
    heir = Owner(world, "heir")
    await heir.own(0)
    if world.kafka.log(tuple(LOG)).end > heir.engine.next_offsets()[0]:
        await heir.rate()
    world.judge()


async def test_a_fenced_owner_that_has_nothing_to_write_does_no_harm(world: World) -> None:
    """Records that it has seen before need no transaction: it stays, unknowing, and ends at its first new record."""
    old, new = Owner(world, "old"), Owner(world, "new")
    await old.own(0)
    await old.rate(4)
    await new.own(0)
    before = world.kafka.log(tuple(HEADS_LOG)).end
    await old.rate(3, start=0)
    assert (old.ended, old.acked, world.kafka.log(tuple(HEADS_LOG)).end) == (None, [4, 3], before)
    await old.rate()
    assert (old.ended, old.acked) == (Exit.FENCED, [4, 3])
    await new.rate()
    await finish(world)


async def test_an_empty_transaction_proves_nothing(world: World) -> None:
    """A fenced producer commits an empty transaction without a word: so a kept partition writes its head as proof."""
    old, new = Owner(world, "old"), Owner(world, "new")
    await old.own(0)
    await new.own(0)
    producer = old.engine.units[0].producer
    await old.does(producer.commit(producer.outbox()))
    assert old.ended is None
    old.does(old.engine.assign({0}))
    await old.process.over.wait()
    assert old.ended is Exit.FENCED
    await finish(world)


@pytest.mark.parametrize("taken", [False, True], ids=["no one came", "another came"])
async def test_a_partition_away_and_back(world: World, taken: bool) -> None:  # noqa: FBT001
    """Given up and given back, it is restored anew, with what another did in between."""
    one, other = Owner(world, "one"), Owner(world, "other")
    await one.own(0)
    await one.rate(3)
    producer = one.engine.units[0].producer
    await one.own()
    assert one.process.open_clients == 0
    if taken:
        await other.own(0)
        await other.rate(2)
    await one.own(0)
    assert one.engine.units[0].producer is not producer
    assert one.engine.next_offsets() == {0: 5 if taken else 3}
    await one.rate()
    if taken:
        await other.rate()
        assert other.ended is Exit.FENCED
    assert one.ended is None
    await finish(world)


@pytest.mark.parametrize("taken", [False, True], ids=["no one came", "another came"])
async def test_a_partition_away_and_back_within_one_rebalance(world: World, taken: bool) -> None:  # noqa: FBT001
    """Revoked and assigned again its owner keeps rows and producer, unless another's start came in between."""
    one, other = Owner(world, "one"), Owner(world, "other")
    await one.own(0)
    await one.rate(3)
    await one.does(one.engine.quiesce())
    if taken:
        await other.own(0)
        await other.rate(2)
    back = one.does(one.engine.assign({0}))
    await asyncio.wait({back, asyncio.create_task(one.process.over.wait())}, return_when=asyncio.FIRST_COMPLETED)
    assert one.ended is (Exit.FENCED if taken else None)
    if not taken:
        await one.own(0)
        await one.rate()
    await finish(world)


RESTORE = [
    "InitProducerId",
    "InitProducerId answered",
    "reader starts",
    "reader starts asked",
    "reader ends asked",
    "reader fetch",
    "reader fetched",
    "reader position asked",
]
"""The steps of a restore at which a rebalance may come; `reader stops` follows."""


async def interrupted(world: World, step: str) -> list[int]:
    """Three rebalances in the midst of a restore, and then none: how many clients each interruption left open."""
    first, one = Owner(world, "first"), Owner(world, "one")
    await first.own(0)
    await first.rate(4)
    recovery = one.recovery(0)
    left_open = []
    for _ in range(3):
        recovery.signal_recovery_start.clear()
        world.kafka.hook = rebalance_at(step, recovery.signal_recovery_start)
        assert not await one.recover(recovery)
        left_open.append(one.process.open_clients)
    recovery.signal_recovery_start.clear()
    world.kafka.hook = rebalance_at("no step", recovery.signal_recovery_start)
    assert await one.recover(recovery)
    assert (one.engine.next_offsets(), one.ended) == ({0: 4}, None)
    await one.rate()
    return left_open


@pytest.mark.parametrize("step", RESTORE)
async def test_a_restore_that_is_interrupted_again_and_again(world: World, step: str) -> None:
    """A rebalance in the midst of a restore leaves no client open, and the restore that is let be is whole."""
    assert await interrupted(world, step) == [0, 0, 0]
    await finish(world)


async def test_a_restore_interrupted_at_its_end_does_no_harm(world: World) -> None:
    """Whatever it leaves open is fenced by the restore after it: every record has its echo once."""
    await interrupted(world, "reader stops")
    await finish(world)


def rebalance_at(step: str, signal: asyncio.Event) -> Any:
    """A hook: a rebalance comes once while this step is under way."""

    async def hook(_process: Process, name: str) -> None:
        if name == f"start: {step}" and not signal.is_set():
            signal.set()
            await a_while()

    return hook


@pytest.mark.parametrize("lost", [1, 3])
async def test_a_commit_whose_answer_is_lost_counts_once(world: World, lost: int) -> None:
    """The coordinator dies after the decision: asked again, it says the same, and the worker goes on."""
    left = lost

    async def hook(_process: Process, name: str) -> None:
        nonlocal left
        if name.endswith("EndTxn answered") and left:
            left -= 1
            raise CoordinatorNotAvailableError

    world.kafka.hook = hook
    one = Owner(world, "one")
    await one.own(0)
    await one.rate(3)
    assert (one.ended, one.acked, left) == (None, [3], 0)
    asked = [name for _, name in world.kafka.trace if name.endswith(": EndTxn")]
    assert len(asked) == lost + 1
    await finish(world)


async def test_a_commit_whose_answer_never_comes_ends_the_process(world: World) -> None:
    """The watchdog ends it; the commit counts, and the next owner begins after it."""

    async def hook(process: Process, name: str) -> None:
        if process.name == "one" and name.endswith("EndTxn answered"):
            raise CoordinatorNotAvailableError

    world.kafka.hook = hook
    one = Owner(world, "one")
    await one.own(0)
    rating = one.does(one.rate(3))
    await a_while()
    assert not rating.done()
    looks = 0
    while one.ended is None:
        looks += 1
        with suppress(Died):
            one.context.run(one.engine.watchdog.look)
    assert one.ended is Exit.HUNG
    assert looks == CONFIG.transaction_timeout / TICK + 1
    heir = Owner(world, "next")
    await heir.own(0)
    assert heir.engine.next_offsets() == {0: 3}
    await heir.rate()
    await finish(world)


async def test_an_owner_starts_only_when_the_former_ones_markers_are_written(world: World) -> None:
    """A commit is decided, one partition's leader is dead: who reads now would miss it, so the start waits."""

    async def hook(process: Process, name: str) -> None:
        if process.name == "old" and name.endswith("EndTxn answered"):
            process.end()
            raise Crash

    world.kafka.hook = hook
    world.kafka.away.add(tuple(COUNTS_LOG))
    old, new = Owner(world, "old"), Owner(world, "new")
    await old.own(0)
    await old.rate(4)
    assert len(list(world.kafka.log(tuple(ECHO)).read(0, committed=True))) == 4
    assert list(world.kafka.log(tuple(COUNTS_LOG)).read(0, committed=True)) == []
    owning = new.does(new.own(0))
    await a_while()
    assert not owning.done()
    assert "start: reader ends asked" not in [name for process, name in world.kafka.trace if process == "new"]
    world.kafka.bring_back()
    await owning
    assert new.engine.next_offsets() == {0: 4}
    assert new.engine.units[0].rows.tables["counts"] == {b"a": 2, b"b": 1, b"c": 1}
    await new.rate()
    await finish(world)


def forward(_rows: Rows, head: Head, partition: int, records: Iterable[Record]) -> Effects:
    """Each record of partition 0 goes on to partition 1."""
    given = list(records)
    outputs = [Output("log", 1, record.key, b"forwarded", record.timestamp, ()) for record in given]
    after = replace(head, next_offset=given[-1].offset + 1)
    return Effects(after, {}, outputs if partition == 0 else [])


async def test_a_frozen_forward_holds_the_other_partition_until_the_timeout(world: World) -> None:
    """Frozen before its commit, a worker holds back what others write after its forward, and no longer than told."""
    config = toy.config("nowhere:9", "toy", 2, step=forward)
    other = world.kafka.log((LOG.topic, 1))
    other.append(b"x", b"before", 1)

    async def hook(process: Process, name: str) -> None:
        if process.name == "frozen" and name.endswith(": commit"):
            process.running.clear()

    world.kafka.hook = hook
    frozen, reader = Owner(world, "frozen", config), Owner(world, "reader", config)
    await frozen.own(0)
    await reader.own(1)
    await frozen.rate(1)
    other.append(b"x", b"after", 2)
    assert (other.stable, other.end) == (1, 3)
    assert [entry.value for entry in other.read(0, committed=True)] == [b"before"]
    world.kafka.advance(config.transaction_timeout - 0.1)
    assert (other.stable, other.end) == (1, 3)
    world.kafka.advance(0.1)
    assert (other.stable, other.end) == (4, 4)
    assert [entry.value for entry in other.read(0, committed=True)] == [b"before", b"after"]
    await reader.rate(partition=1)
    frozen.process.running.set()
    await frozen.idle()
    assert frozen.ended is Exit.FENCED
    heir = Owner(world, "heir", config)
    await heir.own(0)
    assert heir.engine.next_offsets() == {0: 0}
    await heir.rate(1)
    assert [entry.value for entry in other.read(0, committed=True)] == [b"before", b"after", b"forwarded"]
    await reader.rate(partition=1)
    assert (reader.ended, reader.engine.next_offsets()) == (None, {1: 5})
