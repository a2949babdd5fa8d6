"""Money: exact decimals, and R, the one place where an amount is rounded (rating.md, "A charge")."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, FloatOperation, InvalidOperation, Overflow

CONTEXT = Context(prec=60, rounding=ROUND_HALF_UP, traps=[DivisionByZero, FloatOperation, InvalidOperation, Overflow])
"""How the rules compute. 60 digits hold every sum exactly: rates have at most 12 + 9 digits, and the units of a period
far fewer than 20. Only the division by 60 may be cut, 30 places and more behind what R looks at."""

ZERO = Decimal(0)


_UNITS = tuple(Decimal(1).scaleb(-places) for places in range(10))
"""The smallest amount with so many decimal places: 0.01 is that with 2."""
_NOTHING = tuple(0 * unit for unit in _UNITS)


def nothing(precision: int) -> Decimal:
    """Zero with so many decimal places: 0.00."""
    return _NOTHING[precision]


def rounded(amount: Decimal, precision: int) -> Decimal:
    """R: half up to `precision` places.

    R is only applied to what a segment costs as a whole, which is never negative, and charges are differences of it: so
    they sum without drift. The amounts of lines may be negative; there half goes away from zero (-0.125 -> -0.13), so
    that taking something back is the mirror of charging it.
    """
    return amount.quantize(_UNITS[precision], ROUND_HALF_UP, CONTEXT)


def plain(number: Decimal) -> str:
    """The number as people write it: all its places, never an exponent, no minus before a zero."""
    text = str(number)
    return f"{number or abs(number):f}" if "E" in text or text[0] == "-" else text


SECONDS_PER_MINUTE = 60


def minutes_of(seconds: int) -> str:
    """Billed seconds as minutes to at most 6 places, for reading only: 90 -> `1.5`."""
    if not seconds % SECONDS_PER_MINUTE:
        return str(seconds // SECONDS_PER_MINUTE)
    whole, rest = divmod(seconds, SECONDS_PER_MINUTE)
    micros = (rest * 1_000_000 + 30) // SECONDS_PER_MINUTE
    return f"{whole}.{micros:06d}".rstrip("0")
