"""One engine as one process: a Faust worker under uvloop, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn

import faust

from rater.engine.config import EngineConfig
from rater.engine.engine import Engine
from rater.engine.faust.app import build_app

Started = Callable[[Engine], Awaitable[None]]


def run(config: EngineConfig, started: Started | None = None) -> NoReturn:
    """Run the engine; ends by SystemExit(0) when asked to stop, or as `rater.kafka.failstop` says.

    `started` is awaited once on the event loop, before the first assignment. Logging is the caller's to set up.
    """
    # Batches make many short-lived objects and hardly a cycle; Python's default would look for one at every 700th.
    gc.set_threshold(1_000_000, 20, 20)
    loop = _new_loop()
    asyncio.set_event_loop(loop)
    app = build_app(config)
    if started is not None:
        loop.run_until_complete(started(app.engine))
    worker = faust.Worker(app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False, loglevel="info")
    worker.spinner = None
    worker.execute_from_commandline()
    raise SystemExit(0)


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - not there on Windows

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # for the consumer's thread as well
    return asyncio.new_event_loop()
