"""An account's history gets one more subscription (rating.md, "Subscriptions", "Fees").

The open periods that it touches are rated again as if it had been known from their start: what that changes is one
adjustment per period. What it changes of the fees is charged when they are looked at next (`rater.core.ledger.begin`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from rater.core.account import KEPT, Account, Kept, PlanName, Subscription, in_force
from rater.core.instant import DAY, Instant
from rater.core.ledger import Charged, Ledger, plan_of_segment, segment_of, segments_of
from rater.core.lines import Line, settled
from rater.core.money import ZERO
from rater.core.period import Calendar, Period, changed, period_at
from rater.core.tariffs import Tariffs
from rater.core.usage import Call, Segment, Usage, billed, counted, explain, used


class Dated(NamedTuple):
    """A rated call and its start."""

    start: Instant
    call: Call


CallsOf = Callable[[str], Iterable[Dated]]
"""The calls that were charged in a period of the account and not voided."""


class Amended(NamedTuple):
    """The account with the new subscription, its open periods with other segments, and what that changes in money."""

    account: Account
    usages: tuple[Usage, ...]
    adjustments: tuple[Charged, ...]


class CanNot(NamedTuple):
    """A subscription that these rules cannot follow."""

    detail: str


def amended(before: Account, said: Subscription, ledger: Ledger, calls_of: CallsOf) -> Amended | CanNot:
    """The account after one more subscription, its open periods rated again where they are touched."""
    after = _with(before, said, ledger.tariffs)
    if _same_names(after):
        return CanNot("time_zone, billing_day: the short period that they make would have the name of an earlier one")
    usages: list[Usage] = []
    adjustments: list[Charged] = []
    for name, end in before.periods:
        usage = ledger.usage_of(name)
        if usage is None or end <= said.start:
            continue
        default = _default_of(usage, before, ledger.tariffs)
        new = segments_of(after, Period(name, usage.start, usage.end), ledger, default)
        if _same(usage.segments, new):
            continue
        again = _rerated(before, after, usage, new or _no_plan(usage), ledger, calls_of(name))
        usages.append(again.usage)
        if again.amount:
            adjustments.append(again)
    return Amended(after, tuple(usages), tuple(adjustments))


def _with(account: Account, said: Subscription, tariffs: Tariffs) -> Account:
    zone, day, *_ = account.calendar
    if not isinstance(said.time_zone, Kept):
        zone = said.time_zone or tariffs.book.time_zone
    if not isinstance(said.billing_day, Kept):
        day = said.billing_day or 1
    charged = [known.end for known in (*account.closed, *account.periods)]
    calendar = changed(account.calendar, zone, day, said.start, max(charged)) if charged else Calendar(zone, day)
    # From here on fees are looked at again: of what was charged before, the difference falls due.
    due = said.start if account.next_fee is None else min(account.next_fee, said.start)
    watched = account.watched or said.spend_cap is not KEPT or said.guaranteed_connect_rate is not KEPT
    return replace(account, calendar=calendar, history=(*account.history, said), next_fee=due, watched=watched)


def _same_names(account: Account) -> bool:
    """Would the first period under a changed calendar have the name of one that is remembered?"""
    first = period_at(account.calendar, account.calendar.since)
    return any(known.name == first.name and known.end <= first.start for known in (*account.closed, *account.periods))


def _no_plan(usage: Usage) -> tuple[Segment, ...]:
    """What is left of a period with charges whose plan ended before it: no day of the first plan, and none follows."""
    first = usage.segments[0]
    days = max(1, (usage.end - usage.start) // DAY)
    return (_unused(first)._replace(start=usage.start, days=0, of=days, until=usage.start),)


def _same(old: tuple[Segment, ...], new: tuple[Segment, ...]) -> bool:
    return [_unused(segment) for segment in old] == [_unused(segment) for segment in new]


def _unused(segment: Segment) -> Segment:
    """The segment as it begins."""
    return segment._replace(seconds=0, calls=0, cost=ZERO)


def _rerated(
    before: Account, after: Account, usage: Usage, new: tuple[Segment, ...], ledger: Ledger, calls: Iterable[Dated]
) -> Charged:
    """The usage under other segments, and the difference: what the new ones cost minus what the old ones did."""
    precision = ledger.tariffs.book.precision
    plans = [plan_of_segment(after, segment, ledger.plan_of) for segment in new]
    sums = [[0, 0] for _ in new]
    fresh = usage._replace(segments=new)
    for start, call in calls:
        index = segment_of(fresh, start)
        if index is not None:  # else no plan was in force then: it costs nothing
            sums[index][0] += billed(plans[index], call)
            sums[index][1] += counted(plans[index].calls, call)
    counted_in = zip(plans, new, sums, strict=True)
    segments = tuple(used(plan, segment, seconds, n, precision) for plan, segment, (seconds, n) in counted_in)
    amount = sum((s.cost for s in segments), ZERO) - sum((s.cost for s in usage.segments), ZERO)
    lines: list[Line] = []
    for segment in usage.segments:
        if segment not in segments:
            plan = plan_of_segment(before, segment, ledger.plan_of)
            lines += explain(plan, segment, _unused(segment), precision)
    for plan, segment in zip(plans, segments, strict=True):
        if segment not in usage.segments:
            lines += explain(plan, _unused(segment), segment, precision)
    rerated = usage._replace(segments=segments)
    if amount:
        rerated = rerated._replace(seq=usage.seq + 1, total=usage.total + amount)
    return Charged(rerated, "adjustment", plans[-1], segments[-1], amount, settled(tuple(lines), amount))


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
