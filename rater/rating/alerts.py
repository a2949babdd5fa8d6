"""What a person should know of an account's period, each once (rating.md, "Judging plans and connect rates").

What an event shows (allowances, the spend cap) is looked at after each change of the usage; what would cry wolf after
every call (the forecast, the connect rate) at the first tick of a local day, when there is enough to judge by.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal, NamedTuple

from rater.rating.account import Account, in_effect
from rater.rating.book import Meter, Plan
from rater.rating.connect_rate import Interval, interval
from rater.rating.forecast import Forecast, PlanOfSegment
from rater.rating.instant import Instant
from rater.rating.lines import CALLS, MINUTES
from rater.rating.money import SECONDS_PER_MINUTE
from rater.rating.usage import Segment, Usage

MIN_ATTEMPTS = 100
"""Calls of a period before its connect rate or forecast is judged."""
MIN_SHARE = 5
"""A fifth of the period must be over by then."""

ALLOWANCE_80 = "allowance-80"
ALLOWANCE_100 = "allowance-100"
CAP = "spend-cap-reached"
FORECAST = "forecast-beyond-cap"
CONNECT = "connect-rate-below-guarantee"

_MINUTES_80 = f"{ALLOWANCE_80}:{MINUTES}"
_MINUTES_100 = f"{ALLOWANCE_100}:{MINUTES}"

Unit = Literal["minutes", "calls", "money", "share"]


class Alert(NamedTuple):
    """`value` has reached or passed `limit`; `meter` for an allowance, `around` for a connect rate."""

    kind: str
    unit: Unit
    value: Decimal | int
    """Billed seconds, calls, money or a share."""
    limit: Decimal
    """Minutes, calls, money or a share."""
    meter: str | None = None
    around: Interval | None = None

    @property
    def mark(self) -> str:
        """What tells it from the period's other alerts."""
        return self.kind if self.meter is None else f"{self.kind}:{self.meter}"


def usage_alerts(account: Account, usage: Usage, plan_of: PlanOfSegment, at: Instant) -> Iterator[Alert]:
    """What the usage as it is now shows and was not raised before; `at` is the instant of the event."""
    raised = usage.alerts
    for segment in usage.segments:
        plan = plan_of(segment)
        if plan.minutes is not None and plan.minutes.allowance:
            yield from _allowance(MINUTES, plan.minutes, segment.seconds, SECONDS_PER_MINUTE, raised)
        if plan.calls is not None and plan.calls.allowance:
            yield from _allowance(CALLS, plan.calls, segment.calls, 1, raised)
    if CAP not in raised:
        cap = in_effect(account.history, "spend_cap", min(max(at, usage.start), usage.end - 1))
        if cap is not None and usage.seq and usage.total >= cap:
            yield Alert(CAP, "money", usage.total, cap)


def cannot_alert(account: Account, plan: Plan, segment: Segment, raised: tuple[str, ...]) -> bool:
    """Whether a call in this segment can raise no alert: a cheap check that nearly every call passes."""
    minutes, calls = plan.minutes, plan.calls
    if minutes is not None and minutes.allowance and segment.seconds * 5 >= minutes.allowance * 240:
        rest = segment.seconds < minutes.allowance * 60 and _MINUTES_80 in raised
        if not rest and _MINUTES_100 not in raised:
            return False
    if calls is not None and calls.allowance and segment.calls * 5 >= calls.allowance * 4:
        return False
    return not account.watched


def _allowance(name: str, meter: Meter, used: int, per: int, raised: tuple[str, ...]) -> Iterator[Alert]:
    assert meter.allowance is not None  # noqa: S101 - an unlimited one never runs out
    whole = meter.allowance * per
    if used * 5 < whole * 4:
        return
    unit: Unit = "minutes" if name == MINUTES else "calls"
    for kind, fifths in ((ALLOWANCE_80, 4), (ALLOWANCE_100, 5)):
        if used * 5 >= whole * fifths and f"{kind}:{name}" not in raised:
            yield Alert(kind, unit, used, Decimal(meter.allowance * fifths) / 5, name)


def daily_alerts(account: Account, usage: Usage, expected: Forecast | None, at: Instant) -> Iterator[Alert]:
    """What the end of a local day shows, `at` that midnight: when a fifth of the period is over, from 100 calls on."""
    if (at - usage.start) * MIN_SHARE < usage.end - usage.start:
        return
    then = min(at, usage.end - 1)
    raised = usage.alerts
    if FORECAST not in raised and CAP not in raised and expected is not None and usage.seq >= MIN_ATTEMPTS:
        cap = in_effect(account.history, "spend_cap", then)
        if cap is not None and expected.total > cap:
            yield Alert(FORECAST, "money", expected.total, cap)
    if CONNECT not in raised and usage.attempts >= MIN_ATTEMPTS:
        guaranteed = in_effect(account.history, "guaranteed_connect_rate", then)
        around = interval(usage.connected, usage.attempts)
        if guaranteed is not None and around is not None and around.high < guaranteed:
            yield Alert(CONNECT, "share", around.rate, guaranteed, around=around)
