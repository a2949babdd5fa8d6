"""Serving the door until it is asked to stop: what was taken in is acknowledged first."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping

from prometheus_client import start_http_server

from rater.console.serve import run_server
from rater.console.tokens import Tokens
from rater.door.app import create_door
from rater.door.metrics import DoorMetrics
from rater.kafka.settings import Settings
from rater.switches.profile import Profile

logger = logging.getLogger(__name__)

GRACE = 10
"""Seconds that requests have when it is asked to stop."""


def serve_door(settings: Settings, tokens: Tokens, profiles: Mapping[str, Profile], host: str, port: int) -> None:
    """Serve until stopped. The address is in the log; port 0 is a free one."""
    metrics = DoorMetrics()
    if settings.health_port:  # metrics are for supervisors, and no business of who comes to the door
        start_http_server(settings.health_port, settings.health_host, metrics.registry)
    app = create_door(settings, tokens, profiles, metrics)
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        logger.info("door: http://%s:%d/ for %d tokens", host, listening.getsockname()[1], len(tokens))
        run_server(app, listening, GRACE)
