"""The console's web application: login, REST API, health, metrics, and the pages for people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from rater import __version__
from rater.console import api_docs, login, problems, statement_routes, unknown_paths
from rater.console.api import api
from rater.console.auth import AuthMiddleware, Keeper
from rater.console.error_pages import error_page
from rater.console.metrics import exposition
from rater.console.month_api import month_api
from rater.console.openapi import describe
from rater.console.tokens import CONSOLE, Tokens
from rater.kafka import failstop
from rater.readmodel.directory import Directory
from rater.readmodel.follower import Follower, Live
from rater.readmodel.store import Store

COMPRESSED_FROM = 1000
"""Bytes of an answer that are worth compressing."""


def create_app(
    store: Store,
    tokens: Tokens,
    follower: Follower,
    directory: Directory | None = None,
    numbers: Callable[[], Awaitable[None]] | None = None,
) -> FastAPI:
    """The application over a read model that `follower` keeps up to date while it runs.

    `directory` has who issues statements and who the customers are; `numbers` keeps called numbers up to
    date, where they are shown.
    """
    keeper = Keeper(tokens, store)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.ensure_future(run()) for run in (follower.run, numbers) if run is not None]
        for task in tasks:
            task.add_done_callback(_must_not_end)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    app = FastAPI(
        title="rater",
        version=__version__,
        summary="What the rater charged, to read.",
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.store, app.state.live = store, follower.live
    problems.install(app, error_page)
    for router in (api, month_api):
        app.include_router(router)
    describe(app, lambda _method, _path: CONSOLE, {})
    _health(app, follower.live, store)
    statement_routes.install(app, directory or Directory(), numbers=numbers is not None)
    login.install(app, keeper)
    login.install_preferences(app, keeper)
    api_docs.install(app)
    unknown_paths.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM)
    app.add_middleware(unknown_paths.HeadAsGet)
    app.add_middleware(AuthMiddleware, keeper=keeper)
    return app


def _must_not_end(task: asyncio.Future[None]) -> None:
    """Without its follower the console would show old figures as if they were new: it ends loudly instead."""
    if not task.cancelled():
        error = task.exception()
        status = failstop.Exit.CRASHED if error is None else failstop.status_of(error)
        failstop.die("the read model cannot be kept up to date", error, status)


def _health(app: FastAPI, live: Live, store: Store) -> None:
    @app.get("/live", include_in_schema=False)
    async def is_live() -> Mapping[str, Any]:
        """The event loop answers."""
        return {"live": True}

    @app.get("/ready", include_in_schema=False)
    async def is_ready(response: Response) -> Mapping[str, Any]:
        """The read model was up to date, and Kafka was heard of in the last seconds: what is shown is not old."""
        ready = live.fresh and live.caught_up
        response.status_code = 200 if ready else 503
        return {"ready": ready, "behind": live.behind}

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        """For Prometheus, with the bearer token."""
        return Response(exposition(live, store), headers={"Content-Type": CONTENT_TYPE_LATEST})
