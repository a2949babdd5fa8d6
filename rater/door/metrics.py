"""What the door tells Prometheus: requests by operation and status, and how long they took."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Asgi

_PLACES = ("calls", "cdrs", "accounts", "tariffs", "records", "rejected")


class DoorMetrics:
    """Counters of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "rater_door_requests",
            "Requests by what they are about, and status",
            ["about", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "rater_door_seconds",
            "Seconds until the answer",
            ["about"],
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=self.registry,
        )
        self.in_flight = Gauge("rater_door_in_flight", "Records that wait for Kafka", registry=self.registry)

    def exposition(self) -> bytes:
        """The metrics as Prometheus reads them."""
        return generate_latest(self.registry)


class Counted:
    """A middleware that counts."""

    def __init__(self, app: ASGIApp, metrics: DoorMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            about = _about(scope["path"])
            self._metrics.requests.labels(about, str(status)).inc()
            self._metrics.seconds.labels(about).observe(time.perf_counter() - began)


def _about(path: str) -> str:
    """What a request is about: few words, whatever paths are asked for."""
    part = path.removeprefix("/api/v1/").partition("/")[0]
    return part if part in _PLACES else "other"
