"""A receiver of webhooks that fails, is slow, and lies; run as a program it writes what it took, a line each.

    python -m tests.notify.receiver PORT FILE MODE

Modes: `good`; `failing` answers 500; `hanging` never answers; `lying` mixes redirects, cut answers and odd headers in.
"""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import cycle
from pathlib import Path

from aiohttp import web

NEVER = 3600.0


class Receiver:
    """Takes messages by the mode that is set, and keeps what it took."""

    def __init__(self, file: Path | None = None) -> None:
        self.mode = "good"
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.seen = 0
        self._file = file
        self._lies = cycle(["redirect", "retry-after", "cut", "garbage", "take"])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as the mode has it."""
        body = await request.read()
        self.seen += 1
        how = next(self._lies) if self.mode == "lying" else self.mode
        match how:
            case "failing":
                return web.Response(status=500)
            case "hanging":
                await asyncio.sleep(NEVER)
            case "redirect":
                return web.Response(status=307, headers={"Location": "http://127.0.0.1:1/elsewhere"})
            case "retry-after":
                return web.Response(status=503, headers={"Retry-After": "-99999999999999999999"})
            case "cut":
                assert request.transport is not None
                request.transport.abort()
            case "garbage":
                assert request.transport is not None
                request.transport.write(b"NOT HTTP AT ALL\r\n\r\n")
                request.transport.close()
        if how in {"good", "take"}:
            self._take(request, body)
        return web.Response(status=204)

    def _take(self, request: web.Request, body: bytes) -> None:
        self.taken.append(({name.lower(): value for name, value in request.headers.items()}, body))
        if self._file is not None:
            headers, text = self.taken[-1]
            with self._file.open("a") as out:
                out.write(json.dumps([headers, text.decode()]) + "\n")


def application(receiver: Receiver) -> web.Application:
    """The receiver as a web application."""
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    return app


def main() -> None:
    """Serve until killed."""
    receiver = Receiver(Path(sys.argv[2]))
    receiver.mode = sys.argv[3]
    web.run_app(application(receiver), host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
