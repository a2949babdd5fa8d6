"""Books that reach back, on a real Kafka: while calls come in and workers die, over many accounts."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from os import environ
from pathlib import Path
from typing import Any

import orjson

from rater.app.worker import WORK_OF_A_TICK
from tests.kafka.test_classes import large_book
from tests.support.logs import call
from tests.support.rated import Raw, charges_of, records_in_log, until_all_rated, until_charged, until_rated, write
from tests.support.workers import Rater

SHIPPED = (Path(__file__).parents[2] / "rater" / "wire" / "shipped.yaml").read_text()
CALLS = int(environ.get("RATER_TEST_CALLS", "8000"))
ACCOUNTS = int(environ.get("RATER_TEST_ACCOUNTS", "3000"))
PREFIXES = 5_000
START = datetime.fromisoformat("2026-11-03T09:00:00+08:00")
BACK = """    effective: "2020-01-01T00:00:00+08:00"
    reach_back: true
"""
"""From a time before all calls on."""


def reaching(text: str, version: int, *prices: tuple[str, str]) -> str:
    """A book whose plans per-minute, hybrid-200 and by-class (where it has it) reach back with other prices."""
    for name in ("per-minute", "hybrid-200", "by-class"):
        text = text.replace(f"  {name}:\n", f"  {name}:\n{BACK}")
    for old, new in prices:
        assert old in text
        text = text.replace(old, new)
    first = next(line for line in text.splitlines() if line.startswith("version:"))
    return text.replace(first, f"version: {version}")


async def adjusted(rater: Rater) -> Counter[tuple[str, int]]:
    """(account, book) of each adjustment that a book made."""
    values = [record.value for records in (await charges_of(rater)).values() for record in records]
    charges: list[dict[str, Any]] = [json.loads(value) for value in values if b'"book":' in value]
    return Counter((one["account"], one["book"]) for one in charges if one["kind"] == "adjustment")


async def test_totals_are_those_of_a_log_that_had_the_book_from_the_start(ready: Rater) -> None:
    """By classes of many prefixes, hours and holidays; published half way, one worker killed, accounts put on plans
    late: the audit proves every byte, and no account's total differs."""
    large = large_book(SHIPPED, PREFIXES)
    (ready.folder / "large.yaml").write_text(large)
    back = reaching(large, 3, ('rate: "0.25"', 'rate: "0.31"'), ('"2.50"', '"2.70"'), ('rate: "0.20"', 'rate: "0.17"'))
    (ready.folder / "back.yaml").write_text(back)
    ready.run("tariffs", "publish", "large.yaml")
    doomed = ready.worker()
    ready.worker()
    ready.run("simulate", "--calls", CALLS // 2, "--accounts", 60, "--seed", 3, "--no-subscribe")
    await until_rated(ready, await records_in_log(ready) // 2)
    assert "add --yes" in ready.run("tariffs", "publish", "back.yaml", status=1)
    assert "Open periods that the book re-rates" in ready.run("tariffs", "publish", "back.yaml", "--yes")
    doomed.kill()
    ready.run("simulate", "--calls", CALLS // 2, "--accounts", 40, "--seed", 4)
    ready.run("tick", "--at", datetime.now(UTC).isoformat())
    await until_all_rated(ready, 900)
    found = await adjusted(ready)
    assert len(found) > 30
    assert set(found.values()) == {1}
    audit = json.loads(ready.run("audit", "--json", timeout=900))
    assert audit["residue"] == {"CNY": "0.00"}
    rerated = json.loads(ready.run("rerate", "--tariffs", "back.yaml", "--json", timeout=900))
    assert rerated["total"] == "0.00"
    assert {one["change"] for one in rerated["accounts"]} == {"0.00"}


async def test_many_accounts_get_one_adjustment_a_book_while_calls_go_on(rater: Rater) -> None:
    """Two books, one after the other, over accounts that are silent and some that call: two adjustments each."""
    rater.settings |= {"partitions": "1", "tick_interval": "1"}
    rater.run_here("topics", "create")
    rater.run_here("tariffs", "publish")
    worker = rater.worker()
    await write(rater, [_call(f"A{n:05d}", 1) for n in range(ACCOUNTS)])
    await until_charged(rater, ACCOUNTS)
    for version, rate in ((2, "0.17"), (3, "0.16")):
        (rater.folder / "back.yaml").write_text(reaching(SHIPPED, version, ('rate: "0.20"', f'rate: "{rate}"')))
        rater.run("tariffs", "publish", "back.yaml", "--yes", timeout=300)
    await write(rater, [_call(f"A{n:05d}", 2) for n in range(0, ACCOUNTS, 7)])
    wanted = {(f"A{n:05d}", version) for n in range(ACCOUNTS) for version in (2, 3)}
    loops = 0
    while (found := await adjusted(rater)).keys() != wanted:
        rater.must_live()
        loops += 1
        assert loops < 200, len(found)
    assert set(found.values()) == {1}
    of_ticks = Counter(
        dict(record.headers)["rater-from"]
        for records in (await charges_of(rater)).values()
        for record in records
        if b'"book":' in record.value
    )
    assert max(of_ticks.values()) <= WORK_OF_A_TICK
    assert json.loads(rater.run("audit", "--json", timeout=900))["residue"] == {"CNY": "0.00"}
    worker.must_live()


def _call(account: str, number: int) -> Raw:
    return Raw(0, account.encode(), orjson.dumps(call(account, number, 60 * number, START)))
