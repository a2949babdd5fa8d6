"""The first page: spend as it happens, who spends, whose bundle runs out, what is refused, and whether it adds up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from fastapi import Request
from nicegui import ui
from sqlalchemy import Connection

from rater.console.pages.charts import by_minute
from rater.console.pages.frame import Page, card, framed, part
from rater.console.pages.tiles import Tile
from rater.readmodel import overall, queries
from rater.readmodel.bundles import Bundle, bundles_running_out
from rater.readmodel.figures import money
from rater.readmodel.follower import Live
from rater.readmodel.months import month_before
from rater.readmodel.store import Store
from rater.readmodel.views import AccountView, Overview, PeriodTotal

MINUTES = 60


class OverviewPage(NamedTuple):
    """What the page shows, of one moment."""

    overview: Overview
    flow: list[tuple[int, Decimal, int]]
    top: list[AccountView]
    alerts: list[dict[str, Any]]
    bundles: list[Bundle]
    before: PeriodTotal | None
    """The month before the newest."""


def look(connection: Connection) -> OverviewPage:
    """Ask for all of it."""
    now = datetime.now(UTC)
    view = overall.overview(connection, now)
    newest = view.periods[0].period if view.periods else ""
    earlier = month_before(newest[:7]) if newest else ""
    return OverviewPage(
        view,
        overall.flow(connection, now, MINUTES),
        queries.top_accounts(connection, newest, 10),
        overall.alerts_of(connection, limit=8, kinds=overall.OTHER_KINDS),
        bundles_running_out(connection, newest, 8),
        next((one for one in view.periods if one.period == earlier), None),
    )


def install(store: Store, live: Live) -> None:
    """Put the page at its place."""

    @ui.page("/")
    async def overview(request: Request) -> None:
        page = Page(request, store, live)
        with framed(page, "overview", page.say("overview")):
            part(page.render("heading", page.say("overview"))).classes("r-12")
            tiles = part().classes("r-12")
            with card(page.say("by-minute"), "r-12"):
                chart = ui.echart(by_minute("", [], [], dark=page.dark)).style("height:220px")
            with card(page.say("top-accounts"), "r-8"):
                top = part()
            with card(page.say("by-reason"), "r-4 r-top"):
                reasons = part()
            with card(page.say("bundles")):
                bundles = part()
            with card(page.say("alerts")):
                alerts = part()

        async def refresh() -> None:
            shown = await page.ask(look)
            currency = shown.overview.currency or ""
            tiles.set_content(page.plain("tiles", figures(page, shown.overview, shown.before)))
            labels = [datetime.fromtimestamp(minute * 60, page.zone).strftime("%H:%M") for minute, *_ in shown.flow]
            amounts = [str(amount) for _, amount, _ in shown.flow]
            chart.options.update(by_minute(f"{page.say('amount')} {currency}", labels, amounts, dark=page.dark))
            chart.update()
            top.set_content(page.render("accounts", shown.top, currency))
            reasons.set_content(page.render("reasons", shown.overview.rejected))
            bundles.set_content(page.render("bundles", shown.bundles))
            alerts.set_content(page.render("alerts", shown.alerts) + page.render("all_alerts"))

        await refresh()
        page.refreshing(refresh)


def figures(page: Page, view: Overview, before: PeriodTotal | None = None) -> list[Tile]:
    """The row of figures."""
    currency = view.currency or ""
    period = view.periods[0] if view.periods else PeriodTotal(period="-", total="0", accounts=0)
    rejections = sum(one.times for one in view.rejected)
    off = Decimal(view.residue) != 0
    say = page.say
    return [
        Tile(say("charged-today"), money(view.charged_today), currency, say("n-charges", n=f"{view.charges_today:,}")),
        Tile(
            f"{say('period-total')} {period.period}",
            money(period.total),
            currency,
            say("n-accounts", n=f"{period.accounts:,}")
            + ("" if before is None else say("and-before", total=money(before.total))),
        ),
        Tile(say("charges-a-second"), f"{page.live.rate():,.0f}", "", say("n-charges", n=f"{view.charges:,}")),
        Tile(say("lag"), f"{page.live.lag:,}", note=say("lag-help")),
        Tile(say("rejected"), f"{rejections:,}", note=say("left-to-do", n=f"{view.rejected_states.left:,}")),
        Tile(say("residue"), money(view.residue), currency, say("residue-help"), "bad" if off else "good"),
    ]
