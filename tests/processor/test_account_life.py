"""Subscriptions, fees, the default plan, tariff books and ticks, as far as they go without closing a period."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from rater.processor.rows import TABLES
from rater.processor.step import make_step
from rater.rating.instant import instant
from tests.support.logs import Event, Log, amounts, book, call, published, subscribed, tick

FLAT: Event = {"minutes": {"rate": "0.10"}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def said(charges: list[Event]) -> list[tuple[str, str, str]]:
    return [(charge["charge_id"], charge["kind"], charge["amount"]) for charge in charges]


def test_a_subscription_owes_its_fee_at_once_and_once() -> None:
    """The account's own subscription shows that its period has begun; calls of that period owe no second fee."""
    log = Log()
    assert said(log.add(subscribed("A", "hybrid-200"))) == [("A:2026-11:1", "fee", "200.00")]
    assert [charge["kind"] for charge in log.add(call("A", 1), call("A", 2))] == ["usage", "usage"]
    assert log.charges[0]["lines"] == [
        {"meter": "fee", "quantity": "1", "covered": "0", "billable": "1", "rate": "200.00", "amount": "200.00"}
    ]


def test_each_period_owes_its_fee_call_or_no_call() -> None:
    """A call of January shows that December has begun as well."""
    log = Log()
    log.add(subscribed("A", "hybrid-200"))
    charges = log.add(call("A", 1, start=at("2027-01-05T12:00:00+08:00")))
    assert said(charges) == [
        ("A:2026-12:1", "fee", "200.00"),
        ("A:2027-01:1", "fee", "200.00"),
        ("A:2027-01:2", "usage", "2.50"),
    ]
    assert said(log.add(call("A", 2, start=at("2026-12-05T12:00:00+08:00")))) == [("A:2026-12:2", "usage", "2.50")]


def test_a_subscription_dated_ahead_owes_nothing_until_it_begins() -> None:
    """Its fee falls due with the first record that shows its start."""
    log = Log()
    now = instant(at("2026-11-02T00:00:00+08:00")) // 1000
    assert log.add(subscribed("A", "hybrid-200", "2026-11-20T00:00:00+08:00"), timestamp=now) == []
    before, after = (call("A", day, start=at(f"2026-11-{day}T12:00:00+08:00")) for day in (19, 20))
    assert said(log.add(before)) == [("A:2026-11:1", "usage", "0.20")]
    assert said(log.add(after)) == [("A:2026-11:2", "fee", "200.00"), ("A:2026-11:3", "usage", "2.50")]


def test_without_timestamps_nothing_lies_ahead() -> None:
    """Bare events have no timestamps to be ahead of."""
    log = Log(make_step(check_timestamps=False))
    assert amounts(log.add(subscribed("A", "hybrid-200", "2030-11-20T00:00:00+08:00"), timestamp=0)) == ["200.00"]


def test_a_start_inside_a_period_has_the_full_fee_and_the_full_allowance() -> None:
    """Proration none is the default; calls before the start stay on the default plan."""
    log = Log()
    log.add(call("A", 1, start=at("2026-11-09T12:00:00+08:00")))
    log.add(subscribed("A", "package-basic", "2026-11-16T00:00:00+08:00"))
    new = log.add(call("A", 2, 6000, at("2026-11-16T00:00:00+08:00")))
    old = log.add(call("A", 3, start=at("2026-11-15T23:59:59+08:00")))
    assert said(log.charges) == [
        ("A:2026-11:1", "usage", "0.20"),
        ("A:2026-11:2", "fee", "300.00"),
        ("A:2026-11:3", "usage", "0.00"),
        ("A:2026-11:4", "usage", "0.20"),
    ]
    assert [charge["plan"] for charge in (*new, *old)] == ["package-basic@1", "per-minute@1"]


def test_a_change_inside_a_period_takes_effect_at_the_next_ones_start() -> None:
    """Under proration none November stays on the old plan whole; December has the new plan, its fee and allowance."""
    log = Log()
    log.add(subscribed("A", "package-basic"), call("A", 1))
    log.add(subscribed("A", "hybrid-200", "2026-11-16T00:00:00+08:00", subscription_id="s-2"))
    charges = log.add(
        call("A", 2, start=at("2026-11-20T12:00:00+08:00")), call("A", 3, start=at("2026-12-01T00:00:00+08:00"))
    )
    assert [(charge["plan"], charge["amount"]) for charge in charges] == [
        ("package-basic@1", "0.00"),
        ("hybrid-200@1", "200.00"),
        ("hybrid-200@1", "2.50"),
    ]


