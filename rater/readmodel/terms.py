"""What an account pays by: its plan in words, since when, what comes next, its cap and what is guaranteed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from rater.rating.book import Plan
from rater.rating.instant import instant, moment
from rater.readmodel.plan_texts import Term, plan_terms
from rater.readmodel.tariffs import negotiated_plan, plan_of, tariffs_of, zone_of
from rater.readmodel.texts import Language
from rater.readmodel.views import PeriodView


class AccountTerms(NamedTuple):
    """Of a period."""

    plan: str
    negotiated: bool
    since: str
    """The first period in which it was on that plan, in whatever version, without a gap until this one."""
    terms: list[Term]
    coming: str | None
    """The day from which a later version of the plan holds; None where none is announced."""
    spend_cap: str | None
    guaranteed: str | None
    """The share of connected calls that its subscription guarantees."""


def account_terms(
    connection: Connection, view: PeriodView, periods: Sequence[PeriodView], language: Language
) -> AccountTerms | None:
    """The terms of a period; `periods` are all of the account's, the newest first. None where no plan is known."""
    own = negotiated_plan(connection, view.account, view.plan)
    plan = own or plan_of(connection, view.plan)
    if plan is None or view.plan is None:
        return None
    return AccountTerms(
        view.plan,
        own is not None,
        _since(view, periods),
        plan_terms(plan, language),
        _coming(connection, plan),
        view.spend_cap,
        view.connect_rate.guaranteed,
    )


def _since(view: PeriodView, periods: Sequence[PeriodView]) -> str:
    name, since = _name(view.plan), view.period
    for one in periods:
        if one.period < view.period:
            if _name(one.plan) != name:
                break
            since = one.period
    return since


def _name(plan: str | None) -> str:
    return (plan or "").partition("@")[0]


def _coming(connection: Connection, plan: Plan) -> str | None:
    """When a version of the plan that is newer than this one comes into effect."""
    tariffs = tariffs_of(connection)
    if tariffs is None or "@" not in plan.id:
        return None
    name, _, version = plan.id.rpartition("@")
    later = tariffs.effective.get(name, ())[int(version) :]
    now = instant(datetime.now(UTC))
    soonest = min((one for one in later if one is not None and one > now), default=None)
    return None if soonest is None else moment(soonest).astimezone(ZoneInfo(zone_of(connection))).date().isoformat()
