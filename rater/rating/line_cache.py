"""Where prices are steady, equal steps have equal lines: they are worked out once.

Within an allowance, or beyond it within one band, the lines of a step depend on its size alone and not on where the
usage stands. Most calls are such steps of a few sizes, so their lines are kept with the plan. What is kept is what
`rater.rating.usage.explain` works out, and a law holds the two together; steps over an edge are never kept.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from rater.rating.book import Meter
from rater.rating.lines import Line
from rater.rating.pricing import reached

Stretch = int
"""Where a step lies: unlimited, within the allowance, or beyond it in a band."""
UNLIMITED, COVERED, FIRST_BAND = range(3)

MOST = 4096
"""Steps that are kept for a plan; when there are more, they are forgotten and begun anew."""


class Kept(NamedTuple):
    """Lines, and the amount that they sum to."""

    lines: tuple[Line, ...]
    amount: Decimal


def stretch(meter: Meter, before: int, after: int) -> Stretch | None:
    """Where the step from `before` to `after` quanta lies; None if it goes over an edge, or back."""
    per = meter.unit.per
    if after < before:
        return None
    allowance, price = meter.allowance, meter.price
    if allowance is None or price is None:
        return UNLIMITED
    edge = allowance * per
    if after <= edge:
        return COVERED
    if before <= edge:  # the step that leaves the allowance, or the first of all
        return FIRST_BAND if before == edge and price.kind == "flat" and not price.bands[0].flat else None
    if price.kind == "flat":
        return FIRST_BAND
    if price.kind == "volume":
        band = reached(price, before - edge, per)
        if band is reached(price, after - edge, per):
            return FIRST_BAND + price.bands.index(band)
    return None
