"""Bugs planted into the engine's protocol: hardly one shows in a clean run, and the sweep catches each."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from aiokafka.errors import KafkaError

from rater.engine import restore as restore_module
from rater.engine.partition_worker import PartitionWorker
from rater.engine.producer import Outbox, PartitionProducer
from rater.engine.restore import Restored, restore
from rater.seam.heads import HEAD_KEY, HEADS
from tests.seam.sweep import Attack, Run, run, steps
from tests.seam.world import HEADS_LOG, LOG

Patch = pytest.MonkeyPatch


def commit_before_the_sends_are_answered(patch: Patch) -> None:
    """`send_batch` gives a future, and nobody waits for it."""

    async def send(self: Outbox, place: Any, batches: list[Any]) -> None:
        for batch in batches:
            await self._producer.send_batch(batch, place[0], partition=place[1])

    patch.setattr(Outbox, "_send", send)


def commit_although_a_batch_failed(patch: Patch) -> None:
    """The broker's refusal of a batch is caught, and the rest is committed."""
    send = Outbox._send

    async def lenient(self: Outbox, place: Any, batches: list[Any]) -> None:
        try:
            await send(self, place, batches)
        except KafkaError:
            return

    patch.setattr(Outbox, "_send", lenient)


def read_before_the_fence(patch: Patch) -> None:
    """The changelogs are read, and then the producer is started."""
    start = PartitionProducer.start

    async def nothing(_self: PartitionProducer) -> None:
        return

    async def late(config: Any, partitions: set[int], *told: Any) -> dict[int, Restored]:
        taken = await restore(config, partitions, *told)
        for restored in taken.values():
            await start(restored.producer)
        return taken

    patch.setattr(PartitionProducer, "start", nothing)
    patch.setattr("rater.engine.engine.restore", late)


def _two_transactions(patch: Patch, *, heads_first: bool) -> None:
    commit = PartitionProducer.commit

    async def apart(self: PartitionProducer, outbox: Outbox) -> None:
        whole = outbox._batches
        heads = {place: batches for place, batches in whole.items() if place == tuple(HEADS_LOG)}
        rest = {place: batches for place, batches in whole.items() if place != tuple(HEADS_LOG)}
        for part in (heads, rest) if heads_first else (rest, heads):
            if part:
                outbox._batches = part
                await commit(self, outbox)

    patch.setattr(PartitionProducer, "commit", apart)


def the_offset_in_a_transaction_after(patch: Patch) -> None:
    """Outputs and rows are committed, and then where they end."""
    _two_transactions(patch, heads_first=False)


def the_offset_in_a_transaction_before(patch: Patch) -> None:
    """Where the outputs and rows will end is committed, and then they are."""
    _two_transactions(patch, heads_first=True)


def ack_before_the_commit_and_begin_at_the_groups_offset(patch: Patch) -> None:
    """What a plain Faust agent does: acknowledged first, and the group's offset says where to go on."""
    take, find = PartitionWorker._take, restore_module._heads

    def acking(self: PartitionWorker) -> Any:
        taken = take(self)
        for delivery in taken:
            delivery.acknowledge(delivery.value)  # type: ignore[attr-defined]
            delivery.acknowledge = lambda _batch: None  # type: ignore[attr-defined]
        return taken

    async def by_group(config: Any, rows: Any, bounds: Any) -> Any:
        heads = await find(config, rows, bounds)
        for partition, offset in (await restore_module._group_commits(config, [LOG])).items():
            if offset is not None:
                head = heads[partition.partition]
                heads[partition.partition] = type(head)(offset, head.partitions, head.outcomes, head.state)
        return heads

    patch.setattr(PartitionWorker, "_take", acking)
    patch.setattr(restore_module, "_heads", by_group)
    patch.setattr("tests.seam.world.World.judge_ack", lambda *_: None)  # the end must show it, not the bookkeeping


def a_new_producer_on_kept_rows(patch: Patch) -> None:
    """A kept partition gets a fresh producer at a rebalance, which fences whoever owned it in between."""
    verify_ownership = PartitionWorker.verify_ownership

    async def renewed(self: PartitionWorker) -> None:
        await self.producer.stop()
        self.producer = PartitionProducer(self.config, self.partition)
        await self.producer.start()
        await verify_ownership(self)

    patch.setattr(PartitionWorker, "verify_ownership", renewed)


