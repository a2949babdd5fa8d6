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

Measure = Literal["units", "money", "share"]


class Alert(NamedTuple):
    """`value` has reached or passed `limit`; `meter` for an allowance, `around` for a connect rate."""

    kind: str
    measure: Measure
    value: Decimal | int
    """Base units of the meter, money or a share."""
    limit: Decimal
    """Units of the meter, money or a share."""
    meter: Meter | None = None
    around: Interval | None = None

    @property
    def mark(self) -> str:
        """What tells it from the period's other alerts."""
        return self.kind if self.meter is None else f"{self.kind}:{self.meter.name}"


def usage_alerts(account: Account, usage: Usage, plan_of: PlanOfSegment, at: Instant) -> Iterator[Alert]:
    """What the usage as it is now shows and was not raised before; `at` is the instant of the event."""
    raised = usage.alerts
    for segment in usage.segments:
        for meter in plan_of(segment).meters:
            if meter.allowance:
                yield from _allowance(meter, meter.allowance, segment.counts[meter.slot], raised)
    if CAP not in raised:
        cap = in_effect(account.history, "spend_cap", min(max(at, usage.start), usage.end - 1))
        if cap is not None and usage.seq and usage.total >= cap:
            yield Alert(CAP, "money", usage.total, cap)


def cannot_alert(account: Account, plan: Plan, segment: Segment, raised: tuple[str, ...]) -> bool:
    """Whether a call in this segment can raise no alert: a cheap check that nearly every call passes."""
    for meter in plan.meters:
        if not meter.allowance:
            continue
        used, whole = segment.counts[meter.slot], meter.allowance * meter.unit.per
        if used * 5 < whole * 4 or f"{ALLOWANCE_100}:{meter.name}" in raised:
            continue
        if used >= whole or f"{ALLOWANCE_80}:{meter.name}" not in raised:
            return False
    return not account.watched


def _allowance(meter: Meter, allowance: int, used: int, raised: tuple[str, ...]) -> Iterator[Alert]:
    whole = allowance * meter.unit.per
    if used * 5 < whole * 4:
        return
    for kind, fifths in ((ALLOWANCE_80, 4), (ALLOWANCE_100, 5)):
        if used * 5 >= whole * fifths and f"{kind}:{meter.name}" not in raised:
            yield Alert(kind, "units", used, Decimal(allowance * fifths) / 5, meter)


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
