"""What a day's end shows, figure by figure."""

from __future__ import annotations

from decimal import Decimal

from rater.rating.account import Account, Subscription
from rater.rating.alerts import Alert, daily_alerts
from rater.rating.calendar import Calendar
from rater.rating.connect_rate import interval
from rater.rating.forecast import Forecast
from rater.rating.names import PeriodName, PlanId
from rater.rating.usage import Segment, Usage

CAP, GUARANTEED = Decimal("100.00"), Decimal("0.70")
ACCOUNT = Account(Calendar("UTC"), (Subscription("s", "", None, 0, spend_cap=CAP, guaranteed_connect_rate=GUARANTEED),))
USAGE = Usage(
    PeriodName("2026-11"), 0, 1000, (Segment(0, PlanId("p@1"), inline=False),), seq=100, attempts=100, connected=70
)


def shown(usage: Usage, total: str | None, at: int = 200) -> list[Alert]:
    expected = None if total is None else Forecast(Decimal(total), Decimal(0), Decimal(999))
    return list(daily_alerts(ACCOUNT, usage, expected, at))


def test_a_forecast_beyond_the_cap() -> None:
    """More than the cap, from the 100th charge on, when a fifth of the period is over, and once."""
    beyond = [Alert("forecast-beyond-cap", "money", Decimal("100.01"), CAP)]
    assert shown(USAGE, "100.01") == beyond
    assert shown(USAGE, "100.00") == []
    assert shown(USAGE, None) == []
    assert shown(USAGE._replace(seq=99), "100.01") == []
    assert shown(USAGE, "100.01", at=199) == []
    assert shown(USAGE._replace(alerts=("forecast-beyond-cap",)), "100.01") == []
    assert shown(USAGE._replace(alerts=("spend-cap-reached",)), "100.01") == []
    assert shown(USAGE, "100.01", at=1000) == beyond


def test_a_connect_rate_below_the_guarantee() -> None:
    """The whole interval lies below, from 100 attempts on, and once."""
    around = interval(60, 100)
    assert around is not None
    assert around.high < GUARANTEED
    low = USAGE._replace(connected=60)
    assert shown(low, None) == [
        Alert("connect-rate-below-guarantee", "share", Decimal("0.600000"), GUARANTEED, around=around)
    ]
    assert shown(USAGE, None) == []
    assert shown(low._replace(attempts=99, connected=10), None) == []
    assert shown(low._replace(alerts=("connect-rate-below-guarantee",)), None) == []
