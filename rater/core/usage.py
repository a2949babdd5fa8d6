"""What an account has used in a period, and what that costs (rating.md, "A charge")."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from rater.core.account import PlanName
from rater.core.book import Direction, Increment, Meter, Plan
from rater.core.instant import Instant
from rater.core.lines import CALLS, MINUTES, Line, meter_lines, settle
from rater.core.money import SECONDS_PER_MINUTE, ZERO, rounded
from rater.core.price import meter_price
from rater.core.units import billed_seconds

NO_MINUTES = Increment()


class Segment(NamedTuple):
    """A stretch of a period under one version of a plan, with its own meters."""

    start: Instant
    plan: PlanName
    version: int
    """The plan's version that rates the whole segment: the latest effective at its start."""
    seconds: int = 0
    """Billed seconds that the minutes meter counted."""
    calls: int = 0
    """Connected calls that the calls meter counted."""

    @property
    def plan_id(self) -> str:
        """The plan with its version, `hybrid-200@1`."""
        return f"{self.plan.name}@{self.version}"


class Usage(NamedTuple):
    """A period of an account: its segments in the order of time, and what was charged."""

    period: str
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
    latest: Instant | None = None
    """The latest start of a call of this period, the free ones too."""


class Call(NamedTuple):
    """A call as the meters see it: talk time in whole seconds, and the billed seconds under its plan."""

    direction: Direction
    connected: bool
    talk: int


def counted(meter: Meter | None, call: Call) -> bool:
    """Does the meter count this call?"""
    return call.connected and meter is not None and (meter.directions is None or call.direction in meter.directions)


def billed(plan: Plan, call: Call) -> int:
    """Billed seconds of a call: its talk time by the increment of the plan's minutes meter; 0 where none counts it."""
    meter = plan.minutes
    if meter is None or not counted(meter, call):
        return 0
    return billed_seconds(call.talk, meter.increment)


def add_call(plan: Plan, segment: Segment, call: Call) -> Segment:
    """The segment with one more call."""
    seconds = segment.seconds + billed(plan, call)
    return segment._replace(seconds=seconds, calls=segment.calls + counted(plan.calls, call))


def cost(plan: Plan, segment: Segment, precision: int) -> Decimal:
    """R(price): what the segment's usage costs; the meters are added unrounded and rounded once."""
    minutes = meter_price(plan.minutes, segment.seconds, SECONDS_PER_MINUTE)
    return rounded(minutes + meter_price(plan.calls, segment.calls, 1), precision)


def explain(plan: Plan, before: Segment, after: Segment, amount: Decimal, precision: int) -> tuple[Line, ...]:
    """The lines of `amount`, the difference of the costs of two states of a segment; they sum to it."""
    lines = (
        *meter_lines(MINUTES, plan.minutes, before.seconds, after.seconds, SECONDS_PER_MINUTE),
        *meter_lines(CALLS, plan.calls, before.calls, after.calls, 1),
    )
    return settle(lines, amount, precision)
