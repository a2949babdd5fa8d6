"""How long nothing is charged when a worker dies: `make bench-restart`, or `python -m benchmarks.restart`.

A worker has rated 300,000 calls and remembers them all; a switch goes on making 200 calls a second. The worker is
killed (SIGKILL) and started again at once, as a supervisor would. For each partition: seconds from the kill to the
moment when a `read_committed` reader sees the charge of a call that was made after the kill. In turn with a name of its
own (`RATER_INSTANCE_ID`) and without: then Kafka gives the partitions away only when the dead member's session ends.

Where the time goes is read from the new worker's log: until its first line (the interpreter and the imports are before
it), until it has its partitions, until their rows are there, until it rates. Kafka runs on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console
from rich.table import Table

from benchmarks.drain import log_of_its_own, settings_for
from rater.kafka.settings import Settings
from rater.seam.partitions import partition_of
from rater.tools import simulate
from rater.tools.feed import feed
from tests.support.broker import kafka
from tests.support.rated import until_charged
from tests.support.workers import Rater, Worker

PATIENCE = 60.0
RATE = 200
"""Calls a second that the switch goes on making."""
PROBE = "probe-"
STATIC, DYNAMIC = "named", "unnamed"
STAGES = {
    "imported": "",
    "assigned": "assigned partitions",
    "restored": "restored partitions",
    "ready": "ready:",
}
"""What a worker's log says at the end of each stage of its start: its first line, and three others."""


class Restart(NamedTuple):
    """One death and what followed; all in seconds from the kill."""

    stages: Mapping[str, float]
    charged: Mapping[int, float]
    """Partition to when the charge of a later call was seen."""


def probes(partitions: int, first: int) -> Iterator[simulate.Event]:
    """Answered calls of now, one partition after the other, numbered from `first`."""
    homes: dict[int, str] = {}
    for number in count():
        name = simulate.account_name(number)
        homes.setdefault(partition_of(name.encode(), partitions), name)
        if len(homes) == partitions:
            break
    for number in count(first):
        now = datetime.now(UTC)
        account = homes[number % partitions]
        words = {
            "type": "call-ended/1",
            "account": account,
            "source": "pbx-1",
            "call_id": f"{PROBE}{number}",
            "caller": "+861010000000",
            "callee": f"+86{13_000_000_000 + number}",
            "started_at": (now - timedelta(seconds=61)).isoformat(timespec="milliseconds"),
            "answered_at": (now - timedelta(seconds=60)).isoformat(timespec="milliseconds"),
            "ended_at": now.isoformat(timespec="milliseconds"),
            "disposition": "answered",
            "direction": "outbound",
        }
        yield simulate.Event(account, orjson.dumps(words))


class Switch:
    """Goes on making calls from a number on, and knows the number of the next one."""

    def __init__(self, settings: Settings, first: int) -> None:
        self.first = self.next = first
        self._settings = settings

    async def run(self) -> None:
        """Until cancelled."""
        async for made in feed(self._settings, probes(self._settings.partitions, self.first), rate=RATE):
            self.next = self.first + made


