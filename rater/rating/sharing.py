"""Units shared among the meters that count them: where only the sum is known, of days to come and of figures."""

from __future__ import annotations

from rater.rating.book import Meter, Plan
from rater.rating.units import NO_COUNTS, Counts


def shared_out(plan: Plan, counts: Counts, units: Counts) -> Counts:
    """The counts when each unit has come to what `units` says, which is not less than now.

    What comes is shared among a unit's meters as the units so far: rounded down, and the rest to the largest, of equal
    ones to the first. Where nothing was counted it goes to the last, which takes what no special one does.
    """
    if len(plan.zero) == len(NO_COUNTS):
        return units
    found = [*units, *counts[len(NO_COUNTS) :]]
    for unit in {meter.unit for meter in plan.meters if meter.slot != meter.unit.slot}:
        meters = tuple(meter for meter in plan.meters_of(unit) if not meter.shared)
        for meter, more in zip(meters, _shares(meters, counts, units[unit.slot] - counts[unit.slot]), strict=True):
            found[meter.slot] += more
            if meter.pool >= 0:
                found[meter.pool] += more
    return tuple(found)


def _shares(meters: tuple[Meter, ...], counts: Counts, more: int) -> list[int]:
    so_far = [counts[meter.slot] for meter in meters]
    if not any(so_far):
        return [*(0 for _ in meters[1:]), more]
    shares = [more * one // sum(so_far) for one in so_far]
    shares[so_far.index(max(so_far))] += more - sum(shares)
    return shares
