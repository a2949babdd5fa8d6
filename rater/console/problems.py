"""Errors of the REST API as RFC 9457 has them: application/problem+json."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException as StarletteException
from starlette.requests import Request
from starlette.responses import Response


class Problem(HTTPException):
    """What went wrong, by a word that programs know and a sentence for people."""

    def __init__(self, status: int, word: str, detail: str) -> None:
        super().__init__(status, detail)
        self.word = word


def problem(status: int, word: str, detail: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """The answer."""
    body = {"type": f"urn:rater:{word}", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(orjson.dumps(body), status, headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Every error of the application in that form."""

    async def wrong(_: Request, error: Exception) -> Response:
        if isinstance(error, Problem):
            return problem(error.status_code, error.word, error.detail)
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
