"""Who comes in: a middleware in front of everything, which asks for the token before a byte of the body is read."""

from __future__ import annotations

import re

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Asgi

from rater.console.attempts import WrongTokens, address_of
from rater.console.problems import problem
from rater.console.tokens import Caller, Scope, Tokens

OPEN = frozenset({"/live", "/ready"})
NEEDS: tuple[tuple[str, re.Pattern[str], Scope], ...] = (
    ("POST", re.compile(r"/api/v1/calls"), "calls:write"),
    ("POST", re.compile(r"/api/v1/cdrs/[^/]+"), "calls:write"),
    ("PUT", re.compile(r"/api/v1/accounts/.+"), "accounts:write"),
    ("PUT", re.compile(r"/api/v1/tariffs/[^/]+"), "tariffs:write"),
    ("POST", re.compile(r"/api/v1/rejected/(redrive|drop)"), "rejected:write"),
    ("GET", re.compile(r"/api/v1/.*"), "read"),
)
"""Method and path -> the scope that it needs. What stands in no line is closed."""
HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
ASK = "send the header Authorization: Bearer TOKEN"


def scope_needed(method: str, path: str) -> Scope | None:
    """The scope that a request needs; None where there is nothing of that method and path."""
    asked = "GET" if method == "HEAD" else method
    return next((scope for way, at, scope in NEEDS if way == asked and at.fullmatch(path)), None)


class DoorKeeper:
    """The middleware. Behind it `request.state.caller` is who asks."""

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app, self._tokens, self._wrong = app, tokens, WrongTokens()

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        path = connection.url.path
        if path not in OPEN:
            caller = await self._caller(connection)
            if not isinstance(caller, Caller):
                await caller(scope, receive, _sealed(send))
                return
            if not self._may(scope["method"], path, caller):
                needed = scope_needed(scope["method"], path)
                what = f"this needs the scope {needed}" if needed else "there is nothing of that method and path"
                answer = problem(403 if needed else 404, "forbidden" if needed else "unknown", what)
                await answer(scope, receive, _sealed(send))
                return
            scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, _sealed(send))

    async def _caller(self, connection: HTTPConnection) -> Caller | Response:
        """Who asks, or the answer that refuses it; wrong tokens of an address with many of them wait.

        A right one never does: switches share addresses, and the door's tokens are too long to be guessed.
        """
        caller = self._tokens.caller(connection.headers.get("authorization", ""))
        if caller is not None and not caller.expired:
            return caller
        address = address_of(connection.client)
        wait = self._wrong.wait(address)
        if wait:
            said = f"too many wrong tokens from this address; try again in {wait} s"
            return problem(429, "too-many-attempts", said, headers={"Retry-After": str(wait)})
        await self._wrong.refused(address)
        why = ASK if caller is None else f"the token {caller.name} expired on {caller.until}"
        return problem(401, "unauthorized", why, headers={"WWW-Authenticate": "Bearer"})

    @staticmethod
    def _may(method: str, path: str, caller: Caller) -> bool:
        return scope_needed(method, path) in caller.scopes


def _sealed(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message.setdefault("headers", []).extend(HEADERS)
        await send(message)

    return with_headers
