"""Several meters of a unit: the first that selects a call counts it, under its name and with its allowance."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from rater.processor.rows import TABLES, TARIFFS, USAGE, plan_key
from rater.processor.step import make_step
from rater.rating.advice import Figures, plan_cost
from rater.rating.names import PlanId
from rater.rating.sharing import shared_out
from rater.rating.units import MINUTES
from rater.readmodel.line_texts import line_words
from rater.readmodel.plan_texts import plan_terms
from rater.readmodel.texts import meter_words
from rater.wire.results import Charge
from rater.wire.tariff_book import PlanWords
from rater.wire.tariff_file import FileError, load_plan
from tests.support.logs import START, Event, Log, amounts, bodies, book, call, subscribed, tick, total

DESK: Event = {
    "meters": [
        {"name": "inbound", "unit": "minutes", "directions": ["inbound"], "allowance": 10, "rate": "0.05"},
        {"name": "internal", "unit": "minutes", "directions": ["internal"], "allowance": "unlimited"},
        {"name": "inbound-calls", "unit": "calls", "directions": ["inbound"], "rate": "0.02"},
    ],
    "minutes": {"allowance": 5, "increment": "6/6", "rate": "0.20"},
    "calls": {"rate": "0.50"},
}
PLANS: Event = {"desk": DESK, "plain": {"minutes": {"rate": "0.20"}}, "desk-daily": DESK | {"proration": "daily"}}


def log_of(plan: str = "desk", **fields: Any) -> Log:
    log = Log(make_step(spend=True), book(PLANS))
    log.add(subscribed("A", plan, **fields))
    return log


def desk() -> Any:
    return PlanWords.model_validate_json(orjson.dumps(DESK)).to_core("desk@1")


def test_the_first_meter_that_selects_a_call_counts_it() -> None:
    """Each has its own allowance, increment and line; what goes beyond one does not spill into the next."""
    log = log_of()
    charges = log.add(
        call("A", 1, 540, direction="inbound"),
        call("A", 2, 150, direction="inbound"),
        call("A", 3, 3_600, direction="internal"),
        call("A", 4, 306),
    )
    assert amounts(charges) == ["0.02", "0.12", "0.50", "0.52"]  # 2 x 0.05 + 0.02; a call; 0.1 x 0.20 + 0.50
    assert [[(line["meter"], line["amount"]) for line in charge["lines"]] for charge in charges] == [
        [("inbound", "0.00"), ("inbound-calls", "0.02")],
        [("inbound", "0.10"), ("inbound-calls", "0.02")],
        [("internal", "0.00"), ("connected-calls", "0.50")],
        [("minutes", "0.02"), ("connected-calls", "0.50")],
    ]
    assert [charge["call"]["billed_seconds"] for charge in charges] == [540, 180, 3_600, 306]
    assert charges[1]["lines"][0] == {
        "meter": "inbound",
        "quantity": "3",
        "covered": "1",
        "billable": "2",
        "rate": "0.05",
        "amount": "0.10",
        "unit": "minutes",
    }
    assert charges[-1]["allowance_left"] == {"inbound": "0", "internal": "unlimited", "minutes": "0"}
    assert "unit" not in charges[-1]["lines"][0]
    for charge in charges:
        Charge.model_validate_json(orjson.dumps(charge))


def test_what_is_told_of_it() -> None:
    """Spend and closing tell the units, whichever meter counted them; an allowance's alert names its meter."""
    log = log_of()
    log.add(call("A", 1, 600, direction="inbound"), call("A", 2, 60), call("A", 3, None, direction="inbound"))
    spend = bodies([out for out in log.outputs if out.value], "spend")[-1]
    assert (spend["minutes"], spend["connected_calls"]) == ("11", 2)
    assert spend["allowance_left"] == {"inbound": "0", "internal": "unlimited", "minutes": "4"}
    alerts = [(one["kind"], one["meter"], one["value"], one["limit"]) for one in bodies(log.outputs, "alerts")]
    assert alerts == [("allowance-80", "inbound", "10", "8"), ("allowance-100", "inbound", "10", "10")]
    closed = log.add(tick("2026-12-20T00:00:00+08:00", operator=True))[-1]
    (segment,) = closed["segments"]
    assert (segment["minutes"], segment["connected_calls"], segment["price"]) == ("11", 2, "0.52")


