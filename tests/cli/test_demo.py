"""`rater demo`: from nothing to charges and a reconciliation, on the embedded broker."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

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
    assert figures["records in the log"] == f"{applied + 1500 + 3:,}"
    assert applied > 24, "20 subscriptions, the book in 4 partitions, and ticks"
    assert (applied - 24) % 4 == 0
    assert figures["charged"] == "1,500"
    assert figures["gaps in the charges' numbers"] == "0"
    assert figures["residue, CNY"] == "0.00"
    assert figures["sum of the charges, CNY"] == figures["price of the final usage and fees, CNY"]
    assert "Proved: every record has its outcome" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_console_shows_charges_while_the_demo_runs(tmp_path: Path) -> None:
    """At the address that is printed, for who has the token that is printed; with the demo it is gone."""
    env = dict(os.environ) | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    words = ["demo", "--calls", "1500", "--seconds", "8", "--accounts", "20"]
    with subprocess.Popen(
        [sys.executable, "-m", "rater", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    ) as demo:
        assert demo.stdout is not None
        told = re.match(r"The console: (http://127\.0\.0\.1:\d+)/  token: (\w+)", demo.stdout.readline())
        assert told is not None
        address, token = told.groups()
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
