"""What the model of a life keeps (`tests.laws.life_model`), and which version of a plan holds for a stretch of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from tests.laws.calendar_model import Calendar, at

Words = dict[str, Any]
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Stretch(NamedTuple):
    """A part of a period under one plan, or under none."""

    start: datetime
    end: datetime
    plan: Words | None
    name: str | Words | None = None
    """As it was said."""


@dataclass
class Taken:
    """A call that was charged."""

    event: Words
    period: date
    late: bool
    voided: bool = False


class Version(NamedTuple):
    """A plan as a book had it, and up to when periods were closed at that book's place."""

    words: Words
    closed: datetime

    @property
    def since(self) -> datetime:
        return at(self.words["effective"]) if "effective" in self.words else NEVER


@dataclass
class Person:
    """What was said of an account."""

    calendar: Calendar
    said: list[Words] = field(default_factory=list)
    known_from: datetime = NEVER
    """What was forgotten when anything was first kept of the account, or again after it was forgotten."""
    shown: datetime = NEVER
    credits: dict[date, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    charged: set[date] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    kept: dict[date, datetime] = field(default_factory=dict)
    """Periods with credits that closed more than a day late: they are remembered as if they had ended then."""
    posted: dict[str, date] = field(default_factory=dict)
    """Adjustment id to the period that has its credit."""
    opened: dict[tuple[date, datetime, str], int] = field(default_factory=dict)
    """Of a stretch of a period with charges, under a plan of the book: how many versions were known when it began."""


def holding(versions: list[Version], start: datetime, known: int | None = None, ends: datetime | None = None) -> Words:
    """The plan's words for a stretch that begins then and was opened when so many versions were known.

    Of these, and of those that reach back and found its period, which ends at `ends`, open: the one in effect the
    latest, of equal ones the last.
    """
    those = versions[:known]
    if known is not None and ends is not None:
        those = [*those, *(v for v in versions[known:] if v.words.get("reach_back") and ends > v.closed)]
    begun = [(v.since, number, v) for number, v in enumerate(those) if v.since <= start]
    return max(begun, key=lambda one: one[:2])[2].words


def as_seen(plan: Words, call: Words) -> Words:
    """A call as a plan sees it: one that was answered may not be connected, and is free then."""
    meaning: Words = plan.get("connected", {})
    if not meaning or call["disposition"] != "answered":
        return call
    talk = round((at(call["ended_at"]) - at(call["answered_at"])).total_seconds())
    known = meaning.get("answered_by", [call.get("answered_by", "unknown")])
    if talk >= meaning.get("min_talk", 0) and call.get("answered_by", "unknown") in known:
        return call
    return call | {"disposition": "no-answer"}
