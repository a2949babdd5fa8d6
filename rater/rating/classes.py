"""Classes of calls: by its numbers, direction and local time a call has one class, which decides its price.

Source: rating.md, "Classes of calls".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from rater.rating.instant import SECOND, Instant, moment
from rater.rating.units import OTHER, Direction
from rater.rating.zones import zone

MINUTE = 60 * SECOND
WORKING_WEEK = frozenset(range(5))
"""Monday to Friday, as `date.weekday` counts."""
ONE_DAY = timedelta(days=1)


class Hours(NamedTuple):
    """A span of the day: from `start` on, before `end`, in minutes since midnight; over midnight where it ends earlier.

    It holds on the `days` (0 is Monday) on which it begins.
    """

    days: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CallClass:
    """The calls for which all that is said holds; an empty condition says nothing."""

    name: str
    numbers: tuple[str, ...] = ()
    """Prefix sets of the far end: whom an outbound or internal call reaches, whom an inbound one comes from."""
    own_numbers: tuple[str, ...] = ()
    """Prefix sets of the near end."""
    directions: frozenset[Direction] | None = None
    hours: tuple[Hours, ...] = ()
    holidays: bool | None = None
    """Only on holidays, or only on other days."""
    within: str = ""
    """The class whose prices a plan takes that does not name this one."""


class _Day(NamedTuple):
    """The local day and minute of an instant, and what kind of days this one and the one before are."""

    minute: int
    weekdays: frozenset[int]
    before: frozenset[int]
    holiday: bool


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a book, its prefix sets, and its special days."""

    classes: tuple[CallClass, ...] = ()
    prefixes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Name and prefixes of each set."""
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    """Days that are worked although they are Saturdays, Sundays or holidays."""
    _table: _Table = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the table in which calls are looked up."""
        object.__setattr__(self, "_table", _Table(self))

    def __bool__(self) -> bool:
        return bool(self.classes)

    def class_of(self, direction: Direction, caller: str, callee: str, started: Instant, zone_name: str) -> str:
        """The class of a call that started then, by the wall clock of a zone; `OTHER` where none holds."""
        far, near = (caller, callee) if direction == "inbound" else (callee, caller)
        table = self._table
        for one, own in table.candidates(far):
            if one.directions is not None and direction not in one.directions:
                continue
            if own and not near.startswith(own):
                continue
            if (one.hours or one.holidays is not None) and not _holds(one, self._day(started // MINUTE, zone_name)):
                continue
            return one.name
        return OTHER

    @property
    def names(self) -> frozenset[str]:
        """The classes that a plan may name."""
        return frozenset((OTHER, *self._table.chains))

    def chain(self, name: str) -> tuple[str, ...]:
        """A class, the class that it lies within, and so on."""
        return self._table.chains.get(name, (name,))

    def _day(self, minute: int, zone_name: str) -> _Day:
        days = self._table.days
        found = days.get((minute, zone_name))
        if found is None:
            local = moment(minute * MINUTE).astimezone(zone(zone_name))
            day = local.date()
            before = self._weekdays(day - ONE_DAY)
            found = _Day(local.hour * 60 + local.minute, self._weekdays(day), before, self._is_holiday(day))
            if len(days) >= MOST_MINUTES:
                days.clear()
            days[minute, zone_name] = found
        return found

    def _weekdays(self, day: date) -> frozenset[int]:
        """What a day counts as: itself, and a day that is worked in place of another as any from Monday to Friday."""
        return WORKING_WEEK if day in self.workdays else frozenset((day.weekday(),))

    def _is_holiday(self, day: date) -> bool:
        return day in self.holidays and day not in self.workdays


MOST_MINUTES = 16_384
"""Minutes whose local time is kept."""


def _holds(one: CallClass, day: _Day) -> bool:
    if one.holidays is not None and one.holidays != day.holiday:
        return False
    return not one.hours or any(_within(span, day) for span in one.hours)


def _within(span: Hours, day: _Day) -> bool:
    """The weekday is that on which the span began: after midnight that of the day before."""
    if span.start < span.end:
        return span.start <= day.minute < span.end and not span.days.isdisjoint(day.weekdays)
    if day.minute >= span.start:
        return not span.days.isdisjoint(day.weekdays)
    return day.minute < span.end and not span.days.isdisjoint(day.before)


_Candidate = tuple[CallClass, tuple[str, ...]]
"""A class, and the prefixes of the near end that it asks for; none where it asks for none."""


class _Table:
    """Prefixes to the classes that ask for them. It is part of no value, and changes none."""

    __slots__ = ("_anywhere", "_by_prefix", "_lengths", "chains", "days")

    def __init__(self, said: Classes) -> None:
        sets = dict(said.prefixes)
        by_prefix: dict[str, list[_Candidate]] = {}
        anywhere: list[_Candidate] = []
        for one in said.classes:
            candidate = (one, tuple(prefix for name in one.own_numbers for prefix in sets[name]))
            if not one.numbers:
                anywhere.append(candidate)
            for prefix in dict.fromkeys(prefix for name in one.numbers for prefix in sets[name]):
                by_prefix.setdefault(prefix, []).append(candidate)
        self._by_prefix = {prefix: tuple(candidates) for prefix, candidates in by_prefix.items()}
        self._lengths = tuple(sorted({len(prefix) for prefix in by_prefix}, reverse=True))
        self._anywhere = tuple(anywhere)
        self.chains = dict(_chains(said.classes))
        self.days: dict[tuple[int, str], _Day] = {}

    def candidates(self, far: str) -> Iterator[_Candidate]:
        """The classes whose numbers hold, those with the longest prefix first, of equal ones in the book's order."""
        by_prefix = self._by_prefix
        for length in self._lengths:
            found = by_prefix.get(far[:length])
            # A shorter number is its own beginning at every greater length: only one of these is its prefix.
            if found is not None and length <= len(far):
                yield from found
        yield from self._anywhere


def _chains(classes: tuple[CallClass, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    within = {one.name: one.within for one in classes}
    for name in within:
        chain = [name]
        while (parent := within.get(chain[-1], "")) and parent not in chain:
            chain.append(parent)
        yield name, tuple(chain)


NO_CLASSES = Classes()


@lru_cache(maxsize=8)
def shared(classes: Classes) -> Classes:
    """One object for all partitions of a process that have the same book."""
    return classes
