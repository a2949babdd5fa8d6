"""Connect rates and their intervals."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.rating.connect_rate import interval, judged

MICRO = Decimal("0.000001")


@pytest.mark.parametrize(
    ("connected", "attempts", "low", "high"),
    [
        (6, 9, "0.354202", "0.879416"),
        (0, 10, "0.000000", "0.277533"),
        (10, 10, "0.722467", "1.000000"),
        (50, 100, "0.403832", "0.596168"),
        (700, 1000, "0.670876", "0.727593"),
    ],
)
def test_the_interval_is_wilsons(connected: int, attempts: int, low: str, high: str) -> None:
    """Worked by its formula in 40 digits."""
    z2, n, k = Decimal("3.8414588206941259583"), Decimal(attempts), Decimal(connected)
    middle, half = (k + z2 / 2) / (n + z2), (z2 * (k * (n - k) / n + z2 / 4)).sqrt() / (n + z2)
    found = interval(connected, attempts)
    assert found is not None
    assert (str(found.low), str(found.high)) == (low, high)
    assert abs(found.low - (middle - half)) < Decimal("0.000001")
    assert abs(found.high - (middle + half)) < Decimal("0.000001")


@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_rate_lies_within_and_more_calls_narrow_it(counts: tuple[int, int]) -> None:
    """From one attempt to a thousand million."""
    found, more = interval(*counts), interval(counts[0] * 4, counts[1] * 4)
    assert found is not None
    assert more is not None
    assert 0 <= found.low <= found.rate <= found.high <= 1
    assert more.high - more.low <= found.high - found.low


def test_no_attempts_have_no_rate() -> None:
    """Nothing is known of them."""
    assert interval(0, 0) is None


def test_the_edges_of_the_band() -> None:
    """50 of 100 lie between 0.403832 and 0.596168: a band's ends are within it; what touches is in doubt."""
    low, high = Decimal("0.403832"), Decimal("0.596168")
    assert judged(50, 100, (low, high)) == "within"
    assert judged(50, 100, (low + MICRO, high)) == "borderline"
    assert judged(50, 100, (low, high - MICRO)) == "borderline"
    assert judged(50, 100, (high, Decimal(1))) == "borderline"
    assert judged(50, 100, (high + MICRO, Decimal(1))) == "below"
    assert judged(50, 100, (Decimal(0), low)) == "borderline"
    assert judged(50, 100, (Decimal(0), low - MICRO)) == "above"
