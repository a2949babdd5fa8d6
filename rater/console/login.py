"""Logging in and out, and what people prefer."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

from fastapi import FastAPI, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from rater.console.attempts import address_of
from rater.console.auth import COOKIE, Keeper
from rater.console.languages import CHOSEN, language_of
from rater.readmodel.texts import LANGUAGES, Language, text

LONGEST_LOGIN = 2000
"""Bytes of a login form."""
A_YEAR = 365 * 86400


PAGES = Environment(loader=PackageLoader("rater.console"), autoescape=True, undefined=StrictUndefined)


def install(app: FastAPI, keeper: Keeper) -> None:
    """Put the pages at their places."""

    @app.get("/login", include_in_schema=False)
    async def ask(request: Request, lang: str | None = None) -> Response:
        """Ask for the token."""
        language = language_of(request, lang)
        shown = _form(request, language)
        if lang == language:
            _keep(shown, CHOSEN, language)
        return shown

    @app.post("/login", include_in_schema=False)
    async def log_in(request: Request) -> Response:
        """Give the cookie to who has the token, and lead to the page that was asked for."""
        language = language_of(request)
        token = await _token_of(request)
        wait = keeper.attempts.wait(address_of(request.client))
        if wait:
            refused = _form(request, language, text(language, "too-many", seconds=wait), 429)
            refused.headers["Retry-After"] = str(wait)
            return refused
        answer = RedirectResponse(inner(request.query_params.get("next", "/")), 303)
        if not await keeper.log_in(request, token, answer):
            return _form(request, language, text(language, "wrong-token"), 401)
        return answer


def install_preferences(app: FastAPI, keeper: Keeper) -> None:
    """Put what is for who is logged in at its places."""

    @app.get("/logout", include_in_schema=False)
    async def log_out(request: Request) -> Response:
        """End the session."""
        await keeper.log_out(request)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer

    @app.get("/prefer", include_in_schema=False)
    async def prefer(lang: str | None = None, theme: str | None = None, back: str = "/") -> Response:
        """Remember how somebody likes to look, in their own browser."""
        answer = RedirectResponse(inner(back), 303)
        if lang in LANGUAGES:
            _keep(answer, CHOSEN, lang)
        if theme in {"light", "dark", "system"}:
            _keep(answer, "rater_theme", theme)
        return answer


def inner(path: str) -> str:
    """A path of this site: a link that somebody made up leads to the first page, not to another site."""
    lawful = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if lawful and not path.startswith(("/login", "/logout")) else "/"


def _form(request: Request, language: Language, wrong: str = "", status: int = 200) -> Response:
    values = {
        "language": language,
        "other": LANGUAGES[1 - LANGUAGES.index(language)],
        "theme": request.cookies.get("rater_theme", "system"),
        "wrong": wrong,
        "next": urlencode({"next": inner(request.query_params.get("next", "/"))}),
        "say": lambda key: text(language, key),
    }
    html = PAGES.get_template("login.html").render(values)
    return Response(html, status, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"})


def _keep(answer: Response, name: str, value: str) -> None:
    answer.set_cookie(name, value, max_age=A_YEAR, samesite="lax", httponly=True)


async def _token_of(request: Request) -> str:
    """The token of a login form; nothing of one that is too long."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > LONGEST_LOGIN:
            return ""
    return parse_qs(data.decode(errors="replace")).get("token", [""])[0].strip()