def test_an_end_inside_a_period_takes_effect_at_the_next_ones_start() -> None:
    """The rest of the month is served; then calls are rejected until the account starts again."""
    log = Log()
    log.add(subscribed("A", "package-basic"), subscribed("A", None, "2026-11-16T00:00:00+08:00", subscription_id="end"))
    assert len(log.add(call("A", 1, start=at("2026-11-30T23:59:59+08:00")))) == 1
    assert log.add(call("A", 2, start=at("2026-12-01T00:00:00+08:00"))) == []
    assert log.rejected == ["account-ended"]
    log.add(subscribed("A", "per-call", "2026-12-10T00:00:00+08:00", subscription_id="again"))
    assert amounts(log.add(call("A", 3, start=at("2026-12-11T00:00:00+08:00")))) == ["2.00"]


def test_of_equal_starts_the_later_in_the_log_holds() -> None:
    """A correction on the same day replaces what was said, as long as nothing was charged under it."""
    log = Log()
    early = instant(at("2026-10-01T00:00:00+08:00")) // 1000
    log.add(subscribed("A", "hybrid-200"), subscribed("A", "per-call", subscription_id="s-2"), timestamp=early)
    assert [charge["plan"] for charge in log.add(call("A", 1))] == ["per-call@1"]


def test_a_cap_alone_starts_nothing_new() -> None:
    """A subscription that repeats the plan owes no second fee and has no second allowance."""
    log = Log()
    log.add(subscribed("A", "package-basic"), call("A", 1, 6000))
    log.add(subscribed("A", "package-basic", "2026-11-16T00:00:00+08:00", subscription_id="cap", spend_cap="500.00"))
    assert amounts(log.add(call("A", 2, start=at("2026-11-17T00:00:00+08:00")))) == ["0.15"]


CAIRO = {"time_zone": "Africa/Cairo", "billing_day": 28}
"""Its clocks skip from 0:00 to 1:00 on 28 April 2028."""

PERIODS: list[tuple[str, Event, str, str]] = [
    ("the month's last moment", {}, "2026-11-30T23:59:59.999999+08:00", "2026-11"),
    ("the next month's first", {}, "2026-12-01T00:00:00+08:00", "2026-12"),
    ("the zone decides, not the offset", {}, "2026-11-30T16:00:00Z", "2026-12"),
    ("billing day 15, before", {"billing_day": 15}, "2026-12-14T23:59:59+08:00", "2026-11-15"),
    ("billing day 15, from", {"billing_day": 15}, "2026-12-15T00:00:00+08:00", "2026-12-15"),
    ("29 February", {}, "2028-02-29T23:59:59+08:00", "2028-02"),
    ("after 29 February", {}, "2028-03-01T00:00:00+08:00", "2028-03"),
    ("a short February", {"billing_day": 28}, "2027-02-28T00:00:00+08:00", "2027-02-28"),
    ("before a spring night", {"time_zone": "Europe/Berlin"}, "2027-03-31T21:59:59Z", "2027-03"),
    ("after a spring night", {"time_zone": "Europe/Berlin"}, "2027-03-31T22:00:00Z", "2027-04"),
    ("an autumn night", {"time_zone": "Europe/Berlin"}, "2027-10-31T22:59:59Z", "2027-10"),
    ("after an autumn night", {"time_zone": "Europe/Berlin"}, "2027-10-31T23:00:00Z", "2027-11"),
    ("no midnight on the billing day", CAIRO, "2028-04-27T21:59:59Z", "2028-03-28"),
    ("its first instant is one o'clock", CAIRO, "2028-04-27T22:00:00Z", "2028-04-28"),
]


@pytest.mark.parametrize(("name", "fields", "start", "period"), PERIODS, ids=[row[0] for row in PERIODS])
def test_a_call_belongs_to_the_period_in_which_it_started(name: str, fields: Event, start: str, period: str) -> None:
    """Months of the account's zone from its billing day; a call across the end is not split."""
    log = Log(make_step(check_timestamps=False))
    log.add(subscribed("A", "per-call", (at(start) - timedelta(days=100)).isoformat(), **fields))
    [charge] = log.add(call("A", 1, 7200, at(start)))
    assert charge["period"] == period, name


def test_talk_time_across_a_dst_night_is_what_passed() -> None:
    """From 01:30 to 03:30 by the wall clock on the spring night is one hour."""
    log = Log()
    start = at("2027-03-28T01:30:00+01:00")
    event = call("A", 1, 1, start, answered_at=start.isoformat(), ended_at="2027-03-28T03:30:00+02:00")
    log = Log(make_step(check_timestamps=False))
    assert log.add(event)[0]["call"]["talk_seconds"] == 3600


