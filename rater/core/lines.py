"""The lines of a charge: its amount in words that finance uses (rating.md, "A charge")."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from rater.core.book import Meter
from rater.core.money import ZERO, rounded
from rater.core.price import billable, parts, reached

MINUTES = "minutes"
CALLS = "connected-calls"
FEE = "fee"
ROUNDING = "rounding"
FLAT = "-flat"
"""Behind a meter's name: the flat sums of its bands."""


class Line(NamedTuple):
    """One line. Quantities are in quanta: billed seconds for minutes, else pieces; taking back is negative."""

    meter: str
    quantity: int
    covered: int
    """Of the quantity, what the allowance covers."""
    billable: int
    """The rest."""
    rate: Decimal
    """Per minute, per call, or per period."""
    amount: Decimal
    repriced_from: Decimal | None = None
    """The rate at which the quantity was charged before, where a volume price changed for all units."""


def meter_lines(name: str, meter: Meter | None, before: int, after: int, per: int) -> list[Line]:
    """The lines, unrounded, of a meter going from `before` quanta to `after`; they sum to the difference in price."""
    if meter is None or before == after:
        return []
    if before > after:
        return [_taken_back(line) for line in meter_lines(name, meter, after, before, per)]
    quantity = after - before
    low, high = billable(meter, before, per), billable(meter, after, per)
    covered = quantity - (high - low)
    price = meter.price
    if price is None:
        return [Line(name, quantity, covered, 0, ZERO, ZERO)]
    if price.kind == "graduated":
        return _graduated(name, meter, covered, low, high, per)
    if price.kind == "volume":
        return _volume(name, meter, covered, low, high, per)
    band = price.bands[0]
    line = Line(name, quantity, covered, high - low, band.rate, (high - low) * band.rate / per)
    return [line, *_flat_line(name, band.flat if high and not low else ZERO)]


def settle(lines: Iterable[Line], amount: Decimal, precision: int) -> tuple[Line, ...]:
    """The lines with their amounts rounded; a `rounding` line carries what is left to `amount`."""
    settled = tuple(line._replace(amount=rounded(line.amount, precision)) for line in lines)
    rest = amount - sum((line.amount for line in settled), ZERO)
    return (*settled, Line(ROUNDING, 1, 0, 1, rest, rest)) if rest else settled


def fee_lines(fee: Decimal, amount: Decimal, precision: int) -> tuple[Line, ...]:
    """The lines of a period's fee."""
    return settle((Line(FEE, 1, 0, 1, fee, fee),), amount, precision)


def _graduated(name: str, meter: Meter, covered: int, low: int, high: int, per: int) -> list[Line]:
    assert meter.price is not None
    bands = meter.price.bands
    lines: list[Line] = []
    for band, part in parts(bands, low, high, per):
        share = 0 if lines else covered
        lines.append(Line(name, part + share, share, part, band.rate, part * band.rate / per))
    if not lines:
        return [Line(name, covered, covered, 0, bands[0].rate, ZERO)]
    entered = sum((band.flat for band in bands if low <= band.start * per < high), ZERO)
    return [*lines, *_flat_line(name, entered)]


def _volume(name: str, meter: Meter, covered: int, low: int, high: int, per: int) -> list[Line]:
    assert meter.price is not None
    band = reached(meter.price, high, per)
    part = high - low
    lines = [Line(name, part + covered, covered, part, band.rate, part * band.rate / per)]
    if not low:
        return [*lines, *_flat_line(name, band.flat if high else ZERO)]
    earlier = reached(meter.price, low, per)
    if earlier.rate != band.rate:
        change = low * (band.rate - earlier.rate) / per
        lines.append(Line(name, low, 0, low, band.rate, change, repriced_from=earlier.rate))
    return [*lines, *_flat_line(name, band.flat - earlier.flat)]


def _flat_line(name: str, flat: Decimal) -> list[Line]:
    return [Line(name + FLAT, 1, 0, 1, flat, flat)] if flat else []


def _taken_back(line: Line) -> Line:
    return line._replace(quantity=-line.quantity, covered=-line.covered, billable=-line.billable, amount=-line.amount)
