"""Does the money add up? What was charged, against what the final usage costs and what came of every record.

`charged` is the sum of the charges as published; `due` is computed anew from the rows of usage by the rules' own prices
and the plans' fees (rating.md, law of conservation). The difference is the residue, and it is 0.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

import orjson

from rater.core.account import Account
from rater.core.book import Plan
from rater.core.ledger import default_calendar, plan_of_segment
from rater.core.money import ZERO, rounded
from rater.core.tariffs import PlanOf, Tariffs
from rater.core.usage import Usage, cost
from rater.service.reading import read_topic
from rater.service.rows import ACCOUNTS, SEPARATOR, TABLES, TARIFFS, TARIFFS_KEY, USAGE, plan_key
from rater.service.settings import Settings
from rater.service.topics import changelog
from rater.stream.heads import HEADS
from rater.stream.model import Head, Row

CODECS = {table.name: table for table in (HEADS, *TABLES)}


@dataclass(slots=True)
class Reconciliation:
    """Records against outcomes, and charges against usage."""

    currency: str = ""
    records: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    charges: int = 0
    charged: Decimal = ZERO
    due: Decimal = ZERO
    gaps: int = 0
    """Charges whose seq does not follow the one before it in the account's period."""

    @property
    def residue(self) -> Decimal:
        """What was charged beyond what is due."""
        return self.charged - self.due

    @property
    def balanced(self) -> bool:
        """Every record has its outcome, every charge follows the last, and nothing is left over."""
        return self.records == self.outcomes.total() and not self.gaps and not self.residue


async def reconcile(settings: Settings) -> Reconciliation:
    """Reconcile what is in the topics now; everything that was written should be rated already."""
    result = Reconciliation()
    heads = await latest_rows(settings, HEADS.name)
    for rows in heads.values():
        for head in rows.values():
            result.outcomes.update(head.outcomes)
    async for chunk in read_topic(settings, settings.topic("calls")):
        result.records += len(chunk.records)
    await _add_charges(settings, result)
    await _add_due(settings, result)
    return result


async def outcomes_so_far(settings: Settings) -> int:
    """How many records of the log have their outcome, by the partitions' heads."""
    heads = await latest_rows(settings, HEADS.name)
    found: list[Head] = [head for rows in heads.values() for head in rows.values()]
    return sum(sum(head.outcomes.values()) for head in found)


async def latest_rows(settings: Settings, table: str) -> dict[int, dict[bytes, Row]]:
    """A table's rows by partition, from its changelog."""
    values: dict[int, dict[bytes, bytes]] = {}
    async for chunk in read_topic(settings, changelog(settings, table)):
        rows = values.setdefault(chunk.partition, {})
        for record in chunk.records:
            key = record.key or b""
            if record.value is None:
                rows.pop(key, None)
            else:
                rows[key] = record.value
    decode = CODECS[table].decode
    return {partition: {key: decode(value) for key, value in rows.items()} for partition, rows in values.items()}


async def _add_charges(settings: Settings, result: Reconciliation) -> None:
    last: dict[tuple[str, str], int] = {}
    async for chunk in read_topic(settings, settings.topic("charges")):
        for record in chunk.records:
            charge = orjson.loads(record.value or b"{}")
            place = (charge["account"], charge["period"])
            result.gaps += charge["seq"] != last.get(place, 0) + 1
            last[place] = charge["seq"]
            result.charges += 1
            result.charged += Decimal(charge["amount"])
            result.currency = charge["currency"]


async def _add_due(settings: Settings, result: Reconciliation) -> None:
    tariffs, accounts = await latest_rows(settings, TARIFFS), await latest_rows(settings, ACCOUNTS)
    for partition, usages in (await latest_rows(settings, USAGE)).items():
        published = tariffs[partition]

        def plan_of(plan_id: str, published: dict[bytes, Row] = published) -> Plan:
            plan: Plan = published[plan_key(plan_id)]
            return plan

        book: Tariffs = published[TARIFFS_KEY]
        for key, usage in usages.items():
            account: Account = accounts[partition].get(key.split(SEPARATOR)[0]) or Account(default_calendar(book))
            result.due += _due(account, usage, plan_of, book.book.precision)


def _due(account: Account, usage: Usage, plan_of: PlanOf, precision: int) -> Decimal:
    due = ZERO
    for segment in usage.segments:
        plan = plan_of_segment(account, segment, plan_of)
        due += cost(plan, segment.seconds, segment.calls, precision) + rounded(plan.fee, precision)
    return due
