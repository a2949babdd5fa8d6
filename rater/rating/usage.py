"""What an account has used in a period, and what that costs (rating.md, "A charge")."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from rater.rating.book import Plan
from rater.rating.instant import DAY, Instant
from rater.rating.line_cache import MOST, Kept, standings, stretch
from rater.rating.lines import DISCOUNT, Line, amount_line, meter_lines, part_lines, settled
from rater.rating.money import ZERO, rounded
from rater.rating.names import PeriodName, PlanId
from rater.rating.pricing import covered, meter_price, pooled_price
from rater.rating.units import NO_COUNTS, Counts


class Segment(NamedTuple):
    """A stretch of a period under one version of a plan, with its own meters."""

    start: Instant
    plan_id: PlanId
    """The plan with the version that rates the whole segment, the latest effective at its start: `hybrid-200@1`."""
    inline: bool
    """Whether the plan stands in the account's subscription of that name, not in the tariff book."""
    counts: Counts = NO_COUNTS
    """What the plan's meters counted, in base units by slot."""
    cost: Decimal = ZERO
    """R(price) of this usage: what was charged for it so far."""
    days: int = 0
    """Of a plan with daily proration: the days of the period that are this segment's."""
    of: int = 0
    """The days of the whole period; 0 for a plan without proration."""
    until: Instant = 0
    """Where the plan ends inside the period and none follows; 0 where it does not."""

    @property
    def plan_name(self) -> str:
        """The plan without its version."""
        return self.plan_id.rpartition("@")[0]

    @property
    def stands_in(self) -> bool:
        """Whether it has no time at all: it only names a plan in a period that has charges and no plan in force."""
        return self.until == self.start


def stand_in(plan_id: PlanId, zero: Counts, start: Instant, end: Instant, *, inline: bool) -> Segment:
    """The segment of a period in which no plan is in force: no day of it, and none follows; `zero` is the plan's."""
    return Segment(start, plan_id, inline, zero, of=max(1, (end - start) // DAY), until=start)


class DailyStats(NamedTuple):
    """What the local days of a segment brought, one look at the end of each (`rater.rating.forecast`)."""

    since: Instant = 0
    """The start of the segment whose days are counted."""
    until: Instant = 0
    """The end of the last day that is counted."""
    days: int = 0
    counts: Counts = NO_COUNTS
    """What the segment had counted at the last look."""
    squares: Counts = NO_COUNTS
    """The sum over the days of the square of what the day brought."""


UNSEEN = DailyStats()


class Usage(NamedTuple):
    """A period of an account: its segments in the order of time, and what was charged."""

    period: PeriodName
    start: Instant
    end: Instant
    segments: tuple[Segment, ...]
    seq: int = 0
    """The number of the last charge; they count 1, 2, 3 without a gap."""
    total: Decimal = ZERO
    """The sum of the amounts of all charges."""
    fees: Decimal = ZERO
    """The part of the total that is fees."""
    manual: Decimal = ZERO
    """The part of the total that is manual adjustments."""
    attempts: int = 0
    """Outbound calls, whatever became of them."""
    connected: int = 0
    """Outbound calls that were answered."""
    looks: DailyStats = UNSEEN
    """What its days brought so far."""
    alerts: tuple[str, ...] = ()
    """The alerts that were raised for it, each once."""


def used(plan: Plan, segment: Segment, counts: Counts, precision: int) -> Segment:
    """The segment with this usage, and what it costs."""
    start, plan_id, inline, _, _, days, of, until = segment
    return Segment(start, plan_id, inline, counts, cost(plan, counts, precision), days, of, until)


def plus(counts: Counts, more: Counts) -> Counts:
    """The sum of two counts, slot by slot."""
    return tuple([one + other for one, other in zip(counts, more, strict=True)])


def minus(counts: Counts, less: Counts) -> Counts:
    """The difference of two counts, slot by slot."""
    return tuple([one - other for one, other in zip(counts, less, strict=True)])


def times_of(counts: Counts, times: int) -> Counts:
    """So many times the counts, slot by slot."""
    return tuple([one * times for one in counts])


def cost(plan: Plan, counts: Counts, precision: int) -> Decimal:
    """R(price): what a segment's usage costs; the meters are added unrounded, less the discount, and rounded once."""
    price = list_price(plan, counts)
    return rounded(price - price * plan.discount if plan.discount else price, precision)


def short_of_minimum(plan: Plan, owed: Decimal, precision: int) -> Decimal:
    """What a segment's usage, fee and items, in all `owed`, are short of the plan's minimum; 0 where they are not."""
    if not plan.minimum:
        return ZERO
    return max(ZERO, rounded(plan.minimum, precision) - owed)


def list_price(plan: Plan, counts: Counts) -> Decimal:
    """What the meters cost, unrounded and without the discount."""
    if plan.pools:
        return pooled_price(plan, counts)
    price = ZERO
    for meter in plan.meters:
        price += meter_price(meter, counts[meter.slot])
    return price


def explain(plan: Plan, before: Segment, after: Segment, precision: int) -> tuple[Line, ...]:
    """The lines of the difference in cost between two states of a segment; they sum to it."""
    amount = after.cost - before.cost
    step: list[int] = [precision]
    stands = standings(plan, before.counts) if plan.pools else None
    for number, meter in enumerate(plan.meters):
        slot = meter.slot
        low, high = before.counts[slot], after.counts[slot]
        lies = stretch(meter, low, high) if stands is None else stands[number].to(low, high)
        if lies is None:
            return settled(worked_out(plan, before, after, precision), amount)
        step += (lies, high - low)
    known = tuple(step)
    kept: Kept | None = plan.memo.get(known)
    if kept is None:
        lines = worked_out(plan, before, after, precision)
        kept = Kept(lines, sum((line.amount for line in lines), ZERO))
        if len(plan.memo) >= MOST:
            plan.memo.clear()
        plan.memo[known] = kept
    return kept.lines if kept.amount == amount else settled(kept.lines, amount)


def worked_out(plan: Plan, before: Segment, after: Segment, precision: int) -> tuple[Line, ...]:
    """The lines of the meters, each rounded; what they sum to may be off by what rounding left over."""
    lines: list[Line] = []
    was, now = (covered(plan, counts) if plan.pools else {} for counts in (before.counts, after.counts))
    for meter in plan.meters:
        slot = meter.slot
        low, high = before.counts[slot], after.counts[slot]
        if slot in was:
            lines += part_lines(meter, (low, high), (was[slot], now[slot]), precision)
        else:
            lines += meter_lines(meter, low, high, precision)
    if plan.discount:
        off = rounded((list_price(plan, before.counts) - list_price(plan, after.counts)) * plan.discount, precision)
        lines += [amount_line(DISCOUNT, off)] if off else []
    return tuple(lines)
