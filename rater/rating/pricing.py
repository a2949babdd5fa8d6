"""What billable units cost: flat, graduated, volume (rating.md, "Plans").

Units come in quanta, `Unit.per` to a unit: minutes in billed seconds (60), calls as they are (1). Nothing is rounded
here, and the division by `per` happens last.
"""

from __future__ import annotations

from decimal import Decimal

from rater.rating.book import Band, Meter, Plan, Price
from rater.rating.money import ZERO
from rater.rating.units import Counts


def billable(meter: Meter, quanta: int) -> int:
    """The quanta beyond the meter's allowance; none if the allowance is unlimited."""
    allowance = meter.allowance
    if allowance is None:
        return 0
    beyond = quanta - allowance * meter.unit.per
    return beyond if beyond > 0 else 0  # noqa: FURB136 - max() takes twice the time, four times a call


def price_of(price: Price, quanta: int, per: int) -> Decimal:
    """What `quanta` billable quanta cost, unrounded. No billable units cost 0."""
    if quanta <= 0:
        return ZERO
    if price.kind == "graduated":
        return _graduated(price.bands, quanta, per)
    band = price.bands[0] if price.kind == "flat" else reached(price, quanta, per)
    return at_rate(quanta, band.rate, per) + band.flat


def at_rate(quanta: int, rate: Decimal, per: int) -> Decimal:
    """What quanta cost at a rate for each unit, unrounded; exactly, where they are whole units."""
    return quanta * rate / per if quanta % per else quanta // per * rate


def reached(price: Price, quanta: int, per: int) -> Band:
    """Volume: the band whose rate holds for all units, the last one with `start` <= units ("from 50" includes 50)."""
    bands = price.bands
    found = bands[0]
    for band in bands:
        if band.start * per > quanta:
            break
        found = band
    return found


def parts(bands: tuple[Band, ...], before: int, after: int, per: int) -> list[tuple[Band, int]]:
    """Graduated: the bands that the quanta from `before` to `after` fall into, with how many; a band is entered at
    quanta > `start`."""
    found = []
    for index, band in enumerate(bands):
        low = max(before, band.start * per)
        high = after if index + 1 == len(bands) else min(after, bands[index + 1].start * per)
        if high > low:
            found.append((band, high - low))
    return found


def _graduated(bands: tuple[Band, ...], quanta: int, per: int) -> Decimal:
    rates = flats = ZERO
    for band, part in parts(bands, 0, quanta, per):
        rates += part * band.rate
        flats += band.flat
    return rates / per + flats


def meter_price(meter: Meter, quanta: int) -> Decimal:
    """What a meter's quanta cost beyond its allowance, unrounded."""
    if meter.price is None:
        return ZERO
    beyond = billable(meter, quanta)
    return price_of(meter.price, beyond, meter.unit.per) if beyond else ZERO


def covered(plan: Plan, counts: Counts) -> dict[int, int]:
    """What allowances that parts share cover of each part, by its slot: each in its turn, what those before it left."""
    found: dict[int, int] = {}
    for allowance, parts_in_turn in plan.pools:
        left = (allowance.allowance or 0) * allowance.unit.per
        for part in parts_in_turn:
            found[part.slot] = taken = min(counts[part.slot], left)
            left -= taken
    return found


def pooled_price(plan: Plan, counts: Counts) -> Decimal:
    """What all meters of a plan with shared allowances cost, unrounded and without the discount."""
    price, shares = ZERO, covered(plan, counts)
    for meter in plan.meters:
        if meter.slot not in shares:
            price += meter_price(meter, counts[meter.slot])
        elif meter.price is not None:
            price += price_of(meter.price, counts[meter.slot] - shares[meter.slot], meter.unit.per)
    return price
