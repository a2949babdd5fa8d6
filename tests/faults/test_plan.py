"""The plan of a run is a function of its seed, and the way to a broker does what the plan says."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.faults.faults import DO
from tests.faults.plan import ROUND, plan
from tests.faults.progress import _longest
from tests.faults.proxy import Proxy


def test_the_same_seed_gives_the_same_plan() -> None:
    """So a failure can be looked for again; another seed gives another plan."""
    assert plan(7, 3) == plan(7, 3)
    assert plan(7) != plan(8)
    assert plan(7, 3)[: len(ROUND)] == plan(7, 1)


@pytest.mark.parametrize("seed", range(20))
def test_every_plan_has_enough_of_everything(seed: int) -> None:
    """At least 5 kills of workers, 2 freezes past the session, 2 of brokers, 2 rebalances; all kinds are there."""
    faults = plan(seed)
    counts = Counter(fault.kind for fault in faults)
    assert counts["kill-worker"] >= 5
    assert counts["freeze-worker"] >= 2
    assert all(fault.lasts > 6 for fault in faults if fault.kind == "freeze-worker")
    assert counts["kill-broker"] + counts["kill-leader"] + counts["kill-coordinator"] >= 2
    assert counts["join-worker"] + counts["leave-worker"] >= 2
    assert set(counts) == set(DO) == set(ROUND)


@pytest.mark.parametrize("seed", range(20))
def test_workers_join_before_they_leave(seed: int) -> None:
    """There are never fewer than at the start, and at most one more."""
    more = 0
    for fault in plan(seed, 3):
        more += (fault.kind == "join-worker") - (fault.kind == "leave-worker")
        assert more in {0, 1}


def test_the_longest_stretch_without_progress() -> None:
    """One that began in time counts whole; of one that began before, what is behind the fault."""
    assert _longest([1.0, 2.0, 5.0, 5.5], 2.5, 6.0) == 2.5
    assert _longest([1.0, 2.0, 9.0, 9.5], 1.5, 3.0) == 7.0
    assert _longest([1.0, 2.0], 3.0, 4.0) == 0.0


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends everything back; gives its port."""
    loop = asyncio.new_event_loop()
    open_ones: set[asyncio.StreamWriter] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async def end() -> None:
        """Close every connection, and let the loop do away with them before it is closed itself."""
        server.close()
        for writer in open_ones:
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(answer, "127.0.0.1", 0), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    """A way to the echo."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with Proxy(port, echo) as made:
        yield made


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def test_what_goes_in_comes_out(proxy: Proxy) -> None:
    """Bytes are passed on both ways, slow or not."""
    with connected(proxy) as there:
        there.sendall(b"quick")
        assert there.recv(100) == b"quick"
        proxy.slow(0.01)
        there.sendall(b"slow")
        assert there.recv(100) == b"slow"


def test_a_dropped_connection_is_gone_and_a_new_one_is_let_in(proxy: Proxy) -> None:
    """Both ends see it."""
    with connected(proxy) as there:
        there.sendall(b"a")
        assert there.recv(100) == b"a"
        assert proxy.drop() == 1
        with pytest.raises(OSError, match=r"reset|closed"):  # noqa: PT012 - the reset may show at either
            there.sendall(b"b")
            if not there.recv(100):
                raise OSError("closed")
    with connected(proxy) as again:
        again.sendall(b"c")
        assert again.recv(100) == b"c"


def test_no_way_to_what_is_not_there() -> None:
    """Where the broker is down, a connection ends at once."""
    with closing(socket.create_server(("127.0.0.1", 0))) as one, closing(socket.create_server(("127.0.0.1", 0))) as two:
        port, target = one.getsockname()[1], two.getsockname()[1]
    with Proxy(port, target) as proxy, connected(proxy) as there:
        assert there.recv(100) == b""
