"""How fast a backlog of calls is drained on a real Kafka: `make bench`, or `python -m benchmarks.drain`.

In one run, in turn: the aiokafka floor, the plain Faust agent, and this rater exactly once, without and with the
snapshots for dashboards (`RATER_SPEND`). Each drains a log of its
own, with the same simulated calls of 10,000 accounts on all the shipped plans; all calls are there before it starts.

From the moment when a `read_committed` reader first sees the outcome of a call in `charges` to the moment when it sees
the last one: calls a second, and CPU a call (user and system, of the draining process alone). Starting, joining the
group and the subscriptions are left out, the tail is not. The moments are those of the committed ends of `charges`,
asked for ten times a second; how many calls lie below them is read afterwards, so that the reader takes no CPU from
the drain, and transaction markers and fees are not taken for calls. That every call came out once is checked.
Kafka runs on the same machine. Medians of the repeats; figures move with the machine, the ratio much less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from rich.console import Console
from rich.table import Table

from rater.kafka import admin
from rater.kafka.log_writer import publish_book
from rater.kafka.settings import Settings
from rater.kafka.topics import topic_plan
from rater.processor.step import TABLES
from rater.tools import simulate
from rater.tools.feed import feed
from rater.wire.shipped import shipped_book
from tests.support.broker import kafka

ROOT = Path(__file__).parents[1]
ACCOUNTS = 10_000
PATIENCE = 300.0
"""Seconds that a drain may take."""
QUIET = 1.0
"""Seconds without a new record after which the output is read, to see whether it is whole."""
TICKS = os.sysconf("SC_CLK_TCK")


class Contender(NamedTuple):
    """A way to drain the log."""

    name: str
    module: Sequence[str]
    """Arguments of the interpreter; {address} and {prefix} are filled in."""
    share: float
    """Of the calls that it drains: slow ones need not drain all to show their rate."""
    spend: bool = True
    """Does it tell `spend`, the snapshots for dashboards?"""


FLOOR = Contender("aiokafka alone (copy each record)", ("-m", "benchmarks.baselines.floor", "{address}", "{prefix}"), 1)
PLAIN = Contender(
    "plain Faust agent (not safe)", ("-m", "benchmarks.baselines.plain_faust", "{address}", "{prefix}"), 0.1
)
CHARGES = Contender("rater, exactly once, charges alone", ("-m", "rater", "worker"), 1, spend=False)
RATER = Contender("rater, exactly once, spend too", ("-m", "rater", "worker"), 1)
ALL = (FLOOR, PLAIN, CHARGES, RATER)


class Sample(NamedTuple):
    """A moment of a drain."""

    seconds: float
    ends: Mapping[TopicPartition, int]
    """The committed ends of `charges`."""
    cpu: float
    """Seconds of the process so far."""


class Output:
    """The calls that came out: where in `charges` they stand."""

    def __init__(self) -> None:
        self.offsets: dict[TopicPartition, list[int]] = {}
        self.calls: set[str] = set()
        self.count = 0

    def add(self, tp: TopicPartition, offset: int, value: bytes) -> None:
        """Take in a record, in the order of its partition. Fees and adjustments are no calls."""
        words = orjson.loads(value)
        if words.get("kind") == "usage" or words.get("type") == "call-ended/1":
            self.offsets.setdefault(tp, []).append(offset)
            self.calls.add(words.get("call", words)["call_id"])
            self.count += 1

    def below(self, ends: Mapping[TopicPartition, int]) -> int:
        """How many calls a reader saw who had read up to these ends."""
        return sum(bisect_left(offsets, ends.get(tp, 0)) for tp, offsets in self.offsets.items())


class Figure(NamedTuple):
    """What a drain came to."""

    calls: int
    per_second: float
    cpu_us: float
    """Microseconds of CPU a call."""


def settings_for(address: str, prefix: str) -> Settings:
    """A rater of its own on the broker."""
    ours: dict[str, Any] = {"bootstrap_servers": address, "topic_prefix": prefix, "replication": 1, "dev": True}
    return Settings(_env_file=None, tick_interval=0, **ours)


async def fill(settings: Settings, calls: int) -> None:
    """Make the topics, and write a tariff book, subscriptions and calls into the log."""
    plan = topic_plan(settings, TABLES)
    usage = next(spec for spec in plan if spec.name.endswith("usage-changelog"))
    plain = admin.TopicSpec(f"{settings.topic_prefix}plain-usage-changelog", usage.partitions, 1, usage.config)
    await admin.create(settings.client_options(), [*plan, plain])
    await publish_book(settings, shipped_book())
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=31)
    events = chain(simulate.subscriptions(ACCOUNTS, start), simulate.calls(1, calls, ACCOUNTS, start))
    async for _ in feed(settings, events):
        pass


@asynccontextmanager
async def log_of_its_own(settings: Settings, calls: int) -> AsyncIterator[None]:
    """A filled log, and all topics of its prefix gone afterwards, for the broker may not be ours."""
    try:
        await fill(settings, calls)
        yield
    finally:
        client = AIOKafkaAdminClient(**settings.client_options())
        try:
            await client.start()
            await client.delete_topics([n for n in await client.list_topics() if n.startswith(settings.topic_prefix)])
        finally:
            await client.close()


async def drain(contender: Contender, address: str, prefix: str, calls: int, folder: Path) -> Figure:
    """Fill a log, let the contender drain it, and take its figures."""
    settings = settings_for(address, prefix).model_copy(update={"spend": contender.spend})
    async with log_of_its_own(settings, calls):
        return await run(contender, settings, calls, folder)


async def run(contender: Contender, settings: Settings, calls: int, folder: Path) -> Figure:
    """Let the contender drain a filled log."""
    address, prefix = settings.bootstrap_servers, settings.topic_prefix
    words = [word.format(address=address, prefix=prefix) for word in contender.module]
    env = {name: value for name, value in os.environ.items() if not name.startswith("RATER_")} | {
        f"RATER_{name.upper()}": str(value)
        for name, value in settings.model_dump(mode="json", exclude_defaults=True).items()
    }
    log = folder / f"{prefix}.log"
    with log.open("wb") as output:
        env["PYTHONPATH"] = str(ROOT)
        # Plain Faust leaves a folder of data where it runs.
        process = subprocess.Popen([sys.executable, *words], env=env, cwd=folder, stdout=output, stderr=output)  # noqa: ASYNC220
        try:
            return figure(*await watch(process, settings, calls, log), calls)
        finally:
            process.kill()
            process.wait()


async def watch(
    process: subprocess.Popen[bytes], settings: Settings, calls: int, log: Path
) -> tuple[list[Sample], Output]:
    """Sample the committed ends of `charges` and the process's CPU until all the calls are out."""
    samples: list[Sample] = []
    output = Output()
    options = settings.client_options()
    async with AIOKafkaConsumer(**options, isolation_level="read_committed", enable_auto_commit=False) as consumer:
        tps = [TopicPartition(settings.topic("charges"), p) for p in range(settings.partitions)]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        consumer.pause(*tps)
        began = changed = time.monotonic()
        while output.count < calls:
            await asyncio.sleep(0.1)
            now = time.monotonic()
            if process.poll() is not None or now - began > PATIENCE:
                message = f"{output.count} calls of {calls} came out:\n{log.read_text(errors='replace')[-3000:]}"  # noqa: ASYNC240
                raise RuntimeError(message)
            ends = await consumer.end_offsets(tps)
            if not samples or ends != samples[-1].ends:
                changed = now
            samples.append(Sample(now, ends, cpu_of(process.pid)))
            if now - changed > QUIET:
                await read(consumer, ends, output)
                changed = time.monotonic()
    if output.count != len(output.calls) or output.count != calls:
        message = f"{output.count} calls came out, {len(output.calls)} different ones, of {calls}"
        raise RuntimeError(message)
    return samples, output


