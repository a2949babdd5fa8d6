"""The REST API: what the read model knows, to read. Amounts are decimals as strings; lists go on by a cursor.

Every answer has an ETag: who sends it back in If-None-Match and nothing changed gets 304 and no body.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from rater.console.answers import (
    Cursor,
    Limit,
    ListPage,
    Moment,
    answer,
    known,
    known_parameters,
    paged,
    tagged,
    to_cursor,
    unchanged,
    uncursor,
)
from rater.console.exporting import FILES, Bom, FormatParameter, asked_format, exported
from rater.console.problems import PROBLEMS
from rater.rating.instant import instant
from rater.readmodel import overall, queries
from rater.readmodel.advice import advice_on
from rater.readmodel.exports import exported_rejected
from rater.readmodel.line_texts import explained
from rater.readmodel.part_rates import by_period, rates_by
from rater.readmodel.rejected import RejectedState, Wanted, all_items, rejected_items
from rater.readmodel.statement import statement
from rater.readmodel.tariff_views import TariffsView
from rater.readmodel.tariffs import tariffs_view
from rater.readmodel.texts import Language
from rater.readmodel.views import (
    AccountView,
    AdviceView,
    ConnectRate,
    DayView,
    ExplanationView,
    Overview,
    PeriodView,
    RejectedView,
    StatementView,
    dumped,
)
from rater.wire.fields import LabelName
from rater.wire.results import Alert, Charge

AccountPath = Annotated[str, Path(max_length=64, description="The account's id.")]
PeriodName = Annotated[
    str,
    Path(
        pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$",
        description="The period: 2026-11, or 2026-11-15 for another billing day.",
    ),
]
ChargeId = Annotated[str, Path(max_length=96, description="account:period:number")]


class AccountsPage(ListPage):
    """Accounts by id, each with its newest period."""

    items: list[AccountView]


class ChargesPage(ListPage):
    """Charges of a period by number."""

    items: list[Charge]


class AlertsPage(ListPage):
    """Alerts, the newest first."""

    items: list[Alert]


class RejectedPage(ListPage):
    """Rejected records, the one that was rejected last first."""

    items: list[RejectedView]


class ConnectRates(BaseModel):
    """An account's connect rates, the newest period first."""

    account: str
    periods: dict[str, ConnectRate]
    by: str | None = None
    parts: dict[str, dict[str, ConnectRate]] | None = None
    """By period, and there by class or by the text of the label: empty for calls that have none."""


api = APIRouter(prefix="/api/v1", dependencies=[Depends(known_parameters)], responses=PROBLEMS)


@api.get("/overview", response_model=Overview)
def get_overview(request: Request, at: Moment) -> Response:
    """Everything at once."""
    return answer(request, overall.overview(at, datetime.now(UTC)))


