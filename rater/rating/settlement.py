"""What a period still owes when it closes (rating.md, "A discount and a minimum"): what it is short of a minimum."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from rater.rating.account import Account
from rater.rating.book import Plan
from rater.rating.catalog import PlanOf
from rater.rating.charging import Charged, plan_of_segment
from rater.rating.lines import MINIMUM, amount_line
from rater.rating.money import rounded
from rater.rating.usage import Segment, Usage


class Short(NamedTuple):
    """A segment whose usage and fee are less than its plan's minimum."""

    plan: Plan
    segment: Segment
    amount: Decimal
    """What it is short of it, rounded."""


def settled_at_closing(account: Account, usage: Usage, plan_of: PlanOf, precision: int) -> tuple[Charged, ...]:
    """The charges with which a period closes, by segment in the order of time."""
    charges: list[Charged] = []
    for plan, segment, amount in shortfalls(account, usage, plan_of, precision):
        usage = usage._replace(seq=usage.seq + 1, total=usage.total + amount)
        charges.append(Charged(usage, "minimum", plan, segment, amount, (amount_line(MINIMUM, amount),)))
    return tuple(charges)


def shortfalls(account: Account, usage: Usage, plan_of: PlanOf, precision: int) -> Iterator[Short]:
    """The segments that are short of their minimum; what others used, credits and adjustments never count."""
    for segment in usage.segments:
        plan = plan_of_segment(account, segment, plan_of)
        amount = rounded(plan.minimum, precision) - segment.cost - rounded(plan.fee, precision)
        if plan.minimum and amount > 0:
            yield Short(plan, segment, amount)
