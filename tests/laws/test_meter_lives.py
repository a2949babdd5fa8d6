"""Lives under plans with several meters of a unit against the independent model, and mistakes that it must catch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import rater.rating.charging
import rater.rating.rerating
from rater.rating.book import Meter, Plan
from rater.rating.units import MINUTES, Call, Counts
from tests.laws.common import records, same
from tests.laws.life_plans import METERS
from tests.laws.lives import life
from tests.laws.test_lives import agrees

LIVES = 60


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life_with_many_meters_comes_to_what_the_model_says(seed: int) -> None:
    """Late plans, voids, late calls, days, discounts: each call is counted by the first meter that selects it."""
    agrees(life(seed, plans=METERS))


def test_common_calls_change_nothing_of_it() -> None:
    """On and off, with spend and its forecasts."""
    assert sum(same(records(life(seed, plans=METERS)), seed)["common"] for seed in range(20)) > 100


Bug = Callable[[pytest.MonkeyPatch], None]


def every_meter_counts(patch: pytest.MonkeyPatch) -> None:
    """All meters that select a call count it."""

    def count(plan: Plan, call: Call) -> Counts:
        counts = list(plan.zero)
        for meter in plan.meters:
            if meter.selects(call, ""):
                counts[meter.slot] = counts[meter.unit.slot] = meter.unit.count(call, meter.increment)
        return tuple(counts)

    patch.setattr(Plan, "count", count)


def the_general_one_is_first(patch: pytest.MonkeyPatch) -> None:
    """The last meter that selects a call counts it."""
    real = Plan.count
    patch.setattr(Plan, "count", lambda plan, call: real(replace(plan, meters=plan.meters[::-1]), call))


def directions_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    """The first meter takes every call."""
    patch.setattr(Meter, "selects", lambda *_: True)


def the_order_of_meters_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    """A re-rating takes over what was counted wherever the first meter of a unit is alike."""
    first = lambda plan, unit: [one.increment for one in plan.meters_of(unit)[:1]]  # noqa: E731
    patch.setattr(rater.rating.rerating, "_counting", first)
    total = rater.rating.rerating._total

    def some(parts: list[rater.rating.rerating._Span], plan: Plan) -> Counts:
        wide = [
            one._replace(segment=one.segment._replace(counts=(*one.segment.counts, *plan.zero)[: len(plan.zero)]))
            for one in parts
        ]
        return total(wide, plan)

    patch.setattr(rater.rating.rerating, "_total", some)


def portions_overlap(patch: pytest.MonkeyPatch) -> None:
    """A second that an earlier meter had is counted again."""

    def share_out(plan: Plan, seconds: int, call: Call, taken_for: str, counts: list[int]) -> None:
        for meter in plan.meters_of(MINUTES):
            if meter.selects(call, taken_for):
                first, last = meter.portion or (0, None)
                had = max(0, (seconds if last is None else min(last, seconds)) - first)
                counts[meter.slot] += had
                counts[MINUTES.slot] += had

    patch.setattr(Plan, "_share_out", share_out)


def portions_are_whole_calls(patch: pytest.MonkeyPatch) -> None:
    """The first meter that selects a call has all of it."""
    real = Plan.__post_init__

    def without(plan: Plan) -> None:
        real(plan)
        object.__setattr__(plan, "in_portions", False)

    patch.setattr(Plan, "__post_init__", without)


def all_agree() -> None:
    for seed in range(LIVES):
        agrees(life(seed, plans=METERS))


@pytest.mark.parametrize(
    "bug",
    [
        *(every_meter_counts, the_general_one_is_first, directions_are_not_looked_at),
        *(the_order_of_meters_is_not_looked_at, portions_overlap, portions_are_whole_calls),
    ],
)
def test_the_model_catches_a_planted_bug(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bug in the rules the model and the rater part ways."""
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        all_agree()
