"""Records that did nothing: how many for which reason, and each with its place and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui
from sqlalchemy import Connection

from rater.console.answers import cursor_in, to_cursor
from rater.console.pages.frame import Page, card, framed, part
from rater.readmodel import overall
from rater.readmodel.follower import Live
from rater.readmodel.rejected import STATES, ItemCursor, RejectedState, Wanted, item_counts, rejected_items
from rater.readmodel.store import Store
from rater.readmodel.views import ReasonCount, RejectedView

ROWS = 50
LONGEST_REASON = 40


class AskedRejected(NamedTuple):
    """What the address asks for."""

    reason: str | None
    state: RejectedState | None
    before: ItemCursor | None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> AskedRejected:
        """From an address; what it says wrong is left out."""
        state = next((one for one in STATES if one == query.get("state")), None)
        return cls(query.get("reason", "")[:LONGEST_REASON] or None, state, cursor_in(query, (int, str)))

    def address(self, **changes: str | None) -> str:
        """The page's address with some of it changed; the cursor is of this list only."""
        said = {"reason": self.reason, "state": self.state} | changes
        return "/rejected?" + urlencode({name: word for name, word in said.items() if word})

    def files(self) -> list[tuple[str, str, str]]:
        """(what, format, address) of the exports of what is asked for."""
        said = {"reason": self.reason, "state": self.state, "bom": "true"}
        named = urlencode({name: word for name, word in said.items() if word})
        return [("rejected", form, f"/api/v1/rejected?{named}&format={form}") for form in ("csv", "jsonl")]


class RejectedShown(NamedTuple):
    """What the page shows, of one moment."""

    asked: AskedRejected
    reasons: tuple[ReasonCount, ...]
    states: dict[RejectedState, int]
    records: list[RejectedView]
    more: str | None
    """The address of the next page."""


def look(connection: Connection, asked: AskedRejected) -> RejectedShown:
    """Ask for all of it."""
    items = rejected_items(connection, Wanted(asked.state, asked.reason), asked.before, ROWS + 1)
    more = asked.address(cursor=to_cursor(items[ROWS - 1][0])) if len(items) > ROWS else None
    counts = overall.totals(connection).rejected
    return RejectedShown(asked, counts, item_counts(connection), [view for _, view in items[:ROWS]], more)


def install(store: Store, live: Live) -> None:
    """Put the page at its place."""

    @ui.page("/rejected")
    async def rejected(request: Request) -> None:
        page, asked = Page(request, store, live), AskedRejected.of(request.query_params)
        with framed(page, "rejected", page.say("rejected")):
            part(page.render("heading", page.say("rejected"))).classes("r-12")
            with card(page.say("by-reason"), "r-4 r-top"):
                counts = part()
            with card(page.say("rejected"), "r-8"):
                listed, files = part(), part()

        async def refresh() -> None:
            shown = await page.ask(lambda connection: look(connection, asked))
            counts.set_content(page.render("item_states", shown) + page.render("reasons", shown.reasons, shown.asked))
            listed.set_content(page.render("rejected_filter", shown.asked) + page.render("rejected", shown))
            files.set_content(page.render("files", shown.asked.files()))

        async def go(query: Mapping[str, str]) -> None:
            nonlocal asked
            asked = AskedRejected.of(query)
            await refresh()

        page.in_place((counts, listed), go)
        await refresh()
        page.refreshing(refresh)
