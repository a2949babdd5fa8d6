"""Lives with classes of calls, which later books change, against the independent model; mistakes that it must catch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import rater.processor.call_ended
import rater.processor.rows
import rater.rating.classes
from rater.processor.rows import RememberedCall
from rater.rating.book import Plan
from rater.rating.classes import Classes
from rater.rating.units import Call
from tests.laws.common import records, same
from tests.laws.life_plans import CLASSED, CLASSES
from tests.laws.lives import Told, life
from tests.laws.test_lives import agrees

LIVES = 80


def classed(seed: int) -> list[Told]:
    return life(seed, plans=CLASSED, classes=CLASSES)


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life_with_classes_comes_to_what_the_model_says(seed: int) -> None:
    """Prefixes, hours in three zones, holidays, books that class otherwise, late calls and plans, voids."""
    agrees(classed(seed))


def test_common_calls_change_nothing_of_it() -> None:
    """On and off, with spend and its forecasts."""
    assert sum(same(records(classed(seed)), seed)["common"] for seed in range(20)) > 100


Bug = Callable[[pytest.MonkeyPatch], None]


def the_shortest_prefix_wins(patch: pytest.MonkeyPatch) -> None:
    """Candidates come the other way round."""
    real = rater.rating.classes._Table._candidates
    patch.setattr(rater.rating.classes._Table, "_candidates", lambda *given: real(*given)[::-1])


def conditions_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    """Hours and holidays hold always."""
    patch.setattr(rater.rating.classes, "_holds", lambda *_: True)


def labels_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    """A class that asks for a route has the calls of all."""
    real = Classes._chosen

    def chosen(self: Classes, choice: Any, near: str, when: Any, _labels: Any) -> str:
        without = tuple((replace(one, labels=()), own) for one, own in choice.candidates)
        return real(self, rater.rating.classes._Choice(without), near, when, {})

    patch.setattr(Classes, "_chosen", chosen)


def labels_are_kept_by_the_minute(patch: pytest.MonkeyPatch) -> None:
    """What one call's labels chose holds for all calls of that minute."""
    real = rater.rating.classes._Choice.__init__

    def made(self: Any, candidates: Any) -> None:
        real(self, candidates)
        self.varies = False

    patch.setattr(rater.rating.classes._Choice, "__init__", made)


def a_span_ends_at_midnight(patch: pytest.MonkeyPatch) -> None:
    """The morning of a night counts by its own weekday."""

    def within(span: Any, day: Any) -> bool:
        inside = span.start <= day.minute < span.end if span.start < span.end else day.minute >= span.start
        return bool(inside or (span.start > span.end and day.minute < span.end)) and bool(span.days & day.weekdays)

    patch.setattr(rater.rating.classes, "_within", within)


def the_far_end_is_the_callee(patch: pytest.MonkeyPatch) -> None:
    """Inbound calls are classed by whom they reach."""
    real = Classes.class_of
    patch.setattr(
        Classes,
        "class_of",
        lambda self, direction, caller, callee, *rest: real(
            self, direction, *((callee, caller) if direction == "inbound" else (caller, callee)), *rest
        ),
    )


def all_zones_are_one(patch: pytest.MonkeyPatch) -> None:
    """The book's own clock decides for every account."""
    real = Classes._day
    patch.setattr(Classes, "_day", lambda self, minute, _zone: real(self, minute, "Asia/Shanghai"))


def calls_are_classed_anew(patch: pytest.MonkeyPatch) -> None:
    """What was rated goes by the book in force when it is looked at again: here as of no class."""
    patch.setattr(RememberedCall, "metered", lambda call, _: Call(call.direction, call.answered is not None, 0))
    patch.setattr(rater.processor.rows, "NO_CLASS", ("other",))
    patch.setattr(Classes, "chain", lambda _self, name: (name,))


def outer_classes_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A plan that does not name a class takes it for none."""
    patch.setattr(Plan, "class_of", lambda plan, call: call.classes[0] if call.classes[0] in plan.named else "")


def workdays_are_weekends(patch: pytest.MonkeyPatch) -> None:
    """A day that is worked instead counts as what it is."""
    patch.setattr(Classes, "_weekdays", lambda _self, day: frozenset((day.weekday(),)))


def worked_holidays_are_holidays(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Classes, "_is_holiday", lambda self, day: day in self.holidays)


def all_agree() -> None:
    for seed in range(LIVES):
        agrees(classed(seed))


@pytest.mark.parametrize(
    "bug",
    [
        *(the_shortest_prefix_wins, conditions_are_not_looked_at, a_span_ends_at_midnight, the_far_end_is_the_callee),
        *(labels_are_not_looked_at, labels_are_kept_by_the_minute),
        *(all_zones_are_one, calls_are_classed_anew, outer_classes_are_forgotten),
        *(workdays_are_weekends, worked_holidays_are_holidays),
    ],
)
def test_the_model_catches_a_planted_bug(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bug in the rules the model and the rater part ways."""
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        all_agree()
