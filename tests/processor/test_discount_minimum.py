"""A discount on usage, and a minimum that is settled when the period closes: worked money."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
import yaml

from rater.processor.rows import TABLES, TARIFFS
from rater.processor.step import make_step
from rater.rating.advice import plan_cost
from rater.rating.units import NO_COUNTS
from rater.readmodel.plan_texts import plan_terms
from rater.wire.results import RESULTS
from rater.wire.tariff_book import PlanWords
from rater.wire.tariff_file import load_book
from tests.support.logs import Event, Log, amounts, book, call, subscribed, tick

MINUTES: Event = {"minutes": {"rate": "0.12"}}
PLANS: Event = {
    "tenth-off": {"discount": "0.10", "minutes": {"rate": "0.125"}, "calls": {"rate": "0.50"}},
    "volume-off": {
        "discount": "0.5",
        "minutes": {"volume": [{"from": 0, "rate": "0.20"}, {"from": 2, "rate": "0.10"}]},
    },
    "at-least": {"fee": "20.00", "minimum": "100.00", **MINUTES},
    "no-fee": {"minimum": "30.00", **MINUTES},
    "by-days": {"fee": "31.00", "minimum": "310.00", "proration": "daily", **MINUTES},
    "by-days-too": {"minimum": "60.00", "proration": "daily", "minutes": {"rate": "1.00"}},
    "plain": {"fee": "1.00", **MINUTES},
}
OCTOBER = "2026-10-01T00:00:00+08:00"
CLOSED = tick("2026-11-11T00:00:00+08:00", operator=True)
"""Ten days after the end of October."""


def in_october(plan: str | Event, **fields: Any) -> Log:
    """An account that has been on a plan since the first of October."""
    log = Log(make_step(spend=True), book(PLANS))
    log.add(subscribed("A", plan, OCTOBER, **fields))
    return log


def talked(number: int, seconds: int, day: int = 5) -> Event:
    """A call of that day of October."""
    return call("A", number, seconds, datetime.fromisoformat(f"2026-10-{day:02d}T09:00:00+08:00"))


def closing(log: Log) -> tuple[list[Event], Event]:
    """What closing charges, and the closed October; all messages are what their models say."""
    before = len(log.charges)
    log.add(CLOSED)
    made = [one for one in log.charges[before:] if one["period"] == "2026-10"]
    for message in log.charges:
        RESULTS[message["type"]].model_validate_json(orjson.dumps(message))
    (closed,) = [one for one in made if one["type"] == "period-closed/1"]
    return [one for one in made if one is not closed], closed


def test_a_discount_is_taken_off_before_rounding() -> None:
    """3 minutes at 0.125 and a call at 0.50: 0.875, less a tenth 0.7875, is 0.79; again: 1.575 is 1.58, so 0.79."""
    charges = in_october("tenth-off").add(talked(1, 180), talked(2, 180))
    assert amounts(charges) == ["0.79", "0.79"]
    lines = [(line["meter"], line["amount"]) for line in charges[0]["lines"]]
    assert lines == [("minutes", "0.38"), ("connected-calls", "0.50"), ("discount", "-0.09")]
    assert charges[0]["lines"][0]["rate"] == "0.125"  # the list price


def test_a_discount_on_what_is_priced_anew() -> None:
    """2 minutes at 0.10 each after one at 0.20: the list price stays 0.20, so the second costs nothing."""
    charges = in_october("volume-off").add(talked(1, 60), talked(2, 60))
    assert amounts(charges) == ["0.10", "0.00"]
    assert sum(Decimal(line["amount"]) for line in charges[1]["lines"]) == 0


def test_what_is_short_of_the_minimum_is_charged_at_closing() -> None:
    """Fee 20.00 and 100 minutes at 0.12: 32.00, so 68.00 more; `period-closed` says it, and its parts sum to 100.00."""
    log = in_october("at-least")
    log.add(talked(1, 6_000))
    (settled,), closed = closing(log)
    assert (settled["kind"], settled["amount"], settled["period_total"]) == ("minimum", "68.00", "100.00")
    assert settled["lines"] == [{"meter": "minimum", "amount": "68.00"}]
    assert (closed["segments"][0]["minimum"], closed["total"], closed["last_seq"]) == ("68.00", "100.00", 3)


def test_usage_beyond_the_minimum_owes_nothing_more() -> None:
    """1,000 minutes at 0.12 and the fee are 140.00."""
    log = in_october("at-least")
    log.add(talked(1, 60_000))
    settled, closed = closing(log)
    assert settled == []
    assert "minimum" not in closed["segments"][0]
    assert closed["total"] == "140.00"


def test_credits_do_not_count_towards_it() -> None:
    """A credit of 10.00 stays a credit: 20.00 + 80.00 - 10.00."""
    log = in_october("at-least")
    words = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a-1", "amount": "-10.00", "reason": "late"}
    log.add(words)
    (settled,), closed = closing(log)
    assert (settled["amount"], closed["total"], closed["adjustments"]) == ("80.00", "90.00", "-10.00")


def test_a_month_without_a_call_or_a_fee_owes_the_minimum() -> None:
    """A fee of 0.00 makes the period known, and closing charges 30.00."""
    log = in_october("no-fee")
    assert amounts(log.charges) == ["0.00"]
    (settled,), closed = closing(log)
    assert (settled["amount"], closed["total"]) == ("30.00", "30.00")


def test_each_plan_of_a_month_has_its_own_minimum_by_days() -> None:
    """15 of 31 days: 150.00 less 15.00 fee; then 16 days: 30.97 less 20.00 of usage. What one used helps no other."""
    log = in_october("by-days")
    log.add(subscribed("A", "by-days-too", "2026-10-16T00:00:00+08:00", subscription_id="s-2"))
    log.add(talked(1, 1_200, day=20))
    settled, closed = closing(log)
    assert [(one["plan"], one["amount"]) for one in settled] == [("by-days@1", "135.00"), ("by-days-too@1", "10.97")]
    assert [one["minimum"] for one in closed["segments"]] == ["135.00", "10.97"]
    assert closed["total"] == "180.97"


def test_a_negotiated_plan_may_say_both() -> None:
    """An inline plan has them as a plan of the book has."""
    log = in_october({"minimum": "5.00", "discount": "0.2", "minutes": {"rate": "1.00"}})
    log.add(talked(1, 60))
    (settled,), closed = closing(log)
    assert (settled["amount"], closed["total"]) == ("4.20", "5.00")


def test_the_forecast_has_the_minimum_in() -> None:
    """Two days of 10 minutes each: 37.20 and the fee come to less than 100.00, whatever the coming days bring."""
    log = in_october("at-least")
    for day in (1, 2):
        log.add(talked(day, 600, day), tick(f"2026-10-{day + 1:02d}T00:00:30+08:00", operator=True))
    spend = [orjson.loads(out.value or b"") for out in log.outputs if out.topic == "spend"][-1]
    assert spend["forecast"] == {"total": "100.00", "low": "100.00", "high": "100.00"}
    log.add(tick("2026-11-01T00:00:30+08:00", operator=True))  # over, and not closed
    of_october = [orjson.loads(out.value or b"") for out in log.outputs if out.topic == "spend" and out.value]
    last = [one for one in of_october if one["period"] == "2026-10"][-1]
    assert (last["total"], last["forecast"]["total"]) == ("22.40", "100.00")
    log.add(CLOSED)
    closed = [orjson.loads(out.value or b"") for out in log.outputs if out.topic == "spend" and out.value]
    last = [one for one in closed if one["period"] == "2026-10"][-1]
    assert (last["total"], last["forecast"]["total"]) == ("100.00", "100.00")


def test_late_calls_go_into_the_open_month_and_the_closed_one_stays() -> None:
    """What was settled is final."""
    log = in_october("at-least")
    closing(log)
    late = log.add(talked(1, 60))[-1]
    assert (late["late"], late["period"]) == (True, "2026-11")


def test_rows_and_words_say_them_and_leave_them_out() -> None:
    """Plans without them are encoded as before; a restart reads them back to the digit."""
    encode, decode = next((table.encode, table.decode) for table in TABLES if table.name == TARIFFS)
    plan = PlanWords.model_validate({"discount": "0.10", "minimum": "30.50", **MINUTES}).to_core("p@1")
    assert decode(encode(plan)) == plan
    assert PlanWords.of(plan).to_core("p@1") == plan
    plain = PlanWords.model_validate(MINUTES).to_core("p@1")
    assert b"discount" not in encode(plain)
    assert b'minimum"' not in encode(plain)
    assert not plan.same_terms(plain)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"discount": "1.1"}, "plans.p.discount"),
        ({"discount": "0.12345"}, "plans.p.discount"),
        ({"minimum": "-1"}, "plans.p.minimum"),
    ],
)
def test_a_wrong_one_is_refused_with_its_place(words: Event, said: str) -> None:
    """The error names the field."""
    text = yaml.safe_dump({**book({"p": {**MINUTES, **words}})})
    errors = load_book(text.encode())
    assert isinstance(errors, tuple)
    assert said in str(errors[0])


def test_the_default_plan_has_no_minimum() -> None:
    """Nobody who was never subscribed owes one."""
    text = yaml.safe_dump({**book({"p": {"minimum": "1.00", **MINUTES}}), "default_plan": "p"})
    errors = load_book(text.encode())
    assert isinstance(errors, tuple)
    assert "no fee, items, set-up, minimum or guarantee" in str(errors[0])


def test_people_read_them() -> None:
    """On the page of plans, in both languages."""
    words = {"fee": "20.00", "discount": "0.10", "minimum": "100.00", **MINUTES}
    plan = PlanWords.model_validate(words).to_core("p")
    assert plan_terms(plan)[:3] == [("monthly fee", "20.00"), ("discount", "10 % off usage"), ("minimum", "100.00")]
    assert plan_terms(plan, "zh")[:3] == [("月费", "20.00"), ("折扣", "用量优惠 10%"), ("最低消费", "100.00")]


def test_advice_counts_them() -> None:
    """A month of no calls costs the minimum, a full one what it used."""
    plan = PlanWords.model_validate(PLANS["at-least"]).to_core("p")
    assert plan_cost(plan, NO_COUNTS, 2) == Decimal("100.00")
    assert plan_cost(plan, (60_000, 1, *NO_COUNTS[2:]), 2) == Decimal("140.00")
