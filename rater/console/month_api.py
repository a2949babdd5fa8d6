"""A month over all accounts, as pages of JSON, or whole as CSV, JSON lines and Parquet: streamed, whatever its size."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from rater.console.answers import (
    Cursor,
    Limit,
    ListPage,
    Moment,
    answer,
    known_parameters,
    to_cursor,
    uncursor,
)
from rater.console.exporting import FILES, Bom, FormatParameter, asked_format, exported
from rater.console.problems import PROBLEMS, Problem
from rater.rating.instant import Instant, instant
from rater.readmodel.exports import exported_charges, exported_periods
from rater.readmodel.month_charges import WantedCharges, month_charges
from rater.readmodel.month_views import MonthPeriod, MonthTotals
from rater.readmodel.months import (
    PeriodSort,
    PeriodState,
    WantedPeriods,
    cursor_of,
    is_cursor,
    month_periods,
    month_totals,
    months,
)
from rater.readmodel.queries import money_of
from rater.wire.results import Charge, ChargeKind

MonthParameter = Annotated[str, Query(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="The month: 2026-10.")]
ChargePeriod = Annotated[
    str,
    Query(
        pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])(-[0-9]{2})?$",
        description="A month, with all periods that begin in it; or the name of one period, 2026-10-15.",
    ),
]
Text = Annotated[str | None, Query(min_length=1, max_length=64)]

month_api = APIRouter(prefix="/api/v1", dependencies=[Depends(known_parameters)], responses=PROBLEMS)


class PeriodsPage(ListPage):
    """Periods of a month, and what all that were asked for come to."""

    totals: MonthTotals
    items: list[MonthPeriod]


class MonthChargesPage(ListPage):
    """Charges of a month by account, period and number."""

    items: list[Charge]


@month_api.get("/months", response_model=list[MonthTotals])
def list_months(request: Request, at: Moment) -> Response:
    """What each month comes to over all accounts, the newest first."""
    return answer(request, [month_totals(at, WantedPeriods(month)) for month in months(at)])


@month_api.get("/periods", response_model=PeriodsPage, responses=FILES)
def list_periods(
    request: Request,
    at: Moment,
    *,
    period: MonthParameter,
    state: Annotated[PeriodState | None, Query(description="Those that run, or those that are closed.")] = None,
    plan: Annotated[Text, Query(description="A plan's name, in any version.")] = None,
    account: Text = None,
    search: Annotated[str, Query(max_length=64, description="What stands somewhere in the account's id.")] = "",
    sort: PeriodSort = "account",
    order: Annotated[Literal["up", "down"], Query(description="The smallest first, or the largest.")] = "up",
    cursor: Cursor = None,
    limit: Limit = 100,
    form: FormatParameter = None,
    bom: Bom = False,
) -> Response:
    """All accounts' periods of a month: total, its parts, state, and the change from the month before."""
    wanted = WantedPeriods(period, search, plan, state, account)
    down = order == "down"
    after = uncursor(cursor, (str, str, str))
    if after is not None and not is_cursor(after, sort):
        raise Problem(400, "wrong-cursor", "that is not the `next` of a page of this list")
    to = asked_format(request, form)
    money = money_of(at)
    if to != "json":
        rows = month_periods(at, wanted, sort, descending=down)
        return exported(request, lambda: exported_periods(rows, to, money), to, f"periods-{period}", bom=bom)
    page = month_periods(at, wanted, sort, after, limit + 1, descending=down)
    more = to_cursor(cursor_of(page[limit - 1], sort, money)) if len(page) > limit else None
    return answer(request, {"totals": month_totals(at, wanted), "items": page[:limit], "next": more})


@month_api.get("/charges", response_model=MonthChargesPage, responses=FILES)
def list_charges(
    request: Request,
    at: Moment,
    *,
    period: ChargePeriod,
    kind: ChargeKind | None = None,
    since: Annotated[datetime | None, Query(alias="from", description="Calls that started then or later.")] = None,
    until: Annotated[datetime | None, Query(alias="to", description="Calls that started before.")] = None,
    late: bool | None = None,
    connected: bool | None = None,
    account: Text = None,
    label: Annotated[str | None, Query(max_length=200, pattern=r"^[^=]+=", description="name=text")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
    form: FormatParameter = None,
    bom: Bom = False,
) -> Response:
    """The charges of a month over all accounts, by account, period and number."""
    wanted = WantedCharges(
        period, kind, _moment("from", since), _moment("to", until), late, connected, account, _label(label)
    )
    found = month_charges(at, wanted, uncursor(cursor, (str, str, int)))
    to = asked_format(request, form)
    if to != "json":
        money = money_of(at)
        return exported(request, lambda: exported_charges(found, to, money), to, f"charges-{period}", bom=bom)
    page = [(one.at, orjson.Fragment(one.body)) for one in islice(found, limit + 1)]
    more = to_cursor(page[limit - 1][0]) if len(page) > limit else None
    return answer(request, {"items": [body for _, body in page[:limit]], "next": more})


def _moment(name: str, said: datetime | None) -> Instant | None:
    if said is not None and said.tzinfo is None:
        raise Problem(422, "wrong-parameter", f"{name}: a time needs an offset: 2026-10-01T00:00:00+08:00")
    return None if said is None else instant(said.astimezone(UTC))


def _label(said: str | None) -> tuple[str, str] | None:
    if said is None:
        return None
    name, _, text = said.partition("=")
    return name, text
