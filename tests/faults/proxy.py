"""A way to a broker that can be slow, or break: bytes passed on between two ports of loopback."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")
CHUNK = 64 * 1024


class Proxy:
    """Passes connections to `port` on to `target`, from a thread of its own. All methods may be called from any."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self._target = port, target
        self._delay = 0.0
        self._loop = asyncio.new_event_loop()
        self._pipes: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy {port}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._connected, "127.0.0.1", self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def slow(self, seconds: float) -> None:
        """From now on every piece of every connection is held up for so long; 0 heals."""
        self._delay = seconds

    def drop(self) -> int:
        """Break every connection that is there; new ones are let in. Says how many there were."""
        return self._run(self._drop())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the broker is down: so is the way to it
            writer.close()
            return
        task = asyncio.create_task(self._both_ways(reader, writer, there_reader, there_writer))
        self._pipes.add(task)
        task.add_done_callback(self._pipes.discard)

    async def _both_ways(
        self,
        here: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        on: asyncio.StreamWriter,
    ) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(here, on))
                group.create_task(self._pass(there, back))
        except* OSError:
            pass
        finally:
            for writer in (back, on):
                writer.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            if self._delay:
                await asyncio.sleep(self._delay)
            target.write(data)
            await target.drain()
        raise ConnectionResetError

    async def _drop(self) -> int:
        pipes = list(self._pipes)
        for pipe in pipes:
            pipe.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*pipes, return_exceptions=True)
        return len(pipes)

    async def _end(self) -> None:
        self._server.close()
        await self._drop()
        await asyncio.sleep(0)  # what was aborted is closed in the next pass
