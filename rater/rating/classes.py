"""Classes of calls: by its numbers, direction and local time a call has one class, which decides its price.

Source: rating.md, "Classes of calls".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from rater.rating.calendar import Calendar
from rater.rating.instant import SECOND, Instant, moment
from rater.rating.units import DIRECTIONS, OTHER, Direction
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
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Labels that it must have, each with one of these values."""
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
    _made: list[_Table] = field(default_factory=list, init=False, repr=False, compare=False)
    """The table, from when it was first looked into: with many prefixes it takes half a second."""

    @property
    def _table(self) -> _Table:
        if not self._made:
            self._made.append(_Table(self))
        return self._made[0]

    def __bool__(self) -> bool:
        return bool(self.classes)

    def class_of(
        self,
        direction: Direction,
        caller: str,
        callee: str,
        started: Instant,
        calendar: Calendar,
        labels: Mapping[str, str] | None = None,
    ) -> str:
        """The class of a call that started then, by the wall clock of the calendar's zone; `OTHER` where none holds."""
        far, near = (caller, callee) if direction == "inbound" else (callee, caller)
        table = self._made[0] if self._made else self._table
        prefixes, outer = table.prefixes, table.outer
        # All prefixes of a number are beginnings of the greatest one that is not above it.
        at = bisect_right(prefixes, far) - 1
        while at >= 0 and not far.startswith(prefixes[at]):
            at = outer[at]
        choice = table.choices[direction][at]
        if isinstance(choice, str):
            return choice
        when = started // MINUTE, calendar.zone if calendar.before is None else calendar.at(started).zone
        name = choice.by_minute.get(when)
        return self._chosen(choice, near, when, labels or {}) if name is None else name

    def _chosen(self, choice: _Choice, near: str, when: tuple[int, str], labels: Mapping[str, str]) -> str:
        """The first class of a choice that holds; kept by the minute, where near end and labels have no part in it."""
        day = self._day(*when)
        name = OTHER
        for one, own in choice.candidates:
            if _holds(one, day) and _near(own, near) and all(labels.get(key) in some for key, some in one.labels):
                name = one.name
                break
        if not choice.varies:
            if len(choice.by_minute) >= MOST_MINUTES:
                choice.by_minute.clear()
            choice.by_minute[when] = name
        return name

    @property
    def names(self) -> frozenset[str]:
        """The classes that a plan may name."""
        return frozenset((OTHER, *self._table.chains))

    def chain(self, name: str) -> tuple[str, ...]:
        """A class, the class that it lies within, and so on."""
        return self._table.chains.get(name, (name,))

    def _day(self, minute: int, zone_name: str) -> _Day:
        local = moment(minute * MINUTE).astimezone(zone(zone_name))
        day = local.date()
        before = self._weekdays(day - ONE_DAY)
        return _Day(local.hour * 60 + local.minute, self._weekdays(day), before, self._is_holiday(day))

    def _weekdays(self, day: date) -> frozenset[int]:
        """What a day counts as: itself, and a day that is worked in place of another as any from Monday to Friday."""
        return WORKING_WEEK if day in self.workdays else frozenset((day.weekday(),))

    def _is_holiday(self, day: date) -> bool:
        return day in self.holidays and day not in self.workdays


MOST_MINUTES = 4_096
"""Minutes whose class is kept with a choice."""


def _holds(one: CallClass, day: _Day) -> bool:
    if one.holidays is not None and one.holidays != day.holiday:
        return False
    return not one.hours or any(_within(span, day) for span in one.hours)


def _near(own: tuple[str, ...], near: str) -> bool:
    return not own or near.startswith(own)


def _within(span: Hours, day: _Day) -> bool:
    """The weekday is that on which the span began: after midnight that of the day before."""
    if span.start < span.end:
        return span.start <= day.minute < span.end and not span.days.isdisjoint(day.weekdays)
    if day.minute >= span.start:
        return not span.days.isdisjoint(day.weekdays)
    return day.minute < span.end and not span.days.isdisjoint(day.before)


_Candidate = tuple[CallClass, tuple[str, ...]]
"""A class, and the prefixes of the near end that it asks for; none where it asks for none."""


class _Choice:
    """The classes that a number may have in a direction, of which the first that holds is its class."""

    __slots__ = ("by_minute", "candidates", "varies")

    def __init__(self, candidates: tuple[_Candidate, ...]) -> None:
        self.candidates = candidates
        self.varies = any(own or one.labels for one, own in candidates)
        self.by_minute: dict[tuple[int, str], str] = {}
        """(Minute, zone) to the class that held then."""


class _Table:
    """What a number's longest prefix says of its class, worked out once. It is part of no value, and changes none."""

    __slots__ = ("chains", "choices", "outer", "prefixes")

    def __init__(self, said: Classes) -> None:
        by_prefix = _by_prefix(said)
        self.prefixes = sorted(prefix for prefix in by_prefix if prefix)
        self.outer = _outer(self.prefixes)
        """By prefix: the place of the longest other one that it begins with; -1 where there is none."""
        self.choices: dict[Direction, list[str | _Choice]] = {}
        """By direction and place of the longest prefix; last, at -1, what numbers without any may be."""
        for direction in DIRECTIONS:
            same: dict[tuple[int, ...], _Choice] = {}
            chosen = (self._candidates(by_prefix, at, direction) for at in (*range(len(self.prefixes)), -1))
            self.choices[direction] = [_choice(candidates, same) for candidates in chosen]
        self.chains = dict(_chains(said.classes))

    def _candidates(
        self, by_prefix: Mapping[str, list[_Candidate]], at: int, direction: Direction
    ) -> tuple[_Candidate, ...]:
        """The classes of all numbers whose longest prefix this is: those of the longest first, then in their order."""
        found: list[_Candidate] = []
        while at >= 0:
            found += by_prefix[self.prefixes[at]]
            at = self.outer[at]
        found += by_prefix[""]
        return tuple(one for one in found if one[0].directions is None or direction in one[0].directions)


def _outer(prefixes: list[str]) -> list[int]:
    """Of each prefix in a sorted list, the place of the longest other one that it begins with."""
    outer: list[int] = []
    for at, prefix in enumerate(prefixes):
        around = at - 1
        while around >= 0 and not prefix.startswith(prefixes[around]):
            around = outer[around]
        outer.append(around)
    return outer


def _by_prefix(said: Classes) -> dict[str, list[_Candidate]]:
    """The classes that ask for a prefix, in their order; under the empty one those that ask for none."""
    sets = dict(said.prefixes)
    found: dict[str, list[_Candidate]] = {"": []}
    for one in said.classes:
        own = tuple(prefix for name in one.own_numbers for prefix in sets[name])
        if one.own_numbers and not own:  # no near end begins with any of nothing
            continue
        candidate = (one, own)
        for prefix in dict.fromkeys(prefix for name in one.numbers for prefix in sets[name]) if one.numbers else ("",):
            found.setdefault(prefix, []).append(candidate)
    return found


def _choice(candidates: tuple[_Candidate, ...], same: dict[tuple[int, ...], _Choice]) -> str | _Choice:
    """The class alone, where the first one asks for nothing else; one object for all prefixes that choose alike."""
    if not candidates:
        return OTHER
    first, own = candidates[0]
    if not (own or first.hours or first.labels or first.holidays is not None):
        return first.name
    alike = tuple(map(id, candidates))  # which live as long as this: to compare them as values would take seconds
    return same.get(alike) or same.setdefault(alike, _Choice(candidates))


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
