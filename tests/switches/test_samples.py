"""Each format's example, records written by hand after the switch's documentation: six calls, the same money."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from rater.cli.profiles import profile_of
from rater.cli.switch_files import records_in
from rater.switches.profile_words import FORMAT_NAMES
from rater.tools.intake_files import FileIntake
from rater.tools.log_file import bare_lines
from rater.tools.rate_file import rate_lines
from rater.wire.shipped import shipped_book

EXAMPLES = Path(__file__).parents[2] / "examples" / "switches"
FOLDERS = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
WHAT_ELSE = {
    "asterisk-ami": {"skipped:other-event": 1},
    "asterisk-csv": {"skipped:duplicate": 1, "rejected:no-account": 1, "rejected:wrong-shape": 1},
    "csv": {"skipped:header": 1},
    "freeswitch-event": {"skipped:other-event": 1, "skipped:other-leg": 1, "skipped:duplicate": 1},
    "freeswitch-json": {
        "skipped:other-leg": 1,
        "skipped:duplicate": 1,
        "rejected:no-account": 1,
        "rejected:not-json": 1,
    },
    "opensips-acc": {"skipped:header": 1, "skipped:other-event": 1},
}
"""What else a folder's records come to, beside six calls."""

CALLS = [
    ("acme", "outbound", "answered", "2026-11-02T00:00:00+00:00", 107),
    ("acme", "outbound", "no-answer", "2026-11-02T00:05:00+00:00", None),
    ("acme", "inbound", "answered", "2026-11-02T01:00:00+00:00", 0),
    ("beta", "outbound", "answered", "2026-11-02T01:10:00+00:00", 61),
    ("acme", "outbound", "busy", "2026-11-02T01:20:00+00:00", None),
    ("beta", "outbound", "failed", "2026-11-02T01:30:00+00:00", None),
]
MONEY = {"acme": Decimal("205.00"), "beta": Decimal("0.40")}
"""hybrid-200: the fee of 200.00, 2 connected calls of 2.50, minutes within the 100; per-minute: 2 minutes at 0.20."""
SAYS_NO_START = {"kamailio-acc", "opensips-acc"}
"""Rows of an INVITE that failed tell when it failed; Kamailio's of a call when it was answered."""


def intake_of(name: str) -> tuple[FileIntake, list[bytes]]:
    """A folder's records through the intake: what they came to, and the calls."""
    folder = EXAMPLES / name
    files = [path for path in sorted(folder.iterdir()) if path.name not in {"profile.yaml", "numbers.csv"}]
    profile = profile_of(folder / "profile.yaml")
    intake = FileIntake(profile)
    return intake, list(intake.calls(records_in(files, profile)))


def test_every_format_has_an_example() -> None:
    assert sorted(FORMAT_NAMES) == FOLDERS


@pytest.mark.parametrize("name", FOLDERS)
def test_the_records_become_these_calls(name: str) -> None:
    """Account, direction, disposition, start and talk time; numbers in E.164, and what is none as written."""
    intake, calls = intake_of(name)
    assert intake.outcomes == {"call": 6, **WHAT_ELSE.get(name, {})}
    found = [json.loads(call) for call in calls]
    for call, (account, direction, disposition, started, talk) in zip(found, CALLS, strict=True):
        assert call["account"] == account
        if name == "json":  # its switch says neither a disposition nor a direction
            assert (call["disposition"] == "answered") == (disposition == "answered")
        else:
            assert (call["disposition"], call["direction"]) == (disposition, direction)
        assert talk == _talk(call)
        if name == "call-ended":
            continue  # as it came
        if name not in SAYS_NO_START or (talk is not None and name == "opensips-acc"):
            assert call["started_at"] == started
        assert call["callee"] in {
            "+8613900000001",
            "+862187654321",
            "8001",
            "+8613900000003",
            "+8613900000004",
            "95588",
        }
        assert call["caller"] in {"8001", "8002", "+8613900000002", "+861066660000"}


def _talk(call: dict[str, str]) -> int | None:
    from datetime import datetime  # noqa: PLC0415 - only here

    if call.get("answered_at") is None:
        return None
    return (datetime.fromisoformat(call["ended_at"]) - datetime.fromisoformat(call["answered_at"])).seconds


@pytest.mark.parametrize("name", FOLDERS)
def test_they_come_to_the_same_money(name: str) -> None:
    events = (EXAMPLES / "events.jsonl").read_bytes().splitlines()
    totals: dict[str, Decimal] = defaultdict(Decimal)

    def add(output: object) -> None:
        charge = json.loads(output.value)  # type: ignore[attr-defined]
        if output.topic == "charges":  # type: ignore[attr-defined]
            totals[charge["account"]] += Decimal(charge["amount"])

    _, calls = intake_of(name)
    result = rate_lines(bare_lines(enumerate([*events, *calls], start=1)), book=shipped_book(), bare=True, take=add)
    assert totals == MONEY
    assert result.outcomes == {"applied": 2, "charged": 6}
