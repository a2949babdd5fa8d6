"""`python -m tests.availability`: 64 partitions of 20,000 accounts, one worker. `make test-days`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.availability.days import Outcome, Size, live_through
from tests.support.broker import kafka
from tests.support.workers import Rater


def main() -> None:
    """Run, and print a table; fails where the worker ended or a transaction took more than 2 s."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--partitions", type=int, default=64)
    options.add_argument("--accounts", type=int, default=20_000, help="of each partition")
    options.add_argument("--interval", type=float, default=60.0)
    options.add_argument("--calls", type=int, default=100, help="a second, meanwhile")
    chosen = options.parse_args()
    size = Size(chosen.partitions, chosen.accounts, chosen.interval, chosen.calls)
    with kafka() as broker, tempfile.TemporaryDirectory() as folder:
        settings = {"bootstrap_servers": broker, "topic_prefix": "days-", "replication": "1", "dev": "1"}
        rater = Rater(settings, Path(folder))
        try:
            outcome = asyncio.run(live_through(rater, size))
        finally:
            rater.clean_up()
    show(size, outcome)
    assert outcome.longest_commit <= 2, "a transaction took too long"


def show(size: Size, outcome: Outcome) -> None:
    """A table of the days."""
    print(
        f"one worker, {size.partitions} partitions of {size.accounts} accounts, {size.calls} calls a second meanwhile"
    )
    print(f"{'day':24}{'all done after':>16}{'calls':>8}{'median':>9}{'p99':>9}")
    for day in outcome.days:
        print(f"{day.name:24}{day.seconds:14.1f} s{day.calls:8}{day.median:7.2f} s{day.p99:7.2f} s")
    print(f"no fold took longer than {outcome.longest_fold:g} s, no transaction than {outcome.longest_commit:g} s")


if __name__ == "__main__":
    main()
