"""What one record may cost at most, counted and not timed: calls of functions, rows read and written, bytes.

The account has the longest history that we allow: as many plan changes as a month takes, each under a plan of fifty
bands, prorated by days. Counts do not depend on the machine, so a cost that grows shows here and nowhere else first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from types import FrameType
from typing import NamedTuple

import pytest

from rater.processor.rows import TABLES
from rater.processor.step import make_step
from rater.rating.limits import CHANGES_PER_PERIOD
from rater.seam.model import Effects, Row
from tests.support.logs import STAMP, Event, Log, bodies, book, call, published, record, subscribed, tick

FIRST = datetime.fromisoformat("2026-11-01T00:00:00+08:00")
BANDS = [{"from": number, "rate": f"0.{200 - number:03d}"} for number in range(50)]
PLANS = {
    "even": {"proration": "daily", "fee": "30.00", "minutes": {"graduated": BANDS}},
    "odd": {"proration": "daily", "fee": "60.00", "minutes": {"graduated": BANDS, "increment": "30/6"}},
    "free": {"minutes": {"rate": "0.10"}},
}
ENCODE = {table.name: table.encode for table in TABLES}


class Cost(NamedTuple):
    """What one record did."""

    functions: int
    read: int
    written: int
    size: int


class Counted(dict[bytes, Row]):
    """A table's rows, which count how often one is looked up."""

    looked = 0

    def get(self, key, default=None):  # type: ignore[no-untyped-def]
        self.looked += 1
        return super().get(key, default)

    def __getitem__(self, key: bytes) -> Row:
        self.looked += 1
        return super().__getitem__(key)


def change(number: int, at: datetime) -> Event:
    plan = "odd" if number % 2 else "even"
    return subscribed("A", plan, at.isoformat(), subscription_id=f"s-{number}")


def long_history(calls: int) -> Log:
    """Account A with all the changes but one that its month takes, and calls all over it; and other accounts."""
    log = Log(make_step(spend=True), words=book(PLANS, default_plan="free"))
    log.add(*(change(n, FIRST + timedelta(hours=7 * n)) for n in range(CHANGES_PER_PERIOD - 1)))
    log.add(*(call("A", n, 90 + n % 600, FIRST + n * timedelta(days=29) / calls) for n in range(calls)))
    log.add(*(call(f"B{n}", n, 60, FIRST) for n in range(50)))
    assert log.rejected == []
    return log


def cost(log: Log, event: Event) -> Cost:
    """Rate one more event, and count."""
    rows = log.replay.rows[0]
    for name, table in rows.tables.items():
        rows.tables[name] = Counted(table)
    count = 0

    def profiled(_frame: FrameType, what: str, _argument: object) -> None:
        nonlocal count
        count += what == "call"

    step, head = log.replay.step, log.replay.heads[0]
    given = [record(log.offset, event, STAMP)]
    before = sys.getprofile()
    sys.setprofile(profiled)
    try:
        effects: Effects = step(rows, head, 0, given)
    finally:
        sys.setprofile(before)
    looked = sum(table.looked for table in rows.tables.values() if isinstance(table, Counted))
    changed = [(name, row) for name, changes in effects.changes.items() for row in changes.values()]
    size = sum(len(ENCODE[name](row)) for name, row in changed if row is not None)
    size += sum(len(output.value or b"") for output in effects.outputs)
    return Cost(count, looked, len(changed), size)


def void(number: int) -> Event:
    return {"type": "call-voided/1", "account": "A", "source": "pbx-1", "call_id": f"c-{number}", "reason": "x"}


CREDIT: Event = {
    "type": "account-adjusted/1",
    "account": "A",
    "adjustment_id": "a-1",
    "amount": "-1.00",
    "reason": "credit",
}
MIDDLE = FIRST + timedelta(days=15, hours=3)
LATE = FIRST + timedelta(hours=1)
FORGETS = "2027-03-12T00:00:00+08:00"


def new_book() -> Event:
    """The next book: one plan more."""
    return book(PLANS | {"new": {"fee": "1.00", "minutes": {"rate": "0.01"}}}, version=2, default_plan="free")


class Bound(NamedTuple):
    """A kind of record, and the most that it may cost; `a_call` is what each call of the month may add to that."""

    name: str
    event: Callable[[], Event]
    most: Cost
    a_call: Cost = Cost(0, 0, 0, 0)


BOUNDS = (
    Bound("call", lambda: call("A", "new", 86_000, MIDDLE), Cost(1_200, 8, 2, 12_000)),
    Bound("unanswered", lambda: call("A", "busy", None, MIDDLE), Cost(900, 8, 2, 8_000)),
    Bound("repeated", lambda: call("A", 0, 90, FIRST), Cost(105, 4, 0, 600)),
    Bound("void", lambda: void(7), Cost(1_200, 8, 2, 8_000)),
    Bound("credit", lambda: CREDIT, Cost(1_400, 8, 3, 20_000)),
    Bound("change to come", lambda: change(999, FIRST + timedelta(days=35)), Cost(2_500, 10, 2, 15_000)),
    Bound(
        "late change", lambda: change(999, FIRST + timedelta(hours=1)), Cost(12_000, 10, 3, 40_000), Cost(15, 1, 0, 8)
    ),
    Bound("day", lambda: tick("2026-11-30T12:00:00+08:00", operator=True), Cost(19_500, 60, 105, 70_000)),
    Bound("closing", lambda: tick("2026-12-12T00:00:00+08:00", operator=True), Cost(16_500, 65, 110, 90_000)),
    Bound("forgetting", lambda: tick(FORGETS, operator=True), Cost(22_500, 70, 165, 90_000), Cost(3, 0, 1, 0)),
    Bound("book", lambda: published(new_book()), Cost(2_000, 8, 2, 30_000)),
)


@pytest.fixture(scope="module")
def histories() -> dict[int, Log]:
    """By the number of calls of the month; what is rated is rated on a copy of their rows."""
    return {calls: long_history(calls) for calls in (400, 2_000)}


@pytest.mark.parametrize("bound", BOUNDS, ids=[bound.name for bound in BOUNDS])
def test_no_kind_of_record_costs_more_than_its_bound(bound: Bound, histories: dict[int, Log]) -> None:
    """With the longest history that an account may have, and however many calls."""
    for calls, log in histories.items():
        most = [base + calls * more for base, more in zip(bound.most, bound.a_call, strict=True)]
        found = cost(log, bound.event())
        assert all(ours <= limit for ours, limit in zip(found, most, strict=True)), f"{found}, {calls} calls"


@pytest.mark.parametrize("bound", BOUNDS, ids=[bound.name for bound in BOUNDS])
def test_each_kind_does_what_it_is_measured_for(bound: Bound, histories: dict[int, Log]) -> None:
    """A record that was rejected would cost nothing and prove nothing."""
    log = histories[400]
    effects = log.replay.step(log.replay.rows[0], log.replay.heads[0], 0, [record(log.offset, bound.event(), STAMP)])
    assert [body["reason"] for body in bodies(effects.outputs, "rejected")] == []
