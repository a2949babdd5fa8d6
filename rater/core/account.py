"""Accounts: which plan is in force when, and so which segments a period has (rating.md, "Subscriptions", "Fees")."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import Final, NamedTuple

from rater.core.book import Plan
from rater.core.instant import Instant
from rater.core.period import Calendar, Period


class PlanName(NamedTuple):
    """A plan by name: one of the tariff book's, or (`inline`) the one written in the subscription of that id."""

    name: str
    inline: bool = False


class Kept(Enum):
    """The mark of a field that a subscription left out: it keeps the value in force before (None clears it)."""

    KEPT = "kept"


KEPT: Final = Kept.KEPT


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
    time_zone: str | Kept | None = KEPT
    billing_day: int | Kept | None = KEPT
    spend_cap: Decimal | Kept | None = KEPT
    guaranteed_connect_rate: Decimal | Kept | None = KEPT


class Known(NamedTuple):
    """A period that has charges, and when it ends."""

    name: str
    end: Instant


class Adjusted(NamedTuple):
    """A manual adjustment that was posted: enough to know it again while its period is remembered."""

    id: str
    fingerprint: str
    period: str


@dataclass(frozen=True, slots=True)
class Account:
    """What is kept of an account that was seen in its right partition.

    `history` is in the order of the log. `periods` have charges and are not closed, `closed` ones are closed and not
    forgotten; both oldest first. `next_fee` is when the next fee may fall due; all before it were charged.
    """

    calendar: Calendar
    history: tuple[Subscription, ...] = ()
    periods: tuple[Known, ...] = ()
    next_fee: Instant | None = None
    closed: tuple[Known, ...] = ()
    adjustments: tuple[Adjusted, ...] = ()

    def posting(self, adjusted: Adjusted) -> Account:
        """The account with one more manual adjustment to know again."""
        return replace(self, adjustments=(*self.adjustments, adjusted))


class Stretch(NamedTuple):
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


def stretches(history: tuple[Subscription, ...], period: Period, default: str | None) -> tuple[Stretch, ...]:
    """The plans of a period in the order of time, never two equal ones in a row.

    Proration `none`: a period that begins under a plan stays under it, since a change takes effect at the next period's
    start; a start inside the period (after no plan, or after the default plan) takes effect at once.
    """
    before = in_force(history, period.start)
    if before is not None and before.plan is not None:
        return (Stretch(period.start, before.plan),)
    fallback = PlanName(default) if default is not None and before is None else None
    first = Stretch(period.start, fallback)
    for start in sorted(s.start for s in history if period.start < s.start < period.end):
        begun = in_force(history, start)
        if begun is not None and begun.plan is not None:
            return (first,) if begun.plan == fallback else (first, Stretch(start, begun.plan))
    return (first,)
