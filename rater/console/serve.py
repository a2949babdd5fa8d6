"""The console's server."""

from __future__ import annotations

import logging
import signal
import socket

import uvicorn

from rater.console import pages
from rater.console.app import create_app
from rater.readmodel.follower import Follower
from rater.readmodel.store import Store

logger = logging.getLogger(__name__)


def serve(store: Store, token: str, follower: Follower, host: str, port: int) -> None:
    """Serve until stopped. The address is in the log; port 0 is a free one."""
    app = create_app(store, token, follower)
    pages.install(app, store, follower.live)
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        logger.info("console: http://%s:%d/", host, listening.getsockname()[1])
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=3,
            )
        )
        for asked in (signal.SIGTERM, signal.SIGINT):
            # uvicorn ends in order when it is asked to, and then raises the signal again: that would look like a crash.
            signal.signal(asked, lambda *_: None)
        server.run(sockets=[listening])
