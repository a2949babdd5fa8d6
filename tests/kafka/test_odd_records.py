"""What strangers write into a log: each odd record has its outcome and its reason, and the stream goes on."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from datetime import datetime
from typing import Any

from rater.seam.partitions import partition_of
from tests.support.logs import call, shipped, subscribed
from tests.support.rated import (
    Raw,
    address,
    assert_replay_is_equal,
    charged_calls,
    charges_of,
    records_in_log,
    topic,
    until_charged,
    until_rated,
    write,
)
from tests.support.reading import read
from tests.support.workers import Rater

N = 4
ACCOUNTS = [f"A{number:03d}" for number in range(60)]
CALLS = 6_000
START = datetime.fromisoformat("2025-03-04T09:00:00+08:00")
"""In the past of any clock that runs these tests: a call must not end after its record's timestamp."""


def bare(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode()


def home(account: str) -> int:
    return partition_of(account.encode(), N)


def right(event: dict[str, Any]) -> Raw:
    """The event as a good producer writes it."""
    account = event["account"]
    return Raw(home(account), account.encode(), bare(event))


def simple(account: str, number: object, **fields: Any) -> dict[str, Any]:
    return call(account, number, start=START, **fields)


def good_calls(first: int, last: int) -> list[Raw]:
    return [right(simple(ACCOUNTS[n % len(ACCOUNTS)], n, talk=n % 300)) for n in range(first, last)]


FIRST, SECOND = ACCOUNTS[0], ACCOUNTS[1]
MISPLACED = right(simple(FIRST, "misplaced"))._replace(partition=(home(FIRST) + 1) % N)
BIG = bare(simple(FIRST, "big", callee="+" + "1" * 100 * 1024))
HUGE = b"x" * 1_000_000

ODD: list[tuple[Raw, str]] = [
    (Raw(0, b"A1", b"\x00\xff\xfe garbage"), "not-json"),
    (Raw(1, b"A1", b""), "not-json"),
    (Raw(2, b"A1", None), "not-json"),
    (Raw(3, None, b'{"type":"call-started/1"}'), "unknown-type"),
    (right(simple("stranger", 1)), "unknown-account"),
    (right(simple(FIRST, 0, talk=299)), "conflict"),
    (Raw(home(FIRST), SECOND.encode(), bare(simple(FIRST, "wrong-key"))), "key-mismatch"),
    (Raw(home(FIRST), None, bare(simple(FIRST, "no-key"))), "key-mismatch"),
    (Raw(home(FIRST), FIRST.encode(), BIG), "record-too-large"),
    (Raw(home(FIRST), FIRST.encode(), HUGE), "record-too-large"),
]
"""Records that do nothing, and why."""

DUPLICATE = right(simple(FIRST, 0, talk=0))


async def test_odd_records_among_the_calls(rater: Rater) -> None:
    """Garbage, an unknown account, a conflict, a duplicate, wrong keys and large records: all told, nothing stops."""
    rater.run_here("topics", "create")
    book = shipped()
    del book["default_plan"]
    (rater.folder / "book.yaml").write_text(json.dumps(book))
    rater.run("tariffs", "publish", "book.yaml")
    doomed, survivor = rater.worker(), rater.worker()
    plans = ("per-minute", "hybrid-200", "package-basic", "per-call")
    on_plans = [
        right(subscribed(account, plans[n % len(plans)], "2025-03-01T00:00:00+08:00"))
        for n, account in enumerate(ACCOUNTS)
    ]
    await write(rater, on_plans)
    await write(rater, good_calls(0, CALLS // 2))
    await until_charged(rater, CALLS // 6)
    odd = await write(rater, [record for record, _ in ODD])
    await write(rater, [DUPLICATE, MISPLACED])
    doomed.kill()
    await write(rater, good_calls(CALLS // 2, CALLS))
    # Every record written, the book's in each partition, and the forwarded copy.
    written = len(on_plans) + CALLS + len(ODD) + 2 + N + 1
    found = await until_rated(rater, written)

    assert found == expected_outcomes(len(on_plans) + N)
    assert found.total() == written == await records_in_log(rater)
    charges = await charges_of(rater)
    calls = {(ACCOUNTS[n % len(ACCOUNTS)], "pbx-1", f"c-{n}") for n in range(CALLS)}
    assert charged_calls(charges) == Counter({*calls, (FIRST, "pbx-1", "c-misplaced")})
    assert_replay_is_equal(rater, charges)
    await assert_told(rater, dict(zip(odd, ODD, strict=True)))
    assert survivor.stop() == 0


def expected_outcomes(applied: int) -> Counter[str]:
    reasons = Counter(f"rejected:{reason}" for _, reason in ODD)
    return reasons + Counter({"charged": CALLS + 1, "duplicate": 1, "forwarded": 1, "applied": applied})


async def assert_told(rater: Rater, odd: dict[str, tuple[Raw, str]]) -> None:
    """The topic `rejected` has each odd record once, with its place, its reason, and its bytes as they were."""
    rejected = await read(address(rater), topic(rater, "rejected"))
    told = {}
    for records in rejected.values():
        for record in records:
            place = dict(record.headers)["rater-from"].decode()
            assert place not in told
            told[place] = json.loads(record.value)
    assert {place: body["reason"] for place, body in told.items()} == {place: why for place, (_, why) in odd.items()}
    for place, (record, _) in odd.items():
        assert told[place]["key"] == as_told(record.key)
        assert told[place]["value"] == as_told(record.value)


def as_told(data: bytes | None) -> Any:
    """Bytes as `rejected` tells them: whole in base64; above 256 KiB their length, hash and beginning."""
    if data is None:
        return None
    if len(data) <= 256 * 1024:
        return base64.b64encode(data).decode()
    start = base64.b64encode(data[:1024]).decode()
    return {"length": len(data), "sha256": hashlib.sha256(data).hexdigest(), "start": start}
