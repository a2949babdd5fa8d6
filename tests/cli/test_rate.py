"""`rater rate` on files written by hand: the worked totals of the rules, to the cent."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rater.seam.model import LogRecord
from rater.seam.partitions import partition_of
from rater.tools.log_file import to_line
from tests.support.command import Rater

FIRST = datetime(2026, 11, 1, 8, tzinfo=UTC)


def subscribed(account: str, plan: Any) -> dict[str, Any]:
    """The account is on the plan from the month's start in Shanghai."""
    return {
        "type": "account-subscribed/1",
        "account": account,
        "subscription_id": f"s-{account}",
        "plan": plan,
        "from": "2026-11-01T00:00:00+08:00",
    }


def call(account: str, number: int, minutes: int | None) -> dict[str, Any]:
    """A call that talks so many whole minutes; None is unanswered."""
    start = FIRST + timedelta(minutes=5 * number)
    answered = start + timedelta(seconds=10)
    ended = answered + timedelta(minutes=minutes or 0)
    return {
        "type": "call-ended/1",
        "account": account,
        "source": "pbx-1",
        "call_id": f"c-{number}",
        "caller": "+861012345678",
        "callee": "+861087654321",
        "direction": "outbound",
        "started_at": start.isoformat(),
        "answered_at": None if minutes is None else answered.isoformat(),
        "ended_at": ended.isoformat(),
        "disposition": "no-answer" if minutes is None else "answered",
    }


def bare(*events: dict[str, Any]) -> str:
    """A file of bare events."""
    return "".join(json.dumps(event) + "\n" for event in events)


def checked(charges: str) -> dict[str, Decimal]:
    """Totals per account, after checking that numbers have no gaps, totals run along and lines sum."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    seen: dict[str, int] = defaultdict(int)
    for line in charges.splitlines():
        charge = json.loads(line)
        account = charge["account"]
        seen[account] += 1
        totals[account] += Decimal(charge["amount"])
        assert charge["seq"] == seen[account]
        assert Decimal(charge["period_total"]) == totals[account]
        assert sum(Decimal(part["amount"]) for part in charge["lines"]) == Decimal(charge["amount"])
    return dict(totals)


WORKED: list[tuple[str, Sequence[int | None], str]] = [
    # plan, talk minutes of each call, total of usage and fee
    ("per-minute", [1] * 10, "2.00"),
    ("per-minute", [1] * 49, "9.80"),
    ("per-minute", [1] * 50, "9.00"),
    ("per-minute", [49], "9.80"),
    ("per-minute", [50], "9.00"),
    ("per-minute", [1] * 99, "17.82"),
    ("per-minute", [1] * 100, "16.00"),
    ("per-minute", [40, 60], "16.00"),
    ("per-call", [0] * 10, "20.00"),
    ("per-call", [3] * 49, "98.00"),
    ("per-call", [3] * 50, "90.00"),
    ("per-call", [1] * 99, "178.20"),
    ("per-call", [1] * 100, "150.00"),
    ("package-basic", [1] * 100, "300.00"),
    ("package-basic", [1] * 101, "300.15"),
    ("package-basic", [100, 100], "315.00"),
    ("package-premium", [60] * 30, "500.00"),
    ("hybrid-200", [3] * 20, "251.80"),
    ("hybrid-400", [8] * 20, "445.60"),
    ("per-call", [None] * 30, "0.00"),
]


@pytest.mark.parametrize(("plan", "minutes", "total"), WORKED)
def test_worked_totals(rater: Rater, plan: str, minutes: Sequence[int | None], total: str) -> None:
    """Every worked figure of the rules comes out to the cent, however the minutes are split into calls."""
    events = [subscribed("A1", plan), *(call("A1", n, talk) for n, talk in enumerate(minutes))]
    Path("events.jsonl").write_text(bare(*events))
    result = rater("rate", "events.jsonl")
    assert result.exit_code == 0
    assert checked(result.stdout) == {"A1": Decimal(total)}


def test_all_plans_side_by_side(rater: Rater) -> None:
    """Accounts do not touch each other: one file with all of them gives each its own total."""
    events = []
    for number, (plan, minutes, _) in enumerate(WORKED):
        events.append(subscribed(f"A{number}", plan))
        events += [call(f"A{number}", n, talk) for n, talk in enumerate(minutes)]
    result = rater("rate", "-", given=bare(*events))
    assert checked(result.stdout) == {f"A{n}": Decimal(total) for n, (_, _, total) in enumerate(WORKED)}


def test_a_negotiated_plan(rater: Rater) -> None:
    """A plan written in the subscription: 30 min included in steps of 6 s after 30 s, then graduated."""
    plan = {
        "fee": "10.00",
        "minutes": {
            "allowance": 30,
            "increment": "30/6",
            "graduated": [{"from": 0, "rate": "0.20"}, {"from": 50, "rate": "0.18"}],
        },
    }
    result = rater("rate", "-", given=bare(subscribed("A1", plan), call("A1", 1, 80), call("A1", 2, 1)))
    assert checked(result.stdout) == {"A1": Decimal("20.18")}


def test_rejections_are_told_and_counted_and_no_failure(rater: Rater) -> None:
    """What cannot be rated is named on standard error with its place and reason; the status is 0 all the same."""
    good = call("A1", 1, 2)
    events = [good, good, good | {"callee": "+1"}, good | {"call_id": "x", "disposition": "busy"}, call("A1", 2, 1)]
    result = rater("rate", "-", given=bare(*events) + "garbage\n")
    assert result.exit_code == 0
    assert checked(result.stdout) == {"A1": Decimal("0.60")}
    assert "rejected calls/0/3: conflict" in result.stderr
    assert "rejected calls/0/4: time-without-answer" in result.stderr
    assert "rejected calls/0/6: not-json" in result.stderr
    assert "6 records: 2 charged, 1 duplicate, 1 rejected:conflict" in result.stderr


def test_summary_adds_up_per_account(rater: Rater) -> None:
    """`--summary` prints a table instead of the charges; `--json` makes it a script's."""
    events = bare(call("A1", 1, 2), call("A2", 1, 10), call("A2", 2, None))
    table = rater("rate", "-", "--summary", given=events)
    assert [line.split("│")[1:5] for line in table.stdout.splitlines() if "A2" in line] == [
        [" A2      ", "       2 ", "  2.00 ", " CNY      "]
    ]
    words = json.loads(rater("rate", "-", "--summary", "--json", given=events).stdout)
    assert words["accounts"]["A1"] == {"charges": 1, "total": "0.40", "currency": "CNY"}
    assert words["records"] == 3


