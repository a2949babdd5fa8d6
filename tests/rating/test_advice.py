"""Advice on plans: worked by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.rating.advice import Month, advise, is_hybrid, is_package, month_cost
from rater.rating.book import Band, Meter, Price
from rater.rating.connect_rate import judged
from rater.rating.names import PeriodName
from rater.rating.units import Call
from rater.wire.shipped import shipped_book
from tests.support.plans import a_meter, a_plan

PLANS = dict(shipped_book().to_core().plans)
ANSWERED = Call("outbound", connected=True, talk=61)
MISSED = Call("outbound", connected=False, talk=0)


def month(period: str, calls: int, paid: str = "0.00", talk: int = 60) -> Month:
    return Month(PeriodName(period), {Call("inbound", connected=True, talk=talk): calls, MISSED: 7}, Decimal(paid))


@pytest.mark.parametrize(
    ("plan", "cost"),
    [
        ("per-minute", "40.00"),  # 125 calls of 61 s are 250 minutes: 250 x 0.16
        ("package-basic", "322.50"),  # 300 + 150 x 0.15
        ("package-premium", "500.00"),
        ("per-call", "187.50"),  # 125 x 1.50
        ("hybrid-200", "548.50"),  # 200 + 200 x 0.18 + 125 x 2.50
        ("hybrid-400", "691.00"),  # 400 + 100 x 0.16 + 125 x 2.20
    ],
)
def test_a_month_under_each_plan(plan: str, cost: str) -> None:
    """125 connected calls of 61 s, and some that nobody answered."""
    assert month_cost(PLANS[plan], {ANSWERED: 125, MISSED: 40}, 2) == Decimal(cost)


def test_the_cheapest_comes_first_and_says_what_is_paid_too_much() -> None:
    """Two months of 50 and 60 minutes on package-basic: 600 paid, where per-minute takes 19.80."""
    advice = advise(
        [month("2026-01", 50, "300.00"), month("2026-02", 60, "300.00")], PLANS, "package-basic", precision=2
    )
    assert advice is not None
    assert (advice.best.plan, advice.best.total, advice.best.worst) == (
        "per-minute",
        Decimal("19.80"),
        Decimal("10.80"),
    )
    assert (advice.paid, advice.too_much) == (Decimal("600.00"), Decimal("580.20"))
    assert (advice.current, advice.swings, advice.protection) == ("package-basic", False, None)


def test_swinging_months_are_told_what_caps_and_what_follows() -> None:
    """20, 400 and 30 calls of 20 minutes: premium is 500 whatever comes; hybrid-200 is 313, 2,631 and 374.

    20 calls: 200 + 350 x 0.18 + 20 x 2.50 = 313.00. 400: 200 + 7,950 x 0.18 + 1,000 = 2,631.00. 30: 200 + 99 + 75.
    """
    months = [month(f"2026-0{n}", calls, talk=1200) for n, calls in ((1, 20), (2, 400), (3, 30))]
    advice = advise(months, PLANS, None, precision=2)
    assert advice is not None
    assert advice.swings
    guard = advice.protection
    assert guard is not None
    assert (guard.package.plan, guard.package.worst) == ("package-premium", Decimal("500.00"))
    assert guard.hybrid.plan == "hybrid-200"
    assert guard.hybrid.costs == (Decimal("313.00"), Decimal("2631.00"), Decimal("374.00"))
    assert (guard.caps, guard.saves, guard.saves_in) == (Decimal("2131.00"), Decimal("187.00"), "2026-01")


def test_nothing_to_compare() -> None:
    """Without a month that is over, or without plans, there is no advice; a plan of no book is not named as current."""
    assert advise([], PLANS, "per-call", precision=2) is None
    assert advise([month("2026-01", 1)], {}, None, precision=2) is None
    advice = advise([month("2026-01", 1)], PLANS, "negotiated", precision=2)
    assert advice is not None
    assert advice.current is None


@given(st.lists(st.integers(0, 500), min_size=1, max_size=12))
def test_the_best_is_never_dearer_than_any_other(volumes: list[int]) -> None:
    """And two months swing only from the third on."""
    months = [month(f"m{n}", calls) for n, calls in enumerate(volumes)]
    advice = advise(months, PLANS, None, precision=2)
    assert advice is not None
    assert all(advice.best.total <= offer.total for offer in advice.offers)
    assert {offer.plan for offer in advice.offers} == set(PLANS)
    if len(volumes) < 3 or (volumes and max(volumes) < 2 * min(volumes)):
        assert not advice.swings
    if len(volumes) >= 3 and min(volumes) and max(volumes) >= 2 * min(volumes):
        assert advice.swings


BAND = (Decimal("0.70"), Decimal("0.90"))


@pytest.mark.parametrize(
    ("connected", "attempts", "verdict"),
    [
        (0, 0, "no-attempts"),
        (80, 99, "too-few"),
        (400, 500, "within"),
        (300, 500, "below"),
        (490, 500, "above"),
        (75, 100, "borderline"),
        (355, 500, "borderline"),
        (70_000, 100_000, "borderline"),
        (70_500, 100_000, "within"),
    ],
)
def test_a_connect_rate_beside_the_band(connected: int, attempts: int, verdict: str) -> None:
    """The whole interval has to lie on one side of an end before anybody is told so."""
    assert judged(connected, attempts, BAND) == verdict


RATE = Price("flat", (Band(0, Decimal("0.20")),))
FREE, PAID = a_meter(None, None), a_meter(0, RATE)


@pytest.mark.parametrize(
    ("fee", "minutes", "calls", "kinds"),
    [
        (9, a_meter(5, RATE), None, "package"),
        (9, a_meter(1, RATE), None, "package"),
        (9, FREE, None, "package"),
        (9, FREE, FREE, "package"),
        (9, PAID, None, ""),
        (9, None, None, ""),
        (9, None, FREE, ""),
        (0, FREE, None, ""),
        (9, FREE, PAID, "hybrid"),
        (9, None, PAID, "hybrid"),
        (0, FREE, PAID, ""),
    ],
)
def test_what_is_a_package_and_what_a_hybrid(fee: int, minutes: Meter | None, calls: Meter | None, kinds: str) -> None:
    """A package: a fee, minutes in it, no price for a call. A hybrid: a fee, and a price for a call."""
    plan = a_plan("p@1", Decimal(fee), "none", minutes, calls)
    assert (is_package(plan), is_hybrid(plan)) == (kinds == "package", kinds == "hybrid")


@pytest.mark.parametrize(
    ("swings", "sizes"),
    [
        ("yes", (10, 15, 20)),
        ("no", (10, 15, 19)),
        ("no", (0, 0, 0)),
        ("yes", (0, 0, 1)),
        ("yes", (20, 10, 10)),
        ("no", (10, 20)),
    ],
)
def test_a_volume_swings_from_twice_the_quietest_month_on(swings: str, sizes: tuple[int, ...]) -> None:
    """Of at least three months; a month of no calls is the quietest that there is."""
    months = [month(f"2026-{n:02}", calls) for n, calls in enumerate(sizes, 1)]
    advice = advise(months, PLANS, None, precision=2)
    assert advice is not None
    assert advice.swings is (swings == "yes")


def test_no_hybrid_or_no_package_is_no_protection() -> None:
    """It takes both to compare."""
    months = [month(f"2026-{n:02}", calls) for n, calls in enumerate((10, 15, 40), 1)]
    for names in (("package-basic", "per-minute"), ("hybrid-200", "per-minute"), ("per-minute",)):
        advice = advise(months, {name: PLANS[name] for name in names}, None, precision=2)
        assert advice is not None
        assert (advice.swings, advice.protection) == (True, None)
