"""Other producers' lawful settings: nothing stops, each record has its one outcome, and the audit passes."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

import tests.support.broker
from rater.kafka import admin
from rater.kafka.settings import Settings
from rater.kafka.topics import topic_plan
from rater.processor.step import TABLES
from rater.rating.limits import RECORD_BYTES
from tests.support.broker import libs
from tests.support.logs import Event, call, subscribed
from tests.support.rated import (
    address,
    assert_replay_is_equal,
    charged_calls,
    charges_of,
    topic,
    until_all_rated,
    until_rated,
)
from tests.support.workers import Rater

CODECS = ("gzip", "snappy", "lz4", "zstd")
START = datetime.fromisoformat("2026-03-04T09:00:00+08:00")
JAVA = Path(tests.support.broker.__file__).parent / "kafka" / "ForeignProducer.java"
N = 4


def calls(first: int, last: int) -> list[Event]:
    return [call(f"A{n % 30:03d}", n, n % 300, START) for n in range(first, last)]


def key(event: Event) -> bytes:
    return str(event["account"]).encode()


def librdkafka(rater: Rater, **settings: Any) -> Producer:
    """A producer as C, Go, .NET, PHP and most of Python write one."""
    return Producer({"bootstrap.servers": address(rater), **settings})


def send(producer: Producer, log: str, events: Iterable[Event], **more: Any) -> None:
    for event in events:
        producer.produce(log, orjson.dumps(event), key(event), **more)
    assert producer.flush(30) == 0


def java(rater: Rater, codec: str, events: list[Event]) -> None:
    """The Java client with its defaults, every third record in a transaction behind an aborted one."""
    lines = "".join(f"{event['account']}\t{json.dumps(event)}\n" for event in events)
    words = ["java", "-cp", f"{libs()}/*", str(JAVA), address(rater), topic(rater, "calls"), codec]
    done = subprocess.run(words, input=lines, text=True, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


async def all_topics_in(rater: Rater, codec: str) -> None:
    """The broker keeps every topic, the log and the changelogs too, in a codec, whatever producers use."""
    settings = Settings(partitions=N, topic_prefix=rater.settings["topic_prefix"], replication=1)
    names = [spec.name for spec in topic_plan(settings, TABLES)]
    await admin.alter({"bootstrap_servers": address(rater)}, {name: {"compression.type": codec} for name in names})


@pytest.mark.parametrize("codec", CODECS)
async def test_every_reader_and_writer_in_each_codec(rater: Rater, codec: str) -> None:
    """Worker, restore, audit, export, replay and read model, with log, changelogs and outputs in the codec."""
    rater.settings |= {"partitions": str(N), "compression": codec}
    rater.run_here("topics", "create")
    await all_topics_in(rater, codec)
    rater.run_here("tariffs", "publish")
    first = rater.worker()
    partitioner = {"partitioner": "murmur2_random"}
    send(librdkafka(rater, **{"compression.type": codec}, **partitioner), topic(rater, "calls"), calls(0, 400))
    await until_rated(rater, N + 400)
    first.kill()
    second = rater.worker()
    java(rater, codec, calls(400, 460))
    found = await until_rated(rater, N + 460)
    assert found == Counter({"charged": 460, "applied": N})
    charges = await charges_of(rater)
    assert charged_calls(charges) == Counter((e["account"], e["source"], e["call_id"]) for e in calls(0, 460))
    assert_replay_is_equal(rater, charges)
    assert "Proved: " in rater.run("audit")
    rater.run("project", "--once", "--rebuild")
    assert "A001" in rater.run("statement", "A001", "2026-03")
    assert second.stop() == 0


def odd(rater: Rater, events: list[Event]) -> list[tuple[str, Callable[[], None]]]:
    """Ways to write these events (one each) that are lawful, and that no program of ours uses."""
    log, nobody = topic(rater, "calls"), librdkafka(rater)
    plain = {"partitioner": "murmur2_random"}
    one = iter(events)

    def sent(producer: Producer, **more: Any) -> Callable[[], None]:
        return lambda: send(producer, log, [next(one)], **more)

    return [
        ("the hash of librdkafka", sent(nobody)),
        ("idempotent", sent(librdkafka(rater, **plain, **{"enable.idempotence": True}))),
        ("a header without a value", sent(librdkafka(rater, **plain), headers=[("trace", None), ("trace", b"2")])),
        ("a timestamp of 1970", sent(librdkafka(rater, **plain), timestamp=1)),
        ("a timestamp far ahead", sent(librdkafka(rater, **plain), timestamp=4_102_444_800_000)),
        ("acknowledged by the leader", sent(librdkafka(rater, **plain, acks=1))),
        ("one record a batch", sent(librdkafka(rater, **plain, **{"batch.num.messages": 1}))),
    ]


async def test_lawful_records_that_no_program_of_ours_writes(rater: Rater) -> None:
    """Other hashes, headers without values, odd timestamps, tombstones, aborted transactions, records at the limits."""
    rater.settings["partitions"] = str(N)
    rater.run_here("topics", "create")
    rater.run_here("tariffs", "publish")
    worker = rater.worker()
    log = topic(rater, "calls")
    ways = odd(rater, calls(0, 7))
    for _, way in ways:
        way()
    aborted_and_committed(rater, log)
    largest = padded(subscribed("A001", "per-minute"), b"A001", RECORD_BYTES)
    murmur = librdkafka(rater, partitioner="murmur2_random", **{"message.max.bytes": 2_000_000})
    for value, account in ((largest, b"A001"), (largest + b" ", b"A001"), (b"x" * 1_000_000, b"A001")):
        murmur.produce(log, value, account)
    murmur.produce(log, None, b"A001")
    murmur.produce(log, b"", b"")
    murmur.produce(log, None, None, partition=1)
    murmur.produce(log, orjson.dumps(call("A001", "no-key", 60, START)), None, partition=2)
    murmur.produce(log, orjson.dumps(call("A001", "empty-key", 60, START)), b"", partition=3)
    assert murmur.flush(30) == 0
    await aiokafka_transaction(rater, log)
    found = await until_all_rated(rater)  # what is forwarded comes back as a record more
    assert found["charged"] == len(ways) + 1 + 2
    assert {name: count for name, count in found.items() if name.startswith("rejected")} == {
        "rejected:not-json": 3,
        "rejected:key-mismatch": 2,
        "rejected:record-too-large": 2,
    }
    assert worker.alive()
    assert "Proved: " in rater.run("audit")


def padded(event: Event, account: bytes, size: int) -> bytes:
    """The event as JSON with blanks behind it, so that key and value have exactly this size."""
    value = orjson.dumps(event)
    return value + b" " * (size - len(account) - len(value))


def aborted_and_committed(rater: Rater, log: str) -> None:
    """Two transactions of a foreign producer: what was aborted is never rated."""
    producer = librdkafka(rater, partitioner="murmur2_random", **{"transactional.id": f"{log}-switch"})
    producer.init_transactions(30)
    producer.begin_transaction()
    event = call("A009", "aborted", 60, START)
    producer.produce(log, orjson.dumps(event), key(event))
    producer.flush(30)
    producer.abort_transaction(30)
    producer.begin_transaction()
    event = call("A009", "committed", 60, START)
    producer.produce(log, orjson.dumps(event), key(event))
    producer.commit_transaction(30)


async def aiokafka_transaction(rater: Rater, log: str) -> None:
    """A transaction over several partitions, in one codec and then in another within one partition."""
    for codec in ("lz4", "gzip"):
        producer = AIOKafkaProducer(
            bootstrap_servers=address(rater), transactional_id=f"{log}-other-{codec}", compression_type=codec
        )
        async with producer, producer.transaction():
            event = call("A010", f"in {codec}".replace(" ", "-"), 60, START)
            await producer.send(log, orjson.dumps(event), key(event))
