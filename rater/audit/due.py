"""What the final usage costs, computed anew from the rows by the rules' own prices (rating.md, law of conservation)."""

from __future__ import annotations

from decimal import Decimal, localcontext

from rater.processor.rows import ACCOUNTS, SEPARATOR, TARIFFS, TARIFFS_KEY, USAGE, plan_key
from rater.rating.account import Account
from rater.rating.book import Plan
from rater.rating.catalog import PlanOf, Tariffs
from rater.rating.charging import default_calendar, plan_of_segment
from rater.rating.money import CONTEXT, ZERO, rounded
from rater.rating.names import PlanId
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

    nobody = Account(default_calendar(tariffs))
    accounts = rows.table(ACCOUNTS)
    total = ZERO
    with localcontext(CONTEXT):
        for key, usage in rows.table(USAGE).items():
            account: Account = accounts.get(key.split(SEPARATOR)[0]) or nobody
            total += _due(account, usage, plan_of, tariffs.book.precision)
    return tariffs.book.currency, total


def _due(account: Account, usage: Usage, plan_of: PlanOf, precision: int) -> Decimal:
    due = usage.manual
    for segment in usage.segments:
        plan = plan_of_segment(account, segment, plan_of)
        due += cost(plan, segment.counts, precision)
        if account.next_fee is None or segment.start < account.next_fee:  # else its fee has not fallen due yet
            due += rounded(plan.fee, precision)
    return due
