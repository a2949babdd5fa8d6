"""The REST API: what the read model knows, to read. Amounts are decimals as strings; lists go on by a cursor.

Every answer has an ETag: who sends it back in If-None-Match and nothing changed gets 304 and no body.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response, StreamingResponse

from rater.console.problems import Problem
from rater.rating.instant import instant
from rater.readmodel import overall, queries
from rater.readmodel.advice import advice_on
from rater.readmodel.line_texts import explained
from rater.readmodel.part_rates import by_period, rates_by
from rater.readmodel.statement import statement
from rater.readmodel.store import Store
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

T = TypeVar("T")

AccountPath = Annotated[str, Path(max_length=64, description="The account's id.")]
PeriodName = Annotated[
    str,
    Path(pattern=r"^\d{4}-\d{2}(-\d{2})?$", description="The period: 2026-11, or 2026-11-15 for another billing day."),
]
ChargeId = Annotated[str, Path(max_length=96, description="account:period:number")]
Limit = Annotated[int, Query(ge=1, le=500, description="Items of a page.")]
Cursor = Annotated[str | None, Query(max_length=400, description="The `next` of the page before.")]


class ListPage(BaseModel):
    """A page of a list; `next` is the cursor of the next one, null on the last."""

    next: str | None


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
    """Rejected records, the newest first."""

    items: list[RejectedView]


class ConnectRates(BaseModel):
    """An account's connect rates, the newest period first."""

    account: str
    periods: dict[str, ConnectRate]
    by: str | None = None
    parts: dict[str, dict[str, ConnectRate]] | None = None
    """By period, and there by class or by the text of the label: empty for calls that have none."""


def moment(request: Request) -> Iterator[Connection]:
    """One moment of the read model, for the time of a request."""
    store: Store = request.app.state.store
    with store.read() as connection:
        yield connection


Moment = Annotated[Connection, Depends(moment)]

api = APIRouter(prefix="/api/v1", tags=["rater"])


@api.get("/overview", response_model=Overview)
def overview(request: Request, at: Moment) -> Response:
    """Everything at once."""
    return answer(request, overall.overview(at, datetime.now(UTC)))


