"""What the door's endpoints share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from rater.console.problems import Problem
from rater.console.tokens import Caller
from rater.door.waiting import Outcomes
from rater.door.writing import DoorWriter, WrittenAt
from rater.kafka.settings import Settings
from rater.seam.partitions import partition_of
from rater.switches.profile import Profile
from rater.wire.events import AccountAdjusted, AccountSubscribed, CallEnded, CallVoided

LONGEST_WAIT = 30.0
"""Seconds that somebody may wait for an outcome."""
_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,3}(?:\.\d{1,3})?)(?:$|[,;\s])")

AccountsEvent = CallEnded | AccountSubscribed | AccountAdjusted | CallVoided


@dataclass(slots=True)
class Door:
    """The application's own: what it writes to, and what it knows."""

    settings: Settings
    writer: DoorWriter
    outcomes: Outcomes
    profiles: Mapping[str, Profile]
    """Source -> profile of the switches that may post records."""
    partitions: int = 0
    """N."""
    raw_partitions: Mapping[str, int] | None = None
    """Source -> partitions of its topic."""

    async def write(self, request: Request, event: AccountsEvent, value: bytes) -> Response:
        """Write an account's event; answer its place, or its outcome to whoever prefers to wait."""
        topic, key = self.settings.topic("calls"), event.account.encode()
        home, actor = partition_of(key, self.partitions), caller_of(request).name
        seconds = wait_of(request)
        if not seconds:
            return accepted({"place": str(await self.writer.write(topic, key, value, home, event.type, actor))})
        with self.outcomes.expected():
            place = await self.writer.write(topic, key, value, home, event.type, actor)
            found = await self.outcomes.of(place, seconds, call=isinstance(event, CallEnded))
        if found is None:
            return accepted({"place": str(place)})
        return answered({"place": str(place), **found}, seconds)


def fenced(what: str) -> Problem:
    """409: somebody else does it at this moment, and nothing of this request was done."""
    return Problem(409, "fenced", f"somebody else {what} at this moment; nothing of it was done, ask again")


def door_of(request: Request) -> Door:
    """The application's own."""
    door: Door = request.app.state.door
    return door


def caller_of(request: Request) -> Caller:
    """Who asks."""
    caller: Caller = request.state.caller
    return caller


def wait_of(request: Request) -> float:
    """Seconds that who asks prefers to wait (RFC 7240); 0 for not at all."""
    found = _WAIT.search(request.headers.get("prefer", ""))
    return 0.0 if found is None else min(float(found[1]), LONGEST_WAIT)


def accepted(body: Any) -> Response:
    """202: it is in the log, and will be rated."""
    return Response(orjson.dumps(body), 202, media_type="application/json")


def answered(body: Any, seconds: float) -> Response:
    """200: it is rated."""
    headers = {"Preference-Applied": f"wait={seconds:g}"}
    return Response(orjson.dumps(body), 200, headers, media_type="application/json")


def placed(places: list[WrittenAt]) -> Response:
    """202 for many records, each with its place."""
    return accepted({"places": [str(place) for place in places]})