def test_a_plan_published_with_a_later_date_becomes_its_next_version() -> None:
    """Periods that begin from then on are rated by it; a running one stays with the version at its start."""
    log = Log(words=book({"p": FLAT}))
    log.add(subscribed("A", "p"), call("A", 1))
    dated: Event = {"minutes": {"rate": "0.30"}, "effective": "2026-11-15T00:00:00+08:00"}
    log.add(published(book({"p": dated}, version=2)))
    log.add(call("A", 2, start=at("2026-11-20T00:00:00+08:00")), call("A", 3, start=at("2026-12-20T00:00:00+08:00")))
    assert [(charge["plan"], charge["amount"]) for charge in log.charges] == [
        ("p@1", "0.10"),
        ("p@1", "0.10"),
        ("p@2", "0.30"),
    ]
    assert log.add(published(book({"p": dated}, version=2))) == []
    assert log.outcomes == {"applied": 3, "charged": 3, "duplicate": 1}


def test_equal_numbers_written_otherwise_are_the_same_plan() -> None:
    """0.1 for 0.10 changes nothing, and the charge goes on as it was published."""
    log = Log(words=book({"p": FLAT}))
    log.add(published(book({"p": {"minutes": {"rate": "0.1"}}}, version=2)))
    [charge] = log.add(subscribed("A", "p"), call("A", 1))
    assert (charge["plan"], charge["lines"][0]["rate"]) == ("p@1", "0.10")
    assert log.rejected == []


def test_a_withdrawn_plan_serves_who_has_it() -> None:
    """Nobody else can subscribe to it; an account that is on it can still raise its cap."""
    log = Log(words=book({"p": FLAT, "q": FLAT}))
    log.add(subscribed("A", "p"), published(book({"q": FLAT}, version=2)), call("A", 1))
    log.add(subscribed("A", "p", "2026-11-16T00:00:00+08:00", subscription_id="cap", spend_cap="9"))
    log.add(subscribed("B", "p"))
    assert (log.outcomes, log.rejected) == (
        {"applied": 4, "charged": 1, "rejected:unknown-plan": 1},
        ["unknown-plan"],
    )


def test_a_plan_can_not_be_subscribed_to_before_it_is_in_effect() -> None:
    """Its first version may be dated."""
    log = Log(words=book({"p": {**FLAT, "effective": "2026-12-01T00:00:00+08:00"}}))
    log.add(subscribed("A", "p"), subscribed("B", "p", "2026-12-01T00:00:00+08:00"))
    assert log.rejected == ["unknown-plan"]


def test_ticks_move_the_partitions_time_and_it_never_falls() -> None:
    """closed_until is the largest `at` minus the book's close_after."""
    log = Log()
    log.add(tick("2026-12-15T00:00:00Z"), tick("2026-12-01T00:00:00Z"))
    state = log.replay.heads[0].state
    assert state["now"] == instant(at("2026-12-15T00:00:00Z"))
    assert state["closed_until"] == instant(at("2026-12-05T00:00:00Z"))
    assert state["book"] == 1
    assert log.outcomes == {"applied": 3}


def test_the_head_is_json() -> None:
    """The engine writes it as it is."""
    log = Log()
    log.add(tick("2026-12-15T00:00:00Z"))
    state: Any = log.replay.heads[0].state
    assert orjson.loads(orjson.dumps(state)) == state


def test_rows_come_back_from_their_bytes_as_they_were() -> None:
    """All tables, after a life of subscriptions, inline plans, two books and calls; equal rows are equal bytes."""
    inline = {"fee": "0.10", "minutes": {"increment": "30/6", "graduated": [{"from": 0, "rate": "0.70", "flat": "1"}]}}
    log = Log(
        words=book({"p": FLAT, "u": {"calls": {"allowance": "unlimited", "directions": ["inbound"]}}}, default_plan="p")
    )
    log.add(
        subscribed("A", "p", spend_cap=None, guaranteed_connect_rate="0.75", billing_day=3, time_zone="Europe/Paris"),
        subscribed("B", inline),
        published(book({"p": {**FLAT, "effective": "2026-12-01T00:00:00Z"}}, version=2, default_plan="p")),
        *(call(account, n, 7 * n) for account in "ABC" for n in range(5)),
        call("A", 9, None, at("2026-12-24T00:00:00Z")),
        {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a-1", "amount": "-5.00", "reason": "x"},
    )
    assert log.rejected == []
    rows = log.replay.rows[0]
    for table in TABLES:
        held = rows.tables[table.name]
        assert held, table.name
        for row in held.values():
            again = table.decode(table.encode(row))
            assert again == row
            assert table.encode(again) == table.encode(row)
