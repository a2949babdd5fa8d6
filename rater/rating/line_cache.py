"""Cache of charge lines within one price band.

Within an allowance, or beyond it within one band, the lines of a step depend on its size alone and not on where the
usage stands. Most calls are such steps of a few sizes, so their lines are kept with the plan. What is kept is what
`rater.rating.usage.explain` works out, and a law holds the two together; steps over an edge are never kept.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from math import lcm
from typing import Final, NamedTuple

from rater.rating.book import Meter, Plan, Price
from rater.rating.lines import Line
from rater.rating.pricing import covered, price_of
from rater.rating.units import UNITS, Counts

Stretch = int
"""Where a step lies: unlimited, within the allowance, or beyond it in a band."""
EDGE, UNLIMITED, COVERED, FIRST_BAND = range(4)

ENDLESS: Final = 1 << 62

MOST = 4096
"""Steps that are kept for a plan; when there are more, they are forgotten and begun anew."""


class Kept(NamedTuple):
    """Lines, and the amount that they sum to."""

    lines: tuple[Line, ...]
    amount: Decimal


class Steady(NamedTuple):
    """From a state of a meter on, steps are alike up to `until`, that included; at an edge only no step at all is."""

    stretch: Stretch
    until: int

    def to(self, before: int, after: int) -> Stretch | None:
        """Where the step lies from the state on to another; None if it goes over an edge, or back."""
        return self.stretch if before <= after <= self.until else None


def steady(meter: Meter, used: int, share: int | None = None) -> Steady:
    """How far lines stay alike from `used` base units on; `share` is what a shared allowance covers of them."""
    allowance, price = meter.allowance, meter.price
    if allowance is None or price is None:
        return Steady(UNLIMITED, ENDLESS)
    per = meter.unit.per
    edge = allowance * per if share is None else share
    if used < edge:
        return Steady(COVERED, edge)
    band, begins, ends = _band(price, used - edge, per)
    if used - edge <= begins and (price.kind == "volume" or price.bands[band].flat):
        return Steady(EDGE, used)  # the next step enters the band, and pays for that
    return Steady(FIRST_BAND + band, edge + ends)


def _band(price: Price, beyond: int, per: int) -> tuple[int, int, int]:
    """The band that the next unit after `beyond` billable ones falls into, and the units from which and to which."""
    bands = price.bands
    if price.kind == "flat":
        return 0, 0, ENDLESS
    volume = price.kind == "volume"
    last = len(bands) - 1
    index = max(n for n, band in enumerate(bands) if band.start * per <= beyond)
    ends = ENDLESS if index == last else bands[index + 1].start * per
    # A volume band is left by the unit that reaches the next one; a graduated one by the unit behind that.
    begins = bands[index].start * per
    return index, begins - 1 if volume and index else begins, ends - 1 if volume and index < last else ends


DISCOUNTS: Final = 10**4
"""A discount has at most 4 places."""
SCALE: Final = 10**9 * lcm(*(unit.per for unit in UNITS)) * DISCOUNTS
"""Of exact prices as whole numbers: rates and flat sums have at most 9 places, and units at most so many base units."""


class Linear(NamedTuple):
    """The unrounded price of a meter within a stretch, times `SCALE`: `slope` x base units + `intercept`, exactly."""

    slope: int
    intercept: int


def linear(meter: Meter, used: int, lies: Stretch, share: int | None = None) -> Linear:
    """The price from `used` base units on, in the stretch that `steady` says; at an edge it is the price there."""
    if meter.price is None or meter.allowance is None or lies in {UNLIMITED, COVERED}:
        return Linear(0, 0)
    per, kind, bands = meter.unit.per, meter.price.kind, meter.price.bands
    edge = meter.allowance * per if share is None else share
    if lies == EDGE:
        # Only what counts nothing is a step of this stretch, so the price there is all that is asked for.
        return Linear(0, _exactly(price_of(meter.price, used - edge, per)))
    index = lies - FIRST_BAND
    band = bands[index]
    slope = _exactly(band.rate) // per
    begins = edge + (band.start * per if kind == "graduated" else 0)
    before = sum((_exactly(b.flat) for b in bands[:index]), 0) if kind == "graduated" else 0
    if kind == "graduated":
        before += sum(_exactly(b.rate) * (after.start - b.start) for b, after in pairwise(bands[: index + 1]))
    return Linear(slope, before + _exactly(band.flat) - slope * begins)


def _exactly(number: Decimal) -> int:
    scaled = number * SCALE
    whole = int(scaled)
    if whole != scaled:
        message = f"{number} has more than 9 places"
        raise ArithmeticError(message)
    return whole


def stretch(meter: Meter, before: int, after: int) -> Stretch | None:
    """Where the step from `before` to `after` base units lies; None if it goes over an edge, or back."""
    if after < before:
        return None
    lies, until = steady(meter, before)
    return lies if after <= until else None


def standings(plan: Plan, counts: Counts) -> list[Steady]:
    """By meter, how far lines stay alike from these counts on."""
    shares = _shares(plan, counts)
    return [_standing(meter, counts[meter.slot], shares) for meter in plan.meters]


def pooled_stands(plan: Plan, counts: Counts) -> list[tuple[Steady, Linear]]:
    """By meter of a plan with shared allowances: how far lines stay alike from these counts on, and the price there."""
    shares, found = _shares(plan, counts), list[tuple[Steady, Linear]]()
    for meter in plan.meters:
        used, share = counts[meter.slot], shares.get(meter.slot)
        stand = _standing(meter, used, shares)
        found.append((stand, linear(meter, used, stand.stretch, None if share is None else share.covered)))
    return found


class _Share(NamedTuple):
    """What a part has of a shared allowance."""

    covered: int
    open: bool
    """Whether the allowance covers whatever is counted next, of any of its parts."""
    later: bool
    """Whether parts behind it have a share, which they lose when it counts more."""


def _shares(plan: Plan, counts: Counts) -> dict[int, _Share]:
    found: dict[int, _Share] = {}
    taken = covered(plan, counts) if plan.pools else {}
    for allowance, parts in plan.pools:
        whole = (allowance.allowance or 0) * allowance.unit.per
        later = False
        for part in reversed(parts):
            found[part.slot] = _Share(taken[part.slot], counts[allowance.slot] < whole, later)
            later = later or taken[part.slot] > 0
    return found


def _standing(meter: Meter, used: int, shares: dict[int, _Share]) -> Steady:
    if meter.shared:
        whole = (meter.allowance or 0) * meter.unit.per
        return Steady(COVERED, whole) if used < whole else Steady(UNLIMITED, ENDLESS)
    share = shares.get(meter.slot)
    if share is None:
        return steady(meter, used)
    if share.open:
        return Steady(COVERED, ENDLESS)  # as far as the allowance itself goes
    return Steady(EDGE, used) if share.later else steady(meter, used, share.covered)
