"""The words of a tariff book's classes of calls (rating.md, "Classes of calls"): prefixes, special days, classes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from rater.rating.book import REST
from rater.rating.classes import CallClass, Classes, Hours, shared
from rater.rating.limits import LABELS
from rater.rating.units import OTHER
from rater.wire.fields import LabelName, LabelValue, StrictModel
from rater.wire.meter_words import Directions, each_once
from rater.wire.meters import ClassName
from rater.wire.price_words import wrong

MAX_CLASSES = 256
MAX_SETS = 256
MAX_PREFIXES = 50_000
"""Of a set; the size of a book is bounded too."""
MAX_DAYS = 1_000

RESERVED = frozenset({OTHER, REST})
Prefix = Annotated[str, Field(pattern=r"^\+?[0-9]{1,15}$", max_length=16)]
"""Compared with the first characters of a number as it stands."""


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        wrong("this is no day of the calendar; write 2026-10-01")
    return text


Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", max_length=10), AfterValidator(_day)]
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ONE = f"(?:{'|'.join(WEEKDAYS)})"
_DAYS = f"{_ONE}(?:-{_ONE})?(?:,{_ONE}(?:-{_ONE})?)*"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_SPAN = re.compile(f"({_DAYS}) ({_CLOCK})-({_CLOCK}|24:00)")


def _span(text: str) -> str:
    found = _SPAN.fullmatch(text)
    if found is None or found[2] == found[3]:
        wrong("write days and a span of the day like Mon-Fri 08:00-18:00; the whole day is 00:00-24:00")
    return text


HoursText = Annotated[str, Field(max_length=64), AfterValidator(_span)]
"""`Mon-Fri 08:00-18:00`: the start included, the end not; over midnight too, by the day on which it begins."""


def _hours(text: str) -> Hours:
    days, start, end = _SPAN.fullmatch(text).groups()  # type: ignore[union-attr]  # `_span` saw it
    return Hours(frozenset(day for part in days.split(",") for day in _weekdays(part)), _minute(start), _minute(end))


def _weekdays(part: str) -> list[int]:
    first, _, last = part.partition("-")
    low, high = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return [day % 7 for day in range(low, (high if high >= low else high + 7) + 1)]


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _free(name: str) -> str:
    if name in RESERVED:
        wrong(f"{name} is what calls of no class are; take another name")
    return name


class ClassWords(StrictModel):
    """A class of calls: all that it says must hold of a call. `numbers` are prefix sets of the far end, `own_numbers`
    of the near end. A plan that does not name it takes its calls as those of the class that it lies `within`."""

    name: Annotated[ClassName, AfterValidator(_free)]
    numbers: Annotated[tuple[ClassName, ...], Field(max_length=MAX_SETS), AfterValidator(each_once)] = ()
    own_numbers: Annotated[tuple[ClassName, ...], Field(max_length=MAX_SETS), AfterValidator(each_once)] = ()
    directions: Directions | None = None
    hours: Annotated[tuple[HoursText, ...], Field(max_length=50)] = ()
    holidays: bool | None = None
    labels: Annotated[
        dict[
            LabelName, Annotated[tuple[LabelValue, ...], Field(min_length=1, max_length=64), AfterValidator(each_once)]
        ],
        Field(max_length=LABELS),
    ] = Field(default_factory=dict)
    within: ClassName | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        said = (self.numbers, self.own_numbers, self.directions, self.hours, self.labels)
        if not any(said) and self.holidays is None:
            wrong(
                "a class says which calls it has: numbers, own_numbers, directions, hours, holidays or labels", "name"
            )
        return self

    def to_core(self) -> CallClass:
        """The class as the rules see it."""
        directions = None if self.directions is None else frozenset(self.directions)
        hours = tuple(_hours(span) for span in self.hours)
        within = self.within or ""
        labels = tuple(sorted((name, values) for name, values in self.labels.items()))
        return CallClass(self.name, self.numbers, self.own_numbers, directions, hours, self.holidays, labels, within)


Sets = Annotated[
    dict[ClassName, Annotated[tuple[Prefix, ...], Field(max_length=MAX_PREFIXES)]],
    Field(max_length=MAX_SETS, json_schema_extra={"additionalProperties": False}),
]
Days = Annotated[tuple[Day, ...], Field(max_length=MAX_DAYS)]
ClassList = Annotated[tuple[ClassWords, ...], Field(max_length=MAX_CLASSES)]


def check(classes: tuple[ClassWords, ...], sets: Mapping[str, Any]) -> None:
    """Refuse classes that do not hold together; the error's place is `classes`."""
    names = Counter(one.name for one in classes)
    within = {one.name: one.within for one in classes}
    for one in classes:
        if names[one.name] > 1:
            wrong(f"{names[one.name]} classes are called {one.name}", "classes")
        for name in (*one.numbers, *one.own_numbers):
            if name not in sets:
                wrong(f"class {one.name}: there is no prefix set {name}", "classes")
        if one.within is not None and one.within not in names:
            wrong(f"class {one.name}: there is no class {one.within} for it to lie within", "classes")
        seen, outer = {one.name}, one.within
        while outer is not None:
            if outer in seen:
                wrong(f"class {one.name} lies within itself", "classes")
            seen.add(outer)
            outer = within[outer]


def to_core(classes: tuple[ClassWords, ...], sets: Mapping[str, tuple[str, ...]], *days: tuple[str, ...]) -> Classes:
    """The classes as the rules see them; `days` are holidays and workdays."""
    holidays, workdays = (frozenset(date.fromisoformat(day) for day in some) for some in days)
    named = tuple(sorted((name, tuple(prefixes)) for name, prefixes in sets.items()))
    return shared(Classes(tuple(one.to_core() for one in classes), named, holidays, workdays))
