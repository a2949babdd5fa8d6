"""Every worked total of rating.md, through the step: unit by unit, and the charges a billing person would check."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.logs import START, Event, Log, amounts, book, call, subscribed, total

USAGE = [
    ("per-minute", 10, "2.00"),
    ("per-minute", 49, "9.80"),
    ("per-minute", 50, "9.00"),
    ("per-minute", 99, "17.82"),
    ("per-minute", 100, "16.00"),
    ("per-call", 10, "20.00"),
    ("per-call", 49, "98.00"),
    ("per-call", 50, "90.00"),
    ("per-call", 99, "178.20"),
    ("per-call", 100, "150.00"),
    ("package-basic", 100, "0.00"),
    ("package-basic", 101, "0.15"),
    ("package-basic", 200, "15.00"),
    ("package-premium", 5000, "0.00"),
    ("hybrid-400", 150, "330.00"),
    ("hybrid-400", 160, "353.60"),
]
"""(plan, units, what they cost beside the fee); hybrid-400 by calls of one minute: 2.20 each, 0.16 from 150 on."""

FEES = {"package-basic": "300.00", "package-premium": "500.00", "hybrid-200": "200.00", "hybrid-400": "400.00"}


def usage_of(charges: Iterable[Event]) -> list[Event]:
    return [charge for charge in charges if charge["kind"] == "usage"]


def numbered(charges: list[Event]) -> bool:
    """Do the charges count 1, 2, 3, carry the running total, and do the lines of each sum to it?"""
    running = Decimal(0)
    for number, charge in enumerate(charges, start=1):
        running += Decimal(charge["amount"])
        lines = sum((Decimal(line["amount"]) for line in charge["lines"]), Decimal(0))
        if (charge["seq"], Decimal(charge["period_total"])) != (number, running) or lines != Decimal(charge["amount"]):
            return False
    return True


@pytest.mark.parametrize(("plan", "units", "cost"), USAGE)
def test_unit_by_unit_a_period_costs_what_the_plan_says(plan: str, units: int, cost: str) -> None:
    """One-minute calls, one after the other, sum to the worked total, counted and explained."""
    log = Log()
    log.add(subscribed("A", plan), *(call("A", n) for n in range(units)))
    assert total(usage_of(log.charges)) == Decimal(cost)
    assert total(log.charges) == Decimal(cost) + Decimal(FEES.get(plan, "0"))
    assert numbered(log.charges)


@pytest.mark.parametrize(("plan", "units", "cost"), [row for row in USAGE if row[0] in {"per-minute", "package-basic"}])
def test_in_one_go_a_call_costs_what_its_units_cost(plan: str, units: int, cost: str) -> None:
    """One call of all the minutes costs the worked total."""
    log = Log()
    log.add(subscribed("A", plan))
    assert amounts(log.add(call("A", 1, 60 * units))) == [cost]


def test_hybrid_200_of_60_minutes_in_20_calls_costs_251_80() -> None:
    """10 * 0.18 + 20 * 2.50 = 51.80, and the fee of 200."""
    log = Log()
    log.add(subscribed("A", "hybrid-200"), *(call("A", n, 180) for n in range(20)))
    assert total(usage_of(log.charges)) == Decimal("51.80")
    assert log.charges[-1]["period_total"] == "251.80"


def test_the_charge_of_the_contract_comes_out_word_for_word() -> None:
    """The charge of contracts.md and the call's direction: after a fee and five calls of 49 minutes, 107 s of talk."""
    log = Log()
    log.add(subscribed("A000123", "hybrid-200"), *(call("A000123", n, 588) for n in range(4)), call("A000123", 4, 540))
    start = datetime.fromisoformat("2026-11-01T08:00:02+08:00")
    [charge] = log.add(call("A000123", "0000001", 107, start))
    assert charge == {
        "type": "charge/1",
        "charge_id": "A000123:2026-11:7",
        "account": "A000123",
        "period": "2026-11",
        "seq": 7,
        "kind": "usage",
        "plan": "hybrid-200@1",
        "call": {
            "source": "pbx-1",
            "call_id": "c-0000001",
            "started_at": "2026-11-01T08:00:02+08:00",
            "direction": "outbound",
            "connected": True,
            "talk_seconds": 107,
            "billed_seconds": 120,
        },
        "lines": [
            line("minutes", "2", "1", "1", "0.18", "0.18"),
            line("connected-calls", "1", "0", "1", "2.50", "2.50"),
        ],
        "amount": "2.68",
        "currency": "CNY",
        "period_total": "215.18",
        "allowance_left": {"minutes": "0"},
        "late": False,
    }


