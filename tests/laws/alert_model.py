"""Which alerts of allowances a life must have raised, by the independent model: what each meter had counted when."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from tests.laws.life_model import Life
from tests.laws.model import _by_part, _named_meters, _portion_seconds, _selects, _units

Words = dict[str, Any]
Mark = tuple[str, str, str, str]
"""(account, period, kind, meter)"""
NAMES = {"minutes": "minutes", "calls": "connected-calls", "attempts": "attempts"}


def reached(life: Life, account: str) -> set[Mark]:
    """The marks that the account's open periods have reached."""
    person, found = life.people[account], set[Mark]()
    for period in person.charged:
        if life._ends(person, period) > life.closed:
            found |= {(account, person.calendar.name(period), *mark) for mark in _of(life, account, period)}
    return found


def _of(life: Life, account: str, period: date) -> set[tuple[str, str]]:
    person, found = life.people[account], set[tuple[str, str]]()
    planned = [s for s in life.stretches(person, period) if s.plan is not None]
    for number, stretch in enumerate(planned):
        plan = life._prorated(stretch.plan or {}, life._share(person, period, stretch))
        calls = life._calls_of(account, period, stretch, first=number == 0)
        for name, allowance, used in _used(plan, calls):
            for kind, share in (("allowance-80", Fraction(4, 5)), ("allowance-100", Fraction(1))):
                if used >= allowance * share:
                    found.add((kind, name))
    return found


def _used(plan: Words, calls: list[Words]) -> list[tuple[str, int, Fraction]]:
    """(name, allowance, units counted) of each meter with an allowance that can be used up."""
    answered = [c for c in calls if c["disposition"] == "answered"]
    counted: list[tuple[str, Words, Fraction]] = []
    if "attempts" in plan:
        attempts = Fraction(sum(c["direction"] == "outbound" for c in calls))
        counted.append(("attempts", plan["attempts"], attempts))
    for unit in ("minutes", "calls"):
        meters = _named_meters(plan, unit)
        names = [str(meter.get("name", NAMES[unit])) for meter in meters]
        if unit == "minutes" and any("portion" in meter for meter in meters):
            seconds = _portion_seconds(plan, answered, meters)
            counted += [(n, m, Fraction(s, 60)) for n, m, s in zip(names, meters, seconds, strict=True)]
            continue
        left = answered
        for name, meter in zip(names, meters, strict=True):
            ours = [c for c in left if _selects(plan, meter, c)]
            left = [c for c in left if c not in ours]
            units = _units(meter, ours, unit)
            if "by_class" in meter:
                parts = _by_part(plan, meter, ours, unit)
                units = sum((parts[part] for part in meter.get("covers", [])), Fraction(0))
            counted.append((name, meter, units))
    return [(n, m["allowance"], u) for n, m, u in counted if isinstance(m.get("allowance"), int) and m["allowance"]]
