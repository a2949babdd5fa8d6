"""What OpenAPI says of bodies and answers that are read and written as bytes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from rater.wire.events import AccountAdjusted, AccountSubscribed, CallEnded, CallVoided
from rater.wire.results import Charge


class PlacedRecord(BaseModel):
    """A record that is in the log: topic, partition and offset."""

    place: str


class PlacedRecords(BaseModel):
    """Records that are in the log, in the order in which they came."""

    places: list[str]


class RecordOutcome(BaseModel):
    """What became of a record: `charged`, `duplicate`, `applied`, `rejected`, `forwarded`, or `not-rated-yet`."""

    place: str
    outcome: str
    reason: str | None = None
    detail: str | None = None
    charges: list[Charge] = []
    forwarded_to: str | None = None


class ProblemBody(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemBody, "description": text}
    for status, text in (
        (401, "no token, or one that is not known"),
        (403, "a token without the scope"),
        (409, "somebody else does it at this moment; nothing was done"),
        (413, "the body is too large"),
        (422, "what is wrong, and where; nothing was written"),
        (429, "too many wrong tokens from this address; Retry-After says when to try again"),
        (503, "Kafka does not take it in time: send the same again"),
    )
}
_RATED = {"model": RecordOutcome, "description": "what became of it, where Prefer: wait was sent"}
PLACED: dict[int | str, dict[str, Any]] = {202: {"model": PlacedRecord, "description": "it is in the log"}, **PROBLEMS}
EVENT: dict[int | str, dict[str, Any]] = {200: _RATED, **PLACED}
PLACES: dict[int | str, dict[str, Any]] = {
    200: _RATED,
    202: {"model": PlacedRecord | PlacedRecords, "description": "it is in the log; of an array, each"},
    **PROBLEMS,
}

_CALL_EXAMPLE = {
    "type": "call-ended/1",
    "account": "A000123",
    "source": "pbx-1",
    "call_id": "c-0000001",
    "caller": "+861012345678",
    "callee": "+861087654321",
    "direction": "outbound",
    "started_at": "2026-11-01T08:00:00.123+08:00",
    "answered_at": "2026-11-01T08:00:07.001+08:00",
    "ended_at": "2026-11-01T08:01:54.001+08:00",
    "disposition": "answered",
}


_REF = "#/components/schemas/{model}"


def _request(schema: dict[str, Any], example: Any, *more: str) -> dict[str, Any]:
    """A body of JSON, which may also come as `more` media types."""
    content: dict[str, Any] = {"application/json": {"schema": schema, "example": example}}
    content |= {media: {"schema": {"type": "string"}} for media in more}
    return {"requestBody": {"required": True, "content": content}}


def _part(model: type[BaseModel], path: tuple[str, ...]) -> dict[str, Any]:
    """What of an event the body says: all but what its path says."""
    schema = model.model_json_schema(ref_template=_REF)
    return {
        "type": "object",
        "description": model.__doc__ or "",
        "properties": {name: one for name, one in schema["properties"].items() if name not in path},
        "required": [name for name in schema.get("required", []) if name not in path],
        "additionalProperties": False,
    }


def _schemas() -> dict[str, Any]:
    """The schemas that bodies refer to."""
    found: dict[str, Any] = {}
    for model in (CallEnded, AccountSubscribed):
        schema = model.model_json_schema(ref_template=_REF)
        found |= schema.pop("$defs", {})
        schema.pop("allOf", None)  # its conditions are told in words; generators of clients do not read them
        found[model.__name__] = schema
    return found


SCHEMAS = _schemas()
"""Name -> schema: components of the OpenAPI document that no answer brings."""
_CALL = {"$ref": _REF.format(model="CallEnded")}
CALLS_BODY = _request(
    {"oneOf": [_CALL, {"type": "array", "items": _CALL, "minItems": 1, "maxItems": 1000}]}, _CALL_EXAMPLE
)
SUBSCRIPTION_BODY = _request(
    _part(AccountSubscribed, ("type", "account", "subscription_id")),
    {"plan": "hybrid-200", "from": "2026-11-01T00:00:00+08:00", "spend_cap": "500.00"},
)
ADJUSTMENT_BODY = _request(
    _part(AccountAdjusted, ("type", "account", "adjustment_id")), {"amount": "-12.00", "reason": "credit for an outage"}
)
VOID_BODY = _request(_part(CallVoided, ("type", "account", "source", "call_id")), {"reason": "test call"})
BOOK_BODY = _request(
    {"type": "object", "description": "a tariff book"}, {"version": 2, "plans": {}}, "application/yaml"
)
CDR_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
