"""What was charged stays charged once and at its price, whatever is said later of the account or the book."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

import rater.rating.amendments
from rater.rating.charging import segments_of
from rater.wire.results import PeriodClosed
from rater.wire.tariff_file import load_book
from tests.support.logs import Event, Log, amounts, bodies, book, call, published, subscribed, tick, total

CHEAP = {"fee": "100.00", "minutes": {"rate": "1.00"}}
DEAR = {"fee": "200.00", "minutes": {"rate": "3.00"}, "effective": "2026-11-05T00:00:00+08:00"}
PER_CALL = {"p": {"calls": {"rate": "2.00"}}}
CREDIT: Event = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a-1", "amount": "-5.00", "reason": "x"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+08:00")


def ticked(text: str) -> Event:
    return tick(at(text).isoformat(), operator=True)


@pytest.mark.parametrize("book_first", [True, False])
@pytest.mark.parametrize(
    "said",
    [
        {"spend_cap": "500.00"},
        {"guaranteed_connect_rate": "0.75"},
        {"billing_day": 15},
        {"time_zone": "Europe/Paris"},
        {},
    ],
    ids=lambda said: next(iter(said), "the same plan again"),
)
def test_a_new_version_does_not_reprice_what_has_begun(said: dict[str, Any], book_first: bool) -> None:  # noqa: FBT001
    """100.00 + 10 min at 1.00, whether the account says something else before or after the book: 230.00 before."""
    log = Log(words=book({"p": CHEAP}))
    log.add(subscribed("A", "p", "2026-11-10T00:00:00+08:00"), call("A", 1, 600, at("2026-11-11T09:00")))
    later = [
        published(book({"p": DEAR}, version=2)),
        subscribed("A", "p", "2026-11-12T00:00:00+08:00", subscription_id="s-2", **said),
    ]
    log.add(*(later if book_first else reversed(later)))
    assert total(log.charges) == Decimal("110.00")
    log.add(call("A", 2, 60, at("2026-11-20T09:00")))
    assert total(log.charges) == Decimal("111.00")


def test_the_law_of_versions_catches_a_look_at_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where versions are looked up anew at each change, the same log comes to 230.00."""
    monkeypatch.setattr(rater.rating.amendments, "segments_of", lambda *given: segments_of(*given[:4]))
    with pytest.raises(AssertionError):
        test_a_new_version_does_not_reprice_what_has_begun({"spend_cap": "500.00"}, book_first=True)


@pytest.mark.parametrize("said", [{"billing_day": 15}, {"time_zone": "America/New_York"}, {"billing_day": 28}])
def test_a_call_is_not_charged_again_under_another_calendar(said: dict[str, Any]) -> None:
    """A month that is forgotten is never part of a new period: the same call is too old before and after."""
    log = Log(words=book(PER_CALL, remember="31d"))
    old = call("A", 1, 60, at("2026-10-30T09:00"))
    log.add(subscribed("A", "p", "2026-10-01T00:00:00+08:00"), old)
    log.add(ticked("2026-11-10T00:00"), ticked("2026-12-12T00:01"), ticked("2026-12-13T00:00"))
    log.add(old)
    log.add(subscribed("A", "p", "2026-12-18T12:00:00+08:00", subscription_id="s-2", **said), old)
    assert log.rejected == ["too-old", "too-old"]
    assert amounts(c for c in log.charges if c["type"] == "charge/1") == ["2.00"]


def test_nothing_is_rated_under_a_plan_that_ended_before() -> None:
    """A new billing day does not stretch a period over a closed one, whose plan has ended: account-ended."""
    log = Log(words=book(PER_CALL, remember="31d"))
    log.add(subscribed("A", "p", "2026-10-01T00:00:00+08:00"), call("A", 1, 60, at("2026-10-30T09:00")))
    log.add(subscribed("A", None, "2026-11-01T00:00:00+08:00", subscription_id="end"), ticked("2026-12-13T00:00"))
    log.add(subscribed("A", None, "2026-12-12T00:00:00+08:00", subscription_id="day", billing_day=15))
    log.add(call("A", 2, 60, at("2026-12-10T09:00")), call("A", 3, 60, at("2026-12-20T09:00")))
    assert log.rejected == ["account-ended", "account-ended"]
    log.add(ticked("2027-03-01T00:00"))
    for closed in (c for c in log.charges if c["type"] == "period-closed/1"):
        PeriodClosed.model_validate_json(bytes_of(closed))


def bytes_of(event: Event) -> bytes:
    import orjson  # noqa: PLC0415 - one use

    return orjson.dumps(event)


