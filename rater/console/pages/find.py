"""What was looked for by an id: the account, the charge, or the charges of a call."""

from __future__ import annotations

from fastapi import Request
from nicegui import ui
from starlette.responses import RedirectResponse

from rater.console.pages.frame import LONGEST, Page, card, framed, part
from rater.readmodel.finding import find
from rater.readmodel.follower import Live
from rater.readmodel.store import Store


def install(store: Store, live: Live) -> None:
    """Put the page at its place."""

    @ui.page("/find")
    async def find_page(request: Request, q: str = "") -> RedirectResponse | None:
        said = q.strip()[:LONGEST]
        page = Page(request, store, live)
        found = await page.ask(lambda connection: find(connection, said))
        if found.address is not None:
            return RedirectResponse(found.address, 303)
        title = page.say("found", what=said)
        with framed(page, "", title):
            part(page.render("heading", title)).classes("r-12")
            if not found.accounts and not found.charges:
                with card(page.say("find"), "r-12"):
                    part(page.render("nothing_found"))
            if found.accounts:
                with card(page.say("accounts"), "r-12"):
                    part(page.render("accounts", found.accounts, found.accounts[0].currency))
            if found.charges:
                with card(page.say("charges"), "r-12"):
                    part(page.render("charge_list", found.charges))
        return None
