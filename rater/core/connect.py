"""Connect rate: how many of the outbound attempts were connected, and between what the true share lies."""

from __future__ import annotations

from decimal import Decimal
from math import isqrt
from typing import NamedTuple

_SCALE = 10**12
_Z2 = 3_841_458_820_694
"""The square of the normal quantile of a two-sided 95 %, 1.95996398, times 10**12."""


class Interval(NamedTuple):
    """A share and its Wilson 95 % interval, each rounded half up to 6 decimal places."""

    rate: Decimal
    low: Decimal
    high: Decimal


def interval(connected: int, attempts: int) -> Interval | None:
    """The share of `attempts` that were connected; None without attempts."""
    if not attempts:
        return None
    whole = attempts * _SCALE + _Z2
    middle = connected * _SCALE + _Z2 // 2
    spread = connected * (attempts - connected) * _SCALE // attempts + _Z2 // 4
    half = isqrt(_Z2 * spread)
    low, high = max(0, middle - half), min(whole, middle + half)
    return Interval(_share(connected, attempts), _share(low, whole), _share(high, whole))


def _share(part: int, whole: int) -> Decimal:
    return Decimal((part * 2_000_000 + whole) // (2 * whole)).scaleb(-6)
