"""Items that recur beside the fee, and set-ups that are due once: worked money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from rater.audit.due import due
from rater.processor.rows import ACCOUNTS, TABLES
from rater.processor.step import make_step
from rater.rating.advice import plan_cost
from rater.rating.units import NO_COUNTS
from rater.readmodel.plan_texts import plan_terms
from rater.readmodel.statement import Statement, statement
from rater.wire.results import RESULTS
from rater.wire.tariff_book import PlanWords
from tests.console.readmodel import opened
from tests.support.logs import Event, Log, amounts, book, call, published, subscribed, tick

MINUTES: Event = {"minutes": {"rate": "0.12"}}
SEATS: Event = {"seat": {"price": "80.00", "quantity": 10}}
PLANS: Event = {
    "cheap": {"fee": "310.00", "proration": "daily", **MINUTES},
    "dear": {"fee": "620.00", "proration": "daily", **MINUTES},
    "team": {"items": SEATS | {"number": {"price": "15.00"}}, "proration": "daily", **MINUTES},
    "rigid": {"fee": "200.00", "items": SEATS, "setup": "500.00", **MINUTES},
    "other": {"fee": "100.00", "setup": "50.00", **MINUTES},
    "at-least": {"fee": "20.00", "items": {"seat": {"price": "60.00"}}, "minimum": "100.00", **MINUTES},
}
SUBSCRIBED = "2026-11-01T00:00:00+08:00"
CLOSED = tick("2026-12-11T00:00:00+08:00", operator=True)
"""Ten days after the end of November."""


def on(plan: str | Event | None, day: int = 1, month: int = 11, **fields: Any) -> Event:
    """The n-th subscription: the account is under a plan from that day on."""
    return subscribed(
        "A", plan, f"2026-{month:02d}-{day:02d}T00:00:00+08:00", **{"subscription_id": f"s-{month}-{day}", **fields}
    )


def under(plan: str | Event, **fields: Any) -> Log:
    """An account on a plan from the first of November on."""
    log = Log(make_step(spend=True), book(PLANS))
    log.add(on(plan, **fields))
    return log


def lines_of(charges: list[Event]) -> list[tuple[str, str, str, str, str | None, str | None]]:
    """What each line says: meter, quantity, rate, amount, `days/of`, plan."""
    return [
        (
            line["meter"],
            line["billable"],
            line["rate"],
            line["amount"],
            f"{line['days']}/{line['of']}" if "of" in line else None,
            line.get("plan"),
        )
        for charge in charges
        for line in charge["lines"]
    ]


def holds(log: Log) -> None:
    """All messages are what their models say, and what the audit reckons is what was charged."""
    for message in log.charges:
        RESULTS[message["type"]].model_validate_json(orjson.dumps(message))
        assert all(line["meter"] != "rounding" for line in message.get("lines", ()) if message["kind"] == "fee")
    rows = log.replay.rows[0]
    open_totals = sum((usage.total for usage in rows.table("usage").values()), Decimal(0))
    assert due(rows)[1] == open_totals
    for table in TABLES:
        for row in rows.table(table.name).values():
            assert table.decode(table.encode(row)) == row


def test_a_fee_that_changes_is_told_plan_by_plan() -> None:
    """310.00 to 620.00 on the 16th of 30 days: 155.00 less 310.00, and 310.00: +155.00, in all 465.00."""
    log = under("cheap")
    made = log.add(on("dear", 16))
    assert amounts(log.charges) == ["310.00", "155.00"]
    assert lines_of(made) == [
        ("fee", "1", "310.00", "155.00", "15/30", "cheap@1"),
        ("fee", "-1", "310.00", "-310.00", None, "cheap@1"),
        ("fee", "1", "620.00", "310.00", "15/30", None),
    ]
    holds(log)


def test_a_fee_of_31_days() -> None:
    """October: 15 days of 310.00 are 150.00, 16 of 620.00 are 320.00: +160.00."""
    log = Log(make_step(), book(PLANS))
    log.add(on("cheap", 1, 10))
    assert amounts(log.add(on("dear", 16, 10))) == ["160.00"]
    holds(log)


def test_more_seats_by_days() -> None:
    """10 seats at 80.00 and a number: 815.00; 25 seats from the 16th on: 400.00 and 1000.00 less 800.00: +600.00."""
    log = under("team")
    assert amounts(log.charges) == ["815.00"]
    made = log.add(on("team", 16, items={"seat": 25}))
    assert amounts(made) == ["600.00"]
    assert lines_of(made) == [
        ("item:seat", "10", "80.00", "400.00", "15/30", None),
        ("item:seat", "25", "80.00", "1000.00", "15/30", None),
        ("item:seat", "-10", "80.00", "-800.00", None, None),
    ]
    december = log.add(tick("2026-12-01T00:00:00+08:00"))
    assert amounts(december) == ["2015.00"]  # 25 seats and the number
    log.add(tick("2027-01-01T00:00:00+08:00"))
    log.add(CLOSED)
    (closed,) = [one for one in log.charges if one["type"] == "period-closed/1"]
    assert [(one["fee"], one["items"], one["price"]) for one in closed["segments"]] == [("0.00", "1415.00", "0")]
    holds(log)


def test_seats_that_come_later_are_due_when_they_begin() -> None:
    """Said before the month began: the first of it owes 10 seats for 15 days, the 16th owes the rest."""
    log = Log(make_step(), book(PLANS))
    log.add(on("team", 1, items={"number": 0}), on("team", 16, items={"seat": 25}), timestamp=1_780_000_000_000)
    assert amounts(log.charges) == []
    assert amounts(log.add(tick("2026-11-01T00:00:00+08:00"))) == ["400.00"]
    assert amounts(log.add(tick("2026-11-15T23:59:59+08:00"))) == []
    assert amounts(log.add(tick("2026-11-16T00:00:00+08:00"))) == ["1000.00"]
    holds(log)


def test_without_proration_the_most_of_a_month_is_owed() -> None:
    """10, 25, then 5 seats: 25 for the whole month; 5 from the next on."""
    log = under("rigid")
    assert amounts(log.charges) == ["1500.00"]  # fee 200.00, 10 seats 800.00, set-up 500.00
    assert amounts(log.add(on("rigid", 10, items={"seat": 25}))) == ["1200.00"]
    assert amounts(log.add(on("rigid", 20, items={"seat": 5}))) == []
    assert amounts(log.add(tick("2026-12-01T00:00:00+08:00"))) == ["600.00"]
    holds(log)


def test_own_items_stay_and_quantities_end_with_their_plan() -> None:
    """A line of the account's own goes on under another plan; 25 seats do not; null ends what is there."""
    log = under("team", items={"seat": 25, "vpn": {"price": "30.00", "quantity": 2}})
    assert amounts(log.charges) == ["2075.00"]  # 2000.00, the number 15.00, vpn 60.00
    assert amounts(log.add(on("cheap", 1, 12))) == ["370.00"]  # 310.00 and vpn 60.00
    again = on("team", 1) | {"from": "2027-01-01T00:00:00+08:00", "subscription_id": "s-13"}
    assert amounts(log.add(again)) == ["875.00"]  # 10 seats again, the number, vpn
    ended = on("team", 1) | {"from": "2027-02-01T00:00:00+08:00", "subscription_id": "s-14"}
    log.add({**ended, "items": {"vpn": None, "number": None}})
    made = log.add(tick("2027-02-01T00:00:00+08:00", operator=True))
    assert [one["amount"] for one in made if one.get("kind") == "fee"] == ["800.00"]
    holds(log)