def rows_before_the_commit(patch: Patch) -> None:
    """The overlay is in the rows while the transaction is still under way."""
    fold = PartitionWorker._fold

    def eager(self: PartitionWorker, tick: Any) -> Any:
        folded = fold(self, tick)
        effects = folded.effects
        self.rows.apply({**effects.changes, HEADS.name: {HEAD_KEY: effects.head}})
        return folded

    patch.setattr(PartitionWorker, "_fold", eager)


def an_unknown_outcome_is_tried_again(patch: Patch) -> None:
    """An error of the commit is taken for "not committed", and the batch is rated again with a new producer."""
    commit = PartitionWorker._commit

    async def again(self: PartitionWorker, outbox: Outbox) -> None:
        batches = dict(outbox._batches)
        try:
            await commit(self, outbox)
        except KafkaError:
            self.producer = PartitionProducer(self.config, self.partition)
            await self.producer.start()
            anew = self.producer.outbox()
            anew._batches = batches
            await commit(self, anew)

    patch.setattr(PartitionWorker, "_commit", again)


def a_cancelled_transaction_is_forgotten(patch: Patch) -> None:
    """A cancellation ends the transaction's wait, not the process: the commit goes on in the background."""
    turn = PartitionWorker._turn

    async def forgetful(self: PartitionWorker) -> None:
        try:
            await turn(self)
        except asyncio.CancelledError:
            await asyncio.sleep(0.001)
            await turn(self)

    patch.setattr(PartitionWorker, "_turn", forgetful)


def the_changelogs_read_with_what_was_aborted(patch: Patch) -> None:
    """The restore's consumer is not told to read committed records only, and takes an aborted tail for rows."""
    made = restore_module._consumer

    def uncommitted(config: Any) -> Any:
        consumer = made(config)
        consumer._committed = False
        return consumer

    patch.setattr(restore_module, "_consumer", uncommitted)


class Planted(NamedTuple):
    """A bug, and how it must show."""

    bug: Callable[[Patch], None]
    attack: Attack | None
    """None where it shows without one."""
    words: str
    """What the judge must say of one of the sweep's runs at least."""


BUGS = [
    Planted(commit_before_the_sends_are_answered, Attack.ERROR, r"lost: \[0"),
    Planted(commit_although_a_batch_failed, Attack.ERROR, r"lost: \[0"),
    Planted(read_before_the_fence, Attack.CRASH_LATE_MARKERS, r"twice: \[\d"),
    Planted(read_before_the_fence, Attack.FREEZE_TO_READ, r"twice: \[\d"),
    Planted(the_offset_in_a_transaction_after, Attack.CRASH, r"twice: \[\d"),
    Planted(the_offset_in_a_transaction_before, Attack.CRASH, r"lost: \[\d"),
    Planted(ack_before_the_commit_and_begin_at_the_groups_offset, Attack.CRASH, r"lost: \[\d"),
    Planted(a_new_producer_on_kept_rows, Attack.FREEZE, r"twice: \[\d"),
    Planted(rows_before_the_commit, None, "rows of an uncommitted transaction"),
    Planted(an_unknown_outcome_is_tried_again, Attack.ERROR, r"twice: \[\d"),
    Planted(a_cancelled_transaction_is_forgotten, Attack.CANCEL, r"twice: \[\d"),
    Planted(the_changelogs_read_with_what_was_aborted, Attack.CRASH, r"lost: \[\d"),
]


async def caught(attack: Attack, words: str) -> Run | None:
    """The first run of the sweep of which the judge says the words."""
    for at in range(len(await steps())):
        attacked = await run(attack, at)
        if re.search(words, "; ".join(attacked.wrong)):
            return attacked
    return None


def named(planted: Planted) -> str:
    """The bug and the attack that shows it."""
    return f"{planted.bug.__name__}-{planted.attack.name.lower() if planted.attack else 'clean'}"


@pytest.mark.parametrize("planted", BUGS, ids=named)
async def test_a_planted_bug_is_caught(planted: Planted, monkeypatch: Patch) -> None:
    """Undisturbed most bugs do no harm, so that a plain test would not show them; under attack each does."""
    planted.bug(monkeypatch)
    if planted.attack is None:
        assert re.search(planted.words, "; ".join((await run()).wrong))
        return
    assert (await run()).wrong == {}
    found = await caught(planted.attack, planted.words)
    assert found is not None