def line(meter: str, quantity: str, covered: str, billable: str, rate: str, amount: str, **more: str) -> Event:
    words = {"meter": meter, "quantity": quantity, "covered": covered, "billable": billable, "rate": rate}
    return {**words, "amount": amount, **more}


def test_the_50th_minute_gives_back_80_cents_and_says_why() -> None:
    """9.00 - 9.80: the new minute at 0.18, and 49 earlier ones re-priced from 0.20 to 0.18."""
    log = Log()
    log.add(call("A", 1, 49 * 60))
    [charge] = log.add(call("A", 2, 60))
    assert charge["amount"] == "-0.80"
    assert charge["lines"] == [
        line("minutes", "1", "0", "1", "0.18", "0.18"),
        line("minutes", "49", "0", "49", "0.18", "-0.98", repriced_from="0.20"),
    ]


def graduated(*bands: tuple[int, str, str]) -> Event:
    words = [{"from": start, "rate": rate, "flat": flat} for start, rate, flat in bands]
    return {"minutes": {"graduated": words}}


def volume(*bands: tuple[int, str, str]) -> Event:
    words = [{"from": start, "rate": rate, "flat": flat} for start, rate, flat in bands]
    return {"minutes": {"volume": words}}


PRICES: list[tuple[str, Event, dict[int, str]]] = [
    ("graduated", graduated((0, "0.20", "0"), (50, "0.18", "0")), {0: "0.00", 50: "10.00", 51: "10.18"}),
    ("graduated flats", graduated((0, "0.20", "1"), (50, "0.18", "5")), {1: "1.20", 50: "11.00", 51: "16.18"}),
    ("volume flats", volume((0, "0.20", "1"), (50, "0.18", "5")), {0: "0.00", 1: "1.20", 49: "10.80", 50: "14.00"}),
    ("flat", {"minutes": {"rate": "0.20"}}, {1: "0.20", 7: "1.40"}),
]


@pytest.mark.parametrize(("name", "plan", "costs"), PRICES, ids=[row[0] for row in PRICES])
def test_each_kind_of_price(name: str, plan: Event, costs: dict[int, str]) -> None:
    """Graduated bands are entered beyond `from`, volume bands at it; a flat falls due with its band's first unit."""
    for minutes, cost in costs.items():
        log = Log(words=book({"p": plan}, default_plan="p"))
        assert total(log.add(call("A", 0, 0), *(call("A", n, 60) for n in range(1, minutes + 1)))) == Decimal(cost), (
            name
        )
        assert numbered(log.charges)


INCREMENTS: list[tuple[str, int, float, int]] = [
    ("60/60", 0, 0, 0),
    ("60/60", 0, 0.499, 0),
    ("60/60", 0, 0.5, 60),
    ("60/60", 0, 60, 60),
    ("60/60", 0, 60.499, 60),
    ("60/60", 0, 60.5, 120),
    ("30/6", 0, 1, 30),
    ("30/6", 0, 30, 30),
    ("30/6", 0, 31, 36),
    ("30/6", 0, 36, 36),
    ("1/1", 0, 107, 107),
    ("1/1", 20, 0, 0),
    ("1/1", 20, 1, 20),
    ("6/6", 20, 1, 24),
]


@pytest.mark.parametrize(("increment", "minimum", "talk", "billed"), INCREMENTS)
def test_talk_time_is_billed_by_the_increment(increment: str, minimum: int, talk: float, billed: int) -> None:
    """Talk time to whole seconds, half up; the minimum from 1 s on, then the steps."""
    plan = {"minutes": {"rate": "0.60", "increment": increment, "minimum": minimum}}
    log = Log(words=book({"p": plan}, default_plan="p"))
    [charge] = log.add(call("A", 1, talk))
    assert charge["call"]["billed_seconds"] == billed
    assert Decimal(charge["amount"]) == Decimal(billed) / 100


def test_a_connected_call_of_0_seconds_is_a_connected_call_of_0_minutes() -> None:
    """It costs its connection and no minute."""
    log = Log()
    log.add(subscribed("A", "hybrid-200"))
    [charge] = log.add(call("A", 1, 0))
    assert charge["lines"] == [line("connected-calls", "1", "0", "1", "2.50", "2.50")]


