"""What people ask of everything in the read model: alerts, rejections, and the figures of the first page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, get_args
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection, and_, func, or_, select

from rater.rating.money import plain
from rater.readmodel import tables
from rater.readmodel.queries import money_of
from rater.readmodel.rejected import item_counts
from rater.readmodel.store import count
from rater.readmodel.tariffs import zone_of
from rater.readmodel.units import units_sum
from rater.readmodel.views import Overview, PeriodTotal, ReasonCount, RejectedStates
from rater.wire.results import AlertKind

ALLOWANCE_KINDS = ("allowance-80", "allowance-100")
OTHER_KINDS = tuple(kind for kind in get_args(AlertKind) if kind not in ALLOWANCE_KINDS)

alerts = tables.alerts.c


def alerts_of(
    connection: Connection,
    account: str | None = None,
    before: tuple[int, str] | None = None,
    limit: int = 50,
    *,
    kinds: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Alerts as their messages, the newest first; `before` is the (instant, id) behind which to go on."""
    found = select(alerts.body)
    if kinds is not None:
        found = found.where(alerts.kind.in_(kinds))
    if account is not None:
        found = found.where(alerts.account == account)
    if before is not None:
        at, ident = before
        found = found.where(or_(alerts.at < at, and_(alerts.at == at, alerts.alert_id < ident)))
    rows = connection.execute(found.order_by(alerts.at.desc(), alerts.alert_id.desc()).limit(limit))
    return [orjson.loads(row.body) for row in rows]


def overview(connection: Connection, now: datetime) -> Overview:
    """The figures of the first page; `now` says which day is today, in the tariff book's zone."""
    money = money_of(connection)
    today = now.astimezone(ZoneInfo(zone_of(connection))).replace(hour=0, minute=0, second=0, microsecond=0)
    flow = tables.flow.c
    since = flow.minute >= int(today.timestamp()) // 60
    charged, number = connection.execute(select(units_sum(flow.amount), func.sum(flow.charges)).where(since)).one()
    newest = select(tables.sums).order_by(tables.sums.c.period.desc()).limit(3)
    newest_periods = tuple(
        PeriodTotal(period=row.period, total=money.plain(row.total), accounts=row.accounts)
        for row in connection.execute(newest)
    )
    told_of = totals(connection)
    return Overview(
        currency=money.currency or None,
        charged_today=money.plain(charged),
        charges_today=int(number or 0),
        periods=newest_periods,
        accounts=count(connection, tables.accounts),
        charges=told_of.charges,
        alerts=count(connection, tables.alerts),
        rejected=told_of.rejected,
        rejected_states=RejectedStates(**item_counts(connection)),
        residue=plain(residue(connection)),
    )


class Totals(NamedTuple):
    """Of the whole read model."""

    charges: int
    periods: int
    rejected: tuple[ReasonCount, ...]
    """The most frequent first."""


def totals(connection: Connection) -> Totals:
    """How much there is."""
    ours = tables.reasons.c
    reasons = connection.execute(select(tables.reasons).order_by(ours.times.desc(), ours.reason))
    charged = connection.execute(select(func.sum(tables.flow.c.charges))).scalar_one()
    rejected = tuple(ReasonCount(reason=row.reason, times=row.times) for row in reasons)
    return Totals(int(charged or 0), count(connection, tables.periods), rejected)


def residue(connection: Connection) -> Decimal:
    """What charges sum to, less what their periods' totals say."""
    summed = connection.execute(select(units_sum(tables.flow.c.amount))).scalar_one()
    said = connection.execute(select(units_sum(tables.sums.c.total))).scalar_one()
    return money_of(connection).amount(int(summed or 0) - int(said or 0))


def flow(connection: Connection, now: datetime, minutes: int = 60) -> list[tuple[int, Decimal, int]]:
    """(minute since 1970, amount, charges) of the last minutes; those without a charge are there too."""
    last = int((now + timedelta(seconds=1)).timestamp()) // 60
    at = tables.flow.c
    rows = connection.execute(select(tables.flow).where(at.minute > last - minutes))
    found = {row.minute: (row.amount, row.charges) for row in rows}
    money = money_of(connection)
    return [
        (minute, money.amount(found.get(minute, (0, 0))[0]), found.get(minute, (0, 0))[1])
        for minute in range(last - minutes + 1, last + 1)
    ]
