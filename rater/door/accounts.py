"""An account's life: subscriptions, adjustments and voids, each under the id that makes it idempotent."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from rater.console.problems import Problem
from rater.door.bodies import body_of
from rater.door.context import AccountsEvent, door_of
from rater.door.shapes import ADJUSTMENT_BODY, EVENT, SUBSCRIPTION_BODY, VOID_BODY
from rater.rating.limits import RECORD_BYTES
from rater.wire.parse import Invalid, parse

accounts = APIRouter(prefix="/api/v1/accounts/{account}", tags=["accounts"])


@accounts.put("/subscriptions/{ident}", status_code=202, responses=EVENT, openapi_extra=SUBSCRIPTION_BODY)
async def put_subscription(request: Request, account: str, ident: str) -> Response:
    """Put an account under a plan from an instant on: the body is `account-subscribed/1` without what the path says.

    The same again changes nothing; another body under the same id is a conflict, and rejected.
    """
    return await _put(request, {"type": "account-subscribed/1", "account": account, "subscription_id": ident})


@accounts.put("/adjustments/{ident}", status_code=202, responses=EVENT, openapi_extra=ADJUSTMENT_BODY)
async def put_adjustment(request: Request, account: str, ident: str) -> Response:
    """Credit (negative) or debit an account: `{"amount": "-12.00", "reason": "..."}`."""
    return await _put(request, {"type": "account-adjusted/1", "account": account, "adjustment_id": ident})


@accounts.put("/voids/{source}/{call_id:path}", status_code=202, responses=EVENT, openapi_extra=VOID_BODY)
async def put_void(request: Request, account: str, source: str, call_id: str) -> Response:
    """Take a rated call back: `{"reason": "..."}`. Signs of a call's id that a path cannot have are escaped in it."""
    said = {"type": "call-voided/1", "account": account, "source": source, "call_id": call_id}
    return await _put(request, said)


async def _put(request: Request, path: dict[str, str]) -> Response:
    body = await body_of(request, RECORD_BYTES)
    try:
        words: Any = orjson.loads(body)
    except ValueError as error:
        raise Problem(422, "not-json", "the body is not JSON in UTF-8") from error
    if not isinstance(words, dict):
        raise Problem(422, "wrong-shape", "the body must be a JSON object")
    if other := [name for name in path if name in words and words[name] != path[name]]:
        raise Problem(422, "wrong-shape", f"{other[0]}: the body says another one than the path")
    value = orjson.dumps({**path, **words})
    event = parse(value)
    if isinstance(event, Invalid):
        raise Problem(422, event.reason, event.detail)
    assert isinstance(event, AccountsEvent)  # noqa: S101 - of the type that the path says
    return await door_of(request).write(request, event, value)
