"""The door's web application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request

from rater import __version__
from rater.console import problems
from rater.console.openapi import describe
from rater.console.tokens import Tokens
from rater.door.access import DoorKeeper, scope_needed
from rater.door.accounts import accounts
from rater.door.calls import calls
from rater.door.context import Door
from rater.door.metrics import Counted, DoorMetrics
from rater.door.records import records
from rater.door.shapes import SCHEMAS
from rater.door.tariffs import tariffs
from rater.door.waiting import Outcomes
from rater.door.writing import DoorWriter
from rater.kafka.admin import partitions_of
from rater.kafka.failstop import Refused
from rater.kafka.reader import log_partitions
from rater.kafka.settings import Settings
from rater.kafka.topics import SwitchTopics
from rater.switches.profile import Profile


def create_door(settings: Settings, tokens: Tokens, profiles: Mapping[str, Profile], metrics: DoorMetrics) -> FastAPI:
    """The application; it connects when it starts. Raises `Refused` then where a topic is not there."""

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        door = Door(settings, DoorWriter(settings), Outcomes(settings), profiles)
        door.partitions = await log_partitions(settings)
        door.raw_partitions = {source: await _raw_partitions(settings, source) for source in profiles}
        app.state.door = door
        metrics.in_flight.set_function(lambda: door.writer.in_flight)
        async with door.writer.producer, door.outcomes.following():
            yield

    app = FastAPI(
        title="rater: the door",
        version=__version__,
        summary="Calls, records of switches, and the life of accounts, into the log.",
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        generate_unique_id_function=lambda route: route.name,
    )
    problems.install(app)
    for router in (calls, accounts, tariffs, records):
        app.include_router(router)
    _health(app)
    app.add_middleware(DoorKeeper, tokens=tokens)
    app.add_middleware(Counted, metrics=metrics)
    describe(app, scope_needed, SCHEMAS)
    return app


async def _raw_partitions(settings: Settings, source: str) -> int:
    topic = SwitchTopics.of(settings, source).raw
    found = await partitions_of(settings.client_options(), topic)
    if not found:
        raise Refused(f"there is no topic {topic}; run: rater topics create --switch {source}")
    return found


def _health(app: FastAPI) -> None:
    @app.get("/live", include_in_schema=False)
    async def is_live() -> Mapping[str, Any]:
        """The event loop answers."""
        return {"live": True}

    @app.get("/ready", include_in_schema=False)
    async def is_ready(request: Request) -> Mapping[str, Any]:
        """It has started, so Kafka was there."""
        return {"ready": True, "in_flight": request.app.state.door.writer.in_flight}
