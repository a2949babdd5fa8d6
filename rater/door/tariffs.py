"""Tariff books."""

from __future__ import annotations

from aiokafka.errors import ProducerFenced
from fastapi import APIRouter, Request
from starlette.responses import Response

from rater.console.problems import Problem
from rater.door.bodies import body_of
from rater.door.context import accepted, caller_of, door_of, fenced
from rater.door.shapes import BOOK_BODY, PLACES
from rater.kafka.log_writer import publish_book
from rater.wire.tariff_book import TariffBook
from rater.wire.tariff_file import load_book
from rater.wire.yaml_tree import MAX_BYTES

tariffs = APIRouter(prefix="/api/v1", tags=["tariffs"])


@tariffs.put("/tariffs/{version}", status_code=202, responses=PLACES, openapi_extra=BOOK_BODY)
async def put_tariffs(request: Request, version: int) -> Response:
    """Publish a tariff book, in YAML or JSON, into every partition in one transaction.

    422 names the line of each error. Whether the book is accepted after the one in force is decided at its place in
    the log: a version that is not higher is rejected `stale-book` there. Of two at once one is published everywhere.
    """
    found = load_book(await body_of(request, MAX_BYTES))
    if not isinstance(found, TariffBook):
        first = f"{len(found)} error(s); the first: {found[0]}"
        raise Problem(422, "wrong-book", first, more={"errors": [str(one) for one in found]})
    if found.version != version:
        raise Problem(422, "wrong-book", f"the book says version {found.version}, the path {version}")
    door = door_of(request)
    try:
        offsets = await publish_book(door.settings, found, caller_of(request).name)
    except ProducerFenced as error:
        raise fenced("published a book") from error
    topic = door.settings.topic("calls")
    return accepted({"places": [f"{topic}/{p}/{offset}" for p, offset in sorted(offsets.items())]})