def test_another_tariff_book(rater: Rater) -> None:
    """`--tariffs` rates the same calls under another book."""
    Path("mine.yaml").write_text(
        "version: 1\ncurrency: JPY\ntime_zone: Asia/Tokyo\ndefault_plan: p\nplans: {p: {minutes: {rate: 7.5}}}\n"
    )
    result = rater("rate", "-", "--tariffs", "mine.yaml", given=bare(call("A1", 1, 1), call("A1", 2, 1)))
    assert checked(result.stdout) == {"A1": Decimal(15)}
    assert [json.loads(line)["amount"] for line in result.stdout.splitlines()] == ["8", "7"]


def test_events_that_bring_their_own_book(rater: Rater) -> None:
    """Bare events that begin with a published book are rated under it, not under the shipped one."""
    plans = {"p": {"calls": {"rate": "1"}}}
    book = {"version": 1, "currency": "EUR", "time_zone": "Europe/Berlin", "default_plan": "p", "plans": plans}
    result = rater("rate", "-", given=bare({"type": "tariffs-published/1", "book": book}, call("A1", 1, 9)))
    assert checked(result.stdout) == {"A1": Decimal(1)}


def exported(events: list[dict[str, Any]], partitions: int) -> bytes:
    """The events as an exported log after a published book: each account in its partition."""
    plans = {"p": {"minutes": {"rate": "0.10"}}}
    book = {"version": 1, "currency": "EUR", "time_zone": "UTC", "default_plan": "p", "plans": plans}
    stamp = int((FIRST + timedelta(days=20)).timestamp() * 1000)
    logs: list[list[LogRecord]] = [[] for _ in range(partitions)]
    for log in logs:
        log.append(LogRecord(0, stamp, None, json.dumps({"type": "tariffs-published/1", "book": book}).encode()))
    for event in events:
        key = event["account"].encode()
        log = logs[partition_of(key, partitions)]
        log.append(LogRecord(len(log), stamp, key, json.dumps(event).encode()))
    return b"".join(to_line(p, partitions, record) for p, log in enumerate(logs) for record in log)


def test_an_exported_log_keeps_its_partitions_apart(rater: Rater) -> None:
    """An exported log brings its own book; `--by-partition` writes a file for each of its partitions."""
    events = [call(f"A{n}", n, 1) for n in range(40)]
    Path("log.jsonl").write_bytes(exported(events, 4))
    result = rater("rate", "log.jsonl", "--by-partition", "out")
    assert result.exit_code == 0
    files = {path.name: path.read_text().splitlines() for path in Path("out").iterdir()}
    assert sorted(files) == ["0.jsonl", "1.jsonl", "2.jsonl", "3.jsonl"]
    for name, lines in files.items():
        for line in lines:
            assert partition_of(json.loads(line)["account"].encode(), 4) == int(name[0])
    assert sum(map(len, files.values())) == 40


def test_a_broken_export_names_the_line(rater: Rater) -> None:
    """A line that is no record ends the rating with its number, after what came before it was rated."""
    Path("log.jsonl").write_bytes(exported([call("A1", 1, 1)], 1) + b'{"offset": 3}\n')
    result = rater("rate", "log.jsonl")
    assert result.exit_code == 2
    assert "log.jsonl: line 3: not a record of an exported log" in result.stderr
    assert "rater export" in result.stderr


def test_a_missing_file_is_told(rater: Rater) -> None:
    """No traceback, but what is wrong."""
    result = rater("rate", "nowhere.jsonl")
    assert (result.exit_code, "nowhere.jsonl: No such file" in result.stderr) == (2, True)


def test_an_empty_file_is_no_failure(rater: Rater) -> None:
    """Nothing in, nothing out."""
    result = rater("rate", "-", given="")
    assert (result.exit_code, result.stdout) == (0, "")


def test_alerts_go_into_a_file_of_their_own(rater: Rater) -> None:
    """The same that the worker publishes: 50 minutes are included, and the fee of 200 reaches the cap."""
    capped = subscribed("A", "hybrid-200") | {"spend_cap": "200"}
    events = bare(capped, *(call("A", n, 10) for n in range(5)))
    rater("rate", "-", "--out", "charges.jsonl", "--alerts", "alerts.jsonl", given=events)
    told = [json.loads(line) for line in Path("alerts.jsonl").read_text().splitlines()]
    assert [(alert["kind"], alert["value"], alert["limit"]) for alert in told] == [
        ("spend-cap-reached", "200.00", "200"),
        ("allowance-80", "40", "40"),
        ("allowance-100", "50", "50"),
    ]
