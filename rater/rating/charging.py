"""The account's ledger: from an account, its usage and an event to charges (rating.md, "A charge", "Fees").

A charge is a difference: what the rules say after the event, minus what they said before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Literal, NamedTuple

from rater.rating.account import Account, PeriodRef, PlanName, inline_plan, plan_intervals
from rater.rating.book import Plan, Proration
from rater.rating.calendar import Calendar, Period, midnight_after, month_at
from rater.rating.catalog import PlanOf, Tariffs, versioned
from rater.rating.instant import Instant
from rater.rating.lines import Line
from rater.rating.money import nothing
from rater.rating.names import PeriodName, PlanId
from rater.rating.proration import days_between, prorated
from rater.rating.units import Call
from rater.rating.usage import Segment, Usage, explain, plus, used

Kind = Literal["usage", "fee", "adjustment", "reversal", "minimum", "credit"]


class Charged(NamedTuple):
    """A charge, and the usage of its period and the segment after it.

    `usage.seq` is its number, `usage.total` the running total.
    """

    usage: Usage
    kind: Kind
    plan: Plan
    segment: Segment
    amount: Decimal
    lines: tuple[Line, ...]


class Ledger(NamedTuple):
    """What the rules look at: the tariffs, the published plans, and the usage of this account's periods."""

    tariffs: Tariffs
    plan_of: PlanOf
    usage_of: Callable[[PeriodName], Usage | None]


def whole_plan(account: Account, segment: Segment, plan_of: PlanOf) -> Plan:
    """The words of the plan version that rates a segment, for a whole period."""
    return inline_plan(account.history, segment.plan_name) if segment.inline else plan_of(segment.plan_id)


def plan_of_segment(account: Account, segment: Segment, plan_of: PlanOf) -> Plan:
    """The words of the plan version that rates a segment, for the segment's days."""
    plan = whole_plan(account, segment, plan_of)
    return prorated(plan, segment.days, segment.of) if segment.of else plan


def plan_id_at(tariffs: Tariffs, name: PlanName, at: Instant) -> PlanId | None:
    """The plan with the version that is in effect at an instant, `hybrid-200@1`; None where there is none."""
    version = 1 if name.inline else tariffs.version_at(name.name, at)
    return None if version is None else versioned(name.name, version)


def segments_of(
    account: Account, period: Period, ledger: Ledger, default: str | None, opened_with: tuple[Segment, ...] = ()
) -> tuple[Segment, ...]:
    """The segments of a period, each under the version of its plan that is in effect at its start.

    `opened_with` are the period's segments so far: one of the same plan and start keeps the version that it has,
    whatever was published since. One that only stands in for a plan keeps nothing.
    """
    tariffs = ledger.tariffs
    kept = {(s.start, s.plan_name, s.inline): s.plan_id for s in opened_with if not s.stands_in}

    def plan_at(name: PlanName, at: Instant) -> Segment | None:
        plan_id = kept.get((at, name.name, name.inline)) or plan_id_at(tariffs, name, at)
        return None if plan_id is None else Segment(at, plan_id, name.inline)

    def proration_of(name: PlanName, at: Instant) -> Proration:
        segment = plan_at(name, at)
        return "none" if segment is None else plan_of_segment(account, segment, ledger.plan_of).proration

    plans = plan_intervals(account.history, period, default, proration_of)
    ends = [*(start for start, _ in plans[1:]), period.end]
    found = []
    following = [*(name for _, name in plans[1:]), ENDLESS]
    for (start, name), end, follows in zip(plans, ends, following, strict=True):
        segment = None if name is None else plan_at(name, start)
        if segment is not None:
            month = month_at(account.calendar, period.start)
            plan = plan_of_segment(account, segment, ledger.plan_of)
            segment = segment._replace(counts=plan.zero)
            if plan.proration == "daily" or month.start != period.start:
                segment = _by_days(segment, account.calendar, month, end)
            found.append(segment._replace(until=end) if follows is None else segment)
    return tuple(found)


ENDLESS = PlanName("")
"""Stands for what follows a period's last plan: it does not end inside the period."""


def _by_days(segment: Segment, calendar: Calendar, month: Period, end: Instant) -> Segment:
    calendar = calendar.at(segment.start)
    days, of = (days_between(calendar, *span) for span in ((segment.start, end), (month.start, month.end)))
    return segment if days == of else segment._replace(days=days, of=of)


def opened(account: Account, period: Period, ledger: Ledger) -> Usage:
    """The usage of a period as it is, or its first state."""
    known = ledger.usage_of(period.name)
    if known is not None:
        return known
    found = segments_of(account, period, ledger, ledger.tariffs.book.default_plan)
    return Usage(period.name, period.start, period.end, found)


def charge_call(plan: Plan, usage: Usage, index: int, call: Call, precision: int) -> Charged:
    """Rate a call into segment `index` of its period: R(price(after)) - R(price(before))."""
    segments = usage.segments
    before = segments[index]
    more = plan.count(call)
    if plan.connected is not None:
        call = plan.seen(call)
    if not call.connected and more == plan.zero:
        free = nothing(precision)
        return Charged(_counted(usage, call, segments, free), "usage", plan, before, free, ())
    after = used(plan, before, plus(before.counts, more), precision)
    amount = after.cost - before.cost
    segments = (after,) if len(segments) == 1 else (*segments[:index], after, *segments[index + 1 :])
    lines = explain(plan, before, after, precision)
    return Charged(_counted(usage, call, segments, amount), "usage", plan, after, amount, lines)


def _counted(usage: Usage, call: Call, segments: tuple[Segment, ...], amount: Decimal) -> Usage:
    """The usage with one more charge of a call."""
    # Unpacked at once: a name looked up on a named tuple costs more than all of them this way.
    period, begins, ends, _, seq, total, fees, manual, attempts, connected, looks, alerts = usage
    if call.direction == "outbound":
        attempts += 1
        connected += call.connected
    return Usage(
        period, begins, ends, segments, seq + 1, total + amount, fees, manual, attempts, connected, looks, alerts
    )


def segment_at(usage: Usage, at: Instant) -> int | None:
    """The index of the segment that an instant of the period belongs to; None where no plan is in force."""
    segments = usage.segments
    if len(segments) == 1 and segments[0].start <= at and not segments[0].until:
        return 0
    found = None
    for index, segment in enumerate(segments):
        if segment.start <= at:
            found = index
    if found is not None and segments[found].until and at >= segments[found].until:
        return None
    return found


def segment_of(usage: Usage, start: Instant) -> int | None:
    """The index of the segment that counts a call of the period; None if no plan does.

    A late call, of an earlier period, counts from the first instant that has a plan.
    """
    return segment_at(usage, usage.segments[0].start if start < usage.start else start)


def with_period(account: Account, usage: Usage) -> Account:
    """The account with one more period that has charges, whose days are looked at from its first one on."""
    known = PeriodRef(usage.period, usage.end)
    if known in account.periods:
        return account
    first = midnight_after(account.calendar, usage.start)
    look = first if account.next_look is None else min(account.next_look, first)
    return replace(account, periods=tuple(sorted((*account.periods, known))), next_look=look)


def default_calendar(tariffs: Tariffs) -> Calendar:
    """The calendar of an account that says nothing of it: the book's zone, months from the 1st."""
    return Calendar(tariffs.book.time_zone)


def newcomer(tariffs: Tariffs, forgotten: Instant) -> Account:
    """An account of which nothing is kept, where identities of periods up to `forgotten` are forgotten."""
    return Account(default_calendar(tariffs), known_from=forgotten, reached=tariffs.last_reach)
