"""Who may look: whoever has a token with the scope `console:read`, people by a cookie, programs by a header.

It stands in front of everything, web sockets too, and lets through only what it knows: no path is open by mistake.
Nothing behind it writes.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import urlencode

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rater.console.attempts import WrongTokens, address_of
from rater.console.problems import problem
from rater.console.sessions import HOURS, Sessions
from rater.console.tokens import CONSOLE, Tokens
from rater.readmodel.store import Store

COOKIE = "rater_session"
OPEN = frozenset({"/login", "/live", "/ready"})
"""Paths that need no token: where it is given, and what supervisors ask."""
PROGRAMS = ("/api/", "/metrics")
"""Paths that are for programs: they get an error, not a page."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; form-action 'self'"
    ),
}

logger = logging.getLogger(__name__)


class Keeper:
    """Knows the tokens, who has shown one, and which addresses are guessing."""

    def __init__(self, tokens: Tokens, store: Store) -> None:
        self.attempts = WrongTokens()
        self._tokens, self._sessions = tokens, Sessions(store)

    def why_not(self, token: str) -> str | None:
        """What is wrong with a token; None for a good one."""
        owner = self._tokens.owner(token)
        if owner is None:
            return "that token is not known"
        if owner.expired:
            return f"the token {owner.name} expired on {owner.until}"
        return None if CONSOLE in owner.scopes else f"the token {owner.name} lacks the scope {CONSOLE}"

    async def log_in(self, request: Request, token: str, answer: Response) -> bool:
        """Give the cookie to who has a good token; a wrong one is counted."""
        address = address_of(request.client)
        owner, wrong = self._tokens.owner(token), self.why_not(token)
        if owner is None or wrong is not None:
            logger.warning("login refused: %s, from %s", wrong, address)
            await self.attempts.refused(address)
            return False
        cookie = await asyncio.to_thread(self._sessions.begin, owner.name)
        secure = request.url.scheme == "https"
        # Lax, not strict: a link in a mail or a ticket opens the page that it names.
        answer.set_cookie(COOKIE, cookie, max_age=HOURS * 3600, httponly=True, samesite="lax", secure=secure)
        logger.info("login: %s, from %s", owner.name, address)
        return True

    async def log_out(self, request: Request) -> None:
        """End the session of a request, everywhere."""
        name = await asyncio.to_thread(self._sessions.end, request.cookies.get(COOKIE, ""))
        if name is not None:
            logger.info("logout: %s, from %s", name, address_of(request.client))

    async def visitor(self, connection: HTTPConnection) -> str | None:
        """Who is logged in by a cookie with a token that is still good."""
        cookie = connection.cookies.get(COOKIE, "")
        name = await asyncio.to_thread(self._sessions.whose, cookie) if cookie else None
        return name if name is not None and self._tokens.named(name, CONSOLE) else None

    async def program(self, connection: HTTPConnection, token: str) -> str | Response:
        """Who sends a bearer token, or the answer that refuses it."""
        address = address_of(connection.client)
        wait = self.attempts.wait(address)
        if wait:
            return too_many(wait)
        owner, wrong = self._tokens.owner(token), self.why_not(token)
        if owner is not None and wrong is None:
            return owner.name
        logger.warning("bearer token refused: %s, from %s", wrong, address)
        await self.attempts.refused(address)
        lacks = owner is not None and not owner.expired
        return problem(403, "forbidden", wrong or "") if lacks else _ask(wrong or "")


def too_many(wait: int) -> Response:
    """The answer to an address that is guessing."""
    said = f"too many wrong tokens from this address; try again in {wait} s"
    return problem(429, "too-many-attempts", said, headers={"Retry-After": str(wait)})


def _ask(why: str) -> Response:
    said = f"{why}; send the header Authorization: Bearer TOKEN"
    return problem(401, "unauthorized", said, headers={"WWW-Authenticate": "Bearer"})


class AuthMiddleware:
    """The middleware. Behind it `request.state.who` is the name of the token."""

    def __init__(self, app: ASGIApp, keeper: Keeper) -> None:
        self._app, self._keeper = app, keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        who = "-" if connection.url.path in OPEN else await self._who(connection)
        if isinstance(who, str):
            scope.setdefault("state", {})["who"] = who
            if scope["type"] == "http":
                await self._app(scope, receive, _sealed(send))
            else:
                await self._app(scope, self._while_logged_in(connection, receive, send), send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await who(scope, receive, _sealed(send))

    def _while_logged_in(self, connection: HTTPConnection, receive: Receive, send: Send) -> Receive:
        """What a page that is open says, until its session ends: it is asked for at each message, pings too."""

        async def receive_or_end() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and await self._keeper.visitor(connection) is None:
                await send({"type": "websocket.close", "code": 1008})
                return {"type": "websocket.disconnect", "code": 1008}
            return message

        return receive_or_end

    async def _who(self, connection: HTTPConnection) -> str | Response:
        """By a bearer token for programs, else by the cookie."""
        path = connection.url.path
        programs = path.startswith(PROGRAMS)
        kind, _, said = connection.headers.get("authorization", "").partition(" ")
        if programs and kind.lower() == "bearer":
            return await self._keeper.program(connection, said.strip())
        name = await self._keeper.visitor(connection)
        if name is not None:
            return name
        if programs:
            return _ask("no token was sent")
        query = f"?{connection.url.query}" if connection.url.query else ""
        back = "" if path == "/" or path.startswith("/_nicegui") else "?" + urlencode({"next": path + query})
        return RedirectResponse(f"/login{back}", 303)


def _sealed(send: Send) -> Send:
    """With the headers that keep a page from being framed, sniffed, or fed with scripts from elsewhere."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            there: Any = message.setdefault("headers", [])
            there.extend((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
        await send(message)

    return with_headers
