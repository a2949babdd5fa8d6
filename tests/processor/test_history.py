"""Subscriptions over time, as a billing person checks them: changes inside a month, late ones, fees to the cent."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations

import orjson
import pytest

from rater.wire.results import RESULTS
from tests.support.logs import Event, Log, amounts, book, call, subscribed, tick, total

DAY = "2026-11-{:02d}T00:00:00+08:00"
PLANS: Event = {
    "basic": {"fee": "300.00", "proration": "daily", "minutes": {"allowance": 100, "rate": "0.15"}},
    "big": {"fee": "500.00", "proration": "daily", "minutes": {"allowance": 401, "rate": "0.10"}},
    "rigid": {"fee": "90.00", "minutes": {"allowance": 10, "rate": "1.00"}},
    "minutes": {"minutes": {"rate": "0.20"}},
}


def at(day: int, hour: int = 12) -> datetime:
    return datetime.fromisoformat(DAY.format(1)) + timedelta(days=day - 1, hours=hour)


def on(plan: str | None, day: int, ident: str = "s-2", **fields: object) -> Event:
    return subscribed("A", plan, DAY.format(day), subscription_id=ident, **fields)


def told(charges: list[Event]) -> list[tuple[str, str, str]]:
    for charge in charges:
        RESULTS[charge["type"]].model_validate_json(orjson.dumps(charge))
    return [(charge["kind"], charge["plan"], charge["amount"]) for charge in charges]


def test_a_plan_change_on_the_16th_with_daily_proration() -> None:
    """November has 30 days: 15 of each plan. Fees 150.00 + 250.00; allowances 50 and 200.5, rounded up to 201."""
    log = Log(words=book(PLANS))
    log.add(on("basic", 1, "s-1"))
    assert told(log.charges) == [("fee", "basic@1", "300.00")]
    change = log.add(on("big", 16))
    assert told(change) == [("fee", "big@1", "100.00")]  # 150.00 + 250.00 are due, 300.00 were charged
    first = log.add(call("A", 1, 60 * 60, at(10)))
    assert told(first) == [("usage", "basic@1", "1.50")]  # 60 minutes, 50 covered: 10 at 0.15
    second = log.add(call("A", 2, 60 * 203, at(20)))
    assert told(second) == [("usage", "big@1", "0.20")]  # 203 minutes, 201 covered
    assert second[0]["allowance_left"] == {"minutes": "0"}
    assert log.charges[-1]["period_total"] == "401.70"
    december = log.add(tick("2026-12-01T00:00:00+08:00"))
    assert told(december) == [("fee", "big@1", "500.00")]
    *_, closed = log.add(tick("2026-12-11T00:00:00+08:00"))
    assert [(s["plan"], s["price"], s["fee"]) for s in closed["segments"]] == [
        ("basic@1", "1.50", "150.00"),
        ("big@1", "0.20", "250.00"),
    ]


FEE = {"meter": "fee", "quantity": "1", "covered": "0", "billable": "1", "rate": "300.00"}


def test_an_end_under_daily_proration_gives_a_part_of_the_fee_back() -> None:
    """Ended with the 10th: 10 of 30 days are owed; calls from then on are refused."""
    log = Log(words=book(PLANS))
    log.add(on("basic", 1, "s-1"))
    back = log.add(on(None, 11))
    assert told(back) == [("fee", "basic@1", "-200.00")]
    assert back[0]["lines"] == [
        FEE | {"amount": "100.00", "days": 10, "of": 30},
        FEE | {"quantity": "-1", "billable": "-1", "amount": "-300.00"},
    ]
    log.add(call("A", 1, 60, at(10)), call("A", 2, 60, at(11)))
    assert log.rejected == ["account-ended"]


def test_a_change_without_proration_waits_for_the_next_month() -> None:
    """The old plan's proration decides: full fee and allowance until the month's end."""
    log = Log(words=book(PLANS))
    log.add(on("rigid", 1, "s-1"), on("big", 16))
    charges = log.add(call("A", 1, 60 * 12, at(20)), call("A", 2, 60, at(20) + timedelta(days=20)))
    assert told(charges) == [("usage", "rigid@1", "2.00"), ("fee", "big@1", "500.00"), ("usage", "big@1", "0.00")]


def test_a_start_inside_a_month() -> None:
    """Without proration the full fee and allowance, with it 15 of 30 days."""
    rigid, basic = Log(words=book(PLANS)), Log(words=book(PLANS))
    assert told(rigid.add(on("rigid", 16))) == [("fee", "rigid@1", "90.00")]
    assert told(basic.add(on("basic", 16))) == [("fee", "basic@1", "150.00")]
    assert amounts(basic.add(call("A", 1, 60 * 51, at(17)))) == ["0.15"]


def test_a_late_subscription_is_an_adjustment_that_explains_itself() -> None:
    """Calls on the default plan, then a plan from before them: one adjustment, and the fee, as if it had been known."""
    log = Log(words=book(PLANS, default_plan="minutes"))
    log.add(*(call("A", n, 60 * 20, at(2 + n)) for n in range(3)))
    charges = log.add(on("rigid", 1))
    assert told(charges) == [("adjustment", "rigid@1", "38.00"), ("fee", "rigid@1", "90.00")]
    adjustment = charges[0]
    assert adjustment["subscription_id"] == "s-2"
    assert [(line["quantity"], line["covered"], line["rate"], line["amount"]) for line in adjustment["lines"]] == [
        ("-60", "0", "0.20", "-12.00"),
        ("60", "10", "1.00", "50.00"),
    ]
    assert log.charges[-1]["period_total"] == "140.00"


def test_a_void_after_a_late_subscription_uses_the_new_plan() -> None:
    """What is taken back is what the call costs now."""
    log = Log(words=book(PLANS, default_plan="minutes"))
    log.add(call("A", 1, 60 * 20, at(2)), call("A", 2, 60 * 5, at(3)), on("rigid", 1))
    words = {"type": "call-voided/1", "account": "A", "source": "pbx-1", "reason": "test"}
    assert amounts(log.add({**words, "call_id": "c-2"})) == ["-5.00"]


@pytest.mark.parametrize("order", list(permutations(range(5)))[::7])
def test_history_does_not_depend_on_when_it_was_told(order: tuple[int, ...]) -> None:
    """A late subscription gives the totals of an early one, in any order among the calls, while the month is open."""
    events = [
        call("A", 1, 60 * 70, at(5)),
        call("A", 2, 60 * 300, at(18)),
        call("A", 3, None, at(20)),
        on("basic", 1, "s-1"),
        on("big", 16),
    ]
    early = Log(words=book(PLANS, default_plan="minutes"))
    early.add(*events[3:], *events[:3])
    late = Log(words=book(PLANS, default_plan="minutes"))
    late.add(*(events[n] for n in order))
    assert total(late.charges) == total(early.charges) == Decimal("400.00") + Decimal("3.00") + Decimal("9.90")
    ours, theirs = (log.replay.rows[0].tables["usage"][b"A\x1f2026-11"] for log in (late, early))
    assert ours._replace(seq=0) == theirs._replace(seq=0)


def test_a_subscription_that_only_raises_the_cap_brings_no_second_allowance() -> None:
    """The plan is repeated: the segment goes on."""
    log = Log(words=book(PLANS))
    log.add(on("basic", 1, "s-1"), call("A", 1, 60 * 90, at(5)))
    assert log.add(on("basic", 16, spend_cap="900.00")) == []
    assert amounts(log.add(call("A", 2, 60 * 20, at(20)))) == ["1.50"]
    assert len(log.replay.rows[0].tables["usage"][b"A\x1f2026-11"].segments) == 1


def test_of_two_from_the_same_instant_the_later_in_the_log_holds() -> None:
    """And the money of the first is given back."""
    log = Log(words=book(PLANS))
    log.add(on("basic", 1, "s-1"), on("big", 1))
    assert total(log.charges) == 500
    assert told(log.add(call("A", 1, 60 * 402, at(3)))) == [("usage", "big@1", "0.10")]


def test_a_month_with_a_dst_night_is_prorated_by_calendar_days() -> None:
    """In Berlin October 2026 has 31 days, one of 25 hours: from the 25th on 7 are left."""
    log = Log(words=book(PLANS))
    start = "2026-10-25T00:00:00+02:00"
    charges = log.add(subscribed("A", "basic", start, time_zone="Europe/Berlin"))
    assert told(charges) == [("fee", "basic@1", "67.74")]  # 300 * 7 / 31


def test_february_29() -> None:
    """2028 has 29 days in February: one of them is the last."""
    log = Log(words=book(PLANS))
    assert told(log.add(subscribed("A", "basic", "2028-02-29T00:00:00+08:00"))) == []
    log.add(tick("2028-01-01T00:00:00+08:00", operator=True))
    charges = log.add(tick("2028-02-29T00:00:00+08:00", operator=True))
    assert told(charges) == [("fee", "basic@1", "10.34")]  # 300 / 29


def test_a_billing_day_of_15() -> None:
    """From 15 November to 14 December are 30 days; a start on 1 December has 14 of them."""
    log = Log(words=book(PLANS))
    charges = log.add(subscribed("A", "basic", "2026-12-01T00:00:00+08:00", billing_day=15))
    assert (told(charges), charges[0]["period"]) == ([("fee", "basic@1", "140.00")], "2026-11-15")


def months(log: Log) -> list[tuple[str, str, str]]:
    """(period, kind, amount) of all charges; nothing was refused."""
    assert log.rejected == []
    told([charge for charge in log.charges if charge["type"] == "charge/1"])
    return [(c["period"], c["kind"], c["amount"]) for c in log.charges if c["type"] == "charge/1"]


def test_a_new_billing_day_holds_from_the_end_of_the_running_month() -> None:
    """From the 1st to the 15th, said on 20 November: December 1 to 14 is a short period, 14 of 30 days of the month
    that would have begun on 15 November, also for a plan without proration."""
    log = Log(words=book(PLANS))
    log.add(on("rigid", 1, "s-1"), call("A", 1, 60 * 12, at(5)), on("rigid", 20, billing_day=15))
    log.add(call("A", 2, 60 * 6, at(40)), call("A", 3, 60, at(46)))  # 10 and 16 December
    assert months(log) == [
        ("2026-11", "fee", "90.00"),
        ("2026-11", "usage", "2.00"),
        ("2026-12-01", "fee", "42.00"),  # 90 * 14 / 30
        ("2026-12-01", "usage", "1.00"),  # of 10 minutes 4.67 are included, rounded up to 5
        ("2026-12-15", "fee", "90.00"),
        ("2026-12-15", "usage", "0.00"),
    ]


def test_a_new_time_zone_holds_from_the_end_of_the_running_month() -> None:
    """Shanghai's November ends 7 hours before Berlin's: these are a period of their own, one day of Berlin's thirty."""
    log = Log(words=book(PLANS))
    log.add(on("basic", 1, "s-1"), call("A", 1, 60, at(5)), on("basic", 20, time_zone="Europe/Berlin"))
    log.add(call("A", 2, 60, datetime.fromisoformat("2026-11-30T23:59:00+01:00")))
    log.add(call("A", 3, 60, datetime.fromisoformat("2026-12-01T00:00:00+01:00")))
    assert [row for row in months(log) if row[1] == "fee"] == [
        ("2026-11", "fee", "300.00"),
        ("2026-11-30", "fee", "10.00"),
        ("2026-12", "fee", "300.00"),
    ]
    assert log.charges[-1]["period"] == "2026-12"
    log.add(tick("2026-12-11T07:00:00+08:00"))
    closed = [(c["period"], c["end"], c["total"]) for c in log.charges if c["type"] == "period-closed/1"]
    assert closed == [
        ("2026-11", "2026-11-30T16:00:00+00:00", "300.00"),
        ("2026-11-30", "2026-11-30T23:00:00+00:00", "10.00"),
    ]


