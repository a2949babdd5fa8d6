"""The account's chart by days: bars of calls, what the month comes to up to today, and the way to the forecast."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rater.console.pages.charts import DaySpan, DaySums, Names, by_day
from rater.readmodel.views import Forecast

NAMES = Names("day", "so far", "cap", "forecast", "between")
DAYS = [f"2026-11-{day:02}" for day in range(1, 31)]
FEE_AND_A_CALL = {
    "2026-11-01": DaySums(other=Decimal("100.00")),
    "2026-11-05": DaySums(calls=Decimal("2.50")),
}


def series(today: str, forecast: Forecast | None = None, cap: str | None = None) -> dict[str, Any]:
    chart = by_day(NAMES, DaySpan(DAYS, today), FEE_AND_A_CALL, forecast, cap, dark=False)
    return {one["name"]: one for one in chart["series"]}


@pytest.mark.parametrize(
    ("today", "told"),
    [
        ("2026-11-20", 20),  # half way
        ("2026-12-08", 30),  # over
        ("2026-11-03", 5),  # a call of a clock that is ahead is told too
    ],
)
def test_what_it_comes_to_is_told_up_to_today(today: str, told: int) -> None:
    """Days without calls too: who has a fee alone owes it all the month."""
    found = series(today)
    assert found["day"]["data"] == (["0"] * 4 + ["2.50"] + ["0"] * 25)[:told]
    assert found["so far"]["data"] == (["100.00"] * 4 + ["102.50"] * 26)[:told]


def test_the_forecast_begins_today() -> None:
    found = series("2026-11-20", Forecast(total="112.50", low="102.50", high="122.50"))
    ahead = found["forecast"]["data"]
    assert ahead[:19] == [None] * 19
    assert (ahead[19], ahead[24], ahead[29]) == ("102.50", "107.50", "112.50")
    assert found["between"]["data"][29] == "20.00"


def test_a_month_that_is_over_has_no_forecast() -> None:
    assert "forecast" not in series("2026-12-01", Forecast(total="112.50", low="102.50", high="122.50"))


def test_the_cap_is_drawn() -> None:
    (rule,) = series("2026-11-20", cap="1500.00")["so far"]["markLine"]["data"]
    assert (rule["yAxis"], rule["label"]["formatter"]) == ("1500.00", "cap 1,500.00")
