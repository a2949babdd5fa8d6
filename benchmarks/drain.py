"""How fast a backlog of calls is drained on a real Kafka: `make bench`, or `python -m benchmarks.drain`.

In one run, in turn: the aiokafka floor, the plain Faust agent, and this rater exactly once. Each drains a log of its
own, with the same simulated calls of 10,000 accounts on all the shipped plans. Calls a second and CPU a call (user and
system, of the draining process) are taken between a tenth and nine tenths of the output, from the committed end of
`charges`: starting, joining the group and the tail are left out. Kafka runs on the same machine. Medians of the
repeats; figures move with the machine, the ratio much less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console
from rich.table import Table

from rater.service import simulate
from rater.service.feed import feed
from rater.service.log_writer import publish_book
from rater.service.settings import Settings
from rater.service.shipped import shipped_book
from rater.service.step import TABLES
from rater.service.topics import topic_plan
from rater.stream import admin
from tests.support.broker import kafka

ROOT = Path(__file__).parents[1]
ACCOUNTS = 10_000
PATIENCE = 300.0
TICKS = os.sysconf("SC_CLK_TCK")


class Contender(NamedTuple):
    """A way to drain the log."""

    name: str
    module: Sequence[str]
    """Arguments of the interpreter; {address} and {prefix} are filled in."""
    share: float
    """Of the calls that it drains: slow ones need not drain all to show their rate."""


FLOOR = Contender("aiokafka alone (copy each record)", ("-m", "benchmarks.baselines.floor", "{address}", "{prefix}"), 1)
PLAIN = Contender(
    "plain Faust agent (not safe)", ("-m", "benchmarks.baselines.plain_faust", "{address}", "{prefix}"), 0.1
)
RATER = Contender("rater, exactly once", ("-m", "rater", "worker"), 1)


class Sample(NamedTuple):
    """A moment of a drain."""

    seconds: float
    done: int
    cpu: float
    """Seconds of the process so far."""


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


async def drain(contender: Contender, address: str, prefix: str, calls: int, folder: Path) -> Figure:
    """Fill a log, let the contender drain it, and take its figures."""
    settings = settings_for(address, prefix)
    await fill(settings, calls)
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
            return figure(await watch(process, settings, calls, log), calls)
        finally:
            process.kill()
            process.wait()


async def watch(process: subprocess.Popen[bytes], settings: Settings, calls: int, log: Path) -> list[Sample]:
    """Sample the committed end of `charges` and the process's CPU until all the calls are out."""
    samples: list[Sample] = []
    options = settings.client_options()
    async with AIOKafkaConsumer(**options, isolation_level="read_committed", enable_auto_commit=False) as consumer:
        tps = [TopicPartition(settings.topic("charges"), p) for p in range(settings.partitions)]
        consumer.assign(tps)
        began = time.monotonic()
        while not samples or samples[-1].done < calls:
            await asyncio.sleep(0.1)
            if process.poll() is not None or time.monotonic() - began > PATIENCE:
                message = f"the drain did not end:\n{log.read_text(errors='replace')[-3000:]}"  # noqa: ASYNC240
                raise RuntimeError(message)
            ends = await consumer.end_offsets(tps)
            samples.append(Sample(time.monotonic(), sum(ends.values()), cpu_of(process.pid)))
    return samples


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, user and system, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def figure(samples: Sequence[Sample], calls: int) -> Figure:
    """Rate and CPU between a tenth and nine tenths of the output."""
    first = next(sample for sample in samples if sample.done >= calls * 0.1)
    last = next(sample for sample in samples if sample.done >= calls * 0.9)
    done = last.done - first.done
    return Figure(calls, done / (last.seconds - first.seconds), (last.cpu - first.cpu) / done * 1e6)


async def measure(calls: int, repeats: int, address: str, folder: Path) -> dict[str, list[Figure]]:
    """All contenders in turn, `repeats` times."""
    found: dict[str, list[Figure]] = {contender.name: [] for contender in (FLOOR, PLAIN, RATER)}
    for turn in range(repeats):
        for number, contender in enumerate((FLOOR, PLAIN, RATER)):
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
    table = Table(title=f"Draining a backlog, medians of {len(found[PLAIN.name])}")
    table.add_column("")
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
    with kafka() as address, tempfile.TemporaryDirectory(prefix="rater-bench-") as folder:
        found = asyncio.run(measure(chosen.calls, chosen.repeats, address, Path(folder)))
    if chosen.json:
        print(json.dumps({name: [one._asdict() for one in figures] for name, figures in found.items()}))
    else:
        show(found)


if __name__ == "__main__":
    main()
