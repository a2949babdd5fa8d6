"""A month over all accounts: every period that begins in it, and what it comes to. No charge is read for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import Connection, Row, Select, and_, case, func, literal, or_, select
from sqlalchemy.sql.elements import ColumnElement

from rater.readmodel import tables
from rater.readmodel.month_views import MonthPeriod, MonthTotals
from rater.readmodel.queries import money_of
from rater.readmodel.store import Money
from rater.readmodel.units import Units, units_less, units_sum

PeriodState = Literal["running", "closed"]
PeriodSort = Literal["account", "total", "change", "usage", "fees", "adjustments"]
SORTS: tuple[PeriodSort, ...] = get_args(PeriodSort)

PeriodCursor = tuple[str, str, str]
"""Where a page ended: the last one's figure in units (empty where it is sorted by account), account, and period."""

this, before = tables.periods.alias("this"), tables.periods.alias("before")


class WantedPeriods(NamedTuple):
    """Which periods of a month."""

    month: str
    """`2026-10`: with it all periods that begin in that month, whatever the billing day."""
    search: str = ""
    """What stands somewhere in the account's id, in capitals or not."""
    plan: str | None = None
    """A plan's name, in any version."""
    state: PeriodState | None = None
    account: str | None = None


def months(connection: Connection) -> list[str]:
    """The months that have periods, the newest first."""
    names = connection.execute(select(tables.sums.c.period)).scalars()
    return sorted({name[:7] for name in names}, reverse=True)


def is_month(said: str) -> bool:
    """Whether it is a month's name."""
    return re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", said) is not None


def month_before(month: str) -> str:
    """`2026-09` for `2026-10`."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year - 1:04}-12" if number == 1 else f"{year:04}-{number - 1:02}"


def names_in(month: str) -> list[str]:
    """Every name that a period which begins in a month may have."""
    return [month, *(f"{month}-{day:02}" for day in range(1, 32))]


def month_totals(connection: Connection, wanted: WantedPeriods) -> MonthTotals:
    """What the wanted periods come to, beside those of the same accounts a month before."""
    money = money_of(connection)
    found = _joined(wanted).with_only_columns(
        func.count().label("accounts"),
        func.sum(case((this.c.closed, 1), else_=0)).label("closed"),
        *(units_sum(column).label(name) for name, column in _FIGURES.items() if name != "change"),
        units_sum(before.c.total).label("previous"),
    )
    row = connection.execute(found).one()
    figures = {name: money.plain(getattr(row, name)) for name in ("total", "usage", "fees", "adjustments", "previous")}
    return MonthTotals(
        month=wanted.month,
        currency=money.currency or None,
        accounts=row.accounts,
        closed=int(row.closed or 0),
        change=money.plain(int(row.total or 0) - int(row.previous or 0)),
        **figures,
    )


def month_periods(
    connection: Connection,
    wanted: WantedPeriods,
    sort: PeriodSort = "account",
    after: PeriodCursor | None = None,
    limit: int | None = None,
    *,
    descending: bool = False,
) -> list[MonthPeriod]:
    """The wanted periods in order, from behind `after` on; equal figures stand by account."""
    money = money_of(connection)
    found = _joined(wanted).order_by(*_order(sort, descending=descending)).limit(limit)
    if after is not None:
        found = found.where(_behind(sort, after, descending=descending))
    return [_period(money, row) for row in connection.execute(found)]


def cursor_of(last: MonthPeriod, sort: PeriodSort, money: Money) -> PeriodCursor:
    """Where a page ended."""
    figure = "" if sort == "account" else str(money.units(getattr(last, sort)))
    return (figure, last.account, last.period)


def is_cursor(cursor: Sequence[str], sort: PeriodSort) -> bool:
    """Whether it can be of a list in that order."""
    return re.fullmatch(r"" if sort == "account" else r"-?[0-9]{1,37}", cursor[0]) is not None


_NOTHING = literal(0, Units)
_USAGE = units_less(units_less(this.c.total, this.c.fees), this.c.manual)
_CHANGE = units_less(this.c.total, func.coalesce(before.c.total, _NOTHING, type_=Units()))
_FIGURES: dict[str, ColumnElement[Any]] = {
    "total": this.c.total,
    "change": _CHANGE,
    "usage": _USAGE,
    "fees": this.c.fees,
    "adjustments": this.c.manual,
}


def _joined(wanted: WantedPeriods) -> Select[Any]:
    earlier = literal(month_before(wanted.month)).concat(func.substr(this.c.period, 8))
    same = and_(before.c.account == this.c.account, before.c.period == earlier)
    found = select(this, _USAGE.label("usage"), _CHANGE.label("change"), before.c.total.label("previous")).select_from(
        this.outerjoin(before, same)
    )
    found = found.where(this.c.period.in_(names_in(wanted.month)))
    if wanted.search:
        found = found.where(this.c.account.icontains(wanted.search, autoescape=True))
    if wanted.account is not None:
        found = found.where(this.c.account == wanted.account)
    if wanted.plan is not None:
        found = found.where(or_(this.c.plan == wanted.plan, this.c.plan.startswith(f"{wanted.plan}@", autoescape=True)))
    if wanted.state is not None:
        found = found.where(this.c.closed.is_(wanted.state == "closed"))
    return found


def _order(sort: PeriodSort, *, descending: bool) -> tuple[ColumnElement[Any], ...]:
    if sort == "account":
        return (this.c.account.desc(), this.c.period.desc()) if descending else (this.c.account, this.c.period)
    figure = _FIGURES[sort]
    return (figure.desc() if descending else figure.asc(), this.c.account, this.c.period)


def _behind(sort: PeriodSort, after: PeriodCursor, *, descending: bool) -> ColumnElement[bool]:
    figure, account, period = after
    by_account = or_(this.c.account > account, and_(this.c.account == account, this.c.period > period))
    if sort == "account":
        back = or_(this.c.account < account, and_(this.c.account == account, this.c.period < period))
        return back if descending else by_account
    column, last = _FIGURES[sort], literal(int(figure), Units)
    return or_(column < last if descending else column > last, and_(column == last, by_account))


def _period(money: Money, row: Row[Any]) -> MonthPeriod:
    return MonthPeriod(
        account=row.account,
        period=row.period,
        currency=money.currency,
        total=money.plain(row.total),
        usage=money.plain(row.usage),
        fees=money.plain(row.fees),
        adjustments=money.plain(row.manual),
        previous=None if row.previous is None else money.plain(row.previous),
        change=money.plain(row.change),
        state="closed" if row.closed else "running",
        plan=row.plan,
        charges=row.seq,
        connected_calls=row.calls,
        talk_seconds=row.talk,
        allowance_left=row.allowance_left,
    )
