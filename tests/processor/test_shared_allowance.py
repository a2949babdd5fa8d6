"""Prices by class of one meter, and an allowance that several of them share: worked money, and what may not be said."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import orjson
import pytest

from rater.processor.rows import TABLES, TARIFFS
from rater.processor.step import make_step
from rater.rating.advice import Figures, plan_cost
from rater.readmodel.line_texts import line_words
from rater.readmodel.plan_texts import plan_terms
from rater.readmodel.statement import statement
from rater.readmodel.tariffs import _plan_view
from rater.wire.results import RESULTS
from rater.wire.tariff_book import PlanWords
from rater.wire.tariff_file import load_plan
from tests.console.readmodel import opened
from tests.support.logs import START, Event, Log, amounts, bodies, book, call, subscribed

CLASSES: Event = {
    "prefixes": {"mobile": ["+8613"], "abroad": ["+44"]},
    "classes": [{"name": "mobile", "numbers": ["mobile"]}, {"name": "international", "numbers": ["abroad"]}],
}
NUMBERS = {"rest": "+861087654321", "mobile": "+8613800138000", "international": "+442071234567"}
SHARED: Event = {
    "allowance": 300,
    "covers": ["rest", "mobile"],
    "rate": "0.18",
    "by_class": {"mobile": {"rate": "0.25"}, "international": {"rate": "1.20"}},
}
NATIONAL: Event = {"allowance": "unlimited", "covers": ["rest"], "by_class": {"international": {"rate": "1.20"}}}
PLANS: Event = {
    "p": {"minutes": SHARED},
    "national": {"minutes": NATIONAL},
    "small": {"minutes": SHARED | {"allowance": 3}},
}


def on(plan: str) -> Log:
    log = Log(make_step(spend=True), book(PLANS, **CLASSES))
    log.add(subscribed("A", plan))
    return log


def calls(*minutes: tuple[str, int]) -> list[Event]:
    """So many minutes each, of these classes, one after the other."""
    return [
        call("A", f"{n}-{name}", 60 * length, START + timedelta(minutes=n), callee=NUMBERS[name])
        for n, (name, length) in enumerate(minutes)
    ]


def figures(charge: Event) -> list[tuple[Any, ...]]:
    names = ("class", "quantity", "covered", "billable", "rate", "amount")
    return [tuple(line.get(name) for name in names) for line in charge["lines"]]


def test_an_allowance_covers_one_class_after_the_other() -> None:
    """250 of the rest, 100 mobile, 10 international are 24.50; 20 more of the rest push 20 mobile out: 5.00."""
    log = on("p")
    *_, third = log.add(*calls(("rest", 250), ("mobile", 100), ("international", 10)))
    assert (third["period_total"], third["allowance_left"]) == ("24.50", {"minutes": "0"})
    (fourth,) = log.add(*calls(*[("rest", 0)] * 3, ("rest", 20))[3:])
    assert (fourth["amount"], fourth["period_total"]) == ("5.00", "29.50")
    assert figures(fourth) == [
        ("mobile", "0", "-20", "20", "0.25", "5.00"),
        ("rest", "20", "20", "0", "0.18", "0.00"),
    ]
    RESULTS["charge/1"].model_validate_json(orjson.dumps(fourth))
    assert [line_words(line) for line in fourth["lines"]] == [
        "mobile: 20 min no longer covered, at 0.25",
        "all others: 20 min covered by the allowance",
    ]
    assert [line_words(line, "zh") for line in fourth["lines"]] == [
        "mobile：20 分钟不再含在额度内 × 0.25",
        "其他：额度内 20 分钟",
    ]
    words = {name: calls(("rest", 250))[0][name] for name in ("account", "source", "call_id")}
    (back,) = log.add({"type": "call-voided/1", **words, "reason": "test"})
    assert back["amount"] == "-17.50"  # 20 of the rest and 100 mobile fit; the 10 international stay


def test_an_unlimited_allowance_has_no_price_for_what_it_covers() -> None:
    """Unlimited national; ten minutes abroad are 12.00."""
    charges = on("national").add(*calls(("rest", 900), ("mobile", 100), ("international", 10)))
    assert amounts(charges) == ["0.00", "0.00", "12.00"]
    assert charges[-1]["allowance_left"] == {"minutes": "unlimited"}


def test_any_order_of_the_calls_comes_to_the_same() -> None:
    """A function of what was counted: five calls in all their orders."""
    made = calls(("rest", 2), ("mobile", 2), ("international", 1), ("rest", 1), ("mobile", 3))
    totals = {on("small").add(*order)[-1]["period_total"] for order in permutations(made)}
    assert totals == {"2.45"}  # 3 of the rest covered; 5 mobile at 0.25, one abroad at 1.20


def test_equal_calls_are_told_by_where_the_allowance_stands() -> None:
    """A minute of the rest is covered, pushes a mobile one out, or is billed; whole minutes leave nothing to round."""
    made = calls(("rest", 1), *[("mobile", 1)] * 4, *[("rest", 1)] * 6, ("mobile", 1))
    found = on("small")
    charges = [charge for one in made for charge in found.add(one)]
    assert amounts(charges) == ["0.00", "0.00", "0.00", "0.25", "0.25", "0.25", "0.25", *["0.18"] * 4, "0.25"]
    assert {line["meter"] for charge in charges for line in charge["lines"]} == {"minutes"}


def test_alerts_and_what_is_left_count_what_the_allowance_covers() -> None:
    """80 % and all of it, by both of its classes together; calls abroad do not count."""
    log = on("p")
    log.add(*calls(("international", 400), ("rest", 120), ("mobile", 119), ("rest", 1), ("mobile", 60)))
    told = [(one["kind"], one["meter"], one["value"]) for one in bodies(log.outputs, "alerts")]
    assert told == [("allowance-80", "minutes", "240"), ("allowance-100", "minutes", "300")]
    left = [charge["allowance_left"]["minutes"] for charge in log.charges]
    assert left == ["300", "180", "61", "60", "0"]


def test_a_statement_has_a_line_for_each_class_and_rate() -> None:
    """They sum to the total, each as rate times billed."""
    log = on("p")
    log.add(*calls(("rest", 250), ("mobile", 100), ("international", 10), ("rest", 20)))
    with opened(log) as store, store.read() as connection:
        found = statement(connection, "A", "2026-11")
        assert found is not None
        lines = [(one.part, one.covered, one.billable, one.rate, one.amount) for one in found.lines]
        assert lines == [
            ("international", "0", "10", "1.20", "12.00"),
            ("mobile", "30", "70", "0.25", "17.50"),
            ("rest", "270", "0", "0.18", "0.00"),
        ]
        assert sum(Decimal(one.amount) for one in found.lines) == Decimal(found.period.total)


def test_the_api_tells_the_allowance_and_each_of_its_parts() -> None:
    """As entries of the plan's meters."""
    meters = [(m.part, m.allowance, m.covers, m.classes) for m in _plan_view(plan_of({"minutes": SHARED})).meters]
    assert meters == [
        (None, 300, ("rest", "mobile"), None),
        ("international", 0, None, ("international",)),
        ("mobile", 0, None, ("mobile",)),
        ("rest", 0, None, None),
    ]


