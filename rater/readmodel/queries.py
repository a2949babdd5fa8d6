"""What people ask of the read model. Each function reads one moment of it (`Store.read`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection, Row, and_, case, func, or_, select

from rater.rating.classes import Classes
from rater.rating.connect_rate import interval, judged
from rater.rating.instant import moment
from rater.rating.money import plain
from rater.rating.units import OTHER, UNKNOWN, AnsweredBy, Call
from rater.readmodel import tables
from rater.readmodel.store import Money, get_money
from rater.readmodel.tariffs import band_of, zone_of
from rater.readmodel.units import units_sum
from rater.readmodel.views import (
    AccountView,
    ConnectRate,
    DayView,
    Forecast,
    GuaranteeState,
    PeriodView,
)

NO_MONEY = Money("", 2)
"""Of a read model without a charge."""

charges, periods, spends = tables.charges.c, tables.periods.c, tables.spends.c


def money_of(connection: Connection) -> Money:
    """How the log's amounts are kept."""
    return get_money(connection) or NO_MONEY


# --- accounts and periods


def accounts(connection: Connection, search: str = "", after: str = "", limit: int = 50) -> list[AccountView]:
    """Accounts whose id has `search` somewhere, by id, those behind `after`; each with its newest period."""
    newest = select(periods.account, func.max(periods.period).label("period")).where(periods.account > after)
    if search:
        newest = newest.where(periods.account.icontains(search, autoescape=True))
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
    fields = {name: getattr(row, name) for name in ("account", "period", "plan", "closed", "allowance_left")}
    return AccountView(total=money.plain(row.total), currency=money.currency, **fields)


def account_periods(connection: Connection, account: str) -> list[PeriodView]:
    """All the account's periods, the newest first; empty where nothing is known of it."""
    rows = connection.execute(
        select(tables.periods).where(periods.account == account).order_by(periods.period.desc())
    ).all()
    found = connection.execute(select(spends.period, spends.body).where(spends.account == account))
    latest = {row.period: orjson.loads(row.body) for row in found}
    money, band = money_of(connection), band_of(connection)
    return [_period(money, band, row, latest.get(row.period, {})) for row in rows]


def period(connection: Connection, account: str, name: str) -> PeriodView | None:
    """One of the account's periods."""
    return next((one for one in account_periods(connection, account) if one.period == name), None)


def closed_at(connection: Connection, account: str, name: str) -> int | None:
    """When a period was closed: the record time of its closing in ms; None while it runs."""
    wanted = select(periods.closed_at).where(periods.account == account, periods.period == name)
    return connection.execute(wanted).scalar_one_or_none()


def _period(money: Money, band: tuple[Decimal, Decimal], row: Row[Any], spend: Mapping[str, Any]) -> PeriodView:
    forecast = spend.get("forecast")
    return PeriodView(
        account=row.account,
        period=row.period,
        start=spend.get("start"),
        end=spend.get("end"),
        time_zone=spend.get("time_zone"),
        currency=money.currency,
        total=money.plain(row.total),
        fees=money.plain(row.fees),
        manual=money.plain(row.manual),
        charges=row.seq,
        plan=row.plan,
        closed=row.closed,
        connected_calls=row.calls,
        talk_seconds=row.talk,
        allowance_left=row.allowance_left,
        forecast=None if row.closed or forecast is None else Forecast(**forecast),
        spend_cap=spend.get("spend_cap"),
        connect_rate=connect_rate(*_outbound(row, spend), band, spend.get("guaranteed_connect_rate")),
        guarantee=GuaranteeState(**spend["guarantee"]) if "guarantee" in spend else None,
    )


def _outbound(row: Any, spend: Mapping[str, Any]) -> tuple[int, int]:
    """Connected ones, and all: as the spend says, which goes by the plans that the period is rated under now."""
    said = spend.get("connect_rate")
    return (row.connected, row.attempts) if said is None else (said["connected"], said["attempts"])


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
    view = period(connection, account, name)
    if view is None:
        return []
    zone = ZoneInfo(view.time_zone or zone_of(connection))
    first = name if len(name) > 7 else f"{name}-01"
    # Zones are off UTC by whole quarters of an hour: what falls into one of these falls into one day.
    quarter = func.coalesce(charges.at - charges.at % _QUARTER, -1).label("quarter")
    found = select(quarter, units_sum(charges.amount).label("amount"), func.count(charges.at).label("calls"))
    rows = connection.execute(found.where(charges.account == account, charges.period == name).group_by(quarter))
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        day = first if row.quarter < 0 else moment(int(row.quarter)).astimezone(zone).date().isoformat()
        sums[day][0] += int(row.amount)
        sums[day][1] += row.calls
        sums[day][2] += int(row.amount) if row.quarter < 0 else 0
    money = money_of(connection)
    return [
        DayView(day=day, amount=money.plain(amount), calls=calls, other=money.plain(other))
        for day, (amount, calls, other) in sorted(sums.items())
    ]


_QUARTER = 15 * 60 * 1_000_000


# --- charges


def charges_of(
    connection: Connection,
    account: str,
    name: str,
    after: int = 0,
    limit: int = 100,
    *,
    newest: bool = False,
    only: str | None = None,
) -> list[dict[str, Any]]:
    """Charges of a period as their messages, by their numbers from behind `after` on; `newest` counts down instead.

    `only` are those of a kind, the late ones (`late`), or those that cost something (`charged`).
    """
    found = select(charges.body).where(charges.account == account, charges.period == name)
    if only == "late":
        found = found.where(charges.late)
    elif only == "charged":
        found = found.where(charges.amount != 0)
    elif only:
        found = found.where(charges.kind == only)
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


def calls_by_month(connection: Connection, account: str, classes: Classes) -> dict[str, dict[Call, int]]:
    """How many calls of each kind every period has, without those that were voided; `classes` are the book's."""
    times = func.sum(case((charges.kind == "reversal", -1), else_=1)).label("times")
    # What a call's own plan means by connected says nothing of another plan: answered is answered here.
    answered = or_(charges.connected, charges.not_connected.is_not(None)).label("answered")
    kind = (charges.period, charges.direction, answered, charges.talk, charges.call_class, charges.answered_by)
    found = select(*kind, times).where(charges.account == account, charges.at.is_not(None)).group_by(*kind)
    months: dict[str, dict[Call, int]] = defaultdict(dict)
    for row in connection.execute(found):
        if row.times:
            chain = classes.chain(row.call_class or OTHER)
            by: AnsweredBy = row.answered_by or UNKNOWN
            call = Call(row.direction or "outbound", bool(row.answered), int(row.talk), chain, by)
            months[row.period][call] = int(row.times)
    return months
