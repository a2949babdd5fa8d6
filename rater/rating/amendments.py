"""An account's history gets one more subscription (rating.md, "Subscriptions", "Fees").

The open periods that it touches are rated again as if it had been known from their start: what that changes is one
adjustment per period. What it changes of the fees is charged when they are looked at next
(`rater.rating.charging.charge_due_fees`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from rater.rating.account import UNCHANGED, Account, PlanName, Subscription, Unchanged, in_force
from rater.rating.calendar import Period, changed, period_at, replaced
from rater.rating.catalog import Tariffs
from rater.rating.charging import Charged, Ledger, segments_of
from rater.rating.instant import Instant
from rater.rating.lifecycle import Clock
from rater.rating.names import PeriodName
from rater.rating.rerating import Dated, rerated, unused
from rater.rating.usage import Segment, Usage, stand_in

CallsOf = Callable[[PeriodName], Iterable[Dated]]
"""The calls that were charged in a period of the account and not voided."""


class Amended(NamedTuple):
    """The account with the new subscription, its open periods with other segments, and what that changes in money."""

    account: Account
    usages: tuple[Usage, ...]
    adjustments: tuple[Charged, ...]


class CanNot(NamedTuple):
    """A subscription that these rules cannot follow."""

    detail: str


def amended(before: Account, said: Subscription, ledger: Ledger, clock: Clock, calls_of: CallsOf) -> Amended | CanNot:
    """The account after one more subscription, its open periods rated again where they are touched."""
    after = _with(before, said, ledger.tariffs, clock)
    if _same_names(after):
        return CanNot("time_zone, billing_day: the short period that they make would have the name of an earlier one")
    usages: list[Usage] = []
    adjustments: list[Charged] = []
    for name, end, _ in before.periods:
        usage = ledger.usage_of(name)
        if usage is None or end <= said.start:
            continue
        default = _default_of(usage, before)
        new = segments_of(after, Period(name, usage.start, usage.end), ledger, default, usage.segments)
        if _same(usage.segments, new):
            continue
        again = rerated(before, after, usage, new or _no_plan(usage), ledger, partial(calls_of, name))
        usages.append(again.usage)
        if again.usage.seq > usage.seq:
            adjustments.append(again)
    return Amended(after, tuple(usages), tuple(adjustments))


def _with(account: Account, said: Subscription, tariffs: Tariffs, clock: Clock) -> Account:
    zone, day, *_ = account.calendar
    if not isinstance(said.time_zone, Unchanged):
        zone = said.time_zone or tariffs.book.time_zone
    if not isinstance(said.billing_day, Unchanged):
        day = said.billing_day or 1
    charged = [known.end for known in (*account.closed, *account.periods)]
    if isinstance(said.time_zone, Unchanged) and isinstance(said.billing_day, Unchanged):
        calendar = account.calendar  # a change of it that is yet to come stays where it is
    elif charged:
        calendar = changed(account.calendar, zone, day, said.start, max(charged))
    else:
        calendar = replaced(account.calendar, zone, day, _past(account, clock))
    # From here on fees are looked at again: of what was charged before, the difference falls due.
    due = said.start if account.next_fee is None else min(account.next_fee, said.start)
    watched = account.watched or said.spend_cap is not UNCHANGED or said.guaranteed_connect_rate is not UNCHANGED
    return replace(account, calendar=calendar, history=(*account.history, said), next_fee=due, watched=watched)


def _past(account: Account, clock: Clock) -> Instant:
    """Up to where no period of the account may change, though it has no charges there: it is closed or forgotten.

    Of an account that was not there before its closed periods ended, none is closed; what was forgotten of it, as of
    any account, nobody knows.
    """
    closed = period_at(account.calendar, max(clock.closed, 0)).start
    if any(said.start < closed for said in account.history):
        return closed
    return period_at(account.calendar, max(clock.forgotten, 0)).start if clock.forgotten >= 0 else 0


def _same_names(account: Account) -> bool:
    """Would the first period under a changed calendar have the name of one before it?"""
    calendar = account.calendar
    if calendar.before is None:
        return False
    first = period_at(calendar, calendar.since)
    last = period_at(calendar, calendar.since - 1)
    return first.name == last.name or any(
        known.name == first.name and known.end <= first.start for known in (*account.closed, *account.periods)
    )


def _no_plan(usage: Usage) -> tuple[Segment, ...]:
    """What is left of a period with charges whose plan ended before it: no day of the first plan, and none follows."""
    first = usage.segments[0]
    return (stand_in(first.plan_id, unused(first).counts, usage.start, usage.end, inline=first.inline),)


def _same(old: tuple[Segment, ...], new: tuple[Segment, ...]) -> bool:
    return [unused(segment) for segment in old] == [unused(segment) for segment in new]


def _default_of(usage: Usage, account: Account) -> str | None:
    """The default plan that the period began under, None where it had none; whatever a later book says."""
    first = usage.segments[0]
    if first.stands_in or first.start > usage.start or in_force(account.history, usage.start) is not None:
        return None
    return first.plan_name


def offered(said: Subscription, account: Account, tariffs: Tariffs) -> bool:
    """Whether there is such a plan. An account on a plan that the book has withdrawn can repeat it."""
    plan: PlanName | None = said.plan
    if plan is None or plan.inline:
        return True
    if plan.name in tariffs.offered and tariffs.version_at(plan.name, said.start) is not None:
        return True
    current = in_force(account.history, said.start)
    return current is not None and current.plan == plan