def test_voids_and_late_plans_count_by_meter() -> None:
    """A void takes back from the meter that counted; a late plan counts each call anew."""
    log = log_of()
    log.add(call("A", 1, 720, direction="inbound"), call("A", 2, 60))
    words: Event = {"type": "call-voided/1", "account": "A", "source": "pbx-1", "reason": "test"}
    (back,) = log.add(words | {"call_id": "c-1"})
    assert (back["amount"], back["allowance_left"]["inbound"]) == ("-0.12", "10")
    log = log_of("plain")
    log.add(call("A", 1, 720, direction="inbound"), call("A", 2, 60))
    (again,) = log.add(subscribed("A", "desk", "2026-11-01T00:00:00+08:00", subscription_id="s-2"))
    assert again["amount"] == "-1.98"  # 0.10 + 0.02 + 0.50 in place of 13 x 0.20
    (once_more,) = log.add(subscribed("A", "desk-daily", "2026-11-01T00:00:00+08:00", subscription_id="s-3"))
    assert (once_more["amount"], total(log.charges)) == ("0.00", total(log.charges))


@pytest.mark.parametrize("calls", [0, 3])
def test_counters_survive_a_restart(calls: int) -> None:
    """The row has one for each meter, also while all are 0."""
    encode, decode = next((table.encode, table.decode) for table in TABLES if table.name == USAGE)
    log = log_of("desk-daily", start="2026-11-02T00:00:00+08:00")
    log.add(call("A", "i", None), *(call("A", n, 61, direction="inbound") for n in range(calls)))
    (row,) = log.replay.rows[0].table(USAGE).values()
    assert decode(encode(row)) == row
    assert len(row.segments[-1].counts) == 10


def test_a_forecast_shares_a_units_days_among_its_meters() -> None:
    """40 min inbound and 10 outbound a day: 30 days are 1,200 and 300, of which 10 and 5 are included."""
    log = log_of()
    for day in range(1, 5):
        at = datetime.fromisoformat(f"2026-11-{day:02d}T10:00:00+08:00")
        log.add(call("A", f"i{day}", 2_400, at, direction="inbound"), call("A", f"o{day}", 600, at))
        log.add(tick(f"2026-11-{day + 1:02d}T00:00:01+08:00", operator=True))
    last = bodies([out for out in log.outputs if out.value], "spend")[-1]
    # 1,190 x 0.05 + 295 x 0.20 + 30 x 0.02 + 30 x 0.50
    assert last["forecast"]["total"] == "134.10"


def test_units_are_shared_as_those_so_far() -> None:
    """Rounded down, the rest to the largest; where nothing is counted yet, to the last, which takes all others."""
    plan = desk()
    minutes = [meter.slot for meter in plan.meters_of(MINUTES)]
    counts = list(plan.zero)
    counts[MINUTES.slot] = 40
    for slot, count in zip(minutes, (30, 0, 10), strict=True):
        counts[slot] = count
    then = [141, *plan.zero[1:5]]
    assert [shared_out(plan, tuple(counts), tuple(then))[slot] for slot in minutes] == [30 + 76, 0, 10 + 25]
    assert [shared_out(plan, plan.zero, tuple(then))[slot] for slot in minutes] == [0, 0, 141]


def test_advice_from_figures_takes_all_for_the_general_meter() -> None:
    """Figures have no directions: 105 min and 10 calls are 100 x 0.20 + 10 x 0.50."""
    assert str(plan_cost(desk(), Figures(105, 10, 10).counts(desk()), 2)) == "25.00"


def test_people_read_it() -> None:
    """In both languages: each meter with its name and directions, and a line with its meter's name."""
    assert plan_terms(desk()) == [
        ("minutes inbound", "10 min included, then 0.05 a min, billed per started minute"),
        ("minutes internal", "unlimited"),
        ("connected calls inbound-calls (inbound)", "0.02 a call"),
        ("minutes (all others)", "5 min included, then 0.20 a min, billed per started 6 s"),
        ("connected calls (all others)", "0.50 a call"),
    ]
    inbound = ("分钟 inbound（呼入）", "含 10 分钟，超出部分 0.05/分钟，不足一分钟按一分钟计")
    assert plan_terms(desk(), "zh")[0] == inbound
    log = log_of()
    (charge,) = log.add(call("A", 1, 660, direction="inbound"))
    assert [line_words(line) for line in charge["lines"]] == [
        "inbound: 10 min covered by the allowance, 1 min at 0.05",
        "inbound-calls: 1 call at 0.02",
    ]
    assert line_words(charge["lines"][0], "zh") == "inbound：额度内 10 分钟，1 分钟 × 0.05"
    assert meter_words("inbound-flat") == "inbound, once for the band"


