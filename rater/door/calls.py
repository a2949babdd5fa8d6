"""Calls, and records of switches."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from rater.console.problems import Problem
from rater.door.bodies import LARGEST, body_of
from rater.door.context import accepted, caller_of, door_of, placed
from rater.door.shapes import CALLS_BODY, CDR_BODY, PLACED, PLACES
from rater.kafka.topics import SwitchTopics
from rater.rating.limits import RAW_BYTES, RECORD_BYTES
from rater.seam.partitions import partition_of
from rater.switches.convert import Converted, convert
from rater.wire.events import CDR, CallEnded
from rater.wire.parse import Invalid, parse

MOST_CALLS = 1_000
TOLD = 20
"""Calls of a batch whose errors are told."""

calls = APIRouter(prefix="/api/v1", tags=["calls"])


@calls.post("/calls", status_code=202, responses=PLACES, openapi_extra=CALLS_BODY)
async def post_calls(request: Request) -> Response:
    """Write one call (`call-ended/1`), or a JSON array of up to 1,000: all of them, or none where one is wrong.

    202 tells that they are in the log, each at its place. The same call again is charged once. One call with
    `Prefer: wait=2` is answered with what became of it.
    """
    body = await body_of(request, LARGEST)
    if body.lstrip()[:1] != b"[":
        call = _call(body)
        if isinstance(call, Invalid):
            raise Problem(422, call.reason, call.detail)
        return await door_of(request).write(request, call, body)
    return await _many(request, body)


async def _many(request: Request, body: bytes) -> Response:
    try:
        words = orjson.loads(body)
    except ValueError as error:
        raise Problem(422, "not-json", "the body is not JSON in UTF-8") from error
    if not 1 <= len(words) <= MOST_CALLS:
        raise Problem(422, "wrong-shape", f"1 to {MOST_CALLS:,} calls at once")
    records, wrong = [], []
    for index, one in enumerate(words):
        value = orjson.dumps(one)
        call = _call(value)
        if isinstance(call, Invalid):
            wrong.append({"index": index, "reason": call.reason, "detail": call.detail})
        else:
            records.append((call.account.encode(), value))
    if wrong:
        first = f"number {wrong[0]['index']}: {wrong[0]['detail']}"
        detail = f"{len(wrong)} of {len(words)} calls are wrong, and none was written; {first}"
        raise Problem(422, "wrong-calls", detail, more={"errors": wrong[:TOLD]})
    door, topic = door_of(request), door_of(request).settings.topic("calls")
    actor = caller_of(request).name
    return placed(await door.writer.write_all(topic, records, door.partitions, "call-ended/1", actor))


def _call(value: bytes) -> CallEnded | Invalid:
    if len(value) > RECORD_BYTES:
        return Invalid("record-too-large", f"a call has at most {RECORD_BYTES // 1024} KiB")
    event = parse(value)
    if isinstance(event, CallEnded | Invalid):
        return event
    return Invalid("unknown-type", "type: must be call-ended/1")


@calls.post("/cdrs/{source}", status_code=202, responses=PLACED, openapi_extra=CDR_BODY)
async def post_cdr(request: Request, source: str) -> Response:
    """Write a record as the switch `source` posts it (FreeSWITCH's mod_json_cdr); the intake makes a call of it.

    A record of which no call can be made is taken too, so that the switch need not keep it: it is rejected then, with
    its reason. 404 where the door knows no profile of that source.
    """
    door = door_of(request)
    profile = door.profiles.get(source)
    if profile is None:
        raise Problem(404, "unknown-source", "the door has no profile of this source; start it with --profile")
    body = await body_of(request, RAW_BYTES)
    if not body:
        raise Problem(422, "not-json", "the body is empty")
    made = convert(profile, body)
    key = made.call.call_id.encode() if isinstance(made, Converted) else b""
    topic = SwitchTopics.of(door.settings, source).raw
    home = partition_of(key or body, (door.raw_partitions or {})[source])
    place = await door.writer.write(topic, key, body, home, CDR, caller_of(request).name)
    return accepted({"place": str(place), **_becomes(made)})


def _becomes(made: Any) -> dict[str, str]:
    if isinstance(made, Converted):
        return {"becomes": "call", "account": made.call.account, "call_id": made.call.call_id}
    kind = "rejected" if hasattr(made, "detail") else "skipped"
    return {"becomes": kind, "reason": made.reason} | ({"detail": made.detail} if kind == "rejected" else {})
