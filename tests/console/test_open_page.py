"""A page that is open: its websocket ends with the session of who looks."""

from __future__ import annotations

from typing import Any

import pytest

from rater.console import sessions
from rater.console.auth import COOKIE, AuthMiddleware, Keeper
from rater.console.tokens import console_token
from rater.readmodel.store import Store

TOKENS = console_token("a-token-of-the-tests")


async def test_it_ends_with_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message of a websocket asks again who it is."""
    monkeypatch.setattr(sessions, "REMEMBERED", 0.0)
    store = Store("sqlite://")
    store.open("", rebuild=True)
    keeper = Keeper(TOKENS, store)
    cookie = keeper._sessions.begin("console")
    coming = ["first", "second"]
    heard: list[str] = []
    told: list[Any] = []

    async def application(_scope: Any, receive: Any, _send: Any) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            heard.append(message["text"])

    async def receive() -> Any:
        if heard:
            keeper._sessions.end(cookie)
        return {"type": "websocket.receive", "text": coming.pop(0)} if coming else {"type": "websocket.disconnect"}

    async def send(message: Any) -> None:
        told.append(message)

    headers = [(b"cookie", f"{COOKIE}={cookie}".encode()), (b"host", b"x")]
    scope = {"type": "websocket", "path": "/_nicegui_ws/socket.io/", "query_string": b"", "headers": headers}
    await AuthMiddleware(application, keeper)(scope, receive, send)
    store.close()
    assert (heard, told) == (["first"], [{"type": "websocket.close", "code": 1008}])
