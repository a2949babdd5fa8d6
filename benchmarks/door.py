"""The door under load from another process: single posts in an open loop, with a kill in the middle; batches; and rate
and reply. `make bench-door` runs it on a real Kafka and prints what it found.

An open loop sends at its rate whatever the answers do, so that a slow door shows as waiting, as it does for switches.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from rater.console.tokens import SCOPES, new_token
from tests.support.broker import kafka
from tests.support.own_calls import call as own_call
from tests.support.rated import charged_calls, charges_of, until_charged
from tests.support.workers import Rater

TOKEN, ENTRY = new_token("bench", list(SCOPES))
CONNECTIONS = 100
PATIENCE = aiohttp.ClientTimeout(total=10)


@dataclass(slots=True)
class Load:
    """What a client saw."""

    taken: list[int] = field(default_factory=list)
    """Numbers of calls that were acknowledged."""
    seconds: list[float] = field(default_factory=list)
    """From when each should have been sent to its first answer of 2xx."""
    again: int = 0
    """Posts that had to be sent again."""

    def at(self, share: float) -> float:
        """A quantile of the seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def call(number: int) -> bytes:
    """A call of one of 500 accounts."""
    return own_call(number, f"A{number % 500:06d}")


async def single(address: str, token: str, rate: float, seconds: float, first: int, prefer: str = "") -> Load:
    """Post calls one by one at a rate, in an open loop; what is not taken is sent again until it is."""
    load, loop = Load(), asyncio.get_running_loop()
    headers = {"Authorization": f"Bearer {token}", **({"Prefer": prefer} if prefer else {})}
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=PATIENCE) as session:

        async def post(number: int, due: float) -> None:
            while True:
                try:
                    async with session.post(f"{address}/api/v1/calls", data=call(number)) as answer:
                        await answer.read()
                        if answer.status in {200, 202}:
                            break
                        assert answer.status == 503, await answer.text()
                except (aiohttp.ClientError, TimeoutError):
                    await asyncio.sleep(0.05)
                load.again += 1
            load.taken.append(number)
            load.seconds.append(loop.time() - due)

        began, posts = loop.time(), []
        for n in range(int(rate * seconds)):
            due = began + n / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            posts.append(asyncio.create_task(post(first + n, due)))
        await asyncio.gather(*posts)
    return load


async def batches(address: str, token: str, count: int, first: int, at_once: int = 4) -> float:
    """Post batches of 1,000, so many at once; gives the calls a second."""
    bodies = [b"[" + b",".join(call(first + 1000 * n + m) for m in range(1000)) + b"]" for n in range(count)]
    waiting = iter(bodies)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:

        async def go_on() -> None:
            for body in waiting:
                async with session.post(f"{address}/api/v1/calls", data=body) as answer:
                    assert answer.status == 202, await answer.text()

        began = time.perf_counter()
        await asyncio.gather(*(go_on() for _ in range(at_once)))
        return count * 1000 / (time.perf_counter() - began)


def elsewhere(what: Callable[..., Any], *words: Any) -> Any:
    """The result of a coroutine function in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run, (what, words))


def _run(what: Callable[..., Any], words: tuple[Any, ...]) -> Any:
    return asyncio.run(what(*words))


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def killed_in_the_middle(rater: Rater, address: str, rate: float, seconds: float) -> Load:
    """Single posts, and the door killed with -9 once and started again."""
    loading = asyncio.create_task(asyncio.to_thread(elsewhere, single, address, TOKEN, rate, seconds, 0))
    await asyncio.sleep(seconds / 2 + 1)
    rater.workers[-1].kill()
    await asyncio.to_thread(rater.door, door_port=address.rpartition(":")[2])
    load: Load = await loading
    return load


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    words = parser.parse_args()
    with kafka() as broker, tempfile.TemporaryDirectory() as folder:
        settings = {
            "bootstrap_servers": broker,
            "replication": "1",
            "dev": "1",
            "tick_interval": "0",
            "door_tokens": ENTRY,
        }
        rater = Rater(settings | {"topic_prefix": "bench-", "spend": "0", "door_tokens": ENTRY}, Path(folder))
        try:
            measure(rater, words.rate, words.seconds)
        finally:
            rater.clean_up()


def measure(rater: Rater, rate: float, seconds: float) -> None:
    """All of it, one after the other."""
    rater.run("topics", "create")
    rater.run("tariffs", "publish")
    rater.worker()
    door, address = rater.door()
    before = cpu_of(door.pid)
    calm: Load = elsewhere(single, address, TOKEN, rate, seconds, 1_000_000)
    busy = (cpu_of(door.pid) - before) / seconds
    tell(f"single posts, {rate:g} a second", calm, f"the door used {busy:.0%} of a core")
    load = asyncio.run(killed_in_the_middle(rater, address, rate, seconds))
    tell(f"single posts, {rate:g} a second, killed once", load, f"{load.again} sent again")
    per_second = elsewhere(batches, address, TOKEN, 100, 2_000_000)
    print(f"batches of 1,000: {per_second:,.0f} calls/s")
    replied: Load = elsewhere(single, address, TOKEN, 100, 10, 3_000_000, "wait=5")
    tell("Prefer: wait, 100 a second", replied, "")
    asyncio.run(charged_once(rater, len(calm.taken) + len(load.taken) + 100_000 + len(replied.taken)))


async def charged_once(rater: Rater, acknowledged: int) -> None:
    """Every call that was acknowledged is charged, once."""
    found = await until_charged(rater, acknowledged)
    calls = charged_calls(await charges_of(rater))
    twice = sum(count > 1 for count in calls.values())
    print(f"{acknowledged:,} acknowledged, {len(calls):,} charged, {twice} twice; {dict(found)}")
    assert len(calls) == acknowledged
    assert not twice


def tell(what: str, load: Load, more: str) -> None:
    """A line of the result."""
    times = ", ".join(f"p{round(share * 100)} {1000 * load.at(share):.1f} ms" for share in (0.5, 0.99, 0.999))
    print(f"{what}: {len(load.taken):,} taken, {times}; {more}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.SubprocessError as error:
        raise SystemExit(str(error)) from error