def test_a_change_that_would_give_two_periods_one_name_is_refused() -> None:
    """A few hours of 30 November in UTC, then again of 30 November in Honolulu: nobody could tell them apart."""
    log = Log(words=book(PLANS))
    log.add(on("minutes", 1, "s-1", time_zone="Pacific/Kiritimati"), call("A", 1, 60, at(5)))
    log.add(on("minutes", 20, time_zone="UTC"), call("A", 2, 60, datetime.fromisoformat("2026-11-30T12:00:00Z")))
    assert log.charges[-1]["period"] == "2026-11-30"
    log.add(subscribed("A", "minutes", "2026-11-30T12:00:00Z", subscription_id="s-3", time_zone="Pacific/Honolulu"))
    assert log.rejected == ["ambiguous-period"]


def test_an_end_that_comes_late_takes_a_charged_month_back() -> None:
    """Ended before a month that was charged: its fee and its calls are given back, and voids of them cost nothing."""
    words = {"type": "call-voided/1", "account": "A", "source": "pbx-1", "reason": "test"}
    for plan, fee, usage in (("basic", "300.00", "1.50"), ("rigid", "90.00", "100.00")):
        log = Log(words=book(PLANS))
        log.add(subscribed("A", plan, "2026-10-01T00:00:00+08:00", subscription_id="s-1"))
        assert amounts(log.add(call("A", 1, 60 * 110, at(5)))) == [fee, usage]
        back = log.add(on(None, 1))
        assert [(c["kind"], c["amount"]) for c in back] == [("adjustment", f"-{usage}"), ("fee", f"-{fee}")]
        told(back)
        assert back[-1]["period_total"] == "0.00"
        reversed_ = log.add({**words, "call_id": "c-1"})
        assert [(c["kind"], c["amount"], c["period_total"]) for c in reversed_] == [("reversal", "0.00", "0.00")]
        log.add(call("A", 2, 60, at(6)))
        assert log.rejected == ["account-ended"]
        (closed,) = (c for c in log.add(tick("2026-12-11T00:00:00+08:00")) if c.get("period") == "2026-11")
        assert closed["total"] == "0.00"
        RESULTS["period-closed/1"].model_validate_json(orjson.dumps(closed))


