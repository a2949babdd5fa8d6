"""Lines that are too many are summed up, a line a meter."""

from __future__ import annotations

from decimal import Decimal

from rater.rating.lines import Line, summed_up


def test_summed_up_line_by_line() -> None:
    """Quantities add up, and what was only priced anew counts with its amount and no quantity."""
    lines = (
        Line("minutes", 90, 30, 60, Decimal("0.20"), Decimal("0.20")),
        Line("connected-calls", 1, 0, 1, Decimal(2), Decimal(2)),
        Line("minutes", 60, 0, 60, Decimal("0.18"), Decimal("0.18")),
        Line("minutes", 120, 0, 120, Decimal("0.16"), Decimal("-0.08"), repriced_from=Decimal("0.20")),
        Line("fee", 1, 0, 1, Decimal(9), Decimal(9), repriced_from=Decimal(8)),
    )
    assert summed_up(lines) == (
        Line("minutes", 150, 30, 120, None, Decimal("0.30")),
        Line("connected-calls", 1, 0, 1, None, Decimal(2)),
        Line("fee", 0, 0, 0, None, Decimal(9)),
    )
