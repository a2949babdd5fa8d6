"""One rejected record: what it is, what is wrong with it, what to do; and buttons, for who has a token of the door.

The console itself writes nothing: a button asks the door, with the token that was typed in, and the door decides.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import aiohttp
from fastapi import Request
from nicegui import ui
from sqlalchemy import Connection

from rater.console.pages.frame import Page, card, framed, part
from rater.readmodel.follower import Live
from rater.readmodel.rejected import item_view
from rater.readmodel.store import Store
from rater.readmodel.views import RejectedView

PATIENCE = 30.0
"""Seconds that the door may take."""


def install(store: Store, live: Live, door: str | None) -> None:
    """Put the page at its place; `door` is the address of the door, None where there is none."""

    @ui.page("/rejected/record")
    async def record(request: Request, place: str = "") -> None:
        page = Page(request, store, live)
        place = place[:400]

        def look(connection: Connection) -> RejectedView | None:
            return item_view(connection, place)

        with framed(page, "rejected", page.say("rejected-record")):
            part(page.render("heading", page.say("rejected-record"))).classes("r-12")
            with card(page.say("rejected-record"), "r-8 r-top"):
                shown = part()
            with card(page.say("resolve"), "r-4 r-top"):
                todo = part()
                buttons = None if door is None else _buttons(page, place, door)

        async def refresh() -> None:
            view = await page.ask(look)
            shown.set_content(page.render("rejected_record", view))
            todo.set_content(page.render("rejected_commands", view))
            if buttons is not None:
                buttons.set_visibility(view is not None and view.state == "left")

        await refresh()
        page.refreshing(refresh)


def _buttons(page: Page, place: str, door: str) -> ui.element:
    with ui.column().classes("r-form") as form:
        token = ui.input(page.say("door-token"), password=True).props("dense outlined autocomplete=off")
        why = ui.input(page.say("why")).props("dense outlined maxlength=500")
        with ui.row():
            ui.button(page.say("send-again"), on_click=partial(_ask, page, door, "redrive", place, token, why))
            ui.button(page.say("drop"), on_click=partial(_ask, page, door, "drop", place, token, why)).props("flat")
    return form


async def _ask(page: Page, door: str, what: str, place: str, token: ui.input, why: ui.input) -> None:
    body: dict[str, Any] = {"places": [place]} | ({"why": why.value} if what == "drop" else {})
    headers = {"Authorization": f"Bearer {(token.value or '').strip()}"}
    try:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(f"{door}/api/v1/rejected/{what}", json=body, headers=headers) as answer,
        ):
            said = await answer.json(content_type=None)
            ui.notify(_told(page, answer.status, said), type="positive" if answer.ok else "negative")
    except (aiohttp.ClientError, TimeoutError):
        ui.notify(page.say("door-away"), type="negative")
    except ValueError:  # a token that no header can have, or an answer that is not the door's
        ui.notify(page.say("door-refuses", why=""), type="negative")


def _told(page: Page, status: int, said: Any) -> str:
    if status != 200:
        return page.say("door-refuses", why=str(said.get("detail", status)))
    unsent = said.get("not_redrivable") or []
    if unsent:
        return page.say("not-redrivable", why=str(unsent[0]["why"]))
    return page.say("resolved-n", n=f"{said.get('redriven', said.get('dropped', 0)):,}")
