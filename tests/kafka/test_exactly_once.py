"""Exactly once on a real Kafka: kills, freezes, joins and leaves, and the replay that must give the same bytes."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.support.rated import (
    address,
    assert_replay_is_equal,
    charged_calls,
    charges_of,
    records_in_log,
    rejections,
    so_far,
    topic,
    until_charged,
    until_rated,
)
from tests.support.workers import Rater, Worker

ACCOUNTS = 400
CONTROL = ACCOUNTS + 4
"""Records of the log that are no calls: the accounts' subscriptions, and the book in each of 4 partitions."""

FENCED = 75


def simulate(rater: Rater, calls: int, *words: object) -> None:
    """Write so many calls, and the accounts' subscriptions first."""
    rater.run("simulate", "--calls", calls, "--accounts", ACCOUNTS, *words)


@asynccontextmanager
async def simulating(rater: Rater, calls: int, *words: object) -> AsyncIterator[None]:
    """Write calls while the block runs; at its end they are all written."""
    writing = asyncio.create_task(asyncio.to_thread(simulate, rater, calls, *words))
    try:
        yield
    finally:
        await writing


async def assert_all_charged_once(rater: Rater, calls: int) -> None:
    """Every simulated call has exactly one charge, nothing has a gap, the money adds up, a replay gives the same."""
    charges = await charges_of(rater)
    seen = charged_calls(charges)
    assert {ident for _, _, ident in seen} == {f"sim-{number:09d}" for number in range(calls)}
    assert seen.total() == calls
    assert_replay_is_equal(rater, charges)


async def assert_not_done(rater: Rater, records: int) -> None:
    """It happened while there was work: a test where it did not would show nothing."""
    assert (await so_far(rater)).total() < records


async def test_a_worker_killed_half_way(ready: Rater) -> None:
    """100,000 calls, two workers, one killed with -9 half way: each call charged once, and the replay is byte-equal."""
    calls = 100_000
    doomed, survivor = ready.worker(), ready.worker()
    survivor.until(lambda: len(survivor.rates() or ()) == 2, "has its half")
    async with simulating(ready, calls):
        await until_charged(ready, calls // 2)
        doomed.kill()
        await assert_not_done(ready, calls + CONTROL)
    found = await until_rated(ready, calls + CONTROL)
    assert found == Counter(charged=calls, applied=CONTROL)
    assert survivor.rates() == {0, 1, 2, 3}
    await assert_all_charged_once(ready, calls)


async def test_killed_again_and_again(ready: Rater) -> None:
    """A lone worker killed at three places of the stream, and started again each time, charges each call once."""
    calls = 30_000  # half a minute, in which a start after a kill takes its session and more
    async with simulating(ready, calls, "--rate", 1000):
        for share in (0.05, 0.2, 0.35):
            worker = ready.worker()
            await until_charged(ready, int(share * calls))
            worker.kill()
            await assert_not_done(ready, calls + CONTROL)
        worker = ready.worker()
    await until_rated(ready, calls + CONTROL)
    assert worker.stop() == 0
    await assert_all_charged_once(ready, calls)


async def test_a_frozen_worker_is_fenced(ready: Rater) -> None:
    """Frozen past its session while another takes over, then woken: it ends as fenced, and nothing is charged twice."""
    calls = 12_000
    frozen = ready.worker()
    async with simulating(ready, calls, "--rate", 3000):
        await until_charged(ready, calls // 4)
        frozen.freeze()
        await assert_not_done(ready, calls + CONTROL)
        heir = ready.worker()
        heir.until_rates({0, 1, 2, 3})
    await until_rated(ready, calls + CONTROL)
    frozen.wake()
    assert frozen.wait() == FENCED
    assert "fenced" in frozen.text()
    await assert_all_charged_once(ready, calls)


async def test_a_third_worker_joins_and_leaves(ready: Rater) -> None:
    """During a backlog a third worker joins and leaves: partitions that stay are kept, nothing is lost or repeated."""
    calls = 120_000
    simulate(ready, calls)
    ready.settings["max_poll_records"] = "2"  # small batches are slow: the backlog outlasts the third
    first, second = ready.worker(), ready.worker()
    third = ready.worker()
    await assert_not_done(ready, calls + CONTROL)
    before = len(first.text()), len(second.text())
    assert third.stop() == 0
    await assert_not_done(ready, calls + CONTROL)
    await until_rated(ready, calls + CONTROL)
    for worker, seen in zip((first, second), before, strict=True):
        assert_keeps_what_stays(worker, seen)
    await assert_all_charged_once(ready, calls)


def assert_keeps_what_stays(worker: Worker, seen: int) -> None:
    """At each assignment the partitions that it had before are kept, and only new ones restored."""
    had: set[int] | None = None
    kept_some = False
    pattern = r"assigned partitions \[(.*?)\]: keeping \[(.*?)\], restoring \[(.*?)\]"
    for match in re.finditer(pattern, worker.text()):
        now, kept, restored = ({int(p) for p in group.split(", ") if p} for group in match.groups())
        if had is not None:
            assert kept == now & had
            assert restored == now - had
        had = now
        kept_some |= match.start() >= seen and bool(kept)
    assert kept_some


async def test_group_offsets_decide_nothing(ready: Rater) -> None:
    """Group offsets moved forward by 3,000 while no worker runs: nothing is lost."""
    worker = ready.worker()
    simulate(ready, 2000)
    await until_rated(ready, 2000 + CONTROL)
    assert worker.stop() == 0
    # The second run of the switch gives the same ids to other calls: where account and id meet, it is a conflict.
    simulate(ready, 20_000, "--no-subscribe", "--seed", 2)
    group = AIOKafkaConsumer(bootstrap_servers=address(ready), group_id=topic(ready, "rater"), enable_auto_commit=False)
    async with group:
        tps = [TopicPartition(topic(ready, "calls"), p) for p in range(4)]
        group.assign(tps)
        committed = {tp: await group.committed(tp) for tp in tps}
        assert all(committed.values())
        await group.commit({tp: (offset or 0) + 3000 for tp, offset in committed.items()})
    ready.worker()
    found = await until_rated(ready, 22_000 + CONTROL)
    assert found.total() == await records_in_log(ready)
    assert found["charged"] + found["rejected:conflict"] == 22_000, (found, await rejections(ready))
    charges = await charges_of(ready)
    assert set(charged_calls(charges).values()) == {1}
    assert charged_calls(charges).total() == found["charged"]
    assert_replay_is_equal(ready, charges)


async def test_sigterm_ends_well(ready: Rater) -> None:
    """Asked to stop in the middle of the stream, a worker finishes its transaction and exits with 0."""
    calls = 8000
    worker = ready.worker()
    async with simulating(ready, calls, "--rate", 2000):
        await until_charged(ready, calls // 4)
        assert worker.stop() == 0
        await assert_not_done(ready, calls + CONTROL)
        ready.worker()
    await until_rated(ready, calls + CONTROL)
    await assert_all_charged_once(ready, calls)
