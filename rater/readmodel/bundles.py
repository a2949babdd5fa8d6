"""Allowances that run out: accounts of a period that have used most of one, and have some left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, select

from rater.readmodel import tables
from rater.readmodel.overall import ALLOWANCE_KINDS
from rater.readmodel.tariffs import allowances_of

NEARLY = 80
"""Percent from which one runs out."""
LOOKED_AT = 200
"""Accounts that raised an alert last, of which the fullest are listed."""

alerts, periods = tables.alerts.c, tables.periods.c


class Bundle(NamedTuple):
    """An allowance of an account."""

    account: str
    period: str
    meter: str
    used: str
    whole: str
    percent: int


def bundles_running_out(connection: Connection, period: str, limit: int) -> list[Bundle]:
    """One an account, the fullest first."""
    newest = select(alerts.account).where(alerts.period == period, alerts.kind.in_(ALLOWANCE_KINDS))
    raised = connection.execute(newest.order_by(alerts.at.desc()).limit(LOOKED_AT)).scalars()
    wanted = select(periods.account, periods.plan, periods.allowance_left).where(periods.period == period)
    found: list[Bundle] = []
    for account, plan, left in connection.execute(wanted.where(periods.account.in_(set(raised)))):
        ours = _bundles(account, period, left, allowances_of(connection, account, plan))
        found += sorted(ours, key=lambda one: -one.percent)[:1]
    return sorted(found, key=lambda one: (-one.percent, one.account))[:limit]


def _bundles(
    account: str, period: str, allowance_left: Mapping[str, str], whole: Mapping[str, int]
) -> Iterator[Bundle]:
    for meter, left in allowance_left.items():
        if left == "unlimited" or meter not in whole or Decimal(left) <= 0:
            continue
        used = whole[meter] - Decimal(left)
        percent = int(100 * used / whole[meter])
        if percent >= NEARLY:
            yield Bundle(account, period, meter, f"{used:f}", f"{whole[meter]}", percent)