def test_an_own_item_takes_the_place_of_the_plans() -> None:
    """Seats at 70.00 for this account; when they end, the plan's are there again."""
    log = under("team", items={"seat": {"price": "70.00", "quantity": 10}})
    assert amounts(log.charges) == ["715.00"]
    assert amounts(log.add(on("team", 16, items={"seat": None}))) == ["50.00"]  # 350.00 + 400.00 - 700.00
    holds(log)


def test_a_quantity_of_what_the_plan_does_not_have_is_rejected() -> None:
    """So is one that is too large, or no number; the account is as it was."""
    log = under("team")
    log.add(on("team", 2, items={"desk": 3}), on("cheap", 3, items={"seat": 3}), on(None, 4, items={"seat": 3}))
    log.add(on("team", 5, items={"seat": 1_000_001}), on("team", 6, items={"seat": True}))
    log.add(on("team", 7, items={"a b": 1}), on("team", 8, items={f"i{n}": None for n in range(21)}))
    assert log.rejected == ["unknown-item"] * 3 + ["wrong-shape"] * 4
    assert amounts(log.charges) == ["815.00"]
    holds(log)


def test_what_a_later_history_leaves_dangling_counts_nothing() -> None:
    """25 seats were said of a plan that the account then never had."""
    log = under("team")
    log.add(on("team", 16, items={"seat": 25}))
    log.add(on("cheap", 16, subscription_id="s-late"))
    assert sum(map(Decimal, amounts(log.charges))) == Decimal("562.50")  # 407.50 and 155.00
    holds(log)


