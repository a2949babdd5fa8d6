"""The console's server."""

from __future__ import annotations

import logging
import signal
import socket
from functools import partial

import uvicorn
from fastapi import FastAPI

from rater.console import pages
from rater.console.app import create_app
from rater.console.tokens import Tokens
from rater.kafka.settings import Settings
from rater.readmodel.directory import Directory
from rater.readmodel.follower import Follower
from rater.readmodel.numbers import keep_numbers
from rater.readmodel.numbers_follower import follow_numbers
from rater.readmodel.store import Store

logger = logging.getLogger(__name__)

GRACE = 3
"""Seconds that requests have when it is asked to stop."""


def run_server(app: FastAPI, listening: socket.socket, grace: int) -> None:
    """Serve on a socket until SIGTERM or SIGINT; requests under way then have `grace` seconds."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=grace,
        )
    )
    for asked in (signal.SIGTERM, signal.SIGINT):
        # uvicorn ends in order when it is asked to, and then raises the signal again: that would look like a crash.
        signal.signal(asked, lambda *_: None)
    server.run(sockets=[listening])


def serve(settings: Settings, store: Store, tokens: Tokens, host: str, port: int) -> None:
    """Serve until stopped. The address is in the log; port 0 is a free one."""
    follower, door = Follower(settings, store), settings.door_url
    directory = Directory(settings.issuer_file, settings.customers_file)
    keep_numbers(store, settings.mask_numbers)
    numbers = None if settings.mask_numbers == "all" else partial(follow_numbers, settings, store)
    app = create_app(store, tokens, follower, directory, numbers)
    pages.install(app, store, follower.live, door)
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        logger.info("console: http://%s:%d/", host, listening.getsockname()[1])
        run_server(app, listening, GRACE)
