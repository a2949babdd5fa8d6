"""The lines of a charge: its amount in words that finance uses (rating.md, "A charge")."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from rater.rating.book import Meter, Price
from rater.rating.limits import LINES
from rater.rating.money import ZERO, nothing, rounded
from rater.rating.names import PlanId
from rater.rating.pricing import at_rate, billable, parts, reached
from rater.rating.units import Unit

FEE = "fee"
SETUP = "setup"
ITEM = "item:"
"""Before an item's name."""
ADJUSTMENT = "adjustment"
ROUNDING = "rounding"
DISCOUNT = "discount"
MINIMUM = "minimum"
GUARANTEE = "guarantee"
UNPRICED = frozenset({ADJUSTMENT, ROUNDING, DISCOUNT, MINIMUM})
"""Lines that are an amount and nothing else."""
FLAT = "-flat"
"""Behind a meter's name: the flat sums of its bands."""


class Line(NamedTuple):
    """One line. Quantities are in base units of the meter's unit; taking back is negative."""

    meter: str
    quantity: int
    covered: int
    """Of the quantity, what the allowance covers."""
    billable: int
    """The rest."""
    rate: Decimal | None
    """Per unit, or per period; None where the line sums up others."""
    amount: Decimal
    repriced_from: Decimal | None = None
    """The rate at which the quantity was charged before, where a volume price changed for all units."""
    plan: PlanId | None = None
    """Of a fee, item or set-up, where it is not the plan that the charge names."""
    days: int = 0
    """Of a fee or item by days: for so many days,"""
    of: int = 0
    """of so many in the month; 0 where it is for the whole period."""
    unit: Unit | None = None
    """Of a meter that has a name of its own."""
    part: str = ""
    """Of a meter with prices by class: the class, or the rest."""


def meter_lines(meter: Meter, before: int, after: int, precision: int) -> list[Line]:
    """The lines of a meter going from `before` quanta to `after`, each rounded."""
    if before == after or meter.shared:
        return []
    if before > after:
        return [taken_back(line) for line in meter_lines(meter, after, before, precision)]
    return _named(meter, _lines(meter, before, after, (billable(meter, before), billable(meter, after)), precision))


def part_lines(meter: Meter, counts: tuple[int, int], shares: tuple[int, int], precision: int) -> list[Line]:
    """The lines of a part of a shared allowance, between two states of it; `shares` is what is covered in each.

    Units of another part may take its share, so that it is billed for more though it counted nothing.
    """
    (before, after), (was, now) = counts, shares
    low, high = before - was, after - now
    if (before, low) == (after, high):
        return []
    if before > after or low > high:
        return [taken_back(line) for line in part_lines(meter, (after, before), (now, was), precision)]
    return _named(meter, _lines(meter, before, after, (low, high), precision))


def _named(meter: Meter, lines: list[Line]) -> list[Line]:
    """The lines with what tells the meter from others of its unit."""
    if meter.own_name:
        lines = [line if line.meter.endswith(FLAT) else line._replace(unit=meter.unit) for line in lines]
    return [line._replace(part=meter.part) for line in lines] if meter.part else lines


def _lines(meter: Meter, before: int, after: int, billed: tuple[int, int], precision: int) -> list[Line]:
    name, per = meter.name, meter.unit.per
    low, high = billed
    part = high - low
    covered = after - before - part
    price = meter.price
    if price is None:
        return [Line(name, covered, covered, 0, ZERO, nothing(precision))]
    if price.kind == "graduated":
        return _graduated(name, price, covered, (low, high, per), precision)
    if price.kind == "volume":
        return _volume(name, price, covered, (low, high, per), precision)
    band = price.bands[0]
    amount = rounded(at_rate(part, band.rate, per), precision) if part else nothing(precision)
    line = Line(name, after - before, covered, part, band.rate, amount)
    return [line, *_flat_line(name, band.flat, precision)] if high and not low and band.flat else [line]


def settled(lines: tuple[Line, ...], amount: Decimal) -> tuple[Line, ...]:
    """The lines; where they do not sum to `amount`, a `rounding` line carries the rest. Too many are summed up."""
    if len(lines) == 1 and lines[0].amount == amount:  # most charges
        return lines
    if len(lines) >= LINES:
        lines = summed_up(lines)
    rest = amount
    for line in lines:
        rest -= line.amount
    return (*lines, Line(ROUNDING, 1, 0, 1, rest, rest)) if rest else lines


def summed_up(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """One line a meter, without a rate. What was only priced anew is part of the amount, not of the quantity."""
    sums: dict[tuple[str, str], Line] = {}
    for line in lines:
        meter = line.meter
        fresh = (line.quantity, line.covered, line.billable) if line.repriced_from is None else (0, 0, 0)
        one = Line(meter, *fresh, None, line.amount, unit=line.unit, part=line.part)
        known = sums.get((meter, line.part))
        sums[meter, line.part] = one if known is None else _both(known, one)
    return tuple(sums.values())


def _both(one: Line, other: Line) -> Line:
    return Line(
        one.meter,
        one.quantity + other.quantity,
        one.covered + other.covered,
        one.billable + other.billable,
        None,
        one.amount + other.amount,
        unit=one.unit,
        part=one.part,
    )


def is_fee(meter: str) -> bool:
    """Whether a line is of what is due whatever the usage: the fee, an item, a set-up."""
    return meter in {FEE, SETUP} or meter.startswith(ITEM)


def amount_line(meter: str, amount: Decimal) -> Line:
    """A line that is an amount and nothing else: what a discount takes off, what a minimum adds."""
    return Line(meter, 1, 0, 1, None, amount)


def _graduated(name: str, price: Price, covered: int, span: tuple[int, int, int], precision: int) -> list[Line]:
    low, high, per = span
    lines: list[Line] = []
    for band, part in parts(price.bands, low, high, per):
        share = 0 if lines else covered
        amount = rounded(at_rate(part, band.rate, per), precision)
        lines.append(Line(name, part + share, share, part, band.rate, amount))
    if not lines:
        return [Line(name, covered, covered, 0, price.bands[0].rate, nothing(precision))]
    entered = sum((band.flat for band in price.bands if low <= band.start * per < high), ZERO)
    return [*lines, *_flat_line(name, entered, precision)]


def _volume(name: str, price: Price, covered: int, span: tuple[int, int, int], precision: int) -> list[Line]:
    low, high, per = span
    band, part = reached(price, high, per), high - low
    lines = [Line(name, part + covered, covered, part, band.rate, rounded(at_rate(part, band.rate, per), precision))]
    if not high:
        return lines
    if not low:
        return [*lines, *_flat_line(name, band.flat, precision)]
    earlier = reached(price, low, per)
    if earlier.rate != band.rate:
        change = rounded(at_rate(low, band.rate - earlier.rate, per), precision)
        lines.append(Line(name, low, 0, low, band.rate, change, repriced_from=earlier.rate))
    if earlier.flat == band.flat:
        return lines
    back = [taken_back(line) for line in _flat_line(name, earlier.flat, precision)]
    return [*lines, *back, *_flat_line(name, band.flat, precision)]


def _flat_line(name: str, flat: Decimal, precision: int) -> list[Line]:
    return [Line(name + FLAT, 1, 0, 1, flat, rounded(flat, precision))] if flat else []


def taken_back(line: Line) -> Line:
    """The mirror of a line; what was re-priced goes back to the rate that it came from."""
    if line.repriced_from is not None:
        return line._replace(rate=line.repriced_from, repriced_from=line.rate, amount=-line.amount)
    return line._replace(quantity=-line.quantity, covered=-line.covered, billable=-line.billable, amount=-line.amount)
