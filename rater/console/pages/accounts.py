"""The list of accounts, with a search by the beginning of their ids."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request
from markupsafe import Markup
from nicegui import ui

from rater.console.pages.frame import Page, card, framed, part
from rater.readmodel import queries
from rater.readmodel.follower import Live
from rater.readmodel.store import Store

ROWS = 50
LONGEST = 64

FORM = Markup(
    '<form class="r-form" method="get" action="/accounts"><input name="search" maxlength="64" value="{value}" '
    'placeholder="{hint}" aria-label="{hint}"><button>{find}</button></form>'
)


def install(store: Store, live: Live) -> None:
    """Put the page at its place."""

    @ui.page("/accounts")
    async def accounts(request: Request, search: str = "", after: str = "") -> None:
        page = Page(request, store, live)
        search, after = search[:LONGEST], after[:LONGEST]
        with framed(page, "accounts"), card(page.say("accounts"), "r-12"):
            part(str(FORM.format(value=search, hint=page.say("search"), find=page.say("find"))))
            rows = part().style("margin-top:.8rem")
            more = ui.element("div").classes("r-more")

        async def refresh() -> None:
            found = await page.ask(lambda connection: queries.accounts(connection, search, after, ROWS + 1))
            currency = found[0].currency if found else ""
            rows.set_content(page.render("accounts", found[:ROWS], currency))
            more.clear()
            if len(found) > ROWS:
                with more:
                    query = urlencode({"search": search, "after": found[ROWS - 1].account})
                    ui.link(page.say("more"), f"/accounts?{query}").classes(replace="r-a")

        await refresh()
        page.refreshing(refresh)
