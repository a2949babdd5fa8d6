"""An account's life on a real Kafka: months close while workers die, corrections by command, state does not grow."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.support.rated import address, charges_of, topic, until_all_rated
from tests.support.reading import read, values
from tests.support.workers import Rater

ACCOUNTS = 40
CALLS = 3000
START = datetime(2026, 6, 1, tzinfo=UTC)
"""Three months that are long over."""
MONTHS = 3


async def test_three_months_close_once_whatever_dies(ready: Rater) -> None:
    """Every period is closed once with its total; of usage the rows of open months are left."""
    doomed = ready.worker()
    ready.worker()
    words = ["--start", START.isoformat(), "--months", MONTHS, "--accounts", ACCOUNTS, "--calls", CALLS]
    ready.run("simulate", *words)
    ready.run("adjust", "A000001", "--reason", "credit", "--", "-5.00")
    for month in range(1, MONTHS + 2):
        until = START + timedelta(days=31 * month + 11)
        ready.run("tick", "--at", until.isoformat())
        if month == 2:
            doomed.kill()
    await until_all_rated(ready)
    audit = json.loads(ready.run("audit", "--json"))
    assert audit["residue"] == {"CNY": "0.00"}
    charges = [json.loads(value) for p in values(await charges_of(ready)).values() for value in p]
    closed = Counter((c["account"], c["period"]) for c in charges if c["type"] == "period-closed/1")
    assert set(closed.values()) == {1}
    assert audit["closed"] == len(closed)
    months = {charge["period"] for charge in charges}
    assert {period for _, period in closed} >= {month for month in months if month < "2026-10"}
    rows: dict[bytes, bytes | None] = {}
    for records_ in (await read(address(ready), topic(ready, "rater-usage-changelog"))).values():
        rows |= {record.key: record.value for record in records_}
    open_months = {key.decode().rpartition("\x1f")[2] for key, value in rows.items() if value is not None}
    assert len(open_months) <= 2
