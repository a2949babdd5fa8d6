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

from rater.rating.book import Meter, Price
from rater.rating.lines import Line
from rater.rating.pricing import meter_price
from rater.rating.units import UNITS

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


def steady(meter: Meter, used: int) -> Steady:
    """How far lines stay alike from `used` base units on."""
    allowance, price = meter.allowance, meter.price
    if allowance is None or price is None:
        return Steady(UNLIMITED, ENDLESS)
    per = meter.unit.per
    edge = allowance * per
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


def linear(meter: Meter, used: int, lies: Stretch) -> Linear:
    """The price from `used` base units on, in the stretch that `steady` says; at an edge it is the price there."""
    if meter.price is None or meter.allowance is None or lies in {UNLIMITED, COVERED}:
        return Linear(0, 0)
    per, kind, bands = meter.unit.per, meter.price.kind, meter.price.bands
    edge = meter.allowance * per
    if lies == EDGE:
        # Only what counts nothing is a step of this stretch, so the price there is all that is asked for.
        return Linear(0, _exactly(meter_price(meter, used)))
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
