"""An exported log into an empty system: each record with its own time, so that what is charged by time is as it was.

The new log has times that its writer says (CreateTime) until the import is done; workers refuse such a log. Then it is
sealed: times are the broker's from there on. Records and how far the file is written are one transaction, so an import
that was killed goes on where it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer

from rater.kafka import admin
from rater.kafka.failstop import Refused
from rater.kafka.log_writer import writer
from rater.kafka.reader import bounds, log_partitions, read_topic, reader
from rater.kafka.settings import Settings
from rater.tools.log_file import LogLine, to_line
from rater.tools.move import OldPlace, moved, renumbered
from rater.tools.rate_file import feed_lines

AT_ONCE = 1_000
"""Lines of a transaction."""
KEY = b"log"
"""Under which the topic `imports` has how far a log was imported: sources of switches have a slash behind theirs."""
TIMES = "message.timestamp.type"


class LogImport(NamedTuple):
    """How far a log was imported."""

    lines: int
    hash: str
    """Of those lines."""
    partitions: int
    """Of the new log."""
    done: bool


async def log_import(settings: Settings) -> LogImport | None:
    """How far a log was imported into this system; None where none ever was."""
    found = None
    async for chunk in read_topic(settings, settings.topic("imports")):
        for record in chunk.records:
            if record.key == KEY and record.value is not None:
                found = LogImport(**orjson.loads(record.value))
    return found


@dataclass(slots=True)
class _Target:
    settings: Settings
    producer: AIOKafkaProducer
    at: LogImport

    async def commit(self, lines: Iterable[LogLine], at: LogImport) -> None:
        """Records and how far the file is written, all or nothing."""
        log = self.settings.topic("calls")
        async with self.producer.transaction():
            sent: list[Any] = []
            for partition, _, record in lines:
                _, timestamp, key, value, headers = record
                sent.append(
                    await self.producer.send(
                        log, value, key, partition=partition, timestamp_ms=max(0, timestamp), headers=list(headers)
                    )
                )
            where = self.settings.topic("imports")
            sent.append(await self.producer.send(where, orjson.dumps(at._asdict()), KEY, partition=0))
        for future in sent:
            await future
        self.at = at


async def import_log(
    settings: Settings, lines: Iterator[LogLine], left_out: set[OldPlace], passed: Callable[[int], None]
) -> LogImport:
    """Write a log's lines, in the order of the file, into the log of these settings, and seal it.

    Raises `Refused` where that log has other records, or another file was being imported.
    """
    async with _opened(settings) as target:
        if target.at.done:
            raise Refused("a log was imported here, and is complete: there is nothing to go on with")
        digest, count = blake2b(digest_size=16), 0
        while some := list(islice(lines, AT_ONCE)):
            for line in some:
                digest.update(to_line(line.partition, line.partitions, line.record))
            before, count = count, count + len(some)
            if count <= target.at.lines:
                _same(digest.hexdigest() if count == target.at.lines else None, target.at)
            else:
                if before < target.at.lines:
                    raise Refused("the import that was begun here was of another file")
                at = LogImport(count, digest.hexdigest(), settings.partitions, done=False)
                await target.commit([one for line in some for one in moved(line, settings.partitions, left_out)], at)
            passed(count)
        if count < target.at.lines:
            raise Refused("the import that was begun here was of another, longer file")
        await target.commit((), target.at._replace(done=True))
    await _stamped(settings, "LogAppendTime")
    return target.at


def _same(digest: str | None, at: LogImport) -> None:
    if digest is not None and digest != at.hash:
        raise Refused("the import that was begun here was of another file")


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[_Target]:
    """The empty log, or the one that an import was killed over. The producer has fenced any other import."""
    partitions = await log_partitions(settings)
    async with writer(settings, transactional_id=f"{settings.full_app_id}.import-log") as producer:
        at = await log_import(settings)
        if at is None:
            await _must_be_empty(settings)
            at = LogImport(0, blake2b(digest_size=16).hexdigest(), partitions, done=False)
        if at.partitions != partitions:
            raise Refused(f"the import was begun into {at.partitions} partitions, and the log has {partitions}")
        if not at.done:
            await _stamped(settings, "CreateTime")
        yield _Target(settings, producer, at)


async def _must_be_empty(settings: Settings) -> None:
    log = settings.topic("calls")
    async with reader(settings, log) as consumer:
        starts, ends = await bounds(consumer, log)
    if any(ends[p] > starts[p] for p in starts):
        raise Refused(f"{log} has records: a log is imported into an empty one; choose another RATER_TOPIC_PREFIX")


async def _stamped(settings: Settings, kind: str) -> None:
    """Whose the times of new records are. Raises `Refused` where the broker does not change it."""
    log, client = settings.topic("calls"), settings.client_options()
    left_out = await admin.alter(client, {log: {TIMES: kind}}, {TIMES})
    found = (await admin.describe(client, [log]))[log].config.get(TIMES)
    if left_out or found != kind:
        raise Refused(f"{log} keeps {TIMES}={found}: the broker does not let it be changed to {kind}")


def accounts_that_differ(lines: Iterable[LogLine], moved_lines: Iterable[LogLine], topic: str) -> list[str]:
    """The accounts whose charges are others in the moved log, by rating both."""
    by_partition = sorted(renumbered(moved_lines), key=lambda line: line.partition)
    before, after = _by_account(lines, topic), _by_account(by_partition, topic)
    return sorted(account for account in {*before, *after} if before.get(account) != after.get(account))


def _by_account(lines: Iterable[LogLine], topic: str) -> dict[str, str]:
    """Account -> a hash of its charges in order."""
    digests: defaultdict[str, Any] = defaultdict(lambda: blake2b(digest_size=16))
    for _, outputs in feed_lines(lines, book=None, bare=False, topic=topic):
        for output in outputs:
            if output.topic == "charges":
                digests[(output.key or b"").decode()].update(output.value or b"")
    return {account: digest.hexdigest() for account, digest in digests.items()}
