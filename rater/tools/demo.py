"""The demo's stage: its settings, the processes that run beside it, and a reader of what comes out."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from rater.kafka.settings import Settings
from rater.seam.errors import RaterError
from rater.tools.embedded import PARTITIONS
from rater.tools.tables import outcomes_so_far

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


@asynccontextmanager
async def running(
    verb: str, settings: Settings, log: Path, *words: str, **secrets: str
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """`rater worker`, or another verb that goes on forever, with these settings, stopped at the end of the block.

    `secrets` are settings too: those that a dump of the settings hides.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RATER_")}
    environment |= {
        f"RATER_{name.upper()}": str(value)
        for name, value in (settings.model_dump(exclude_defaults=True, mode="json") | secrets).items()
    }
    with log.open("wb") as output:
        command = [sys.executable, "-m", "rater", verb, *words]
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
        settings.topic("rejected-cdrs"): "rejected",
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


Companion = tuple[subprocess.Popen[bytes], Path]
"""A process and its log."""


async def all_rated(settings: Settings, records: int, *needed: Companion) -> None:
    """Wait until `records` records have their outcome. Raises `WorkerEnded` with the last words of what is needed."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while await outcomes_so_far(settings) < records:
        late = asyncio.get_running_loop().time() > deadline
        for process, log in needed:
            if late or process.poll() is not None:
                words = log.read_text(errors="replace").splitlines()[-15:]
                raise WorkerEnded("\n".join([f"{log.stem} did not finish; the end of its log:", *words]))
        await asyncio.sleep(0.3)


async def ready(*needed: Companion) -> None:
    """Wait until each takes records in. Raises `WorkerEnded` with the last words of one that does not come to it.

    What is said to the log goes there at once, and calls by way of the intake: neither may run ahead of the other.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE
    for process, log in needed:
        while "ready: " not in log.read_text(errors="replace"):
            if process.poll() is not None or asyncio.get_running_loop().time() > deadline:
                words = log.read_text(errors="replace").splitlines()[-15:]
                raise WorkerEnded("\n".join([f"{log.stem} did not start; the end of its log:", *words]))
            await asyncio.sleep(0.05)


async def console_address(console: subprocess.Popen[bytes], log: Path) -> str | None:
    """Where the demo's console is served, once it is; None where it ended, for which its log has the reason."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while console.poll() is None and asyncio.get_running_loop().time() < deadline:
        found = re.search(r"console: (http://[^ ]+)", log.read_text(errors="replace"))  # noqa: ASYNC240 - a few lines
        if found:
            return found[1]
        await asyncio.sleep(0.1)
    return None
