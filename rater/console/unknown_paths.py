"""What stands behind all that the application knows: paths and methods that are not there, and HEAD."""

from __future__ import annotations

import re

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rater.console.problems import problem

_PART = re.compile(r"\{[^}]+\}")
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def install(app: FastAPI) -> None:
    """Answer for whatever no other route of /api takes; NiceGUI, which stands behind, would send a page."""

    @app.api_route("/api/{path:path}", methods=METHODS, include_in_schema=False)
    async def unknown(request: Request, path: str) -> Response:  # noqa: ARG001 - the pattern has it
        """405 with Allow where the path is known with another method, else 404."""
        allowed = sorted(_methods(app, request.url.path))
        if allowed:
            said = f"{request.method} is not allowed here; this API is to be read"
            return problem(405, "method-not-allowed", said, headers={"Allow": ", ".join(allowed)})
        return problem(404, "unknown", "there is no such path; /api/v1/docs lists all")


def _methods(app: FastAPI, path: str) -> set[str]:
    """The methods that a path takes, by the document that tells of all of them."""
    known = {"/api/v1/openapi.json": {"get": {}}, "/api/v1/docs": {"get": {}}} | app.openapi()["paths"]
    fits = (methods for pattern, methods in known.items() if re.fullmatch(_PART.sub("[^/]+", pattern), path))
    found = {method.upper() for method in next(fits, ())}
    return found | {"HEAD"} if "GET" in found else found


class HeadAsGet:
    """HEAD works wherever GET does: the same headers, and no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET"}, receive, without_body)
