"""A guaranteed connect rate in a plan: what is given back when a period closes. Worked money."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from rater.processor.rows import TABLES, TARIFFS, USAGE
from rater.processor.step import make_step
from rater.readmodel.line_texts import guarantee_words, line_words
from rater.readmodel.plan_texts import plan_terms
from rater.readmodel.queries import period
from rater.readmodel.statement import by_kind, statement
from rater.wire.results import RESULTS
from rater.wire.tariff_book import PlanWords
from tests.console.readmodel import opened
from tests.processor.test_discount_minimum import OCTOBER, closing
from tests.support.logs import Event, Log, book, call, subscribed

GUARANTEE: Event = {"connect_rate": "0.75", "attempts": 100, "credit": "0.10"}
HYBRID: Event = {"fee": "200.00", "minutes": {"allowance": 50, "rate": "0.18"}, "calls": {"rate": "2.50"}}
PLANS: Event = {
    "sure": {**HYBRID, "guarantee": GUARANTEE},
    "few": {**HYBRID, "guarantee": {**GUARANTEE, "attempts": 2}},
    "few-daily": {**HYBRID, "fee": "0", "proration": "daily", "guarantee": {**GUARANTEE, "attempts": 2}},
    "daily": {**HYBRID, "fee": "0", "proration": "daily"},
}
FIRST = datetime.fromisoformat("2026-10-05T09:00:00+08:00")


def on(plan: str, **fields: Any) -> Log:
    """An account on a plan since the first of October."""
    log = Log(make_step(spend=True), book(PLANS))
    log.add(subscribed("A", plan, OCTOBER, **fields))
    return log


def calls(answered: int, not_answered: int, **fields: Any) -> list[Event]:
    """So many calls, the answered ones first, of two and three minutes in turn."""
    talks = [120 + 60 * (n % 2) for n in range(answered)] + [None] * not_answered
    return [call("A", n, talk, FIRST + timedelta(minutes=n), **fields) for n, talk in enumerate(talks)]


def test_a_tenth_of_the_usage_is_given_back() -> None:
    """60 of 100 connected, 150 minutes: 100 x 0.18 + 60 x 2.50 = 168.00, so -16.80; the parts sum to the total."""
    log = on("sure")
    log.add(*calls(60, 40))
    (credit,), closed = closing(log)
    assert (credit["kind"], credit["amount"], credit["plan"]) == ("credit", "-16.80", "sure@1")
    line = {"meter": "guarantee", "amount": "-16.80", "guaranteed": "0.75", "attempts": 100, "connected": 60}
    assert credit["lines"] == [line]
    (segment,) = closed["segments"]
    assert (segment["price"], segment["fee"], segment["credit"]) == ("168.00", "200.00", "-16.80")
    assert closed["total"] == "351.20"


@pytest.mark.parametrize(
    ("answered", "not_answered", "fields"),
    [
        (75, 25, {}),  # exactly what was guaranteed
        (60, 39, {}),  # too few attempts to be judged
        (60, 40, {"direction": "inbound"}),  # only outbound calls are attempts
    ],
)
def test_nothing_is_given_back(answered: int, not_answered: int, fields: Event) -> None:
    """The guarantee holds, or cannot be judged."""
    log = on("sure")
    log.add(*calls(answered, not_answered, **fields))
    settled, closed = closing(log)
    assert settled == []
    assert "credit" not in closed["segments"][0]


def test_one_attempt_decides() -> None:
    """74 of 99 and one more that is not connected are 74 of 100; one more that is are 75 of 100."""
    for last, credited in ((None, 1), (60, 0)):
        log = on("sure")
        log.add(*calls(74, 25), call("A", "last", last, FIRST + timedelta(hours=9)))
        assert len(closing(log)[0]) == credited


def test_a_void_takes_the_attempt_back() -> None:
    """1 of 2 connected is below; without the one that was not, 1 of 1 is too few to judge."""
    log = on("few")
    log.add(*calls(1, 1))
    log.add({"type": "call-voided/1", "account": "A", "source": "pbx-1", "call_id": "c-1", "reason": "a test"})
    assert closing(log)[0] == []


def test_each_segment_is_judged_by_its_own_attempts() -> None:
    """A change on the 16th: 1 of 3 before it gives a tenth of that usage back, 2 of 2 after it nothing."""
    log = on("few-daily")
    log.add(subscribed("A", "few-daily", "2026-10-16T00:00:00+08:00", subscription_id="s-2"))
    log.add(subscribed("A", "daily", "2026-10-20T00:00:00+08:00", subscription_id="s-3"))
    log.add(*calls(1, 2), call("A", "late-1", None, datetime.fromisoformat("2026-10-25T09:00:00+08:00")))
    settled, closed = closing(log)
    assert [(one["kind"], one["amount"]) for one in settled] == [("credit", "-0.25")]
    assert [segment.get("credit") for segment in closed["segments"]] == ["-0.25", None]


def test_a_late_plan_with_a_guarantee_counts_what_came_before() -> None:
    """Said after the calls it is judged by them, as if it had been there from the start."""
    log = Log(make_step(), book(PLANS))
    log.add(subscribed("A", "daily", OCTOBER), *calls(1, 2))
    log.add(subscribed("A", "few-daily", "2026-10-01T00:00:00+08:00", subscription_id="s-2"))
    settled, _ = closing(log)
    assert [one["amount"] for one in settled] == ["-0.25"]


def test_the_counters_stand_in_the_row_and_only_under_a_guarantee() -> None:
    """A restart reads them back; the rows of other plans are what they were."""
    encode, decode = next((table.encode, table.decode) for table in TABLES if table.name == USAGE)
    for plan, counted in (("few-daily", (2, 1)), ("daily", (0, 0))):
        log = on(plan)
        log.add(*calls(1, 1))
        usage = log.replay.rows[0].table(USAGE)[b"A\x1f2026-10"]
        assert usage.segments[0].counts[3:] == counted
        assert decode(encode(usage)) == usage
    encode, decode = next((table.encode, table.decode) for table in TABLES if table.name == TARIFFS)
    core = PlanWords.model_validate(PLANS["sure"]).to_core("sure@1")
    assert decode(encode(core)) == core
    assert PlanWords.of(core).to_core("sure@1") == core


def test_the_statement_adds_up() -> None:
    """The credit is among the adjustments, and the lines sum to the total."""
    log = on("sure")
    log.add(*calls(60, 40))
    closing(log)
    with opened(log) as store, store.read() as connection:
        found = statement(connection, "A", "2026-10")
        assert found is not None
        amounts = {line.meter: line.amount for line in found.lines}
        parts = by_kind(found.period)
    assert amounts == {"fee": "200.00", "connected-calls": "150.00", "minutes": "18.00", "guarantee": "-16.80"}
    assert parts == {"fees": "200.00", "usage": "168.00", "adjustments": "-16.80"}
    assert sum(map(Decimal, amounts.values())) == Decimal("351.20")


def test_how_it_stands_is_told_while_the_month_runs() -> None:
    """In `spend`, the period's view and in words: what closing would give back."""
    log = on("few")
    log.add(*calls(1, 0))
    for added, state, said in (
        ((), (2, 1, 1, "0.00"), "guaranteed 75.0 % from 2 attempts on; 1 so far"),
        (
            (call("A", "busy", None, FIRST + timedelta(hours=1)),),
            (2, 2, 1, "-0.25"),
            "guaranteed 75.0 %: 1 of 2 connected; as it stands 0.25 is given back at closing",
        ),
    ):
        log.add(*added)
        spend = [orjson.loads(out.value or b"") for out in log.outputs if out.topic == "spend"][-1]
        from_attempts, attempts, connected, credit = state
        counts = {"from_attempts": from_attempts, "attempts": attempts, "connected": connected}
        assert spend["guarantee"] == {"connect_rate": "0.75", **counts, "credit": credit}
        RESULTS["spend/1"].model_validate_json(orjson.dumps(spend))
        with opened(log) as store, store.read() as connection:
            view = period(connection, "A", "2026-10")
        assert view is not None
        assert view.guarantee is not None
        assert guarantee_words(view.guarantee) == said
        assert "75.0 %" in guarantee_words(view.guarantee, "zh")


def test_other_plans_tell_nothing_of_it() -> None:
    """The message is what it was."""
    log = on("daily")
    log.add(*calls(1, 1))
    assert all(b'guarantee":{' not in (out.value or b"") for out in log.outputs)


def test_each_line_is_explained() -> None:
    """`rater explain` says what a discount, a minimum and a guarantee are for, in both languages."""
    line = {"meter": "guarantee", "amount": "-16.80", "guaranteed": "0.75", "attempts": 100, "connected": 60}
    assert line_words(line) == "connect rate guaranteed 75.0 %: 60 of 100 connected"
    assert line_words(line, "zh") == "保证接通率 75.0 %：外呼 100 次，接通 60 次"
    assert line_words({"meter": "discount", "amount": "-0.18"}) == "discount"
    assert line_words({"meter": "minimum", "amount": "68.00"}, "zh") == "最低消费补足"


def test_people_read_it() -> None:
    """On the page of plans, in both languages."""
    plan = PlanWords.model_validate(PLANS["sure"]).to_core("p")
    assert plan_terms(plan)[1] == ("guarantee", "10 % of usage back below 75 % connected")
    assert plan_terms(plan, "zh")[1] == ("保证接通率", "接通率低于 75% 退用量费 10%")