def test_equal_items_are_a_repetition_and_others_a_conflict() -> None:
    """However the price is written."""
    log = under("team", items={"vpn": {"price": "30.00", "quantity": 2}})
    log.add(on("team", items={"vpn": {"price": "30.0", "quantity": 2}}))
    log.add(on("team", items={"vpn": {"price": "30.00"}}))
    assert log.outcomes == {"applied": 2, "duplicate": 1, "rejected:conflict": 1}


def test_a_set_up_is_due_once() -> None:
    """In the first month under the plan; not in the next, nor when the account comes back to it years later."""
    log = under("rigid")
    assert ("setup", "1", "500.00", "500.00", None, None) in lines_of(log.charges)
    assert amounts(log.add(on("other", 1, 12))) == ["150.00"]
    log.add(CLOSED)
    (closed,) = [one for one in log.charges if one["type"] == "period-closed/1"]
    assert [(one["fee"], one["items"], one["setup"]) for one in closed["segments"]] == [("200.00", "800.00", "500.00")]
    back = on("rigid", 1) | {"from": "2027-08-01T00:00:00+08:00", "subscription_id": "s-back"}
    for month in ("2027-03", "2027-06", "2027-07"):
        log.add(tick(f"{month}-01T00:00:00+08:00", operator=True))
    log.add(back)
    assert log.replay.rows[0].table(ACCOUNTS)[b"A"].setups == {"rigid", "other"}
    made = log.add(tick("2027-08-01T00:00:00+08:00", operator=True))
    assert [one["amount"] for one in made if one.get("kind") == "fee"] == ["1000.00"]
    holds(log)


def test_a_set_up_that_a_later_version_brings_is_not_charged_to_who_had_the_plan_before() -> None:
    """The account comes back to the plan years later, when that it had it is long forgotten."""
    plans: Event = {"p": {"fee": "10.00", **MINUTES}, "q": {"fee": "20.00", **MINUTES}}
    log = Log(words=book(plans))
    log.add(on("p", 1), on("q", 1, 12))
    dated = plans["p"] | {"setup": "50.00", "effective": "2027-06-01T00:00:00+08:00"}
    log.add(published(book(plans | {"p": dated}, version=2)))
    for month in ("2027-03", "2027-06", "2027-07"):
        log.add(tick(f"{month}-01T00:00:00+08:00", operator=True))
    for start in ("2027-08", "2027-10"):  # the first of these has the history folded
        plan = "q" if start == "2027-08" else "p"
        log.add(on(plan, 1) | {"from": f"{start}-01T00:00:00+08:00", "subscription_id": f"s-{start}"})
    log.add(tick("2027-10-01T00:00:00+08:00", operator=True))
    assert (log.charges[-1]["plan"], log.charges[-1]["amount"]) == ("p@2", "10.00")


def test_a_late_subscription_moves_the_set_up_to_where_it_belongs() -> None:
    """It was due in November; the plan began in October, as it turns out."""
    log = under("rigid")
    made = log.add(on("rigid", 5, 10))
    told = [(charge["period"], line["meter"], line["amount"]) for charge in made for line in charge["lines"]]
    assert told == [
        *(("2026-10", meter, amount) for meter, amount in (("fee", "200.00"), ("item:seat", "800.00"))),
        ("2026-10", "setup", "500.00"),
        ("2026-11", "setup", "-500.00"),
    ]
    holds(log)


