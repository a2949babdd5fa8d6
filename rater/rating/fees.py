"""What falls due whatever the usage: fees, items and set-ups (rating.md, "Fees", "Items and set-up").

What is due is a list of entries, a pure function of the account's history. A charge is the difference between the list
as it is and as it was charged: one line for each entry that changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from rater.rating.account import Account, PlanName
from rater.rating.book import Item, Plan
from rater.rating.calendar import month_at, period_at
from rater.rating.charging import Charged, Ledger, opened, plan_of_segment, whole_plan, with_period
from rater.rating.forecast import Owed
from rater.rating.instant import Instant
from rater.rating.items import ItemState, changes_within, item_states
from rater.rating.lines import FEE, ITEM, SETUP, Line, settled, taken_back
from rater.rating.money import ZERO, nothing, rounded
from rater.rating.names import PlanId
from rater.rating.proration import days_between
from rater.rating.setups import set_up_name, set_ups
from rater.rating.usage import Segment, Usage

MAX_PERIODS = 1200
"""Periods whose fees one record may bring due: a hundred years, since accounts begin in 1970 or later."""


class Entry(NamedTuple):
    """Something that is due for a segment."""

    segment: Instant
    """The segment's start."""
    plan_id: PlanId
    meter: str
    """`fee`, `setup`, `item:seat`."""
    quantity: int
    rate: Decimal
    """Of one, for a whole period."""
    days: int
    of: int
    """Days of the month; 0 where it is due for the whole period."""
    amount: Decimal


class Begun(NamedTuple):
    """The account after a record has shown that time has come to an instant, and the fees that fell due."""

    account: Account
    fees: tuple[Charged, ...]


class TooFar(NamedTuple):
    """More periods would fall due at once than one record may bring."""

    periods: int


class Before(NamedTuple):
    """The account and its usages as they were when its fees were charged last."""

    account: Account
    ledger: Ledger


def charge_due_fees(account: Account, shown: Instant, ledger: Ledger, before: Before | None = None) -> Begun | TooFar:
    """Charge the fees that fell due until `shown`, an instant that a record of the account shows to have come.

    Each period from the first subscription on owes its fee once, call or no call. `before`: the history has changed,
    and what was charged by the old one is looked at again.
    """
    fees: list[Charged] = []
    due = account.next_fee
    count = 0
    while due is not None and due <= shown:
        count += 1
        if count > MAX_PERIODS:
            return TooFar(MAX_PERIODS)
        period = period_at(account.calendar, due)
        usage = opened(account, period, ledger)
        was = _charged(account, usage, ledger, due) if before is None else _before(before, usage)
        charged = charge_fee(account, usage, shown, ledger, was)
        if charged is not None:
            fees.append(charged)
        later = [at for at in (*(one.start for one in usage.segments), *_said_of_items(account, usage)) if at > shown]
        due = min(later, default=period.end)
    for charged in fees:
        account = with_period(account, charged.usage)
    return Begun(replace(account, next_fee=due), tuple(fees))


def _charged(account: Account, usage: Usage, ledger: Ledger, due: Instant) -> list[Entry]:
    """What was charged for the period before `due`."""
    return entries(account, usage, ledger, due - 1) if due > usage.start else []


def _said_of_items(account: Account, usage: Usage) -> list[Instant]:
    return changes_within(account.history, usage.start, usage.end)


def _before(before: Before, usage: Usage) -> list[Entry]:
    """What was charged for the period by the history as it was."""
    account, ledger = before
    known = ledger.usage_of(usage.period)
    if known is None or account.next_fee is None:
        return []
    return entries(account, known, ledger, account.next_fee - 1)


def charge_fee(account: Account, usage: Usage, shown: Instant, ledger: Ledger, was: list[Entry]) -> Charged | None:
    """What is due of all that has begun, minus what was charged (the entries `was`); None if that is nothing."""
    if not usage.segments:
        return None
    precision = ledger.tariffs.book.precision
    now = entries(account, usage, ledger, shown)
    amount = sum((entry.amount for entry in now), ZERO) - usage.fees
    begun = [segment for segment in usage.segments if segment.start <= shown]
    # Where a changed history leaves nothing that has begun, all is given back, in the name of what comes first.
    segment = begun[-1] if begun else usage.segments[0]
    lines = settled(_difference(was, now, segment.plan_id), amount)
    if not lines:
        # A minimum must be known of when the period closes: where nothing else is charged at its beginning, a fee of 0.
        plans = (plan_of_segment(account, one, ledger.plan_of) for one in begun)
        if usage.seq or not any(plan.minimum for plan in plans):
            return None
        amount = nothing(precision)
        lines = (Line(FEE, 1, 0, 1, amount, amount),)
    after = usage._replace(seq=usage.seq + 1, total=usage.total + amount, fees=usage.fees + amount)
    return Charged(after, "fee", plan_of_segment(account, segment, ledger.plan_of), segment, amount, lines)


def _difference(was: list[Entry], now: list[Entry], charged: PlanId) -> tuple[Line, ...]:
    """A line for each entry that changed, in the order of time: what is due now, and what was charged taken back."""
    new, old = (Counter(entry._replace(segment=0) for entry in some) for some in (now, was))
    order = {entry._replace(segment=0): entry.segment for entry in (*was, *now)}
    changed = [(entry, False) for entry in (new - old).elements()] + [(entry, True) for entry in (old - new).elements()]
    changed.sort(key=lambda one: (order[one[0]], one[0].meter != FEE, one[0].meter, one[1]))
    return tuple(_line(entry, charged, back=back) for entry, back in changed)