@api.get("/accounts", response_model=AccountsPage)
def accounts(
    request: Request,
    at: Moment,
    search: Annotated[str, Query(max_length=64, description="What ids begin with.")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Accounts by id."""
    (after,) = uncursor(cursor, (str,)) or ("",)
    found = queries.accounts(at, search, after, limit + 1)
    return paged(request, found, limit, lambda last: (last.account,))


@api.get("/accounts/{account}/periods", response_model=list[PeriodView])
def periods(request: Request, at: Moment, account: AccountPath) -> Response:
    """All of an account's periods, the newest first."""
    return answer(request, known(queries.account_periods(at, account), account))


@api.get("/accounts/{account}/periods/{period}", response_model=PeriodView)
def period(request: Request, at: Moment, account: AccountPath, period: PeriodName) -> Response:
    """A period as it stands."""
    return answer(request, known(queries.period(at, account, period), f"{account} {period}"))


@api.get("/accounts/{account}/periods/{period}/days", response_model=list[DayView])
def days(request: Request, at: Moment, account: AccountPath, period: PeriodName) -> Response:
    """What each local day of a period cost."""
    return answer(request, known(queries.days(at, account, period), f"{account} {period}"))


@api.get("/accounts/{account}/periods/{period}/statement", response_model=StatementView)
def statement_of(request: Request, at: Moment, account: AccountPath, period: PeriodName) -> Response:
    """A period as an invoice says it, with every charge."""
    found = known(statement(at, account, period), f"{account} {period}")
    headers = tagged(orjson.dumps(found.summary, default=dumped))
    streamed = StreamingResponse(found.as_json(), headers=headers, media_type="application/json")
    return unchanged(request, headers) or streamed


@api.get("/accounts/{account}/periods/{period}/charges", response_model=ChargesPage)
def charges(
    request: Request, at: Moment, account: AccountPath, period: PeriodName, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """A period's charges by number, each with the lines that explain it."""
    (after,) = uncursor(cursor, (int,)) or (0,)
    known(queries.period(at, account, period), f"{account} {period}")
    found = queries.charges_of(at, account, period, after, limit + 1)
    return paged(request, found, limit, lambda last: (last["seq"],))


@api.get("/charges/{charge_id}", response_model=Charge)
def charge(request: Request, at: Moment, charge_id: ChargeId) -> Response:
    """A charge, with the lines that explain it."""
    return answer(request, known(queries.charge(at, charge_id), charge_id))


@api.get("/charges/{charge_id}/explanation", response_model=ExplanationView)
def explanation(request: Request, at: Moment, charge_id: ChargeId, language: Language = "en") -> Response:
    """Why a charge is what it is, in words: English (en) or Chinese (zh)."""
    return answer(request, explained(known(queries.charge(at, charge_id), charge_id), language))


@api.get("/accounts/{account}/advice", response_model=AdviceView)
def advice(request: Request, at: Moment, account: AccountPath) -> Response:
    """Which plan fits: what each would have cost in every past month."""
    return answer(request, known(advice_on(at, account), account))


@api.get("/accounts/{account}/connect-rate", response_model=ConnectRates)
def rates(
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
def alerts(
    request: Request,
    at: Moment,
    account: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Alerts, the newest first."""
    found = overall.alerts_of(at, account, uncursor(cursor, (int, str)), limit + 1)
    return paged(request, found, limit, lambda last: (_instant(last["at"]), last["alert_id"]))


@api.get("/rejected", response_model=RejectedPage)
def rejected(
    request: Request,
    at: Moment,
    reason: Annotated[str | None, Query(max_length=40)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Rejected records, the newest first."""
    found = overall.rejections(at, reason, uncursor(cursor, (int, int, int)), limit + 1)
    last = found[limit - 1][0] if len(found) > limit else None
    return answer(
        request, {"items": [view.model_dump() for _, view in found[:limit]], "next": last and to_cursor(last)}
    )


@api.get("/tariffs", response_model=TariffsView)
def tariffs(request: Request, at: Moment) -> Response:
    """The newest tariff book's settings, and its plans in the versions that are in effect now."""
    found = tariffs_view(at, instant(datetime.now(UTC)))
    return answer(request, known(found, "a tariff book: none was published yet"))


def known(found: T | None, what: str) -> T:
    """What was found; nothing found is a problem."""
    if not found:
        raise Problem(404, "unknown", f"there is nothing of {what}")
    return found


def answer(request: Request, body: Any) -> Response:
    """The body as JSON with its ETag; or 304, where who asks has it."""
    data = orjson.dumps(body, default=dumped)
    headers = tagged(data)
    return unchanged(request, headers) or Response(data, headers=headers, media_type="application/json")


def tagged(data: bytes) -> dict[str, str]:
    """The headers of an answer; the ETag is of what tells it from others."""
    return {"ETag": f'"{sha256(data).hexdigest()[:32]}"', "Cache-Control": "private, no-cache"}


def unchanged(request: Request, headers: dict[str, str]) -> Response | None:
    """304, where who asks has the answer with this ETag."""
    asked = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return Response(status_code=304, headers=headers) if headers["ETag"] in asked or "*" in asked else None


def paged(request: Request, found: Sequence[T], limit: int, key: Callable[[T], tuple[object, ...]]) -> Response:
    """A page of what was found, one more than fits telling that there is another."""
    more = to_cursor(key(found[limit - 1])) if len(found) > limit else None
    return answer(request, {"items": list(found[:limit]), "next": more})


def to_cursor(key: tuple[object, ...]) -> str:
    """A place in a list as a word that nobody needs to understand."""
    return urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def uncursor(cursor: str | None, kinds: tuple[type, ...]) -> Any:
    """The place that a cursor tells; None for the first page."""
    if cursor is None:
        return None
    try:
        key = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        key = None
    if (
        not isinstance(key, list)
        or len(key) != len(kinds)
        or any(type(k) is not t for k, t in zip(key, kinds, strict=True))
    ):
        raise Problem(400, "wrong-cursor", "that is not the `next` of a page of this list")
    if any(isinstance(part, int) and not -(2**63) <= part < 2**63 for part in key):
        raise Problem(400, "wrong-cursor", "that is not the `next` of a page of this list")
    return tuple(key)


def _instant(words: str) -> int:
    return instant(datetime.fromisoformat(words))
