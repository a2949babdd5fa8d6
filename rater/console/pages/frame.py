"""What every page has: the bar with its links, the language, light or dark, and parts that are refreshed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import tzinfo
from decimal import Decimal
from functools import partial
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import escape
from nicegui import ui
from nicegui.events import GenericEventArguments
from sqlalchemy import Connection

from rater.console.languages import language_of
from rater.readmodel.figures import local, money, signed, talk, units
from rater.readmodel.follower import Live
from rater.readmodel.line_texts import line_words
from rater.readmodel.reason_texts import reason_text
from rater.readmodel.store import Store
from rater.readmodel.tariffs import zone_of
from rater.readmodel.texts import alert_words, meter_words, percent, text, verdict_words

T = TypeVar("T")

PAGES = {
    "overview": "/",
    "accounts": "/accounts",
    "alerts": "/alerts",
    "plans": "/plans",
    "rejected": "/rejected",
}
REFRESH = 0.5
"""Seconds between two looks at whether there is something new."""
SHARE = 9
"""A page rests so many times as long as its refreshing took."""

THEMES = ("system", "light", "dark")
LONGEST = 128
"""Characters of what is searched for."""

LONGEST_QUERY = 2000
"""Characters of an address that is followed in place."""

_TEMPLATES = files("rater.console").joinpath("templates")
STYLE = _TEMPLATES.joinpath("style.css").read_text()
SCRIPT = _TEMPLATES.joinpath("page.js").read_text()
IN_PLACE = "(event) => { const query = raterFollow(event); if (query !== null) emit(query); }"


class Page:
    """A page as one browser looks at it."""

    def __init__(self, request: Request, store: Store, live: Live) -> None:
        self.request, self.store, self.live = request, store, live
        self.language = language_of(request)
        self.theme = next((one for one in THEMES if one == request.cookies.get("rater_theme")), "system")
        scheme = request.cookies.get("rater_scheme") if self.theme == "system" else self.theme
        self.dark = scheme == "dark"
        ui.context.client.page = copy(ui.context.client.page)  # which is one for all who look
        ui.context.client.page.language = "zh-CN" if self.language == "zh" else "en-US"
        self.say = partial(text, self.language)
        with store.read() as connection:
            self.zone: tzinfo = ZoneInfo(zone_of(connection))
        self._parts = _environment(self)
        self._drawing = asyncio.Lock()
        self._back: list[tuple[ui.link, str]] = []

    def render(self, part: str, *values: Any) -> str:
        """A part of the page as HTML, everything in it escaped."""
        return str(getattr(self._parts.module, part)(self.say, *values))

    def plain(self, part: str, *values: Any) -> str:
        """A part that has no words of its own."""
        return str(getattr(self._parts.module, part)(*values))

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """Read one moment of the read model, beside the event loop."""

        def read() -> T:
            with self.store.read() as connection:
                return question(connection)

        return await asyncio.to_thread(read)

    def refreshing(self, refresh: Callable[[], Any], every: float = 5.0) -> None:
        """Call `refresh` when the read model has changed, and now and then anyhow.

        Where that takes long, it is done less often, so that who looks never takes more than a tenth of the time.
        """
        seen, done, rest = -1, time.monotonic(), REFRESH

        async def look() -> None:
            nonlocal seen, done, rest
            began = time.monotonic()
            if began - done < (rest if self.live.version != seen else every):
                return
            seen = self.live.version
            async with self._drawing:
                await refresh()
            done = time.monotonic()
            rest = min(every, SHARE * (done - began))

        ui.timer(REFRESH, look)

    def in_place(self, places: Iterable[ui.html], go: Callable[[Mapping[str, str]], Awaitable[None]]) -> None:
        """Follow links and forms in these places that lead to this page without loading it; `go` hears their query.

        The address changes with what is shown, so that it can be sent to somebody, and Back leads back.
        """

        async def went(event: GenericEventArguments) -> None:
            query = str(event.args)[:LONGEST_QUERY]
            self._lead_back(query)
            async with self._drawing:
                await go(dict(parse_qsl(query)))

        for place in places:
            for kind in ("click", "submit"):
                place.on(kind, went, js_handler=IN_PLACE)

    def leads_back(self, label: str, target: str) -> None:
        """A link to a choice that leads back to what is shown."""
        self._back.append((_link(label, ""), target))
        self._lead_back(self.request.url.query)

    def _lead_back(self, query: str) -> None:
        back = quote(self.request.url.path + (f"?{query}" if query else ""))
        for link, target in self._back:
            link.props["href"] = f"{target}&back={back}"
            link.update()


def _environment(page: Page) -> Any:
    environment = Environment(
        loader=PackageLoader("rater.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "money": money,
        "signed": signed,
        "units": units,
        "percent": percent,
        "points": lambda share: round(Decimal(share) * 100, 1),
        "talk": talk,
        "local": lambda at: local(at, page.zone),
    }
    environment.globals |= {
        "zone": str(page.zone),
        "meter_words": lambda meter: meter_words(meter, page.language),
        "line_words": lambda line: line_words(line, page.language),
        "alert_words": lambda alert: alert_words(alert, page.language),
        "reason_text": lambda reason: reason_text(reason, page.language),
        "verdict_words": lambda verdict: verdict_words(verdict, page.language),
    }
    return environment.get_template("parts.html")


@contextmanager
def framed(page: Page, here: str, title: str) -> Iterator[None]:
    """The page's bar, and the grid that its cards stand in."""
    ui.page_title(f"{title} · rater")
    ui.add_css(STYLE)
    ui.colors(primary="#1a56c0")
    ui.add_head_html(f"<script>{SCRIPT}</script>")
    ui.dark_mode(value={"dark": True, "light": False}.get(page.theme))
    with ui.element("header").classes("r-bar"), ui.element("div").classes("r-bar-in"):
        _link(page.say("rater"), "/", "r-brand")
        with ui.element("nav").classes("r-nav").props(f'aria-label="{page.say("pages")}"'):
            for name, path in PAGES.items():
                _link(page.say(name), path, "on" if name == here else "")
        part(page.render("find_form", page.request.query_params.get("q", "")[:LONGEST])).classes("r-find")
        with ui.element("div").classes("r-end"):
            other = "en" if page.language == "zh" else "zh"
            page.leads_back(page.say("other-language"), f"/prefer?lang={other}")
            theme = THEMES[(THEMES.index(page.theme) + 1) % len(THEMES)]
            page.leads_back(page.say("system-theme" if theme == "system" else theme), f"/prefer?theme={theme}")
            _link("API", "/api/v1/docs")
            _link(page.say("log-out"), "/logout")
    with ui.element("div").classes("r-main"):  # NiceGUI's own layout is the page's <main>
        stale = ui.html("", sanitize=False).classes("r-12 r-stale").props('role="status"')

        def look() -> None:
            live = page.live
            stale.set_visibility(not (live.fresh and live.caught_up))
            stale.set_content(page.say("stale") if live.caught_up else page.say("behind", n=f"{live.behind:,}"))

        look()
        ui.timer(1.0, look)
        yield


def _link(label: str, target: str, classes: str = "") -> ui.link:
    made = ui.link(label, target).classes(replace=classes)
    if classes == "on":
        made.props('aria-current="page"')
    return made


@contextmanager
def card(title: str, width: str = "r-6") -> Iterator[ui.element]:
    """A card with a title."""
    with ui.element("section").classes(f"r-card {width}") as made:
        ui.html(str(escape(title)), tag="h2", sanitize=False)
        yield made


def part(markup: str = "") -> ui.html:
    """A place for a rendered part."""
    return ui.html(markup, sanitize=False)
