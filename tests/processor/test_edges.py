"""The instants and equalities at which rules turn, each with the right value, and the mistake that it would catch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from rater.processor import tariffs_published
from rater.processor.step import make_step
from rater.rating import account, advice, amendments, charging, fees, reach_back
from rater.rating.advice import Month, advise
from rater.rating.names import PeriodName
from rater.rating.units import Call
from rater.tools.log_file import LogLine
from rater.tools.rerate import rerate
from rater.wire.tariff_book import TariffBook
from tests.support.logs import Log, amounts, book, call, published, record, subscribed, tick
from tests.support.mutate import plant

DAILY = {"p": {"proration": "daily", "fee": "300.03", "minutes": {"rate": "0.10"}}}
FLAT = {"calls": {"rate": "1.00"}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def the_end_of_a_plan() -> None:
    """A plan that ends at an instant does not count the call that starts at it."""
    log = Log(words=book(DAILY))
    log.add(
        subscribed("A", "p"), subscribed("A", None, "2026-11-16T00:00:00+08:00", subscription_id="end"),
        call("A", 1, 60, at("2026-11-15T23:59:59")), call("A", 2, 60, at("2026-11-16T00:00:00")),
    )  # fmt: skip
    assert log.rejected == ["account-ended"]


def the_default_plan_of_the_period() -> None:
    """What was rated under the default plan stays under it, whatever a later book has for one."""
    plans = {"old": FLAT, "new": {"calls": {"rate": "9.00"}}, "own": {"proration": "daily", "calls": {"rate": "2.00"}}}
    log = Log(words=book(plans, default_plan="old"))
    log.add(call("A", 1, 60), published(book(plans, default_plan="new", version=2)))
    log.add(subscribed("A", "own", "2026-11-20T00:00:00+08:00"), call("A", 2, 60, at("2026-11-21T00:00:00")))
    assert amounts(log.charges) == ["1.00", "2.00"]


def a_version_from_the_very_start() -> None:
    """A version that reaches back to the instant at which a segment began is the segment's."""
    back = {"calls": {"rate": "2.00"}, "effective": "2026-11-01T00:00:00+08:00", "reach_back": True}
    log = Log(words=book({"p": FLAT}))
    log.add(subscribed("A", "p"), call("A", 1, 60))
    log.add(published(book({"p": back}, version=2)), tick("2026-11-15T00:00:00Z"))
    assert amounts(log.charges) == ["1.00", "1.00"]


def two_caps_of_one_instant() -> None:
    """Of two subscriptions from the same instant the later in the log holds: its cap is reached, the other is not."""
    log = Log(make_step(), words=book({"p": FLAT}))
    log.add(subscribed("A", "p", spend_cap="1.50"), subscribed("A", "p", subscription_id="s-2", spend_cap="3.50"))
    log.add(*(call("A", n, 60) for n in range(3)))
    assert not any(b"spend-cap" in (output.value or b"") for output in log.outputs if output.topic == "alerts")
    log.add(call("A", 3, 60))
    assert any(b'"limit":"3.5' in (output.value or b"") for output in log.outputs if output.topic == "alerts")


def a_fee_by_days() -> None:
    """300.03 for 25 of 30 days is 250.025, and half a cent is rounded up."""
    log = Log(words=book(DAILY))
    log.add(subscribed("A", "p", "2026-11-06T00:00:00+08:00"))
    assert amounts(log.charges) == ["250.03"]
    # The share of days is no decimal: taken first, it would lose the half cent of 1.65 for one day of 30.
    last = Log(words=book({"p": {"proration": "daily", "fee": "1.65", "minutes": {"rate": "0.10"}}}))
    last.add(subscribed("A", "p", "2026-11-30T00:00:00+08:00"))
    assert amounts(last.charges) == ["0.06"]


def a_book_that_makes_work_due() -> None:
    """A shorter close_after closes at the next tick what it makes due."""
    log = Log(words=book({"p": FLAT}))
    log.add(subscribed("A", "p"), call("A", 1, 60), tick("2026-12-03T00:00:00+08:00", operator=True))
    log.add(published(book({"p": FLAT}, version=2, close_after="1d")))
    log.add(tick("2026-12-03T00:00:01+08:00", operator=True))
    assert [charge["type"] for charge in log.charges][-1] == "period-closed/1"


def months() -> list[Month]:
    """One with calls, one without."""
    busy = Month(PeriodName("2026-10"), {Call("outbound", connected=True, talk=6_000): 1}, Decimal("310.00"))
    return [busy, Month(PeriodName("2026-11"), {}, Decimal("300.00"))]


def the_fee_of_an_idle_month() -> None:
    """A month without calls costs its fee under each plan."""
    plans = TariffBook.model_validate_json(
        b'{"version":1,"currency":"CNY","time_zone":"UTC","plans":{"p":{"fee":"50.00","minutes":{"rate":"1.00"}}}}'
    ).to_core()
    found = advise(months(), plans.plans, None, precision=2)
    assert found is not None
    assert found.best.costs == (Decimal("150.00"), Decimal("50.00"))


def accounts_of_the_new_book_alone() -> None:
    """A back-test shows whom only the new book charges."""
    old = book({"p": FLAT})
    new = TariffBook.model_validate(book({"p": FLAT, "d": {"calls": {"rate": "4.00"}}}, version=2, default_plan="d"))
    events = [published(old), call("stranger", 1, 60)]
    lines = [LogLine(0, 1, record(n, event)) for n, event in enumerate(events)]
    found = rerate(lines, new, own=None, bare=False)
    assert [(one.account, one.before, one.after) for one in found.differences] == [
        ("stranger", Decimal(0), Decimal("4.00"))
    ]


Edge = Callable[[], None]
EDGES: list[tuple[Edge, Callable[..., Any], str, str]] = [
    (the_end_of_a_plan, charging.segment_at, "at >= segments[found].until", "at > segments[found].until"),
    (
        the_default_plan_of_the_period,
        amendments._default_of,
        "return first.plan_name",
        "return tariffs.book.default_plan",
    ),
    (
        a_version_from_the_very_start,
        reach_back._under_its_version,
        "rank(new)[0] <= segment.start",
        "rank(new)[0] < segment.start",
    ),
    (two_caps_of_one_instant, account.in_effect, "subscription.start < found[0]", "subscription.start <= found[0]"),
    (a_fee_by_days, fees._entry, "whole * Decimal(part) / of", "whole * (Decimal(part) / of)"),
    (a_book_that_makes_work_due, tariffs_published.on_tariffs, "book=book.version, due=NEVER", "book=book.version"),
    (the_fee_of_an_idle_month, advice.month_cost, "return plan_cost", "return ZERO if not calls else plan_cost"),
    (accounts_of_the_new_book_alone, rerate, "{*was.accounts, *would.accounts}", "{*was.accounts}"),
]


@pytest.mark.parametrize("edge", [edge for edge, *_ in EDGES], ids=lambda edge: edge.__name__)
def test_the_edge_is_where_the_rules_say(edge: Edge) -> None:
    """Each by its own worked value."""
    edge()


@pytest.mark.parametrize(("edge", "function", "piece", "bug"), EDGES, ids=[edge.__name__ for edge, *_ in EDGES])
def test_the_mistake_is_caught(
    edge: Edge, function: Callable[..., Any], piece: str, bug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bug in the source the edge is elsewhere, and its test fails."""
    plant(monkeypatch, function, piece, bug)
    if function is rerate:
        monkeypatch.setitem(globals(), "rerate", __import__("rater.tools.rerate", fromlist=["rerate"]).rerate)
    with pytest.raises(AssertionError):
        edge()
