"""Connect rate: how many of the outbound attempts were connected, and between what the true share lies."""

from __future__ import annotations

from decimal import Decimal
from math import isqrt
from typing import Literal, NamedTuple

FEW = 100
"""Attempts below which a rate is not judged."""

Verdict = Literal["no-attempts", "too-few", "below", "within", "borderline", "above"]
"""Of a connect rate beside a band: its whole interval lies below, within or above it, or across one of its ends."""

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


def judged(connected: int, attempts: int, band: tuple[Decimal, Decimal]) -> Verdict:
    """Whether a connect rate is what the trade expects. `band` is the tariff book's `connect_rate_band`, a share each.

    Above is no praise: more than the band connects where answering machines or false answer signals count as answers.
    """
    around = interval(connected, attempts)
    if around is None:
        return "no-attempts"
    if attempts < FEW:
        return "too-few"
    low, high = band
    if around.high < low:
        return "below"
    if around.low > high:
        return "above"
    return "within" if low <= around.low and around.high <= high else "borderline"
