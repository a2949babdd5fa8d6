"""How fast a backlog of calls is drained on a real Kafka: `make bench`, or `python -m benchmarks.drain`.

In one run, in turn: this rater exactly once, without and with the snapshots for dashboards (`RATER_SPEND`); Kafka
Streams and Quix Streams, exactly once; the aiokafka floor; and a plain Faust agent. Each drains a log of its own with
the same calls, on the same plan (`benchmarks.job`); all calls are there before it starts. Every charge is checked: each
call once, its amount, and the account's running total.

From the moment when a `read_committed` reader first sees the outcome of a call in `charges` to the moment when it sees
the last one: calls a second, and CPU a call (user and system, of the draining process alone, all its threads).
Starting, joining the group and the first transaction are left out, the tail is not. The moments are those of the
committed ends of `charges`, asked for ten times a second; how many calls lie below them is read afterwards, so that the
reader takes no CPU from the drain, and transaction markers are not taken for calls. Memory is the most that the process
ever had. Kafka runs on the same machine. Medians of the repeats; figures move with the machine, the ratio much less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import subprocess
import tempfile
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from benchmarks import job, results
from benchmarks.contenders import ALL, ROOT, Contender, Place, earlier
from benchmarks.job import Result, result_of
from benchmarks.results import Figure
from rater.kafka import admin
from rater.kafka.log_writer import publish_book
from rater.kafka.settings import Settings
from rater.kafka.topics import topic_plan
from rater.processor.step import TABLES
from rater.tools.feed import feed
from tests.support.broker import kafka
from tests.support.checkout import checkout

PATIENCE = 600.0
"""Seconds that a drain may take."""
QUIET = 1.5
"""Seconds without a new record after which the output is read, to see whether it is whole: above a commit interval."""
TICKS = os.sysconf("SC_CLK_TCK")


class Sample(NamedTuple):
    """A moment of a drain."""

    seconds: float
    ends: Mapping[TopicPartition, int]
    """The committed ends of `charges`."""
    cpu: float
    """Seconds of the process so far."""


class Output:
    """The calls that came out: what was said of each, and where in `charges` it stands."""

    def __init__(self) -> None:
        self.offsets: dict[TopicPartition, list[int]] = {}
        self.results: list[Result] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.results)

    def add(self, tp: TopicPartition, offset: int, value: bytes) -> None:
        """Take in a record, in the order of its partition. Fees and adjustments are no calls."""
        result = result_of(value)
        if result is not None:
            self.offsets.setdefault(tp, []).append(offset)
            self.results.append(result)

    def below(self, ends: Mapping[TopicPartition, int]) -> int:
        """How many calls a reader saw who had read up to these ends."""
        return sum(bisect_left(offsets, ends.get(tp, 0)) for tp, offsets in self.offsets.items())


def settings_for(address: str, prefix: str) -> Settings:
    """A rater of its own on the broker."""
    ours: dict[str, Any] = {"bootstrap_servers": address, "topic_prefix": prefix, "replication": 1, "dev": True}
    return Settings(_env_file=None, tick_interval=0, **ours)


async def fill(settings: Settings, calls: int, *, controls: bool) -> None:
    """Make the topics, and write the calls into the log; the tariff book first, where it is wanted."""
    plan = topic_plan(settings, TABLES)
    usage = next(spec for spec in plan if spec.name.endswith("usage-changelog"))
    plain = admin.TopicSpec(f"{settings.topic_prefix}plain-usage-changelog", usage.partitions, 1, usage.config)
    await admin.create(settings.client_options(), [*plan, plain])
    if controls:
        await publish_book(settings, job.book())
    async for _ in feed(settings, job.calls(calls)):
        pass


@asynccontextmanager
async def log_of_its_own(settings: Settings, calls: int, *, controls: bool) -> AsyncIterator[None]:
    """A filled log, and all topics of its prefix gone afterwards, for the broker may not be ours."""
    try:
        await fill(settings, calls, controls=controls)
        yield
    finally:
        client = AIOKafkaAdminClient(**settings.client_options())
        try:
            await client.start()
            await client.delete_topics([n for n in await client.list_topics() if settings.topic_prefix in n])
        finally:
            await client.close()


async def drain(contender: Contender, address: str, prefix: str, calls: int, folder: Path) -> Figure:
    """Fill a log, let the contender drain it, check what came out, and take its figures."""
    settings = settings_for(address, prefix).model_copy(update={"spend": contender.spend})
    async with log_of_its_own(settings, calls, controls=contender.controls):
        samples, output, memory = await run(contender, settings, calls, folder)
    wrong = job.problems(output.results, job.due_of(calls))
    if wrong:
        raise RuntimeError(f"{contender.name}: of {calls} calls {', '.join(wrong)}")
    return figure(samples, output, calls, memory)


async def run(contender: Contender, settings: Settings, calls: int, folder: Path) -> tuple[list[Sample], Output, float]:
    """Let the contender drain a filled log."""
    place = Place(settings.bootstrap_servers, settings.topic_prefix, folder)
    ours = {
        f"RATER_{name.upper()}": str(value)
        for name, value in settings.model_dump(mode="json", exclude_defaults=True).items()
    }
    env = {name: value for name, value in os.environ.items() if not name.startswith("RATER_")}
    env |= {"PYTHONPATH": str(ROOT), **ours, **contender.env(place)}
    log = folder / f"{place.prefix}.log"
    with log.open("wb") as output:
        # Plain Faust leaves a folder of data where it runs.
        process = subprocess.Popen(contender.command(place), env=env, cwd=folder, stdout=output, stderr=output)  # noqa: ASYNC220
        try:
            samples, seen = await watch(process, settings, calls, log)
            return samples, seen, memory_of(process.pid)
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


def memory_of(pid: int) -> float:
    """The most resident memory that a process had so far, in MB."""
    line = next(row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def figure(samples: Sequence[Sample], output: Output, calls: int, memory: float) -> Figure:
    """Rate and CPU between the first sight of a call and the first sight of all of them."""
    seen = [(output.below(sample.ends), sample) for sample in samples]
    begun, first = next(one for one in seen if one[0])
    _, last = next(one for one in seen if one[0] == calls)
    done = calls - begun
    return Figure(calls, done / (last.seconds - first.seconds), (last.cpu - first.cpu) / done * 1e6, memory)


async def measure(
    contenders: Sequence[Contender], calls: int, repeats: int, address: str, folder: Path
) -> dict[str, list[Figure]]:
    """All contenders in turn, `repeats` times, with a bar of how far it is."""
    found: dict[str, list[Figure]] = {contender.key: [] for contender in contenders}
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=repeats * len(contenders))
        for turn in range(repeats):
            for number, contender in enumerate(contenders):
                progress.update(task, description=contender.key)
                prefix = f"bench{os.getpid()}-{turn}-{number}-"
                share = max(1000, int(calls * contender.share))
                found[contender.key].append(await drain(contender, address, prefix, share, folder))
                progress.advance(task)
    return found


def main() -> None:
    """Measure and show."""
    keys = [contender.key for contender in ALL]
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=300_000)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--only", nargs="+", choices=keys, default=keys, help="these contenders alone")
    options.add_argument("--without", nargs="+", choices=keys, default=[], help="not these")
    options.add_argument("--beside", metavar="COMMIT", help="the rater of an earlier commit too")
    options.add_argument("--json", action="store_true", help="print every figure as JSON")
    options.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md and its chart")
    chosen = options.parse_args()
    # Told to end, it ends as by Ctrl-C: the broker and the contender end with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("aiokafka.producer").setLevel("ERROR")  # it warns of topics that were made a moment ago
    contenders = [one for one in ALL if one.key in chosen.only and one.key not in chosen.without]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rater-bench-")))
        if chosen.beside:
            tree = stack.enter_context(checkout(chosen.beside, folder / "tree"))
            contenders.insert(0, earlier(chosen.beside, tree))
        for contender in contenders:
            contender.prepare()
        address = stack.enter_context(kafka())
        found = asyncio.run(measure(contenders, chosen.calls, chosen.repeats, address, folder))
    if chosen.json:
        print(json.dumps({name: [one._asdict() for one in figures] for name, figures in found.items()}))
    else:
        results.show(contenders, found)
    if chosen.write:
        results.write(contenders, found)


if __name__ == "__main__":
    main()
