"""Books that reach back (rating.md): open periods as if the version had been known from their start."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from rater.processor.rows import TARIFFS, TARIFFS_KEY
from rater.processor.step import make_step
from tests.support.logs import Event, Log, bodies, book, call, published, subscribed, tick

FIRST: Event = {"fee": "100.00", "minutes": {"rate": "1.00"}}
DEARER: Event = {"fee": "200.00", "minutes": {"rate": "3.00"}, "effective": "2026-11-05T00:00:00+08:00"}
BACK = DEARER | {"reach_back": True}
ON_10 = subscribed("A", "p", "2026-11-10T00:00:00+08:00")
CALL = call("A", 1, 600)
CALL |= {n: CALL[n].replace("-03T", "-11T") for n in ("started_at", "answered_at", "ended_at")}
CAP = subscribed("A", "p", "2026-11-12T00:00:00+08:00", spend_cap="500") | {"subscription_id": "s-cap"}
NOV_15 = tick("2026-11-15T00:00:00Z")


def second(plan: Event, version: int = 2, **others: Any) -> Event:
    return published(book({"p": plan, **others}, version=version))


def total(log: Log) -> Decimal:
    return sum((Decimal(charge["amount"]) for charge in log.charges if "amount" in charge), Decimal(0))


def begun(*events: Event) -> Log:
    log = Log(make_step(spend=True), words=book({"p": FIRST, "q": {"minutes": {"rate": "9"}}}))
    log.add(*events)
    return log


@pytest.mark.parametrize(("plan", "comes_to"), [(DEARER, "110.00"), (BACK, "230.00")])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_period_changes_only_for_a_version_that_reaches_back(plan: Event, comes_to: str, *, swapped: bool) -> None:
    """100 + 10 minutes at 1.00; with reach_back 200 + 10 at 3.00. Raising a cap re-prices nothing, in both orders."""
    log = begun(ON_10, CALL)
    last = [second(plan), CAP]
    log.add(*(reversed(last) if swapped else last))
    if swapped:
        assert total(log) == Decimal("110.00")  # nobody's record or tick has come yet
    log.add(NOV_15)
    assert (total(log), log.rejected) == (Decimal(comes_to), [])
    log.add(NOV_15, CAP, CALL)
    assert total(log) == Decimal(comes_to)


def test_one_adjustment_and_one_fee_a_book_and_period_tell_the_book() -> None:
    """The calls taken anew, line by line, and the fee's difference; both name the book."""
    log = begun(ON_10, CALL)
    log.add(second(BACK))
    adjusted, fee = log.add(NOV_15)
    assert (adjusted["kind"], adjusted["amount"], adjusted["book"]) == ("adjustment", "20.00", 2)
    assert [(one["rate"], one["amount"]) for one in adjusted["lines"]] == [("1.00", "-10.00"), ("3.00", "30.00")]
    assert (fee["kind"], fee["amount"], fee["book"], fee["plan"]) == ("fee", "100.00", 2, "p@2")
    assert [(one["rate"], one["amount"]) for one in fee["lines"]] == [("200.00", "200.00"), ("100.00", "-100.00")]


def test_two_books_are_two_adjustments_whoever_applies_them() -> None:
    """Each by itself and in order, by a tick after both or by the account's own record."""
    third = BACK | {"minutes": {"rate": "0.50"}, "effective": "2026-11-06T00:00:00+08:00"}
    found = []
    for then in (NOV_15, CALL | {"call_id": "c-2"}):
        log = begun(ON_10, CALL)
        log.add(second(BACK), second(third, 3))
        charges = [one for one in log.add(then) if one["kind"] in {"adjustment", "fee"}]
        found.append([(one["kind"], one["book"], one["amount"], one["lines"]) for one in charges])
    assert [one[:3] for one in found[0]] == [
        ("adjustment", 2, "20.00"),
        ("fee", 2, "100.00"),
        ("adjustment", 3, "-25.00"),
        ("fee", 3, "0.00"),  # the same amount under another version
    ]
    assert found[0] == found[1]


def test_ticks_after_each_book_come_to_the_same() -> None:
    """Late or early, each book is applied with the tariffs of its own place."""
    third = BACK | {"minutes": {"rate": "0.50"}, "effective": "2026-11-06T00:00:00+08:00"}
    logs = begun(ON_10, CALL), begun(ON_10, CALL)
    for log, ticks in zip(logs, (1, 0), strict=True):
        log.add(second(BACK), *[NOV_15] * ticks, second(third, 3), NOV_15)
    assert [c["amount"] for c in logs[0].charges] == [c["amount"] for c in logs[1].charges]


