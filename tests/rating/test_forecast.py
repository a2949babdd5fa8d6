"""The forecast of a period: worked figures, and what holds of any."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from statistics import mean, stdev

from hypothesis import given
from hypothesis import strategies as st

from rater.rating.book import Band, Plan, Price
from rater.rating.calendar import Calendar, midnight_after, period_at
from rater.rating.forecast import Forecast, Owed, forecast, looked
from rater.rating.instant import SECOND, instant
from rater.rating.names import PlanId
from rater.rating.usage import Segment, Usage, plus, used
from tests.support.plans import a_meter, a_plan, counts

FLAT = Price("flat", (Band(0, Decimal("0.20")),))
BERLIN = Calendar("Europe/Berlin")
"""October 2026 has 31 days, one of them with 25 hours."""
PER_MINUTE = a_plan("m@1", Decimal(0), "none", a_meter(0, FLAT), None)


def month(days: list[int], plan: Plan = PER_MINUTE) -> Usage:
    """October as it stands after so many days, each with so many minutes."""
    period = period_at(BERLIN, instant(datetime.fromisoformat("2026-10-15T12:00:00+02:00")))
    usage = Usage(period.name, period.start, period.end, (Segment(period.start, PlanId(plan.id), inline=False),))
    then = period.start
    for minutes in days:
        usage = talking(usage, plan, minutes)
        then = midnight_after(BERLIN, then)
        usage = looked(usage, BERLIN, then)
    return usage


def talking(usage: Usage, plan: Plan, minutes: int) -> Usage:
    """The usage with so many more minutes."""
    (segment,) = usage.segments
    after = used(plan, segment, plus(segment.counts, counts(60 * minutes, 0)), 2)
    return usage._replace(segments=(after,), total=usage.total + after.cost - segment.cost)


def told(usage: Usage, plan: Plan = PER_MINUTE) -> Forecast | None:
    fees = {segment.start: plan.fee for segment in usage.segments}
    return forecast(usage, BERLIN, lambda _: plan, lambda: Owed(sum(fees.values(), Decimal(0)), fees), 2)


def test_days_that_are_all_alike_leave_no_doubt() -> None:
    """10 minutes a day for 31 days at 0.20, over the night of 25 hours: 62.00."""
    for days in (2, 10, 30, 31):
        assert told(month([10] * days)) == (Decimal("62.00"),) * 3


def test_one_day_tells_nothing() -> None:
    """How days differ shows from the second on."""
    assert told(month([])) is None
    assert told(month([10])) is None


def test_a_worked_interval() -> None:
    """Ten days of 10 and 14 minutes by turns: 120 + 21 x 12 = 372 minutes, 74.40; s = 2.1082 and t = 2.262, so 21 days
    more lie within 2.262 x 2.1082 x sqrt(21 + 441 / 10) = 38.47 minutes, 7.69."""
    days = [10, 14] * 5
    wide = 2.262 * stdev(days) * (21 + 21 * 21 / 10) ** 0.5
    assert round(wide, 2) == 38.48
    found = told(month(days))
    assert found is not None
    assert found.total == Decimal("74.40")
    assert abs(found.high - found.total - Decimal("7.70")) <= Decimal("0.01")
    assert abs(found.total - found.low - Decimal("7.70")) <= Decimal("0.01")


def test_an_allowance_bends_it() -> None:
    """300 minutes included: 12 minutes a day come to 372, of which 72 cost 14.40; the fee is paid or known to come."""
    plan = a_plan("p@1", Decimal(50), "none", a_meter(300, FLAT), None)
    assert told(month([12] * 10, plan), plan) == (Decimal("64.40"),) * 3
    paid = month([12] * 10, plan)._replace(fees=Decimal(50), total=Decimal(50))
    assert told(paid, plan) == (Decimal("64.40"),) * 3


@given(st.lists(st.integers(0, 500), min_size=2, max_size=30), st.integers(0, 500))
def test_it_lies_within_its_interval_and_never_below_what_is_spent(days: list[int], today: int) -> None:
    """Whatever the days brought, and however much the day that is not over yet."""
    usage = talking(month(days), PER_MINUTE, today)
    found = told(usage)
    assert found is not None
    assert usage.total <= found.low <= found.total <= found.high
    if today == 0:
        assert abs(found.total - Decimal(mean(days) * 31 * 20) / 100) < Decimal("0.02")


@given(st.lists(st.integers(0, 500), min_size=31, max_size=31))
def test_at_the_end_it_is_what_was_spent(days: list[int]) -> None:
    """When all days were looked at nothing is left to expect."""
    usage = month(days)
    assert told(usage) == (usage.total,) * 3


def test_days_without_a_look_are_shared_out() -> None:
    """After three days without a tick, 30 minutes count as 10 a day."""
    usage = talking(month([10, 10]), PER_MINUTE, 30)
    three_later = instant(datetime.fromisoformat("2026-10-06T00:00:00+02:00"))
    assert told(looked(usage, BERLIN, three_later)) == (Decimal("62.00"),) * 3
    assert looked(usage, BERLIN, usage.looks.until + 3600 * SECOND) is usage


BY_CALL = a_plan("c@1", Decimal(0), "none", None, a_meter(0, Price("flat", (Band(0, Decimal(1)),))))


def calling(days: list[int]) -> Usage:
    """October as it stands after so many days, each with so many connected calls at 1.00."""
    usage, then = month([], BY_CALL), 0
    then = usage.start
    for calls in days:
        (segment,) = usage.segments
        after = used(BY_CALL, segment, plus(segment.counts, counts(0, calls)), 2)
        usage = usage._replace(segments=(after,), total=usage.total + calls)
        then = midnight_after(BERLIN, then)
        usage = looked(usage, BERLIN, then)
    return usage


def test_calls_are_forecast_as_minutes_are() -> None:
    """10 and 14 calls by turns over ten days come to 372, 372.00, give or take 38.47; alike days leave no doubt."""
    assert told(calling([10] * 10), BY_CALL) == (Decimal("310.00"),) * 3
    found = told(calling([10, 14] * 5), BY_CALL)
    assert found is not None
    assert found.total == Decimal("372.00")
    assert abs(found.high - found.total - Decimal("38.47")) <= 1
    assert abs(found.total - found.low - Decimal("38.47")) <= 1


def test_the_days_of_a_segment_are_its_own() -> None:
    """Ten minutes a day up to the 11th, then twenty under another plan: 100 + 21 x 20 = 520 minutes, 104.00."""
    usage = month([10] * 10)
    eleventh = usage.looks.until
    usage = usage._replace(segments=(*usage.segments, Segment(eleventh, PlanId("m@2"), inline=False)))
    then = eleventh
    for _ in range(2):
        *earlier, last = usage.segments
        after = used(PER_MINUTE, last, plus(last.counts, counts(1200, 0)), 2)
        usage = usage._replace(segments=(*earlier, after), total=usage.total + after.cost - last.cost)
        then = midnight_after(BERLIN, then)
        usage = looked(usage, BERLIN, then)
    assert (usage.looks.since, usage.looks.days, usage.looks.counts) == (eleventh, 2, counts(2400, 0))
    assert told(usage) == (Decimal("104.00"),) * 3


def test_a_plan_that_is_to_come_takes_the_days_that_are_its_own() -> None:
    """Ten minutes a day at 0.20 for 10 days, then 1.00 from the 21st: 40.00 up to then, 110.00 after."""
    usage = month([10] * 10)
    day = 86_400_000_000
    twenty_first = usage.start + 20 * day
    dear = a_plan("d@1", Decimal(0), "none", a_meter(0, Price("flat", (Band(0, Decimal(1)),))), None)
    usage = usage._replace(segments=(*usage.segments, Segment(twenty_first, PlanId(dear.id), inline=False)))
    plans = {dear.id: dear, PER_MINUTE.id: PER_MINUTE}
    assert (
        forecast(usage, BERLIN, lambda segment: plans[segment.plan_id], lambda: Owed(Decimal(0), {}), 2)
        == (Decimal("150.00"),) * 3
    )