def test_a_customer_reads_what_is_included_and_what_each_class_costs() -> None:
    """On the page of plans, in both languages."""
    plan = plan_of({"minutes": SHARED})
    assert [(term.what, term.price) for term in plan_terms(plan)] == [
        ("minutes (all others, mobile)", "300 min included, in this order"),
        ("minutes (international)", "1.20 a min, billed per started minute"),
        ("minutes (mobile)", "0.25 a min, billed per started minute"),
        ("minutes (all others)", "0.18 a min, billed per started minute"),
    ]
    assert plan_terms(plan, "zh")[0] == ("分钟（其他、mobile）", "含 300 分钟，按此顺序抵扣")


def plan_of(words: Event) -> Any:
    return PlanWords.model_validate_json(orjson.dumps(words)).to_core("p@1")


@pytest.mark.parametrize(
    "words",
    [
        {"minutes": SHARED},
        {"minutes": NATIONAL},
        {"calls": {"rate": "1", "by_class": {"mobile": {"volume": [{"from": 0, "rate": "2"}]}}}},
        {
            "meters": [{"name": "out", "unit": "minutes", "directions": ["outbound"], **SHARED}],
            "minutes": {"rate": "0"},
        },
        {"minutes": {"rate": "0"}, "calls": SHARED},
    ],
)
def test_rows_and_words_read_back_to_the_same_plan(words: Event) -> None:
    """As the changelog and the catalog have it; the order of by_class says nothing."""
    plan = plan_of(words)
    (table,) = (one for one in TABLES if one.name == TARIFFS)
    assert table.decode(table.encode(plan)) == plan
    assert PlanWords.of(plan).to_core("p@1") == plan
    turned = orjson.loads(orjson.dumps(words))
    for meter in (*turned.values(), *turned.get("meters", [])):
        if "by_class" in meter:
            meter["by_class"] = dict(reversed(meter["by_class"].items()))
    assert plan_of(turned) == plan