def test_the_version_with_the_latest_effective_counts_and_of_equal_ones_the_later() -> None:
    """One that is dated earlier than the segment's own does not touch it; one that is dated alike does."""
    log = begun()
    log.add(second(DEARER), ON_10, CALL)
    assert total(log) == Decimal("230.00")
    earlier = BACK | {"minutes": {"rate": "7.00"}, "effective": "2026-11-04T00:00:00+08:00"}
    log.add(second(earlier, 3), NOV_15)
    assert total(log) == Decimal("230.00")
    alike = BACK | {"minutes": {"rate": "7.00"}}
    log.add(second(alike, 4), NOV_15)
    assert total(log) == Decimal("270.00")


def test_never_the_middle_of_a_segment() -> None:
    """A version from the 11th does not touch what began on the 10th; the next month has it."""
    log = begun(ON_10, CALL)
    log.add(second(BACK | {"effective": "2026-11-11T00:00:00+08:00"}), NOV_15)
    assert total(log) == Decimal("110.00")
    log.add(tick("2026-12-01T00:00:00+08:00"))
    assert total(log) == Decimal("310.00")


def test_a_period_that_was_closed_at_the_books_place_stays_and_one_that_was_open_does_not() -> None:
    """October closes on 11 November: a book on the 12th changes November alone, one on the 9th both, applied late."""
    october = subscribed("A", "p", "2026-10-02T00:00:00+08:00")
    back = BACK | {"effective": "2026-10-01T00:00:00+08:00"}
    for before, comes_to in (("2026-11-12T00:00:00+08:00", "310.00"), ("2026-11-09T00:00:00+08:00", "410.00")):
        log = begun(october, CALL, tick(before))
        # The tick that closes October is the one that applies the book: a period that was open there comes first.
        charges = log.add(second(back), tick("2026-11-20T00:00:00+08:00"))
        assert total(log) == Decimal("230.00") + Decimal(comes_to) - 210, before
        closed = [one for one in (*log.charges, *charges) if one["type"] == "period-closed/1"]
        assert {one["total"] for one in closed} == {"100.00" if comes_to == "310.00" else "200.00"}


def test_a_fee_that_a_version_brings_opens_a_period_of_which_nothing_was_charged() -> None:
    """Without fee and calls there was no charge; the version's fee is due as if it had been known."""
    free = {"minutes": {"rate": "1.00"}}
    log = Log(words=book({"p": free}))
    log.add(ON_10, NOV_15)
    assert log.charges == []
    (fee,) = log.add(
        second(free | {"fee": "20.00", "effective": "2026-11-05T00:00:00+08:00", "reach_back": True}), NOV_15
    )
    assert (fee["kind"], fee["amount"], fee["book"], fee["period"]) == ("fee", "20.00", 2, "2026-11")
    (closed,) = [one for one in log.add(tick("2026-12-20T00:00:00Z")) if one["type"] == "period-closed/1"]
    assert (closed["period"], closed["total"]) == ("2026-11", "20.00")


def test_where_only_fees_differ_no_adjustment_of_nothing_is_made() -> None:
    """Usage costs the same line by line; the fee's difference is the one charge."""
    log = begun(ON_10, CALL)
    (fee,) = log.add(second(BACK | {"minutes": {"rate": "1.0"}}), NOV_15)
    assert (fee["kind"], fee["amount"]) == ("fee", "100.00")


def test_a_void_and_a_closing_afterwards_go_by_the_new_version() -> None:
    """What was charged is what is given back."""
    log = begun(ON_10, CALL)
    log.add(second(BACK), NOV_15)
    words = {name: CALL[name] for name in ("account", "source", "call_id")}
    (back,) = log.add({"type": "call-voided/1", **words, "reason": "test"})
    assert back["amount"] == "-30.00"
    (*_, closed) = log.add(tick("2026-12-20T00:00:00Z"))
    assert (closed["total"], closed["segments"][0]["plan"]) == ("200.00", "p@2")


def test_the_default_plan_reaches_back_too() -> None:
    """Accounts without a subscription have periods under it."""
    log = Log(words=book({"p": {"minutes": {"rate": "1.00"}}}, default_plan="p"))
    log.add(CALL)
    back = {"minutes": {"rate": "2.00"}, "effective": "2026-11-01T00:00:00+08:00", "reach_back": True}
    (adjusted,) = log.add(published(book({"p": back}, version=2, default_plan="p")), NOV_15)
    assert (adjusted["kind"], adjusted["amount"], adjusted["book"]) == ("adjustment", "10.00", 2)


def test_alerts_are_raised_for_what_it_brings() -> None:
    """A cap that the dearer version passes."""
    log = begun(subscribed("A", "p", "2026-11-10T00:00:00+08:00", spend_cap="150"), CALL)
    assert bodies(log.outputs, "alerts") == []
    log.add(second(BACK), NOV_15)
    assert [alert["kind"] for alert in bodies(log.outputs, "alerts")] == ["spend-cap-reached"]