class Reader:
    """Sees the charges of the switch's calls as they come."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.last: dict[int, int] = {}
        """Partition to the number of the newest call that was charged."""
        self.ready = asyncio.Event()
        self.failed: Exception | None = None

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await self._read()
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            self.failed = error

    async def _read(self) -> None:
        options = self._settings.client_options()
        async with AIOKafkaConsumer(**options, isolation_level="read_committed", fetch_max_wait_ms=50) as consumer:
            tps = [TopicPartition(self._settings.topic("charges"), p) for p in range(self._settings.partitions)]
            consumer.assign(tps)
            await consumer.seek_to_end(*tps)
            self.ready.set()
            async for record in consumer:
                words = orjson.loads(record.value)
                call = (words.get("call") or {}).get("call_id", "")  # a fee is of no call
                if call.startswith(PROBE):
                    self.last[record.partition] = int(call.removeprefix(PROBE))

    async def beyond(self, number: int, began: float, alive: Worker) -> dict[int, float]:
        """Seconds from `began` until each partition has charged a call from `number` on."""
        seen: dict[int, float] = {}
        while len(seen) < self._settings.partitions:
            await asyncio.sleep(0.01)
            alive.must_live()
            if self.failed:
                raise self.failed
            now = time.monotonic() - began
            if now > PATIENCE:
                raise TimeoutError(f"only {sorted(seen)} charge again\n{alive.text()[-3000:]}")
            for partition, last in self.last.items():
                if last >= number:
                    seen.setdefault(partition, now)
        return seen


def stages(worker: Worker, killed_at: float) -> dict[str, float]:
    """When the log said each stage, in seconds after the kill."""
    found: dict[str, float] = {}
    for line in worker.text().splitlines():
        with suppress(orjson.JSONDecodeError):
            words = orjson.loads(line)
            at = datetime.fromisoformat(words["timestamp"]).timestamp() - killed_at
            for name, text in STAGES.items():
                if words["event"].startswith(text):
                    found.setdefault(name, at)
    return found


async def die_and_come_back(
    rater: Rater, settings: Settings, switch: Switch, old: Worker, **own: Any
) -> tuple[Restart, Worker]:
    """Kill the worker while calls are made, start another, and see when each partition charges again."""
    reader = Reader(settings)
    tasks = [asyncio.create_task(reader.run()), asyncio.create_task(switch.run())]
    try:
        await reader.ready.wait()
        await reader.beyond(switch.first, time.monotonic(), old)
        await asyncio.sleep(5)  # of ordinary work
        old.kill()
        began, killed_at, made = time.monotonic(), time.time(), switch.next
        new = rater.worker(ready=False, **own)
        # A chunk of the switch's may have been on its way at the kill.
        charged = await reader.beyond(made + 50, began, new)
        return Restart(stages(new, killed_at), charged), new
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def measure(address: str, folder: Path, calls: int, repeats: int) -> dict[str, list[Restart]]:
    """Rate the calls once, then die in turn with a name and without."""
    prefix = f"restart{os.getpid()}-"
    settings = settings_for(address, prefix)
    shared = {
        "bootstrap_servers": address,
        "topic_prefix": prefix,
        "replication": "1",
        "dev": "1",
        "log_json": "1",
        "tick_interval": "0",
    }
    rater = Rater(shared, folder)
    found: dict[str, list[Restart]] = {STATIC: [], DYNAMIC: []}
    number = 0
    named: dict[str, Any] = {"instance_id": "worker-1"}
    async with log_of_its_own(settings, calls, controls=True):
        try:
            worker = rater.worker()
            await until_charged(rater, calls, 600)
            for _ in range(repeats):
                for name, own in ((STATIC, named), (DYNAMIC, {})):
                    worker.stop()
                    worker = rater.worker(**own)
                    switch = Switch(settings, number)
                    outcome, worker = await die_and_come_back(rater, settings, switch, worker, **own)
                    number = switch.next + 1000  # beyond what was on its way
                    found[name].append(outcome)
        finally:
            rater.clean_up()
    return found


def show(found: Mapping[str, Sequence[Restart]], calls: int) -> None:
    """The table that people read."""
    table = Table(
        title=f"A worker killed and started again, {calls:,} calls remembered: median of {len(found[STATIC])}",
        caption="Seconds from the kill until a stage was done, and until the first and the last partition"
        " charged again; the slowest of all restarts. Kafka on the same machine",
    )
    table.add_column("", no_wrap=True)
    for column in (*STAGES, "first", "last", "slowest"):
        table.add_column(column, justify="right")
    for name, restarts in found.items():
        moments = [statistics.median(one.stages.get(stage, float("nan")) for one in restarts) for stage in STAGES]
        moments += [statistics.median(f(one.charged.values()) for one in restarts) for f in (min, max)]
        moments.append(max(max(one.charged.values()) for one in restarts))
        table.add_row(name, *(f"{moment:.1f}" for moment in moments))
    Console().print(table)


def main() -> None:
    """Measure and show."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=300_000)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--json", action="store_true", help="print every figure as JSON")
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("aiokafka.producer").setLevel("ERROR")  # it warns of topics that were made a moment ago
    with kafka() as address, tempfile.TemporaryDirectory(prefix="rater-restart-") as folder:
        found = asyncio.run(measure(address, Path(folder), chosen.calls, chosen.repeats))
    if chosen.json:
        print(json.dumps({name: [one._asdict() for one in restarts] for name, restarts in found.items()}))
    else:
        show(found, chosen.calls)


if __name__ == "__main__":
    main()
