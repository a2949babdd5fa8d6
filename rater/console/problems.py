"""Errors of the REST API as RFC 9457 has them: application/problem+json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException as StarletteException
from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:rater: and a word that programs know"},
        "title": {"type": "string", "description": "the status in words"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "a sentence for people: what, and where"},
    },
}
_REFERENCE = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "A cursor or a text that cannot be.", **_REFERENCE},
    401: {"description": "No token, or one that is not known or has expired.", **_REFERENCE},
    403: {"description": "The token lacks the scope.", **_REFERENCE},
    404: {"description": "There is nothing of that name.", **_REFERENCE},
    422: {"description": "A parameter that is wrong or unknown.", **_REFERENCE},
    429: {"description": "Too many wrong tokens from this address; Retry-After says when to try again.", **_REFERENCE},
    304: {"description": "Nothing changed since the ETag that If-None-Match has."},
}
"""What every operation may answer beside its own."""


class Problem(HTTPException):
    """What went wrong, by a word that programs know and a sentence for people."""

    def __init__(
        self,
        status: int,
        word: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """`more` are members of the answer that the kind of problem has."""
        super().__init__(status, detail, headers)
        self.word, self.more = word, more or {}


def problem(
    status: int,
    word: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """The answer."""
    body: dict[str, Any] = {
        "type": f"urn:rater:{word}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    body |= more or {}
    return Response(orjson.dumps(body), status, headers, media_type=MEDIA_TYPE)


ErrorPage = Callable[[Request, int], Response]
"""A page for people who asked for something with a browser, by its status."""


def install(app: FastAPI, page: ErrorPage | None = None) -> None:
    """Every error of the application in that form; outside /api as a page, where there is one."""

    async def wrong(request: Request, error: Exception) -> Response:
        answer = as_problem(error)
        return answer if page is None or request.url.path.startswith("/api/") else page(request, answer.status_code)

    def as_problem(error: Exception) -> Response:
        if isinstance(error, Problem):
            return problem(error.status_code, error.word, error.detail, headers=error.headers, more=error.more)
        if isinstance(error, RequestValidationError):
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"][1:])
            return problem(422, "wrong-parameter", f"{place}: {first['msg']}")
        if isinstance(error, DataError):  # a NUL in a text, a number beyond the column: nothing of that name is there
            return problem(400, "wrong-parameter", "a text or a number that the database cannot hold")
        if isinstance(error, StarletteException):
            word = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
            return problem(error.status_code, word, str(error.detail), headers=error.headers)
        return problem(500, "broken", "this is a bug of the rater; its log says more")

    for kind in (Problem, RequestValidationError, DataError, StarletteException):
        app.add_exception_handler(kind, wrong)
