"""Billing periods: months in the account's zone that start on its billing day (rating.md, "Periods")."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from rater.rating.instant import DAY, Instant, instant, moment
from rater.rating.names import PeriodName
from rater.rating.zones import zone


class Calendar(NamedTuple):
    """Where an account's months begin: the name of its zone, and the day of the month (1 to 28).

    A changed one holds from `since`, where a period of the one `before` it ends.
    """

    zone: str
    billing_day: int = 1
    since: Instant = 0
    before: Calendar | None = None

    def at(self, at: Instant) -> Calendar:
        """The calendar that holds at an instant."""
        calendar = self
        while calendar.before is not None and at < calendar.since:
            calendar = calendar.before
        return calendar


class Period(NamedTuple):
    """A billing month: the instants from `start` up to, not including, `end`."""

    name: PeriodName
    """`2026-11`, or `2026-11-15` when it starts on another day than the 1st; names sort by time."""
    start: Instant
    end: Instant


def period_at(calendar: Calendar, at: Instant) -> Period:
    """The period that an instant belongs to; the first under a changed calendar is a short one."""
    if calendar.before is None:
        return _month_at(calendar, at)
    calendar = calendar.at(at)
    month = month_at(calendar, at)
    if calendar.before is None or month.start >= calendar.since:
        return month
    begins = moment(calendar.since).astimezone(zone(calendar.zone)).date()
    name = month.name if begins == _begins(calendar, month) else PeriodName(begins.isoformat())
    return Period(name, calendar.since, month.end)


def month_at(calendar: Calendar, at: Instant) -> Period:
    """The whole billing month that an instant belongs to, by the calendar that holds then, wherever that began."""
    calendar = calendar.at(at)
    return _month_at(Calendar(calendar.zone, calendar.billing_day), at)


def period_after(calendar: Calendar, period: Period) -> Period:
    """The next period."""
    return period_at(calendar, period.end)


def changed(calendar: Calendar, zone_name: str, billing_day: int, at: Instant, charged: Instant) -> Calendar:
    """The calendar when an account says at `at` that its months begin otherwise; all up to `charged` has charges.

    It holds from the end of the period that is running then, or of the newest one with charges. A change that does not
    hold yet is replaced.
    """
    while calendar.before is not None and calendar.since > at and calendar.since >= charged:
        calendar = calendar.before
    if (calendar.zone, calendar.billing_day) == (zone_name, billing_day):
        return calendar
    since = max(period_at(calendar, at).end, charged)
    return Calendar(zone_name, billing_day, since, calendar)


def replaced(calendar: Calendar, zone_name: str, billing_day: int, past: Instant) -> Calendar:
    """The calendar of an account without charges that says otherwise: from the start, but for what is past.

    `past` is the start of a period: the ones before it stay as they are.
    """
    if past <= 0:
        return Calendar(zone_name, billing_day)
    while calendar.before is not None and calendar.since >= past:
        calendar = calendar.before
    if (calendar.zone, calendar.billing_day) == (zone_name, billing_day):
        return calendar
    return Calendar(zone_name, billing_day, past, calendar)


def _begins(calendar: Calendar, month: Period) -> date:
    return moment(month.start).astimezone(zone(calendar.zone)).date()


def _month_at(calendar: Calendar, at: Instant) -> Period:
    period = _period_of_utc_day(calendar, at // DAY)
    return period if at < period.end else _period_of_utc_day(calendar, period.end // DAY, period.end)


def midnight_after(calendar: Calendar, at: Instant) -> Instant:
    """The end of the local day that an instant belongs to."""
    calendar = calendar.at(at)
    today = moment(at).astimezone(zone(calendar.zone)).date()
    return _midnight(today + timedelta(days=1), calendar)


def midnight_before(calendar: Calendar, at: Instant) -> Instant:
    """The start of the local day that an instant belongs to."""
    calendar = calendar.at(at)
    return _midnight(moment(at).astimezone(zone(calendar.zone)).date(), calendar)


@lru_cache(maxsize=65_536)
def _period_of_utc_day(calendar: Calendar, day: int, at: Instant | None = None) -> Period:
    """The month of the first instant of a UTC day; a day has at most one boundary, so this serves all its calls."""
    tz = zone(calendar.zone)
    local = moment(day * DAY if at is None else at).astimezone(tz).date()
    month = local.replace(day=calendar.billing_day)
    begins = month if local >= month else _months_later(month, -1)
    start, end = (_midnight(when, calendar) for when in (begins, _months_later(begins, 1)))
    name = f"{begins:%Y-%m}" if calendar.billing_day == 1 else begins.isoformat()
    return Period(PeriodName(name), start, end)


def _months_later(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    return day.replace(year=count // 12, month=count % 12 + 1)


def _midnight(day: date, calendar: Calendar) -> Instant:
    """The day's first instant, also where midnight is skipped or comes twice: `fold=0` is the earlier reading, and in a
    gap it is read with the offset before it, which is the instant of the jump itself."""
    return instant(datetime(day.year, day.month, day.day, tzinfo=zone(calendar.zone)))