FALLING: Event = {
    "meters": [
        {"name": "first", "unit": "minutes", "portion": {"until": 180}, "rate": "0.50"},
        {"name": "next", "unit": "minutes", "portion": {"from": 180, "until": 600}, "allowance": 5, "rate": "0.20"},
    ],
    "minutes": {"rate": "0.10"},
}
"""The first three minutes of a call, those up to the tenth, and all further ones have prices of their own."""


def test_portions_of_a_call_have_prices_of_their_own() -> None:
    """Each second is counted once, by the first meter that has it; billed seconds are the sum."""
    log = Log(words=book({"falling": FALLING}))
    log.add(subscribed("A", "falling"))
    charges = log.add(call("A", 1, 120), call("A", 2, 480), call("A", 3, 661), call("A", 4, None))
    # 2 x 0.50; 3 x 0.50, 5 included; 3 x 0.50, 7 x 0.20, 2 x 0.10
    assert amounts(charges) == ["1.00", "1.50", "3.10", "0.00"]
    assert [(line["meter"], line["quantity"]) for line in charges[2]["lines"]] == [
        ("first", "3"),
        ("next", "7"),
        ("minutes", "2"),
    ]
    assert charges[2]["call"]["billed_seconds"] == 720
    words: Event = {"type": "call-voided/1", "account": "A", "source": "pbx-1", "reason": "test", "call_id": "c-2"}
    log.add(words)
    assert total(log.charges) == 1 + Decimal("3.10") - Decimal("1.00")  # of the other 7 min, 5 are included now
    encode, decode = next((table.encode, table.decode) for table in TABLES if table.name == TARIFFS)
    plan = log.replay.rows[0].table(TARIFFS)[plan_key(PlanId("falling@1"))]
    assert decode(encode(plan)) == plan
    assert PlanWords.of(plan).to_core(plan.id) == plan
    assert [term.what for term in plan_terms(plan)] == [
        "minutes first (seconds 0 to 180 of a call)",
        "minutes next (seconds 180 to 600 of a call)",
        "minutes (all others)",
    ]


def one_meter(**words: Any) -> Event:
    return {"meters": [{"name": "a", "unit": "minutes", "rate": "1"} | words]}


@pytest.mark.parametrize(
    ("plan", "place", "said"),
    [
        (one_meter(unit="hours"), "meters.0.unit", "a meter counts one of minutes, calls, attempts"),
        (one_meter(unit="calls", increment="1/1"), "meters.0.increment", "calls have no increment: leave it out"),
        (one_meter(portion={"from": 9, "until": 9}), "meters.0.portion.until", "until 9 is not after from 9"),
        (one_meter(unit="calls", portion={"until": 9}), "meters.0.portion", "calls have no portion: leave it out"),
        (one_meter(portion={"until": 9}), "", "no meter of minutes counts inbound and outbound and internal calls"),
        (
            one_meter(portion={"until": 9}) | {"minutes": {"rate": "1", "increment": "1/1"}},
            "meters",
            "with a portion all meters of minutes have one increment and minimum",
        ),
        (one_meter(name="fee"), "meters.0.name", "this name has a meaning of its own in charges"),
        (one_meter(name="x-flat"), "meters.0.name", "this name has a meaning of its own in charges"),
        ({"meters": one_meter()["meters"] * 2}, "meters", "2 meters are called a"),
        (one_meter(directions=["inbound"]), "", "no meter of minutes counts outbound and internal calls"),
        (
            {"calls": {"rate": "1", "directions": ["inbound", "outbound"]}},
            "",
            "no meter of calls counts internal calls",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(plan: Event, place: str, said: str) -> None:
    """With the place in the file; calls that would be free by oversight are named."""
    found = load_plan(orjson.dumps(plan))
    assert not isinstance(found, PlanWords)
    (error,) = found
    assert isinstance(error, FileError)
    assert error.place == place
    assert said in error.message


def test_free_calls_are_taken_where_they_are_meant() -> None:
    """In a file only when it says so; a book that is in the log holds as it is."""
    words: Event = {"minutes": {"rate": "0.20", "directions": ["outbound"]}}
    assert isinstance(load_plan(orjson.dumps(words | {"free": ["minutes"]})), PlanWords)
    log = Log(words=book({"a": words}))
    log.add(subscribed("A", "a"))
    assert amounts(log.add(call("A", 1, 60, START, direction="inbound"))) == ["0.00"]
    assert log.rejected == []
