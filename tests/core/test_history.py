"""Which plan is in force when, and which segments a period has."""

from __future__ import annotations

import pytest

from rater.core.account import PlanName, Stretch, Subscription, in_force, stretches
from rater.core.period import Period

PERIOD = Period("p", 100, 200)
A, B, NEXT = PlanName("a"), PlanName("b"), PlanName("default")


def history(*said: tuple[int, PlanName | None]) -> tuple[Subscription, ...]:
    return tuple(Subscription(f"s{n}", "", plan, start) for n, (start, plan) in enumerate(said))


@pytest.mark.parametrize(
    ("said", "at", "found"),
    [
        ([], 150, None),
        ([(100, A)], 99, None),
        ([(100, A)], 100, "s0"),
        ([(100, A), (120, B)], 119, "s0"),
        ([(100, A), (120, B)], 120, "s1"),
        ([(120, B), (100, A)], 150, "s0"),
        ([(100, A), (100, B)], 150, "s1"),
    ],
)
def test_in_force_is_the_latest_start_and_of_equal_ones_the_later_in_the_log(
    said: list[tuple[int, PlanName | None]], at: int, found: str | None
) -> None:
    """The order of the log decides only between equal starts."""
    subscription = in_force(history(*said), at)
    assert (subscription.id if subscription else None) == found


@pytest.mark.parametrize(
    ("said", "default", "plans"),
    [
        ([], None, [(100, None)]),
        ([], "default", [(100, NEXT)]),
        ([(100, A)], "default", [(100, A)]),
        ([(50, A)], "default", [(100, A)]),
        ([(150, A)], "default", [(100, NEXT), (150, A)]),
        ([(150, A)], None, [(100, None), (150, A)]),
        ([(200, A)], "default", [(100, NEXT)]),
        ([(50, A), (150, B)], "default", [(100, A)]),
        ([(50, A), (150, None)], "default", [(100, A)]),
        ([(50, A), (90, None)], "default", [(100, None)]),
        ([(50, A), (90, None), (150, B)], "default", [(100, None), (150, B)]),
        ([(120, A), (150, B)], "default", [(100, NEXT), (120, A)]),
        ([(150, NEXT)], "default", [(100, NEXT)]),
        ([(150, A), (150, None), (170, B)], "default", [(100, NEXT), (170, B)]),
    ],
)
def test_the_stretches_of_a_period_without_proration(
    said: list[tuple[int, PlanName | None]], default: str | None, plans: list[tuple[int, PlanName | None]]
) -> None:
    """A start takes effect at once; a change or an end at the next period's start."""
    assert stretches(history(*said), PERIOD, default, lambda *_: "none") == tuple(Stretch(*plan) for plan in plans)