OTHERWISE: dict[str, Event] = {
    "increment": {"minutes": {"rate": "1.00", "increment": "6/6"}},
    "minimum": {"minutes": {"rate": "1.00", "minimum": 30}},
    "directions": {"minutes": {"rate": "1.00", "directions": ["outbound"]}},
    "a unit more": {"minutes": {"rate": "1.00"}, "calls": {"rate": "1"}},
    "another unit": {"calls": {"rate": "1"}},
    "a meter of its own": {"meters": [{"name": "own", "unit": "minutes", "rate": "1"}]},
    "proration": {"minutes": {"rate": "1.00"}, "proration": "daily"},
    "a guarantee": {"minutes": {"rate": "1"}, "guarantee": {"connect_rate": "0.5", "credit": "0.1"}},
}


@pytest.mark.parametrize("what", OTHERWISE)
def test_a_version_that_counts_otherwise_is_refused(what: str) -> None:
    """The calls are not read again, so what they counted must stay. Without reach_back it holds from later on."""
    log = begun(ON_10, CALL)
    log.add(second(OTHERWISE[what] | {"effective": DEARER["effective"], "reach_back": True}))
    assert log.rejected == ["reach-back-units"]
    log.add(second(OTHERWISE[what] | {"effective": DEARER["effective"]}), NOV_15)
    assert (log.rejected, total(log)) == (["reach-back-units"], Decimal("110.00"))


def test_allowance_discount_and_items_may_differ() -> None:
    """None of them is counted of a call."""
    plan = {"minutes": {"allowance": 4, "rate": "2.00"}, "discount": "0.5", "items": {"seat": {"price": "7"}}}
    log = begun(ON_10, CALL)
    log.add(second(plan | {"setup": "3.00", "effective": DEARER["effective"], "reach_back": True}), NOV_15)
    assert total(log) == Decimal("16.00")  # (10 - 4) * 2 / 2, a seat, the set-up; no fee any more


def test_a_change_without_effective_is_refused_and_a_dropped_reach_back_is_no_change() -> None:
    """A published plan never changes; a later book that repeats a version need not repeat that it reached back."""
    log = begun(ON_10)
    log.add(second({"minutes": {"rate": "2.00"}}))
    assert log.rejected == ["plan-changed"]
    log.add(second(BACK), second(DEARER, 3), NOV_15)
    tariffs = log.replay.rows[0].tables[TARIFFS][TARIFFS_KEY]
    assert len(tariffs.effective["p"]) == 2
    log.add(second(DEARER | {"effective": None}, 4))
    assert log.rejected == ["plan-changed"] * 2


def test_reach_back_without_effective_is_no_book() -> None:
    """From when on would it hold?"""
    log = begun()
    log.add(second(FIRST | {"reach_back": True}))
    assert log.rejected == ["wrong-shape"]


def test_the_ticks_go_through_the_accounts_in_their_order_within_what_one_may_change() -> None:
    """Ten accounts, six row changes a tick: what is left is said, later ticks go on, and a book in between waits."""
    names = [f"A{n}" for n in range(10)]
    step = make_step(spend=False)
    log = Log(step, words=book({"p": FIRST, "q": {"minutes": {"rate": "9"}}}))
    log.add(*(subscribed(name, "p", "2026-11-10T00:00:00+08:00") for name in names))
    log.add(NOV_15, second(BACK))
    turns = []
    for number in range(12):
        charges = log.add(tick("2026-11-15T00:00:00Z", changes=6))
        turns.append([one["account"] for one in charges])
        if number == 1:
            log.add(second(BACK | {"fee": "50.00"}, 3))
            turns.append([one["account"] for one in log.add(CALL | {"account": "A9"})])
        state: Event = orjson.loads(orjson.dumps(log.replay.heads[0].state))
        if not state["left"]:
            break
    ticked = [["A0", "A1", "A2"], ["A3", "A4", "A5"], ["A6", "A7", "A8"], [], ["A0", "A1", "A2"], ["A3", "A4", "A5"]]
    assert turns == [*ticked[:2], ["A9"] * 3, *ticked[2:], ["A6", "A7", "A8"], []]
    assert (state["reached"], state["reaching"], state["reached_account"]) == (3, 0, "")
    sums = {name: sum(Decimal(c["amount"]) for c in log.charges if c["account"] == name) for name in names}
    assert sums == dict.fromkeys(names, Decimal("50.00")) | {"A9": Decimal("80.00")}
    books = [(c["account"], c["book"]) for c in log.charges if "book" in c and c["kind"] == "fee"]
    assert sorted(books) == sorted((name, number) for name in names for number in (2, 3))


def test_books_that_all_accounts_had_are_forgotten() -> None:
    """The row of the tariffs does not grow with every book that reached back."""
    log = begun(ON_10)
    for number in range(2, 6):
        log.add(second(BACK | {"fee": f"{number}.00"}, number), NOV_15)
    log.add(second(BACK | {"fee": "5.00"}, 9))
    assert log.replay.rows[0].tables[TARIFFS][TARIFFS_KEY].reaches == ()
    assert total(log) == Decimal("5.00")
