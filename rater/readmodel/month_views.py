"""What the read model answers of a month over all accounts. Amounts are decimals as strings."""

from __future__ import annotations

from typing import Literal

from rater.readmodel.views import View


class MonthPeriod(View):
    """An account's period among all of its month."""

    account: str
    period: str
    currency: str
    total: str
    usage: str
    fees: str
    """Fees, and what the period was short of a minimum; part of the total."""
    adjustments: str
    """Manual adjustments, and the credits of guarantees; part of the total."""
    previous: str | None
    """The total of the account's period a month before; null where it had none."""
    change: str
    """The total less the previous one."""
    state: Literal["running", "closed"]
    plan: str | None
    charges: int
    connected_calls: int
    talk_seconds: int
    allowance_left: dict[str, str]


class MonthTotals(View):
    """What the periods of a month come to together."""

    month: str
    currency: str | None
    accounts: int
    """Periods: an account has one, whatever its billing day."""
    closed: int
    total: str
    usage: str
    fees: str
    adjustments: str
    previous: str
    """What the same accounts came to a month before."""
    change: str
