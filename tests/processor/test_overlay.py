"""The index of identities: the same keys as a walk over all rows would find, at the cost of those keys alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rater.processor.overlay import Overlay
from rater.processor.rows import ADJUSTMENTS, CALLS, TABLES, adjustment_key, call_key, call_row, usage_key
from rater.rating.account import PostedAdjustment
from rater.rating.names import AccountKey, PeriodName
from rater.seam.model import Changes, Row
from rater.seam.rows import PartitionRows

ACCOUNTS = (b"A", b"A-", b"B")
PERIODS = ("2026-10", "2026-11")


def a_call(period: str) -> bytes:
    return call_row(PeriodName(period), 1, 2, 3, "outbound", "answered", "1", "2")


def an_adjustment(period: str) -> PostedAdjustment:
    return PostedAdjustment("a", "f", PeriodName(period))


Write = tuple[int, bytes, int, str | None]
"""(0 call or 1 adjustment, account, number, period; None deletes)."""
WRITES = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(ACCOUNTS), st.integers(0, 5), st.none() | st.sampled_from(PERIODS)),
    max_size=25,
)
BATCHES = st.lists(WRITES, max_size=5)
KINDS: tuple[tuple[str, Callable[[bytes, str], bytes], Callable[[str], Row]], ...] = (
    (CALLS, lambda account, name: call_key(account, "pbx", name), a_call),
    (ADJUSTMENTS, adjustment_key, an_adjustment),
)


def changes_of(writes: list[Write]) -> list[tuple[str, bytes, Row | None]]:
    changes = []
    for kind, account, number, period in writes:
        table, key_of, row_of = KINDS[kind]
        changes.append((table, key_of(account, f"n-{number}"), None if period is None else row_of(period)))
    return changes


def walked(tables: Changes, table: str, group: bytes) -> list[bytes]:
    """What a walk over all rows finds, in the order of the keys."""
    group_of = next(spec.group for spec in TABLES if spec.name == table)
    assert group_of is not None
    return sorted(key for key, row in tables[table].items() if row is not None and group_of(key, row) == group)


@given(BATCHES, st.integers(0, 6))
def test_the_index_finds_what_a_walk_finds(batches: list[list[Write]], count: int) -> None:
    """After any batches, and in the middle of each: whole groups, and the first keys of each in their order."""
    rows = PartitionRows(TABLES)
    truth: Changes = {CALLS: {}, ADJUSTMENTS: {}}
    for batch in batches:
        overlay = Overlay(rows)
        for change in changes_of(batch):
            overlay.put([change])
            table, key, row = change
            truth[table][key] = row
            agrees(overlay, truth, count)
        rows.apply(overlay.changes)
        agrees(Overlay(rows), truth, count)
    assert {table: dict(rows.table(table)) for table in truth} == {
        table: {key: row for key, row in kept.items() if row is not None} for table, kept in truth.items()
    }


def agrees(overlay: Overlay, truth: Changes, count: int) -> None:
    for table, _, _ in KINDS:
        for account in ACCOUNTS:
            for period in PERIODS:
                group = usage_key(AccountKey(account), PeriodName(period))
                found = walked(truth, table, group)
                rows: list[Any] = [truth[table][key] for key in found]
                assert sorted(overlay.group(table, group)) == sorted(rows)
                assert list(overlay.first(table, group, count)) == found[:count]


class Counted(dict[bytes, Row]):
    """A table that counts how often a row of it is walked over."""

    walks = 0

    def __iter__(self):  # type: ignore[no-untyped-def]
        self.walks += 1
        return super().__iter__()

    def items(self):  # type: ignore[no-untyped-def]
        self.walks += 1
        return super().items()


def test_no_table_is_walked_for_one_account() -> None:
    """However many calls all accounts have, a late subscription or a forgotten month reads its own alone."""
    rows = PartitionRows(TABLES)
    kept = rows.tables[CALLS] = Counted()
    for number in range(1_000):
        rows.put(CALLS, call_key(b"A%d" % (number % 10), "pbx", f"c-{number}"), a_call("2026-10"))
    overlay = Overlay(rows)
    assert len(list(overlay.group(CALLS, usage_key(AccountKey(b"A3"), PeriodName("2026-10"))))) == 100
    assert len(overlay.first(CALLS, usage_key(AccountKey(b"A3"), PeriodName("2026-10")), 7)) == 7
    assert kept.walks == 0
