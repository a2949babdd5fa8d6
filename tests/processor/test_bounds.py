"""What one account may have, and what becomes of a record that would go beyond it: rejected, and the stream goes on."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rater.processor.subscribed
from rater.processor import step as step_module
from rater.processor.rows import ACCOUNTS, TABLES
from rater.rating.limits import CHANGES, CHANGES_PER_PERIOD, LINES, ROW_BYTES
from rater.rating.lines import Line, settled
from rater.wire.results import Charge
from tests.support.logs import Event, Log, amounts, bodies, book, call, subscribed, tick, total

ENCODE = {table.name: table.encode for table in TABLES}
NOVEMBER = datetime.fromisoformat("2026-11-01T00:00:00+08:00")
BANDS = [{"from": number, "rate": f"0.{200 - number:03d}"} for number in range(50)]
PLANS = {
    "even": {"proration": "daily", "fee": "30.00", "minutes": {"graduated": BANDS}},
    "odd": {"proration": "daily", "fee": "60.00", "minutes": {"graduated": BANDS, "increment": "30/6"}},
    "flat": {"minutes": {"rate": "0.10"}, "calls": {"rate": "1.00"}},
    "both": {"proration": "daily", "minutes": {"graduated": BANDS}, "calls": {"graduated": BANDS}},
    "also": {"proration": "daily", "minutes": {"graduated": BANDS}, "calls": {"graduated": BANDS, "allowance": 1}},
}


def change(number: int, at: datetime, plan: str | None = None, **fields: Any) -> Event:
    """The n-th plan change of account A."""
    plan = plan or ("odd" if number % 2 else "even")
    return subscribed("A", plan, at.isoformat(), subscription_id=f"s-{number}", **fields)


def row(log: Log) -> Any:
    return log.replay.rows[0].get(ACCOUNTS, b"A")


def test_a_period_takes_so_many_changes_and_no_more() -> None:
    """The next one is rejected with its reason; other months, other accounts and the calls go on."""
    log = Log(words=book(PLANS))
    log.add(*(change(n, NOVEMBER + timedelta(hours=7 * n)) for n in range(CHANGES_PER_PERIOD)))
    assert log.rejected == []
    log.add(change(500, NOVEMBER + timedelta(hours=1)), change(501, NOVEMBER + timedelta(days=35)))
    log.add(subscribed("B", "flat"), call("A", 1, 90), call("B", 1, 90))
    assert log.rejected == ["too-many-changes"]
    assert log.outcomes["charged"] == 2
    detail = bodies(log.outputs, "rejected")[0]["detail"]
    assert detail == f"from: 2026-11 has {CHANGES_PER_PERIOD} subscriptions already"


def test_an_account_takes_so_many_changes_that_are_not_forgotten() -> None:
    """However many months they are spread over: the row that has them is read by every event of the account."""
    log = Log(words=book(PLANS))
    log.add(*(change(n, NOVEMBER + timedelta(days=n)) for n in range(CHANGES + 3)))
    assert log.rejected == ["too-many-changes"] * 3
    assert len(row(log).history) == CHANGES


def test_what_was_said_for_forgotten_months_is_one_state() -> None:
    """Years of changes leave a row of the same size, and each next month is rated as if all were still known."""
    log = Log(words=book(PLANS))
    cap = {"spend_cap": "500.00", "guaranteed_connect_rate": "0.75"}
    log.add(change(0, NOVEMBER, "flat", **cap))
    sizes = []
    for month in range(1, 31):
        at = NOVEMBER + timedelta(days=31 * month)
        log.add(change(month, at), tick((at + timedelta(days=1)).isoformat(), operator=True))
        sizes.append(len(ENCODE[ACCOUNTS](row(log))))
    assert max(sizes[10:]) < 1.1 * max(sizes[:10])
    assert len(row(log).history) < 8
    oldest = row(log).history[0]
    assert (oldest.id, oldest.spend_cap) == ("", Decimal("500.00")), "what still holds is kept, and no id"
    assert log.rejected == []


def test_a_negotiated_plan_outlives_the_id_of_its_subscription() -> None:
    """A plan that is written in a subscription holds long after that is forgotten, and is not said twice."""
    log = Log(words=book(PLANS))
    inline = {"minutes": {"rate": "0.07"}}
    log.add(subscribed("A", inline, subscription_id="deal"), call("A", 1, 60))
    late = datetime.fromisoformat("2027-06-15T12:00:00+08:00")
    stamp = int(late.timestamp() * 1000) + 3_600_000
    log.add(tick(late.isoformat(), operator=True), change(7, late + timedelta(days=40)))
    (charge,) = log.add(call("A", 2, 60, late), timestamp=stamp)
    assert (charge["plan"], charge["amount"]) == ("deal@1", "0.07")
    log.add(subscribed("A", inline, subscription_id="deal"))
    assert log.rejected == ["closed-period"], "repeated, it lies in a closed period; it is not applied again"


def test_a_negotiated_plan_outlives_what_came_between() -> None:
    """Said in January and again from June; then another plan from March comes late. When all up to April is forgotten,
    June's is still the plan that January's subscription wrote down."""
    log = Log(words=book(PLANS))
    inline = {"minutes": {"rate": "0.07"}}
    log.add(subscribed("A", inline, "2027-01-01T00:00:00+08:00", subscription_id="deal"))
    log.add(subscribed("A", inline, "2027-06-01T00:00:00+08:00", subscription_id="again"))
    log.add(subscribed("A", "flat", "2027-03-01T00:00:00+08:00", subscription_id="between"))
    log.add(tick("2027-08-01T00:00:00+08:00", operator=True))
    log.add(subscribed("A", "flat", "2027-10-01T00:00:00+08:00", subscription_id="last"))
    assert "deal" not in {said.id for said in row(log).history}
    log.add(subscribed("A", "flat", "2027-11-01T00:00:00+08:00", subscription_id="and-one-more", spend_cap="9.00"))
    july = datetime.fromisoformat("2027-07-25T12:00:00+08:00")
    (charge,) = log.add(call("A", 1, 60, july), timestamp=int(july.timestamp() * 1000) + 3_600_000)
    assert (charge["plan"], charge["amount"], log.rejected) == ("deal@1", "0.07", [])


def test_a_late_subscription_over_too_many_calls_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream does not stand still for it: the reason says from when on it can be said."""
    log = Log(words=book(PLANS, default_plan="flat") | {"plans": PLANS | {"flat": {"minutes": {"rate": "0.10"}}}})
    log.add(*(call("A", n, 60) for n in range(20)))
    monkeypatch.setattr(rater.processor.subscribed, "CALLS_RERATED", 19)
    log.add(change(1, NOVEMBER), change(2, NOVEMBER + timedelta(days=30)))
    assert log.rejected == ["too-many-calls"]
    assert log.outcomes["applied"] == 2


