"""The demo's story: an embedded broker, a worker, a switch with a few faults, and a reader of what comes out."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from rater.kafka.settings import Settings
from rater.seam.errors import RaterError
from rater.seam.partitions import partition_of
from rater.tools import simulate
from rater.tools.embedded import PARTITIONS
from rater.tools.tables import outcomes_so_far

DAYS = 30
FAULT_EVERY = 400
"""Of so many calls one is followed by a fault: something that real switches send."""

PATIENCE = 60.0
"""Seconds that the worker may take for what is left when the switch is done."""


class WorkerEnded(RaterError):  # noqa: N818 - what happened
    """The demo's worker ended by itself; the message is the end of its log."""


class Seen(NamedTuple):
    """A message that the worker published."""

    kind: Literal["charge", "rejected"]
    body: dict[str, Any]


def demo_settings(address: str) -> Settings:
    """The settings of the demo on its embedded broker, whatever the environment says.

    Compressed, because the broker keeps about 5 MB a partition and few accounts make most of the calls.
    """
    ours = {
        "bootstrap_servers": address,
        "partitions": PARTITIONS,
        "compression": "gzip",
        "embedded": True,
        "dev": True,
        "tick_interval": 0,
    }
    return Settings.model_validate(Settings.model_construct().model_dump() | ours)


def story(seed: int, calls: int, accounts: int) -> Iterator[simulate.Event]:
    """Subscriptions to all the plans, then calls, with duplicates, conflicts and broken events among them.

    At the end of each day the clock ticks, as a worker's own would: forecasts are made by days.
    """
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = (today - timedelta(days=DAYS + 1)).replace(day=1)
    yield from simulate.subscriptions(accounts, start)
    faults = _faults()
    midnight = start + timedelta(days=1)
    for number, event in enumerate(simulate.calls(seed, calls, accounts, start, DAYS), start=1):
        while datetime.fromisoformat(orjson.loads(event.value)["ended_at"]) >= midnight:
            yield simulate.Event("", orjson.dumps({"type": "clock-ticked/1", "at": midnight.isoformat()}))
            midnight += timedelta(days=1)
        yield event
        if number % FAULT_EVERY == 0:
            yield next(faults)(event)


class Size(NamedTuple):
    """How much a story is."""

    events: int
    records: int
    """In the log: a tick is one in every partition."""
    heaviest: int
    """Records of the partition that has the most."""


def size(events: Iterable[simulate.Event]) -> Size:
    """Count the events and their records."""
    homes = Counter(partition_of(event.account.encode(), PARTITIONS) if event.account else None for event in events)
    ticks = homes.pop(None, 0)
    calls = homes.total()
    return Size(calls + ticks, calls + ticks * PARTITIONS, max(homes.values(), default=0) + ticks)


def _faults() -> Iterator[Callable[[simulate.Event], simulate.Event]]:
    def changed(event: simulate.Event, **words: Any) -> simulate.Event:
        return event._replace(value=orjson.dumps(orjson.loads(event.value) | words))

    def repeated(event: simulate.Event) -> simulate.Event:
        return event

    def conflicting(event: simulate.Event) -> simulate.Event:
        return changed(event, callee="+8610000000")

    def broken(event: simulate.Event) -> simulate.Event:
        return event._replace(value=event.value[: len(event.value) // 2])

    def misshapen(event: simulate.Event) -> simulate.Event:
        return changed(event, call_id="other", disposition="perhaps")

    def mixed_up(event: simulate.Event) -> simulate.Event:
        return changed(event, call_id="other", account="someone-else")

    while True:
        yield from (repeated, conflicting, broken, misshapen, mixed_up)


@asynccontextmanager
async def running(verb: str, settings: Settings, log: Path, **secrets: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """`rater worker`, or another verb that goes on forever, with these settings, stopped at the end of the block.

    `secrets` are settings too: those that a dump of the settings hides.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RATER_")}
    environment |= {
        f"RATER_{name.upper()}": str(value)
        for name, value in (settings.model_dump(exclude_defaults=True, mode="json") | secrets).items()
    }
    with log.open("wb") as output:
        command = [sys.executable, "-m", "rater", verb]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)  # noqa: S603, ASYNC220
        try:
            yield process
        finally:
            process.terminate()
            try:
                await asyncio.to_thread(process.wait, 15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def published(settings: Settings) -> AsyncIterator[list[Seen]]:
    """What the worker publishes, as it appears; never ends by itself. Empty lists keep the reader awake."""
    kinds: dict[str, Literal["charge", "rejected"]] = {
        settings.topic("charges"): "charge",
        settings.topic("rejected"): "rejected",
    }
    consumer = AIOKafkaConsumer(
        **settings.client_options(),
        isolation_level="read_committed",
        check_crcs=not settings.embedded,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    async with consumer:
        tps = [TopicPartition(topic, p) for topic in kinds for p in range(settings.partitions)]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        while True:
            fetched = await consumer.getmany(timeout_ms=100, max_records=2000)
            yield [
                Seen(kinds[tp.topic], body)
                for tp, records in fetched.items()
                for body in map(orjson.loads, (record.value for record in records))
                if body["type"] != "period-closed/1"
            ]


async def all_rated(settings: Settings, records: int, worker: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until `records` records have their outcome. Raises `WorkerEnded` with the worker's last words."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while await outcomes_so_far(settings) < records:
        late = asyncio.get_running_loop().time() > deadline
        if late or worker.poll() is not None:
            words = log.read_text(errors="replace").splitlines()[-15:]  # noqa: ASYNC240 - a few lines
            raise WorkerEnded("\n".join(["the worker did not finish; the end of its log:", *words]))
        await asyncio.sleep(0.3)


async def console_address(console: subprocess.Popen[bytes], log: Path) -> str | None:
    """Where the demo's console is served, once it is; None where it ended, for which its log has the reason."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while console.poll() is None and asyncio.get_running_loop().time() < deadline:
        found = re.search(r"console: (http://[^ ]+)", log.read_text(errors="replace"))  # noqa: ASYNC240 - a few lines
        if found:
            return found[1]
        await asyncio.sleep(0.1)
    return None
