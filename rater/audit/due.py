"""What the final usage costs, computed anew from the rows by the rules' own prices (rating.md, law of conservation)."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import partial

from rater.processor.rows import ACCOUNTS, SEPARATOR, TARIFFS, TARIFFS_KEY, USAGE, plan_key, usage_key
from rater.rating.account import Account
from rater.rating.book import Plan
from rater.rating.catalog import Tariffs
from rater.rating.charging import Ledger, default_calendar, plan_of_segment
from rater.rating.fees import entries
from rater.rating.money import CONTEXT, ZERO
from rater.rating.names import AccountKey, PeriodName, PlanId
from rater.rating.usage import Usage, cost
from rater.seam.rows import PartitionRows


def due(rows: PartitionRows) -> tuple[str, Decimal]:
    """The currency, and what all usage in a partition's rows costs, with fees and manual adjustments."""
    published = rows.table(TARIFFS)
    tariffs: Tariffs | None = published.get(TARIFFS_KEY)
    if tariffs is None:
        return "", ZERO

    def plan_of(plan_id: PlanId) -> Plan:
        plan: Plan = published[plan_key(plan_id)]
        return plan

    def usage_of(key: AccountKey, name: PeriodName) -> Usage | None:
        usage: Usage | None = rows.table(USAGE).get(usage_key(key, name))
        return usage

    nobody = Account(default_calendar(tariffs))
    accounts = rows.table(ACCOUNTS)
    total = ZERO
    with localcontext(CONTEXT):
        for place, usage in rows.table(USAGE).items():
            key = AccountKey(place.split(SEPARATOR)[0])
            account: Account = accounts.get(key) or nobody
            total += _due(account, usage, Ledger(tariffs, plan_of, partial(usage_of, key)))
    return tariffs.book.currency, total


def _due(account: Account, usage: Usage, ledger: Ledger) -> Decimal:
    due, precision = usage.manual, ledger.tariffs.book.precision
    for segment in usage.segments:
        due += cost(plan_of_segment(account, segment, ledger.plan_of), segment.counts, precision)
    fallen = usage.end if account.next_fee is None else account.next_fee - 1  # what begins later is not due yet
    return due + sum((entry.amount for entry in entries(account, usage, ledger, fallen)), ZERO)
