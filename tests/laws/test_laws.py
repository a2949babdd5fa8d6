"""Each law holds for every generated log, and catches the bugs that are planted for it."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from rater.tools.log_file import to_line
from tests.laws.laws import LAWS, Law
from tests.laws.model import rated
from tests.laws.planted import BUGS, Bug, headers_from_a_set
from tests.laws.replayed import digest
from tests.laws.worlds import STAMP, Line, World, records, worlds

ROOT = Path(__file__).parents[2]

UNTIL = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
PLANTED = settings(UNTIL, max_examples=2000, phases=[Phase.generate], report_multiple_bugs=False)


RICH = {"charged", "duplicate", "applied"}
REASONS = {
    "not-json",
    "unknown-type",
    "wrong-shape",
    "naive-time",
    "answered-without-time",
    "time-without-answer",
    "times-out-of-order",
    "too-long-call",
    "key-mismatch",
    "ends-in-future",
    "tick-ahead",
    "no-tariff-book",
    "stale-book",
    "unknown-account",
    "unknown-plan",
    "account-ended",
    "conflict",
}
"""Of rejections, what the generated logs have of them."""


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_law_holds(law: Law) -> None:
    """The law holds for every generated log."""
    UNTIL(given(worlds())(law))()


@pytest.mark.parametrize(("bug", "law"), BUGS, ids=[f"{bug.__name__}->{law.__name__}" for bug, law in BUGS])
def test_the_law_catches_its_planted_bug(bug: Bug, law: Law, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bug in the rules the law fails: it can fail at all."""
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        PLANTED(given(worlds())(law))()


def test_every_law_has_its_bug() -> None:
    """No law goes unproven."""
    assert {law for _, law in BUGS} == set(LAWS)


def test_the_generated_logs_are_rich() -> None:
    """Every outcome that the generator can make comes up, so no law holds for want of cases."""
    seen: set[str] = set()

    def collect(world: World) -> None:
        seen.update(rated(world.log, STAMP)[0])

    wanted = RICH | {f"rejected:{reason}" for reason in REASONS}
    for examples in (200, 400, 800, 1600):  # some are rare
        settings(UNTIL, max_examples=examples)(given(worlds())(collect))()
        if seen >= wanted:
            break
    assert seen == wanted


@cache
def exported() -> bytes:
    """Many generated logs in one exported file; each has its own partition."""
    found: list[list[Line]] = []

    def collect(world: World) -> None:
        found.append(world.log)

    settings(UNTIL, max_examples=15)(given(worlds())(collect))()
    return b"".join(
        to_line(partition, len(found), record) for partition, log in enumerate(found) for record in records(log)
    )


def elsewhere(seed: str, *bug: str) -> str:
    """The digest that another process finds, whose sets and hashes are in another order."""
    command = [sys.executable, "-m", "tests.laws.replayed", *bug]
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(command, cwd=ROOT, env=env, input=exported(), capture_output=True, check=True)
    return found.stdout.decode().strip()


def test_another_process_gives_the_same_bytes() -> None:
    """The law of replay holds between processes with other hash seeds."""
    assert elsewhere("1") == elsewhere("2") == digest(exported())


def test_another_process_catches_the_order_of_a_set() -> None:
    """What depends on the hash seed is seen."""
    assert elsewhere("1", headers_from_a_set.__name__) != elsewhere("2", headers_from_a_set.__name__)