def test_a_call_that_was_not_answered_is_free_and_charged_0() -> None:
    """The connect rate and the audit need it."""
    log = Log()
    [charge] = log.add(call("A", 1, None))
    assert (charge["amount"], charge["lines"], charge["call"]["connected"]) == ("0.00", [], False)


def test_a_meter_counts_the_directions_that_it_names() -> None:
    """Inbound calls are free where the meters count outbound ones."""
    plan: dict[str, Any] = {"minutes": {"rate": "1", "directions": ["outbound"]}, "calls": {"rate": "3"}}
    log = Log(words=book({"p": plan}, default_plan="p"))
    charges = log.add(call("A", 1), call("A", 2, direction="inbound"), call("A", 3, direction="internal"))
    assert amounts(charges) == ["4.00", "3.00", "3.00"]


@pytest.mark.parametrize(
    ("currency", "precision", "rate", "charged"),
    [
        ("JPY", None, "0.5", ["1", "0", "1"]),
        ("KWD", None, "0.0005", ["0.001", "0.000", "0.001"]),
        ("CNY", 9, "0.000000001", ["0.000000001", "0.000000001", "0.000000001"]),
    ],
)
def test_amounts_have_the_currencys_places(currency: str, precision: int | None, rate: str, charged: list[str]) -> None:
    """JPY has none, KWD three; half a unit goes up, and the next charge makes up for it."""
    more = {} if precision is None else {"precision": precision}
    log = Log(words=book({"p": {"minutes": {"rate": rate}}}, currency=currency, default_plan="p", **more))
    charges = log.add(*(call("A", n) for n in range(3)))
    assert amounts(charges) == charged
    assert numbered(charges)


def test_what_lines_round_away_stands_in_a_rounding_line() -> None:
    """Two meters of half a cent each: a cent in all, while each line rounds up to one."""
    plan = {"minutes": {"rate": "0.005"}, "calls": {"rate": "0.005"}}
    log = Log(words=book({"p": plan}, default_plan="p"))
    [charge] = log.add(call("A", 1))
    assert charge["amount"] == "0.01"
    assert [entry["amount"] for entry in charge["lines"]] == ["0.01", "0.01", "-0.01"]
    assert charge["lines"][-1] == {"meter": "rounding", "amount": "-0.01"}


def test_seconds_cost_exactly_their_part_of_a_minute() -> None:
    """Per-second billing of a rate that 60 does not divide: 7 calls of 1 s sum to R(7 * 0.19 / 60)."""
    log = Log(words=book({"p": {"minutes": {"rate": "0.19", "increment": "1/1"}}}, default_plan="p"))
    charges = log.add(*(call("A", n, 1) for n in range(7)))
    assert total(charges) == Decimal("0.02")
    assert charges[0]["lines"][0]["quantity"] == "0.016667"


def test_a_negotiated_plan_is_rated_by_its_own_words() -> None:
    """An inline plan is version 1 of its subscription."""
    plan = {"fee": "10.00", "minutes": {"allowance": 1, "rate": "0.07"}}
    log = Log()
    charges = log.add(subscribed("A", plan, subscription_id="s-17"), call("A", 1), call("A", 2))
    assert [(charge["plan"], charge["amount"]) for charge in charges] == [
        ("s-17@1", "10.00"),
        ("s-17@1", "0.00"),
        ("s-17@1", "0.07"),
    ]


def test_allowance_left_is_told_for_each_meter_that_has_one() -> None:
    """Unlimited is said in words; a meter without an allowance is left out."""
    plan: dict[str, Any] = {"minutes": {"allowance": "unlimited"}, "calls": {"allowance": 3, "rate": "1"}}
    log = Log(words=book({"p": plan}, default_plan="p"))
    [charge] = log.add(call("A", 1))
    assert charge["allowance_left"] == {"minutes": "unlimited", "connected-calls": "2"}


def test_calls_of_a_minute_apart_are_all_charged_in_a_day() -> None:
    """The starts of calls do not matter within a period."""
    log = Log()
    charges = log.add(*(call("A", n, start=START + timedelta(minutes=n)) for n in range(10)))
    assert total(charges) == Decimal("2.00")
