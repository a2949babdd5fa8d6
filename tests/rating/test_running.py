"""The month that runs: which plan would be the cheapest for it, if the rest is like so far."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rater.processor.step import make_step
from rater.rating.advice import Month, Running, running
from rater.rating.names import PeriodName
from rater.rating.units import Call
from rater.readmodel.advice import advice_on
from rater.readmodel.advice_texts import advice_words
from rater.wire.tariff_book import PlanWords
from tests.console.readmodel import opened
from tests.support.logs import Event, Log, call, shipped, subscribed, tick

PLANS = {
    name: PlanWords.model_validate(words).to_core(name)
    for name, words in {
        "by-minute": {"minutes": {"rate": Decimal("0.20")}},
        "package": {"fee": Decimal("50.00"), "minutes": {"allowance": 500, "rate": Decimal("0.10")}},
    }.items()
}
MINUTE = Call("outbound", connected=True, talk=60)


@pytest.mark.parametrize(
    ("minutes", "current", "found"),
    [
        (100, "by-minute", Running("2026-11", "package", Decimal("50.00"), Decimal("60.00"))),
        (80, "by-minute", None),
        (80, "package", Running("2026-11", "by-minute", Decimal("48.00"), Decimal("50.00"))),
        (100, "package", None),
        (100, "of-no-book", None),
    ],
)
def test_what_was_used_in_a_third_of_the_month_is_a_third(minutes: int, current: str, found: Running | None) -> None:
    """100 minutes in 10 of 30 days are 300: 60.00 by the minute, 50.00 in the package."""
    month = Month(PeriodName("2026-11"), {MINUTE: minutes}, Decimal(0))
    assert running(month, (10, 30), PLANS, current, precision=2) == found


def test_equal_plans_are_no_reason_to_change() -> None:
    """Of equal ones the current stays; a month that has not begun says nothing."""
    month = Month(PeriodName("2026-11"), {MINUTE: 250}, Decimal(0))
    assert running(month, (1, 1), PLANS, "by-minute", precision=2) is None
    assert running(month, (0, 30), PLANS, "by-minute", precision=2) is None


def _on(day: int, number: int, talk: int) -> Event:
    event = call("A", f"{day}-{number}", talk)
    times = {name: event[name].replace("-03T", f"-{day:02d}T") for name in ("started_at", "answered_at", "ended_at")}
    return event | times


def test_the_advice_of_the_read_model_says_it() -> None:
    """An account on hybrid-400 that calls little, ten days into its first month: per call or minute is cheaper."""
    log = Log(make_step(spend=True), shipped())
    log.add(subscribed("A", "hybrid-400"))
    for day in range(1, 11):
        end = f"2026-11-{day:02d}T12:00:00+08:00"
        stamp = 1_793_500_000_000 + day * 86_400_000
        log.add(_on(day, 1, 120), timestamp=stamp)
        log.add(tick(end), timestamp=stamp)
    with opened(log) as store, store.read() as connection:
        advice = advice_on(connection, "A")
        assert advice is not None
        found = advice.running
        assert found is not None
        assert (advice.months, found.period, found.best) == ((), "2026-11", "per-minute")
        assert Decimal(found.now) - Decimal(found.cost) == Decimal(found.saves) > 300
        (said,) = advice_words(advice)
        assert said.startswith("If 2026-11 goes on as so far")
        assert "2026-11 若照目前趋势" in advice_words(advice, "zh")[0]
