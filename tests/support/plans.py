"""Plans and meters as the rules see them, written shortly."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from rater.rating.book import Meter, Plan, Price, Proration
from rater.rating.units import (
    ATTEMPTS,
    CONNECTED_CALLS,
    MINUTES,
    NO_COUNTS,
    STARTED_MINUTES,
    Counts,
    Direction,
    Increment,
)


def a_meter(
    allowance: int | None,
    price: Price | None,
    directions: frozenset[Direction] | None = None,
    increment: Increment = STARTED_MINUTES,
) -> Meter:
    """A meter of minutes; `a_plan` makes it one of what it is for."""
    return Meter(MINUTES, allowance, price, directions, increment)


def counts(seconds: int = 0, calls: int = 0, attempts: int = 0) -> Counts:
    """What a segment counted."""
    amounts = list(NO_COUNTS)
    for unit, amount in ((MINUTES, seconds), (CONNECTED_CALLS, calls), (ATTEMPTS, attempts)):
        amounts[unit.slot] = amount
    return tuple(amounts)


def a_plan(
    plan_id: str,
    fee: Decimal,
    proration: Proration,
    minutes: Meter | None,
    calls: Meter | None,
    attempts: Meter | None = None,
) -> Plan:
    """A plan with these meters."""
    units = ((MINUTES, minutes), (CONNECTED_CALLS, calls), (ATTEMPTS, attempts))
    meters = tuple(replace(found, unit=unit) for unit, found in units if found is not None)
    return Plan(plan_id, fee, proration, meters)
