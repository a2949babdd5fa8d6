"""`rater notify` on a real Kafka: a receiver that fails, hangs and dies, while notify itself is killed three times."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.support.rated import Raw, address, topic, until_all_rated, write
from tests.support.reading import read
from tests.support.workers import ROOT, Rater, Worker, until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the specification's examples
FAILS_FOR = float(os.environ.get("RATER_TEST_FAILING", "8"))
"""Seconds that the receiver answers 500, and then that it hangs."""
ACCOUNTS = 60


class Phone:
    """A receiver as a process, on one port whatever becomes of it."""

    def __init__(self, folder: Path) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self.file = folder / "taken.jsonl"
        self.file.touch()
        self._process: subprocess.Popen[bytes] | None = None

    def serve(self, mode: str) -> None:
        """Kill it, and start it again in a mode."""
        self.kill()
        command = [sys.executable, "-m", "tests.notify.receiver", str(self.port), str(self.file), mode]
        self._process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ids(self) -> set[str]:
        """Of what it took."""
        return {headers["webhook-id"] for headers, _ in self.taken()}

    def taken(self) -> list[tuple[dict[str, str], str]]:
        """What it took, in its order; a line that its death cut is none."""
        lines = self.file.read_text().splitlines()
        return [(headers, body) for headers, body in map(json.loads, (one for one in lines if one.endswith("]")))]


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    made = Phone(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def telling(ready: Rater) -> Rater:
    """With the secret where the file says that it is."""
    ready.settings["notify_erp"] = SECRET
    return ready


def told_by(rater: Rater, phone: Phone, events: str, give_up: int = 3600) -> Path:
    """The file that says so."""
    target = f"{{name: erp, webhook: 'http://127.0.0.1:{phone.port}/hook', secret_in: RATER_NOTIFY_ERP,"
    file = rater.folder / "notify.yaml"
    thresholds = "thresholds: [{name: some, spend: '1.00'}]"
    file.write_text(f"targets:\n  - {target} events: [{events}], give_up_after: {give_up}}}\n{thresholds}\n")
    return file


def notify(rater: Rater, file: Path) -> Worker:
    made = Worker(
        rater.environment(), rater.folder / f"notify-{len(rater.workers)}.log", "run", str(file), verb="notify"
    )
    rater.workers.append(made)
    return made


async def in_topic(rater: Rater, role: str) -> list[dict[str, Any]]:
    return [json.loads(one.value) for part in (await read(address(rater), topic(rater, role))).values() for one in part]


async def test_every_alert_is_told_whatever_dies(telling: Rater, phone: Phone) -> None:
    """Delivered, signed, in order for each account, each id at least once: as many ids as the topics have."""
    file = told_by(telling, phone, "alerts, closings, rejections, thresholds")
    telling.worker()
    doomed = notify(telling, file)
    doomed.until_tells()
    phone.serve("failing")
    telling.run("simulate", "--calls", 3000, "--accounts", ACCOUNTS, "--seed", 11)
    await write(telling, [Raw(n % 4, b"x", b"{") for n in range(20)])
    await until_all_rated(telling)
    began = time.monotonic()
    for mode in ("failing", "hanging", "lying"):
        phone.serve(mode)
        await asyncio.sleep(FAILS_FOR if mode != "lying" else 3)
        doomed.kill()
        doomed = notify(telling, file)
    phone.serve("good")
    alerts, rejected = await in_topic(telling, "alerts"), await in_topic(telling, "rejected")
    spend = {one["account"]: one for one in await in_topic(telling, "spend") if float(one["total"]) >= 1}
    expected = {one["alert_id"] for one in alerts} | {f"threshold:some:{a}:{s['period']}" for a, s in spend.items()}
    assert len(alerts) > 20
    assert len(rejected) == 20

    until(lambda: len(phone.ids()) >= len(expected) + 20, "all is told", 60 + 4 * FAILS_FOR)
    assert time.monotonic() - began > 2 * FAILS_FOR
    assert {one for one in phone.ids() if "/" not in one} == expected
    assert len({one for one in phone.ids() if "/" in one}) == 20
    assert telling.run("notify", "undelivered", "--json") == ""
    first_seen: dict[str, list[str]] = defaultdict(list)
    for headers, body in phone.taken():
        Webhook(SECRET).verify(body, headers | {"webhook-timestamp": headers["webhook-timestamp"]})
        told = json.loads(body)
        if told["type"] == "alert.raised" and told["id"] not in first_seen[told["account"]]:
            first_seen[told["account"]].append(told["id"])
    in_order: dict[str, list[str]] = defaultdict(list)
    for one in alerts:
        in_order[one["account"]].append(one["alert_id"])
    assert first_seen == in_order


async def test_what_is_given_up_is_in_the_dead_letter_and_can_be_told_again(telling: Rater, phone: Phone) -> None:
    """Told and given up make all; a replay tells them again with the same ids, and moves nothing."""
    file = told_by(telling, phone, "charges", give_up=1)
    telling.worker()
    teller = notify(telling, file)
    teller.until_tells()
    phone.serve("failing")
    telling.run("simulate", "--calls", 60, "--accounts", 10, "--seed", 3)
    await until_all_rated(telling)
    charges = {one["charge_id"] for one in await in_topic(telling, "charges") if one["type"] == "charge/1"}

    def dead() -> set[str]:
        listed = telling.run("notify", "undelivered", "--json").splitlines()
        return {json.loads(one)["message"]["id"] for one in listed}

    until(lambda: len(dead()) >= 3, "some is given up", every=1)
    phone.serve("good")
    until(lambda: len(dead() | phone.ids()) == len(charges), "all is done", every=1)
    given_up = dead()
    assert given_up | phone.ids() == charges
    assert teller.stop() == 0
    phone.file.write_text("")
    words = ("--target", "erp", "--since", "2026-01-01T00:00:00+00:00")
    assert f"{len(charges):,} messages told again" in telling.run("notify", "replay", file, *words)
    assert phone.ids() == charges
    assert dead() == given_up