def test_260_changes_260_calls_and_a_late_subscription_do_not_stop_the_stream() -> None:
    """521 ordinary records once made an adjustment of 13,262 lines and 1.28 MB, which ended the worker forever."""
    log = Log(words=book(PLANS))
    log.add(*(change(n, NOVEMBER + timedelta(hours=2 * n)) for n in range(260)))
    log.add(*(call("A", n, 50 * 60, NOVEMBER + timedelta(hours=2 * n, minutes=5)) for n in range(260)))
    adjusted = log.add(change(999, NOVEMBER + timedelta(hours=1), "flat"))
    assert log.rejected == ["too-many-changes"] * 161
    assert adjusted == []
    assert max(len(output.value or b"") for output in log.outputs) < 64 * 1024
    (later,) = log.add(call("A", 1000, 60, NOVEMBER + timedelta(hours=3)))
    assert later["seq"] == log.charges[-1]["seq"]


def hourly(count: int, plan: str) -> list[Event]:
    """A month under one plan, with a call of two minutes in each of its first hours."""
    calls = (call("A", n, 120, NOVEMBER + timedelta(hours=n, minutes=5)) for n in range(count))
    return [subscribed("A", plan), *calls]


def test_lines_beyond_the_limit_are_summed_up_a_line_a_meter() -> None:
    """A re-rating over very many bands says what it comes to by meter, without a rate, to the same total as ever."""
    late = change(1, NOVEMBER + timedelta(days=3), "also")
    log, early = Log(words=book(PLANS)), Log(words=book(PLANS))
    log.add(*hourly(144, "both"))
    (charge,) = log.add(late)
    subscription, *calls = hourly(144, "both")
    early.add(subscription, late, *calls)
    adjustment = Charge.model_validate_json(orjson.dumps(charge))
    minutes, calls_, *rounding = adjustment.lines
    assert [(line.meter, line.rate) for line in (minutes, calls_)] == [("minutes", None), ("connected-calls", None)]
    assert [line.meter for line in rounding] == ["rounding"]
    assert sum(line.amount for line in adjustment.lines) == adjustment.amount
    counts = [(line.quantity, line.covered) for line in (minutes, calls_)]
    assert counts == [(Decimal(0), Decimal(0)), (Decimal(0), Decimal(1))]
    assert total(log.charges) == total(early.charges)


