"""What people ask of the read model. Each function reads one moment of it (`Store.read`)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, get_args
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection, Row, and_, case, func, or_, select

from rater.console import tables
from rater.console.store import Money, count, get_money
from rater.console.tariffs import band_of, zone_of
from rater.console.views import (
    AccountView,
    ConnectRate,
    DayView,
    Forecast,
    Overview,
    PeriodTotal,
    PeriodView,
    ReasonCount,
    RejectedView,
)
from rater.core.connect import interval, judged
from rater.core.instant import moment
from rater.core.money import plain
from rater.core.usage import Call
from rater.events.results import AlertKind

NO_MONEY = Money("", 2)
"""Of a read model without a charge."""

LONG_NUMBER = re.compile(r"[0-9]{5,}")
RECEIVED = 300

ALLOWANCE_KINDS = ("allowance-80", "allowance-100")
OTHER_KINDS = tuple(kind for kind in get_args(AlertKind) if kind not in ALLOWANCE_KINDS)

Rejection = tuple[tuple[int, int, int], RejectedView]
"""A rejected record, behind its cursor (time, partition, offset)."""

"""Characters that are shown of a rejected record."""

charges, periods, spends, alerts, rejected = (
    tables.charges.c,
    tables.periods.c,
    tables.spends.c,
    tables.alerts.c,
    tables.rejected.c,
)


def money_of(connection: Connection) -> Money:
    """How the log's amounts are kept."""
    return get_money(connection) or NO_MONEY


# --- accounts and periods


def accounts(connection: Connection, search: str = "", after: str = "", limit: int = 50) -> list[AccountView]:
    """Accounts whose id starts with `search`, by id, those behind `after`; each with its newest period."""
    newest = select(periods.account, func.max(periods.period).label("period")).where(periods.account > after)
    if search:
        newest = newest.where(periods.account.startswith(search, autoescape=True))
    page = newest.group_by(periods.account).order_by(periods.account).limit(limit).subquery()
    same = and_(periods.account == page.c.account, periods.period == page.c.period)
    rows = connection.execute(select(tables.periods).join(page, same).order_by(periods.account))
    money = money_of(connection)
    return [_account(money, row) for row in rows]


def top_accounts(connection: Connection, period: str, limit: int = 10) -> list[AccountView]:
    """The accounts with the highest totals in a period."""
    found = select(tables.periods).where(periods.period == period)
    rows = connection.execute(found.order_by(periods.total.desc(), periods.account).limit(limit))
    money = money_of(connection)
    return [_account(money, row) for row in rows]


def _account(money: Money, row: Row[Any]) -> AccountView:
    told = {name: getattr(row, name) for name in ("account", "period", "plan", "closed", "allowance_left")}
    return AccountView(total=money.words(row.total), currency=money.currency, **told)


def account_periods(connection: Connection, account: str) -> list[PeriodView]:
    """All the account's periods, the newest first; empty where nothing is known of it."""
    rows = connection.execute(
        select(tables.periods).where(periods.account == account).order_by(periods.period.desc())
    ).all()
    found = connection.execute(select(spends.period, spends.body).where(spends.account == account))
    told = {row.period: orjson.loads(row.body) for row in found}
    money, band = money_of(connection), band_of(connection)
    return [_period(money, band, row, told.get(row.period, {})) for row in rows]


def period(connection: Connection, account: str, name: str) -> PeriodView | None:
    """One of the account's periods."""
    return next((one for one in account_periods(connection, account) if one.period == name), None)


