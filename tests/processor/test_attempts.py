"""A meter of attempts: what a dialler is sold. It is also the proof that a unit is a line of the registry."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.processor.rows import TABLES, USAGE
from rater.processor.step import make_step
from rater.rating.book import Meter
from rater.readmodel.line_texts import line_words
from rater.readmodel.plan_texts import plan_terms
from rater.readmodel.texts import alert_words
from rater.wire.tariff_book import PlanWords
from tests.support.logs import START, Event, Log, amounts, bodies, book, call, subscribed, tick, total

DIALLER: Event = {"attempts": {"allowance": 2, "volume": [{"from": 0, "rate": "0.10"}, {"from": 3, "rate": "0.08"}]}}
HYBRID: Event = {"fee": "10.00", "minutes": {"rate": "0.20"}, "calls": {"rate": "0.50"}, "attempts": {"rate": "0.01"}}
PLANS: Event = {
    "dialler": DIALLER,
    "hybrid": HYBRID,
    "inbound": {"attempts": {"rate": "0.03", "directions": ["inbound"]}},
    "minutes": {"minutes": {"rate": "0.20"}},
}


def log_of(plan: str, **fields: Any) -> Log:
    log = Log(make_step(spend=True), book(PLANS))
    log.add(subscribed("A", plan, **fields))
    return log


def test_each_attempt_is_charged_answered_or_not() -> None:
    """Two of the allowance, then 0.10 each, and from the third beyond it all of them at 0.08."""
    log = log_of("dialler")
    charges = log.add(*(call("A", n, None if n % 2 else 30) for n in range(6)))
    assert amounts(charges) == ["0.00", "0.00", "0.10", "0.10", "0.04", "0.08"]
    assert [charge["call"]["connected"] for charge in charges] == [True, False] * 3
    assert charges[-2]["lines"][-1]["repriced_from"] == "0.10"
    assert charges[1]["allowance_left"] == {"attempts": "0"}
    assert charges[0]["call"]["billed_seconds"] == 0


def test_a_connected_call_costs_by_all_its_meters() -> None:
    """Minutes, the call and the attempt, each with its line in that order; unanswered the attempt alone."""
    log = log_of("hybrid")
    talked, busy = log.add(call("A", 1, 90), call("A", 2, None))[-2:]
    assert [(line["meter"], line["amount"]) for line in talked["lines"]] == [
        ("minutes", "0.40"),
        ("connected-calls", "0.50"),
        ("attempts", "0.01"),
    ]
    assert [(line["meter"], line["amount"]) for line in busy["lines"]] == [("attempts", "0.01")]


@pytest.mark.parametrize(
    ("plan", "direction", "amount"),
    [
        ("hybrid", "inbound", "0.00"),
        ("hybrid", "internal", "0.00"),
        ("inbound", "inbound", "0.03"),
        ("inbound", "outbound", "0.00"),
    ],
)
def test_attempts_are_outbound_unless_the_meter_says_otherwise(plan: str, direction: str, amount: str) -> None:
    log = log_of(plan)
    assert log.add(call("A", 1, None, direction=direction))[-1]["amount"] == amount


def test_a_void_gives_the_attempt_back() -> None:
    log = log_of("hybrid")
    log.add(call("A", 1, None), call("A", 2, 60))
    words: Event = {"type": "call-voided/1", "account": "A", "source": "pbx-1", "reason": "test"}
    back = log.add(*(words | {"call_id": f"c-{number}"} for number in (1, 2)))
    assert amounts(back) == ["-0.01", "-0.71"]


def test_a_late_plan_with_attempts_counts_the_unanswered_calls_too() -> None:
    """No sum of the plan before says how many there were: the calls are looked at again."""
    log = log_of("minutes")
    log.add(call("A", 1, None), call("A", 2, 60), call("A", 3, None, direction="inbound"))
    late = subscribed("A", "hybrid", "2026-11-01T00:00:00+08:00", subscription_id="s-2")
    charges = {charge["kind"]: charge["amount"] for charge in log.add(late)}
    assert charges == {"fee": "10.00", "adjustment": "0.52"}  # 0.20 + 0.50 + 2 x 0.01, less the 0.20 charged before


def test_the_counter_survives_a_restart() -> None:
    """The row has it behind the old fields; a row without attempts is as it was before there were any."""
    encode, decode = next((table.encode, table.decode) for table in TABLES if table.name == USAGE)
    for plan, last in (("dialler", [0, 0, 0, 3]), ("minutes", [])):
        log = log_of(plan)
        log.add(*(call("A", n, None) for n in range(3)), tick("2026-11-04T12:00:00+08:00", operator=True))
        (row,) = log.replay.rows[0].table(USAGE).values()
        written = encode(row)
        assert decode(written) == row
        (segment,) = orjson.loads(written)[3]
        assert segment[6:] == last


def test_what_is_told_of_it() -> None:
    """In spend and at closing, only where there is something; alerts at 80 and 100 %."""
    for plan, used in (("dialler", {"attempts": "2"}), ("minutes", None)):
        log = log_of(plan)
        log.add(call("A", 1, None), call("A", 2, None), tick("2026-12-20T00:00:00+08:00", operator=True))
        spends = [one.get("used") for one in bodies([out for out in log.outputs if out.value], "spend")]
        assert used in spends
        (closed,) = [one for one in bodies(log.outputs, "charges") if one["type"] == "period-closed/1"]
        assert closed["segments"][0].get("used") == used
        alerts = [one for one in bodies(log.outputs, "alerts") if one["kind"].startswith("allowance")]
        assert [(one["kind"], one["meter"], one["value"]) for one in alerts] == (
            [("allowance-80", "attempts", "2"), ("allowance-100", "attempts", "2")] if used else []
        )
        assert all(alert_words(one) and alert_words(one, "zh") for one in alerts)


def test_a_forecast_counts_attempts() -> None:
    """Ten a day at 0.01: 30 days are 3.00."""
    log = Log(make_step(spend=True), book({"a": {"attempts": {"rate": "0.01"}}}))
    log.add(subscribed("A", "a"))
    for day in range(1, 5):
        at = datetime.fromisoformat(f"2026-11-{day:02d}T10:00:00+08:00")
        log.add(*(call("A", f"{day}-{n}", None, at) for n in range(10)))
        log.add(tick(f"2026-11-{day + 1:02d}T00:00:01+08:00", operator=True))
    last = bodies([out for out in log.outputs if out.value], "spend")[-1]
    assert last["forecast"]["total"] == "3.00"


def test_people_read_it() -> None:
    """In both languages, on a plan and in a line."""
    core = PlanWords.model_validate_json(orjson.dumps(HYBRID)).to_core("hybrid@1")
    assert [term.what for term in plan_terms(core)] == ["monthly fee", "minutes", "connected calls", "attempts"]
    assert plan_terms(core)[-1].price == "0.01 an attempt"
    line = {"meter": "attempts", "quantity": "3", "covered": "0", "billable": "3", "rate": "0.10", "amount": "0.30"}
    assert line_words(line) == "3 attempts at 0.10"
    assert "次" in line_words(line, "zh")


@given(
    st.lists(st.tuples(st.sampled_from(["outbound", "inbound"]), st.none() | st.integers(0, 200)), max_size=25),
    st.integers(),
)
def test_order_does_not_matter_and_the_sum_is_the_price(said: list[tuple[str, int | None]], seed: int) -> None:
    """Whatever calls there are: the charges sum to the price of what was used."""
    events = [call("A", n, talk, START, direction=direction) for n, (direction, talk) in enumerate(said)]
    first, second = log_of("dialler"), log_of("dialler")
    first.add(*events)
    second.add(*Random(seed).sample(events, len(events)))
    attempts = sum(direction == "outbound" for direction, _ in said)
    beyond = max(0, attempts - 2)
    cents = beyond * (8 if beyond >= 3 else 10)
    assert total(first.charges) == total(second.charges)
    assert total(first.charges) * 100 == cents


def test_a_mistake_in_the_registry_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were only connected calls attempts, or all directions, a test above fails."""
    real = Meter.selects
    monkeypatch.setattr(Meter, "selects", lambda self, call, of: real(self, call, of) and call.connected)
    with pytest.raises(AssertionError):
        test_each_attempt_is_charged_answered_or_not()
    monkeypatch.setattr(Meter, "selects", lambda *_: True)
    with pytest.raises(AssertionError):
        test_attempts_are_outbound_unless_the_meter_says_otherwise("hybrid", "inbound", "0.00")
