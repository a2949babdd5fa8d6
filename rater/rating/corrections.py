"""Taking back what was charged: a call, or an amount by hand (rating.md, "Same call twice", "Subscriptions")."""

from __future__ import annotations

from decimal import Decimal

from rater.rating.account import Account, in_force
from rater.rating.book import Plan
from rater.rating.calendar import Period
from rater.rating.charging import Charged, Ledger, plan_id_at, whole_plan
from rater.rating.instant import Instant
from rater.rating.lines import ADJUSTMENT, Line
from rater.rating.units import Call
from rater.rating.usage import Segment, Usage, explain, minus, stand_in, used


def reverse_call(
    plan: Plan, usage: Usage, index: int, call: Call, precision: int, *, uncounted: bool = False
) -> Charged:
    """Take a rated call out of segment `index`: R(price(without it)) - R(price(with it)), which may be positive.

    `uncounted`: no plan is in force at its start any more, so its units are in no segment and it costs nothing.
    """
    segments = usage.segments
    before = segments[index]
    counts = before.counts if uncounted else minus(before.counts, plan.count(call))
    after = used(plan, before, counts, precision)
    amount = after.cost - before.cost
    outbound = call.direction == "outbound"
    changed = usage._replace(
        segments=(*segments[:index], after, *segments[index + 1 :]),
        seq=usage.seq + 1,
        total=usage.total + amount,
        attempts=usage.attempts - outbound,
        connected=usage.connected - (outbound and (call if uncounted else plan.seen(call)).connected),
    )
    return Charged(changed, "reversal", plan, after, amount, explain(plan, before, after, precision))


def under_the_last_plan(account: Account, period: Period, at: Instant, ledger: Ledger) -> Usage | None:
    """The first state of a period of an account whose subscription has ended: no day of the last plan, which stands
    for it; None where it never had a plan."""
    last = in_force(tuple(said for said in account.history if said.plan is not None), at)
    if last is None or last.plan is None:
        return None
    plan_id = plan_id_at(ledger.tariffs, last.plan, at)
    if plan_id is None:
        return None
    segment = Segment(period.start, plan_id, last.plan.inline)
    zero = whole_plan(account, segment, ledger.plan_of).zero
    segment = stand_in(plan_id, zero, period.start, period.end, inline=last.plan.inline)
    return Usage(period.name, period.start, period.end, (segment,))


def adjust(plan: Plan, usage: Usage, index: int, amount: Decimal) -> Charged:
    """Post an amount by hand in a period; segment `index` only tells which plan is in force."""
    changed = usage._replace(seq=usage.seq + 1, total=usage.total + amount, manual=usage.manual + amount)
    line = Line(ADJUSTMENT, 1, 0, 1, amount, amount)
    return Charged(changed, "adjustment", plan, usage.segments[index], amount, (line,))
