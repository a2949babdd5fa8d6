"""What became of a record, and what to do with those that were rejected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import orjson
from aiokafka.errors import ProducerFenced
from fastapi import APIRouter, Body, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from rater.console.problems import Problem
from rater.door.context import caller_of, door_of, fenced
from rater.door.shapes import PROBLEMS, RecordOutcome
from rater.readmodel.rejected import Wanted
from rater.readmodel.rejected_now import left_items
from rater.tools.by_place import came_of
from rater.tools.redrive import RejectedRecord, Resolver, resolver
from rater.wire.fields import Note
from rater.wire.resolution import RecordPlace

records = APIRouter(prefix="/api/v1", tags=["records"])
_ONE_AT_A_TIME = asyncio.Lock()
"""Two at once would fence each other."""


class Which(BaseModel):
    """Rejected records: by their places, or by what they have in common; those that are left to be done."""

    model_config = ConfigDict(extra="forbid")

    places: Annotated[list[RecordPlace], Field(max_length=10_000)] = Field(default_factory=list)
    reason: Annotated[str | None, Field(max_length=40)] = None
    account: Annotated[str | None, Field(max_length=64)] = None
    source: Annotated[str | None, Field(max_length=64)] = None


class Dropping(Which):
    """Which are dropped, and why."""

    why: Note


class Redriven(BaseModel):
    """How many were sent again, and which cannot be."""

    redriven: int
    not_redrivable: list[dict[str, str]]


class DroppedRecords(BaseModel):
    """How many were dropped."""

    dropped: int


@records.get("/records/{partition}/{offset}", response_model=RecordOutcome, responses=PROBLEMS)
async def get_record(
    request: Request, partition: Annotated[int, Path(ge=0)], offset: Annotated[int, Path(ge=0, le=2**63 - 1)]
) -> Response:
    """What became of the record at a place of the log: its charges, why it was rejected, where it was forwarded."""
    settings = door_of(request).settings
    found = await came_of(settings, partition, offset) if partition < settings.partitions else None
    if found is None:
        raise Problem(404, "unknown", "there is no record at that place")
    body = {"place": f"{settings.topic('calls')}/{partition}/{offset}", **found._asdict()}
    return Response(orjson.dumps(body), media_type="application/json")


@records.post("/rejected/redrive", response_model=Redriven, responses=PROBLEMS)
async def post_redrive(request: Request, which: Annotated[Which, Body()]) -> dict[str, Any]:
    """Send rejected records again, each once."""
    async with _resolving(request) as resolving:
        sent, unsent = await resolving.redrive(await _left(resolving, which))
    return {"redriven": sent, "not_redrivable": [{"place": one.item.place, "why": one.why} for one in unsent]}


@records.post("/rejected/drop", response_model=DroppedRecords, responses=PROBLEMS)
async def post_drop(request: Request, which: Annotated[Dropping, Body()]) -> dict[str, int]:
    """Say of rejected records that nothing is to be done about them, and why."""
    async with _resolving(request) as resolving:
        return {"dropped": await resolving.drop(await _left(resolving, which), which.why)}


@asynccontextmanager
async def _resolving(request: Request) -> AsyncIterator[Resolver]:
    """A resolver; 409 where somebody else's fenced it, of which nothing was done then."""
    try:
        async with _ONE_AT_A_TIME, resolver(door_of(request).settings, caller_of(request).name) as resolving:
            yield resolving
    except ProducerFenced as error:
        raise fenced("resolves rejected records") from error


async def _left(resolving: Resolver, which: Which) -> list[RejectedRecord]:
    wanted = Wanted(None, which.reason, which.account, which.source)
    if not which.places and wanted == Wanted():
        raise Problem(422, "wrong-parameter", "name places, a reason, an account or a source")
    try:
        rows = await left_items(resolving.settings, wanted, which.places)
    except KeyError as error:
        raise Problem(404, "unknown", f"{error.args[0]}: no record was rejected there") from error
    return [RejectedRecord(row.first, row.place, row.rejection, row.body) for row in rows]
