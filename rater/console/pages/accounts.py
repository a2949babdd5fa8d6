"""A month over all accounts: what it comes to, who changed most, what is closed; sorted, filtered, exported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui
from sqlalchemy import Connection

from rater.console.answers import cursor_in, to_cursor
from rater.console.pages.frame import Page, card, framed, part
from rater.console.pages.tiles import Tile
from rater.readmodel.figures import money
from rater.readmodel.follower import Live
from rater.readmodel.month_views import MonthPeriod, MonthTotals
from rater.readmodel.months import (
    SORTS,
    PeriodCursor,
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
from rater.readmodel.store import Store

ROWS = 50
LONGEST = 64
MONTHS = 13
"""That can be picked at a click."""
STATES: tuple[PeriodState, ...] = ("running", "closed")


class AskedMonth(NamedTuple):
    """What the address asks for."""

    month: str | None
    search: str
    plan: str
    state: PeriodState | None
    sort: PeriodSort
    descending: bool
    cursor: PeriodCursor | None

    def address(self, **changes: object) -> str:
        """The page's address with some of it changed; the cursor is of this list only."""
        said: dict[str, object] = {
            "month": self.month,
            "search": self.search,
            "plan": self.plan,
            "state": self.state,
            "sort": self.sort,
            "order": "down" if self.descending else "up",
        }
        said |= changes
        return "/accounts?" + urlencode({name: value for name, value in said.items() if value})

    def sorted_by(self, sort: PeriodSort) -> str:
        """The address of the list in that order; again, the other way round. Figures begin with the largest."""
        down = not self.descending if sort == self.sort else sort != "account"
        return self.address(sort=sort, order="down" if down else "up")

    def files(self) -> list[tuple[str, str, str]]:
        """(what, format, address) of the exports of what is asked for."""
        periods = {"period": self.month, "search": self.search, "plan": self.plan, "state": self.state}
        said = urlencode({name: value for name, value in periods.items() if value})
        bom = {"csv": "&bom=true"}
        return [
            (what, form, f"/api/v1/{what}?{query}&format={form}{bom.get(form, '')}")
            for what, query in (("periods", said), ("charges", urlencode({"period": self.month or ""})))
            for form in ("csv", "jsonl", "parquet")
        ]


class MonthShown(NamedTuple):
    """What the page shows, of one moment."""

    months: list[str]
    asked: AskedMonth
    totals: MonthTotals
    periods: list[MonthPeriod]
    more: str | None
    """The address of the next page."""


def look(connection: Connection, asked: AskedMonth) -> MonthShown:
    """Ask for all of it; the newest month where none is named, or none of that name is there."""
    known = months(connection)
    month = asked.month if asked.month in known else known[0] if known else None
    asked = asked._replace(month=month)
    wanted = WantedPeriods(month or "0000-01", asked.search, asked.plan or None, asked.state)
    page = month_periods(connection, wanted, asked.sort, asked.cursor, ROWS + 1, descending=asked.descending)
    more = None
    if len(page) > ROWS:
        more = asked.address(cursor=to_cursor(cursor_of(page[ROWS - 1], asked.sort, money_of(connection))))
    return MonthShown(known[:MONTHS], asked, month_totals(connection, wanted), page[:ROWS], more)


def asked_for(query: Mapping[str, str]) -> AskedMonth:
    """What an address asks for; what it says wrong is left out."""
    said = {name: value[:400] for name, value in query.items()}
    sort: PeriodSort = next((one for one in SORTS if one == said.get("sort")), "total")
    cursor: PeriodCursor | None = cursor_in(said, (str, str, str))
    return AskedMonth(
        said.get("month"),
        said.get("search", "").strip()[:LONGEST],
        said.get("plan", "").strip()[:LONGEST],
        next((one for one in STATES if one == said.get("state")), None),
        sort,
        said.get("order", "down" if sort != "account" else "up") == "down",
        cursor if cursor is not None and is_cursor(cursor, sort) else None,
    )


def install(store: Store, live: Live) -> None:
    """Put the page at its place."""

    @ui.page("/accounts")
    async def accounts(request: Request) -> None:
        page = Page(request, store, live)
        asked = asked_for(request.query_params)
        with framed(page, "accounts", page.say("accounts")):
            head, tiles = part().classes("r-12"), part().classes("r-12")
            with card(page.say("accounts"), "r-12"):
                filters, rows, files = part(), part(), part()

        async def refresh() -> None:
            shown = await page.ask(lambda connection: look(connection, asked))
            head.set_content(page.render("months", shown))
            tiles.set_content(page.plain("tiles", figures(page, shown.totals)))
            rows.set_content(page.render("month_periods", shown))
            if not filters.content:  # it is typed into while figures grow
                filters.set_content(page.render("month_filter", shown.asked))
            files.set_content(page.render("files", shown.asked.files()))

        async def go(query: Mapping[str, str]) -> None:
            nonlocal asked
            asked = asked_for(query)
            filters.set_content("")
            await refresh()

        page.in_place((head, filters, rows), go)
        await refresh()
        page.refreshing(refresh)


def figures(page: Page, totals: MonthTotals) -> list[Tile]:
    """The month in figures: together, its parts, and how many periods are closed."""
    say, currency = page.say, totals.currency or ""
    share = 100 * totals.closed / totals.accounts if totals.accounts else 0
    return [
        Tile(say("total"), money(totals.total), currency, say("before-it", total=money(totals.previous))),
        *(Tile(say(name), money(getattr(totals, name)), currency) for name in ("usage", "fees", "adjustments")),
        Tile(
            say("closed-periods"),
            f"{totals.closed:,} / {totals.accounts:,}",
            note=say("all-closed") if totals.accounts and totals.closed == totals.accounts else say("some-run"),
            share=share,
        ),
    ]
