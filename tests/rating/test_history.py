"""Which plan is in force when, and which segments a period has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rater.rating.account import Account, PlanInterval, PlanName, Subscription, in_force, plan_intervals
from rater.rating.calendar import Calendar, Period
from rater.rating.history import folded
from rater.rating.names import PeriodName

END = 2_678_400_000_000
"""The end of January 1970."""
PERIOD = Period(PeriodName("p"), 100, 200)
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
    assert plan_intervals(history(*said), PERIOD, default, lambda *_: "none") == tuple(
        PlanInterval(*plan) for plan in plans
    )


def test_forgotten_subscriptions_become_one_that_says_what_they_came_to() -> None:
    """Plan, cap and guarantee in force at the end of what is forgotten; what comes later stays as it was said."""
    early = Subscription("s1", "f1", A, 0, spend_cap=Decimal(100), guaranteed_connect_rate=Decimal("0.70"))
    raised = Subscription("s2", "f2", B, 10, spend_cap=Decimal(200))
    later = Subscription("s3", "f3", A, END, spend_cap=None, guaranteed_connect_rate=None)
    found = folded(Account(Calendar("UTC"), (early, raised, later)), END)
    assert found.history == (
        Subscription("", "", B, 10, spend_cap=Decimal(200), guaranteed_connect_rate=Decimal("0.70")),
        later,
    )
    assert folded(Account(Calendar("UTC"), (later,)), END) == Account(Calendar("UTC"), (later,))


def test_who_has_left_keeps_the_last_plan_beside_the_end() -> None:
    """Credits are posted under it."""
    left = Subscription("s2", "f2", None, 10)
    found = folded(Account(Calendar("UTC"), (Subscription("s1", "f1", A, 0), left)), END)
    assert [(said.id, said.plan, said.start) for said in found.history] == [("", A, 0), ("", None, 10)]
