"""What a period still owes, or is given back, when it closes (rating.md, "A discount and a minimum", "A guarantee")."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from rater.rating.account import Account
from rater.rating.book import Guarantee, Plan
from rater.rating.catalog import PlanOf
from rater.rating.charging import Charged, Kind, plan_of_segment
from rater.rating.fees import Entry, of_segments
from rater.rating.forecast import PlanOfSegment
from rater.rating.lines import GUARANTEE, MINIMUM, Line, amount_line
from rater.rating.money import ZERO, nothing, rounded
from rater.rating.units import OUTBOUND_ATTEMPTS, OUTBOUND_CONNECTED
from rater.rating.usage import Segment, Usage, short_of_minimum


class Standing(NamedTuple):
    """How a guarantee stands: of the last segment that has one, and what closing would give back of all of them."""

    guarantee: Guarantee
    attempts: int
    connected: int
    credit: Decimal
    """Negative, or 0."""


def standing(usage: Usage, plan_of: PlanOfSegment, precision: int) -> Standing | None:
    """How the guarantees of a period stand; None without any, or before the first attempt."""
    last: tuple[Guarantee, Segment] | None = None
    credit = nothing(precision)
    for segment in usage.segments:
        # Only under a guarantee attempts are counted: no other plan needs to be looked up.
        guarantee = plan_of(segment).guarantee if segment.counts[OUTBOUND_ATTEMPTS] else None
        if guarantee is not None:
            last = (guarantee, segment)
            credit += credit_of(guarantee, segment, precision)
    if last is None:
        return None
    counts = last[1].counts
    return Standing(last[0], counts[OUTBOUND_ATTEMPTS], counts[OUTBOUND_CONNECTED], credit)


def settled_at_closing(
    account: Account, usage: Usage, fees: Iterable[Entry], plan_of: PlanOf, precision: int
) -> tuple[Charged, ...]:
    """The charges with which a period closes: all minimums, then all credits, each by segment in the order of time.

    `fees` are what it owes whatever the usage.
    """
    recurring = of_segments(fees)
    plans = [plan_of_segment(account, segment, plan_of) for segment in usage.segments]
    charges: list[Charged] = []

    def charged(kind: Kind, plan: Plan, segment: Segment, line: Line) -> None:
        before = charges[-1].usage if charges else usage
        after = before._replace(seq=before.seq + 1, total=before.total + line.amount)
        charges.append(Charged(after, kind, plan, segment, line.amount, (line,)))

    for plan, segment in zip(plans, usage.segments, strict=True):
        if amount := short_of_minimum(plan, recurring.get(segment.start, ZERO) + segment.cost, precision):
            charged("minimum", plan, segment, amount_line(MINIMUM, amount))
    for plan, segment in zip(plans, usage.segments, strict=True):
        if plan.guarantee is not None and (amount := credit_of(plan.guarantee, segment, precision)):
            charged("credit", plan, segment, guarantee_line(plan.guarantee, segment, amount))
    return tuple(charges)


def credit_of(guarantee: Guarantee, segment: Segment, precision: int) -> Decimal:
    """What a guarantee gives back of a segment (negative); 0 where it holds, or cannot be judged yet."""
    attempts, connected = segment.counts[OUTBOUND_ATTEMPTS], segment.counts[OUTBOUND_CONNECTED]
    if attempts < guarantee.attempts or connected >= guarantee.connect_rate * attempts:
        return Decimal(0)
    return -rounded(guarantee.credit * segment.cost, precision)


def guarantee_line(guarantee: Guarantee, segment: Segment, amount: Decimal) -> Line:
    """The line of a credit: `quantity` attempts, of which `covered` were connected; `rate` is what was guaranteed."""
    attempts, connected = segment.counts[OUTBOUND_ATTEMPTS], segment.counts[OUTBOUND_CONNECTED]
    return Line(GUARANTEE, attempts, connected, attempts - connected, guarantee.connect_rate, amount)