def test_an_account_that_was_forgotten_is_not_charged_again_in_another_zone() -> None:
    """A default-plan account leaves no row: its old calls are too old, whatever zone a later book has."""
    words = {"default_plan": "p", "remember": "31d", "time_zone": "UTC"}
    log = Log(words=book(PER_CALL, **words))
    old = call("A", 1, 60, at("2026-11-01T03:00"))  # 31 October in UTC
    log.add(old, ticked("2026-12-12T09:00"))
    assert log.replay.rows[0].get("accounts", b"A") is None
    log.add(published(book(PER_CALL, version=2, **words | {"time_zone": "Asia/Shanghai"})), old)
    assert log.rejected == ["too-old"]
    assert amounts(c for c in log.charges if c["type"] == "charge/1") == ["2.00"]


def test_a_book_that_forgets_within_a_month_is_refused_in_a_file() -> None:
    """With its line; one that is in a log all the same is taken for 31 days."""
    text = b"version: 1\ncurrency: CNY\ntime_zone: UTC\nremember: 7d\nplans: {p: {calls: {rate: '1'}}}\n"
    found = load_book(text)
    assert isinstance(found, tuple)
    assert str(found[0]) == "4:11: remember: calls must be remembered for at least 31 days; write remember: 60d"
    log = Log(words=book(PER_CALL, remember="7d", default_plan="p"))
    log.add(call("A", 1, 60, at("2026-10-30T09:00")), ticked("2026-12-11T00:00"))
    assert len(log.replay.rows[0].table("calls")) == 1
    log.add(ticked("2026-12-12T00:01"))
    assert len(log.replay.rows[0].table("calls")) == 0


def test_a_customer_who_has_left_can_be_credited() -> None:
    """The plan ended, all months are closed: the credit stands in the oldest open period, under the last plan."""
    log = Log(words=book(PER_CALL))
    log.add(subscribed("A", "p", "2026-10-01T00:00:00+08:00"), call("A", 1, 60, at("2026-10-30T09:00")))
    log.add(subscribed("A", None, "2026-11-01T00:00:00+08:00", subscription_id="end"), ticked("2026-12-20T00:00"))
    (credit,) = log.add(CREDIT)
    assert (credit["charge_id"], credit["plan"], credit["amount"]) == ("A:2026-12:1", "p@1", "-5.00")
    log.add(CREDIT, call("A", 2, 60, at("2026-12-19T09:00")))
    assert (log.outcomes["duplicate"], log.rejected) == (1, ["account-ended"])
    closed = log.add(ticked("2027-01-12T00:00"))[-1]
    assert (closed["total"], closed["adjustments"]) == ("-5.00", "-5.00")
    PeriodClosed.model_validate_json(bytes_of(closed))


def test_a_customer_who_comes_back_keeps_the_credit() -> None:
    """A new subscription within the same period has its own segment; the credit stays as it was posted."""
    log = Log(words=book(PER_CALL))
    log.add(subscribed("A", "p", "2026-10-01T00:00:00+08:00"), call("A", 1, 60, at("2026-10-30T09:00")))
    log.add(
        subscribed("A", None, "2026-11-01T00:00:00+08:00", subscription_id="end"), ticked("2026-12-20T00:00"), CREDIT
    )
    log.add(subscribed("A", "p", "2026-12-10T00:00:00+08:00", subscription_id="back"))
    (charge,) = log.add(call("A", 2, 60, at("2026-12-19T09:00")))
    assert (charge["amount"], charge["period_total"]) == ("2.00", "-3.00")
    assert log.rejected == []


def test_units_that_move_at_the_same_price_are_told() -> None:
    """An adjustment of 0.00 with its lines: consumers see that a call is no longer under the old plan."""
    log = Log(words=book({"p": {"calls": {"rate": "2.00"}}, "q": {"calls": {"rate": "2.00"}}}))
    log.add(subscribed("A", "p"), call("A", 1, 60))
    (moved,) = log.add(subscribed("A", "q", subscription_id="s-2"))
    assert (moved["kind"], moved["seq"], moved["amount"], moved["period_total"]) == ("adjustment", 2, "0.00", "2.00")
    assert [(line["quantity"], line["amount"]) for line in moved["lines"]] == [("-1", "-2.00"), ("1", "2.00")]
    assert log.add(subscribed("A", "q", subscription_id="s-3", spend_cap="9.00")) == [], (
        "nothing moves, nothing is told"
    )
    assert bodies(log.outputs, "rejected") == []