def _line(entry: Entry, charged: PlanId, *, back: bool) -> Line:
    _, plan_id, meter, quantity, rate, days, of, amount = entry
    plan = None if plan_id == charged else plan_id
    line = Line(meter, quantity, 0, quantity, rate, amount, plan=plan, days=days, of=of)
    return taken_back(line) if back else line


class _Begun(NamedTuple):
    """A segment that has begun, and the words of its plan for a whole period."""

    segment: Segment
    end: Instant
    plan: Plan


def entries(account: Account, usage: Usage, ledger: Ledger, shown: Instant) -> list[Entry]:
    """All that is due for a period, of what has begun at an instant of it."""
    precision = ledger.tariffs.book.precision
    segments = usage.segments
    begun: list[_Begun] = []
    for number, segment in enumerate(segments, start=1):
        if segment.start <= shown and segment.until != segment.start:  # else it only stands in for a plan
            end = segment.until or (segments[number].start if number < len(segments) else usage.end)
            begun.append(_Begun(segment, end, whole_plan(account, segment, ledger.plan_of)))
    asked = [said for said in account.history if said.items]
    found: list[Entry] = []
    for segment, end, plan in begun:
        if plan.fee:
            found.append(_fee(segment, plan, precision))
        if asked or plan.items:
            found += _items(account, segment, end, plan, precision, shown)
    if [one for one in begun if one.plan.setup]:
        owing = set_ups(account, usage, ((one.segment, one.plan) for one in begun), ledger)
        found += (_entry(segment, SETUP, Item(plan.setup, 1), (0, 0), precision) for segment, plan in owing)
    return [entry for entry in found if entry.amount]


def _fee(segment: Segment, plan: Plan, precision: int) -> Entry:
    place = ("fee", segment.days, segment.of, precision)
    kept: Entry | None = plan.memo.get(place)
    if kept is None:  # worked out once for all accounts of the plan: each forecast asks for it
        kept = plan.memo[place] = _entry(segment, FEE, Item(plan.fee, 1), (segment.days, segment.of), precision)
    return kept if kept[0] == segment[0] else Entry(segment[0], *kept[1:])


def owed(account: Account, usage: Usage, ledger: Ledger) -> Owed:
    """What the period owes whatever the usage, as the history says now."""
    due = entries(account, usage, ledger, usage.end)
    return Owed(sum((entry.amount for entry in due), ZERO), of_segments(due))


def of_segments(due: Iterable[Entry]) -> dict[Instant, Decimal]:
    """What recurs of these entries, by the start of the segment: what counts towards its minimum."""
    found: dict[Instant, Decimal] = {}
    for entry in due:
        if entry.meter != SETUP:
            found[entry.segment] = found.get(entry.segment, ZERO) + entry.amount
    return found


def by_kind(due: Iterable[Entry]) -> dict[tuple[Instant, str], Decimal]:
    """What is due by segment, and of it what is fee, items and set-up."""
    found: dict[tuple[Instant, str], Decimal] = {}
    for entry in due:
        place = (entry.segment, "items" if entry.meter.startswith(ITEM) else entry.meter)
        found[place] = found.get(place, ZERO) + entry.amount
    return found


def set_up_names(usage: Usage, due: Iterable[Entry]) -> frozenset[str]:
    """The plans whose set-up is among these entries of the period, as `Account.setups` names them."""
    starts = {entry.segment for entry in due if entry.meter == SETUP}
    return frozenset(set_up_name(segment) for segment in usage.segments if segment.start in starts)


def _entry(segment: Segment, meter: str, item: Item, days: tuple[int, int], precision: int) -> Entry:
    part, of = days
    whole = item.price * item.quantity
    amount = rounded(whole * Decimal(part) / of if of else whole, precision)
    return Entry(segment.start, segment.plan_id, meter, item.quantity, item.price, part, of, amount)


def _items(
    account: Account, segment: Segment, end: Instant, plan: Plan, precision: int, shown: Instant
) -> Iterator[Entry]:
    name = PlanName(segment.plan_name, segment.inline)
    found = item_states(account.history, name, plan, segment.start, end)
    for item, states in sorted(found.items()):
        if plan.proration == "daily":
            yield from _by_days(account, segment, end, item, states, precision, shown)
        else:
            begun = [one.item for one in states if one.begins <= shown]
            most = max(begun, key=lambda one: one.price * one.quantity, default=None)
            if most is not None and most.quantity:
                yield _entry(segment, ITEM + item, most, (segment.days, segment.of), precision)


def _by_days(
    account: Account,
    segment: Segment,
    end: Instant,
    item: str,
    states: list[ItemState],
    precision: int,
    shown: Instant,
) -> Iterator[Entry]:
    """An entry for each run of days with one price and quantity: a day belongs to what holds at its end."""
    calendar = account.calendar.at(segment.start)
    month = month_at(account.calendar, segment.start)
    of = days_between(calendar, month.start, month.end)
    ends = [*(one.begins for one in states[1:]), end]
    runs: list[tuple[ItemState, int]] = []
    for state, until in zip(states, ends, strict=True):
        days = days_between(calendar, state.begins, until)
        if runs and days and runs[-1][0].item == state.item:
            runs[-1] = (runs[-1][0], runs[-1][1] + days)
        elif days:
            runs.append((state, days))
    for state, days in runs:
        if state.item.quantity and state.begins <= shown:
            yield _entry(segment, ITEM + item, state.item, (0, 0) if days == of else (days, of), precision)
