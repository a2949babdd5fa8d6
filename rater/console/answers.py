"""How the REST API answers: JSON with an ETag, lists by a cursor, and no parameter that it does not know."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Query, Request
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response

from rater.console.problems import Problem
from rater.readmodel.store import Store
from rater.readmodel.views import dumped

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=500, description="Items of a page.")]
Cursor = Annotated[str | None, Query(max_length=400, description="The `next` of the page before.")]


class ListPage(BaseModel):
    """A page of a list; `next` is the cursor of the next one, null on the last."""

    next: str | None


def moment(request: Request) -> Iterator[Connection]:
    """One moment of the read model, for the time of a request."""
    store: Store = request.app.state.store
    with store.read() as connection:
        yield connection


Moment = Annotated[Connection, Depends(moment)]


def known_parameters(request: Request) -> None:
    """Refuse a parameter that the operation does not have: a typo must not widen what is answered."""
    operation = request.app.openapi()["paths"][request.scope["route"].path]["get"]
    there = sorted(one["name"] for one in operation.get("parameters", ()) if one["in"] == "query")
    said = [name for name, _ in request.query_params.multi_items()]
    for name in said:
        if name not in there:
            names = ", ".join(there) or "none"
            raise Problem(422, "unknown-parameter", f"{name[:64]}: there is no such parameter; there are: {names}")
        if said.count(name) > 1:
            raise Problem(422, "wrong-parameter", f"{name}: it is there more than once")


def known(found: T | None, what: str) -> T:
    """What was found; nothing found is a problem."""
    if not found:
        raise Problem(404, "unknown", f"there is nothing of {what}")
    return found


def answer(request: Request, body: Any) -> Response:
    """The body as JSON with its ETag; or 304, where who asks has it."""
    data = orjson.dumps(body, default=dumped)
    headers = tagged(data)
    return unchanged(request, headers) or Response(data, headers=headers, media_type="application/json")


def tagged(data: bytes) -> dict[str, str]:
    """The headers of an answer; the ETag is of what tells it from others."""
    return {"ETag": f'"{sha256(data).hexdigest()[:32]}"', "Cache-Control": "private, no-cache"}


def unchanged(request: Request, headers: dict[str, str]) -> Response | None:
    """304, where who asks has the answer with this ETag."""
    asked = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return Response(status_code=304, headers=headers) if headers["ETag"] in asked or "*" in asked else None


def paged(request: Request, found: Sequence[T], limit: int, key: Callable[[T], tuple[object, ...]]) -> Response:
    """A page of what was found, one more than fits telling that there is another."""
    more = to_cursor(key(found[limit - 1])) if len(found) > limit else None
    return answer(request, {"items": list(found[:limit]), "next": more})


def to_cursor(key: tuple[object, ...]) -> str:
    """A place in a list as a word that nobody needs to understand."""
    return urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def uncursor(cursor: str | None, kinds: tuple[type, ...]) -> Any:
    """The place that a cursor tells; None for the first page."""
    if cursor is None:
        return None
    try:
        key = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        key = None
    if (
        not isinstance(key, list)
        or len(key) != len(kinds)
        or any(type(k) is not t for k, t in zip(key, kinds, strict=True))
    ):
        raise Problem(400, "wrong-cursor", "that is not the `next` of a page of this list")
    if any(isinstance(part, int) and not -(2**63) <= part < 2**63 for part in key):
        raise Problem(400, "wrong-cursor", "that is not the `next` of a page of this list")
    return tuple(key)


def cursor_in(query: Mapping[str, str], kinds: tuple[type, ...]) -> Any:
    """The place that a page's address tells; None for the first page, and where it tells none."""
    try:
        return uncursor(query.get("cursor"), kinds)
    except Problem:
        return None