def test_all_negotiated_plans_are_one_for_the_set_up() -> None:
    """A new contract of the same customer is no new set-up."""
    own = {"setup": "70.00", "fee": "10.00", **MINUTES}
    log = under(own)
    assert amounts(log.charges) == ["80.00"]
    assert amounts(log.add(on(own | {"fee": "12.00"}, 1, 12))) == ["12.00"]
    holds(log)


def test_items_count_towards_the_minimum_and_set_ups_do_not() -> None:
    """Fee 20.00 and a seat 60.00: 20.00 are short of 100.00."""
    log = under("at-least")
    log.add(tick("2026-12-01T00:00:00+08:00"), CLOSED)
    assert [
        (one["kind"], one["amount"]) for one in log.charges if one.get("period") == "2026-11" and "kind" in one
    ] == [
        ("fee", "80.00"),
        ("minimum", "20.00"),
    ]
    holds(log)


def test_items_outlive_the_history_that_is_forgotten() -> None:
    """A year later the account still has what it was said to have."""
    log = under("team", items={"seat": 25, "vpn": {"price": "30.00"}})
    for month in (*(f"2027-{n:02d}" for n in range(1, 13)), "2028-01"):
        log.add(tick(f"{month}-01T00:00:00+08:00", operator=True))
    log.add(on("team", 1) | {"from": "2028-01-05T00:00:00+08:00", "subscription_id": "s-2028", "spend_cap": "9.00"})
    account = log.replay.rows[0].table(ACCOUNTS)[b"A"]
    assert len(account.history) == 2
    made = log.add(tick("2028-02-01T00:00:00+08:00", operator=True))
    assert [one["amount"] for one in made if one.get("kind") == "fee"] == ["2045.00"]
    holds(log)


@pytest.mark.parametrize("said", [{"items": {}}, {"items": {"seat": 10}}, {}])
def test_what_says_nothing_new_charges_nothing(said: Event) -> None:
    """No line, no charge."""
    assert under("team").add(on("team", 16, **said)) == []


def test_the_default_plan_has_no_items() -> None:
    """Nobody agreed to them."""
    for words in ({"items": SEATS}, {"setup": "1.00"}):
        log = Log(make_step(), book({"p": words | MINUTES}, default_plan="p"))
        assert log.rejected == ["wrong-shape"]


def test_a_plan_with_items_reads_as_people_say_it() -> None:
    """In the comparison of plans; and advice knows what a month of it costs."""
    plan = PlanWords.model_validate(
        {"fee": "20.00", "setup": "500.00", "items": SEATS | {"number": {"price": "15.00"}}, **MINUTES}
    ).to_core("p")
    assert PlanWords.of(plan).to_core("p") == plan
    assert plan_terms(plan)[1:4] == [("number", "15.00"), ("seat", "10 × 80.00"), ("set-up fee", "500.00")]
    assert plan_terms(plan, "zh")[3] == ("开通费", "500.00")
    assert plan_cost(plan, NO_COUNTS, 2) == Decimal("835.00")


def test_the_statement_adds_up_for_who_has_only_the_plans_text() -> None:
    """Each line is quantity x rate x days / days of the month, and they sum to the total."""
    log = under("team", items={"vpn": {"price": "30.00"}})
    log.add(call("A", 1, 600), on("team", 16, items={"seat": 25}), on("dear", 21))
    log.add(tick("2026-12-01T00:00:00+08:00"), CLOSED)
    with opened(log) as store, store.read() as connection:
        found = statement(connection, "A", "2026-11")
    assert isinstance(found, Statement)
    said = [(one.plan, one.meter, one.billable, one.rate, one.days, one.of, one.amount) for one in found.lines]
    assert said == [
        ("dear@1", "fee", "1", "620.00", 10, 30, "206.67"),
        ("team@1", "item:number", "1", "15.00", 20, 30, "10.00"),
        ("team@1", "item:seat", "10", "80.00", 15, 30, "400.00"),
        ("team@1", "item:seat", "25", "80.00", 5, 30, "333.33"),
        ("dear@1", "item:vpn", "1", "30.00", 10, 30, "10.00"),
        ("team@1", "item:vpn", "1", "30.00", 20, 30, "20.00"),
        ("team@1", "minutes", "10", "0.12", None, None, "1.20"),
    ]
    assert sum(Decimal(one.amount) for one in found.lines) == Decimal(found.period.total) == Decimal("981.20")
    holds(log)
