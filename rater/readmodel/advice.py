"""Advice on an account from the read model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import orjson
from sqlalchemy import Connection, and_, select

from rater.rating.advice import (
    Advice,
    Figures,
    Month,
    Offer,
    Protection,
    Running,
    advise,
    is_hybrid,
    is_package,
    running,
    what_if,
    with_own_quantities,
)
from rater.rating.book import Book, Plan
from rater.rating.classes import NO_CLASSES
from rater.rating.instant import instant
from rater.rating.lines import ITEM
from rater.rating.money import plain
from rater.readmodel import tables
from rater.readmodel.queries import calls_by_month, money_of
from rater.readmodel.tariffs import book_of, negotiated_plan, plans_at
from rater.readmodel.views import (
    AdviceView,
    FiguresView,
    MonthView,
    OfferView,
    ProtectionView,
    RunningView,
    WhatIfView,
)

MS = 1000
NO_DRAFTS: Mapping[str, Plan] = {}


def advice_on(connection: Connection, account: str, drafts: Mapping[str, Plan] = NO_DRAFTS) -> AdviceView | None:
    """Which plan fits the account; None where nothing is known of it.

    `drafts` are plans that stand in no book yet, by name. They are compared like those of the newest book, which are in
    the version in effect when the account was charged last, and like a negotiated plan that it is on. A month counts
    when it is over: closed, or followed by another.
    """
    at = tables.periods.c
    rows = connection.execute(select(tables.periods).where(at.account == account).order_by(at.period)).all()
    if not rows:
        return None
    money = money_of(connection)
    book = book_of(connection)
    calls = calls_by_month(connection, account, NO_CLASSES if book is None else book.classes)
    months = [
        Month(row.period, calls.get(row.period, {}), money.amount(row.total - row.manual))
        for row in rows
        if row.closed or row is not rows[-1]
    ]
    quantities = _quantities(connection, account, rows[-1].period)
    offered = {**plans_at(connection, max(row.touched for row in rows) * MS), **drafts}
    plans = {name: with_own_quantities(plan, quantities) for name, plan in offered.items()}
    plan_id = rows[-1].plan
    current = plan_id.rpartition("@")[0] if plan_id else None
    negotiated = negotiated_plan(connection, account, plan_id)
    if negotiated is not None:  # the account's own: it stands beside those of the book
        plans[negotiated.id] = negotiated
        current = negotiated.id
    found = advise(months, plans, current, precision=money.precision)
    view = _view(account, money.currency, found, plans)
    last = rows[-1]
    if last.closed or current is None:
        return view
    month = Month(last.period, calls.get(last.period, {}), money.amount(last.total - last.manual))
    elapsed = _elapsed(connection, account, last.period, last.touched)
    now = None if elapsed is None else running(month, elapsed, plans, current, precision=money.precision)
    return view if now is None else view.model_copy(update={"running": _running(now)})


def _quantities(connection: Connection, account: str, period: str) -> dict[str, int]:
    """How many of each item the account has, as the charges of fees of its last period told it last."""
    at = tables.charges.c
    ours = and_(at.account == account, at.period == period, at.kind == "fee")
    found: dict[str, int] = {}
    for body in connection.execute(select(at.body).where(ours).order_by(at.seq)).scalars():
        for line in orjson.loads(body)["lines"]:
            name, many = line["meter"].removeprefix(ITEM), Decimal(line.get("billable", 0))
            if line["meter"].startswith(ITEM) and many > 0:  # what is taken back is what was
                found[name] = int(many)
    return found


def _elapsed(connection: Connection, account: str, period: str, touched: int) -> tuple[int, int] | None:
    """How much of a period is over at its last charge (milliseconds), and all of it; None while it has no forecast."""
    at = tables.spends.c
    body = connection.execute(select(at.body).where(at.account == account, at.period == period)).scalar_one_or_none()
    spend = {} if body is None else orjson.loads(body)
    if spend.get("forecast") is None:
        return None
    start, end = (instant(datetime.fromisoformat(spend[name])) for name in ("start", "end"))
    return min(touched * MS, end) - start, end - start


def _running(found: Running) -> RunningView:
    return RunningView(
        period=found.period,
        best=found.best,
        cost=plain(found.cost),
        now=plain(found.now),
        saves=plain(found.now - found.cost),
    )


def _view(account: str, currency: str, found: Advice | None, plans: Mapping[str, Plan]) -> AdviceView:
    if found is None:
        return AdviceView(
            account=account,
            currency=currency,
            months=(),
            offers=(),
            best=None,
            current=None,
            paid="0",
            too_much="0",
            swings=False,
            protection=None,
        )
    return AdviceView(
        account=account,
        currency=currency,
        months=tuple(_month(month) for month in found.months),
        offers=tuple(_offer(offer, plans[offer.plan]) for offer in found.offers),
        best=found.best.plan,
        current=found.current,
        paid=plain(found.paid),
        too_much=plain(found.too_much),
        swings=found.swings,
        protection=None if found.protection is None else _protection(found.protection),
    )


def _month(month: Month) -> MonthView:
    return MonthView(
        period=month.period, paid=plain(month.paid), connected_calls=month.connected, talk_seconds=month.talk
    )


def _offer(offer: Offer, plan: Plan) -> OfferView:
    kind = "package" if is_package(plan) else "hybrid" if is_hybrid(plan) else "usage"
    costs = tuple(plain(cost) for cost in offer.costs)
    return OfferView(plan=offer.plan, kind=kind, total=plain(offer.total), worst=plain(offer.worst), costs=costs)


def what_if_view(months: Sequence[Figures], plans: Mapping[str, Plan], book: Book) -> WhatIfView:
    """What months that are only thought of would cost under each plan."""
    offers = what_if(months, plans, precision=book.precision)
    return WhatIfView(
        currency=book.currency,
        months=tuple(FiguresView(**month._asdict()) for month in months),
        offers=tuple(_offer(offer, plans[offer.plan]) for offer in offers),
    )


def _protection(protection: Protection) -> ProtectionView:
    return ProtectionView(
        package=protection.package.plan,
        package_worst=plain(protection.package.worst),
        hybrid=protection.hybrid.plan,
        hybrid_worst=plain(protection.hybrid.worst),
        caps=plain(protection.caps),
        saves=plain(protection.saves),
        saves_in=protection.saves_in,
    )
