"""Who may look: whoever has the token (RATER_CONSOLE_TOKEN), people by a cookie, programs by a header.

It stands in front of everything, web sockets too, and lets through only what it knows: no path is open by mistake.
Nothing behind it writes.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from itsdangerous import BadSignature, TimestampSigner
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rater.console.problems import problem

COOKIE = "rater_session"
HOURS = 12
OPEN = frozenset({"/login", "/live", "/ready"})
"""Paths that need no token: where it is given, and what supervisors ask."""
PROGRAMS = ("/api/", "/metrics")
"""Paths that are for programs: they get an error, not a page."""

TRIES, PER_SECONDS = 10, 60.0
"""Wrong tokens in that time, from anywhere, after which none is looked at for a while."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; form-action 'self'"
    ),
}


class TokenAuth:
    """Knows the token, and who has shown it."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        # Sessions end when the token is changed, and outlive a restart of the process.
        self._signer = TimestampSigner(sha256(b"rater-console-session:" + self._token).hexdigest())
        self._wrong: deque[float] = deque()

    def is_token(self, said: str) -> bool:
        """Whether it is the token, compared in constant time."""
        return compare_digest(sha256(said.encode()).digest(), sha256(self._token).digest())

    def session(self) -> str:
        """A cookie's value for who has shown the token."""
        return self._signer.sign(b"in").decode()

    def let_in(self, connection: HTTPConnection) -> bool:
        """By a bearer token for programs, else by the cookie."""
        if connection.url.path.startswith(PROGRAMS):
            kind, _, said = connection.headers.get("authorization", "").partition(" ")
            if kind.lower() == "bearer":
                return self.is_token(said.strip())
        try:
            self._signer.unsign(connection.cookies.get(COOKIE, ""), max_age=HOURS * 3600)
        except BadSignature:
            return False
        return True

    def too_many(self) -> bool:
        """Whether there were so many wrong tokens that none is checked now."""
        now = time.monotonic()
        while self._wrong and self._wrong[0] < now - PER_SECONDS:
            self._wrong.popleft()
        return len(self._wrong) >= TRIES

    async def refuse(self) -> None:
        """Count a wrong token, and take a moment over it."""
        self._wrong.append(time.monotonic())
        await asyncio.sleep(0.2)

    def seal(self, request: Request, response: Response) -> None:
        """Give the cookie."""
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, self.session(), max_age=HOURS * 3600, httponly=True, samesite="strict", secure=secure
        )


class AuthMiddleware:
    """The middleware."""

    def __init__(self, app: ASGIApp, keeper: TokenAuth) -> None:
        self._app, self._keeper = app, keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        path = connection.url.path
        if path in OPEN or self._keeper.let_in(connection):
            await self._app(scope, receive, _sealed(send) if scope["type"] == "http" else send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif path.startswith(PROGRAMS):
            headers = {"WWW-Authenticate": "Bearer"}
            answer = problem(401, "unauthorized", "send the header Authorization: Bearer TOKEN", headers=headers)
            await answer(scope, receive, _sealed(send))
        else:
            await RedirectResponse("/login", 303)(scope, receive, _sealed(send))


def _sealed(send: Send) -> Send:
    """With the headers that keep a page from being framed, sniffed, or fed with scripts from elsewhere."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            there: Any = message.setdefault("headers", [])
            there.extend((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
        await send(message)

    return with_headers
