"""Instants and months for the independent model; like it, it imports nothing of the rater."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

TICK = timedelta(microseconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@cache
def zone(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data)


class Calendar(NamedTuple):
    """Where an account's months begin."""

    zone: str
    day: int

    def period(self, moment: datetime) -> date:
        """The first day of the billing month that a moment belongs to."""
        day = moment.astimezone(zone(self.zone)).date()
        while day.day != self.day:
            day -= timedelta(days=1)
        return day

    def after(self, period: date) -> date:
        return (period.replace(day=1) + timedelta(days=31)).replace(day=self.day)

    def name(self, period: date) -> str:
        return f"{period:%Y-%m}" if self.day == 1 else period.isoformat()

    def name_at(self, text: str) -> str:
        return self.name(self.period(at(text)))

    def begun(self, moment: datetime, period: date) -> bool:
        """Is the moment not after the period's first instant?"""
        return self.period(moment - TICK) < period
