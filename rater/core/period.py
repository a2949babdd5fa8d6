"""Billing periods: months in the account's zone that start on its billing day (rating.md, "Periods")."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from rater.core.instant import SECOND, Instant, instant, moment
from rater.core.zones import zone

_UTC_DAY = 86_400 * SECOND


class Calendar(NamedTuple):
    """Where an account's months begin: the name of its zone, and the day of the month (1 to 28)."""

    zone: str
    billing_day: int = 1


class Period(NamedTuple):
    """A billing month: the instants from `start` up to, not including, `end`."""

    name: str
    """`2026-11`, or `2026-11-15` when the billing day is not 1; names sort by time."""
    start: Instant
    end: Instant


def period_at(calendar: Calendar, at: Instant) -> Period:
    """The period that an instant belongs to."""
    period = _period_of_utc_day(calendar, at // _UTC_DAY)
    return period if at < period.end else period_after(calendar, period)


def period_after(calendar: Calendar, period: Period) -> Period:
    """The next period."""
    return _period_of_utc_day(calendar, period.end // _UTC_DAY, period.end)


def midnight_after(calendar: Calendar, at: Instant) -> Instant:
    """The end of the local day that an instant belongs to."""
    today = moment(at).astimezone(zone(calendar.zone)).date()
    return _midnight(today + timedelta(days=1), calendar)


def midnight_before(calendar: Calendar, at: Instant) -> Instant:
    """The start of the local day that an instant belongs to."""
    return _midnight(moment(at).astimezone(zone(calendar.zone)).date(), calendar)


@lru_cache(maxsize=65_536)
def _period_of_utc_day(calendar: Calendar, day: int, at: Instant | None = None) -> Period:
    """The period of the first instant of a UTC day; a day has at most one boundary, so this serves all its calls."""
    tz = zone(calendar.zone)
    local = moment(day * _UTC_DAY if at is None else at).astimezone(tz).date()
    month = local.replace(day=calendar.billing_day)
    begins = month if local >= month else _months_later(month, -1)
    start, end = (_midnight(when, calendar) for when in (begins, _months_later(begins, 1)))
    name = f"{begins:%Y-%m}" if calendar.billing_day == 1 else begins.isoformat()
    return Period(name, start, end)


def _months_later(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    return day.replace(year=count // 12, month=count % 12 + 1)


def _midnight(day: date, calendar: Calendar) -> Instant:
    """The day's first instant, also where midnight is skipped or comes twice: `fold=0` is the earlier reading, and in a
    gap it is read with the offset before it, which is the instant of the jump itself."""
    return instant(datetime(day.year, day.month, day.day, tzinfo=zone(calendar.zone)))
