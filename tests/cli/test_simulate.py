"""`rater simulate`: the same seed gives the same calls, and they look like a call centre's."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rater.cli.demo import PROFILE
from rater.tools.demo_story import story
from rater.tools.simulate import calls, subscriptions
from rater.wire.events import AccountSubscribed, CallEnded
from rater.wire.parse import parse
from tests.support.command import Rater

START = datetime(2026, 10, 1, tzinfo=UTC)
COUNT, ACCOUNTS = 20_000, 1000


@pytest.fixture(scope="module")
def month() -> list[dict[str, Any]]:
    """A simulated month of 20,000 calls over 1,000 accounts."""
    return [json.loads(event.value) for event in calls(7, COUNT, ACCOUNTS, START)]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_same_seed_gives_the_same_events() -> None:
    """Determinism by seed, and another seed gives other calls."""
    once, again, other = (list(calls(seed, 200, 5, START)) for seed in (1, 1, 2))
    assert once == again
    assert once != other


def test_every_event_is_one_that_the_rater_reads() -> None:
    """Calls and subscriptions parse, negotiated plans included, and are keyed by their account."""
    events = [*subscriptions(20, START), *calls(3, 300, 20, START)]
    for event in events:
        parsed = parse(event.value)
        assert isinstance(parsed, CallEnded | AccountSubscribed)
        assert parsed.account == event.account
    assert len(events) == 320


def test_calls_come_in_the_order_of_their_ends_within_their_days(month: list[dict[str, Any]]) -> None:
    """A switch emits a call when it has ended; ids are unique and no call is missing."""
    ends = [at(call["ended_at"]) for call in month]
    assert ends == sorted(ends)
    assert len({call["call_id"] for call in month}) == len(month) == COUNT
    assert min(at(call["started_at"]) for call in month) >= START
    assert max(at(call["started_at"]) for call in month) < START + timedelta(days=30)


def test_the_shape_of_the_call_centre(month: list[dict[str, Any]]) -> None:
    """Answered 82 %, median talk 107 s, p95 582 s, longest 4264 s; quiet nights and weekends."""
    answered = [call for call in month if call["disposition"] == "answered"]
    talks = sorted((at(call["ended_at"]) - at(call["answered_at"])).total_seconds() for call in answered)
    assert len(answered) / COUNT == pytest.approx(0.82, abs=0.01)
    assert talks[len(talks) // 2] == pytest.approx(107, rel=0.05)
    assert talks[int(len(talks) * 0.95)] == pytest.approx(582, rel=0.08)
    assert talks[-1] <= 4264
    hours = Counter(at(call["started_at"]).hour for call in month)
    assert hours[10] > 10 * hours[3]
    days = Counter(at(call["started_at"]).weekday() for call in month)
    assert days[6] < days[2] / 2


def test_few_accounts_make_most_calls(month: list[dict[str, Any]]) -> None:
    """The top 1 % of the accounts make about a fifth of the calls."""
    by_account = Counter(call["account"] for call in month)
    top = sum(count for _, count in by_account.most_common(ACCOUNTS // 100))
    assert top / COUNT == pytest.approx(0.207, abs=0.04)


def test_the_command_writes_what_rate_reads(rater: Rater) -> None:
    """A simulated file, subscriptions first, is rated without a single rejection."""
    start = "2026-10-01T00:00:00+08:00"
    made = rater("simulate", "--calls", 500, "--accounts", 12, "--out", "e.jsonl", "--start", start)
    assert (made.exit_code, made.stderr) == (0, "512 events from 2026-10-01T00:00:00+08:00 on\n")
    assert len(Path("e.jsonl").read_text().splitlines()) == 512
    words = json.loads(rater("rate", "e.jsonl", "--summary", "--json").stdout)
    assert words["outcomes"] == {"applied": 12, "charged": 500}


def test_a_start_without_an_offset_is_refused(rater: Rater) -> None:
    """A naive time would mean something else on each machine."""
    result = rater("simulate", "--out", "e.jsonl", "--start", "2026-10-01")
    assert (result.exit_code, "not an RFC 3339 time with an offset" in result.stderr) == (2, True)


def test_the_story_of_the_demo_has_all_kinds_of_faults(rater: Rater) -> None:
    """Repeats, conflicts, other legs, broken and nobody's records are among the demo's."""
    told = list(story(1, 2400, 20))
    Path("raw.jsonl").write_bytes(b"".join(one.value + b"\n" for one in told if one.to == "switch"))
    # An import has its events before its records: what the story says between them has no place here.
    said = [one.value for one in told if one.to == "calls" and b"account-subscribed" in one.value]
    Path("events.jsonl").write_bytes(b"".join(value + b"\n" for value in said))
    words = (
        "import",
        "raw.jsonl",
        "--profile",
        PROFILE,
        "--events",
        "events.jsonl",
        "--rate",
        "--json",
        "--out",
        "c.jsonl",
    )
    found = rater(*words)
    assert json.loads(found.stdout)["outcomes"] == {
        "call": 2401,
        "rejected:no-account": 1,
        "rejected:not-json": 1,
        "skipped:duplicate": 2,
        "skipped:other-leg": 1,
    }
    assert "21 applied, 2,400 charged, 1 rejected:conflict" in found.stderr
