"""Classes of calls once more, for the independent model: every class looked at, one by one, from the book's words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.laws.calendar_model import at, zone

Words = dict[str, Any]
WEEK = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def classes_of(book: Words, call: Words, zone_name: str) -> list[str]:
    """The call's class, and the ones around it."""
    local = at(call["started_at"]).astimezone(zone(zone_name)).replace(tzinfo=None)
    best: tuple[int, int, str] | None = None
    for number, one in enumerate(book.get("classes", [])):
        length = holds(book, one, call, local)
        if length is not None and (best is None or (length, -number) > best[:2]):
            best = length, -number, one["name"]
    return around(book, best[2]) if best else ["other"]


def around(book: Words, name: str) -> list[str]:
    found = [name]
    within = {one["name"]: one.get("within") for one in book["classes"]}
    while within[found[-1]]:
        found.append(within[found[-1]])
    return found


def holds(book: Words, one: Words, call: Words, local: datetime) -> int | None:
    """How long the prefix is by which the class holds; None where it does not."""
    far, near = ("caller", "callee") if call["direction"] == "inbound" else ("callee", "caller")
    lengths = [len(p) for name in one.get("numbers", []) for p in book["prefixes"][name] if call[far].startswith(p)]
    own = [p for name in one.get("own_numbers", []) for p in book["prefixes"][name] if call[near].startswith(p)]
    if ("numbers" in one and not lengths) or ("own_numbers" in one and not own):
        return None
    if call["direction"] not in one.get("directions", [call["direction"]]):
        return None
    said = call.get("labels", {})
    if any(said.get(name) not in values for name, values in one.get("labels", {}).items()):
        return None
    day = local.date().isoformat()
    holiday = day in book.get("holidays", []) and day not in book.get("workdays", [])
    if one.get("holidays", holiday) != holiday:
        return None
    if "hours" in one and not any(inside(book, span, local) for span in one["hours"]):
        return None
    return max(lengths, default=0)


def inside(book: Words, span: str, local: datetime) -> bool:
    """Whether a local time lies in a span, minute by minute of the day on which it began."""
    days, clock = span.split(" ")
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in clock.split("-"))
    length = end - start if end > start else end + 1440 - start
    for back in (0, 1):
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
        if timedelta(0) <= local - midnight - timedelta(minutes=start) < timedelta(minutes=length):
            return counts_as(book, midnight) & weekdays(days) != set()
    return False


def counts_as(book: Words, day: datetime) -> set[str]:
    return set(WEEK[:5]) if day.date().isoformat() in book.get("workdays", []) else {WEEK[day.weekday()]}


def weekdays(days: str) -> set[str]:
    found = set()
    for part in days.split(","):
        first, last = (part.split("-") * 2)[:2]
        day = WEEK.index(first)
        found.add(first)
        while WEEK[day] != last:
            day = (day + 1) % 7
            found.add(WEEK[day])
    return found