def _period(money: Money, band: tuple[Decimal, Decimal], row: Row[Any], spend: Mapping[str, Any]) -> PeriodView:
    forecast = spend.get("forecast")
    return PeriodView(
        account=row.account,
        period=row.period,
        start=spend.get("start"),
        end=spend.get("end"),
        time_zone=spend.get("time_zone"),
        currency=money.currency,
        total=money.words(row.total),
        fees=money.words(row.fees),
        manual=money.words(row.manual),
        charges=row.seq,
        plan=row.plan,
        closed=row.closed,
        connected_calls=row.calls,
        talk_seconds=row.talk,
        allowance_left=row.allowance_left,
        forecast=None if row.closed or forecast is None else Forecast(**forecast),
        spend_cap=spend.get("spend_cap"),
        connect_rate=connect_rate(row.connected, row.attempts, band, spend.get("guaranteed_connect_rate")),
    )


def connect_rate(connected: int, attempts: int, band: tuple[Decimal, Decimal], guaranteed: str | None) -> ConnectRate:
    """The rate, its interval, and what is to be thought of it."""
    around = interval(connected, attempts)
    return ConnectRate(
        attempts=attempts,
        connected=connected,
        rate=None if around is None else plain(around.rate),
        low=None if around is None else plain(around.low),
        high=None if around is None else plain(around.high),
        band=(plain(band[0]), plain(band[1])),
        verdict=judged(connected, attempts, band),
        guaranteed=guaranteed,
    )


def days(connection: Connection, account: str, name: str) -> list[DayView]:
    """What the calls of each local day cost; what is no call counts on the first day of the period."""
    told = period(connection, account, name)
    if told is None:
        return []
    zone = ZoneInfo(told.time_zone or zone_of(connection))
    first = name if len(name) > 7 else f"{name}-01"
    # Zones are off UTC by whole quarters of an hour: what falls into one of these falls into one day.
    quarter = func.coalesce(charges.at - charges.at % _QUARTER, -1).label("quarter")
    found = select(quarter, func.sum(charges.amount).label("amount"), func.count(charges.at).label("calls"))
    rows = connection.execute(found.where(charges.account == account, charges.period == name).group_by(quarter))
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        day = first if row.quarter < 0 else moment(int(row.quarter)).astimezone(zone).date().isoformat()
        sums[day][0] += int(row.amount)
        sums[day][1] += row.calls
    money = money_of(connection)
    return [DayView(day=day, amount=money.words(amount), calls=calls) for day, (amount, calls) in sorted(sums.items())]


_QUARTER = 15 * 60 * 1_000_000


# --- charges


def charges_of(
    connection: Connection, account: str, name: str, after: int = 0, limit: int = 100, *, newest: bool = False
) -> list[dict[str, Any]]:
    """Charges of a period as their messages, by their numbers from behind `after` on; `newest` counts down instead."""
    found = select(charges.body).where(charges.account == account, charges.period == name)
    if newest:
        found = found.where(charges.seq < after) if after else found
        found = found.order_by(charges.seq.desc())
    else:
        found = found.where(charges.seq > after).order_by(charges.seq)
    return [orjson.loads(row.body) for row in connection.execute(found.limit(limit))]


def charge(connection: Connection, charge_id: str) -> dict[str, Any] | None:
    """A charge as its message; None where there is none, or where it is no charge's id."""
    account, _, rest = charge_id.partition(":")
    name, _, seq = rest.partition(":")
    if not (seq.isascii() and seq.isdigit() and len(seq) < 18):
        return None
    found = select(charges.body).where(charges.account == account, charges.period == name, charges.seq == int(seq))
    body = connection.execute(found).scalar_one_or_none()
    return None if body is None else orjson.loads(body)


def calls_by_month(connection: Connection, account: str) -> dict[str, dict[Call, int]]:
    """How many calls of each kind every period has, without those that were voided."""
    times = func.sum(case((charges.kind == "reversal", -1), else_=1)).label("times")
    kind = (charges.period, charges.direction, charges.connected, charges.talk)
    found = select(*kind, times).where(charges.account == account, charges.at.is_not(None)).group_by(*kind)
    months: dict[str, dict[Call, int]] = defaultdict(dict)
    for row in connection.execute(found):
        if row.times:
            months[row.period][Call(row.direction or "outbound", bool(row.connected), int(row.talk))] = int(row.times)
    return months


