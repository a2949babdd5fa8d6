"""Common calls on and off, over the same log in the same batches: outputs, rows and heads must be the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from random import Random
from typing import Any

import orjson

from benchmarks import mix
from rater.processor.common_call import CommonCalls
from rater.processor.replay import Replay
from rater.processor.rows import TABLES
from rater.processor.step import make_step
from rater.seam.model import LogRecord, Output, Record
from tests.laws.lives import Told, life
from tests.laws.wild import wild

ENCODE = {table.name: table.encode for table in TABLES}


@contextmanager
def watched() -> Iterator[Counter[str]]:
    """Counts common calls, and lets no error on their way pass: the step itself falls back on the general rules."""
    real, found = CommonCalls.rate, Counter[str]()

    def rate(self: CommonCalls, record: Record) -> Output | None:
        try:
            output = real(self, record)
        except Exception as error:
            found[f"error: {error!r}"] += 1
            raise
        found["common" if output is not None else "general"] += 1
        return output

    CommonCalls.rate = rate  # type: ignore[method-assign]
    try:
        yield found
    finally:
        CommonCalls.rate = real  # type: ignore[method-assign]


def same(
    log: Sequence[LogRecord], seed: int, most: int = 9, *, spend: bool = True, partitions: int = 1
) -> Counter[str]:
    """Raises where on and off differ; gives how many calls were common. The log is that of the first partition."""
    on = Replay(make_step(spend=spend), partitions)
    off = Replay(make_step(spend=spend, common=False), partitions)
    rng, at = Random(seed), 0
    with watched() as found:
        while at < len(log):
            batch = log[at : at + rng.randrange(1, most + 1)]
            at += len(batch)
            ours, theirs = on.feed(0, batch), off.feed(0, batch)
            assert list(ours.outputs) == list(theirs.outputs)
            assert ours.head == theirs.head
            assert list(ours.changes) == list(theirs.changes)
            for table, rows in theirs.changes.items():
                assert list(ours.changes[table].items()) == list(rows.items())
                for key, row in rows.items():
                    assert row is None or ENCODE[table](ours.changes[table][key]) == ENCODE[table](row)
    errors = [kind for kind in found if kind.startswith("error")]
    assert errors == []
    return found


def records(told: Iterable[Told]) -> list[LogRecord]:
    """The events of a life as records."""
    found = []
    for offset, one in enumerate(told):
        account = one.event.get("account")
        key = account.encode() if account else None
        found.append(LogRecord(offset, int(one.stamp.timestamp() * 1000), key, orjson.dumps(one.event)))
    return found


def lives(seeds: Iterable[int]) -> Iterator[tuple[int, list[LogRecord]]]:
    """Generated lives of accounts, tame and wild, with the seed of each."""
    for seed in seeds:
        yield seed, records(life(seed))
        yield seed, records(wild(seed))


INLINE: dict[str, Any] = {"fee": "10.0", "minutes": {"allowance": 3, "rate": "0.125"}, "proration": "daily"}
MORE_PLANS: dict[str, Any] = {
    "attempts": {"attempts": {"allowance": 5, "rate": "0.011"}, "minutes": {"rate": "0.30", "directions": ["inbound"]}},
    "eighth": {"minutes": {"rate": "0.125"}},
    "eighth-zeros": {"minutes": {"rate": "0.1250"}},
    "flats": {
        "calls": {"volume": [{"from": 0, "rate": "1.00", "flat": "5.00"}, {"from": 4, "rate": "0.5", "flat": "7"}]}
    },
    "steps": {
        "fee": "12.34",
        "proration": "daily",
        "minutes": {
            "allowance": 2,
            "increment": "30/6",
            "minimum": 42,
            "graduated": [
                {"from": 0, "rate": "0.37", "flat": "0.015"},
                {"from": 3, "rate": "0.111"},
                {"from": 9, "rate": "0"},
            ],
        },
        "calls": {
            "allowance": 4,
            "graduated": [{"from": 0, "rate": "0.005"}, {"from": 2, "rate": "0.5", "flat": "1.00"}],
        },
    },
    "off": {
        "fee": "3.00",
        "discount": "0.0333",
        "minimum": "40.00",
        "minutes": {"allowance": 2, "rate": "0.125"},
        "calls": {"volume": [{"from": 0, "rate": "0.37"}, {"from": 5, "rate": "0.30", "flat": "1"}]},
    },
    "free": {"discount": "1", "minutes": {"rate": "0.20"}},
    "sure": {"guarantee": {"connect_rate": "0.9", "credit": "0.1"}, "minutes": {"allowance": 3, "rate": "0.125"}},
    "all": {"minutes": {"allowance": "unlimited"}, "calls": {"rate": "0.001"}, "fee": "1.00"},
}


def mixed(seed: int, count: int) -> list[LogRecord]:
    """The fixed mix with more plans, of 60 accounts: negotiated, prorated, capped, voided, changed, repeated."""
    rng = Random(seed)
    control = list(mix.control())[:61]
    control[0]["book"]["plans"] |= MORE_PLANS
    names = [*mix.plan_names(), *MORE_PLANS, "inline"]
    for number, event in enumerate(control[1:]):
        name = names[number % len(names)]
        event["plan"] = INLINE | {"fee": f"{number}.00"} if name == "inline" else name
        if number % 3 == 1:
            event |= {"spend_cap": f"{rng.randrange(1, 90)}.00", "from": "2026-11-01T04:00:00+08:00"}
    events: list[dict[str, Any]] = list(control)
    waves = chain.from_iterable(mix.calls(1_000 * seed + wave) for wave in range(-(-count // mix.CALLS)))
    for number, event in enumerate(islice(waves, count)):
        event["account"] = mix.account(rng.choice((0, 7, *range(60))))
        event["direction"] = rng.choice(("outbound", "outbound", "outbound", "inbound", "internal"))
        event["source"] = rng.choice((*["pbx-1"] * 20, "pbx-2", 'p"x'))
        event["caller"] = rng.choice((*["+861012345678"] * 20, "", "sip:\u00e9@x", 'a"b\\c', "a\\c"))
        events.append(event)
        events += _other(rng, events, number)
    return [LogRecord(*raw) for raw in mix.records(iter(events))]


def _other(rng: Random, events: list[dict[str, Any]], number: int) -> Iterator[dict[str, Any]]:
    """Now and then something else: a repetition, a void, a credit, a change of plan, a tick, no event at all."""
    account = mix.account(rng.randrange(60))
    chance = rng.random()
    old = rng.choice(events[61:])
    if chance < 0.02:
        yield dict(old)
    elif chance < 0.03 and "call_id" in old:
        yield {"type": "call-voided/1", **{k: old[k] for k in ("account", "source", "call_id")}, "reason": "test"}
    elif chance < 0.035:
        yield {
            "type": "account-adjusted/1",
            "account": account,
            "adjustment_id": f"a-{number}",
            "amount": "-0.01",
            "reason": "x",
        }
    elif chance < 0.04:
        start = f"2026-11-01T0{rng.randrange(8, 10)}:{rng.randrange(60):02d}:00+08:00"
        plan = rng.choice(("per-minute", "steps", "flats", None))
        yield {
            "type": "account-subscribed/1",
            "account": account,
            "subscription_id": f"c-{number}",
            "plan": plan,
            "from": start,
        }
    elif chance < 0.041:
        yield {"type": "clock-ticked/1", "at": f"2026-11-01T{rng.randrange(3):02d}:00:00+00:00"}
    elif chance < 0.043:
        yield {"type": "call-ended/1", "account": account}


def broken(law: Callable[[], object]) -> bool:
    """Whether a law that must hold does not."""
    try:
        law()
    except AssertionError:
        return True
    return False
