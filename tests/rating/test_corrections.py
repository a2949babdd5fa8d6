"""Taking back, and posting by hand: every figure of the charge and of the usage after it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rater.rating.book import Band, Price
from rater.rating.corrections import adjust, reverse_call
from rater.rating.lines import Line
from rater.rating.names import PeriodName, PlanId
from rater.rating.units import Call
from rater.rating.usage import Segment, Usage, used
from tests.support.plans import a_meter, a_plan, counts

PLAN = a_plan(
    "p@1",
    Decimal(0),
    "none",
    a_meter(0, Price("flat", (Band(0, Decimal("0.20")),))),
    a_meter(0, Price("flat", (Band(0, Decimal(1)),))),
)
SEGMENT = used(PLAN, Segment(0, PlanId("p@1"), inline=False), counts(180, 2), 2)
USAGE = Usage(
    PeriodName("2026-11"),
    0,
    100,
    (SEGMENT, Segment(50, PlanId("q@1"), inline=False)),
    7,
    Decimal("3.00"),
    attempts=5,
    connected=2,
)


@pytest.mark.parametrize(
    ("call", "left", "amount", "attempts", "connected"),
    [
        (Call("outbound", connected=True, talk=61), (60, 1), "-1.40", 4, 1),
        (Call("inbound", connected=True, talk=61), (60, 1), "-1.40", 5, 2),
        (Call("outbound", connected=False, talk=0), (180, 2), "0.00", 4, 2),
    ],
)
def test_a_call_taken_back(call: Call, left: tuple[int, int], amount: str, attempts: int, connected: int) -> None:
    """Three minutes and two calls at 0.20 and 1.00, less a call of two minutes; the other segment stays."""
    found = reverse_call(PLAN, USAGE, 0, call, 2)
    first, second = found.usage.segments
    assert first.counts == counts(*left)
    assert second == USAGE.segments[1]
    assert (str(found.amount), str(found.usage.total)) == (amount, str(Decimal("3.00") + Decimal(amount)))
    assert (found.kind, found.usage.seq) == ("reversal", 8)
    assert (found.usage.attempts, found.usage.connected) == (attempts, connected)
    assert sum((line.amount for line in found.lines), Decimal(0)) == Decimal(amount)


def test_a_call_that_is_in_no_segment_moves_no_units() -> None:
    """It counts as an attempt no more, and costs nothing."""
    found = reverse_call(PLAN, USAGE, 0, Call("outbound", connected=True, talk=61), 2, uncounted=True)
    assert (found.usage.segments, found.amount) == (USAGE.segments, Decimal(0))
    assert (found.usage.attempts, found.usage.connected) == (4, 1)


def test_an_amount_by_hand_is_one_line_of_one_piece() -> None:
    """It says itself as rate and amount, and moves no units."""
    found = adjust(PLAN, USAGE, 1, Decimal("-12.00"))
    assert found.lines == (Line("adjustment", 1, 0, 1, Decimal("-12.00"), Decimal("-12.00")),)
    assert (found.kind, found.amount, found.segment) == ("adjustment", Decimal("-12.00"), USAGE.segments[1])
    assert found.usage == USAGE._replace(seq=8, total=Decimal("-9.00"), manual=Decimal("-12.00"))
