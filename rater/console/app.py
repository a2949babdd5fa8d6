"""The console's web application: login, REST API, health, metrics, and the pages for people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import RedirectResponse, Response, StreamingResponse

from rater import __version__
from rater.console import problems
from rater.console.api import AccountPath, Moment, PeriodName, api, known
from rater.console.auth import COOKIE, AuthMiddleware, TokenAuth
from rater.console.metrics import exposition
from rater.console.statement_page import as_html
from rater.kafka import failstop
from rater.readmodel.follower import Follower, Live
from rater.readmodel.statement import statement
from rater.readmodel.store import Store
from rater.readmodel.texts import LANGUAGES, Language, text

LONGEST_LOGIN = 2000
"""Bytes of a login form."""


def create_app(store: Store, token: str, follower: Follower) -> FastAPI:
    """The application over a read model that `follower` keeps up to date while it runs."""
    keeper = TokenAuth(token)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(follower.run())
        task.add_done_callback(_must_not_end)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    app = FastAPI(
        title="rater",
        version=__version__,
        summary="What the rater charged, to read.",
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.store, app.state.live, app.state.keeper = store, follower.live, keeper
    problems.install(app)
    app.include_router(api)
    _health(app, follower.live, store)
    _statements(app)
    _login(app, keeper)
    app.add_middleware(AuthMiddleware, keeper=keeper)
    return app


def _must_not_end(task: asyncio.Task[None]) -> None:
    """Without its follower the console would show old figures as if they were new: it ends loudly instead."""
    if not task.cancelled():
        error = task.exception()
        status = failstop.Exit.CRASHED if error is None else failstop.status_of(error)
        failstop.die("the read model cannot be kept up to date", error, status)


def _health(app: FastAPI, live: Live, store: Store) -> None:
    @app.get("/live", include_in_schema=False)
    async def is_live() -> Mapping[str, Any]:
        """The event loop answers."""
        return {"live": True}

    @app.get("/ready", include_in_schema=False)
    async def is_ready(response: Response) -> Mapping[str, Any]:
        """The read model was up to date, and Kafka was heard of in the last seconds: what is shown is not old."""
        ready = live.fresh and live.caught_up
        response.status_code = 200 if ready else 503
        return {"ready": ready, "behind": live.behind}

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        """For Prometheus, with the bearer token."""
        return Response(exposition(live, store), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _statements(app: FastAPI) -> None:
    @app.get("/statement/{account}/{period}", include_in_schema=False)
    def statement_page(request: Request, at: Moment, account: AccountPath, period: PeriodName) -> Response:
        """An account's period on a page that prints well."""
        found = known(statement(at, account, period), f"{account} {period}")
        html = as_html(found, language_of(request.cookies))
        return StreamingResponse(html, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"})


def language_of(cookies: Mapping[str, str], asked: str | None = None) -> Language:
    """The language that was chosen; English until one is."""
    chosen = asked or cookies.get("rater_lang")
    return next((language for language in LANGUAGES if language == chosen), "en")


def _login(app: FastAPI, keeper: TokenAuth) -> None:
    pages = Environment(loader=PackageLoader("rater.console"), autoescape=True, undefined=StrictUndefined)

    def page(language: Language, wrong: str = "", status: int = 200) -> Response:
        values = {
            "language": language,
            "other": LANGUAGES[1 - LANGUAGES.index(language)],
            "wrong": wrong,
            "say": lambda key: text(language, key),
        }
        html = pages.get_template("login.html").render(values)
        return Response(html, status, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"})

    @app.get("/login", include_in_schema=False)
    async def ask(request: Request, lang: str | None = None) -> Response:
        """Ask for the token."""
        language = language_of(request.cookies, lang)
        shown = page(language)
        shown.set_cookie("rater_lang", language, max_age=365 * 86400, samesite="strict", httponly=True)
        return shown

    @app.post("/login", include_in_schema=False)
    async def log_in(request: Request) -> Response:
        """Give the cookie to who has the token."""
        language = language_of(request.cookies)
        said = await _form(request)
        if keeper.too_many():
            return page(language, text(language, "too-many"), 429)
        if not keeper.is_token(said):
            await keeper.refuse()
            return page(language, text(language, "wrong-token"), 401)
        answer = RedirectResponse("/", 303)
        keeper.seal(request, answer)
        return answer

    @app.get("/logout", include_in_schema=False)
    async def log_out() -> Response:
        """Take the cookie back."""
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer

    @app.get("/prefer", include_in_schema=False)
    async def prefer(lang: str | None = None, theme: str | None = None, back: str = "/") -> Response:
        """Remember how somebody likes to look, in their own browser."""
        here = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
        answer = RedirectResponse(here, 303)
        if lang in LANGUAGES:
            answer.set_cookie("rater_lang", lang, max_age=365 * 86400, samesite="strict", httponly=True)
        if theme in {"light", "dark"}:
            answer.set_cookie("rater_theme", theme, max_age=365 * 86400, samesite="strict", httponly=True)
        return answer


async def _form(request: Request) -> str:
    """The token of a login form; nothing of one that is too long."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > LONGEST_LOGIN:
            return ""
    return parse_qs(data.decode(errors="replace")).get("token", [""])[0]
