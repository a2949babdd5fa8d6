"""`rater demo`: from nothing to charges and a reconciliation, on the embedded broker."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from rater.tools import embedded
from rater.tools.demo_story import CLOSE_AFTER, ZONE, chapters, story
from tests.support.command import Rater
from tests.support.workers import until


def test_the_demo_ends_with_nothing_left_over(tmp_path: Path) -> None:
    """Records in = outcomes, residue 0.00, the worker is gone, nothing is left in the temporary folder."""
    env = dict(os.environ) | {"TMPDIR": str(tmp_path), "RATER_TOPIC_PREFIX": "ignored-"}
    done = subprocess.run(
        [sys.executable, "-m", "rater", "demo", "--calls", "1500", "--seconds", "3", "--accounts", "20"],
        capture_output=True,
        text=True,
        env=env,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = {label.strip(): value for label, value in re.findall(r"│ ([^│]+?) +│ +([\d,.]+) │", done.stdout)}
    assert figures["records in the log"] == figures["sum of the outcomes"]
    applied = int(figures["applied"])
    # One conflict, and the void; other faults never come into the log.
    assert figures["records in the log"] == f"{applied + 1500 + 1 + 1:,}"
    assert applied > 30, "20 subscriptions, two books in 4 partitions, a change of plan, a credit, and ticks"
    assert (applied - 30) % 4 == 0
    assert figures["voided"] == "1"
    assert int(figures["periods closed"]) >= 30
    assert int(figures["alerts"]) > 0
    assert figures["charged"] == "1,500"
    assert figures["gaps in the charges' numbers"] == "0"
    assert figures["residue, CNY"] == "0.00"
    assert figures["sum of the charges, CNY"] == figures["price of the final usage and fees, CNY"]
    assert "Proved: every record has its outcome" in done.stdout
    assert list(tmp_path.iterdir()) == []


@contextmanager
def serving(folder: Path, seconds: int) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A demo of so many seconds whose console serves: its process, the console's address and token."""
    env = dict(os.environ) | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    words = ["demo", "--calls", "1500", "--seconds", str(seconds), "--accounts", "20"]
    with subprocess.Popen(
        [sys.executable, "-m", "rater", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    ) as demo:
        assert demo.stdout is not None
        lines = iter(demo.stdout.readline, "")
        told = (next(line.split()[1] for line in lines if line.startswith(what)) for what in ("console ", "token "))
        address, token = (one.rstrip("/") for one in told)
        yield demo, address, token


def test_the_console_shows_charges_while_the_demo_runs(tmp_path: Path) -> None:
    """At the address that is printed, for who has the token that is printed; with the demo it is gone."""
    with serving(tmp_path, seconds=8) as (demo, address, token):
        assert demo.stdout is not None
        with pytest.raises(HTTPError, match="401"):
            overview(address, "no-token")
        until(lambda: overview(address, token)["charges"] > 100, "charges are shown")
        assert demo.poll() is None, "it was looked at while the demo ran"
        rest = demo.stdout.read()
        assert demo.wait() == 0, rest
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(URLError):
        overview(address, token)


def overview(address: str, token: str) -> dict[str, Any]:
    """The first page's figures."""
    request = Request(f"{address}/api/v1/overview", headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - ours
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        told: dict[str, Any] = json.load(answer)
    return told


def test_more_than_the_embedded_broker_holds_is_refused(rater: Rater) -> None:
    """One account's calls are in one partition; what would be dropped there must not look like money that is lost."""
    result = rater("demo", "--accounts", "1", "--calls", "20000")
    assert (result.exit_code, "would be in one partition" in result.stderr) == (2, True)


def test_a_library_without_the_broker_is_told(rater: Rater, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older librdkafka, or one of a system that was built without it."""
    monkeypatch.setitem(embedded._SIGNATURES, "rd_kafka_mock_of_tomorrow", (None, []))
    result = rater("demo")
    assert (result.exit_code, "pip install 'rater[demo]'" in result.stderr) == (1, True)


@pytest.mark.parametrize("day", range(1, 32))
def test_the_story_has_two_closed_months_whatever_the_day(day: int) -> None:
    """It begins with a month and ends today; what it tells is there on every day of a month."""
    now = datetime(2026, 10, day, 3, tzinfo=UTC)
    told = list(story(1, 1200, 20, now))
    bodies = [json.loads(one.value) for one in told if one.to == "calls"]
    months = [one["at"] for one in bodies if one["type"] == "clock-ticked/1"]
    assert len(months) >= 60
    assert max(months) <= now.astimezone(ZONE).isoformat()
    first = next(one for one in bodies if one["type"] == "account-subscribed/1")
    assert first["from"] == ("2026-08-01T00:00:00+08:00" if day >= CLOSE_AFTER else "2026-07-01T00:00:00+08:00")
    # What must not overtake the calls, which come by way of the intake, waits for them.
    parts = list(chapters(told))
    assert [one for part in parts for one in part] == told
    waiting = [json.loads(part[0].value) for part in parts[1:]]
    assert sum(one["type"] == "call-voided/1" for one in waiting) == 1
    closing = [one["at"] for one in waiting if one["type"] == "clock-ticked/1"]
    assert closing == [at for at in months if datetime.fromisoformat(at).day == CLOSE_AFTER]
    kinds = {one["type"] for one in bodies}
    assert {"account-adjusted/1", "call-voided/1", "tariffs-published/1"} <= kinds
    assert [one for one in bodies if one.get("subscription_id") == "story-1"]
    assert sum("spend_cap" in one for one in bodies) == 3
    hours = [datetime.fromtimestamp(int(json.loads(one.value)["variable_start_uepoch"]) / 1e6, ZONE).hour
             for one in told if one.to == "switch" and one.account]  # fmt: skip
    assert sum(8 <= hour < 20 for hour in hours) > 0.8 * len(hours), "office hours are those of the place"


def test_who_ends_the_demo_ends_what_it_started(tmp_path: Path) -> None:
    """SIGTERM, as a supervisor sends it: no worker, intake or console is left, and no folder."""
    with serving(tmp_path, seconds=60) as (demo, _, _):
        assert demo.stdout is not None
        children = children_of(demo.pid)
        assert len(children) >= 3
        demo.terminate()
        words = demo.stdout.read()
        assert demo.wait(30) == 130, words
    until(lambda: not any(Path(f"/proc/{one}").exists() for one in children), "all have ended")
    until(lambda: list(tmp_path.iterdir()) == [], "nothing is left")


def children_of(parent: int) -> list[int]:
    """The processes that a process started and that are there."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            told = stat.read_text().rpartition(")")[2].split()
            if int(told[1]) == parent:
                found.append(int(stat.parent.name))
    return found
