"""What a period will have cost at its end, if the days to come are like those so far.

Each local day of the segment in force is looked at once, when a tick shows that it is over: the units that the day
brought are added up, and their squares. From n such days with the mean m and the standard deviation s, the r days that
are left are expected to bring r x m more units, give or take t x s x sqrt(r + r x r / n): the prediction interval of a
sum of r further days, with Student's t for 95 %. Units are whole numbers throughout, and R(price) makes money of
them, so an allowance, a band or an unlimited meter bends the forecast as it will bend the bill. Fees that are known to
come, and what will be short of a minimum, are in it; credits of guarantees are not. Days are taken for independent of
each other: where weekdays differ much, the truth is wider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isqrt
from typing import NamedTuple

from rater.rating.book import Plan
from rater.rating.calendar import Calendar
from rater.rating.instant import Instant
from rater.rating.money import ZERO
from rater.rating.proration import days_between
from rater.rating.sharing import shared_out
from rater.rating.units import NO_COUNTS, OF_UNITS
from rater.rating.usage import DailyStats, Segment, Usage, cost, minus, plus, short_of_minimum

MIN_DAYS = 2
"""Whole days that a forecast needs: of one day nobody knows how days differ."""

_T95 = (
    12706, 4303, 3182, 2776, 2571, 2447, 2365, 2306, 2262, 2228, 2201, 2179, 2160, 2145, 2131,
    2120, 2110, 2101, 2093, 2086, 2080, 2074, 2069, 2064, 2060, 2056, 2052, 2048, 2045, 2042,
)  # fmt: skip
"""Student's t for 95 %, both sides, in thousandths, by degrees of freedom from 1 on."""

PlanOfSegment = Callable[[Segment], Plan]


class Forecast(NamedTuple):
    """The total of a period at its end, and between what it will lie in 95 of 100 cases."""

    total: Decimal
    low: Decimal
    high: Decimal


def looked(usage: Usage, calendar: Calendar, at: Instant) -> Usage:
    """The usage when the local days up to `at`, a local midnight or the period's end, have been looked at."""
    segment = _in_force(usage, at)
    looks = usage.looks
    if looks.since != segment.start:
        looks = DailyStats(segment.start, segment.start)
    days = days_between(calendar, looks.until, at)
    if days <= 0:
        return usage
    counts = segment.counts[OF_UNITS]
    brought = minus(counts, looks.counts)
    squares = plus(looks.squares, tuple(one * one // days for one in brought))
    return usage._replace(looks=DailyStats(looks.since, at, looks.days + days, counts, squares))


def _in_force(usage: Usage, at: Instant) -> Segment:
    begun = [segment for segment in usage.segments if segment.start < at]
    return begun[-1] if begun else usage.segments[0]


class Owed(NamedTuple):
    """What a period owes whatever the usage, when all of it has begun."""

    fees: Decimal
    """Fees, items and set-ups."""
    recurring: Mapping[Instant, Decimal]
    """Of these, what counts towards a minimum, by the start of the segment."""


def forecast(
    usage: Usage,
    calendar: Calendar,
    plan_of: PlanOfSegment,
    owes: Callable[[], Owed],
    precision: int,
    *,
    settled: bool = False,
) -> Forecast | None:
    """The forecast as of the last look; None before `MIN_DAYS` days under the plan in force.

    `owes` is asked only where there is one: with many changes it costs more than all else.

    `settled`: the period is closed, and what it was short of minimums was charged.
    """
    looks = usage.looks
    if looks.days < MIN_DAYS:
        return None
    owed = owes()
    floors = [] if settled else [(p, one) for one in usage.segments if (p := plan_of(one)).minimum]
    if looks.until >= usage.end:
        due = usage.total + _short(floors, {}, owed, precision)
        return Forecast(due, due, due)
    ahead = _ahead(usage, calendar)
    days = sum(count for _, count in ahead)
    more = [_more(units, squares, looks.days, days) for units, squares in zip(looks.counts, looks.squares, strict=True)]
    fees = owed.fees - usage.fees

    def total(lean: int) -> Decimal:
        found, costs = usage.total + fees, dict[Instant, Decimal]()
        for segment, count in ahead:
            base = looks.counts if segment.start == looks.since else NO_COUNTS
            coming = plus(base, tuple((mean + lean * wide) * count // days for mean, wide in more))
            plan = plan_of(segment)
            then = tuple(max(now, later, 0) for now, later in zip(segment.counts[OF_UNITS], coming, strict=True))
            if len(plan.zero) != len(then):
                then = shared_out(plan, segment.counts, then)
            costs[segment.start] = cost(plan, then, precision)
            found += costs[segment.start] - segment.cost
        return found + _short(floors, costs, owed, precision)

    middle, *sides = (total(lean) for lean in (0, -1, 1))
    return Forecast(middle, min(middle, *sides), max(middle, *sides))


def _short(floors: list[tuple[Plan, Segment]], costs: Mapping[Instant, Decimal], owed: Owed, precision: int) -> Decimal:
    """What closing will charge of minimums, where segments will have cost so much by their end; of others, as now."""
    if not floors:  # nearly always, and asked for each account and day
        return ZERO
    short = ZERO
    for plan, segment in floors:
        used = costs.get(segment.start, segment.cost)
        short += short_of_minimum(plan, owed.recurring.get(segment.start, ZERO) + used, precision)
    return short


def _ahead(usage: Usage, calendar: Calendar) -> list[tuple[Segment, int]]:
    """The segments that go on or begin after the last look, each with the days that it still has."""
    found = []
    ends = [*(segment.start for segment in usage.segments[1:]), usage.end]
    for segment, end in zip(usage.segments, ends, strict=True):
        last = segment.until or end
        if last > usage.looks.until:
            found.append((segment, days_between(calendar, max(segment.start, usage.looks.until), last)))
    return [(segment, days) for segment, days in found if days > 0]


def _more(units: int, squares: int, days: int, ahead: int) -> tuple[int, int]:
    """Units that the days ahead will bring, and how far off that may be."""
    spread = max(0, squares * days - units * units) * (ahead * days + ahead * ahead)
    t = _T95[min(days - 1, len(_T95)) - 1]
    return units * ahead // days, isqrt(t * t * spread // (1_000_000 * days * days * (days - 1)))
