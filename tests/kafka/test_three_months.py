"""Months of whole lives on a real Kafka, workers killed among them, against the independent model."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import orjson

from rater.service.step import partition_of
from tests.laws.life_model import Life
from tests.laws.lives import FIRST, life
from tests.support.logs import Event
from tests.support.rated import Raw, address, charges_of, topic, until_rated, write
from tests.support.reading import read, values
from tests.support.workers import Rater

PARTITIONS = 4
SEED = 7
LENGTH = 900
"""Events; a life of so many takes more than a year, so it begins long ago."""
EARLIER = timedelta(days=1200)


def events() -> list[Event]:
    """A life that is over by now: the broker's clock is the records'."""
    words = orjson.dumps([told.event for told in life(SEED, LENGTH, FIRST - EARLIER)])
    made: list[Event] = orjson.loads(words)
    return made


def raw(event: Event) -> list[Raw]:
    """An account's event to its partition; ticks and books to all of them."""
    account, value = event.get("account"), orjson.dumps(event)
    if account is None:
        return [Raw(partition, None, value) for partition in range(PARTITIONS)]
    return [Raw(partition_of(account.encode(), PARTITIONS), account.encode(), value)]


async def test_months_of_lives_come_to_what_the_model_says(rater: Rater) -> None:
    """Each period is closed once with the model's total; usage is left of open months, calls of those remembered."""
    rater.run("topics", "create")
    model, now = Life(), datetime.now(UTC)
    log = events()
    expected = [model.outcome(event, now) for event in log]
    records = [one for event in log for one in raw(event)]
    doomed, other = rater.worker(), rater.worker()
    third = len(records) // 3
    await write(rater, records[:third])
    await until_rated(rater, third // 2)
    doomed.kill()
    await write(rater, records[third : 2 * third])
    rater.worker()
    await until_rated(rater, third)
    other.kill()
    await write(rater, records[2 * third :])
    rater.worker()
    outcomes = await until_rated(rater, len(records))
    audit = json.loads(rater.run("audit", "--json"))
    assert (audit["status"], audit["residue"]) == (0, {"CNY": "0.00"})
    of_calls = ("charged", "voided")
    assert {name: outcomes[name] for name in of_calls} == {name: expected.count(name) for name in of_calls}

    sums: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    closed: dict[tuple[str, str], Fraction] = {}
    for charge in (json.loads(value) for p in values(await charges_of(rater)).values() for value in p):
        key = charge["account"], charge["period"]
        assert key not in closed
        if charge["type"] == "charge/1":
            sums[key] += Fraction(charge["amount"])
        else:
            closed[key] = Fraction(charge["total"])
    theirs = model.totals()
    assert {key: total for key, total in sums.items() if total} == {key: t for key, t in theirs.items() if t}
    assert len(closed) > 30
    assert closed == {key: sums[key] for key in closed}

    usage = {tuple(key.decode().split("\x1f")) for key in await rows_of(rater, "usage")}
    assert usage == {key for key in theirs if key not in closed}
    remembered = [key.decode().split("\x1f") for key in await rows_of(rater, "calls")]
    assert {(account, call_id) for account, _, call_id in remembered} == model.remembered()
    assert 0 < len(remembered) < expected.count("charged")


async def rows_of(rater: Rater, table: str) -> dict[bytes, bytes]:
    """A table's rows, as its changelog has them."""
    rows: dict[bytes, bytes | None] = {}
    for records in (await read(address(rater), topic(rater, f"rater-{table}-changelog"))).values():
        rows |= {record.key: record.value for record in records}
    return {key: value for key, value in rows.items() if value is not None}
