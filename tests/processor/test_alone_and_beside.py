"""An account's charges are the same bytes alone, beside others, and after a restart between any two records."""

from __future__ import annotations

import sys
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.processor.replay import Replay
from rater.processor.rows import TABLES
from rater.processor.step import make_step
from rater.rating import charging, proration
from rater.rating.book import Plan
from rater.seam.rows import PartitionRows
from tests.support.logs import Event, book, call, published, record, shipped, subscribed

WRITTEN = ("0.20", "0.2", "0.200", "0.2000")
"""One number, as people write it."""
NUMBERS = st.sampled_from(WRITTEN)
KINDS = st.sampled_from(["rate", "graduated", "volume"])


def plan(kind: str, number: str) -> Event:
    """A plan for one account, equal to others in all but how its numbers are written."""
    price: Any = number if kind == "rate" else [{"from": 0, "rate": number}, {"from": 3, "rate": number}]
    return {"fee": number, "proration": "daily", "minutes": {"allowance": 2, kind: price}, "calls": {"rate": number}}


def life(account: str, kind: str, numbers: list[str]) -> list[Event]:
    """Plan changes within the month, written as `numbers`, with calls between them."""
    events: list[Event] = []
    for n, number in enumerate(numbers):
        start = f"2026-11-{3 + 4 * n:02d}T00:00:00+08:00"
        cap = {"spend_cap": f"500.{'0' * (n % 3)}" if n % 3 else "500"}
        events.append(subscribed(account, plan(kind, number), start, subscription_id=f"s-{n}", **cap))
        events += [call(account, f"{n}-{m}", 70 * m) for m in range(3)]
    return events


def charges(events: list[Event], account: str, *, restarts: bool = False) -> list[bytes]:
    """The account's charges, byte for byte, as a process that has just begun makes them."""
    begin_anew()
    replay = Replay(make_step())
    found: list[bytes] = []
    for offset, event in enumerate([published(book({"free": {"minutes": {"rate": "1"}}})), *events]):
        effects = replay.feed(0, [record(offset, event)])
        found += [output.value or b"" for output in effects.outputs if output.key == account.encode()]
        if restarts:
            replay.rows[0] = decoded(replay.rows[0])
            begin_anew()
            replay.step = make_step()
    return found


def begin_anew() -> None:
    """Empty every cache of the process, as a restart does."""
    for name, module in list(sys.modules.items()):
        if name.startswith("rater."):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def decoded(rows: PartitionRows) -> PartitionRows:
    """The rows as a restart finds them in the changelogs."""
    again = PartitionRows(TABLES)
    for table in TABLES:
        kept = rows.table(table.name).items()
        again.apply({table.name: {key: table.decode(table.encode(row)) for key, row in kept}})
    return again


def law(kind: str, ours: list[str], theirs: list[str]) -> None:
    alone = charges(life("B", kind, ours), "B")
    mixed = [event for pair in zip(life("A", kind, theirs), life("B", kind, ours), strict=False) for event in pair]
    rest = life("B", kind, ours)[len(life("A", kind, theirs)) :]
    assert charges([*mixed, *rest], "B") == alone
    assert charges(life("B", kind, ours), "B", restarts=True) == alone


@given(KINDS, st.lists(NUMBERS, min_size=1, max_size=3), st.lists(NUMBERS, min_size=1, max_size=3))
def test_charges_are_the_same_bytes_alone_and_beside_others(kind: str, ours: list[str], theirs: list[str]) -> None:
    """However equal numbers are written, and by whom first."""
    law(kind, ours, theirs)


def test_the_law_catches_a_cache_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where equal plans share what was worked out, one account's line has the digits of another."""

    @lru_cache(maxsize=4096)  # as it stood
    def by_value(plan_: Plan, days: int, of: int) -> Plan:
        fee = plan_.fee * Decimal(days) / of
        return replace(plan_, fee=fee, meters=tuple(proration._part(meter, days, of) for meter in plan_.meters))

    monkeypatch.setattr(charging, "prorated", by_value)
    with pytest.raises(AssertionError):
        law("rate", ["0.2000"], ["0.20"])


def test_a_repeated_subscription_is_a_duplicate_however_its_numbers_are_written() -> None:
    """500.0 is 500.00, in a cap and in a plan; what was said first stays as it is written."""
    replay = Replay(make_step())
    inline = {"minutes": {"rate": "0.20"}}
    said = subscribed("A", inline, spend_cap="500.0")
    again = subscribed("A", {"minutes": {"rate": "0.2000"}}, spend_cap="500.00")
    other = subscribed("A", inline, spend_cap="500.01")
    replay.feed(0, [record(n, event) for n, event in enumerate([published(shipped()), said, again, other])])
    assert replay.outcomes() == {"applied": 2, "duplicate": 1, "rejected:conflict": 1}
