"""Items once more, day by day: what holds at a day's end is owed for it. It imports nothing of the rater."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tests.laws.calendar_model import at, zone
from tests.laws.model import half_up

if TYPE_CHECKING:
    from tests.laws.life_rows import Person, Stretch

Words = dict[str, Any]
Item = tuple[Fraction, int]


def items_due(person: Person, period: date, stretch: Stretch) -> Fraction:
    """What a stretch owes for its items, of what time has come to."""
    assert stretch.plan is not None
    changes = [at(s["from"]) for s in person.said if s.get("items")]
    points = sorted({stretch.start, *(c for c in changes if stretch.start < c < stretch.end)})
    states = {point: _there(person, stretch, point) for point in points}
    names = {name for state in states.values() for name in state}
    if stretch.plan.get("proration", "none") == "none":
        shown = [state for point, state in states.items() if point <= person.shown]
        most = (max(_whole(state.get(name)) for state in shown) for name in names)
        return sum((half_up(amount, 2) for amount in most), Fraction(0))
    days = _days(person, stretch)
    of = (person.calendar.after(period) - period).days
    total = Fraction(0)
    for name in names:
        held = [max(point for point in points if point < end) for end in days]
        for item, run in groupby(held, key=lambda point: states[point].get(name, (Fraction(0), 0))):
            run_of = list(run)
            if run_of[0] <= person.shown:
                total += half_up(_whole(item) * Fraction(len(run_of), of), 2)
    return total


def _whole(item: Item | None) -> Fraction:
    return Fraction(0) if item is None else item[0] * item[1]


def _days(person: Person, stretch: Stretch) -> list[datetime]:
    """The ends of the stretch's days."""
    tz = zone(person.calendar.zone)
    day, last = (moment.astimezone(tz).date() for moment in (stretch.start, stretch.end))
    found = []
    while day < last:
        day += timedelta(days=1)
        found.append(datetime.combine(day, time(), tzinfo=tz))
    return found


def _there(person: Person, stretch: Stretch, moment: datetime) -> dict[str, Item]:
    """The items that the account has under the stretch's plan at a moment."""
    plan = stretch.plan or {}
    own: dict[str, Item] = {}
    theirs = _theirs(plan)
    last: Any = None
    for _, said in sorted(enumerate(person.said), key=lambda one: (at(one[1]["from"]), one[0])):
        if at(said["from"]) > moment:
            break
        ours = said["plan"] == stretch.name
        if ours and last != said["plan"]:
            theirs = _theirs(plan)
        last = said["plan"]
        for name, words in said.get("items", {}).items():
            if isinstance(words, dict):
                own[name] = (Fraction(words["price"]), words.get("quantity", 1))
            elif words is None and name in own:
                del own[name]
            elif ours and name in theirs:
                theirs[name] = (theirs[name][0], words or 0)
    return theirs | own


def _theirs(plan: Words) -> dict[str, Item]:
    return {name: (Fraction(one["price"]), one.get("quantity", 1)) for name, one in plan.get("items", {}).items()}
