"""Lives with items and set-ups against the independent model, and mistakes that it must catch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rater.rating.fees
import rater.rating.items
import rater.rating.settlement
import rater.rating.setups
from rater.rating.fees import _entry, of_segments
from rater.rating.items import said_of_items
from rater.rating.lines import FEE, ITEM, SETUP
from tests.laws.common import records, same
from tests.laws.life_plans import TEAMS
from tests.laws.lives import life
from tests.laws.test_lives import agrees

LIVES = 80


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life_with_items_comes_to_what_the_model_says(seed: int) -> None:
    """Plans' items in other quantities, own ones, by days and for whole months; set-ups; minimums over them."""
    agrees(life(seed, plans=TEAMS))


def test_common_calls_change_nothing_of_it() -> None:
    """On and off, with spend and its forecasts."""
    assert sum(same(records(life(seed, plans=TEAMS)), seed)["common"] for seed in range(20)) > 100


Bug = Callable[[pytest.MonkeyPatch], None]


def items_of_whole_months(patch: pytest.MonkeyPatch) -> None:
    """A part of a month owes a whole item."""

    def whole(segment: Any, meter: str, item: Any, days: Any, precision: int) -> Any:
        return _entry(segment, meter, item, (0, 0) if meter.startswith(ITEM) else days, precision)

    patch.setattr(rater.rating.fees, "_entry", whole)


def quantities_outlive_their_plan(patch: pytest.MonkeyPatch) -> None:
    """What was said with one plan holds under every other."""
    patch.setattr(rater.rating.items, "same_plan", lambda *_: True)


def own_items_are_lost(patch: pytest.MonkeyPatch) -> None:
    """Only the plan's items are charged."""
    patch.setattr(rater.rating.items, "said_of_items", lambda *given: ({}, said_of_items(*given)[1]))


def the_last_of_a_month_is_owed(patch: pytest.MonkeyPatch) -> None:
    """Without proration, what holds at the end, not the most."""
    last = lambda begun, key, default: [default, *begun][-1]  # noqa: ARG005, E731 - as `max` is called there
    patch.setattr(rater.rating.fees, "max", last, raising=False)


def items_beside_the_minimum(patch: pytest.MonkeyPatch) -> None:
    """Items do not count towards a minimum."""
    patch.setattr(
        rater.rating.settlement, "of_segments", lambda due: of_segments(one for one in due if one.meter == FEE)
    )


def changes_of_items_wait_for_the_month(patch: pytest.MonkeyPatch) -> None:
    """A stretch that begins later in a period is never looked at."""
    patch.setattr(rater.rating.fees, "_said_of_items", lambda *_: [])


def set_ups_every_month(patch: pytest.MonkeyPatch) -> None:
    """A set-up is due in each period."""
    patch.setattr(rater.rating.setups, "_was_there", lambda *_: False)


def set_ups_by_days(patch: pytest.MonkeyPatch) -> None:
    """A set-up is prorated as the fee is."""

    def part(segment: Any, meter: str, item: Any, days: Any, precision: int) -> Any:
        return _entry(segment, meter, item, (segment.days, segment.of) if meter == SETUP else days, precision)

    patch.setattr(rater.rating.fees, "_entry", part)


def set_ups_in_the_minimum(patch: pytest.MonkeyPatch) -> None:
    """A set-up counts towards a minimum."""
    patch.setattr(
        rater.rating.settlement, "of_segments", lambda due: of_segments(one._replace(meter=FEE) for one in due)
    )


def all_agree() -> None:
    for seed in range(LIVES):
        agrees(life(seed, plans=TEAMS))


@pytest.mark.parametrize(
    "bug",
    [
        *(items_of_whole_months, quantities_outlive_their_plan, own_items_are_lost, the_last_of_a_month_is_owed),
        *(items_beside_the_minimum, changes_of_items_wait_for_the_month),
        *(set_ups_every_month, set_ups_by_days, set_ups_in_the_minimum),
    ],
)
def test_the_model_catches_a_planted_bug(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bug in the rules the model and the rater part ways."""
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        all_agree()
