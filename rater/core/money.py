"""Money: exact decimals, and R, the one place where an amount is rounded (rating.md, "A charge")."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, FloatOperation, InvalidOperation, Overflow
from functools import cache

CONTEXT = Context(prec=60, rounding=ROUND_HALF_UP, traps=[DivisionByZero, FloatOperation, InvalidOperation, Overflow])
"""How the rules compute. 60 digits hold every sum exactly: rates have at most 12 + 9 digits, and the units of a period
far fewer than 20. Only the division by 60 may be cut, 30 places and more behind what R looks at."""

ZERO = Decimal(0)


@cache
def unit_of(precision: int) -> Decimal:
    """The smallest amount with `precision` decimal places: 2 -> 0.01."""
    return Decimal(1).scaleb(-precision)


def rounded(amount: Decimal, precision: int) -> Decimal:
    """R: half up to `precision` places.

    R is only applied to what a segment costs as a whole, which is never negative, and charges are differences of it: so
    they sum without drift. The amounts of lines may be negative; there half goes away from zero (-0.125 -> -0.13), so
    that taking something back is the mirror of charging it.
    """
    return amount.quantize(unit_of(precision), ROUND_HALF_UP, CONTEXT)


def plain(number: Decimal) -> str:
    """The number as people write it: all its places, never an exponent, no minus before a zero."""
    return f"{number:f}" if number else f"{abs(number):f}"


SECONDS_PER_MINUTE = 60


def minutes_of(seconds: int) -> str:
    """Billed seconds as minutes to at most 6 places, for reading only: 90 -> `1.5`."""
    whole, rest = divmod(seconds, SECONDS_PER_MINUTE)
    if not rest:
        return str(whole)
    micros = (rest * 1_000_000 + 30) // SECONDS_PER_MINUTE
    return f"{whole}.{micros:06d}".rstrip("0")
