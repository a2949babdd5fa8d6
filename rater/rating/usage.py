"""What an account has used in a period, and what that costs (rating.md, "A charge")."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from rater.rating.book import Direction, Meter, Plan
from rater.rating.instant import DAY, Instant
from rater.rating.line_cache import MOST, Kept, stretch
from rater.rating.lines import CALLS, MINUTES, Line, meter_lines, settled
from rater.rating.money import SECONDS_PER_MINUTE, ZERO, rounded
from rater.rating.names import PeriodName, PlanId
from rater.rating.pricing import meter_price
from rater.rating.units import billed_seconds


class Segment(NamedTuple):
    """A stretch of a period under one version of a plan, with its own meters."""

    start: Instant
    plan_id: PlanId
    """The plan with the version that rates the whole segment, the latest effective at its start: `hybrid-200@1`."""
    inline: bool
    """Whether the plan stands in the account's subscription of that name, not in the tariff book."""
    seconds: int = 0
    """Billed seconds that the minutes meter counted."""
    calls: int = 0
    """Connected calls that the calls meter counted."""
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


def stand_in(plan_id: PlanId, start: Instant, end: Instant, *, inline: bool) -> Segment:
    """The segment of a period in which no plan is in force: no day of it, and none follows."""
    return Segment(start, plan_id, inline, of=max(1, (end - start) // DAY), until=start)


class DailyStats(NamedTuple):
    """What the local days of a segment brought, one look at the end of each (`rater.rating.forecast`)."""

    since: Instant = 0
    """The start of the segment whose days are counted."""
    until: Instant = 0
    """The end of the last day that is counted."""
    days: int = 0
    seconds: int = 0
    """Billed seconds of the segment at the last look."""
    calls: int = 0
    """Connected calls of the segment at the last look."""
    seconds_squared: int = 0
    """The sum over the days of the square of the day's billed seconds."""
    calls_squared: int = 0


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


class Call(NamedTuple):
    """A call as the meters see it: talk time in whole seconds, and the billed seconds under its plan."""

    direction: Direction
    connected: bool
    talk: int


def counted(meter: Meter | None, call: Call) -> bool:
    """Whether the meter counts this call."""
    return call.connected and meter is not None and (meter.directions is None or call.direction in meter.directions)


def billed(plan: Plan, call: Call) -> int:
    """Billed seconds of a call: its talk time by the increment of the plan's minutes meter; 0 where none counts it."""
    meter = plan.minutes
    if meter is None or not counted(meter, call):
        return 0
    return billed_seconds(call.talk, meter.increment)


def used(plan: Plan, segment: Segment, seconds: int, calls: int, precision: int) -> Segment:
    """The segment with this usage, and what it costs."""
    start, plan_id, inline, _, _, _, days, of, until = segment
    return Segment(start, plan_id, inline, seconds, calls, cost(plan, seconds, calls, precision), days, of, until)


def cost(plan: Plan, seconds: int, calls: int, precision: int) -> Decimal:
    """R(price): what a segment's usage costs; the meters are added unrounded and rounded once."""
    minutes = meter_price(plan.minutes, seconds, SECONDS_PER_MINUTE)
    return rounded(minutes if plan.calls is None else minutes + meter_price(plan.calls, calls, 1), precision)


def explain(plan: Plan, before: Segment, after: Segment, precision: int) -> tuple[Line, ...]:
    """The lines of the difference in cost between two states of a segment; they sum to it."""
    amount = after.cost - before.cost
    minutes = stretch(plan.minutes, before.seconds, after.seconds, SECONDS_PER_MINUTE)
    calls = stretch(plan.calls, before.calls, after.calls, 1)
    if minutes is None or calls is None:
        return settled(worked_out(plan, before, after, precision), amount)
    step = (minutes, after.seconds - before.seconds, calls, after.calls - before.calls, precision)
    kept: Kept | None = plan.memo.get(step)
    if kept is None:
        lines = worked_out(plan, before, after, precision)
        kept = Kept(lines, sum((line.amount for line in lines), ZERO))
        if len(plan.memo) >= MOST:
            plan.memo.clear()
        plan.memo[step] = kept
    return kept.lines if kept.amount == amount else settled(kept.lines, amount)


def worked_out(plan: Plan, before: Segment, after: Segment, precision: int) -> tuple[Line, ...]:
    """The lines of the meters, each rounded; what they sum to may be off by what rounding left over."""
    lines = meter_lines(MINUTES, plan.minutes, before.seconds, after.seconds, SECONDS_PER_MINUTE, precision)
    if plan.calls is not None:
        lines += meter_lines(CALLS, plan.calls, before.calls, after.calls, 1, precision)
    return tuple(lines)
