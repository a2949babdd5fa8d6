"""`rater audit` on a real Kafka: right charges pass, running or stopped; whatever is done to them is named."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiokafka import AIOKafkaProducer

from rater.audit import verify
from rater.kafka.admin import TopicSpec, create
from tests.kafka.test_refusals import delete_before
from tests.support.rated import address, charges_of, topic, until_charged, until_rated
from tests.support.reading import Log
from tests.support.workers import Rater

CALLS = 3000
ACCOUNTS = 40
RECORDS = CALLS + ACCOUNTS + 4

Harm = Callable[[list[Any]], None]


def simulate(rater: Rater, calls: int = CALLS, *words: object) -> None:
    rater.run("simulate", "--calls", calls, "--accounts", ACCOUNTS, *words)


async def rated(rater: Rater) -> Log:
    """Calls, rated by a worker that has stopped; gives the charges."""
    simulate(rater)
    worker = rater.worker()
    await until_rated(rater, RECORDS)
    assert worker.stop() == 0
    return await charges_of(rater)


def audited(rater: Rater, *words: object, status: int = 0) -> dict[str, Any]:
    """What the audit says as JSON, with the exit status that is told."""
    said: dict[str, Any] = json.loads(rater.run("audit", "--json", *words, status=status))
    assert said["status"] == status
    return said


async def copied(rater: Rater, name: str, charges: Log, harm: Harm) -> str:
    """A copy of the charges with something done to those of one partition; gives the topic."""
    copy = topic(rater, name)
    await create({"bootstrap_servers": address(rater)}, [TopicSpec(copy, len(charges), 1)])
    async with AIOKafkaProducer(bootstrap_servers=address(rater), linger_ms=5) as producer:
        for partition, records in charges.items():
            kept = list(records)
            if partition == 1:
                harm(kept)
            for r in kept:
                await producer.send(copy, r.value, r.key, partition, headers=list(r.headers))
    return copy


async def test_what_was_done_to_a_charge_is_named(ready: Rater) -> None:
    """The charges pass; a copy with one deleted, repeated or changed fails, and the charge is named with its place."""
    charges = await rated(ready)
    said = audited(ready)
    assert (said["records"], said["charges"], said["waiting"]) == (RECORDS, sum(map(len, charges.values())), 0)
    assert said["outcomes"] == {"applied": ACCOUNTS + 4, "charged": CALLS}
    assert said["residue"] == {"CNY": "0.00"}

    victim = json.loads(charges[1][100].value)
    ident, amount = victim["charge_id"], victim["amount"]
    other = charges[1][100].value.replace(f'"amount":"{amount}","currency"'.encode(), b'"amount":"999.00","currency"')

    def delete(records: list[Any]) -> None:
        del records[100]

    def repeat(records: list[Any]) -> None:
        records.insert(101, records[100])

    def change(records: list[Any]) -> None:
        records[100] = replace(records[100], value=other)

    for name, harm in (("missing", delete), ("repeated", repeat), ("changed", change)):
        copy = await copied(ready, name, charges, harm)
        said = audited(ready, "--charges", copy, status=1)
        (found,) = [finding for finding in said["findings"] if finding["kind"] == name]
        assert found["what"].startswith(ident)
        place = copy if name != "missing" else topic(ready, "calls")
        assert found["place"].startswith(f"{place}/1/")
        assert said["off"][name] == 1
    told = ready.run("audit", "--charges", topic(ready, "missing"), status=1)
    assert "The books do not hold" in told
    assert ident in told


async def test_an_audit_while_calls_are_rated(ready: Rater) -> None:
    """A running system passes; what is not rated yet is told as waiting, never as missing."""
    ready.worker()
    simulate(ready, 20_000)
    await until_charged(ready, 1000)
    said = audited(ready)
    assert said["off"] == {}
    assert said["records"] + said["waiting"] <= 20_000 + ACCOUNTS + 4


async def test_a_log_whose_head_is_gone(ready: Rater) -> None:
    """Without a snapshot it says from where it could prove, and exits with 3; from a snapshot on it proves the rest."""
    await rated(ready)
    told = ready.run("snapshot", "--out", "first.jsonl")
    assert "records proved; SHA-256" in told
    simulate(ready, 500, "--seed", 2, "--no-subscribe")
    worker = ready.worker()
    await until_rated(ready, RECORDS + 500)
    ready.run("snapshot", "--out", "second.jsonl", "--after", "first.jsonl")
    simulate(ready, 500, "--seed", 3, "--no-subscribe")
    await until_rated(ready, RECORDS + 1000)
    assert worker.stop() == 0
    await delete_before(ready, 1, 5)
    said = audited(ready, status=3)
    (told,) = said["unproven"]
    assert told.startswith(f"{topic(ready, 'calls')}/1 begins at offset 5")
    assert "from a snapshot of offset 5 or later on" in told
    for snapshot in ("first.jsonl", "second.jsonl"):
        said = audited(ready, "--snapshot", snapshot)
        assert said["records"] == RECORDS + 1000
        assert said["residue"] == {"CNY": "0.00"}
    first, second = ((ready.folder / name).read_bytes().splitlines() for name in ("first.jsonl", "second.jsonl"))
    assert json.loads(second[0])["previous"] == json.loads(first[-1])["sha256"]
    ready.run("snapshot", "--out", "never.jsonl", status=3)
    assert not (ready.folder / "never.jsonl").exists()
    told = ready.run("snapshot", "--out", "trusted.jsonl", "--trust-tables")
    assert "taken on trust" in told
    assert audited(ready, "--snapshot", "trusted.jsonl")["records"] == RECORDS + 1000


async def test_the_verifier_needs_the_charges_alone(ready: Rater) -> None:
    """The file for downstreams passes over what the topic holds, and fails when a charge is taken out."""
    charges = [record.value for records in (await rated(ready)).values() for record in records]
    for lines, status in ((charges, 0), (charges[:50] + charges[51:], 1)):
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-I", verify.__file__], input=b"\n".join(lines), capture_output=True
        )
        assert done.returncode == status, done.stdout