def test_a_plan_after_such_an_end_rates_the_month_again() -> None:
    """The end was a mistake: a plan from the same day brings everything back."""
    log = Log(words=book(PLANS))
    log.add(subscribed("A", "basic", "2026-10-01T00:00:00+08:00", subscription_id="s-1"), call("A", 1, 6600, at(5)))
    log.add(on(None, 1), on("basic", 1, "s-3"))
    assert log.charges[-1]["period_total"] == "301.50"


def test_a_void_of_a_call_behind_the_end_of_its_plan_costs_nothing() -> None:
    """A late end under daily proration took the call's money back already."""
    log = Log(words=book(PLANS))
    log.add(on("basic", 1, "s-1"), call("A", 1, 60 * 120, at(5)), call("A", 2, 60 * 10, at(20)))
    log.add(on(None, 16))
    before = log.charges[-1]["period_total"]
    assert before == "160.50", "15 of 30 days: 150.00, and 120 minutes with 50 covered: 10.50"
    words = {"type": "call-voided/1", "account": "A", "source": "pbx-1", "reason": "test", "call_id": "c-2"}
    (reversal,) = log.add(words)
    assert (reversal["amount"], reversal["period_total"]) == ("0.00", before)


def test_a_plan_that_is_yet_to_come_brings_no_fee_before_its_time() -> None:
    """One from February on is known when one from January comes: February's fee waits for February."""
    log = Log(words=book(PLANS))
    said = int(at(12).timestamp() * 1000)
    log.add(subscribed("A", "minutes", "2026-12-02T00:00:00+08:00", subscription_id="s-1"), timestamp=said)
    log.add(on("basic", 9), timestamp=said)
    assert [(c["period"], c["amount"]) for c in log.charges] == [("2026-11", "220.00")]  # 22 of 30 days
    log.add(tick("2026-12-01T00:00:00+08:00"))
    assert [(c["period"], c["amount"]) for c in log.charges][1:] == [("2026-12", "9.68")]  # one day of 31


