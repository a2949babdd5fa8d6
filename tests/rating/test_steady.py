"""Lines that are kept are those that would be worked out anew, wherever a step lies and whatever was kept before."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.rating import line_cache
from rater.rating.book import Band, Meter, Plan, Price, PriceKind
from rater.rating.instant import Instant
from rater.rating.lines import settled
from rater.rating.names import PlanId
from rater.rating.usage import Segment, explain, used, worked_out
from tests.support.plans import a_meter, a_plan, counts

START: Instant = 0
RATES = st.sampled_from([Decimal(0), Decimal("0.18"), Decimal("0.333"), Decimal("2.5")])
BANDS = st.lists(st.tuples(st.integers(1, 6), RATES, st.sampled_from([Decimal(0), Decimal("0.5")])), max_size=3)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    kinds: tuple[PriceKind, ...] = ("flat", "graduated", "volume")
    kind = draw(st.sampled_from(kinds))
    start, bands = 0, [Band(0, draw(RATES), draw(st.sampled_from([Decimal(0), Decimal(1)])))]
    for more, rate, flat in draw(BANDS) if kind != "flat" else []:
        start += more
        bands.append(Band(start, rate, flat))
    return Price(kind, tuple(bands))


METERS = st.none() | st.builds(
    lambda allowance, price: a_meter(allowance, None if allowance is None else price),
    st.none() | st.integers(0, 5),
    prices(),
)
PLANS = st.builds(lambda minutes, calls: a_plan("p@1", Decimal(0), "none", minutes, calls), METERS, METERS)
STEPS = st.lists(st.tuples(st.sampled_from([-60, -1, 0, 1, 6, 60, 90, 240]), st.integers(-1, 2)), max_size=25)


def same(plan: Plan, steps: list[tuple[int, int]]) -> None:
    """Walk these steps; each is explained as it would be by a plan that keeps nothing."""
    before = Segment(START, PlanId(plan.id), inline=False)
    for seconds, calls in steps:
        after_all = tuple(max(0, now + more) for now, more in zip(before.counts, counts(seconds, calls), strict=True))
        after = used(plan, before, after_all, 2)
        anew = settled(worked_out(replace(plan), before, after, 2), after.cost - before.cost)
        found = explain(plan, before, after, 2)
        assert found == anew
        assert str(found) == str(anew), "to the last decimal place"
        assert sum(line.amount for line in found) == after.cost - before.cost
        before = after


@given(PLANS, STEPS)
def test_kept_lines_are_those_that_would_be_worked_out(plan: Plan, steps: list[tuple[int, int]]) -> None:
    """Over edges and back, at any price."""
    same(plan, steps)


def test_a_plan_keeps_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many sizes steps have."""
    monkeypatch.setattr("rater.rating.usage.MOST", 5)
    plan = a_plan("p@1", Decimal(0), "none", a_meter(0, Price("flat", (Band(0, Decimal(1)),))), None)
    same(plan, [(n, 0) for n in range(1, 40)])
    assert 0 < len(plan.memo) <= 5


@pytest.mark.parametrize("planted", ["edges", "bands"])
def test_the_law_catches_steps_that_are_taken_for_steady(monkeypatch: pytest.MonkeyPatch, planted: str) -> None:
    """Were a step over an edge kept, or one band's lines used in another, the law would say so."""
    real = line_cache.stretch

    def blind(meter: Meter, before: int, after: int) -> int | None:
        found = real(meter, before, after)
        if planted == "edges":
            return line_cache.COVERED if found is None and after >= before else found
        return line_cache.FIRST_BAND if found is not None and found > line_cache.FIRST_BAND else found

    monkeypatch.setattr("rater.rating.usage.stretch", blind)
    bands = (Band(0, Decimal(1)), Band(3, Decimal(2)))
    plan = a_plan("p@1", Decimal(0), "none", a_meter(2, Price("volume", bands)), None)
    with pytest.raises(AssertionError):
        same(plan, [(60, 0)] * 8)
