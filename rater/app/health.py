"""`/live`, `/ready` and `/metrics` of a worker, for supervisors. Read only, no tables, nothing about accounts.

Live: the event loop answers (a hung one is ended by the watchdog anyhow). Ready: every assigned partition is restored
and takes batches in.
"""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from rater.app.metrics import WORKER, exposition
from rater.engine.engine import Engine


def routes(engine: Engine, prefix: bytes = WORKER) -> web.Application:
    """The three endpoints over an engine; `prefix` begins the names of its metrics."""

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def ready(_: web.Request) -> web.Response:
        body = {"ready": engine.ready, "partitions": sorted(engine.units)}
        return web.json_response(body, status=200 if engine.ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=exposition(engine, prefix), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/live", live), web.get("/ready", ready), web.get("/metrics", metrics)])
    return app


async def serve(engine: Engine, host: str, port: int, prefix: bytes = WORKER) -> web.AppRunner:
    """Start serving; the runner's `cleanup` stops it."""
    runner = web.AppRunner(routes(engine, prefix), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