async def read(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], output: Output) -> None:
    """Read on up to these ends."""
    consumer.resume(*ends)
    while any([await consumer.position(tp) < end for tp, end in ends.items()]):
        for tp, records in (await consumer.getmany(timeout_ms=200)).items():
            for record in records:
                output.add(tp, record.offset, record.value)
    consumer.pause(*ends)


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, user and system, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def figure(samples: Sequence[Sample], output: Output, calls: int) -> Figure:
    """Rate and CPU between the first sight of a call and the first sight of all of them."""
    seen = [(output.below(sample.ends), sample) for sample in samples]
    begun, first = next(one for one in seen if one[0])
    _, last = next(one for one in seen if one[0] == calls)
    done = calls - begun
    return Figure(calls, done / (last.seconds - first.seconds), (last.cpu - first.cpu) / done * 1e6)


async def measure(calls: int, repeats: int, address: str, folder: Path) -> dict[str, list[Figure]]:
    """All contenders in turn, `repeats` times."""
    found: dict[str, list[Figure]] = {contender.name: [] for contender in ALL}
    for turn in range(repeats):
        for number, contender in enumerate(ALL):
            prefix = f"bench{os.getpid()}-{turn}-{number}-"
            share = max(1000, int(calls * contender.share))
            found[contender.name].append(await drain(contender, address, prefix, share, folder))
    return found


def median(figures: Sequence[Figure]) -> Figure:
    """The median of each column."""
    return Figure(*(statistics.median(column) for column in zip(*figures, strict=True)))


def show(found: Mapping[str, Sequence[Figure]]) -> None:
    """The table that people read."""
    base = median(found[PLAIN.name]).per_second
    table = Table(
        title=f"Draining a backlog, medians of {len(found[PLAIN.name])}",
        caption="From the first call visible to a read_committed reader to the last; Kafka on the same machine",
    )
    table.add_column("", no_wrap=True)
    for column in ("calls", "calls/s", "µs CPU a call", "times plain Faust"):
        table.add_column(column, justify="right")
    for name, figures in found.items():
        calls, per_second, cpu = median(figures)
        table.add_row(name, f"{calls:,.0f}", f"{per_second:,.0f}", f"{cpu:.1f}", f"{per_second / base:.1f}")
    Console().print(table)


def main() -> None:
    """Measure and show."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=300_000)
    options.add_argument("--repeats", type=int, default=2)
    options.add_argument("--json", action="store_true", help="print every figure as JSON")
    chosen = options.parse_args()
    # Told to end, it ends as by Ctrl-C: the broker and the contender end with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("aiokafka.producer").setLevel("ERROR")  # it warns of topics that were made a moment ago
    with kafka() as address, tempfile.TemporaryDirectory(prefix="rater-bench-") as folder:
        found = asyncio.run(measure(chosen.calls, chosen.repeats, address, Path(folder)))
    if chosen.json:
        print(json.dumps({name: [one._asdict() for one in figures] for name, figures in found.items()}))
    else:
        show(found)


if __name__ == "__main__":
    main()
