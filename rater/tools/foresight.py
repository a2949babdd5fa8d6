"""What would become of a tariff book if it were published now, for the person who is about to publish it.

The step decides, there and again; this only looks at what the tables say today.
"""

from __future__ import annotations

import difflib
from datetime import datetime
from typing import NamedTuple

import orjson

from rater.kafka.reader import reader
from rater.kafka.settings import Settings
from rater.kafka.topics import changelog
from rater.processor.rows import TABLES, TARIFFS, TARIFFS_KEY, plan_key
from rater.processor.tariff_rows import content_of, plan_words
from rater.rating.book import Plan
from rater.rating.catalog import NotPublished, Tariffs, publish, versioned
from rater.rating.names import PlanId
from rater.tools.tables import latest_rows
from rater.wire.tariff_book import TariffBook

SPECS = tuple(table for table in TABLES if table.name == TARIFFS)


class Foreseen(NamedTuple):
    """What would become of the book."""

    refused: NotPublished | None
    """Why it would not be applied."""
    difference: str = ""
    """What it changes that must not be changed: line by line, what is published (-) and what the book says (+)."""
    back: tuple[str, ...] = ()
    """Plans of which it has a version that reaches back."""
    late: tuple[str, ...] = ()
    """Plans of which it has a version that is in effect from a past instant and does not reach back: who called before
    would pay the old price, who did not the new one."""


async def foresee(settings: Settings, book: TariffBook, now: datetime) -> Foreseen:
    """What would become of the book at `now`. Raises `Refused` without topics."""
    async with reader(settings, changelog(settings, TARIFFS)) as consumer:
        rows = (await latest_rows(settings, consumer, 0, SPECS)).table(TARIFFS)
    tariffs: Tariffs | None = rows.get(TARIFFS_KEY)
    if tariffs is None:
        return Foreseen(None)
    core = book.to_core()

    def plan_of(plan_id: PlanId) -> Plan:
        plan: Plan = rows[plan_key(plan_id)]
        return plan

    found = publish(tariffs, core, content_of(core), plan_of)
    if not isinstance(found, NotPublished):
        changed = [(plan.id.rpartition("@")[0], plan) for plan in found.plans]
        known = [(name, plan) for name, plan in changed if name in tariffs.effective]
        back = tuple(name for name, plan in known if plan.reach_back)
        past = (name for name, plan in known if plan.effective is not None and plan.effective <= now)
        return Foreseen(None, back=back, late=tuple(name for name in past if name not in back))
    difference = "\n".join(
        _difference(name, plan_of(versioned(name, len(versions))), core.plans[name])
        for name, versions in sorted(tariffs.effective.items())
        if name in core.plans and found.reason == "plan-changed"
    )
    return Foreseen(found, difference.strip())


def _difference(name: str, published: Plan, said: Plan) -> str:
    old, new = (_lines(plan) for plan in (published, said))
    return "\n".join(difflib.unified_diff(old, new, f"{name}, published", f"{name}, in this book", lineterm="", n=1))


def _lines(plan: Plan) -> list[str]:
    words = {name: value for name, value in plan_words(plan).items() if name not in {"id", "effective"}}
    return orjson.dumps(words, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode().splitlines()