def test_the_same_negotiated_plan_again_brings_no_second_allowance() -> None:
    """Said again to raise the cap, in the same words: the segment goes on. In other words it is another plan."""
    own = {"fee": "50.00", "minutes": {"allowance": 100, "rate": "0.10"}, "proration": "daily"}
    other = {**own, "minutes": {"allowance": 100, "rate": "0.20"}}
    for again, segments, amount in ((own, 1, "1.00"), (other, 2, "0.00")):
        log = Log(words=book(PLANS))
        log.add(subscribed("A", own, DAY.format(1), subscription_id="s-1", spend_cap="500"))
        log.add(call("A", 1, 60 * 100 if segments == 1 else 60 * 50, at(5)))
        log.add(subscribed("A", again, DAY.format(16), subscription_id="s-2", spend_cap="900"))
        assert amounts(log.add(call("A", 2, 60 * 10, at(20)))) == [amount]
        assert len(log.replay.rows[0].tables["usage"][b"A\x1f2026-11"].segments) == segments


def test_negotiated_plans_in_equal_words_are_one_segment_in_whatever_order_they_are_said() -> None:
    """From the 16th, then from the 11th, or the other way round: one fee for 20 days and one allowance."""
    own: Event = {"fee": "10.00", "minutes": {"allowance": 100, "rate": "0.10"}, "proration": "daily"}
    later = subscribed("A", own, DAY.format(16), subscription_id="s-16")
    sooner = subscribed("A", {**own, "fee": "10.0"}, DAY.format(11), subscription_id="s-11")
    for said in permutations((later, sooner)):
        log = Log(words=book(PLANS))
        log.add(on("basic", 1, "s-1"), *said, call("A", 1, 60 * 50, at(12)), call("A", 2, 60 * 20, at(20)))
        assert total(c for c in log.charges if c["kind"] == "fee") == Decimal("106.67")
        assert len(log.replay.rows[0].tables["usage"][b"A\x1f2026-11"].segments) == 2
        assert total(c for c in log.charges if c["kind"] == "usage") == Decimal("0.30"), "67 of 70 minutes are covered"
