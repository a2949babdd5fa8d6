"""One charge: what it is for, how it adds up, the call behind it, and what else was charged for that call."""

from __future__ import annotations

from fastapi import Request
from nicegui import ui
from starlette.exceptions import HTTPException

from rater.console.pages.frame import LONGEST, Page, card, framed, part
from rater.readmodel.finding import charge_file
from rater.readmodel.follower import Live
from rater.readmodel.store import Store


def install(store: Store, live: Live) -> None:
    """Put the page at its place."""

    @ui.page("/charge/{charge_id}")
    async def charge_page(request: Request, charge_id: str) -> None:
        page = Page(request, store, live)
        found = await page.ask(lambda connection: charge_file(connection, charge_id[:LONGEST]))
        if found is None:
            raise HTTPException(404)
        title = f"{page.say('charge-page')} {found.charge['charge_id']}"
        with framed(page, "accounts", title):
            part(page.render("heading", title)).classes("r-12")
            with card(page.say("how-it-adds-up"), "r-6 r-top"):
                part(page.render("charge_lines", found.charge))
            with card(page.say("call") if "call" in found.charge else page.say("what"), "r-6 r-top"):
                part(page.render("charge_facts", found.charge))
            if found.same_call:
                with card(page.say("same-call"), "r-12"):
                    part(page.render("charge_list", found.same_call))
