"""A credit, a cap or a default plan of a later book moves no other money: not by a fee, a price, or a plan in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.support.logs import Event, Log, amounts, book, call, published, subscribed, tick

PER_CALL = {"p": {"calls": {"rate": "2.00"}}}
CREDIT: Event = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a-1", "amount": "-5.00", "reason": "x"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+08:00")


def stamp(text: str) -> int:
    return int(at(text).timestamp() * 1000)


def ticked(text: str) -> Event:
    return tick(at(text).isoformat(), operator=True)


def said(number: int, plan: Any, day: str, **fields: Any) -> Event:
    return subscribed("A", plan, f"{day}T00:00:00+08:00", subscription_id=f"s-{number}", **fields)


def who_left(plans: dict[str, Any], until: str = "2026-12-20T00:00", **words: Any) -> Log:
    """A customer of October who left on 1 November; time has come to `until`."""
    log = Log(words=book(plans, **words))
    log.add(said(1, "p", "2026-10-01"), call("A", 1, 60, at("2026-10-30T09:00")), said(2, None, "2026-11-01"))
    log.add(ticked(until))
    return log


def told(log: Log) -> list[tuple[str, str, str]]:
    """Period, plan and amount of each charge after October."""
    charges = [c for c in log.charges if c["type"] == "charge/1" and c["period"] != "2026-10"]
    return [(c["period"], c["plan"], c["amount"]) for c in charges]


def test_a_credit_leaves_the_plan_of_who_is_back() -> None:
    """Back on a plan without a fee, then credited: the next call is charged as without the credit."""
    log = who_left(PER_CALL, "2026-12-22T00:00")
    log.add(said(3, "p", "2026-12-20"), CREDIT, call("A", 2, 60, at("2026-12-21T09:00")))
    assert told(log) == [("2026-12", "p@1", "-5.00"), ("2026-12", "p@1", "2.00")]
    assert log.rejected == []


def test_a_credit_before_who_left_is_back_leaves_the_fee() -> None:
    """Credited when the return is announced and has not come: the fee falls due on its day, and calls are charged."""
    log = who_left({"p": {"fee": "100.00", "calls": {"rate": "2.00"}}}, "2026-12-15T00:00")
    log.add(said(3, "p", "2026-12-20"), CREDIT, timestamp=stamp("2026-12-15T01:00"))
    log.add(ticked("2026-12-21T00:00"), call("A", 2, 60, at("2026-12-21T09:00")))
    assert [amount for _, _, amount in told(log)] == ["-5.00", "100.00", "2.00"]
    assert log.rejected == []


def test_a_credit_names_no_version_for_what_follows() -> None:
    """The credit's plan stands in from 1 December under the version of the 10th; who is back on the 1st has that of
    the 1st."""
    log = who_left(PER_CALL)
    dear = {"p": {"calls": {"rate": "9.00"}, "effective": "2026-12-05T00:00:00+08:00"}}
    log.add(published(book(dear, version=2)), CREDIT, said(3, "p", "2026-12-01"))
    (charge,) = log.add(call("A", 2, 60, at("2026-12-19T09:00")))
    assert (charge["plan"], charge["amount"]) == ("p@1", "2.00")


def test_a_plan_that_was_taken_back_names_no_version_for_what_follows() -> None:
    """What is left of a plan that ended before its period names it from the period's start, where it did not hold."""
    dear = {"p": {"calls": {"rate": "9.00"}, "effective": "2026-11-05T00:00:00+08:00"}}
    log = Log(words=book(PER_CALL))
    log.add(published(book(dear, version=2)), said(1, "p", "2026-11-10"), call("A", 1, 60, at("2026-11-11T09:00")))
    log.add(said(2, None, "2026-11-10"), said(3, "p", "2026-11-01"))
    assert amounts(log.charges) == ["9.00", "-9.00", "2.00"]


