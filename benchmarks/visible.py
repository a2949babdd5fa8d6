"""How soon a charge is seen: `make bench-console`, or `python -m benchmarks.visible`.

A switch makes 1,000 calls a second, a worker rates them, the console follows into SQLite, and a headless Chromium looks
at its first page, which says how many charges there are. The n-th charge is visible when that page first says n or
more; it was published when a `read_committed` reader in this process had it. All on this machine, by its one clock.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console
from rich.table import Table

from tests.support.broker import kafka
from tests.support.browser import Look, chromium
from tests.support.workers import Rater

TOKEN = "0123456789abcdef-of-the-benchmark"  # noqa: S105 - of no system
PARTITIONS = 4
PATIENCE = 60.0
ACCOUNTS = 200

WATCH = """() => {
  window.seen = [];
  const look = () => {
    const told = document.querySelectorAll('.r-tile .n')[2];
    const count = told ? parseInt(told.textContent.replace(/[^0-9]/g, '') || '0') : 0;
    const last = window.seen[window.seen.length - 1];
    if (!last || last[1] !== count) window.seen.push([Date.now() / 1000, count]);
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
  look();
}"""


class Seen(NamedTuple):
    """At a time by the machine's clock, so many charges were on the page."""

    at: float
    charges: int


def delays(published: Sequence[float], seen: Sequence[Seen]) -> list[float]:
    """Seconds from each charge's publishing until the page counted it; `published` in the order of arrival."""
    counts = [one.charges for one in seen]
    return [seen[bisect_left(counts, number)].at - at for number, at in enumerate(published, start=1)]


async def reading(address: str, prefix: str, wanted: int) -> list[float]:
    """When each charge could be read."""
    tps = [TopicPartition(f"{prefix}charges", p) for p in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address, isolation_level="read_committed", fetch_max_wait_ms=20, enable_auto_commit=False
    )
    found: list[float] = []
    async with consumer:
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        while len(found) < wanted:
            fetched = await consumer.getmany(timeout_ms=20)
            found += [time.time()] * sum(map(len, fetched.values()))
    return found


def prepared(address: str, folder: Path) -> tuple[Rater, str]:
    """A worker and a console on topics of their own; gives the console's address too."""
    settings = {"bootstrap_servers": address, "topic_prefix": "visible-", "replication": "1", "dev": "1"}
    console = {"database_url": f"sqlite:///{folder}/rater.db", "console_token": TOKEN}
    rater = Rater({**settings, **console}, folder)
    rater.run("topics", "create")
    rater.run("tariffs", "publish")
    rater.worker()
    _, served = rater.console()
    return rater, served


async def measure(rater: Rater, address: str, served: str, rate: int, seconds: int) -> list[float]:
    """One run."""
    async with chromium() as browser:
        look = Look(await browser.new_page(), served)
        await look.log_in(TOKEN)
        await look.page.evaluate(WATCH)
        simulate = ("simulate", "--calls", rate * seconds, "--accounts", ACCOUNTS, "--rate", rate)
        writing = asyncio.create_task(asyncio.to_thread(rater.run, *simulate))
        published = await reading(address, "visible-", rate * seconds)
        await writing
        all_there = f"window.seen[window.seen.length - 1][1] >= {len(published)}"
        await look.page.wait_for_function(all_there, timeout=PATIENCE * 1000)
        return delays(published, [Seen(*one) for one in await look.page.evaluate("window.seen")])


def main(words: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1000, help="calls a second")
    parser.add_argument("--seconds", type=int, default=30)
    asked = parser.parse_args(words)
    with kafka() as address, tempfile.TemporaryDirectory(prefix="rater-bench-") as name:
        rater, served = prepared(address, Path(name))
        try:
            found = asyncio.run(measure(rater, address, served, asked.rate, asked.seconds))
        finally:
            rater.clean_up()
    cuts = statistics.quantiles(found, n=100)
    table = Table(title=f"Published to visible, {len(found):,} charges at {asked.rate:,} calls a second")
    for name in ("p50, s", "p90, s", "p99, s", "max, s"):
        table.add_column(name, justify="right")
    table.add_row(*(f"{value:.2f}" for value in (cuts[49], cuts[89], cuts[98], max(found))))
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
