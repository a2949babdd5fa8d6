"""All alerts, the newest first, of everybody or of one account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui

from rater.console.answers import cursor_in, to_cursor
from rater.console.pages.frame import LONGEST, Page, card, framed, part
from rater.rating.instant import instant
from rater.readmodel.follower import Live
from rater.readmodel.overall import alerts_of
from rater.readmodel.store import Store

ROWS = 50


class AskedAlerts(NamedTuple):
    """What the address asks for."""

    account: str
    before: tuple[int, str] | None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> AskedAlerts:
        """From an address; what it says wrong is left out."""
        return cls(query.get("account", "").strip()[:LONGEST], cursor_in(query, (int, str)))


def install(store: Store, live: Live) -> None:
    """Put the page at its place."""

    @ui.page("/alerts")
    async def alerts(request: Request) -> None:
        page, asked = Page(request, store, live), AskedAlerts.of(request.query_params)
        with framed(page, "alerts", page.say("alerts")):
            part(page.render("heading", page.say("alerts"))).classes("r-12")
            with card(page.say("alerts"), "r-12"):
                form = part(page.render("account_form", "/alerts", asked.account))
                listed = part()

        async def refresh() -> None:
            found = await page.ask(
                lambda connection: alerts_of(connection, asked.account or None, asked.before, ROWS + 1)
            )
            listed.set_content(page.render("timed_alerts", found[:ROWS], _more(asked, found)))

        async def go(query: Mapping[str, str]) -> None:
            nonlocal asked
            asked = AskedAlerts.of(query)
            await refresh()

        page.in_place((form, listed), go)
        await refresh()
        page.refreshing(refresh)


def _more(asked: AskedAlerts, found: Sequence[dict[str, Any]]) -> str | None:
    """The address of the next page."""
    if len(found) <= ROWS:
        return None
    last = found[ROWS - 1]
    cursor = to_cursor((instant(datetime.fromisoformat(last["at"])), last["alert_id"]))
    return "/alerts?" + urlencode({"cursor": cursor} | ({"account": asked.account} if asked.account else {}))
