"""An account's history gets one more subscription (rating.md, "Subscriptions").

What would change a charge that was made already is refused for now (`CanNot`): it needs re-rating.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from rater.core.account import Account, Kept, PlanName, Subscription, in_force, stretches
from rater.core.ledger import Ledger, segments
from rater.core.period import Calendar, Period, period_at
from rater.core.tariffs import Tariffs, versioned
from rater.core.usage import Usage


class Amended(NamedTuple):
    """The account with the new subscription, and its open periods that get one more segment."""

    account: Account
    usages: tuple[Usage, ...]


class CanNot(NamedTuple):
    """A subscription that is right, and that these rules do not handle yet."""

    detail: str


def amended(before: Account, said: Subscription, ledger: Ledger) -> Amended | CanNot:
    """The account after one more subscription."""
    after = _with(before, said, ledger.tariffs)
    if before.periods and before.calendar != after.calendar:
        return CanNot("a new time zone or billing day of an account with charges")
    if any(_inside(after, subscription, ledger) for subscription in after.history):
        return CanNot("a start or a change inside a period of a plan with daily proration")
    usages = []
    for name, _ in before.periods:
        usage = ledger.usage_of(name)
        if usage is None or usage.end <= said.start:
            continue
        changed = _appended(before, after, usage, ledger.tariffs)
        if changed is None:
            return CanNot(f"a subscription that comes late: calls of {name} would have to be rated again")
        usages.append(changed)
    return Amended(after, tuple(usage for usage in usages if usage is not ledger.usage_of(usage.period)))


def _with(account: Account, said: Subscription, tariffs: Tariffs) -> Account:
    zone, day = account.calendar
    if not isinstance(said.time_zone, Kept):
        zone = said.time_zone or tariffs.book.time_zone
    if not isinstance(said.billing_day, Kept):
        day = said.billing_day or 1
    due = said.start if account.next_fee is None else min(account.next_fee, said.start)
    return replace(account, calendar=Calendar(zone, day), history=(*account.history, said), next_fee=due)


def _inside(account: Account, said: Subscription, ledger: Ledger) -> bool:
    """Does this subscription change the plan inside a period, and is one of the two plans prorated by days?"""
    if period_at(account.calendar, said.start).start == said.start:
        return False
    before = in_force(account.history, said.start - 1)
    if before is not None and before.plan == said.plan:
        return False
    return any(subscription is not None and _daily(subscription, said, ledger) for subscription in (before, said))


def _daily(subscription: Subscription, at: Subscription, ledger: Ledger) -> bool:
    if subscription.inline is not None:
        return subscription.inline.proration == "daily"
    if subscription.plan is None:
        return False
    version = ledger.tariffs.version_at(subscription.plan.name, at.start)
    return version is not None and ledger.plan_of(versioned(subscription.plan.name, version)).proration == "daily"


def _appended(before: Account, after: Account, usage: Usage, tariffs: Tariffs) -> Usage | None:
    """The usage under the new history: the same, or with one more segment; None if calls were rated otherwise."""
    period = Period(usage.period, usage.start, usage.end)
    default = _default_of(usage, before, tariffs)
    old, new = (stretches(account.history, period, default) for account in (before, after))
    if old == new:
        return usage
    added = new[len(old) :]
    if new[: len(old)] != old or (usage.latest is not None and added[0].start <= usage.latest):
        return None
    return usage._replace(segments=(*usage.segments, *segments(added, tariffs)))


def _default_of(usage: Usage, account: Account, tariffs: Tariffs) -> str | None:
    """The default plan that the period began under, whatever a later book says."""
    first = usage.segments[0] if usage.segments else None
    if first is not None and first.start == usage.start and in_force(account.history, usage.start) is None:
        return first.plan_name
    return tariffs.book.default_plan


def offered(said: Subscription, account: Account, tariffs: Tariffs) -> bool:
    """Is there such a plan? One that the book has withdrawn can still be repeated by an account that is on it."""
    plan: PlanName | None = said.plan
    if plan is None or plan.inline:
        return True
    if plan.name in tariffs.offered and tariffs.version_at(plan.name, said.start) is not None:
        return True
    current = in_force(account.history, said.start)
    return current is not None and current.plan == plan
