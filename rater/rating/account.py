"""Accounts: which plan is in force when, and so which segments a period has (rating.md, "Subscriptions", "Fees")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import Final, Literal, NamedTuple

from rater.rating.book import Item, Plan, Proration
from rater.rating.calendar import Calendar, Period
from rater.rating.instant import NEVER, Instant
from rater.rating.names import PeriodName


class PlanName(NamedTuple):
    """A plan by name: one of the tariff book's, or (`inline`) the one written in the subscription of that id."""

    name: str
    inline: bool = False


class Unchanged(Enum):
    """The mark of a field that a subscription left out: it keeps the value in force before (None clears it)."""

    UNCHANGED = "kept"


UNCHANGED: Final = Unchanged.UNCHANGED


ItemSaid = int | Item | None
"""Another quantity of an item of the plan, an item of the account's own, or the end of one."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One `account-subscribed` of an account's history, as it was said.

    `plan` None ends the subscription at `start`. `inline` is the negotiated plan, if the plan is one. `fingerprint`
    tells a repetition of the same subscription id from a conflict.
    """

    id: str
    fingerprint: str
    plan: PlanName | None
    start: Instant
    inline: Plan | None = None
    time_zone: str | Unchanged | None = UNCHANGED
    billing_day: int | Unchanged | None = UNCHANGED
    spend_cap: Decimal | Unchanged | None = UNCHANGED
    guaranteed_connect_rate: Decimal | Unchanged | None = UNCHANGED
    items: tuple[tuple[str, ItemSaid], ...] = ()
    """What it says of items, by name in its order; the others stay as they are."""


class PeriodRef(NamedTuple):
    """A period that has charges, and when it ends."""

    name: PeriodName
    end: Instant
    kept: Instant = NEVER
    """Where it has manual adjustments and closed late: their ids are forgotten as if it had ended then."""

    @property
    def forgotten(self) -> Instant:
        """Its identities are forgotten when those of periods that end at this instant are."""
        return max(self.end, self.kept)


class PostedAdjustment(NamedTuple):
    """A manual adjustment that was posted: enough to know it again until its period is forgotten."""

    id: str
    fingerprint: str
    period: PeriodName


@dataclass(frozen=True, slots=True)
class Account:
    """What is kept of an account that was seen in its right partition.

    `history` is in the order of the log. `periods` have charges and are not closed, `closed` ones are closed and not
    forgotten; both oldest first. `next_fee` is when the next fee may fall due; all before it were charged. `next_look`
    is the local midnight at which the day of an open period is over that was not looked at yet.
    """

    calendar: Calendar
    history: tuple[Subscription, ...] = ()
    periods: tuple[PeriodRef, ...] = ()
    next_fee: Instant | None = None
    closed: tuple[PeriodRef, ...] = ()
    adjustments: tuple[PostedAdjustment, ...] = ()
    """Manual adjustments that an earlier version of the rater kept here; now each has a row of its own."""
    next_look: Instant | None = None
    watched: bool = False
    """Whether the history has a spend cap or a connect rate; kept here, since every call asks."""
    known_from: Instant = NEVER
    """What was forgotten when this was first kept: the account may have been here before, and its older calls too."""

    setups: frozenset[str] = frozenset()
    """Plans whose set-up was charged in a period that is closed, by name; all negotiated ones are `""`."""
    reached: int = 0
    """The last book that reaches back (`rater.rating.catalog.Reach`) which was applied to it out of turn."""

    def looking(self, at: Instant | None) -> Account:
        """The account whose days are looked at next at this instant."""
        return replace(self, next_look=at)


class PlanInterval(NamedTuple):
    """A stretch of a period under one plan, from `start` to the next stretch or the period's end."""

    start: Instant
    plan: PlanName | None
    """None: no plan (the subscription has ended, or there is none yet and no default plan)."""


def in_force(history: tuple[Subscription, ...], at: Instant) -> Subscription | None:
    """The subscription with the greatest `start` not after `at`; of equal ones the later in the log."""
    found = None
    for subscription in history:
        if subscription.start <= at and (found is None or subscription.start >= found.start):
            found = subscription
    return found


def inline_plan(history: tuple[Subscription, ...], name: str) -> Plan:
    """The negotiated plan of this name: a segment or a subscription names it, so a subscription has it written down."""
    plan = PlanName(name, inline=True)
    return next(said.inline for said in history if said.plan == plan and said.inline is not None)


Said = Literal["spend_cap", "guaranteed_connect_rate"]


def in_effect(history: tuple[Subscription, ...], name: Said, at: Instant) -> Decimal | None:
    """The value of a field at an instant: what the subscriptions up to then said last; None where it is cleared."""
    found: tuple[Instant, Decimal | None] = (at, None)
    said = False
    for subscription in history:
        value: Decimal | Unchanged | None = getattr(subscription, name)
        if value is UNCHANGED or subscription.start > at or (said and subscription.start < found[0]):
            continue
        assert not isinstance(value, Unchanged)  # noqa: S101 - there is one mark
        found, said = (subscription.start, value), True
    return found[1]


def same_plan(history: tuple[Subscription, ...], one: PlanName | None, other: PlanName | None) -> bool:
    """Whether two names are of one plan: negotiated plans in equal words are, in whatever order they were said."""
    if one is None or other is None or not (one.inline and other.inline):
        return one == other
    return inline_plan(history, one.name).same_terms(inline_plan(history, other.name))


ProrationOf = Callable[[PlanName, Instant], Proration]
"""(plan, an instant at which it is in force) to its proration."""


def plan_intervals(
    history: tuple[Subscription, ...], period: Period, default: str | None, proration_of: ProrationOf
) -> tuple[PlanInterval, ...]:
    """The plans of a period in the order of time, never two equal ones in a row.

    The old plan's proration decides: under `none` a change or end takes effect at the next period's start, under
    `daily` at once. A start inside the period, after no plan or the default plan, always takes effect at once.
    """
    before = in_force(history, period.start)
    fallback = PlanName(default) if default is not None and before is None else None
    found = [PlanInterval(period.start, fallback if before is None else before.plan)]
    # Of those that start at one instant the later in the log is in force from then on.
    starting = {said.start: said for said in history if period.start < said.start < period.end}
    for start, begun in sorted(starting.items()):
        since, plan = found[-1]
        if same_plan(history, begun.plan, plan):
            continue
        if plan is not None and proration_of(plan, since) == "none":
            if plan != fallback:
                break  # it stays until the period's end
            if begun.plan is None:
                continue
        found.append(PlanInterval(start, begun.plan))
    return tuple(found)
