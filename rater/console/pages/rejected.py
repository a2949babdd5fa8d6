"""Records that did nothing: how many for which reason, and each with its place and what is wrong with it."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui
from sqlalchemy import Connection

from rater.console.api import to_cursor, uncursor
from rater.console.pages.frame import Page, card, framed, part
from rater.console.problems import Problem
from rater.readmodel import overall
from rater.readmodel.follower import Live
from rater.readmodel.store import Store

ROWS = 50


def install(store: Store, live: Live) -> None:
    """Put the page at its place."""

    @ui.page("/rejected")
    async def rejected(request: Request, reason: str | None = None, cursor: str | None = None) -> None:
        page = Page(request, store, live)
        reason = reason[:40] if reason else None
        try:
            before = uncursor(cursor, (int, int, int))
        except Problem:
            before = None

        def look(connection: Connection) -> tuple[overall.Totals, list[overall.Rejection]]:
            return overall.totals(connection), overall.rejections(connection, reason, before, ROWS + 1)

        with framed(page, "rejected"):
            with card(page.say("by-reason"), "r-4 r-top"):
                counts = part()
            with card(page.say("rejected") + (f": {reason}" if reason else ""), "r-8"):
                listed = part()

        async def refresh() -> None:
            view, found = await page.ask(look)
            counts.set_content(page.render("reasons", view.rejected))
            more = None
            if len(found) > ROWS:
                cursor = to_cursor(found[ROWS - 1][0])
                more = "/rejected?" + urlencode({"cursor": cursor} | ({"reason": reason} if reason else {}))
            listed.set_content(page.render("rejected", [view for _, view in found[:ROWS]], more))

        await refresh()
        page.refreshing(refresh)