WRONG: list[tuple[Event, str]] = [
    ({"allowance": 5, "rate": "1", "by_class": {"m": {"rate": "1"}}}, "an allowance and by_class need covers"),
    ({"rate": "1", "covers": ["rest"], "by_class": {"m": {"rate": "1"}}}, "covers needs an allowance"),
    ({"allowance": 5, "rate": "1", "covers": ["rest"]}, "covers says which prices of by_class"),
    ({"allowance": 5, "rate": "1", "covers": ["x"], "by_class": {"m": {"rate": "1"}}}, "by_class has no x"),
    ({"rate": "1", "classes": ["a"], "by_class": {"m": {"rate": "1"}}}, "the meter is not for m"),
    ({"rate": "1", "by_class": {"rest": {"rate": "1"}}}, "the rest is what by_class does not name"),
    ({"rate": "1", "by_class": {"m": {}}}, "by_class m: a meter has exactly one of"),
    ({"by_class": {"m": {"rate": "1"}}}, "a meter has exactly one of"),
    (
        {"allowance": "unlimited", "covers": ["m"], "rate": "1", "by_class": {"m": {"rate": "1"}}},
        "by_class m: an unlimited allowance has no price",
    ),
    ({"allowance": "unlimited", "covers": ["rest"], "rate": "1", "by_class": {"m": {"rate": "1"}}}, "has no price"),
    ({"allowance": 5, "rate": "1", "covers": ["m", "m"], "by_class": {"m": {"rate": "1"}}}, "each stands here once"),
]


@pytest.mark.parametrize(("meter", "message"), WRONG)
def test_what_says_two_things_or_nothing_is_refused(meter: Event, message: str) -> None:
    """With what to write instead."""
    found = load_plan(orjson.dumps({"minutes": meter}))
    assert isinstance(found, tuple)
    assert any(message in str(error) for error in found), [str(error) for error in found]


def test_a_portion_and_prices_by_class_do_not_go_together() -> None:
    """And a plan has at most so many prices."""
    meter = {"name": "m", "unit": "minutes", "portion": {"until": 60}, "rate": "1", "by_class": {"x": {"rate": "1"}}}
    assert "not both" in str(load_plan(orjson.dumps({"meters": [meter], "minutes": {"rate": "1"}})))
    many = {"rate": "1", "by_class": {f"c{n}": {"rate": "1"} for n in range(40)}}
    assert "more than 64" in str(load_plan(orjson.dumps({"minutes": many, "calls": many})))


def test_figures_without_classes_go_to_the_rest() -> None:
    """A quote before signing knows minutes, and no classes: 400 minutes are 100 beyond the allowance."""
    plan = plan_of({"minutes": SHARED})
    assert plan_cost(plan, Figures(400, 0, 0).counts(plan), 2) == Decimal("18.00")


def test_the_forecast_shares_what_comes_as_what_came() -> None:
    """Half rest, half mobile: at the end of a month of 20 minutes a day 100 of 600 minutes go beyond 500."""
    log = Log(make_step(spend=True), book({"p": {"minutes": SHARED | {"allowance": 500}}}, **CLASSES))
    log.add(subscribed("A", "p"))
    for day in range(1, 11):
        made = calls(("rest", 10), ("mobile", 10))
        log.add(*(_on(one, day) for one in made))
        log.add({"type": "clock-ticked/1", "at": f"2026-11-{day + 1:02d}T00:00:00+08:00"})
    expected = bodies(log.outputs, "spend")[-1]["forecast"]
    assert expected["total"] == "25.00"  # 300 of each, all of the rest covered, 200 mobile; 100 mobile at 0.25


def _on(event: Event, day: int) -> Event:
    times = {name: event[name].replace("-03T", f"-{day:02d}T") for name in ("started_at", "answered_at", "ended_at")}
    return event | times | {"call_id": f"{event['call_id']}-{day}"}
