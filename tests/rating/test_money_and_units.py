"""Rounding, units and prices, as tables that a billing person can check."""

from __future__ import annotations

from decimal import Decimal, FloatOperation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.rating.book import Band, Price
from rater.rating.lines import meter_lines
from rater.rating.money import CONTEXT, minutes_of, plain, rounded
from rater.rating.pricing import meter_price, price_of
from rater.rating.units import Increment, billed_seconds, talk_seconds
from tests.support.plans import a_meter

D = Decimal


@pytest.mark.parametrize(
    ("amount", "precision", "result"),
    [
        ("0.005", 2, "0.01"),
        ("0.0049999999999999999999999", 2, "0.00"),
        ("2.675", 2, "2.68"),
        ("-0.005", 2, "-0.01"),
        ("0.5", 0, "1"),
        ("1.2345", 3, "1.235"),
        ("0.0000000005", 9, "0.000000001"),
        ("999999999999999999999999999999.995", 2, "1000000000000000000000000000000.00"),
    ],
)
def test_half_is_rounded_up_away_from_zero(amount: str, precision: int, result: str) -> None:
    """Half up; for what is taken back, half away from zero, the mirror of charging it."""
    assert plain(rounded(D(amount), precision)) == result


@pytest.mark.parametrize(
    ("number", "text"),
    [("0E-9", "0.000000000"), ("1E-9", "0.000000001"), ("1E+3", "1000"), ("-0.00", "0.00"), ("-0.80", "-0.80")],
)
def test_numbers_are_written_plainly(number: str, text: str) -> None:
    """Never an exponent, never a minus before zero."""
    assert plain(D(number)) == text


def test_floats_are_no_money() -> None:
    """Mixing a float into a sum of money is an error, not a rounding."""
    with pytest.raises(FloatOperation):
        CONTEXT.create_decimal(0.1)


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(0, "0"), (60, "1"), (90, "1.5"), (1, "0.016667"), (59, "0.983333"), (6, "0.1"), (3605, "60.083333")],
)
def test_minutes_for_reading_have_at_most_6_places(seconds: int, minutes: str) -> None:
    """Billed seconds / 60."""
    assert minutes_of(seconds) == minutes


@pytest.mark.parametrize(
    ("micros", "seconds"), [(0, 0), (499_999, 0), (500_000, 1), (1_499_999, 1), (1_500_000, 2), (106_999_500, 107)]
)
def test_talk_time_is_rounded_half_up_from_the_microseconds(micros: int, seconds: int) -> None:
    """Half a second counts as one."""
    assert talk_seconds(1_793_500_000_000_001, 1_793_500_000_000_001 + micros) == seconds


@given(st.integers(0, 90_000), st.integers(1, 120), st.integers(1, 120), st.integers(0, 200))
def test_billed_time_is_the_smallest_step_that_covers_the_talk_time(
    talk: int, first: int, step: int, minimum: int
) -> None:
    """Never less than talked, nor than the minimum; never a whole step more than needed."""
    billed = billed_seconds(talk, Increment(first, step, minimum))
    due = max(talk, minimum) if talk else 0
    assert billed >= due
    assert billed in {0, first} or ((billed - first) % step == 0 and billed - step < due)
    assert (billed == 0) == (talk == 0)


VOLUME = Price("volume", (Band(0, D("0.20")), Band(50, D("0.18"), D(3)), Band(100, D("0.16"), D(1))))
GRADUATED = Price("graduated", (Band(0, D("0.20"), D(1)), Band(50, D("0.18")), Band(100, D("0.16"), D(2))))


@pytest.mark.parametrize(
    ("price", "seconds", "cost"),
    [
        (VOLUME, 0, "0"),
        (VOLUME, 49 * 60 + 59, "9.996666666666666666666666667"),
        (VOLUME, 50 * 60, "12.00"),
        (VOLUME, 100 * 60, "17.00"),
        (GRADUATED, 1, "1.003333333333333333333333333"),
        (GRADUATED, 50 * 60, "11.00"),
        (GRADUATED, 51 * 60, "11.18"),
        (GRADUATED, 100 * 60, "20.00"),
        (GRADUATED, 101 * 60, "22.16"),
        (Price("flat", (Band(0, D("0.15")),)), 101 * 60, "15.15"),
    ],
)
def test_prices_are_exact_up_to_the_division(price: Price, seconds: int, cost: str) -> None:
    """Band edges in billed seconds: volume reaches a band at `from`, graduated enters it beyond."""
    assert abs(price_of(price, seconds, 60) - D(cost)) < D("1e-24")


PRICES = st.sampled_from([VOLUME, GRADUATED, Price("flat", (Band(0, D("0.777")),)), None])


@given(PRICES, st.integers(0, 40), st.integers(0, 9000), st.integers(0, 9000))
def test_lines_of_a_meter_explain_the_difference_and_going_back_is_the_mirror(
    price: Price | None, allowance: int, before: int, after: int
) -> None:
    """At enough places the lines sum to the difference in price; taking the same units back sums to its negative."""
    meter = a_meter(None if price is None else allowance, price)
    there, back = (meter_lines(meter, *way, 9) for way in ((before, after), (after, before)))
    change = meter_price(meter, after) - meter_price(meter, before)
    assert abs(sum((line.amount for line in there), D(0)) - change) < D("1e-8")
    assert sum((line.amount for line in back), D(0)) == -sum((line.amount for line in there), D(0))
    counted = [line for line in there if line.meter == "minutes" and line.repriced_from is None]
    assert sum(line.quantity for line in counted) == after - before
    assert all(line.quantity == line.covered + line.billable for line in (*there, *back))
    assert all(line.rate is not None and line.rate >= 0 for line in (*there, *back))