# --- alerts and rejections


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


def rejections(
    connection: Connection, reason: str | None = None, before: tuple[int, int, int] | None = None, limit: int = 50
) -> list[Rejection]:
    """Rejected records, the newest first, those behind the cursor `before`."""
    found = select(tables.rejected)
    if reason is not None:
        found = found.where(rejected.reason == reason)
    if before is not None:
        at, part, offset = before
        same = and_(rejected.at == at, rejected.partition == part)
        found = found.where(
            or_(
                rejected.at < at,
                and_(rejected.at == at, rejected.partition < part),
                and_(same, rejected.offset < offset),
            )
        )
    order = (rejected.at.desc(), rejected.partition.desc(), rejected.offset.desc())
    rows = connection.execute(found.order_by(*order).limit(limit))
    return [((row.at, row.partition, row.offset), _rejected(row)) for row in rows]


def _rejected(row: Row[Any]) -> RejectedView:
    at = datetime.fromtimestamp(row.at / 1000, UTC).isoformat(timespec="milliseconds")
    received = _received(orjson.loads(row.body).get("value"))
    return RejectedView(place=row.place, at=at, reason=row.reason, detail=row.detail, received=received)


def _received(value: str | Mapping[str, Any] | None) -> str:
    if value is None:
        return ""
    data = b64decode(value if isinstance(value, str) else value["start"])[: RECEIVED * 2]
    text = "".join(sign if sign.isprintable() else "·" for sign in data.decode(errors="replace")).replace("�", "·")
    return LONG_NUMBER.sub(lambda found: "*" * (len(found[0]) - 2) + found[0][-2:], text)[:RECEIVED]


# --- everything


def overview(connection: Connection, now: datetime) -> Overview:
    """The figures of the first page; `now` says which day is today, in the tariff book's zone."""
    money = money_of(connection)
    today = now.astimezone(ZoneInfo(zone_of(connection))).replace(hour=0, minute=0, second=0, microsecond=0)
    flow = tables.flow.c
    since = flow.minute >= int(today.timestamp()) // 60
    charged, number = connection.execute(select(func.sum(flow.amount), func.sum(flow.charges)).where(since)).one()
    newest = (
        select(periods.period, func.sum(periods.total).label("total"), func.count().label("accounts"))
        .group_by(periods.period)
        .order_by(periods.period.desc())
        .limit(3)
    )
    told = tuple(
        PeriodTotal(period=row.period, total=money.words(row.total), accounts=row.accounts)
        for row in connection.execute(newest)
    )
    every = select(func.count(func.distinct(periods.account)))
    told_of = totals(connection)
    return Overview(
        currency=money.currency or None,
        charged_today=money.words(charged),
        charges_today=int(number or 0),
        periods=told,
        accounts=connection.execute(every).scalar_one(),
        charges=told_of.charges,
        alerts=count(connection, tables.alerts),
        rejected=told_of.rejected,
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
    summed = connection.execute(select(func.sum(tables.flow.c.amount))).scalar_one()
    said = connection.execute(select(func.sum(periods.total))).scalar_one()
    return money_of(connection).amount(int(summed or 0) - int(said or 0))


def flow(connection: Connection, now: datetime, minutes: int = 60) -> list[tuple[int, Decimal, int]]:
    """(minute since 1970, amount, charges) of the last minutes; those without a charge are there too."""
    last = int((now + timedelta(seconds=1)).timestamp()) // 60
    told = tables.flow.c
    rows = connection.execute(select(tables.flow).where(told.minute > last - minutes))
    found = {row.minute: (row.amount, row.charges) for row in rows}
    money = money_of(connection)
    return [
        (minute, money.amount(found.get(minute, (0, 0))[0]), found.get(minute, (0, 0))[1])
        for minute in range(last - minutes + 1, last + 1)
    ]
