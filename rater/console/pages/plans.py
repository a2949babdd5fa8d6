"""The tariff book as people read it, and where one plan becomes cheaper than another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from fastapi import Request
from nicegui import ui
from sqlalchemy import Connection

from rater.console.pages import charts
from rater.console.pages.frame import Page, card, framed, part
from rater.rating.advice import Figures, plan_cost
from rater.rating.book import Book, Plan
from rater.rating.instant import instant
from rater.readmodel.follower import Live
from rater.readmodel.plan_texts import Term, plan_terms
from rater.readmodel.store import Store
from rater.readmodel.tariffs import book_of, plans_at

STEPS = 60
FULL = (100, 300, 1000, 4000)
"""Minutes that the chart can go up to."""
MOST_CALLS = 2000


class PlanRow(NamedTuple):
    """A plan in words."""

    name: str
    default: bool
    terms: list[Term]


def look(connection: Connection) -> tuple[Book | None, dict[str, Plan]]:
    """The newest book, and its plans as they are now."""
    return book_of(connection), plans_at(connection, instant(datetime.now(UTC)))


def install(store: Store, live: Live) -> None:
    """Put the page at its place."""

    @ui.page("/plans")
    async def plans_page(request: Request) -> None:
        page = Page(request, store, live)
        book, plans = await page.ask(look)
        with framed(page, "plans", page.say("plans")):
            part(page.render("heading", page.say("plans"))).classes("r-12")
            if book is None:
                with card(page.say("plans"), "r-12"):
                    part(page.say("no-book"))
                return
            with card(page.say("book", version=book.version), "r-12"):
                part(page.render("plans", rows(page, book, plans), book.currency))
            with card(f"{page.say('break-even')}, {book.currency}", "r-12"):
                _chart(page, plans, book.precision)


def rows(page: Page, book: Book, plans: Mapping[str, Plan]) -> list[PlanRow]:
    """The plans in words."""
    return [PlanRow(name, name == book.default_plan, plan_terms(plan, page.language)) for name, plan in plans.items()]


def _chart(page: Page, plans: Mapping[str, Plan], precision: int) -> None:
    chosen = {"calls": 40, "full": 1000}

    def options() -> charts.Options:
        calls, points = chosen["calls"], [chosen["full"] * step // STEPS for step in range(STEPS + 1)]
        months = [Figures(minutes, calls, calls) for minutes in points]
        series = [
            (name, [str(plan_cost(plan, month.counts(plan), precision)) for month in months])
            for name, plan in plans.items()
        ]
        return charts.lines(page.say("minutes"), points, series, dark=page.dark)

    def redraw() -> None:
        chart.options.clear()
        chart.options.update(options())
        chart.update()

    with ui.row().style("align-items:center;gap:1.2rem;width:100%"):
        ui.label(page.say("calls-chosen")).classes("dim")
        calls = ui.slider(min=0, max=400, step=5, value=40).style("flex:1;min-width:9rem;max-width:24rem")
        calls.props(f'aria-label="{page.say("calls-chosen")}"')
        ui.label().bind_text_from(calls, "value")
        ui.label(page.say("minutes-up-to")).classes("dim")
        full = ui.toggle({one: f"{one:,}" for one in FULL}, value=1000).props("dense no-caps")
    chart = ui.echart(options()).style("height:380px")

    def change() -> None:
        # What comes from a browser is not trusted to be what the slider offers.
        chosen["calls"] = min(max(int(calls.value or 0), 0), MOST_CALLS)
        chosen["full"] = full.value if full.value in FULL else FULL[0]
        redraw()

    calls.on_value_change(change)
    full.on_value_change(change)