@given(st.lists(st.sampled_from(["0.20", "0.181"]), min_size=LINES, max_size=3 * LINES))
def test_summed_up_lines_sum_to_the_amount(rates: list[str]) -> None:
    """Whatever the lines were, the amount and each meter's quantity stay."""
    lines = tuple(Line("minutes", 60, 0, 60, Decimal(rate), Decimal(rate)) for rate in rates)
    amount = Decimal("77.7")
    few = settled((*lines, Line("minutes", 9, 0, 9, Decimal(1), Decimal(2), Decimal(3))), amount)
    assert sum(line.amount for line in few) == amount
    assert (few[0].meter, few[0].quantity, few[0].rate) == ("minutes", 60 * len(rates), None)
    assert len(few) == 2


def test_5000_credits_leave_the_account_as_small_as_it_was() -> None:
    """Each has a row of its own; a plan change and a call come after them as before, and each is known again."""
    log = Log(words=book(PLANS))
    log.add(change(0, NOVEMBER, "flat"), call("A", 1, 60))
    size = len(ENCODE[ACCOUNTS](row(log)))
    posted = [
        {"type": "account-adjusted/1", "account": "A", "adjustment_id": f"a-{n}", "amount": "-0.01", "reason": "x"}
        for n in range(5_000)
    ]
    log.add(*posted)
    assert len(ENCODE[ACCOUNTS](row(log))) == size
    log.add(posted[0], posted[-1], posted[7] | {"amount": "-0.02"})
    log.add(change(1, NOVEMBER + timedelta(days=40)), call("A", 2, 60))
    assert log.rejected == ["conflict"]
    assert log.outcomes["duplicate"] == 2
    assert amounts(log.charges[-1:]) == ["1.10"]


def test_what_a_record_puts_out_is_measured_as_what_it_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """An output that would not fit a batch is never made: the record is rejected and leaves nothing behind."""
    log = Log(words=book(PLANS))
    log.add(*hourly(144, "even"))
    kept = row(log)
    late = change(1, NOVEMBER + timedelta(days=3), "flat")
    monkeypatch.setattr(step_module, "ROW_BYTES", 5_000)
    log.add(late)
    assert (log.rejected, row(log)) == (["too-large"], kept)
    monkeypatch.setattr(step_module, "ROW_BYTES", ROW_BYTES)
    (adjustment, *_) = log.add(late)
    assert 5_000 < len(orjson.dumps(adjustment)) < ROW_BYTES
    assert max(len(encode(row_)) for row_, encode in ((row(log), ENCODE[ACCOUNTS]),)) < 5_000