@api.get("/accounts", response_model=AccountsPage)
def list_accounts(
    request: Request,
    at: Moment,
    search: Annotated[str, Query(max_length=64, description="What stands somewhere in the id.")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Accounts by id."""
    (after,) = uncursor(cursor, (str,)) or ("",)
    found = queries.accounts(at, search, after, limit + 1)
    return paged(request, found, limit, lambda last: (last.account,))


@api.get("/accounts/{account}/periods", response_model=list[PeriodView])
def list_account_periods(request: Request, at: Moment, account: AccountPath) -> Response:
    """All of an account's periods, the newest first."""
    return answer(request, known(queries.account_periods(at, account), account))


@api.get("/accounts/{account}/periods/{period}", response_model=PeriodView)
def get_period(request: Request, at: Moment, account: AccountPath, period: PeriodName) -> Response:
    """A period as it stands."""
    return answer(request, known(queries.period(at, account, period), f"{account} {period}"))


@api.get("/accounts/{account}/periods/{period}/days", response_model=list[DayView])
def list_days(request: Request, at: Moment, account: AccountPath, period: PeriodName) -> Response:
    """What each local day of a period cost."""
    return answer(request, known(queries.days(at, account, period), f"{account} {period}"))


@api.get("/accounts/{account}/periods/{period}/statement", response_model=StatementView)
def get_statement(request: Request, at: Moment, account: AccountPath, period: PeriodName) -> Response:
    """A period as an invoice says it, with every charge."""
    found = known(statement(at, account, period), f"{account} {period}")
    headers = tagged(orjson.dumps(found.summary, default=dumped))
    streamed = StreamingResponse(found.as_json(), headers=headers, media_type="application/json")
    return unchanged(request, headers) or streamed


@api.get("/accounts/{account}/periods/{period}/charges", response_model=ChargesPage)
def list_period_charges(
    request: Request, at: Moment, account: AccountPath, period: PeriodName, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """A period's charges by number, each with the lines that explain it."""
    (after,) = uncursor(cursor, (int,)) or (0,)
    known(queries.period(at, account, period), f"{account} {period}")
    found = queries.charges_of(at, account, period, after, limit + 1)
    return paged(request, found, limit, lambda last: (last["seq"],))


@api.get("/charges/{charge_id}", response_model=Charge)
def get_charge(request: Request, at: Moment, charge_id: ChargeId) -> Response:
    """A charge, with the lines that explain it."""
    return answer(request, known(queries.charge(at, charge_id), charge_id))


@api.get("/charges/{charge_id}/explanation", response_model=ExplanationView)
def explain_charge(request: Request, at: Moment, charge_id: ChargeId, language: Language = "en") -> Response:
    """Why a charge is what it is, in words: English (en) or Chinese (zh)."""
    return answer(request, explained(known(queries.charge(at, charge_id), charge_id), language))


@api.get("/accounts/{account}/advice", response_model=AdviceView)
def get_advice(request: Request, at: Moment, account: AccountPath) -> Response:
    """Which plan fits: what each would have cost in every past month."""
    return answer(request, known(advice_on(at, account), account))


@api.get("/accounts/{account}/connect-rate", response_model=ConnectRates)
def get_connect_rates(
    request: Request,
    at: Moment,
    account: AccountPath,
    by: Annotated[LabelName | None, Query(description="class, or a label: also each by itself.")] = None,
) -> Response:
    """Connect rates by period, with their intervals, beside the tariff book's band; `by` a class or label too."""
    found = known(queries.account_periods(at, account), account)
    parts = None if by is None else by_period(rates_by(at, account, by))
    rates = {one.period: one.connect_rate for one in found}
    return answer(request, ConnectRates(account=account, periods=rates, by=by, parts=parts))


@api.get("/alerts", response_model=AlertsPage)
def list_alerts(
    request: Request,
    at: Moment,
    account: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Alerts, the newest first."""
    found = overall.alerts_of(at, account, uncursor(cursor, (int, str)), limit + 1)
    return paged(request, found, limit, lambda last: (_instant(last["at"]), last["alert_id"]))


@api.get("/rejected", response_model=RejectedPage, responses=FILES)
def list_rejected(
    request: Request,
    at: Moment,
    *,
    reason: Annotated[str | None, Query(max_length=40)] = None,
    state: Annotated[RejectedState | None, Query(description="What was done about them; all if left out.")] = None,
    account: Annotated[str | None, Query(max_length=64)] = None,
    source: Annotated[str | None, Query(max_length=64, description="The switch.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    form: FormatParameter = None,
    bom: Bom = False,
) -> Response:
    """Rejected records, the one that was rejected last first; a record that was sent again is one item."""
    wanted = Wanted(state, reason, account, source)
    to = asked_format(request, form)
    if to != "json":
        money, items = queries.money_of(at), all_items(at, wanted)
        return exported(request, lambda: exported_rejected(items, to, money), to, "rejected", bom=bom)
    found = rejected_items(at, wanted, uncursor(cursor, (int, str)), limit + 1)
    last = found[limit - 1][0] if len(found) > limit else None
    return answer(
        request, {"items": [view.model_dump() for _, view in found[:limit]], "next": last and to_cursor(last)}
    )


@api.get("/tariffs", response_model=TariffsView)
def get_tariffs(request: Request, at: Moment) -> Response:
    """The newest tariff book's settings, and its plans in the versions that are in effect now."""
    found = tariffs_view(at, instant(datetime.now(UTC)))
    return answer(request, known(found, "a tariff book: none was published yet"))


def _instant(words: str) -> int:
    return instant(datetime.fromisoformat(words))
