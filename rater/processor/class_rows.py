"""How the classes of calls are written to the changelog, in the row of the tariffs."""

from __future__ import annotations

from datetime import date
from typing import Any

from rater.rating.classes import CallClass, Classes, Hours, shared


def classes_words(said: Classes) -> dict[str, Any]:
    """Classes as JSON; `classes_from` reads them back to the same value."""
    return {
        "classes": [_class_words(one) for one in said.classes],
        "prefixes": dict(said.prefixes),
        "holidays": sorted(day.isoformat() for day in said.holidays),
        "workdays": sorted(day.isoformat() for day in said.workdays),
    }


def classes_from(words: dict[str, Any]) -> Classes:
    """The classes of `classes_words`."""
    holidays, workdays = (frozenset(map(date.fromisoformat, words[name])) for name in ("holidays", "workdays"))
    prefixes = tuple((name, tuple(some)) for name, some in sorted(words["prefixes"].items()))
    return shared(Classes(tuple(_class_from(*one) for one in words["classes"]), prefixes, holidays, workdays))


def _class_words(one: CallClass) -> list[Any]:
    directions = None if one.directions is None else sorted(one.directions)
    hours = [(sorted(days), start, end) for days, start, end in one.hours]
    words = [one.name, one.numbers, one.own_numbers, directions, hours, one.holidays, one.within]
    return [*words, one.labels] if one.labels else words


def _class_from(
    name: str,
    numbers: list[str],
    own_numbers: list[str],
    directions: list[Any] | None,
    hours: list[tuple[list[int], int, int]],
    holidays: bool | None,  # noqa: FBT001 - as the row has it
    within: str,
    labels: list[tuple[str, list[str]]] | None = None,
) -> CallClass:
    spans = tuple(Hours(frozenset(days), start, end) for days, start, end in hours)
    only = None if directions is None else frozenset(directions)
    asked = tuple((label, tuple(values)) for label, values in labels or ())
    return CallClass(name, tuple(numbers), tuple(own_numbers), only, spans, holidays, asked, within)
