"""From an earlier version to this one on a system that runs, on a real Kafka: `make test-upgrade`.

Workers of the earlier version rate calls, credits and changes of plan; then they are killed, and workers of this
version take the same rows over, killed at each stage of their start and while they rate. A worker of the earlier
version comes back in the middle, and one that was frozen over the upgrade wakes up. In the end each call is charged
once, the money adds up, and this version's audit proves the whole log: from its start, and from a snapshot that the
earlier version wrote.
Exit status 1 when something does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rater.seam.partitions import partition_of
from rater.tools import simulate
from rater.tools.simulate import Event
from tests.support.broker import NoKafka, kafka
from tests.support.checkout import ROOT, checkout
from tests.support.rated import (
    Raw,
    charged_calls,
    charges_of,
    records_in_log,
    so_far,
    until_all_rated,
    until_rated,
    write,
)
from tests.support.workers import GaveUp, Rater, Worker

FROM = "7002b1a"
"""The version that is upgraded from, a commit of this repository."""
ACCOUNTS = 2_000
PARTITIONS = 4
REFUSED, FENCED = 78, 75


class Wrong(Exception):  # noqa: N818 - it says what does not hold
    """Something does not hold."""


class Upgrade:
    """One run of it."""

    def __init__(self, rater: Rater, tree: Path, calls: int) -> None:
        self.rater, self.tree, self.calls = rater, tree, calls
        self.first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=40)
        """Calls of 30 days from here are over, and their month may close."""

    def old(self, *words: object) -> None:
        """A command of the earlier version."""
        command = [sys.executable, "-m", "tests.support.other_version", str(self.tree), *map(str, words)]
        env = self.rater.environment() | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=env, cwd=self.rater.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Wrong(f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}")

    def old_worker(self, *, ready: bool = True) -> Worker:
        """A worker of the earlier version."""
        self.rater.program = ("tests.support.other_version", str(self.tree))
        try:
            return self.rater.worker(ready=ready)
        finally:
            self.rater.program = ("rater",)

    async def run(self, tell: Callable[[str], None]) -> None:
        """All of it, in order. Raises `Wrong` or `GaveUp`."""
        tell("the earlier version rates half of the calls, and writes a snapshot")
        self.old("topics", "create")
        self.old("tariffs", "publish")
        workers = [self.old_worker(), self.old_worker()]
        await self._calls(1, self.calls // 2, self.first)
        await self._rated()
        await self._corrections(self.old, 1)
        self.old("snapshot", "--out", "before.snapshot")
        await self._calls(2, self.calls // 4, self.first + timedelta(days=8))
        tell("its workers are killed and frozen while they rate")
        frozen, killed = workers
        frozen.freeze()
        killed.kill()
        self.rater.run("topics", "create")
        tell("workers of this version take over, and are killed at each stage of their start")
        for stage in ("RATER_DEV is set", "assigned partitions", "restored partitions", "ready: rating"):
            await self._dies_at(stage)
        for share in (0.1, 0.4, 0.7):
            await self._dies_after(share)
        current = self.rater.worker()
        tell("a worker of the earlier version comes back, and the frozen one wakes up")
        self._refused(self.old_worker(ready=False))
        frozen.wake()
        self._ended(frozen, FENCED)
        await self._corrections(self.rater.run, 2)
        await self._calls(3, self.calls - self.calls // 2 - self.calls // 4, self.first + timedelta(days=12))
        self._refused(self.old_worker(ready=False))
        self.rater.run("tick", "--at", datetime.now(UTC).isoformat(timespec="seconds"))
        await self._rated()
        current.must_live()
        tell("each call once, and the audit")
        await self._holds(tell)

    async def _calls(self, seed: int, calls: int, start: datetime) -> None:
        """Write calls of eight days; the accounts' plans before the first ones."""
        events = [*simulate.subscriptions(ACCOUNTS, start)] if seed == 1 else []
        for account, value in simulate.calls(seed, calls, ACCOUNTS, start, days=8):
            events.append(Event(account, value.replace(b'"sim-', b'"sim-%d-' % seed)))
        keys = [event.account.encode() for event in events]
        await write(
            self.rater, [Raw(partition_of(k, PARTITIONS), k, e.value) for k, e in zip(keys, events, strict=True)]
        )

    async def _corrections(self, command: Callable[..., object], number: int) -> None:
        """Credits, changes of plan and spend caps."""
        for account in range(20):
            command("adjust", f"A{account:06d}", "--reason", f"credit {number}", "--no-wait", "--", "-5.00")
            command("subscribe", f"A{account:06d}", "hybrid-400", "--spend-cap", "50.00", "--no-wait")
        await self._rated()

    async def _rated(self) -> None:
        await until_all_rated(self.rater, 300)

    async def _dies_at(self, stage: str) -> None:
        """A worker that is killed as soon as it has said so."""
        worker = self.rater.worker(ready=False)
        worker.until(lambda: stage in worker.text(), f"says {stage}")
        worker.kill()

    async def _dies_after(self, share: float) -> None:
        """A worker that is killed when it has rated so much of what is left."""
        records, before = await records_in_log(self.rater), (await so_far(self.rater)).total()
        worker = self.rater.worker()
        await until_rated(self.rater, int(before + share * (records - before)), 300)
        worker.kill()

    def _refused(self, worker: Worker) -> None:
        """A worker of the earlier version must not touch rows that this one wrote."""
        self._ended(worker, REFUSED)
        if "format" not in worker.text():
            raise Wrong(f"it does not say why:\n{worker.text()[-2000:]}")

    def _ended(self, worker: Worker, status: int) -> None:
        found = worker.wait()
        if found != status:
            raise Wrong(f"{worker.log.name} ended with {found}, not {status}:\n{worker.text()[-2000:]}")

    async def _holds(self, tell: Callable[[str], None]) -> None:
        """The books hold."""
        outcomes = await so_far(self.rater)
        seen = charged_calls(await charges_of(self.rater))
        tell(f"outcomes: {dict(outcomes)}")
        if (len(seen), seen.total()) != (self.calls, self.calls):
            raise Wrong(f"{self.calls} calls, {len(seen)} of them charged, {seen.total()} charges")
        if any(name.startswith("rejected") for name in outcomes):
            raise Wrong("something was rejected")
        for words in ((), ("--snapshot", "before.snapshot")):
            report = json.loads(self.rater.run("audit", "--json", *words))
            tell(f"audit {' '.join(words)}: residue {report['residue']}, proved")
            if set(report["residue"].values()) != {"0.00"}:
                raise Wrong(f"residue {report['residue']}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and tell; gives the exit status."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--from", dest="commit", default=FROM, help="the earlier version, a commit")
    options.add_argument("--calls", type=int, default=200_000)
    chosen = options.parse_args(arguments)
    logging.disable()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="rater-upgrade-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "run").mkdir()
        try:
            with checkout(chosen.commit, place / "tree") as tree, kafka() as address:
                settings = {"bootstrap_servers": address, "replication": "1", "dev": "1", "topic_prefix": "upgrade-"}
                rater = Rater({**settings, "session_timeout": "6", "tick_interval": "0"}, place / "run")
                try:
                    asyncio.run(Upgrade(rater, tree, chosen.calls).run(lambda line: print(line, flush=True)))
                finally:
                    rater.clean_up()
        except (Wrong, GaveUp, NoKafka, AssertionError) as error:
            print(f"FAILED, from {chosen.commit}: {error}")
            return 1
    print(f"from {chosen.commit} to this version: it holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
