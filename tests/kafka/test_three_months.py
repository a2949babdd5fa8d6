"""Months of whole lives on a real Kafka, workers killed among them, against the independent model."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import orjson

from rater.seam.partitions import partition_of
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
    rater.run_here("topics", "create")
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
    assert_a_back_test_is_two_ratings(rater, log[0]["book"])


def assert_a_back_test_is_two_ratings(rater: Rater, book: Event) -> None:
    """`rater rerate` on the log in Kafka, with one price changed: account by account the difference of two ratings."""
    plans = book["plans"]
    book = {**book, "plans": {**plans, "basic": {**plans["basic"], "minutes": {"allowance": 100, "rate": "0.35"}}}}
    rater.run("export", "--out", "log.jsonl")
    lines = [orjson.loads(line) for line in (rater.folder / "log.jsonl").read_bytes().splitlines()]
    (rater.folder / "other.yaml").write_bytes(orjson.dumps(book))  # JSON is YAML
    (rater.folder / "other.jsonl").write_bytes(b"".join(orjson.dumps(under(line, book)) + b"\n" for line in lines))
    was, would = (totals(rater, name) for name in ("log.jsonl", "other.jsonl"))
    said = json.loads(rater.run("rerate", "--tariffs", "other.yaml", "--json"))
    changes = {one["account"]: Fraction(one["change"]) for one in said["accounts"]}
    assert changes == {name: would[name] - was[name] for name in was}
    assert Fraction(said["total"]) == sum(changes.values())
    assert len({change for change in changes.values() if change}) > 1


def under(line: dict[str, Any], book: Event) -> dict[str, Any]:
    """A line of the exported log, with this book in the place of the one that it may publish."""
    event = orjson.loads(b64decode(line["value"]))
    if event["type"] != "tariffs-published/1":
        return line
    return {**line, "value": b64encode(orjson.dumps({**event, "book": book})).decode()}


def totals(rater: Rater, log: str) -> dict[str, Fraction]:
    """Each account's total by `rater rate`."""
    said = json.loads(rater.run("rate", log, "--summary", "--json", status=None))
    return {name: Fraction(one["total"]) for name, one in said["accounts"].items()}


async def rows_of(rater: Rater, table: str) -> dict[bytes, bytes]:
    """A table's rows, as its changelog has them."""
    rows: dict[bytes, bytes | None] = {}
    for records in (await read(address(rater), topic(rater, f"rater-{table}-changelog"))).values():
        rows |= {record.key: record.value for record in records}
    return {key: value for key, value in rows.items() if value is not None}
