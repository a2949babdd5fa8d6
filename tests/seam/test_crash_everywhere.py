"""The engine ended, cancelled, failed and frozen at each step of its protocol: it leaves exactly once."""

from __future__ import annotations

from collections import Counter

import pytest

from rater.kafka.failstop import Exit
from tests.seam.sweep import Attack, Run, run, steps, sweep

TRANSACTION = [
    "begin",
    "send echo",
    "send heads-changelog",
    "send counts-changelog",
    "add echo",
    "produce echo",
    "produced echo",
    "add heads-changelog",
    "produce heads-changelog",
    "produced heads-changelog",
    "add counts-changelog",
    "produce counts-changelog",
    "produced counts-changelog",
    "commit",
    "EndTxn",
    "EndTxn answered",
    "committed",
]
"""A transaction of records, in order."""

PROOF = [step for step in TRANSACTION if "echo" not in step and "counts" not in step]
"""The transaction of a kept partition."""

OTHERS = {
    "restore: InitProducerId",
    "restore: InitProducerId answered",
    "restore: reader starts",
    "restore: reader starts asked",
    "restore: reader ends asked",
    "restore: reader fetch",
    "restore: reader fetched",
    "restore: reader position asked",
    "restore: reader stops",
    "restore: group starts",
    "restore: group's offset asked",
    "restore: group stops",
    "restore: log starts",
    "rate: log fetch",
    "rate: log fetched",
    "rate: log position asked",
    "rate: send log",
    "rate: add log",
    "rate: produce log",
    "rate: produced log",
    "rate: group's offset committed",
    "close: producer stops",
    "close: log stops",
}
"""What happens besides, `log` being the log's own partition: the worker fetches from it and writes ticks into it."""

HARMLESS = {"rate: group's offset committed"}
"""Where an error of Kafka ends nothing: the group's offset decides nothing."""

ENDED_BY_OURSELVES = {Attack.CANCEL, Attack.ERROR}
"""The attacks that the engine must answer by ending its process."""


SWEPT: dict[Attack, list[Run]] = {}


async def swept(attack: Attack) -> list[Run]:
    """The sweep, which is run once."""
    if attack not in SWEPT:
        SWEPT[attack] = await sweep(attack)
    return SWEPT[attack]


def told(runs: list[Run]) -> list[str]:
    """What went wrong, and where."""
    return [f"{one.step} (step {one.at}): {'; '.join(one.wrong)}" for one in runs if one.wrong]


async def test_the_sweep_knows_every_step_of_the_protocol() -> None:
    """A clean run reaches each named step, and none that is not named here; a transaction's come in this order."""
    names = await steps()
    assert set(names) == OTHERS | {f"rate: {step}" for step in TRANSACTION} | {f"kept: {step}" for step in PROOF}
    own = [name.removeprefix("rate: ") for name in names if name.removeprefix("rate: ") in TRANSACTION]
    assert [own[own.index("begin") + at] for at in range(len(TRANSACTION))] == TRANSACTION
    kept = [name.removeprefix("kept: ") for name in names if name.startswith("kept: ")]
    assert kept == PROOF


async def test_a_clean_run_has_no_deaths_and_leaves_nothing_open() -> None:
    """Without an attack two workers follow each other, close what they opened, and every record has its echo."""
    clean = await run()
    assert (clean.wrong, clean.world.deaths) == ({}, [])
    assert [worker.process.open_clients for worker in clean.world.workers] == [0, 0]


@pytest.mark.parametrize("attack", Attack, ids=lambda attack: attack.name.lower())
async def test_exactly_once_whatever_happens_at_whichever_step(attack: Attack) -> None:
    """Every record of the log has one echo, the counts have no gap, and the rows are the log's fold."""
    runs = await swept(attack)
    assert told(runs) == []
    assert all(one.victim is not None for one in runs)
    for one in runs:
        deaths = [died.status for name, died in one.world.deaths if one.victim and name == one.victim.name]
        if attack in ENDED_BY_OURSELVES:
            harmless = attack is Attack.ERROR and one.step in HARMLESS
            assert deaths == ([] if harmless else [Exit.CRASHED]), one.step
        elif attack in {Attack.CRASH, Attack.LEAVE}:
            assert deaths == [], one.step
        elif attack is Attack.TIMEOUT:
            assert set(deaths) <= {Exit.FENCED}, one.step


async def test_a_partition_that_is_taken_away_leaves_nothing_open() -> None:
    """A revocation at any step lets the transaction in flight end, and closes what belongs to the partition."""
    for one in await swept(Attack.LEAVE):
        assert one.victim is not None
        assert one.victim.open_clients == 0, one.step


async def test_nothing_of_a_dead_process_reaches_the_broker() -> None:
    """The attack itself: after its crash a process takes no further step, so the sweep shows what it says it shows."""
    for one in await swept(Attack.CRASH):
        assert one.victim is not None
        its = [at for at, (name, _) in enumerate(one.world.kafka.trace) if name == one.victim.name]
        later = [at for at, (name, _) in enumerate(one.world.kafka.trace) if name != one.victim.name and at > its[0]]
        assert its[-1] < later[0], one.step


async def test_a_transaction_counts_from_the_moment_that_its_end_is_asked_for() -> None:
    """A crash before EndTxn leaves nothing to the next owner, a crash after it leaves all: there is no third case."""
    names = await steps()
    first = {step: names.index(f"rate: {step}") for step in TRANSACTION}
    begins = {}
    for step, at in first.items():
        attacked = await run(Attack.CRASH, at)
        assert attacked.step == f"rate: {step}"
        begins[step] = attacked.world.workers[1].restored
    after = {"EndTxn answered", "committed"}
    assert {step for step, offset in begins.items() if offset > 0} == after
    assert Counter(begins.values())[0] == len(TRANSACTION) - len(after)


async def test_a_frozen_owner_wakes_up_to_its_fence() -> None:
    """A process that slept while another took the partition ends as fenced, wherever in a transaction it slept."""
    inside = [frozen for frozen in await swept(Attack.FREEZE) if frozen.step.removeprefix("rate: ") in TRANSACTION[:-2]]
    assert len(inside) > len(TRANSACTION)
    for frozen in inside:
        assert [died.status for _, died in frozen.world.deaths] == [Exit.FENCED], frozen.step
