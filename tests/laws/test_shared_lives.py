"""Lives under prices by class that share an allowance, against the independent model, and mistakes it must catch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rater.rating.book
import rater.rating.pricing
import rater.rating.usage
from rater.rating.book import Plan
from rater.rating.units import Counts
from tests.laws.common import records, same
from tests.laws.life_plans import CLASSES, SHARED
from tests.laws.lives import Told, life
from tests.laws.test_lives import agrees

LIVES = 80


def shared(seed: int) -> list[Told]:
    return life(seed, plans=SHARED, classes=CLASSES)


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life_comes_to_what_the_model_says(seed: int) -> None:
    """Parts that push others out of the allowance, by days, in bands, with voids, late calls, plans and books."""
    agrees(shared(seed))


def test_common_calls_change_nothing_of_it() -> None:
    """On and off, with spend and its forecasts, before the allowance is used up and behind it."""
    assert sum(same(records(shared(seed)), seed)["common"] for seed in range(30)) > 200


Bug = Callable[[pytest.MonkeyPatch], None]


def each_has_the_whole_allowance(patch: pytest.MonkeyPatch) -> None:
    """What one part was covered leaves the others all of it."""

    def covered(plan: Plan, counts: Counts) -> dict[int, int]:
        return {
            part.slot: min(counts[part.slot], (pool.allowance.allowance or 0) * part.unit.per)
            for pool in plan.pools
            for part in pool.parts
        }

    _everywhere(patch, covered)


def the_last_comes_first(patch: pytest.MonkeyPatch) -> None:
    """Parts have their turns the other way round."""
    real = rater.rating.book._pool

    def pool(allowance: Any, meters: Any) -> Any:
        found = real(allowance, meters)
        return found._replace(parts=found.parts[::-1])

    patch.setattr(rater.rating.book, "_pool", pool)


def all_is_covered(patch: pytest.MonkeyPatch) -> None:
    """An allowance never ends."""
    _everywhere(patch, lambda plan, counts: {p.slot: counts[p.slot] for pool in plan.pools for p in pool.parts})


def nothing_is_covered(patch: pytest.MonkeyPatch) -> None:
    """An allowance is none."""
    _everywhere(patch, lambda plan, _counts: {p.slot: 0 for pool in plan.pools for p in pool.parts})


def a_part_takes_no_calls(patch: pytest.MonkeyPatch) -> None:
    """All calls are the rest's."""
    patch.setattr(Plan, "class_of", lambda *_: "")


def _everywhere(patch: pytest.MonkeyPatch, covered: Callable[[Plan, Counts], dict[int, int]]) -> None:
    for place in ("pricing", "usage", "line_cache"):
        patch.setattr(f"rater.rating.{place}.covered", covered)


def all_agree() -> None:
    for seed in range(LIVES):
        agrees(shared(seed))


@pytest.mark.parametrize(
    "bug",
    [each_has_the_whole_allowance, the_last_comes_first, all_is_covered, nothing_is_covered, a_part_takes_no_calls],
)
def test_the_model_catches_a_planted_bug(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bug in the rules the model and the rater part ways."""
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        all_agree()
