"""A period rated again under other segments (rating.md, "Subscriptions"): what a late change of history costs.

What the segments counted is taken from what was kept of them where the new ones count the same calls in the same way.
Otherwise each call of the period is looked at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

from rater.rating.account import Account
from rater.rating.book import Plan
from rater.rating.charging import Charged, Ledger, plan_of_segment
from rater.rating.instant import Instant
from rater.rating.lines import Line, settled
from rater.rating.money import ZERO
from rater.rating.units import OUTBOUND_ATTEMPTS, OUTBOUND_CONNECTED, Call, Counts, Unit
from rater.rating.usage import Segment, Usage, explain, used


class Dated(NamedTuple):
    """A rated call that was not voided, and its start."""

    start: Instant
    call: Call


CallsOf = Callable[[], Iterable[Dated]]
"""The calls that were charged in the period and not voided."""


def rerated(
    before: Account, after: Account, usage: Usage, new: tuple[Segment, ...], ledger: Ledger, calls_of: CallsOf
) -> Charged:
    """The usage under other segments, and the difference: what the new ones cost minus what the old ones did."""
    precision = ledger.tariffs.book.precision
    old_plans = [plan_of_segment(before, segment, ledger.plan_of) for segment in usage.segments]
    plans = [plan_of_segment(after, segment, ledger.plan_of) for segment in new]
    sums, connected = _kept(usage, old_plans, new, plans), usage.connected
    if sums is None:
        sums, connected = _counted(usage.start, new, plans, calls_of())
        if all(plan.connected is None for plan in (*old_plans, *plans)):
            connected = usage.connected  # it means the same under all of them
    segments = tuple(
        used(plan, segment, counts, precision) for plan, segment, counts in zip(plans, new, sums, strict=True)
    )
    amount = sum((s.cost for s in segments), ZERO) - sum((s.cost for s in usage.segments), ZERO)
    lines: list[Line] = []
    for plan, segment in zip(old_plans, usage.segments, strict=True):
        if segment not in segments:
            lines += explain(plan, segment, unused(segment), precision)
    for plan, segment in zip(plans, segments, strict=True):
        if segment not in usage.segments:
            lines += explain(plan, unused(segment), segment, precision)
    again = usage._replace(segments=segments, connected=connected)
    if amount or lines:  # where units moved at the same price, consumers must see that they did
        again = again._replace(seq=usage.seq + 1, total=usage.total + amount)
    return Charged(again, "adjustment", plans[-1], segments[-1], amount, settled(tuple(lines), amount))


def unused(segment: Segment) -> Segment:
    """The segment as it begins."""
    return segment._replace(counts=(0,) * len(segment.counts), cost=ZERO)


def _counted(
    start: Instant, segments: tuple[Segment, ...], plans: list[Plan], calls: Iterable[Dated]
) -> tuple[list[Counts], int]:
    """What the segments' meters count of these calls, and how many outbound ones are connected.

    A call that no plan is in force for costs nothing, and is connected if it was answered.

    Calls that are alike cost the same, so each kind is billed once.
    """
    kinds: dict[tuple[int, Call], int] = {}
    connected = 0
    starts = [segment.start for segment in segments]
    for began, call in calls:
        at = starts[0] if began < start else began  # a late call counts from the first instant that has a plan
        index = bisect_right(starts, at) - 1
        if index < 0 or (segments[index].until and at >= segments[index].until):
            connected += call.connected and call.direction == "outbound"
            continue
        kind = (index, call)
        kinds[kind] = kinds.get(kind, 0) + 1
    sums = [list(plan.zero) for plan in plans]
    for (index, call), times in kinds.items():
        plan = plans[index]
        for slot, units in enumerate(plan.count(call)):
            sums[index][slot] += times * units
        if call.direction == "outbound":
            connected += times * (call if plan.connected is None else plan.seen(call)).connected
    return [tuple(counts) for counts in sums], connected


class _Span(NamedTuple):
    """Where a segment lies."""

    start: Instant
    end: Instant
    segment: Segment
    plan: Plan


def _kept(usage: Usage, old_plans: list[Plan], new: tuple[Segment, ...], plans: list[Plan]) -> list[Counts] | None:
    """What the old segments counted, as the new ones would have; None where their sums do not say it."""
    old = _spans(usage, usage.segments, old_plans)
    spans = _spans(usage, new, plans)
    if not old or not spans or not spans[0].start <= old[0].start < spans[0].end:
        return None  # late calls count in the first segment: it must hold what the old first one held
    sums: list[Counts] = []
    for span in spans:
        parts = [one for one in old if one.start < span.end and one.end > span.start]
        whole = all(span.start <= one.start and one.end <= span.end for one in parts)
        covered = parts and parts[0].start == span.start and parts[-1].end == span.end
        joined = all(earlier.end == later.start for earlier, later in pairwise(parts))
        if not (whole and covered and joined and all(_alike(one.plan, span.plan) for one in parts)):
            return None
        sums.append(_total(parts, span.plan))
    return sums


def _total(parts: list[_Span], plan: Plan) -> Counts:
    """What the parts counted, of what the plan counts."""
    slots = {slot for meter in plan.meters for slot in (meter.unit.slot, meter.slot)}
    if plan.counts_attempts:
        slots |= {OUTBOUND_ATTEMPTS, OUTBOUND_CONNECTED}
    sums = list(plan.zero)
    for slot in slots:
        sums[slot] = sum(one.segment.counts[slot] for one in parts)
    return tuple(sums)


def _spans(usage: Usage, segments: tuple[Segment, ...], plans: list[Plan]) -> list[_Span]:
    ends = [*(segment.start for segment in segments[1:]), usage.end]
    return [
        _Span(segment.start, segment.until or end, segment, plan)
        for segment, plan, end in zip(segments, plans, ends, strict=True)
    ]


def _alike(old: Plan, new: Plan) -> bool:
    """Whether the old plan counted each call as the new one does; it may have counted more."""
    if old.connected != new.connected or (new.counts_attempts and not old.counts_attempts):
        return False
    return all(_counting(old, unit) == _counting(new, unit) for unit in {meter.unit for meter in new.meters})


def _counting(plan: Plan, unit: Unit) -> list[tuple[object, ...]]:
    """What the plan's meters of a unit count, in their order: the first that selects a call counts it."""
    meters = [meter.counts_alike for meter in plan.meters_of(unit)]
    return [(plan.named,), *meters] if plan.named else meters
