"""What must hold of any log, in lives where everything changes at any time (`tests/laws/wild.py`)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import orjson
import pytest

from rater.audit.verify import Verifier
from rater.processor import due
from rater.processor.replay import Replay
from rater.processor.rows import TABLES
from rater.processor.step import make_step
from rater.seam.heads import HEADS
from rater.seam.model import LogRecord, Output
from rater.seam.rows import PartitionRows
from rater.wire.results import RESULTS
from tests.laws.lives import Told
from tests.laws.wild import wild
from tests.support.logs import Event
from tests.support.mutate import plant

SEEDS = (*range(60), 130)
"""The last one is a life in which a credit was posted twice, since no tick came for long."""
SHORTEST = timedelta(days=30)
"""For so long at least a credit's id is known again, whatever books say: 31 days, and ticks may be late by one."""
NEVER = {"rejected:internal-error", "rejected:too-large", "rejected:wrong-shape"}


def record(offset: int, told: Told) -> LogRecord:
    account = told.event.get("account")
    stamp = int(told.stamp.timestamp() * 1000)
    return LogRecord(offset, stamp, account.encode() if account else None, orjson.dumps(told.event))


def restarted(replay: Replay) -> Replay:
    """As a worker is after a restart: a new step, and rows and head as the changelogs have them."""
    again = Replay(make_step(spend=True))
    again.heads[0] = HEADS.decode(HEADS.encode(replay.heads[0]))
    rows = PartitionRows(TABLES)
    for table in TABLES:
        was = replay.rows[0].table(table.name).items()
        rows.apply({table.name: {key: table.decode(table.encode(row)) for key, row in was}})
    again.rows[0] = rows
    return again


def rated(log: list[Told], *, restart: bool = False) -> tuple[list[tuple[Told, Output]], Counter[str]]:
    """Each output with the event that brought it, one record at a time; and the outcomes."""
    replay = Replay(make_step(spend=True))
    found: list[tuple[Told, Output]] = []
    for offset, told in enumerate(log):
        if restart:
            replay = restarted(replay)
        found += [(told, output) for output in replay.feed(0, [record(offset, told)]).outputs]
    return found, Counter(replay.outcomes())


def body(output: Output) -> Event:
    made: Event = orjson.loads(output.value or b"{}")
    return made


def faults(log: list[Told]) -> list[str]:
    """What is wrong with what was published of a log."""
    found, outcomes = rated(log)
    wrong = [outcome for outcome in outcomes if outcome in NEVER]
    verifier, seen = Verifier(), Counter[tuple[str, str]]()
    posted: dict[tuple[str, str], datetime] = {}
    for told, output in found:
        made = body(output)
        if not made:
            continue
        RESULTS[made["type"]].model_validate_json(output.value or b"")
        if output.topic == "charges":
            wrong += verifier.faults(made)
        if made["type"] == "charge/1" and made["kind"] == "usage":
            seen[made["account"], made["call"]["call_id"]] += 1
        if told.event["type"] == "account-adjusted/1" and made.get("kind") == "adjustment":
            ident = made["account"], told.event["adjustment_id"]
            if told.stamp - posted.get(ident, datetime.min.replace(tzinfo=told.stamp.tzinfo)) < SHORTEST:
                wrong.append(f"{ident} was posted twice")
            posted[ident] = told.stamp
    return [*wrong, *(f"{call} was charged {times} times" for call, times in seen.items() if times > 1)]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_call_no_credit_and_no_period_comes_twice(seed: int) -> None:
    """And each message is as its contract says, numbers and totals without a gap, no period over one that is closed."""
    assert faults(wild(seed)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_restart_between_any_two_transactions_changes_no_byte(seed: int) -> None:
    """Nothing is kept in a process that is not in its rows."""
    log = wild(seed)
    once, again = (rated(log, restart=restart) for restart in (False, True))
    assert [tuple(output) for _, output in once[0]] == [tuple(output) for _, output in again[0]]
    assert once[1] == again[1]


def test_the_lives_are_wild() -> None:
    """All kinds of outcomes come up, and periods of accounts whose calendar changed are closed."""
    outcomes: Counter[str] = Counter()
    names: set[str] = set()
    for seed in SEEDS:
        found, counted = rated(wild(seed))
        outcomes += counted
        names |= {made["period"] for _, output in found if (made := body(output)).get("type") == "period-closed/1"}
    wanted = {"charged", "duplicate", "applied", "voided"} | {
        f"rejected:{reason}" for reason in ("too-old", "late", "closed-period", "account-ended", "conflict")
    }
    assert wanted <= set(outcomes)
    assert {len(name) for name in names} == {len("2026-11"), len("2026-11-15")}


def test_a_credit_that_is_forgotten_at_once_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the lives, without anybody having thought of the case: a month that is long over closes with the next tick."""
    plant(monkeypatch, due._kept, "late <= DAY or not", "late or not")
    assert any("was posted twice" in wrong for seed in SEEDS for wrong in faults(wild(seed)))
