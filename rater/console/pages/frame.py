"""What every page has: the bar with its links, the language, light or dark, and parts that are refreshed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from decimal import Decimal
from functools import partial
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import escape
from nicegui import ui
from sqlalchemy import Connection

from rater.console.app import language_of
from rater.readmodel.figures import local, money, talk
from rater.readmodel.follower import Live
from rater.readmodel.line_texts import line_words
from rater.readmodel.reason_texts import reason_text
from rater.readmodel.store import Store
from rater.readmodel.tariffs import zone_of
from rater.readmodel.texts import alert_words, meter_words, percent, text, verdict_words

T = TypeVar("T")

PAGES = {"overview": "/", "accounts": "/accounts", "plans": "/plans", "rejected": "/rejected"}
REFRESH = 0.5
"""Seconds between two looks at whether there is something new."""
SHARE = 9
"""A page rests so many times as long as its refreshing took."""

STYLE = files("rater.console").joinpath("templates/style.css").read_text()


class Page:
    """A page as one browser looks at it."""

    def __init__(self, request: Request, store: Store, live: Live) -> None:
        self.request, self.store, self.live = request, store, live
        self.language = language_of(request.cookies)
        self.dark = request.cookies.get("rater_theme") == "dark"
        self.say = partial(text, self.language)
        with store.read() as connection:
            self.zone: tzinfo = ZoneInfo(zone_of(connection))
        self._parts = _environment(self)

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
            await refresh()
            done = time.monotonic()
            rest = min(every, SHARE * (done - began))

        ui.timer(REFRESH, look)


def _environment(page: Page) -> Any:
    environment = Environment(
        loader=PackageLoader("rater.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "money": money,
        "percent": percent,
        "points": lambda share: round(Decimal(share) * 100, 1),
        "talk": talk,
        "local": lambda at: local(at, page.zone),
    }
    environment.globals |= {
        "meter_words": lambda meter: meter_words(meter, page.language),
        "line_words": lambda line: line_words(line, page.language),
        "alert_words": lambda alert: alert_words(alert, page.language),
        "reason_text": lambda reason: reason_text(reason, page.language),
        "verdict_words": lambda verdict: verdict_words(verdict, page.language),
    }
    return environment.get_template("parts.html")


@contextmanager
def framed(page: Page, here: str) -> Iterator[None]:
    """The page's bar, and the grid that its cards stand in."""
    ui.add_css(STYLE)
    ui.dark_mode(value=page.dark)
    with ui.element("header").classes("r-bar"), ui.element("div").classes("r-bar-in"):
        _link(page.say("rater"), "/", "r-brand")
        for name, path in PAGES.items():
            _link(page.say(name), path, "on" if name == here else "")
        with ui.element("div").classes("r-end"):
            back = quote(page.request.url.path + (f"?{page.request.url.query}" if page.request.url.query else ""))
            other = "en" if page.language == "zh" else "zh"
            _link(page.say("other-language"), f"/prefer?lang={other}&back={back}")
            theme = "light" if page.dark else "dark"
            _link(page.say(theme), f"/prefer?theme={theme}&back={back}")
            _link(page.say("log-out"), "/logout")
    with ui.element("main").classes("r-main"):
        stale = ui.html("", sanitize=False).classes("r-12 r-stale")

        def look() -> None:
            live = page.live
            stale.set_visibility(not (live.fresh and live.caught_up))
            stale.set_content(page.say("stale") if live.caught_up else page.say("behind", n=f"{live.behind:,}"))

        look()
        ui.timer(1.0, look)
        yield


def _link(label: str, target: str, classes: str = "") -> None:
    ui.link(label, target).classes(replace=classes)


@contextmanager
def card(title: str, width: str = "r-6") -> Iterator[ui.element]:
    """A card with a title."""
    with ui.element("section").classes(f"r-card {width}") as made:
        ui.html(str(escape(title)), tag="h2", sanitize=False)
        yield made


def part(markup: str = "") -> ui.html:
    """A place for a rendered part."""
    return ui.html(markup, sanitize=False)