def test_a_credit_makes_no_plan_the_default_plan() -> None:
    """No book names a default plan: who left stays without a plan, whatever is said after the credit."""
    log = Log(words=book(PER_CALL))
    log.add(said(1, "p", "2026-12-09"), said(2, None, "2026-12-09"), CREDIT)
    log.add(said(3, None, "2026-12-15", spend_cap="50.00"), call("A", 1, 60, at("2026-12-21T09:00")))
    assert amounts(log.charges) == ["-5.00"]
    assert log.rejected == ["account-ended"]


def test_who_left_can_be_credited_when_all_else_is_forgotten() -> None:
    """A subscription folds what is forgotten; the last plan is kept, a negotiated one too."""
    for plan in ("p", {"calls": {"rate": "7.00"}}):
        log = Log(words=book(PER_CALL, remember="31d"))
        log.add(said(1, plan, "2026-10-01"), said(2, None, "2026-11-01"), ticked("2027-03-15T00:00"))
        log.add(said(3, None, "2027-03-15", spend_cap="9.00"), said(4, "p", "2027-04-01", spend_cap="9.00"))
        (credit,) = log.add(CREDIT)
        name = plan if isinstance(plan, str) else "s-1"
        assert (credit["period"], credit["plan"], credit["amount"]) == ("2027-03", f"{name}@1", "-5.00")
        assert log.rejected == []


def test_a_credit_names_the_later_of_two_plans_of_one_instant() -> None:
    """The last plan of who left is the one that was in force."""
    log = Log(words=book({**PER_CALL, "q": {"calls": {"rate": "3.00"}}}))
    log.add(said(1, "p", "2026-10-01"), said(2, "q", "2026-10-01"), said(3, None, "2026-11-01"))
    (credit,) = log.add(ticked("2026-12-20T00:00"), CREDIT)
    assert credit["plan"] == "q@1"


def test_a_default_plan_of_a_later_book_reprices_nothing() -> None:
    """A period that began without a default plan has none, also after a raised cap: 9.00 for the late call before."""
    log = Log(words=book({**PER_CALL, "d": {"calls": {"rate": "9.00"}}}))
    log.add(said(1, "p", "2026-11-10"), ticked("2026-11-15T00:00"), call("A", 1, 60, at("2026-11-12T09:00")))
    log.add(call("A", 2, 60, at("2026-10-20T09:00")))
    later = book({**PER_CALL, "d": {"calls": {"rate": "9.00"}}}, version=2, default_plan="d")
    log.add(published(later), said(2, "p", "2026-11-12", spend_cap="50.00"), call("A", 3, 60, at("2026-11-05T09:00")))
    assert amounts(log.charges) == ["2.00", "2.00"]
    assert log.rejected == ["unknown-account"]


def test_a_raised_cap_leaves_a_change_of_calendar_where_it_is() -> None:
    """Billing day 1 from the end of the period of 13 November on: a cap said in October does not bring it forward."""
    plans = {"p": {"fee": "31.00", "proration": "daily", "calls": {"rate": "2.00"}}}
    with_cap, without = Log(words=book(plans)), Log(words=book(plans))
    for log in (with_cap, without):
        log.add(said(1, "p", "2026-10-01", billing_day=28))
        log.add(said(2, "p", "2026-11-13", billing_day=1), timestamp=stamp("2026-10-26T00:00"))
    with_cap.add(said(3, "p", "2026-10-26", spend_cap="70.00"), timestamp=stamp("2026-10-26T00:00"))
    for log in (with_cap, without):
        log.add(ticked("2027-01-02T00:00"))
    fees = [(c["period"], c["amount"]) for c in without.charges if c["type"] == "charge/1"]
    assert [(c["period"], c["amount"]) for c in with_cap.charges if c["type"] == "charge/1"] == fees
    assert [period for period, _ in fees] == ["2026-09-28", "2026-10-28", "2026-11-28", "2026-12", "2027-01"]
