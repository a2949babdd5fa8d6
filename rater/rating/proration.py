"""Proration by days (rating.md, "Fees"): a day of the account's zone belongs to the plan in force at its end."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from rater.rating.book import Meter, Plan
from rater.rating.calendar import Calendar
from rater.rating.instant import Instant, moment
from rater.rating.zones import zone


def days_between(calendar: Calendar, start: Instant, end: Instant) -> int:
    """The calendar days that end after `start` and not after `end`, in the zone that holds at `start`."""
    tz = zone(calendar.at(start).zone)
    first, last = (moment(at).astimezone(tz).date() for at in (start, end))
    return (last - first).days


def prorated(plan: Plan, days: int, of: int) -> Plan:
    """The plan for `days` of a period of `of` days: the minimum exactly, allowances rounded up to a whole unit."""
    part = plan.parts.get((days, of))
    if part is None:
        minimum = plan.minimum * Decimal(days) / of
        part = replace(plan, minimum=minimum, meters=tuple(_part(meter, days, of) for meter in plan.meters))
        plan.parts[days, of] = part
    return part


def _part(meter: Meter, days: int, of: int) -> Meter:
    if not meter.allowance:
        return meter
    return replace(meter, allowance=-(-meter.allowance * days // of))
